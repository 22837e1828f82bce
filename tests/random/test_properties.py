"""Properties of sampling: the joint law, draws, reproducibility, exactness of estimates (spec 09, section 15)."""

from __future__ import annotations

import itertools
import math
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.random.variables import f64, group, outcome_values, variable
from tests.strategies import random_circuits

SEEDS = st.integers(-(2**63), 2**63 - 1)


def groups_of(circuit: rc.Circuit) -> list[rc.Circuit]:
    return list(rc.RunDiscreteVarAllSpec.create_full_from_circuits(circuit).groups)


def simple(circuit: rc.Circuit) -> bool:
    """Whether an outcome is one row per group: no variable in values or weights, none below a Cumulant."""
    nodes = rc.toposort_circuit(circuit)
    groups = groups_of(circuit)
    return (
        len(groups) <= 3
        and all(g.shape[0] <= 4 for g in groups)
        and all(node.is_constant for var in nodes if isinstance(var, rc.DiscreteVar) for node in var.children)
        and not any(isinstance(node, rc.Cumulant) and node.children and not all(c.is_constant for c in node.children) for node in nodes)
    )


def expanded(circuit: rc.Circuit, sampler: rc.Sampler) -> rc.Circuit | None:
    """The sample, or None where a node cannot get sample axes (a Conv's filter, a spec's limits)."""
    try:
        return sampler.sample(circuit)
    except (rc.ExpandError, rc.ConstructError, rc.RearrangeSpecError, rc.GeneralFunctionShapeError):
        return None


def close(got: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-7, equal_nan=True)


@given(random_circuits(max_steps=6))
def test_joint_law_of_all_rows(circuit: rc.Circuit) -> None:
    if not simple(circuit):
        return
    groups = groups_of(circuit)
    sampled = expanded(circuit, rc.Sampler(rc.RunDiscreteVarAllSpec(groups)))
    if sampled is None:
        return
    counts = tuple(g.shape[0] for g in groups)
    assert sampled.shape == counts + circuit.shape
    values = sampled.evaluate()
    for position in itertools.product(*map(range, counts)):
        close(values[position], outcome_values(circuit, dict(zip(groups, position, strict=True))))


@given(random_circuits(max_steps=6), st.sampled_from([(), (3,), (2, 2)]), st.booleans(), SEEDS)
def test_joint_law_of_random_rows(circuit: rc.Circuit, shape: tuple[int, ...], simplify: bool, seed: int) -> None:
    if not simple(circuit):
        return
    groups = groups_of(circuit)
    spec = rc.RandomSampleSpec(shape, simplify=simplify, seeder=rc.default_hash_seeder(seed))
    sampled = expanded(circuit, rc.Sampler(spec))
    if sampled is None:
        return
    assert sampled.shape == shape + circuit.shape
    assert sampled == expanded(circuit, rc.Sampler(spec))
    rows = {g: spec.sample_var(rc.DiscreteVar(rc.Array(torch.arange(g.shape[0])), g)).evaluate() for g in groups}
    values = sampled.evaluate()
    for position in itertools.product(*map(range, shape)):
        close(values[position], outcome_values(circuit, {g: int(drawn[position]) for g, drawn in rows.items()}))


@given(random_circuits(max_steps=5), st.sampled_from([(), (3,), (2, 2)]))
def test_shapes(circuit: rc.Circuit, shape: tuple[int, ...]) -> None:
    sampler = rc.Sampler(rc.RandomSampleSpec(shape, seeder=rc.default_hash_seeder(0)))
    sampled = expanded(circuit, sampler)
    if sampled is not None:
        assert sampled.shape == shape + circuit.shape
    try:
        assert sampler.estimate(circuit).shape == circuit.shape
    except (rc.ExpandError, rc.ConstructError, rc.RearrangeSpecError, rc.GeneralFunctionShapeError):
        pass


@given(random_circuits(max_steps=5))
def test_substitution_commutes_with_sampling(circuit: rc.Circuit) -> None:
    if not simple(circuit):
        return
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec(groups_of(circuit)))
    before, after = expanded(circuit, sampler), expanded(rc.substitute_all_modules(circuit), sampler)
    if before is not None and after is not None:
        close(before.evaluate(), after.evaluate())
        close(expanded(rc.simp(circuit), sampler).evaluate(), before.evaluate())


# --- draws
WEIGHTS = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6)


