"""Building many small nodes from Python: ours against rust_circuit, in one process, alternately.

Run in processor seconds, which another job on the machine disturbs less than wall time.
"""

from __future__ import annotations

import statistics
import time
from types import ModuleType

COUNT = 200_000
ROUNDS = 3


def _build(library: ModuleType, count: int, tag: str) -> list:
    shared = library.Scalar(2.0, (3,), "shared")
    return [library.Add(library.Scalar(float(i), (3,), tag), shared, name="sum") for i in range(count // 2)]


def _seconds(library: ModuleType, tag: str) -> tuple[float, float]:
    start = time.process_time()
    alive = _build(library, COUNT, tag)
    built = time.process_time()
    again = _build(library, COUNT, tag)
    end = time.process_time()
    assert again[7] == alive[7]
    return built - start, end - built


def run() -> list[dict[str, object]]:
    """Rows: case, processor seconds of each library (medians), ratio ours / theirs."""
    import rust_circuit

    import pycircuit

    seconds: dict[str, list[tuple[float, float]]] = {"pycircuit": [], "rust_circuit": []}
    for round_number in range(ROUNDS):
        for library in (pycircuit, rust_circuit):
            seconds[library.__name__].append(_seconds(library, f"n{round_number}"))
    rows = []
    for i, case in enumerate((f"build {COUNT} small nodes", "build them again")):
        ours, theirs = (statistics.median(pair[i] for pair in seconds[name]) for name in ("pycircuit", "rust_circuit"))
        rows.append({"case": case, "pycircuit": ours, "rust_circuit": theirs, "ratio": ours / theirs})
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
