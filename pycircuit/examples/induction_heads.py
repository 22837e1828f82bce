"""Causal scrubbing of induction heads: how much of what they do for the loss survives when parts of their input come from other text?

    python -m pycircuit.examples.induction_heads [--samples 1024] [--seed 0] [--check] [--output results/induction_heads]

The model is a two-layer attention-only transformer trained on English text (`data/README.md`). Its induction heads should find an earlier
occurrence of the current token and predict what followed it. The claim, in three parts: their **values** read the token embeddings, their
**queries** read the token embeddings, and their **keys** read what the previous-token head of layer 0 wrote. Each part is tested by giving
everything else that the induction heads read there the activations of another, random text.
"""

from __future__ import annotations

import argparse
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import pycircuit as rc
from pycircuit.causal_scrubbing.hypotheses import estimate_many
from pycircuit.causal_scrubbing.statistics import Estimate, estimate
from pycircuit.examples import induction_report, torch_reference
from pycircuit.examples.induction_candidates import induction_candidates
from pycircuit.model_rewrites import To, configure_transformer
from pycircuit.module_library import TransformerInfo, load_transformer_model_string, negative_log_likelyhood
from pycircuit.py_utils import I

DATA = Path(__file__).parent / "data"
IND_HEADS, PREV_HEADS = torch_reference.IND_HEADS, torch_reference.PREV_HEADS

# Two independent variables over the same rows. Fixed UUIDs: `--seed` alone reproduces every number.
ORIGINAL, OTHER = "tokens_original", "tokens_other"
GROUP_UUIDS = {ORIGINAL: uuid.UUID("7b7a3c86-11b0-4d2c-9a43-6f1f2b1d0c01"), OTHER: uuid.UUID("7b7a3c86-11b0-4d2c-9a43-6f1f2b1d0c02")}

IND, PREV = "a1.ind", "b0.a.keep.prev_sum"
UNSCRUBBED, BASELINE = "unscrubbed", "baseline: induction heads on the other input"


@dataclass(frozen=True)
class Inputs:
    """What the experiment reads: model circuits, tokens int64 [rows, seq + 1], mask of candidate tokens bool [vocab]."""

    model: dict[str, rc.Circuit]
    info: TransformerInfo
    tokens: torch.Tensor
    candidates: torch.Tensor


@dataclass(frozen=True)
class Result:
    """One hypothesis: its scrubbed circuit, the loss of every sample float32 [samples], and what follows from it.

    `seconds`: of all hypotheses together, which share what they have in common.
    """

    name: str
    circuit: rc.Circuit
    losses: torch.Tensor
    loss: Estimate
    recovered: Estimate
    seconds: float


def load_inputs(data: Path = DATA, device: str = "cpu") -> Inputs:
    """Model, tokens and candidate tokens; a file that is missing or broken is named by the error."""
    circ_file, token_file = data / "induction.circ", data / "tokens.npy"
    if not circ_file.is_file():
        raise FileNotFoundError(f"no model file {circ_file}; --data must name a folder with induction.circ, tensors/ and tokens.npy")
    try:
        model, _, info = load_transformer_model_string(circ_file.read_text(), tensor_dir=data / "tensors")
    except (RuntimeError, ValueError, AssertionError) as error:
        raise RuntimeError(f"model file {circ_file} cannot be loaded: {error}") from error
    try:
        tokens = torch.from_numpy(np.load(token_file)).long()
    except (OSError, ValueError, EOFError) as error:
        raise RuntimeError(f"token array {token_file} cannot be read: {error}") from error
    # Weights are cast before they are bound, so that token numbers stay integers.
    dtype = rc.TorchDeviceDtypeOp(device, "float32")
    model = {name: rc.cast_circuit(model[name], dtype) for name in ("t.bind_w", "t.w.tok_embeds", "t.w.pos_embeds")}
    return Inputs(model, info, tokens.to(device), induction_candidates(tokens, model["t.w.tok_embeds"].shape[0]))


def token_variable(name: str, tokens: torch.Tensor) -> rc.DiscreteVar:
    """A random row of tokens [rows, seq + 1], independent of the other variable."""
    rows = len(tokens)
    group = rc.Tag(rc.Scalar(1 / rows, (rows,)), GROUP_UUIDS[name], f"{name}.group")
    return rc.DiscreteVar(rc.Array(tokens, "tokens"), group, name)


