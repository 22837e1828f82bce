"""Many hypotheses on the same samples in one evaluation (spec 13, sections 9 and 10; sharing: spec 12, sections 13 and 15)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

import pycircuit as rc
from pycircuit.causal_scrubbing.statistics import Estimate, estimate, loss_recovered

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class ManyEstimates(Mapping[str, torch.Tensor]):
    """A mapping from names to the values of every sample, [n, *shape of the circuit]; row i of all is on the same draws.

    `seconds`: of the evaluation of all. Estimates are of circuits of shape () (else `ValueError`).
    """

    samples: dict[str, torch.Tensor]
    seconds: float

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.samples[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.samples)

    def __len__(self) -> int:
        return len(self.samples)

    def estimate(self, name: str) -> Estimate:
        """The mean of one circuit with its standard error."""
        return estimate(self[name])

    def difference(self, name: str, other: str) -> Estimate:
        """The mean of the first minus the second, with the standard error of the paired differences."""
        return estimate(self[name].double() - self[other].double())

    def loss_recovered(self, name: str, original: str, baseline: str) -> Estimate:
        """How much of the gap between baseline and original a circuit recovers, in percent, paired."""
        return loss_recovered(self[original], self[baseline], self[name])

    def to_dataframe(self, original: str | None = None) -> pandas.DataFrame:
        """One row for each circuit: name, mean, std_err, n; with `original` also the paired difference to it and its std_err.

        Needs pandas (`ImportError`).
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("ManyEstimates.to_dataframe needs pandas: pip install pandas") from error
        rows = []
        for name in self:
            own = self.estimate(name)
            row = {"name": name, "mean": own.mean, "std_err": own.std_err, "n": own.n}
            if original is not None:
                difference = self.difference(name, original)
                row |= {"difference": difference.mean, "difference_std_err": difference.std_err}
            rows.append(row)
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        def text(name: str) -> str:
            values = self[name]
            return str(self.estimate(name)) if values.ndim == 1 else f"{len(values)} values of shape {list(values.shape[1:])}"

        return "\n".join(f"{name}: {text(name)}" for name in self)


def as_sampler(sampler: rc.Sampler | rc.SampleSpecIn) -> rc.Sampler:
    """A Sampler of that spec; samples of unequal weight have no plain mean: `ValueError`."""
    if isinstance(sampler, rc.RandomSampleSpec | rc.RunDiscreteVarAllSpec):
        sampler = rc.Sampler(sampler)
    if isinstance(sampler.sample_spec, rc.RunDiscreteVarAllSpec):
        weights = sampler.sample_spec.get_empirical_weights().evaluate()
        if not torch.allclose(weights, weights.new_tensor(1 / max(1, weights.numel()))):
            raise ValueError("the rows of these groups have unequal weights, so a plain mean over them is wrong; use a RandomSampleSpec")
    return sampler


def estimate_many(
    circuits: Mapping[str, rc.Circuit],
    sampler: rc.Sampler | rc.SampleSpecIn,
    *,
    batch_size: int | None = None,
    settings: rc.OptimizationSettings | None = None,
    optimize: bool = True,
) -> ManyEstimates:
    """The values of random circuits on common samples, all in one evaluation: what hypotheses share is computed once.

    Variables of one group draw the same rows in all circuits. Samples are evaluated `batch_size` at a time (`None`: as many as
    `settings.max_memory` allows); where one sample of all circuits does not fit, the circuits are evaluated in halves, and
    `SchedulingOOMManyError` says that one sample of one circuit does not. No circuits, or a sample shape of no axes: `ValueError`.
    """
    if not circuits:
        raise ValueError("estimate_many needs at least one circuit")
    sampler = as_sampler(sampler)
    sample_axes = len(sampler.sample_spec.get_sample_shape())
    if not sample_axes:
        raise ValueError("estimate_many needs a sample shape of at least one axis, such as RandomSampleSpec((1000,))")
    start = time.perf_counter()
    sampled = [sampler.sample(circuit) for circuit in circuits.values()]
    values = evaluate_in_budget(sampled, batch_size, settings or rc.OptimizationSettings(), optimize)
    seconds = time.perf_counter() - start
    return ManyEstimates({name: value.flatten(0, sample_axes - 1) for name, value in zip(circuits, values, strict=True)}, seconds)


def evaluate_in_budget(
    circuits: list[rc.Circuit], batch_size: int | None, settings: rc.OptimizationSettings, optimize: bool
) -> list[torch.Tensor]:
    """`rc.evaluate_batched_many` along axis 0; the list is halved where one row of all exceeds the memory budget."""
    try:
        return rc.evaluate_batched_many(circuits, 0, batch_size, settings, optimize=optimize)
    except rc.SchedulingOOMError:
        if len(circuits) == 1:
            raise
    middle = len(circuits) // 2
    return [value for part in (circuits[:middle], circuits[middle:]) for value in evaluate_in_budget(part, batch_size, settings, optimize)]
