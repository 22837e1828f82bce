"""Equality, the identity hash, automatic names, axis names, rebuilding (spec 02, sections 1 to 6, 12)."""

import itertools
import math
import os
import subprocess
import sys
import uuid

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import ALL, circuits, nodes_of_class

U = uuid.UUID(int=0)


def scalar(name, shape=(3,), value=1.0):
    return rc.Scalar(value, shape, name)


# --- identity
def vectors():
    a, b = rc.Scalar(2.0, (3,), "a"), rc.Scalar(0.5, (3,), "b")
    return {
        "e93dc1092d632899": rc.Scalar(1.0),
        "8709e89ac574ddd5": a,
        "e05edbb8cf17feea": b,
        "58e56d0ef85f1c64": a.rename_axes({0: "t"}),
        "56951d9b55e9389f": a.with_autoname_disabled(),
        "1f579f05300c5bc4": rc.Symbol.new_with_none_uuid((3,), "x"),
        "c3ec580767423cee": rc.Array(torch.tensor([1.0, 2.0]), "x"),
        "d6a72aef1c891004": rc.Add(a, b),
        "fcd9f55958f9edb0": a.mul(b),
        "33bc1f639ff16ceb": rc.Concat(a, b, axis=0),
        "dde8bc046cdbd2ee": rc.Tag(a, U),
        "7d789e20468bb364": rc.Add(),
    }


@pytest.mark.parametrize("prefix, circuit", vectors().items())
def test_hash_vectors(prefix, circuit):
    assert circuit.hash_base16[:16] == prefix


def structure(c, memo):
    """The six points of section 1, compared without the hash."""
    if c in memo:
        return memo[c]
    fields = {
        rc.Array: lambda: (c.shape, str(c.value.dtype), str(c.value.device), c.value.contiguous().numpy().tobytes()),
        rc.Symbol: lambda: (c.uuid, c.shape),
        rc.Scalar: lambda: (c.value.hex(), c.shape),
        rc.Einsum: lambda: (c.out_axes, tuple(c.all_input_axes())),
        rc.Rearrange: lambda: renumbered(c.spec),
        rc.Index: lambda: tuple(("t", *e.tolist()) if isinstance(e, torch.Tensor) else repr(e) for e in c.idx),
        rc.GeneralFunction: lambda: repr(c.spec),
        rc.Concat: lambda: c.axis,
        rc.Scatter: lambda: (repr(c.idx), c.shape),
        rc.Conv: lambda: (tuple(c.stride), tuple(map(tuple, c.padding))),
        rc.Module: lambda: tuple(
            (structure(s.symbol, memo), s.batchable, s.expandable, s.ban_non_symbolic_size_expand) for s in c.spec.arg_specs
        ),
        rc.SetSymbolicShape: lambda: c.shape,
        rc.Tag: lambda: c.uuid,
        rc.StoredCumulantVar: lambda: (tuple(c.cumulants), c.uuid),
    }
    own = fields.get(type(c), tuple)()
    memo[c] = (type(c), own, tuple(structure(child, memo) for child in c.children), c.op_name, c.use_autoname)
    return memo[c]


def renumbered(spec):
    order = list(dict.fromkeys(itertools.chain(*spec.input_ints, *spec.output_ints)))
    number = {k: i for i, k in enumerate(order)}
    sides = [tuple(tuple(number[k] for k in group) for group in side) for side in (spec.input_ints, spec.output_ints)]
    return (*sides, tuple(spec.int_sizes[k] for k in order))


@given(circuits(max_steps=3, named=False), circuits(max_steps=3, named=False))
def test_equality_is_structural(a, b):
    # Unnamed, so without axis names, which structure() does not see.
    equal = structure(a, {}) == structure(b, {})
    assert (a == b) == equal and (a != b) == (not equal)
    if equal:
        assert hash(a) == hash(b) and a.hash == b.hash
    else:
        assert a.hash != b.hash


@given(circuits())
def test_every_change_makes_a_difference(c):
    assert c.rename("another name") != c and (c.op_name is None or c.rename(None) != c)
    assert c.rename("").op_name == "" and (c.op_name == "" or c.rename("") != c)
    if c.use_autoname:
        assert c.with_autoname_disabled() != c
        assert c.with_autoname_disabled().with_autoname_disabled(False) == c
    if c.rank:
        named = [c.rename_axes(d) for d in ({0: "p"}, {0: "q"}, {0: "p", c.rank - 1: "z"})]
        assert len({c.rename_axes({}), *named}) == 4
    assert rc.Tag(c, U) != rc.Tag(c, uuid.UUID(int=1)) and rc.Add(c) != rc.Add(c, c) and rc.Add(c).rename("n") != rc.Einsum.identity(c, "n")


