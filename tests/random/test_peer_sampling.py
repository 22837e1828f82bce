"""Sampling, estimating and rewriting of cumulants on random circuits, compared with rust_circuit (spec 09)."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.peer import both, needs_peer, plain
from tests.strategies import RANDOM, circuits, nodes_of_class, shapes

pytestmark = needs_peer

# Scatters and Convs are expanded otherwise there (08, 7.1).
CLASSES = tuple(cls for cls in RANDOM if cls not in (rc.Scatter, rc.Conv))
VARIABLES = st.one_of(circuits(CLASSES), nodes_of_class(rc.DiscreteVar, CLASSES))
SEEDS = st.sampled_from([0, 7, -3, 2**63 - 1])
SETTINGS = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


def groups_of(circuit: rc.Circuit) -> list[rc.Circuit]:
    return list(rc.RunDiscreteVarAllSpec.create_full_from_circuits(circuit).groups)


def agree(ours: Any, theirs: Any) -> None:
    """Lists of comparable things and tensors."""
    assert type(ours) is type(theirs), (ours, theirs)
    if isinstance(ours, torch.Tensor):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9, equal_nan=True)
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for own, other in zip(ours, theirs, strict=True):
            agree(own, other)
    else:
        assert ours == theirs


# Names, shapes and structure of the sample, and its value where nothing is left to sample.
SAMPLED = """
sampler = rc.Sampler({spec}, suffix=suffix)
sampled = sampler.sample(c)
result = [list(sampled.shape), lines_of(sampled)]
if sampled.is_explicitly_computable and sampled.is_constant:
    result.append(sampled.evaluate())
"""


@SETTINGS
@given(VARIABLES, st.sampled_from(["sample", None]))
def test_all_rows(circuit: rc.Circuit, suffix: str | None) -> None:
    circuit = plain(circuit)
    code = SAMPLED.format(spec="rc.RunDiscreteVarAllSpec(groups)") + "result.append(sampler.sample_spec.get_empirical_weights().evaluate())"
    agree(*both(code, c=circuit, groups=groups_of(circuit), suffix=suffix))


@SETTINGS
@given(VARIABLES, shapes(max_rank=2, max_size=3), SEEDS, st.booleans())
def test_random_rows(circuit: rc.Circuit, shape: tuple[int, ...], seed: int, simplify: bool) -> None:
    """One seed for all groups: hash seeds are those of hashes, which differ for some classes (02, section 3)."""
    circuit = plain(circuit)
    code = SAMPLED.format(spec="rc.RandomSampleSpec(shape, simplify=simplify, seeder=lambda group: seed)")
    if simplify and any(isinstance(node, rc.Array) for group in groups_of(circuit) for node in group.children):
        code += "del result[1]"  # groups on Arrays are drawn when they are evaluated there (section 4)
    agree(*both(code, c=circuit, shape=shape, seed=seed, simplify=simplify, suffix="sample"))


@SETTINGS
@given(st.integers(1, 5), shapes(max_rank=1, min_rank=1, max_size=5), SEEDS, st.booleans(), st.booleans())
def test_rows_and_hash_seeds(size: int, shape: tuple[int, ...], seed: int, replace: bool, weighted: bool) -> None:
    """The rows themselves, with the seeds of hashes; weights and expectations of the spec."""
    weights = rc.Array(torch.arange(1, size + 1, dtype=torch.float64), "weights") if weighted else rc.Scalar(1 / size, (size,))
    variable = rc.DiscreteVar(rc.Array(torch.arange(float(size), dtype=torch.float64), "rows"), weights, "row")
    code = """
spec = rc.RandomSampleSpec(shape, replace, seeder=rc.default_hash_seeder(seed))
result = [rc.default_hash_seeder(seed)(group), spec.sample_var(variable).evaluate(), lines_of(spec.get_overall_weight())]
result.append(lines_of(spec.get_empirical_weights()))
"""
    agree(*both(code, variable=variable, group=weights, shape=shape, seed=seed, replace=replace))


@st.composite
def cumulants(draw: st.DrawFn, most: int = 4) -> rc.Cumulant:
    """A Cumulant of variables and simple functions of variables, of one group or several."""
    arguments = []
    for _ in range(draw(st.integers(1, most))):
        below = draw(nodes_of_class(rc.DiscreteVar, (rc.Array, rc.Scalar, rc.DiscreteVar), max_steps=0))
        assume(below.rank <= 2)
        kind = draw(st.integers(0, 3))
        below = [below, below.add(below), below.mul_scalar(2.0), below.flatten()][kind]
        arguments.append(below.rename(draw(st.sampled_from("abcde"))))  # short, as long names are cut
    # Sorting by name and hash: hashes differ for some classes (02, section 3).
    assume(len({argument.op_name for argument in arguments}) == len(set(arguments)))
    return rc.Cumulant(*arguments, name=draw(st.sampled_from([None, "k"])))


@SETTINGS
@given(cumulants())
def test_estimates(cumulant: rc.Cumulant) -> None:
    """Of all rows, the values; names are those of 9."""
    cumulant = plain(cumulant)
    code = """
estimated = rc.Sampler(rc.RunDiscreteVarAllSpec(groups)).estimate(c)
result = [list(estimated.shape), estimated.op_name, estimated.evaluate()]
"""
    agree(*both(code, c=cumulant, groups=groups_of(cumulant)))


@SETTINGS
@given(cumulants())
def test_factored(cumulant: rc.Cumulant) -> None:
    """A repeated argument's axes may stand in either order, which is another there; the value is the same."""
    wide = [argument for argument in cumulant.nodes if argument.rank]
    assume(len(wide) == len(set(wide)))
    agree(*both("result = lines_of(rc.factored_cumulant_expectation_rewrite(c))", c=plain(cumulant)))


@SETTINGS
@given(cumulants(most=1), st.sampled_from(["None", "lambda q: 'q'"]))
def test_rewritten(cumulant: rc.Cumulant, namer: str) -> None:
    """Cumulants of one argument; beside others rust_circuit aborts for most classes (11)."""
    code = f"result = lines_of(rc.rewrite_cum_to_circuit_of_cum(c, c.children[0], {namer}))"
    agree(*both(code, c=plain(cumulant)))


@SETTINGS
@given(st.permutations(range(4)), st.lists(shapes(max_rank=1, max_size=3), min_size=4, max_size=4), st.integers(0, 3))
def test_kappa_term(order: list[int], sizes: list[tuple[int, ...]], cut: int) -> None:
    nodes = [rc.Scalar(1.0, shape, f"x{i}") for i, shape in enumerate(sizes)]
    code = """
blocks = [[(i, nodes[i]) for i in order[:cut]], [(i, nodes[i]) for i in order[cut:]]]
product, cumulants = rc.kappa_term([block for block in blocks if block])
result = [lines_of(product), [lines_of(cumulant) for cumulant in cumulants]]
"""
    agree(*both(code, nodes=nodes, order=list(order), cut=cut))