def inversion(weights: torch.Tensor, seed: int, count: int) -> list[int]:
    """The formula of section 5."""
    uniform = torch.rand(count, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    running = []
    total = torch.zeros((), dtype=weights.dtype)
    for weight in weights:
        total = total + weight
        running.append(total)
    c = torch.stack(running) / running[-1]
    c[-1] = 1
    return [int((c.double() >= u).nonzero()[0]) for u in uniform]


@given(WEIGHTS, SEEDS, st.integers(2, 20), st.sampled_from([torch.float32, torch.float64]), st.booleans())
def test_draws_are_inversions(weights: list[float], seed: int, count: int, dtype: torch.dtype, simplify: bool) -> None:
    probs = torch.tensor(weights, dtype=dtype)
    tagged = rc.Tag(rc.Array(probs), uuid.UUID(int=1))
    state = torch.get_rng_state()
    spec = rc.RandomSampleSpec((count,), simplify=simplify, seeder=lambda c: seed)
    drawn = spec.sample_var(rc.DiscreteVar(rc.Array(torch.arange(len(weights))), tagged)).evaluate()
    assert drawn.tolist() == inversion(probs, seed, count)
    assert torch.equal(torch.get_rng_state(), state)


@given(WEIGHTS, SEEDS, st.sampled_from([(), (1,), (4,), (2, 2)]), st.booleans(), st.booleans())
def test_simplifying_changes_no_value(weights: list[float], seed: int, shape: tuple[int, ...], replace: bool, tag: bool) -> None:
    count = math.prod(shape)
    if not replace and count > len(weights):
        return
    probs: rc.Circuit = rc.Array(f64(weights))
    probs = rc.Tag(probs, uuid.UUID(int=1)) if tag else probs
    var = rc.DiscreteVar(rc.Array(torch.arange(len(weights))), probs)
    first, second = (rc.RandomSampleSpec(shape, replace, simplify, lambda c: seed).sample_var(var).evaluate() for simplify in (True, False))
    assert torch.equal(first, second) and first.shape == shape
    if not replace:
        assert len(set(first.flatten().tolist())) == count


@given(SEEDS, st.integers(1, 6))
def test_hash_seeder(base: int, size: int) -> None:
    g = group(size, 1)
    assert rc.default_hash_seeder(base)(g) == int.from_bytes(g.hash[:8], "little", signed=True) ^ base


def test_frequencies() -> None:
    weights = f64([0.1, 0.2, 0.3, 0.4]) * 5
    count = 100_000
    spec = rc.RandomSampleSpec((count,), seeder=lambda c: 5)
    drawn = spec.sample_var(rc.DiscreteVar(rc.Array(torch.arange(4)), rc.Tag(rc.Array(weights), uuid.UUID(int=1)))).evaluate()
    p = weights / weights.sum()
    assert ((torch.bincount(drawn, minlength=4) / count - p).abs() < 5 * (p * (1 - p) / count).sqrt()).all()


# --- estimates
def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    for rest in partitions(items[:-1]):
        for i in range(len(rest)):
            yield [block + [items[-1]] if i == j else block for j, block in enumerate(rest)]
        yield [*rest, [items[-1]]]


def cumulant(values: list[torch.Tensor], weights: torch.Tensor) -> float:
    """Section 2's formula, for numbers per outcome."""
    total = 0.0
    for blocks in partitions(list(range(len(values)))):
        coefficient = (-1.0) ** (len(blocks) - 1) * math.factorial(max(len(blocks) - 1, 0)) if blocks else 1.0
        product = 1.0
        for block in blocks:
            product *= float((weights * math.prod((values[i] for i in block), start=torch.ones(()))).sum())
        total += coefficient * product
    return total


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=0, max_size=5), st.data())
def test_all_rows_estimates_are_exact(arguments: list[int], data: Any) -> None:
    g, h = rc.Tag(rc.Array(f64([1.0, 2.0, 5.0])), uuid.UUID(int=1)), group(2, 2)
    numbers = st.lists(st.integers(-4, 4), min_size=3, max_size=3)
    pool = [variable(data.draw(numbers), g), variable(data.draw(numbers), g), variable(data.draw(numbers)[:2], h)]
    weights = (f64([1.0, 2.0, 5.0]) / 8)[:, None] * f64([0.5, 0.5])
    grids = [pool[0].values.value[:, None], pool[1].values.value[:, None], pool[2].values.value[None, :]]
    estimate = rc.Sampler(rc.RunDiscreteVarAllSpec([g, h])).estimate(rc.Cumulant(*[pool[i] for i in arguments])).evaluate()
    expected = cumulant([grids[i].expand(3, 2) for i in arguments], weights)
    torch.testing.assert_close(estimate, f64(expected), rtol=1e-9, atol=1e-6)


KNOWN = rc.DiscreteVar(rc.Array(f64([0, 1, 5, 2])), rc.Tag(rc.Array(f64([0.1, 0.2, 0.3, 0.4])), uuid.UUID(int=1), "known"))


def test_known_cumulants() -> None:
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([KNOWN.probs_and_group]))
    for n, expected in enumerate([2.5, 3.05, 2.4, -11.245, -55.2, 131.21], start=1):
        torch.testing.assert_close(sampler.estimate(rc.Cumulant(*[KNOWN] * n)).evaluate(), f64(expected), rtol=1e-9, atol=1e-9)
    random = rc.Sampler(rc.RandomSampleSpec((4,), seeder=lambda c: 1))
    for n, expected in enumerate([0.75, 0.1875, -0.09375], start=1):
        torch.testing.assert_close(random.estimate(rc.Cumulant(*[KNOWN] * n)).evaluate(), f64(expected))
    single = rc.Sampler(rc.RandomSampleSpec((1,), seeder=lambda c: 1))
    assert single.estimate(rc.Cumulant(KNOWN, KNOWN)).evaluate() == 0