@given(circuits())
def test_renaming_laws(c):
    assert c.rename(c.op_name) == c
    assert c.rename("x").rename(c.op_name) == c
    if c.rank:
        axes = {0: "t"}
        assert c.rename_axes(axes).rename("x") == c.rename("x").rename_axes(axes)


def test_equality_basics():
    a, b = scalar("a"), scalar("b")
    assert a != b and rc.Add(a, b) != rc.Add(b, a) and rc.Add(a, b) == rc.Add(a, b, name="a + b")
    assert not (a == 3) and a != 3 and a != "a"
    assert rc.Array(torch.zeros(2)) == rc.Array(torch.zeros(2)) != rc.Array(torch.zeros(2, dtype=torch.float64))
    assert rc.Index(a, (-1,)) != rc.Index(a, (2,)) and rc.Index(a, (slice(None),)) != rc.Index(a, (slice(0, 3),))
    permuted = [rc.RearrangeSpec([[1], [0]], [[0], [1]], [None, None, 7]), rc.RearrangeSpec.from_string("a b -> b a")]
    x = scalar("x", (2, 3))
    assert rc.Rearrange(x, permuted[0]) == rc.Rearrange(x, permuted[1])
    assert x.rearrange_str("a b -> b a") != x.rearrange_str("a:2 b -> b a:2")
    assert x.rearrange_str("(a:1 b) c -> b (a:1 c)") != x.rearrange_str("(a b:2) c -> b (a c)")
    conv = [rc.Conv(scalar("i", (4, 1)), scalar("f", (1, 2, 1)), [1], padding) for padding in (0, [(0, 0)], [(1, 0)], [(0, 1)])]
    assert conv[0] == conv[1] and len(set(conv)) == 3
    symbol = rc.Symbol((3,), U, "s")
    bodies = [
        rc.Module.new_flat(rc.ModuleSpec(symbol, [rc.ModuleArgSpec(symbol, *flags)]), a, name="m")
        for flags in itertools.product((True, False), repeat=3)
    ]
    assert len(set(bodies)) == 8


def test_every_field_takes_part():
    x, y, u = scalar("x", (2, 3)), scalar("y", (2, 3)), [uuid.UUID(int=i) for i in range(2)]
    index, probs = rc.Array(torch.tensor([0, 1])), rc.Scalar(0.5, (2,))
    m, v, third = scalar("m", (1,)), scalar("v", (1, 1)), scalar("t", (1, 1, 1))
    long = scalar("l", (4, 1))
    tensors = [torch.tensor([0, 1]), torch.tensor([1, 0]), torch.tensor([0, 1, 1])]
    groups = [
        [rc.Array(t, "n") for t in (*tensors, tensors[0].to(torch.int32), tensors[0].to(torch.bool), tensors[0][None])],
        [rc.Symbol((2,), u[0]), rc.Symbol((2,), u[1]), rc.Symbol((3,), u[0]), rc.Symbol((2, 1), u[0]), rc.Symbol((), u[0])],
        [rc.Scalar(value, shape) for value in (1.0, 0.0, -0.0, math.nan, math.inf, 1 + 2**-52) for shape in ((), (1,), (1, 1))],
        [
            rc.Einsum((x, (0, 1)), out_axes=()),
            rc.Einsum((x, (0, 1)), out_axes=(0,)),
            rc.Einsum((x, (1, 0)), out_axes=(1,)),
            rc.Einsum((x, (0, 1)), out_axes=(0, 1)),
            rc.Einsum((x, (0, 1)), (scalar("x", ()), ()), out_axes=(0,)),
        ],
        [
            x.rearrange_str(t)
            for t in ("a b -> b a", "a b:3 -> b a", "a b -> a b", "a b -> (a b)", "a b -> b a 1", "a b -> b a 2", "a b -> b a ()")
        ],
        [rc.Index(x, i) for i in ((0,), (-2,), (slice(0, 1),), (slice(None, 1),), (tensors[0],), (tensors[1],), (slice(None), 0), ())],
        [rc.GeneralFunction.gen_index(x, index, d, batch_x=b, check_index_ints=c) for d in (0, 1) for b in (False,) for c in (True, False)],
        [rc.Concat(x, x, axis=0), rc.Concat(x, x, axis=1), rc.Concat(x, y, axis=0), rc.Concat(y, x, axis=0)],
        [rc.Scatter(x, (slice(i, i + 2),), (n, 3)) for i, n in ((0, 3), (1, 3), (0, 4), (1, 4))],
        [
            rc.Conv(long, scalar("f", (1, 1, 1)), stride, padding)
            for stride, padding in (([1], 0), ([2], 0), ([1], [(1, 0)]), ([1], [(0, 1)]), ([2], [(1, 1)]), ([1], 1))
        ],
        [rc.SetSymbolicShape(rc.Symbol((10007,), u[0]), (size,)) for size in (3, 4, 10007, 10009)],
        [rc.Tag(x, u[0]), rc.Tag(x, u[1]), rc.Tag(y, u[0])],
        [rc.DiscreteVar(x, probs), rc.DiscreteVar(y, probs), rc.DiscreteVar(x, probs.rename("p"))],
        [rc.StoredCumulantVar(c, uuid) for c in ({1: m, 2: v}, {1: m, 2: v, 3: third}) for uuid in u],
        [rc.Cumulant(x), rc.Cumulant(x, x), rc.Cumulant(x, y), rc.Cumulant(y, x), rc.Cumulant()],
        [rc.Add(x), rc.Add(x, x), rc.Add(x, y), rc.Add(y, x)],
    ]
    for group in groups:
        assert len({c.rename("n").hash for c in group}) == len(group), type(group[0])
        assert len(set(group)) == len(group)
    assert len({c.rename("n").hash for group in groups for c in group}) == sum(map(len, groups))


