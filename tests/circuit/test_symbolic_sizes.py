"""Symbolic sizes, constraints and SetSymbolicShape (spec 02, sections 7 and 12)."""

import itertools
import math
import uuid

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import circuits, symbolic_circuits

S = rc.symbolic_sizes()
U = uuid.UUID(int=1)


def symbol(*shape, name="s"):
    return rc.Symbol(shape, U, name)


def product(size):
    return symbol(size).symbolic_shape()[0]


def declared(old, new):
    """Constraints of declaring that one size is another, as text."""
    return {repr(c) for c in rc.SetSymbolicShape(symbol(old), (new,)).symbolic_size_constraints}


def test_reserved_primes():
    assert len(S) == 256 and S[:8] == [10007, 10009, 10037, 10039, 10061, 10067, 10069, 10079] and S[-2:] == [12433, 12437]
    sieve = [n for n in range(10_001, 12_438) if all(n % d for d in range(2, 112))]
    assert sieve == S and rc.symbolic_sizes() is not S


@pytest.mark.parametrize(
    "size, text", [(10007, "0s"), (20014, "2*0s"), (10007**2 * 10009, "0s*0s*1s"), (0, "0"), (1, "1"), (9999, "9999"), (12451, "12451")]
)
def test_size_text(size, text):
    assert repr(product(size)) == str(product(size)) == text


@given(st.lists(st.integers(0, 255), max_size=4), st.integers(1, 10_000))
def test_product_round_trip(numbers, other):
    value = other * math.prod(S[i] for i in numbers)
    assume(value < 2**63)
    p = product(value)
    assert p.other_factor * math.prod(S[i] for i in p.symbolic_sizes) == value and p.symbolic_sizes == sorted(numbers)
    spec = rc.RearrangeSpec.from_string(f"-> {p!r}")
    assert spec.int_sizes == [value]
    shuffled = "*".join([*(f"{i}s" for i in reversed(numbers)), str(other)])
    assert rc.RearrangeSpec.from_string(f"-> {shuffled}").int_sizes == [value]


def test_products_are_values():
    p = [product(v) for v in (6, 2 * S[0], 2 * S[1], 3, S[0])]
    assert sorted(p) == [p[4], p[1], p[2], p[3], p[0]]
    assert product(6) == p[0] and hash(product(6)) == hash(p[0]) and p[0] != p[1] and p[0] != 6
    assert (p[1] < p[2]) and p[1] <= p[1] and p[2] > p[1] and p[2] >= p[1]
    with pytest.raises(AttributeError):
        p[0].other_factor = 3
    with pytest.raises(AttributeError):
        p[0].symbolic_sizes = []
    constraints = [*rc.SetSymbolicShape(symbol(S[0], S[1]), (3, 3)).symbolic_size_constraints]
    assert [repr(c) for c in sorted(constraints)] == ["0s=3", "1s=3"]
    assert constraints[0].l.other_factor == 1 and constraints[0].r.other_factor == 3


@pytest.mark.parametrize(
    "old, new, expected",
    [
        (S[0], 3, {"0s=3"}),
        (2 * S[0], 6, {"2*0s=6"}),
        (S[0], S[1], {"1s=0s"}),
        (S[0] * S[1], S[2], {"0s*1s=2s"}),
        (S[2], S[0] * S[1], {"0s*1s=2s"}),
        (2 * S[0], 0, {"0s=0"}),
        (S[0], S[0], set()),
        (3, 3, set()),
        (3, S[0], {"0s=3"}),
        (2 * S[0], 5, None),
        (3, 4, None),
        (3, 6, None),
        (0, 3, None),
    ],
)
def test_constraint_of_declaring(old, new, expected):
    if expected is None:
        with pytest.raises(rc.SymbolicSizeSetFactorDoesntDivideSetToError):
            declared(old, new)
    else:
        assert declared(old, new) == expected


def test_declaring_errors_carry_products():
    with pytest.raises(rc.SymbolicSizeSetFactorDoesntDivideSetToError) as error:
        declared(2 * S[0], 5)
    assert error.value.args[0].items() == {"factor": 2, "set_to": 5, "size_prod": product(2 * S[0])}


