"""Alternate timing of several ways to compute one thing, beside the time of its matrix products alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

TOLERANCE = 1e-4  # of what the ways compute, relative to the largest value

Work = Callable[[], torch.Tensor]


@dataclass(frozen=True)
class Products:
    """`count` times `batch` products [rows, inner] x [inner, columns]."""

    count: float
    batch: int
    rows: int
    inner: int
    columns: int


@dataclass
class Case:
    """One computation: our ways by name; theirs by library and name, the first being the reference; the products of the floor."""

    name: str
    ours: dict[str, Work]
    theirs: dict[str, Work]
    products: Sequence[Products] = ()
    rounds: int = 5


@dataclass
class Times:
    """Seconds of each run."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def add(self, work: Work) -> torch.Tensor:
        wall, processor = time.perf_counter(), time.process_time()
        value = work()
        seconds = (time.perf_counter() - wall, time.process_time() - processor)
        wall, processor = getattr(work, "seconds", seconds)  # another process measures itself
        self.wall.append(wall)
        self.processor.append(processor)
        return value

    @property
    def median(self) -> float:
        """Wall seconds."""
        return statistics.median(self.wall)


@dataclass(frozen=True)
class Result:
    """What was measured of a case at a number of threads."""

    case: str
    threads: int
    ours: dict[str, Times]
    theirs: dict[str, Times]
    floor: float

    def seconds(self, times: Times) -> float:
        """The best run, which other jobs disturb least: processor seconds on one thread, wall seconds on several."""
        return min(times.processor if self.threads == 1 else times.wall)

    def best(self, library: str = "") -> tuple[str, float] | None:
        """The fastest way of a library (ours by default) and its seconds."""
        ways = {name.removeprefix(library + " "): times for name, times in self.theirs.items() if name.startswith(library + " ")}
        seconds = {name: self.seconds(times) for name, times in (ways if library else self.ours).items()}
        return min(seconds.items(), key=lambda pair: pair[1], default=None)


def floor_seconds(products: Sequence[Products], repeats: int = 3) -> float:
    """Wall seconds of the matrix products alone, each shape timed by itself; processor seconds on one thread."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    total = 0.0
    for p in products:
        x, y, out = torch.randn(p.batch, p.rows, p.inner), torch.randn(p.batch, p.inner, p.columns), torch.empty(p.batch, p.rows, p.columns)
        best = float("inf")
        for _ in range(repeats):
            start = clock()
            torch.bmm(x, y, out=out)
            best = min(best, clock() - start)
        total += p.count * best
    return total


def check(case: Case) -> None:
    """Runs every way once; RuntimeError where one does not compute what the reference does."""
    reference = next(iter(case.theirs.values()))() if case.theirs else None
    for name, work in [*case.theirs.items(), *case.ours.items()]:
        value = work()
        if reference is None:
            continue
        if value.shape != reference.shape:
            raise RuntimeError(f"{case.name}: {name} gives shape {tuple(value.shape)}, the reference {tuple(reference.shape)}")
        difference = (value - reference).abs().max() / reference.abs().max().clamp(min=1e-30)
        if not difference <= TOLERANCE:
            raise RuntimeError(f"{case.name}: {name} differs from the reference by {difference:.1e} of the largest value")


def measure(case: Case, threads: int, rounds: int | None = None) -> Result:
    """Times all ways of a checked case, one after the other in each round."""
    torch.set_num_threads(threads)
    result = Result(case.name, threads, {n: Times() for n in case.ours}, {n: Times() for n in case.theirs}, floor_seconds(case.products))
    for _ in range(rounds or case.rounds):
        for ways, times in ((case.ours, result.ours), (case.theirs, result.theirs)):
            for name, work in ways.items():
                times[name].add(work)
    return result


def side_by_side(case: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> dict[str, object]:
    """A row: the medians of what both say they took, in seconds, each round one after the other, and their ratio."""
    seconds = [(ours(), theirs()) for _ in range(rounds)]
    pycircuit_seconds, rust_circuit_seconds = (statistics.median(pair[i] for pair in seconds) for i in (0, 1))
    ratio = pycircuit_seconds / rust_circuit_seconds
    return {"case": case, "pycircuit": pycircuit_seconds, "rust_circuit": rust_circuit_seconds, "ratio": ratio}
