"""Times pycircuit beside its opponents: python -m bench [group ...] [--quick] [--threads 1 2] [--compile]."""

from __future__ import annotations

import argparse
import importlib.util

import torch
from rich.console import Console
from rich.table import Table

from bench import lens, matching, modules, nodes, peer, text
from bench.cases import GROUPS, HAND, Options
from bench.timing import Result, check, measure

SIDE_BY_SIDE = {"nodes": nodes.run, "matching": matching.run, "modules": modules.run, "text": text.run}


LIBRARIES = (HAND, peer.NAME, lens.NAME)


def _row(result: Result) -> list[str]:
    our_way, ours = result.best() or ("", float("nan"))
    row = [result.case, str(result.threads), f"{ours:.4f} {our_way}"]
    for library in LIBRARIES:
        best = result.best(library)
        row += [f"{best[1]:.4f} {best[0]}", f"{ours / best[1]:.2f}"] if best else ["", ""]
    return [*row, f"{ours / result.floor:.2f}" if result.floor else ""]


def _evaluation(groups: list[str], threads: list[int], options: Options, console: Console) -> None:
    """Checks and times the cases of the groups, and prints every way's seconds, then one row a case."""
    columns = (column for library in LIBRARIES for column in (f"{library}, s", "ratio"))
    table = Table("case", "threads", "pycircuit, s", *columns, "x products")
    for group in groups:
        workers = [worker for library in (peer, lens) if (worker := library.start(group, options.quick))]
        for case in GROUPS[group](options):
            torch.set_num_threads(max(threads))
            for worker in workers:
                works, failures = worker.next_case(case.name)
                case.theirs.update(works)
                for failure in failures:
                    console.print(f"{case.name}: {worker.library} fails: {failure}", highlight=False)
            check(case)
            for count in threads:
                result = measure(case, count, 2 if options.quick else None)
                ways = {**{f"pycircuit {name}": times for name, times in result.ours.items()}, **result.theirs}
                seconds = ", ".join(f"{name} {times.median:.4f} ({result.seconds(times):.4f})" for name, times in ways.items())
                console.print(f"{case.name}, {count} threads, wall medians (best run): {seconds}", highlight=False, soft_wrap=True)
                table.add_row(*_row(result))
        for worker in workers:
            worker.close()
    console.print(table)


def _side_by_side(groups: list[str], console: Console) -> None:
    """Graph work beside rust_circuit in one process."""
    if not importlib.util.find_spec("rust_circuit"):
        console.print(f"rust_circuit is not installed: {', '.join(groups)} left out")
        return
    table = Table("case", "pycircuit", "rust_circuit", "ratio")
    for group in groups:
        for row in SIDE_BY_SIDE[group]():
            table.add_row(str(row["case"]), f"{row['pycircuit']:.4g}", f"{row['rust_circuit']:.4g}", f"{row['ratio']:.2f}")
    console.print(table)


def main() -> None:
    """Runs the chosen groups, all by default."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join([*GROUPS, *SIDE_BY_SIDE])}; all by default")
    parser.add_argument("--quick", action="store_true", help="smaller cases, two rounds")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: a minute of compilation for each case")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    if unknown := [group for group in options.groups if group not in {**GROUPS, **SIDE_BY_SIDE}]:
        parser.error(f"no group {unknown[0]!r}")
    torch.set_grad_enabled(False)
    console = Console(width=180)
    chosen = options.groups or [*GROUPS, *SIDE_BY_SIDE]
    for library, place in ((peer.NAME, peer.FOLDER), (lens.NAME, lens.PYTHON)):
        if not place.exists():
            console.print(f"{library} is not installed ({place}): left out of the timings of evaluation")
    if evaluated := [group for group in GROUPS if group in chosen]:
        _evaluation(evaluated, options.threads, Options(options.quick, options.compile), console)
    if others := [group for group in SIDE_BY_SIDE if group in chosen]:
        _side_by_side(others, console)


if __name__ == "__main__":
    main()