# --- satisfiability against brute force
MONOMIALS = st.tuples(st.integers(1, 2), st.lists(st.integers(0, 2), min_size=1, max_size=2)).map(
    lambda m: m[0] * math.prod(S[i] for i in m[1])
)
SIDES = st.tuples(MONOMIALS, st.one_of(MONOMIALS, st.integers(0, 6)))
# Two such equations have a solution in this range or none.
RANGE = np.ix_(*[np.arange(80)] * 3)


def values_of(size):
    """The size for all values of the first three symbolic numbers."""
    p = product(size)
    return math.prod((RANGE[i] for i in p.symbolic_sizes), start=p.other_factor if size else 0)


@settings(max_examples=80)
@given(st.lists(SIDES, min_size=1, max_size=2))
def test_satisfiability_agrees_with_brute_force(pairs):
    solvable = bool(math.prod((values_of(x) == values_of(y) for x, y in pairs), start=np.ones((80, 80, 80), bool)).any())
    nodes, failed = [], False
    try:
        for x, y in pairs:
            nodes.append(rc.SetSymbolicShape(symbol(x), (y,)))
    except (rc.SymbolicSizeSetFactorDoesntDivideSetToError, rc.SymbolicSizeSetFailedToSatisfyContraintsError):
        failed = True
    if not failed:
        try:
            whole = rc.Cumulant(*nodes)
            union = set().union(*(node.symbolic_size_constraints for node in nodes))
            assert whole.symbolic_size_constraints == union
        except rc.SymbolicSizeSetFailedToSatisfyContraintsError as error:
            failed = True
            assert set(error.args[0].constraints) == set().union(*(node.symbolic_size_constraints for node in nodes))
    assert failed != solvable


def test_satisfiability_examples():
    def together(*pairs):
        return rc.Cumulant(*[rc.SetSymbolicShape(symbol(x), (y,)) for x, y in pairs])

    for bad in ([(S[0], 3), (S[0], 5)], [(S[0] * S[1], 12), (S[0], 5)], [(2 * S[0], 3 * S[1]), (S[1], 1)]):
        with pytest.raises(rc.SymbolicSizeSetFailedToSatisfyContraintsError):
            together(*bad)
    assert together((S[0] * S[1], 12), (S[0], 4)).symbolic_size_constraints
    assert together((S[0] * S[0], 9)).symbolic_size_constraints
    with pytest.raises(rc.SymbolicSizeSetFailedToSatisfyContraintsError):
        together((S[0] * S[0], 8))


@given(symbolic_circuits())
def test_constraints_grow_up_the_graph(c):
    stack, seen = [c], set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        stack += node.children
        for child in node.children:
            if not node.is_module():
                assert child.symbolic_size_constraints <= node.symbolic_size_constraints


# --- SetSymbolicShape
def test_set_symbolic_shape():
    x = symbol(S[0], 3, name="x")
    c = rc.SetSymbolicShape(x, (5, 3))
    assert c.shape == (5, 3) and c.node == x and c.name == "x set_shape" and not c.is_explicitly_computable
    assert rc.SetSymbolicShape(x, x.shape).is_set_symbolic_shape() and rc.SetSymbolicShape(x, x.shape).symbolic_size_constraints == set()
    for wrong in ((5,), (5, 3, 1), ()):
        with pytest.raises(rc.ConstructError):
            rc.SetSymbolicShape(x, wrong)
    assert rc.SetSymbolicShape.some_set_neq(x, (None, None)) == x == rc.SetSymbolicShape.some_set_neq(x, x.shape)
    assert rc.SetSymbolicShape.some_set_neq(x, (5, None), "n") == rc.SetSymbolicShape(x, (5, 3), "n")
    y = symbol(3, S[0], name="y")
    assert rc.SetSymbolicShape.some_set_and_symbolic_neq(y, (4, 7)) == rc.SetSymbolicShape(y, (3, 7))
    assert rc.SetSymbolicShape.some_set_and_symbolic_neq(y, (4, None)) == y
    array = rc.SetSymbolicShape(rc.Array(torch.zeros(3)), (3,))
    assert array.dtype == "float32" and array.device == "cpu"


