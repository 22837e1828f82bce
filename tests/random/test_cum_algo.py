"""kappa_term and pycircuit.cum_algo: spec 09, sections 12 and 13."""

from __future__ import annotations

import pytest
import torch

import pycircuit as rc
from pycircuit import cum_algo
from tests.random.variables import f64, group, variable

A = variable([[1.0, 2.0], [0.0, -1.0], [3.0, 5.0]], group(3, 1), "a")
B = variable([[1.0, 0.0, 2.0], [4.0, 1.0, 1.0], [-2.0, 3.0, 0.0]], group(3, 1), "b")
C = variable([2.0, -3.0, 7.0], group(3, 1), "c")
SAMPLER = rc.Sampler(rc.RunDiscreteVarAllSpec([group(3, 1)]))


def test_kappa_term() -> None:
    product, cumulants = rc.kappa_term([[(0, A), (2, B)], [(1, C)]])
    assert cumulants == [rc.Cumulant(A, B), rc.Cumulant(C)] and product.shape == (2, 3)
    swapped, _ = rc.kappa_term([[(1, A)], [(0, B)]])
    assert swapped.shape == (3, 2) and swapped.children == [rc.Cumulant(A), rc.Cumulant(B)]
    empty, none = rc.kappa_term([])
    assert empty.shape == () and none == [] and empty.evaluate() == 1
    assert rc.kappa_term([[]])[1] == [rc.Cumulant()]
    named, before = rc.kappa_term([[(0, C)]], namer=lambda q: "q", on_sub_cumulant_fn=lambda q: rc.Add(q, q))
    assert named.children[0] == rc.Add(*[rc.Cumulant(C, name="q")] * 2) and before == [rc.Cumulant(C)]
    for wrong in ([[(1, A)]], [[(0, A), (0, B)]], [[(-1, A)]]):
        with pytest.raises(RuntimeError):
            rc.kappa_term(wrong)
    with pytest.raises(RuntimeError):
        rc.kappa_term([[(0, A)]], on_sub_cumulant_fn=lambda q: C)
    with pytest.raises(TypeError):
        rc.kappa_term([[(0, A)]], namer=lambda q: 3)


def test_small_functions() -> None:
    assert list(cum_algo.partition([1, 2, 3])) == [[[1, 2, 3]], [[1], [2, 3]], [[1, 2], [3]], [[2], [1, 3]], [[1], [2], [3]]]
    assert list(cum_algo.partition([])) == [[]]
    assert cum_algo.split_in_buckets([1, 2, 3, 4, 5], [2, 0, 1]) == [[1, 2], [], [3]]
    assert [cum_algo.cum_name_to_eps_name(name) for name in ("k1", "K1(a)", "")] == ["eps1", "K1(a)_eps", "_eps"]
    assert cum_algo.get_multiplier_default([[1, 2], [3]]) == -1 and cum_algo.get_multiplier_default([[1], [3]]) == 1
    with pytest.raises(AssertionError):
        cum_algo.kappa_hat(rc.Cumulant())
    with pytest.raises(ValueError):
        cum_algo.eps_attrib_module([1], symbolic_size_start=len(rc.symbolic_sizes()))
    with pytest.raises(rc.ConstructModuleExtractNotPresentError):
        cum_algo.eps_attrib_module([1, 1], extra_filter=lambda p: False)
    spec = cum_algo.eps_attrib_module([1, 0], extra_filter=lambda p: len(p) == 2)
    assert [arg.symbol.op_name for arg in spec.arg_specs] == ["input_0", "input_1"]
    assert {(arg.batchable, arg.expandable, arg.ban_non_symbolic_size_expand) for arg in spec.arg_specs} == {(True, True, True)}


@pytest.mark.parametrize("arguments", [[C], [A, B], [A, C, B], [C, C, C]])
def test_epsilon(arguments: list[rc.Circuit]) -> None:
    cumulant = rc.Cumulant(*arguments, name="k_x")
    centred = cum_algo.eps_attrib(cumulant)
    assert centred.name == "eps_x" and centred.shape == cumulant.shape
    means = SAMPLER(centred).evaluate().mean(0)
    torch.testing.assert_close(means, torch.zeros_like(means), atol=1e-9, rtol=0)
    other = SAMPLER(cum_algo.eps_attrib(cumulant, non_centered=True)).evaluate().mean(0)
    torch.testing.assert_close(other, SAMPLER.estimate(cumulant).evaluate())


def test_epsilon_of_two() -> None:
    value = SAMPLER(cum_algo.eps_attrib(rc.Cumulant(C, C, name="k_ab"))).evaluate()
    c = f64([2.0, -3.0, 7.0])
    torch.testing.assert_close(value, (c - 2) ** 2 - ((c - 2) ** 2).mean())
    assert cum_algo.eps_attrib(rc.Cumulant()).evaluate() == 1
