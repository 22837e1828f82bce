"""Building many small nodes from Python: ours against rust_circuit, in one process, alternately, and what they take in memory.

Run in processor seconds, which another job on the machine disturbs less than wall time.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
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


def _resident_bytes() -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bytes_per_node(library: ModuleType) -> tuple[float, float]:
    """Growth of this process for each of many nodes held: of a node alone, and of its Python object."""
    _build(library, 1000, "warm")
    before = _resident_bytes()
    # Chains below one node, so that a single object can hold all nodes.
    ends, nodes = [], []
    for chain in range(COUNT // 2000):
        end = library.Scalar(0.5, (3,), "start")
        for i in range(1000):
            leaf = library.Scalar(float(1000 * chain + i), (3,), "leaf")
            end = library.Add(leaf, end, name="sum")
            nodes += [leaf, end]
        ends.append(end)
    count = len(nodes)
    with_objects = _resident_bytes() - sys.getsizeof(nodes)
    root = library.Add(*ends, name="root")
    del ends, end, leaf
    nodes.clear()
    alone = _resident_bytes()
    assert root.num_children == COUNT // 2000
    return (alone - before) / count, (with_objects - alone) / count


def _memory_rows() -> list[dict[str, object]]:
    sizes = {}
    for name in ("pycircuit", "rust_circuit"):
        code = f"from bench import nodes; nodes.print_bytes_per_node({name!r})"
        output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        sizes[name] = [float(word) for word in output.split()]
    rows = []
    for i, case in enumerate(("bytes of a small node", "bytes of its Python object")):
        ours, theirs = (sizes[name][i] for name in ("pycircuit", "rust_circuit"))
        rows.append({"case": case, "pycircuit": ours, "rust_circuit": theirs, "ratio": ours / theirs})
    return rows


def print_bytes_per_node(library: str) -> None:
    """For a process of its own."""
    print(*bytes_per_node(importlib.import_module(library)))


def run() -> list[dict[str, object]]:
    """Rows: case, processor seconds (medians) or bytes of each library, ratio ours / theirs."""
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
    return rows + _memory_rows()


if __name__ == "__main__":
    for row in run():
        print(row)
