"""Estimates and recovered loss (spec 13, section 9)."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pycircuit.causal_scrubbing.statistics import Estimate, estimate, loss_recovered

ORIGINAL, BASELINE, SCRUBBED = (torch.tensor(values) for values in ([1.0, 2.0, 1.0, 2.0], [5.0, 6.0, 7.0, 6.0], [2.0, 3.0, 4.0, 1.0]))


def test_estimate():
    e = estimate(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert (e.mean, e.n) == (2.5, 4)
    assert e.std_err == pytest.approx(math.sqrt(5 / 3) / 2)
    low, high = e.conf_interval()
    assert (high - low) / 2 == pytest.approx(1.959964 * e.std_err) and (high + low) / 2 == pytest.approx(2.5)
    assert str(Estimate(2.5, 0.6457, 4)) == "2.500 ± 0.646 (n=4)"


def test_estimate_edges():
    single = estimate(torch.tensor([3]))
    assert single.mean == 3 and math.isnan(single.std_err)
    assert math.isnan(estimate(torch.tensor([1.0, math.nan])).mean)
    for values in (torch.tensor(1.0), torch.zeros(0), torch.zeros(2, 2)):
        with pytest.raises(ValueError):
            estimate(values)
    with pytest.raises(ValueError):
        single.conf_interval(1.0)


@given(st.floats(-1e3, 1e3))
def test_estimate_uses_float64(offset):
    values = torch.full((3,), offset, dtype=torch.float32)
    assert estimate(values).mean == pytest.approx(values[0].item())


def test_loss_recovered_example():
    paired, unpaired = loss_recovered(ORIGINAL, BASELINE, SCRUBBED), loss_recovered(ORIGINAL, BASELINE, SCRUBBED, paired=False)
    assert (round(paired.mean, 3), round(paired.std_err, 3), paired.n) == (77.778, 16.191, 4)
    assert (round(unpaired.mean, 3), round(unpaired.std_err, 3)) == (77.778, 15.321)
    assert loss_recovered(estimate(ORIGINAL), estimate(BASELINE), estimate(SCRUBBED)) == unpaired


def test_loss_recovered_ends():
    assert loss_recovered(ORIGINAL, BASELINE, BASELINE).mean == pytest.approx(0)
    assert loss_recovered(ORIGINAL, BASELINE, ORIGINAL).mean == pytest.approx(100)
    assert math.isnan(loss_recovered(ORIGINAL, ORIGINAL, SCRUBBED).mean)
    with pytest.raises(ValueError, match="4, 4, 3"):
        loss_recovered(ORIGINAL, BASELINE, SCRUBBED[:3])
    assert loss_recovered(ORIGINAL, BASELINE, SCRUBBED[:3], paired=False).n == 3


def test_loss_recovered_warns_about_a_small_gap():
    with pytest.warns(UserWarning, match="standard errors"):
        loss_recovered(ORIGINAL, ORIGINAL + torch.tensor([0.0, 1.0, 0.0, -0.5]), SCRUBBED)


def test_intervals_hold_the_exact_value():
    generator = torch.Generator().manual_seed(0)
    held = 0
    for _ in range(1000):
        low, high = estimate(torch.randn(200, generator=generator) + 1).conf_interval()
        held += low <= 1 <= high
    assert 920 <= held <= 980
