"""The main job, causal scrubbing of induction heads: ours against hand-written PyTorch, alternately, on the same samples."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

import pycircuit as rc
from pycircuit.examples import induction_heads, torch_reference

SAMPLES = 128
ROUNDS = 3
CASES = ("unscrubbed", "all three")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run() -> list[dict[str, object]]:
    """Rows: case, wall seconds of both (medians), ratio ours / theirs."""
    inputs = induction_heads.load_inputs()
    circuits = induction_heads.hypotheses(induction_heads.build_loss(inputs))
    model = torch_reference.load_model(induction_heads.DATA / "induction.circ", induction_heads.DATA / "tensors")
    rows = induction_heads.sampled_rows(inputs, SAMPLES, 0)
    sampler = rc.Sampler(rc.RandomSampleSpec((SAMPLES,), seeder=rc.default_hash_seeder(0)))

    def by_hand(case: str) -> torch.Tensor:
        chosen = {case: torch_reference.HYPOTHESES[case]}
        heads = (torch_reference.IND_HEADS, torch_reference.PREV_HEADS)
        return torch_reference.run_hypotheses(model, inputs.tokens, *rows, inputs.candidates, *heads, hypotheses=chosen)[case]

    out = []
    for case in CASES:
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(ROUNDS):
            ours.append(_seconds(lambda case=case: induction_heads.sample_losses(circuits[case], sampler, 32)))
            theirs.append(_seconds(lambda case=case: by_hand(case)))
        medians = statistics.median(ours), statistics.median(theirs)
        out.append({"case": f"{case}, {SAMPLES} samples", "pycircuit": medians[0], "torch": medians[1], "ratio": medians[0] / medians[1]})
    return out


if __name__ == "__main__":
    for row in run():
        print(row)