def test_function_and_index_do_not_collide():
    a = scalar("a")
    assert rc.sigmoid(a, "n") != rc.Index(a, (slice(None),), "n")
    assert len({rc.sigmoid(a, "n"), rc.tanh(a, "n"), rc.Tag(a, U, "n"), rc.Index(a, [], "n"), rc.Add(a, name="n")}) == 5


@given(st.lists(circuits(max_steps=2), max_size=6))
def test_order(cs):
    ordered = sorted(cs)
    keys = [(c.op_name is not None, c.name.encode("utf-32-be"), c.hash) for c in ordered]
    assert keys == sorted(keys)
    for a, b in itertools.product(cs, cs):
        assert (a < b) + (b < a) + (a == b) == 1
        assert (a <= b) == (a < b or a == b) and (a > b) == (b < a) and (a >= b) == (b <= a)
    for compare in (lambda c: c < 3, lambda c: c >= "a", lambda c: None <= c):
        if cs:
            with pytest.raises(TypeError):
                compare(cs[0])


def test_hash_is_the_same_in_another_process():
    code = "import pycircuit as rc; c = rc.Scalar(1.5, (2,), 'q').add(rc.Symbol.new_with_none_uuid((2,), 'w')); "
    code += "c = rc.sigmoid(c).index((slice(0, 1),)).rearrange_str('a -> a 2'); print(c.hash_base16, hash(c))"
    c = rc.sigmoid(rc.Scalar(1.5, (2,), "q").add(rc.Symbol.new_with_none_uuid((2,), "w"))).index((slice(0, 1),)).rearrange_str("a -> a 2")
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}
    )
    assert run.stdout.split() == [c.hash_base16, str(hash(c))]


def test_sharing():
    c = scalar("x", ())
    for _ in range(60):
        c = rc.Add(c, c, name="d")
    assert c.evaluate().item() == 2.0**60 and c.total_flops() == 120


@given(circuits(max_steps=3))
def test_self_hash(c):
    plain = rc.compute_self_hash(c)
    assert len(plain) == 32 and plain == rc.compute_self_hash(c)
    assert (rc.compute_self_hash(c.rename("other"), hash_name=True) == plain) == (c.op_name == "other")
    assert rc.compute_self_hash(c.rename("other"), hash_name=False) == rc.compute_self_hash(c, hash_name=False)
    assert rc.compute_self_hash(c.rename(None)) == rc.compute_self_hash(c.rename(""))
    if c.is_add():
        others = [rc.Scalar(9.0, child.shape, "changed") for child in c.children]
        changed = rc.Add(*others).rename(c.op_name)
        assert rc.compute_self_hash(changed, hash_child_shapes=True) == rc.compute_self_hash(c, hash_child_shapes=True)


