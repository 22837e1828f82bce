"""Small Python helpers: index makers, checks, timing, `FrozenDict` (spec 14, section 11)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Generic, Never, NoReturn, Self, TypeVar

import torch

from pycircuit import TorchAxisIndex

KT = TypeVar("KT")
VT = TypeVar("VT")
T = TypeVar("T")

TorchIndex = int | slice | torch.Tensor | tuple[TorchAxisIndex, ...]


class Indexer:
    """`I[1:, 0]` is the tuple of index elements `(slice(1, None), 0)`; always a tuple (spec 14, section 11)."""

    def __getitem__(self, index: TorchIndex) -> tuple[TorchAxisIndex, ...]:
        return index if isinstance(index, tuple) else (index,)


class Slicer:
    """`S[1:]` is `slice(1, None)`; anything but one slice fails the check (spec 14, section 11)."""

    def __getitem__(self, index: slice) -> slice:
        check(isinstance(index, slice), f"expected a slice, got {index!r}")
        return index


I = Indexer()  # noqa: E741
S = Slicer()


def check(condition: bool, message: str) -> None:
    """Raise `AssertionError(message)` unless the condition holds, also under `python -O`."""
    if not condition:
        raise AssertionError(message)


def get_slice_list(n: int) -> list[slice]:
    """The list of n full slices (spec 14, section 11)."""
    return [slice(None)] * n


def to_axis_index(idx: TorchIndex) -> TorchAxisIndex:
    """The only element of a tuple, or `idx` itself; a tuple of another length fails the check (spec 14, section 11)."""
    if not isinstance(idx, tuple):
        return idx
    check(len(idx) == 1, f"expected an index of one axis, got {idx!r}")
    return idx[0]


def make_index_at(index: TorchIndex, at: int) -> tuple[TorchAxisIndex, ...]:
    """The index tuple that applies `index` to axis `at` and leaves the axes before it alone (spec 14, section 11)."""
    return make_index_at_many({at: index})


def make_index_at_many(at_idx: Mapping[int, TorchIndex]) -> tuple[TorchAxisIndex, ...]:
    """The index tuple, up to the last given axis, with the given indices at their axes; empty for no axes (spec 14, section 11)."""
    check(all(at >= 0 for at in at_idx), f"axes must not be negative, got {list(at_idx)}")
    result: list[TorchAxisIndex] = [*get_slice_list(max(at_idx, default=-1) + 1)]
    for at, index in at_idx.items():
        result[at] = to_axis_index(index)
    return tuple(result)


def assert_never(x: Never) -> NoReturn:
    """Raise `AssertionError` for a value that no branch handles (spec 14, section 11)."""
    raise AssertionError(f"Invalid value: {x!r}")


def check_cast(cls: type[T], c: Any, exception: type[Exception] = TypeError) -> T:
    """`c` if it is an instance of `cls`; otherwise raises `exception` with both types (spec 14, section 11)."""
    if not isinstance(c, cls):
        raise exception(f"expected {cls.__name__}, got {type(c).__name__}: {c!r}")
    return c


class timed:
    """Context manager that measures seconds into `.time` and `.readout`, and prints the readout (spec 14, section 11)."""

    def __init__(self, name: str, min_to_print: float | None = None, extra_print: str | None = None):
        self.name = name
        self.min_to_print = min_to_print
        self.extra_print = extra_print

    def __enter__(self) -> Self:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.time = time.perf_counter() - self._start
        self.readout = f"{self.name} took {self.time:.4f}"
        if self.min_to_print is None or self.min_to_print < self.time:
            print(self.readout if self.extra_print is None else f"{self.readout} {self.extra_print}")


class FrozenDict(dict, Generic[KT, VT]):
    """Hashable immutable dict; equal to FrozenDicts with equal items only, in any order (spec 14, section 11)."""

    __slots__ = ("_cached_hash",)
    _cached_hash: int | None

    def __hash__(self) -> int:  # type: ignore[override]
        cached = getattr(self, "_cached_hash", None)
        if cached is None:
            cached = self._cached_hash = hash(frozenset(self.items()))
        return cached

    def clear_cache(self) -> None:
        """Forget the cached hash."""
        self._cached_hash = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenDict) and dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return f"FrozenDict({dict.__repr__(self)})"

    def __reduce__(self) -> tuple[type, tuple[dict]]:
        return (type(self), (dict(self),))

    def copy(self) -> FrozenDict[KT, VT]:
        return self

    def __copy__(self) -> FrozenDict[KT, VT]:
        return self

    def _reject(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a FrozenDict cannot be changed; build a new one from dict(frozen)")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _reject  # type: ignore[assignment]
