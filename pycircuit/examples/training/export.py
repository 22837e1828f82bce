"""Writes the shipped data from what `train_induction` left in its work folder: model, tensor store, tokenizer, token array, scores.

Run it as `python -m pycircuit.examples.training.export --work /tmp/induction [--data pycircuit/examples/data]`.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy
import torch

from .. import torch_reference
from ..induction_candidates import induction_candidates, repeat_statistics
from . import scores
from .model_file import model_text

MODEL_CLASS = "SmallEnglishBeginEndToks"


def score_report(model: torch_reference.Model, tokens: torch.Tensor, candidates: torch.Tensor) -> str:
    """Markdown: scores of every head, and losses on held-out text and repeated tokens with all heads and without some."""
    begin = model.tok_embeds.shape[0] - 1
    repeats = scores.random_repeats(32, 64, begin, seed=1)
    rows = tokens[:256]
    previous = scores.previous_token_scores(model, rows)
    matching = scores.prefix_matching_scores(model, begin=begin)

    def losses(without: list[tuple[int, int]]) -> list[float]:
        copied, _ = scores.mean_losses(model, repeats, without, skip=65)
        return [*scores.mean_losses(model, rows, without, candidates), copied]

    heads = [(layer, head) for layer in range(model.layers) for head in range(model.heads)]
    ind = [head for head in heads if head[0] == 1 and matching[head] > 0.3]
    prev = [head for head in heads if head[0] == 0 and previous[head] > 0.5]
    cases: list[tuple[str, list[tuple[int, int]]]] = [("all heads", [])]
    cases += [(f"without {layer}.{head}", [(layer, head)]) for layer, head in heads]
    cases += [(f"without induction heads {', '.join(f'{a}.{b}' for a, b in ind)}", ind)]
    cases += [(f"without previous-token heads {', '.join(f'{a}.{b}' for a, b in prev)}", prev)]
    lines = [
        "# Scores of every head",
        "",
        "Written by `training/export.py`. Heads are layer.head; a head left out adds nothing to the residual stream. Previous token:",
        "mean attention to the position before, held-out text. Prefix matching: mean attention, on 64 random tokens given twice, from",
        "the second time to the token after the first occurrence. Losses: nats per token on 256 held-out rows, on the candidate tokens",
        "in them, and on the second half of random tokens given twice.",
        "",
        "| | previous token | prefix matching | loss, text | loss, candidates | loss, repeats |",
        "|---|---|---|---|---|---|",
    ]
    for name, without in cases:
        pair = f"{previous[without[0]]:.3f} | {matching[without[0]]:.3f}" if len(without) == 1 and without[0] in heads else " | "
        lines.append(f"| {name} | {pair} | " + " | ".join(f"{loss:.3f}" for loss in losses(without)) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=torch_reference.DATA)
    options = parser.parse_args()
    data: Path = options.data
    data.mkdir(parents=True, exist_ok=True)

    weights = torch.load(options.work / "weights.pt", weights_only=True)
    tokens = torch.load(options.work / "rows.pt", weights_only=True)
    shutil.rmtree(data / "tensors", ignore_errors=True)
    extra = {"tokenizer": "tokenizer.json", "tokens": "tokens.npy"}
    (data / "induction.circ").write_text(model_text(weights, data / "tensors", MODEL_CLASS, extra))
    shutil.copyfile(options.work / "tokenizer.json", data / "tokenizer.json")
    numpy.save(data / "tokens.npy", tokens.to(torch.int16).numpy())

    model = torch_reference.load_model(data / "induction.circ", data / "tensors")
    candidates = induction_candidates(tokens, len(model.tok_embeds))
    statistics = repeat_statistics(tokens, len(model.tok_embeds))
    tokenizer = json.loads((data / "tokenizer.json").read_text())["model"]["vocab"]
    names = {index: name for name, index in tokenizer.items()}
    best = sorted(candidates.nonzero()[:, 0].tolist(), key=lambda i: -statistics.excess[i])
    share = torch_reference.candidate_rate(tokens, candidates)
    report = score_report(model, tokens, candidates)
    report += f"\n{len(best)} candidate tokens, {share:.1%} of the positions; the ones with the largest excess:\n"
    report += " ".join(f"`{names[i]}`" for i in best[:60]) + "\n"
    (data / "scores.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
