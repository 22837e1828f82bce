"""Runs every comparison and prints medians and ratios (below 1: pycircuit is faster)."""

from __future__ import annotations

import importlib.util

from rich.console import Console
from rich.table import Table

from bench import matching, nodes, scrubbing, text


def main() -> None:
    """Prints one table for all cases."""
    rows = list(scrubbing.run())
    if importlib.util.find_spec("rust_circuit"):
        rows += nodes.run() + matching.run() + text.run()
    else:
        print("rust_circuit is not installed: its cases are left out")
    table = Table("case", "pycircuit, s", "other", "other, s", "ratio")
    for row in rows:
        other = next(key for key in row if key not in ("case", "pycircuit", "ratio"))
        table.add_row(str(row["case"]), f"{row['pycircuit']:.3f}", other, f"{row[other]:.3f}", f"{row['ratio']:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
