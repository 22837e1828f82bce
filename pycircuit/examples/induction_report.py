"""The report of the induction-head experiment: a table, the same as CSV and JSON, a bar chart, and a page of the scrubbed circuits."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich.console import Console
from rich.table import Table

import pycircuit as rc

if TYPE_CHECKING:
    from pycircuit.examples.induction_heads import Result

SHOWN_CANDIDATES = 24
COLUMNS = ("hypothesis", "loss", "loss_std_err", "recovered_percent", "recovered_std_err", "samples")
FROM_ORIGINAL, FROM_OTHER, FROM_BOTH = "cyan", "red", "purple"


def show_candidates(tokens: torch.Tensor, candidates: torch.Tensor, tokenizer_file: Path) -> None:
    """Prints how many tokens are candidates and the most frequent of them; tokens int64 [rows, seq], candidates bool [vocab]."""
    counts = torch.bincount(tokens.flatten().cpu(), minlength=len(candidates)) * candidates
    most = counts.argsort(descending=True)[:SHOWN_CANDIDATES].tolist()
    words = [repr(word) for word in _decode(most, tokenizer_file)]
    share = counts.sum().item() / tokens.numel()
    print(f"{int(candidates.sum())} of {len(candidates)} tokens are induction candidates, {share:.1%} of the text")
    print(f"most frequent: {' '.join(words)}")


def _decode(numbers: Sequence[int], tokenizer_file: Path) -> list[str]:
    try:
        from tokenizers import Tokenizer
    except ImportError:  # an optional dependency: the numbers do as well
        return [str(number) for number in numbers]
    if not tokenizer_file.is_file():
        raise FileNotFoundError(f"tokenizer file {tokenizer_file} does not exist")
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    return [tokenizer.decode([number]) for number in numbers]


def _rows(results: Sequence[Result]) -> list[dict[str, object]]:
    return [
        dict(
            zip(
                COLUMNS,
                (r.name, r.loss.mean, r.loss.std_err, r.recovered.mean, r.recovered.std_err, r.loss.n),
                strict=True,
            )
        )
        for r in results
    ]


def _print_table(results: Sequence[Result], seed: int) -> None:
    table = Table(title=f"Induction heads, causal scrubbing ({results[0].loss.n} samples, seed {seed}, {results[0].seconds:.1f} s)")
    table.add_column("hypothesis")
    for heading in ("loss, nats per candidate", "loss recovered"):
        table.add_column(heading, justify="right")
    for r in results:
        table.add_row(
            r.name,
            f"{r.loss.mean:.4f} ± {r.loss.std_err:.4f}",
            f"{r.recovered.mean:.1f} % ± {r.recovered.std_err:.1f}",
        )
    Console().print(table)


def _draw_chart(results: Sequence[Result], path: Path) -> None:
    try:
        import matplotlib
    except ImportError:
        print(f"matplotlib is not installed: {path.name} is not drawn")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [r for r in results if r.recovered.mean > -100]  # the model on other text is far off the scale
    figure, axes = pyplot.subplots(figsize=(9, 0.5 * len(shown) + 1.2), layout="constrained")
    axes.barh(
        [r.name for r in shown], [r.recovered.mean for r in shown], xerr=[r.recovered.std_err for r in shown], color="#4c78a8", capsize=3
    )
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvline(100, color="black", linewidth=0.8, linestyle="dotted")
    axes.set_xlabel("loss recovered, percent (bars: one standard error, paired)")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def source_colorer(original: str, other: str) -> Callable[[rc.Circuit], str | None]:
    """Colours of nodes by the tokens they depend on: cyan the original, red the other ones, purple both."""
    on_original, on_other = rc.Matcher(original).any_found(), rc.Matcher(other).any_found()

    def color(circuit: rc.Circuit) -> str | None:
        found = (on_original.are_any_found(circuit), on_other.are_any_found(circuit))
        return {(True, True): FROM_BOTH, (True, False): FROM_ORIGINAL, (False, True): FROM_OTHER}.get(found)

    return color


def _draw_circuits(results: Sequence[Result], path: Path) -> None:
    from pycircuit.examples.induction_heads import ORIGINAL, OTHER

    options = rc.PrintHtmlOptions(
        colorer=source_colorer(ORIGINAL, OTHER),
        traversal=rc.new_traversal(end_depth=2),
        overall_traversal=rc.new_traversal(term_early_at=rc.Matcher("ln") | rc.DiscreteVar),
        comment_arg_names=True,
    )
    title = "Scrubbed circuits: cyan reads the original tokens, red the other ones, purple both"
    rc.html_page([r.circuit.rename(r.name) for r in results], path, options, title)


def write(results: Sequence[Result], folder: Path, seed: int, samples: int) -> None:
    """Prints the table and writes results.csv, results.json, recovered.png and circuits.html into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = _rows(results)
    with open(folder / "results.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    versions = {"python": platform.python_version(), "torch": torch.__version__, "pycircuit": rc.__version__}
    content = {"seed": seed, "samples": samples, "seconds": round(results[0].seconds, 3), "versions": versions, "results": rows}
    (folder / "results.json").write_text(json.dumps(content, indent=2) + "\n")
    _draw_chart(results, folder / "recovered.png")
    _draw_circuits(results, folder / "circuits.html")
    _print_table(results, seed)
    print(f"written to {folder}: results.csv, results.json, recovered.png, circuits.html")