@settings(max_examples=60)
@given(symbolic_circuits(max_steps=5), st.data())
def test_binding_all_symbols_removes_declarations(c, data):
    symbols = rc.get_free_symbols(c)
    assume(not any(s % p == 0 and s for node in all_nodes(c) if node.is_scalar() for s in node.shape for p in S[:3]))
    # Declaring the size that is there already is kept, as rust_circuit keeps it.
    assume(not any(node.is_set_symbolic_shape() and node.shape == node.node.shape for node in all_nodes(c)))
    solution = solve(c.symbolic_size_constraints)
    assume(solution is not None)
    replacements = {}
    for s in symbols:
        shape = [p.other_factor * math.prod(solution[i] for i in p.symbolic_sizes) for p in s.symbolic_shape()]
        replacements[s] = rc.Scalar(0.5, shape, s.op_name)
    try:
        concrete = rc.replace_expand_bottom_up_dict(c, replacements)
    except (ValueError, OverflowError, RuntimeError):
        # Indices, slices and labels chosen for the symbolic numbers need not fit the concrete sizes.
        return
    concrete = rc.substitute_all_modules(concrete)
    if concrete.no_unbound_symbols and not rc.any_children_with_symbolic_sizes(concrete):
        # Declarations with no Symbol below them are as they were.
        new = all_nodes(concrete) - all_nodes(c)
        assert not any(node.is_set_symbolic_shape() and node.shape == node.node.shape for node in new)


def all_nodes(c):
    seen, stack = set(), [c]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack += node.children
    return seen


def solve(constraints):
    """Small sizes of the first three symbolic numbers that satisfy the constraints, or None."""
    for values in itertools.product(range(1, 5), repeat=3):
        sides = [
            [side.other_factor * math.prod(values[i] for i in side.symbolic_sizes) for side in (c.l, c.r)]
            for c in constraints
            if max([*c.l.symbolic_sizes, *c.r.symbolic_sizes], default=0) < 3
        ]
        if len(sides) == len(constraints) and all(left == right for left, right in sides):
            return values
    return None


def test_declarations_disappear_when_bound():
    x = symbol(S[0], S[1], name="x")
    c = rc.Add(rc.SetSymbolicShape(x, (3, S[1])), rc.Scalar(1.0, (3, 1)))
    spec = rc.ModuleSpec(c, [rc.ModuleArgSpec(x)])
    module = rc.Module.new_flat(spec, rc.Array(torch.ones(3, 4), "v"))
    plain = rc.substitute_all_modules(module)
    assert not any(node.is_set_symbolic_shape() for node in all_nodes(plain)) and plain.symbolic_size_constraints == set()
    assert module.symbolic_size_constraints == set() and module.shape == (3, 4) and module.evaluate().tolist() == [[2.0] * 4] * 3


@given(circuits())
def test_helpers(c):
    expected = {node for node in all_nodes(c) if any(size and any(size % p == 0 for p in S) for size in node.shape)}
    assert rc.get_children_with_symbolic_sizes(c) == expected
    assert rc.any_children_with_symbolic_sizes(c) == bool(expected)
    for wrong in (3, None):
        with pytest.raises(TypeError):
            rc.get_children_with_symbolic_sizes(wrong)
        with pytest.raises(TypeError):
            rc.any_children_with_symbolic_sizes(wrong)


def test_symbolic_shapes_are_numbers():
    x = symbol(S[0], 1)
    assert rc.Add(x, symbol(1, S[1])).shape == (S[0], S[1])
    with pytest.raises(rc.MiscInputNotBroadcastableError):
        rc.Add(x, symbol(S[1], 1))
    assert symbol(2 * S[0]).unflatten((2, S[0])).shape == (2, S[0])
    assert x.rearrange_str("a b -> (a b) 2*0s").symbolic_shape() == [product(S[0]), product(2 * S[0])]
    assert x.index((slice(0, 5),)).shape == (5, 1)
    with pytest.raises(rc.IndexIndexOutOfBoundsError):
        x.index((S[0],))
