"""Sweeps: one circuit with a node, or one index of it, replaced, for each of many (ablation and activation patching over a grid of places).

    rc.sweep(loss, {layer: f"a{layer}.heads" for layer in range(12)}, rc.zero_ablation(), node_dim="layer", axes={"head": 0})

All variants are evaluated as one list, so that what they share is computed once (spec 12, sections 3 and 15), within the memory budget of
the settings. Variants that replace different indices of one node are stacked along a new axis where that is faster (spec 08, section 8).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

import pycircuit as rc
from pycircuit._sweep_variants import Positions, Replacing, Site
from pycircuit.causal_scrubbing.hypotheses import as_sampler
from pycircuit.causal_scrubbing.statistics import Estimate, estimate

if TYPE_CHECKING:
    import pandas

Label = Hashable
ReplacementIn = rc.Circuit | torch.Tensor | float | Callable[[rc.Circuit], rc.Circuit]
AxisIn = int | tuple[int, Sequence[int]]

_REPLACEMENT_DIM = "replacement"
# Stacked variants save calls but leave the caches: on a CPU they pay while the largest changed node stays below this many bytes.
_STACKED_BYTES = {"cpu": 1 << 25, "cuda": 1 << 28}


def zero_ablation() -> Callable[[rc.Circuit], rc.Circuit]:
    """A replacement by zeros."""
    return lambda node: rc.Scalar(0.0, node.shape, "zero")


def mean_ablation(
    axis: int | Sequence[int] | None = None, of: rc.Circuit | torch.Tensor | None = None
) -> Callable[[rc.Circuit], rc.Circuit]:
    """A replacement by the node's mean over an axis (several: over all of them), the same at each of its positions.

    Axes count from the end, so that batch axes put in front do not matter: give negative ones. Without axis, the mean of a random node over
    all rows of its variables; a constant node without axis is a `ValueError`. `of`: the mean of this instead of the node's own.
    """

    def mean(node: rc.Circuit) -> rc.Circuit:
        source = node if of is None else of if isinstance(of, rc.Circuit) else rc.Array(of)
        if axis is not None:
            axes = (axis,) if isinstance(axis, int) else tuple(axis)
            averaged: rc.Circuit = source.mean(axis=axes)
            for at in sorted(each % source.rank for each in axes):
                averaged = averaged.unsqueeze(at)
            return averaged
        if source.is_constant:
            raise ValueError(f"the mean of {source.op_name!r} {list(source.shape)} needs an axis: it depends on no random variable")
        every_row = rc.Sampler(rc.RunDiscreteVarAllSpec.create_full_from_circuits(source))
        return every_row.estimate(rc.Cumulant(source))

    return mean


def patch_from(other: rc.Circuit) -> Callable[[rc.Circuit], rc.Circuit]:
    """A replacement by the same node of another circuit: the one that the site's matcher finds there (activation patching, resampling).

    `other` is usually the same circuit on another input, or on another random variable. No or several matches: `RuntimeError`.
    """
    return _PatchFrom(other)


@dataclass(frozen=True)
class _PatchFrom:
    other: rc.Circuit

    def __call__(self, node: rc.Circuit) -> rc.Circuit:
        raise TypeError("patch_from is for sweeps, which know where the node is")

    def at(self, matcher: rc.IterativeMatcherIn) -> Replacing:
        site = Site(self.other, matcher, lambda node: node, ())
        return lambda node: site.only_node


@dataclass(frozen=True)
class SweepResult:
    """Values of all variants by named coordinates.

    `dims`: the names of the grid's axes, in order; `coords`: the labels along each. `values`: [*grid, *samples, *shape of the circuit];
    `baseline`: [*samples, *shape], the circuit as it was. `num_sample_axes`: how many axes are samples, the same ones for all variants.
    """

    dims: tuple[str, ...]
    coords: Mapping[str, tuple[Label, ...]]
    values: torch.Tensor
    baseline: torch.Tensor
    num_sample_axes: int

    @property
    def grid(self) -> tuple[int, ...]:
        """The number of labels along each dimension."""
        return tuple(len(self.coords[dim]) for dim in self.dims)

    @property
    def num_samples(self) -> int:
        """Samples of each variant; 1 where nothing is sampled."""
        return self.baseline.shape[: self.num_sample_axes].numel()

    def sel(self, **labels: Label) -> torch.Tensor:
        """The values at one label of some dimensions; the others stay, in order. Unknown dimension or label: `KeyError`."""
        for dim in labels:
            if dim not in self.coords:
                raise KeyError(f"no dimension {dim!r}; there are {list(self.dims)}")
        index: list[int | slice] = []
        for dim in self.dims:
            if dim not in labels:
                index.append(slice(None))
            elif labels[dim] in self.coords[dim]:
                index.append(self.coords[dim].index(labels[dim]))
            else:
                raise KeyError(f"no {dim} {labels[dim]!r}; there are {list(self.coords[dim])}")
        return self.values[tuple(index)]

    def to_tensor(self) -> torch.Tensor:
        """Means over samples, [*grid, *shape of the circuit], in float64."""
        return self._mean(self.values, len(self.dims))

    def effect(self) -> torch.Tensor:
        """Mean differences to the baseline on the same samples, [*grid, *shape of the circuit], in float64."""
        return self._mean(self._differences(), len(self.dims))

    def effect_std_err(self) -> torch.Tensor:
        """Standard errors of `effect`, from the paired differences; NaN for fewer than two samples (spec 13, section 9)."""
        differences = self._flat(self._differences(), len(self.dims))
        if self.num_samples < 2:
            return torch.full_like(self.effect(), torch.nan)
        return differences.std(len(self.dims)) / self.num_samples**0.5

    def estimate(self, **labels: Label) -> Estimate:
        """The mean of one variant with its standard error; without labels that of the baseline. For circuits of shape ()."""
        return estimate(self._samples(**labels))

    def difference(self, **labels: Label) -> Estimate:
        """The mean paired difference of one variant to the baseline, with its standard error. For circuits of shape ()."""
        return estimate(self._samples(**labels).double() - self._samples().double())

    def to_dataframe(self) -> pandas.DataFrame:
        """One row for each variant (and element of the circuit's shape, numbered `output`): labels, value, baseline, effect, std_err.

        Needs pandas (`ImportError`).
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("SweepResult.to_dataframe needs pandas: pip install pandas") from error
        shape = self.baseline.shape[self.num_sample_axes :]
        outputs = list(itertools.product(*(range(size) for size in shape)))
        baseline = self._mean(self.baseline, 0).flatten().tolist()
        columns = zip(*(each().flatten().tolist() for each in (self.to_tensor, self.effect, self.effect_std_err)), strict=True)
        places = itertools.product(itertools.product(*(self.coords[dim] for dim in self.dims)), enumerate(outputs))
        rows = []
        for (labels, (number, output)), (value, effect, std_err) in zip(places, columns, strict=True):
            row: dict[str, Any] = dict(zip(self.dims, labels, strict=True))
            if shape:
                row["output"] = output[0] if len(output) == 1 else output
            rows.append(row | {"value": value, "baseline": baseline[number], "effect": effect, "std_err": std_err})
        return pandas.DataFrame(rows, columns=[*self.dims, *(["output"] if shape else []), "value", "baseline", "effect", "std_err"])

    def __repr__(self) -> str:
        grid = ", ".join(f"{dim}: {len(self.coords[dim])}" for dim in self.dims)
        shape = list(self.baseline.shape[self.num_sample_axes :])
        text = f"SweepResult({grid or 'one variant'}; values of shape {shape}, {self.num_samples} sample{'s' * (self.num_samples != 1)}"
        if shape or not self.values.numel():
            return text + ")"
        effect = self.effect()
        if effect.isnan().all():
            return text + ")"
        largest = int(effect.abs().nan_to_num(-1.0).argmax())
        at = torch.unravel_index(torch.tensor(largest), effect.shape)
        labels = ", ".join(f"{dim} {self.coords[dim][int(index)]!r}" for dim, index in zip(self.dims, at, strict=True))
        where = f" at {labels}" if labels else ""
        return f"{text}; baseline {self._mean(self.baseline, 0).item():.6g}, largest effect {effect.flatten()[largest].item():+.6g}{where})"

    def _flat(self, values: torch.Tensor, start: int) -> torch.Tensor:
        return (
            values.double().flatten(start, start + self.num_sample_axes - 1) if self.num_sample_axes else values.double().unsqueeze(start)
        )

    def _mean(self, values: torch.Tensor, start: int) -> torch.Tensor:
        return self._flat(values, start).mean(start)

    def _differences(self) -> torch.Tensor:
        return self.values.double() - self.baseline.double()

    def _samples(self, **labels: Label) -> torch.Tensor:
        if self.baseline.ndim != self.num_sample_axes:
            shape = list(self.baseline.shape[self.num_sample_axes :])
            raise ValueError(f"estimates are of circuits of shape (), these have shape {shape}; use effect and effect_std_err")
        missing = [dim for dim in self.dims if dim not in labels]
        if labels and missing:
            raise KeyError(f"one variant needs a label of every dimension; {missing} are missing")
        return self._flat(self.sel(**labels) if labels else self.baseline, 0)


@dataclass(frozen=True)
class _Unit:
    """Variants that one circuit computes: one, or several of a site along a leading axis."""

    site: Site
    positions: Sequence[Positions]
    stacked: bool

    def circuit(self) -> rc.Circuit:
        return self.site.stack(self.positions) if self.stacked else self.site.variant(self.positions[0])

    def halves(self) -> list[_Unit]:
        middle = len(self.positions) // 2
        return [_Unit(self.site, part, len(part) > 1) for part in (self.positions[:middle], self.positions[middle:])]


class _Grid:
    """The sites of a sweep, their positions and the labels of both."""

    def __init__(self, circuit: rc.Circuit, nodes: Any, replacement: Any, axes: Mapping[str, AxisIn] | None, node_dim: str) -> None:
        matchers = dict(nodes) if isinstance(nodes, Mapping) else {None: nodes}
        replacements = dict(replacement) if isinstance(replacement, Mapping) else {None: replacement}
        axes = dict(axes or {})
        self.sites = [
            Site(circuit, matcher, _replacing(new, matcher), [_axis_of(axis) for axis in axes.values()])
            for matcher in matchers.values()
            for new in replacements.values()
        ]
        if not self.sites:
            raise ValueError("a sweep needs a node and a replacement")
        chosen = [_positions_of(self.sites, number, dim, axis) for number, (dim, axis) in enumerate(axes.items())]
        self.positions: list[Positions] = list(itertools.product(*chosen))
        self.coords: dict[str, tuple[Label, ...]] = {}
        for dim, labels in [
            *([(node_dim, tuple(matchers))] if isinstance(nodes, Mapping) else []),
            *([(_REPLACEMENT_DIM, tuple(replacements))] if isinstance(replacement, Mapping) else []),
            *zip(axes, chosen, strict=True),
        ]:
            if dim in self.coords:
                raise ValueError(f"two dimensions are called {dim!r}")
            self.coords[dim] = tuple(labels)
        self.grid = tuple(len(labels) for labels in self.coords.values())

    def units(self, stack: bool | int | None, samples: int) -> list[_Unit]:
        """All variants in the order of the grid."""
        units: list[_Unit] = []
        for site in self.sites:
            size = _stack_size(site, len(self.positions), stack, samples)
            for start in range(0, len(self.positions), size):
                part = self.positions[start : start + size]
                units.append(_Unit(site, part, stacked=len(part) > 1))
        return units


def _axis_of(axis: AxisIn) -> int:
    return axis if isinstance(axis, int) else axis[0]


def _positions_of(sites: Sequence[Site], number: int, dim: str, axis: AxisIn) -> tuple[int, ...]:
    """The positions of one replaced axis, which all nodes must have; negative ones count from the end."""
    sizes = {site.sizes[number]: site for site in sites}
    if len(sizes) > 1 and isinstance(axis, int):
        names = ", ".join(f"{size} in {site.found.op_name!r}" for size, site in sizes.items())
        raise ValueError(f"dimension {dim!r} has different sizes, {names}: choose positions that all nodes have")
    size = min(sizes)
    if isinstance(axis, int):
        return tuple(range(size))
    for position in axis[1]:
        if not -size <= position < size:
            raise IndexError(f"dimension {dim!r} of {sizes[size].found.op_name!r} has size {size}, there is no position {position}")
    return tuple(position % size for position in axis[1])


def _replacing(replacement: Any, matcher: rc.IterativeMatcherIn) -> Replacing:
    if isinstance(replacement, _PatchFrom):
        return replacement.at(matcher)
    if isinstance(replacement, rc.Circuit | torch.Tensor | int | float):
        return lambda _: replacement
    if not callable(replacement):
        raise TypeError(f"a replacement is a circuit, a tensor, a number or a function of the node, got {type(replacement).__name__}")
    return replacement


def _stack_size(site: Site, count: int, stack: bool | int | None, samples: int) -> int:
    if stack is None:
        device = (site.found.device or "cpu").partition(":")[0]
        limit = _STACKED_BYTES.get(device, _STACKED_BYTES["cpu"])
        size = limit // max(1, site.largest_changed * samples)
    else:
        size = count if stack is True else int(stack)
    size = max(1, min(size, count))
    while size > 1:
        try:
            site.stack([(0,) * len(site.axes)] * 2)
            return size
        except rc.ExpandError:  # a node that cannot gain an axis
            size = 1
    return 1


def sweep_circuits(
    circuit: rc.Circuit,
    nodes: rc.IterativeMatcherIn | Mapping[Label, rc.IterativeMatcherIn],
    replacement: ReplacementIn | Mapping[Label, ReplacementIn],
    *,
    axes: Mapping[str, AxisIn] | None = None,
    node_dim: str = "node",
) -> dict[tuple[Label, ...], rc.Circuit]:
    """The variants of `sweep` one by one, by their labels, Modules substituted."""
    grid = _Grid(circuit, nodes, replacement, axes, node_dim)
    labels = itertools.product(*grid.coords.values())
    variants = (site.variant(positions) for site in grid.sites for positions in grid.positions)
    return dict(zip(labels, variants, strict=True))


def sweep(
    circuit: rc.Circuit,
    nodes: rc.IterativeMatcherIn | Mapping[Label, rc.IterativeMatcherIn],
    replacement: ReplacementIn | Mapping[Label, ReplacementIn],
    *,
    axes: Mapping[str, AxisIn] | None = None,
    node_dim: str = "node",
    sampler: rc.Sampler | rc.SampleSpecIn | None = None,
    sample_axis: int | None = None,
    settings: rc.OptimizationSettings | None = None,
    optimize: bool = True,
    stack: bool | int | None = None,
) -> SweepResult:
    """The values of the circuit with a node, or one index of it, replaced, for each of many.

    `nodes`: a matcher that finds the node (exactly one, else `RuntimeError`), or several by label along `node_dim`. `replacement`: zeros
    (`zero_ablation`), means (`mean_ablation`), the same node of another circuit (`patch_from`), a circuit, tensor or number that has the
    node's shape or broadcasts to it (else `MiscInputNotBroadcastableError`), or a function of the node; several by label along
    "replacement". `axes`: dimension name to an axis of the node, or to an axis and positions; each position is replaced by itself.

    Replacing happens after Modules are substituted, so that a function gets the node with its batch axes and bound symbols.

    `sampler`: for circuits with random variables, samples that all variants share. `sample_axis`: for others, an axis of the circuit whose
    entries are independent examples. `settings.max_memory` holds: variants, and samples, are evaluated in groups that fit; a single one
    that does not: `SchedulingOOMError`. `stack`: how many indices of one node are computed as one circuit with a further axis; `None`: as
    many as is fast. Labels, baseline and paired differences: `SweepResult`.
    """
    settings = settings or rc.OptimizationSettings()
    if sampler is not None:
        if sample_axis is not None:
            raise ValueError("samples come from the sampler or from an axis of the circuit, not from both")
        sampler = as_sampler(sampler)
    grid = _Grid(circuit, nodes, replacement, axes, node_dim)
    sample_shape = tuple(sampler.sample_spec.get_sample_shape()) if sampler else ()
    num_samples = torch.Size(sample_shape).numel()
    evaluate = _Evaluator(sampler, settings, optimize)
    baseline = rc.substitute_all_modules(circuit)
    first, *parts = evaluate([baseline, *grid.units(stack, num_samples)])
    values = torch.cat(parts).reshape((*grid.grid, *first.shape[1:]))
    first = first[0]
    num_sample_axes = len(sample_shape)
    if sample_axis is not None:
        if not -circuit.rank <= sample_axis < circuit.rank:
            raise ValueError(f"{circuit.op_name!r} {list(circuit.shape)} has no axis {sample_axis}")
        at, lead, num_sample_axes = sample_axis % circuit.rank, len(grid.grid), 1
        values, first = values.movedim(lead + at, lead), first.movedim(at, 0)
    return SweepResult(tuple(grid.coords), grid.coords, values, first, num_sample_axes)


@dataclass(frozen=True)
class _Evaluator:
    """Evaluates units as one list; in halves where the list does not fit the memory budget. Results have the variants in front."""

    sampler: rc.Sampler | None
    settings: rc.OptimizationSettings
    optimize: bool

    def __call__(self, units: Sequence[_Unit | rc.Circuit]) -> list[torch.Tensor]:
        try:
            return self._values(units)
        except rc.SchedulingOOMError:
            if len(units) > 1:
                middle = len(units) // 2
                return self(units[:middle]) + self(units[middle:])
            unit = units[0]
            if isinstance(unit, rc.Circuit) or not unit.stacked:
                raise
        return [torch.cat(self(unit.halves()))]

    def _values(self, units: Sequence[_Unit | rc.Circuit]) -> list[torch.Tensor]:
        circuits = [unit if isinstance(unit, rc.Circuit) else unit.circuit() for unit in units]
        stacked = [not isinstance(unit, rc.Circuit) and unit.stacked for unit in units]
        if self.sampler is None:
            values = self._all(circuits)
            return [value if is_stacked else value[None] for value, is_stacked in zip(values, stacked, strict=True)]
        lead = len(self.sampler.sample_spec.get_sample_shape())
        sampled = [self.sampler.sample(circuit) for circuit in circuits]
        values = self._all(sampled) if not lead else rc.evaluate_batched_many(sampled, 0, None, self.settings, optimize=self.optimize)
        return [value.movedim(lead, 0) if is_stacked else value[None] for value, is_stacked in zip(values, stacked, strict=True)]

    def _all(self, circuits: list[rc.Circuit]) -> list[torch.Tensor]:
        if self.optimize:
            return rc.optimize_and_evaluate_many(circuits, self.settings)
        return rc.circuit_to_schedule_many(circuits, self.settings).evaluate_many()
