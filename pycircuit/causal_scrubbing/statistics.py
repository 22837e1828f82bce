"""Estimates with standard errors of scrubbed values and of the recovered loss (spec 13, section 9)."""

from __future__ import annotations

import math
import statistics
import warnings

import attrs
import torch

_MIN_GAP_IN_STD_ERRS = 4


@attrs.frozen
class Estimate:
    """A mean of n independent values with its standard error (spec 13, section 9)."""

    mean: float
    std_err: float
    n: int

    def conf_interval(self, level: float = 0.95) -> tuple[float, float]:
        """The normal interval that holds the expectation with probability `level`, strictly between 0 and 1 (else `ValueError`)."""
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, got {level}")
        half_width = statistics.NormalDist().inv_cdf((1 + level) / 2) * self.std_err
        return self.mean - half_width, self.mean + half_width

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.std_err:.3f} (n={self.n})"


def estimate(values: torch.Tensor) -> Estimate:
    """The mean of values of shape `(n,)`, in float64; NaN error for n = 1; `ValueError` for another rank or n = 0 (spec 13, section 9)."""
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"estimate needs values of shape (n,) with n > 0, got shape {tuple(values.shape)}")
    values = values.detach().to(torch.float64)
    n = len(values)
    std_err = values.std().item() / math.sqrt(n) if n > 1 else math.nan
    return Estimate(values.mean().item(), std_err, n)


ValuesOrEstimate = torch.Tensor | Estimate


def _as_estimate(values: ValuesOrEstimate) -> Estimate:
    return values if isinstance(values, Estimate) else estimate(values)


def _paired_error(values: list[torch.Tensor], recovered: float) -> tuple[float, float]:
    """Standard errors of the recovered share times the gap, and of the gap, from original, baseline and scrubbed values."""
    o, b, h = (tensor.detach().to("cpu", torch.float64) for tensor in values)
    return estimate((1 - recovered) * b - h + recovered * o).std_err, estimate(b - o).std_err


def _unpaired_error(original: Estimate, baseline: Estimate, scrubbed: Estimate, recovered: float) -> tuple[float, float]:
    """As `_paired_error`, for independent means."""
    error = math.hypot((1 - recovered) * baseline.std_err, scrubbed.std_err, recovered * original.std_err)
    return error, math.hypot(baseline.std_err, original.std_err)


def loss_recovered(original: ValuesOrEstimate, baseline: ValuesOrEstimate, scrubbed: ValuesOrEstimate, paired: bool = True) -> Estimate:
    """The share of the gap between baseline and original that the scrubbed values recover, in percent, not clipped.

    Values are tensors `(n,)`; paired, row i of all three is on one reference datum (other lengths: `ValueError`). `Estimate`s count as
    unpaired. NaN if both means are equal; a gap below four of its standard errors warns (spec 13, section 9).
    """
    values = (original, baseline, scrubbed)
    o, b, h = (_as_estimate(value) for value in values)
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    paired = paired and len(tensors) == len(values)
    if paired and not o.n == b.n == h.n:
        raise ValueError(f"paired values need equal lengths, got {o.n}, {b.n}, {h.n} (original, baseline, scrubbed)")
    gap = b.mean - o.mean
    recovered = (b.mean - h.mean) / gap if gap != 0 else math.nan
    error, gap_error = _paired_error(tensors, recovered) if paired else _unpaired_error(o, b, h, recovered)
    if abs(gap) < _MIN_GAP_IN_STD_ERRS * gap_error:
        warnings.warn(
            f"loss_recovered: baseline {b} and original {o} differ by less than {_MIN_GAP_IN_STD_ERRS} standard errors", stacklevel=2
        )
    std_err = error / abs(gap) if gap != 0 else math.nan
    return Estimate(100 * recovered, 100 * std_err, h.n)