def test_self_hash_counts():
    a = scalar("a")
    one, two = rc.Add(a, name="n"), rc.Add(a, a, name="n")
    assert rc.compute_self_hash(one) != rc.compute_self_hash(two)
    assert rc.compute_self_hash(one, hash_child_count=False) == rc.compute_self_hash(two, hash_child_count=False)
    wide = rc.Add(a, scalar("b", (1,)), name="n")
    assert rc.compute_self_hash(two) == rc.compute_self_hash(wide)
    assert rc.compute_self_hash(two, hash_child_shapes=True) != rc.compute_self_hash(wide, hash_child_shapes=True)


# --- automatic names
def named_children():
    """One circuit named `t` per kind of child."""
    s, big = scalar("s"), scalar("s", (3, 3))
    symbol = rc.Symbol((3,), U, "s")
    return {
        "atom": [
            scalar("t"),
            rc.Array(torch.zeros(3, dtype=torch.float64), "t"),
            rc.Symbol((3,), U, "t"),
            rc.StoredCumulantVar({1: s, 2: big}, U, "t"),
            rc.sigmoid(s, "t"),
            rc.Module.new_flat(rc.ModuleSpec(symbol, [rc.ModuleArgSpec(symbol)]), s, name="t"),
            rc.Cumulant(s, name="t"),
            rc.Conv(scalar("i", (3, 1)), scalar("f", (1, 1, 1)), [1], name="t").flatten("u").rename("t"),
        ],
        "postfix": [
            rc.Rearrange(s, rc.RearrangeSpec.ident(1), "t"),
            rc.Index(s, [], "t"),
            rc.Scatter(s, [], (3,), "t"),
            rc.SetSymbolicShape(s, (3,), "t"),
            rc.Tag(s, U, "t"),
            rc.DiscreteVar(big, rc.Scalar(1 / 3, (3,)), "t"),
        ],
        "Add": [rc.Add(s, s, name="t")],
        "Einsum": [rc.Einsum.identity(s, "t")],
        "Concat": [rc.Concat(s, axis=0, name="t")],
    }


def parents():
    """Builders of unnamed parents over a circuit of shape (3,), with the name that they give an unbracketed child t."""
    one = scalar("o")
    symbol = rc.Symbol((3,), U, "s")
    spec = rc.ModuleSpec(rc.Tag(symbol, U, "body"), [rc.ModuleArgSpec(symbol)])
    return {
        "function": [
            (rc.sigmoid, "sigmoid({})"),
            (lambda c: rc.Cumulant(c, one), "K2({}, o)"),
            (lambda c: rc.Module.new_flat(spec, c), "body({})"),
            (lambda c: rc.StoredCumulantVar({1: c, 2: scalar("v", (3, 3))}), "StoredCumulantVar(1: {}, 2: v)"),
        ],
        "postfix": [
            (lambda c: rc.Rearrange(c, rc.RearrangeSpec.ident(1)), "{} rearrange"),
            (lambda c: rc.Index(c, [0]), "{} idx"),
            (lambda c: rc.Scatter(c, [], (3,)), "{} scatter"),
            (lambda c: rc.SetSymbolicShape(c, (3,)), "{} set_shape"),
            (lambda c: rc.Tag(c, U), "{} tag"),
            (lambda c: rc.DiscreteVar(c), "{} var"),
        ],
        "Concat": [(lambda c: rc.Concat(c, one, axis=0), "{} ++ o"), (lambda c: rc.Concat(one, c, axis=0), "o ++ {}")],
        "Einsum": [(lambda c: rc.Einsum((c, (0,)), (one, (1,)), out_axes=()), "{} * o")],
        "Add": [(lambda c: rc.Add(c, one), "{} + o")],
    }