def build_loss(inputs: Inputs) -> rc.Circuit:
    """The loss of one random row: mean over positions of the negative log likelihood at candidate tokens; shape ()."""
    tokens = token_variable(ORIGINAL, inputs.tokens)
    read = tokens.index(I[:-1], name="tokens.read")
    label = tokens.index(I[1:], name="tokens.label")
    embeds = rc.GeneralFunction.gen_index(inputs.model["t.w.tok_embeds"], read, index_dim=0, name="t.embeds")
    logits = inputs.info.bind_to_input(inputs.model["t.bind_w"], embeds, inputs.model["t.w.pos_embeds"])
    nll = rc.module_new_bind(negative_log_likelyhood.body, ("ll.input", logits), ("ll.label", label), name="nll.call")
    is_candidate = rc.Array(inputs.candidates.to(inputs.tokens.device, torch.float32), "is_candidate")
    counted = rc.GeneralFunction.gen_index(is_candidate, read, index_dim=0, name="counted")
    return rc.Einsum.from_einsum_string("s,s->s", nll, counted, name="candidate_loss").mean(name="loss", scalar_name="one_over_seq")


def split_heads(loss: rc.Circuit) -> rc.Circuit:
    """The loss with previous-token heads and induction heads as nodes of their own, and their inputs as separate paths."""
    heads = loss.get_unique("a0.w.q_arr").shape[0]

    def groups(chosen: tuple[int, ...], name: str) -> list[tuple[rc.TorchAxisIndex, str]]:
        rest = [head for head in range(heads) if head not in chosen]
        return [(torch.tensor(chosen), name), (torch.tensor(rest), f"not_{name}")]

    config = {0: groups(PREV_HEADS, "prev"), 1: groups(IND_HEADS, "ind")}
    loss = loss.update(
        "t.bind_w",
        lambda model: configure_transformer(
            model, To.ATTN_HEAD_MLP_NORM, split_by_head_config=config, use_pull_up_head_split=True, check_valid=True
        ),
    )
    loss = loss.update("t.bind_w", lambda model: model.rename("logits"))
    loss = rc.conform_all_modules(loss)
    # Inside a module the input is one symbol. Substituting the three modules around the induction heads makes each use a path of its own.
    for hiding in ("a1.keep.ind_sum.norm_call", "b1.a.keep.ind_sum", "t.call"):
        loss = loss.update(hiding, lambda module: module.cast_module().substitute(), assert_any_found=True)
    return loss


def input_path(symbol: str) -> rc.IterativeMatcher:
    """Matches what the induction heads read as `a.q.input`, `a.k.input` or `a.v.input`."""
    return rc.Matcher(IND).spec_circuit_matcher().module_arg_matcher(symbol)


def split_previous_head(head: rc.Circuit, seq: int) -> rc.Circuit:
    """The previous-token head as a sum: what it moves from exactly the position before, and the rest of its pattern."""
    one_before = torch.ones(seq - 1, device=head.device).diag(-1)
    masks = {"prev": rc.Array(one_before, "one_before"), "rest": rc.Array(1 - one_before, "not_one_before")}

    def split_pattern(pattern: rc.Circuit) -> rc.Circuit:
        parts = [rc.Einsum.from_einsum_string("hqk,qk->hqk", pattern, mask, name=f"a.attn_probs.{part}") for part, mask in masks.items()]
        return rc.Add(*parts, name="a.attn_probs.split")

    def over_parts(einsum: rc.Circuit) -> rc.Circuit:
        terms = rc.distribute(einsum.cast_einsum(), 0, rc.traverse_until_depth(1)).children
        return rc.Add(*(term.rename(f"{einsum.name}.{part}") for term, part in zip(terms, masks, strict=True)), name=f"{einsum.name}.split")

    head = head.update("a.attn_probs", split_pattern, assert_any_found=True)
    head = head.update("a.comb_v", over_parts, assert_any_found=True)
    head = head.update("a.head", over_parts, assert_any_found=True)
    # The parts are inside the modules that bind weights and input; pushed below the sum, the modules leave each part a path to the tokens.
    summed = rc.ModulePusher().push_down_modules(head, rc.new_traversal(term_early_at={f"a.head.{part}" for part in masks}))
    parts = rc.distribute(summed.cast_einsum(), 0, rc.traverse_until_depth(1)).children
    return rc.Add(*(term.rename(f"{PREV}.{part}") for term, part in zip(parts, masks, strict=True)), name=PREV)


def scrub(circuit: rc.Circuit, *paths: rc.IterativeMatcher) -> rc.Circuit:
    """The circuit with the other tokens at every place that a path matcher finds."""
    original = circuit.get_unique(ORIGINAL).cast_discrete_var()
    other = token_variable(OTHER, original.values.cast_array().value)
    for path in paths:
        circuit = circuit.update(path, lambda _: other, assert_any_found=True)
    return circuit