def test_mean_of_random_estimates() -> None:
    """The exact mean over all row triples, each made by a subset of one-row groups with the drawn values."""
    values, p = KNOWN.values.value, f64([0.1, 0.2, 0.3, 0.4])
    means = [0.0] * 4
    for rows in itertools.product(range(4), repeat=3):
        g = group(3, 7)
        drawn = rc.DiscreteVar(rc.Array(values[list(rows)]), g)
        sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([g]))
        for n in range(1, 5):
            means[n - 1] += float(p[list(rows)].prod() * sampler.estimate(rc.Cumulant(*[drawn] * n)).evaluate())
    torch.testing.assert_close(f64(means), f64([2.5, 2.0333333333, 0.5333333333, -9.9044444444]), rtol=1e-6, atol=1e-6)


MIXED = [
    variable([[1.0, 2.0], [0.0, -1.0], [3.0, 5.0]], group(3, 1), "a"),
    variable([1.0, 4.0, -2.0], group(3, 1), "c"),
    rc.DiscreteVar(rc.Array(f64(torch.arange(18).reshape(3, 3, 2) % 7)), group(3, 1), "b"),
    variable([2.0, -3.0], group(2, 2), "d"),
]


@given(st.lists(st.sampled_from(MIXED), min_size=0, max_size=4))
def test_expansions_of_cumulants(arguments: list[rc.Circuit]) -> None:
    node = rc.Cumulant(*arguments, name="k")
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([group(3, 1), group(2, 2)]))
    expected = sampler.estimate(node).evaluate()
    basic, factored = node.basic_expectation(), rc.factored_cumulant_expectation_rewrite(node)
    assert basic.shape == factored.shape == node.shape and isinstance(basic, rc.Add)
    assert len(basic.children) == [1, 1, 2, 5, 15][len(arguments)]
    if len(arguments) >= 2:
        assert len(factored.children) == [1, 1, 4][len(arguments) - 2]
    else:
        assert factored == node
    for rewritten in (basic, factored):
        torch.testing.assert_close(sampler.estimate(rewritten).evaluate(), expected, rtol=1e-8, atol=1e-8)


def test_counts_and_names_of_factored_summands() -> None:
    numbers = [variable([1.0, 2.0, 3.0], group(3, 1), name) for name in "abcdef"]
    for n, count in {2: 1, 3: 1, 4: 4, 5: 11, 6: 41}.items():
        assert len(rc.factored_cumulant_expectation_rewrite(rc.Cumulant(*numbers[:n])).children) == count
    factored = rc.factored_cumulant_expectation_rewrite(rc.Cumulant(numbers[1], numbers[0]))
    assert factored.name == factored.children[0].name == "K1((b + neg K1(b)) * (a + neg K1(a)))"
    assert len(rc.Cumulant(*numbers[:5]).basic_expectation().children) == 52
    with pytest.raises(TypeError):
        rc.factored_cumulant_expectation_rewrite(numbers[0])


def test_linearity_symmetry_and_independence() -> None:
    x, y = variable([1.0, 2.0, 7.0], group(3, 1)), variable([0.0, -1.0, 3.0], group(3, 1))
    z, constant = variable([1.0, 4.0], group(2, 2)), rc.Scalar(3.0)
    estimate = rc.Sampler(rc.RunDiscreteVarAllSpec([group(3, 1), group(2, 2)])).estimate

    def k(*arguments: rc.Circuit) -> torch.Tensor:
        return estimate(rc.Cumulant(*arguments)).evaluate()

    torch.testing.assert_close(k(rc.Add(x, y), y), k(x, y) + k(y, y))
    torch.testing.assert_close(k(x, y), k(y, x))
    torch.testing.assert_close(k(x, z), f64(0.0), atol=1e-12, rtol=0)
    torch.testing.assert_close(k(x, z, y), f64(0.0), atol=1e-12, rtol=0)
    torch.testing.assert_close(k(x, rc.Add(constant, rc.Scalar(0.0))), f64(0.0), atol=1e-12, rtol=0)


def test_samplers_in_threads() -> None:
    x = variable([1.0, 2.0, 7.0], group(3, 1))
    circuits = [rc.Add(x, rc.Cumulant(x), rc.Array(f64(float(i)))) for i in range(30)]
    expected = [rc.Sampler(rc.RunDiscreteVarAllSpec([group(3, 1)]))(c) for c in circuits]
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([group(3, 1)]))
    results: dict[int, list[rc.Circuit]] = {}

    def work(i: int) -> None:
        results[i] = [sampler(c) for c in circuits]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results[i] == expected for i in range(6))


def test_deep_chains() -> None:
    x = variable([1.0, 2.0, 7.0], group(3, 1))
    node: rc.Circuit = x
    for _ in range(100_000):
        node = rc.Add(node, rc.Scalar(1.0))
    sampler = rc.Sampler(rc.RunDiscreteVarAllSpec([group(3, 1)]))
    assert sampler.sample(node).evaluate().tolist() == [100_001, 100_002, 100_007]
    torch.testing.assert_close(sampler.estimate(rc.Cumulant(node)).evaluate(), f64(100_000 + 10 / 3))