BRACKETS = {
    ("function", "atom"): False,
    ("function", "postfix"): False,
    ("function", "Add"): False,
    ("function", "Einsum"): False,
    ("function", "Concat"): False,
    ("postfix", "atom"): False,
    ("postfix", "postfix"): False,
    ("postfix", "Add"): True,
    ("postfix", "Einsum"): True,
    ("postfix", "Concat"): True,
    ("Concat", "atom"): False,
    ("Concat", "postfix"): False,
    ("Concat", "Add"): True,
    ("Concat", "Einsum"): True,
    ("Concat", "Concat"): True,
    ("Einsum", "atom"): False,
    ("Einsum", "postfix"): False,
    ("Einsum", "Add"): True,
    ("Einsum", "Einsum"): False,
    ("Einsum", "Concat"): True,
    ("Add", "atom"): False,
    ("Add", "postfix"): False,
    ("Add", "Add"): False,
    ("Add", "Einsum"): False,
    ("Add", "Concat"): True,
}


@pytest.mark.parametrize("parent, child", BRACKETS)
def test_parentheses_of_all_pairs(parent, child):
    text = "(t)" if BRACKETS[parent, child] else "t"
    for node in named_children()[child]:
        for build, pattern in parents()[parent]:
            if node.is_discrete_var() and parent == "function":
                continue  # shape (3,) holds, but a Cumulant of a variable is tested with the scalars
            assert build(node).op_name == pattern.format(text)
    for node in named_children()[child]:
        for build, _ in parents()[parent]:
            assert build(node.rename(None)).op_name is None


def test_name_examples():
    s, r = scalar("s"), scalar("r")

    def times(node, k):
        return rc.Einsum.scalar_mul(node, float(k), scalar_name=str(k))

    p = rc.Scalar(1 / 3, (3,))
    rows = [
        (rc.sigmoid(s).add(r), "sigmoid(s) + r"),
        (rc.sigmoid(s.add(r)), "sigmoid(s + r)"),
        (times(times(r, 2), 3), "r * 2 * 3"),
        (times(rc.Add(s, r), 2), "(s + r) * 2"),
        (rc.Add(s, times(r, 2)), "s + r * 2"),
        (rc.Concat(s, times(r, 2), axis=0), "s ++ (r * 2)"),
        (times(rc.Concat(s, r, axis=0), 2), "(s ++ r) * 2"),
        (rc.Index(rc.Add(s, r, name="t"), [0]), "(t) idx"),
        (rc.Index(rc.Index(scalar("s", (3, 3)), [0]), [0]), "s idx idx"),
        (s.sub(r), "s + neg r"),
        (rc.Cumulant(s, times(r, 2), s), "K3(s, r * 2, s)"),
        (rc.StoredCumulantVar({1: s, 2: rc.Cumulant(s, s)}), "StoredCumulantVar(1: s, 2: K2(s, s))"),
        (rc.Tag(rc.DiscreteVar(scalar("s", (3, 2)), p), U), "s var tag"),
        (rc.Conv(scalar("i", (5, 1)), scalar("f", (1, 3, 1)), [1]), "Conv(i, f)"),
        (rc.Einsum.identity(s), "s"),
        (rc.Add(s), "s"),
    ]
    for circuit, name in rows:
        assert circuit.op_name == name and circuit.get_autoname() == name
    long = rc.Add(scalar("ä" * 150), scalar("b" * 150))
    assert long.op_name == "ä" * 100 + "... + " + "b" * 100 + "..."
    cut_after_brackets = rc.Add(s, s, name="c" * 150).mul(s)
    assert cut_after_brackets.op_name == "(" + "c" * 99 + "... * s"
    assert scalar("d" * 150).index((0,)).op_name == "d" * 150 + " idx"


@given(circuits())
def test_autonames_are_what_get_autoname_says(c):
    nodes, stack = set(), [c]
    while stack:
        node = stack.pop()
        if node not in nodes:
            nodes.add(node)
            stack += node.children
    for node in nodes:
        if node.is_leaf():
            continue
        fresh = node.rename(None).map_children(lambda child: child)
        expected = node.get_autoname() if node.use_autoname else None
        assert fresh.op_name == expected
        assert expected != ""


def test_never_an_empty_automatic_name():
    assert rc.Add().op_name is None and rc.Einsum.empty().op_name is None
    assert rc.Add().get_autoname() is None
    empty = scalar("")
    assert rc.Add(empty).op_name is None and rc.Einsum.identity(empty).op_name is None
    assert rc.Add(empty, empty).op_name == " + "