def hypotheses(loss: rc.Circuit) -> dict[str, rc.Circuit]:
    """Every scrubbed loss by name; `loss` as `build_loss` makes it."""
    model = split_heads(loss)
    seq = loss.get_unique("candidate_loss").shape[0]
    finer = model.update(input_path("a.k.input").chain(PREV), lambda head: split_previous_head(head, seq), assert_any_found=True)

    to_value = input_path("a.v.input").chain("b0.a").chain(ORIGINAL)
    to_query = input_path("a.q.input").chain("b0.a").chain(ORIGINAL)
    to_key = input_path("a.k.input").chain(rc.restrict(ORIGINAL, term_early_at=PREV))
    to_key_amended = input_path("a.k.input").chain("b0.a.keep.not_prev_sum").chain(ORIGINAL)
    to_key_finer = input_path("a.k.input").chain(rc.restrict(ORIGINAL, term_early_at=f"{PREV}.prev"))
    return {
        UNSCRUBBED: model,
        "whole model on the other input": scrub(loss, rc.Matcher("t.call").chain(ORIGINAL)),
        BASELINE: scrub(model, rc.Matcher(IND).chain(ORIGINAL)),
        "embeddings to value": scrub(model, to_value),
        "embeddings to query": scrub(model, to_query),
        "previous-token head to key": scrub(model, to_key),
        "all three": scrub(model, to_value, to_query, to_key),
        "previous position to key": scrub(finer, to_key_finer),
        "all three, previous position only": scrub(finer, to_value, to_query, to_key_finer),
        "previous-token head and embeddings to key": scrub(model, to_key_amended),
        "all three, and embeddings to key": scrub(model, to_value, to_query, to_key_amended),
    }


def sampler_of(samples: int, seed: int) -> rc.Sampler:
    """Pairs of rows; `seed` alone fixes which."""
    return rc.Sampler(rc.RandomSampleSpec((samples,), seeder=rc.default_hash_seeder(seed)))


def run(inputs: Inputs, samples: int, batch_size: int, seed: int) -> list[Result]:
    """Samples every hypothesis on the same rows, all in one evaluation; losses are per candidate position, in nats."""
    circuits = hypotheses(build_loss(inputs))
    estimates = estimate_many(circuits, sampler_of(samples, seed), batch_size=batch_size)
    rate = torch_reference.candidate_rate(inputs.tokens.cpu(), inputs.candidates)
    return [
        Result(
            name=name,
            circuit=circuits[name],
            losses=losses.cpu() / rate,
            loss=estimate(losses.cpu() / rate),
            recovered=estimates.loss_recovered(name, UNSCRUBBED, BASELINE),
            seconds=estimates.seconds,
        )
        for name, losses in estimates.items()
    ]


def sampled_rows(inputs: Inputs, samples: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The row numbers [samples] that the sampler draws for the original and the other tokens."""
    sampler = sampler_of(samples, seed)
    numbers = rc.Array(torch.arange(len(inputs.tokens)), "row_numbers")
    groups = (token_variable(name, inputs.tokens).probs_and_group for name in (ORIGINAL, OTHER))
    original, other = (sampler.sample(rc.DiscreteVar(numbers, group)).evaluate() for group in groups)
    return original, other


def check(inputs: Inputs, results: list[Result], samples: int, seed: int, tolerance: float = 1e-4) -> float:
    """The largest difference of a sample from the plain-PyTorch recomputation; RuntimeError if it is more than `tolerance`."""
    model = torch_reference.load_model(DATA / "induction.circ", DATA / "tensors")
    tokens = inputs.tokens.cpu()
    rows = sampled_rows(inputs, samples, seed)
    reference = torch_reference.run_hypotheses(model, tokens, *rows, inputs.candidates, IND_HEADS, PREV_HEADS)
    rate = torch_reference.candidate_rate(tokens, inputs.candidates)
    differences = {result.name: (result.losses - reference[result.name] / rate).abs().max().item() for result in results}
    for name, difference in differences.items():
        if not difference <= tolerance:
            raise RuntimeError(f"check failed: {name!r} differs from plain PyTorch by {difference:.2e}, more than {tolerance}")
    return max(differences.values())


def main(arguments: list[str] | None = None) -> None:
    """Runs the experiment and writes its report."""
    parser = argparse.ArgumentParser(prog="python -m pycircuit.examples.induction_heads", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0, ...")
    parser.add_argument("--samples", type=int, default=1024, help="pairs of rows per hypothesis")
    parser.add_argument("--batch-size", type=int, default=32, help="samples in memory at a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with induction.circ, tensors/ and tokens.npy")
    parser.add_argument("--output", type=Path, default=Path("results/induction_heads"), help="folder for table, chart and page")
    parser.add_argument("--check", action="store_true", help="compare every number with a plain PyTorch implementation")
    options = parser.parse_args(arguments)
    if options.samples < 2 or options.batch_size < 1:
        parser.error("--samples must be at least 2 and --batch-size at least 1")

    inputs = load_inputs(options.data, options.device)
    induction_report.show_candidates(inputs.tokens, inputs.candidates, options.data / "tokenizer.json")
    results = run(inputs, options.samples, options.batch_size, options.seed)
    induction_report.write(results, options.output, seed=options.seed, samples=options.samples)
    if options.check:
        worst = check(inputs, results, options.samples, options.seed)
        print(f"check passed: no sample differs from plain PyTorch by more than {worst:.1e}")


if __name__ == "__main__":
    main()