def test_disabled_names():
    x = scalar("x").with_autoname_disabled()
    assert x.op_name == "x" and not x.use_autoname
    above = rc.Add(x)
    assert above.op_name is None and not above.use_autoname and rc.sigmoid(above).op_name is None
    assert rc.Add(x, name="given").op_name == "given"
    assert x.with_autoname_disabled(False) == scalar("x")
    assert above.with_autoname_disabled(False) == above
    here = rc.Add(scalar("x")).rename(None).with_autoname_disabled()
    again = here.map_children(lambda child: rc.Scalar(2.0, (3,), "y"))
    assert again.op_name is None and not again.use_autoname
    replaced = above.map_children(lambda child: scalar("z"))
    assert replaced.use_autoname and replaced.op_name == "z"


# --- axis names
def test_axis_names_propagate():
    x = rc.Array.randn(2, 3).rename_axes({0: "batch"})
    w = rc.Array.randn(3, 4)

    def axes(c):
        """Axis names, seen through equality with names given by hand."""
        plain = strip(c)
        for names in ({}, {0: "batch"}, {1: "batch"}, {0: "batch", 1: "other"}, {0: "other"}):
            if plain.rename_axes(names) == c:
                return names
        return None

    def strip(c):
        return c.map_children(lambda child: child.rename_axes({})) if c.children else c.rename_axes({})

    assert axes(x) == {0: "batch"}
    for c, expected in [
        (rc.Einsum.from_einsum_string("bi,ij->jb", x, w), {1: "batch"}),
        (rc.Index(x, (slice(0, 1),)), {}),
        (rc.Index(x, (slice(None), 0)), {0: "batch"}),
        (rc.Add(x, x.rename_axes({0: "other"})), {0: "other"}),
        (x.rearrange_str("a b -> b a"), {1: "batch"}),
    ]:
        bare = c.map_children(lambda child: child.rename_axes({}))
        assert c != bare or not expected
        relabelled = c.rename_axes(expected) if expected else c
        assert relabelled == c
        assert c.rename_axes({0: "nowhere"}).rename_axes({}) == c


def test_axis_name_errors():
    x = scalar("x", (2, 3))
    for bad in ("a b", "a[", "]", "a:b", "a\tb", "a\nb"):
        with pytest.raises(rc.NamedAxesForbiddenCharacterError) as error:
            x.rename_axes({0: bad})
        assert error.value.args[0].name == bad
    with pytest.raises(rc.ConstructNamedAxisAboveRankError):
        x.rename_axes({2: "a"})
    with pytest.raises(OverflowError):
        x.rename_axes({-1: "a"})
    for wrong in ({0: 3}, {"0": "a"}, [(0, "a")], None):
        with pytest.raises(TypeError):
            x.rename_axes(wrong)
    assert x.rename_axes({0: "", 1: ""}) != x and x.rename_axes({0: "a,b"}) != x and x.rename_axes({0: "a", 1: "a"}) != x
    assert (
        x.rename_axes({0: "t"}).with_autoname_disabled().rename("y").rename_axes({0: "t"})
        == x.rename_axes({0: "t"}).rename("y").with_autoname_disabled()
    )


@settings(max_examples=40)
@given(circuits(classes=ALL))
def test_rename_axes_empty_restores_the_propagated_names(c):
    if c.rank:
        assert c.rename_axes({0: "zzz"}).rename_axes({}) == c.rename_axes({})
    if c.children:
        rebuilt = c.map_children(lambda child: child)
        assert rebuilt.rename_axes({}) == rebuilt


# --- order of checks and interning under different payloads
@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
@settings(max_examples=10)
@given(st.data())
def test_equal_nodes_are_one_key(cls, data):
    c = data.draw(nodes_of_class(cls))
    other = c.rename("tmp").rename(c.op_name)
    assert {c: 1}[other] == 1 and math.isfinite(hash(c))


@given(circuits())
def test_mapping_every_node_to_itself(c):
    """Idempotent; the identity where no unnamed node has only named children and axis names are those of the children (02, section 12)."""
    once = rc.deep_map(c, lambda node: node)
    assert rc.deep_map(once, lambda node: node) == once and once.shape == c.shape
    nodes = rc.toposort_circuit(c)
    nameable = [n for n in nodes if n.op_name is None and not n.is_leaf() and n.use_autoname and n.get_autoname() is not None]
    if not nameable and all(n == n.rename_axes({}) for n in nodes if n.children):
        assert once == c
