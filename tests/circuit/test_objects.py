"""Python objects of circuits: calls of constructors, lifetime, threads, hashes on demand (spec 01, sections 1, 2; 02, section 3)."""

import gc
import threading
import uuid
import weakref

import pytest
import torch
from hypothesis import given

import pycircuit as rc
from tests.strategies import circuits

S = rc.Scalar(2.0, (2, 3), "s")
SPEC = rc.RearrangeSpec.ident(2)
CALLS = {
    "Scalar": ([1.5, (2,), "n"], ["value", "shape", "name"]),
    "Symbol": ([(2,), uuid.UUID(int=5), "n"], ["shape", "uuid", "name"]),
    "Array": ([torch.zeros(2), "n"], ["value", "name"]),
    "Rearrange": ([S, SPEC, "n"], ["node", "spec", "name"]),
    "Index": ([S, (0,), "n"], ["node", "index", "name"]),
    "Scatter": ([S, (slice(0, 2), slice(1, 4)), (2, 5), "n"], ["node", "index", "shape", "name"]),
}


@pytest.mark.parametrize("name", CALLS)
def test_arguments_by_position_and_by_name(name):
    cls, (values, names) = getattr(rc, name), CALLS[name]
    expected = cls(*values)
    for split in range(len(values) + 1):
        named = {"".join(list(key)): value for key, value in zip(names[split:], values[split:], strict=True)}  # names made at run time
        assert cls(*values[:split], **named) == expected
        assert cls(*values[:split], **dict(reversed(named.items()))) == expected
    with pytest.raises(TypeError):
        cls(*values, **{names[0]: values[0]})
    with pytest.raises(TypeError):
        cls(*values, None)
    with pytest.raises(TypeError):
        cls(*values[:-1], nome="n")
    with pytest.raises(TypeError):
        cls()


def test_any_number_of_positional_arguments():
    many = [S] * 300
    assert rc.Add(*many, name="n").children == many
    assert rc.Add(*many, **{"".join("name"): "n"}) == rc.Add(*many, name="n")
    assert rc.Concat(S, S, axis=-1).axis == 1
    assert rc.Einsum((S, (0, 1)), (S, [0, 1]), out_axes=[1]).out_axes == (1,)
    assert rc.GeneralFunction(S, spec=rc.relu(S).spec) == rc.relu(S)
    for call in (
        lambda: rc.Add(S, nome="n"),
        lambda: rc.Add(S, name="n", nome="n"),
        lambda: rc.Einsum((S, (0, 1))),
        lambda: rc.Einsum((S, (0, 1), ()), out_axes=()),
        lambda: rc.Concat(S, 0),
    ):
        with pytest.raises(TypeError):
            call()


def test_alternative_names_of_the_index():
    assert rc.Index(S, idx=(0,)) == rc.Index(S, (0,)) == rc.Index(node=S, index=(0,))
    assert rc.Scatter(S, idx=(slice(0, 2), slice(0, 3)), shape=(2, 3)) == rc.Scatter(S, (slice(0, 2), slice(0, 3)), (2, 3))


def test_weak_references_end_with_the_object():
    node = rc.Add(S, S, name="watched")
    kept = rc.Add(node, S, name="keeps the node")
    died = []
    reference = weakref.ref(node, died.append)
    assert reference() is node
    del node
    gc.collect()
    assert died == [reference] and reference() is None
    again = kept.children[0]
    assert again.name == "watched" and weakref.ref(again)() is again


def test_a_weak_reference_callback_may_use_the_node():
    kept = []
    node = rc.Add(S, S, name="resurrected")
    parent = rc.Add(node, S)
    reference = weakref.ref(node, lambda _: kept.append(parent.children[0]))
    del node
    gc.collect()
    assert reference() is None and [c.name for c in kept] == ["resurrected"]


def chain(length, start):
    node = start
    for i in range(length):
        node = rc.Add(node, S, name=f"n{i}")
    return node


def test_hashes_of_deep_graphs():
    whole = chain(100_000, rc.Scalar(3.0, (2, 3), "start"))
    first = whole.hash
    del whole
    start = rc.Scalar(3.0, (2, 3), "start")
    assert len(start.hash) == 32
    whole = chain(100_000, start)
    below = whole
    for _ in range(50_000):
        below = below.children[0]
    assert len(below.hash) == 32  # half of them are known when the root is asked
    assert whole.hash == first


def test_threads_share_nodes_and_hashes():
    barrier, results = threading.Barrier(4), [None] * 4

    def work(i):
        barrier.wait()
        tree = [rc.Scalar(float(k), (2, 3), "leaf") for k in range(400)]
        tree += [rc.Add(a, b, name="sum") for a in tree[:20] for b in tree[20:60]]
        results[i] = [c.hash for c in reversed(tree)], tree

    for _ in range(3):
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        hashes, trees = zip(*results, strict=True)
        assert all(each == hashes[0] for each in hashes)
        assert all(a == b for tree in trees for a, b in zip(tree, trees[0], strict=True))


@given(circuits())
def test_what_follows_from_children_survives_their_renaming(c):
    """Rebuilding over children of the same shapes, flags, dtypes and symbols."""
    renamed = rc.deep_map(c, lambda node: node if node.is_symbol() else node.rename(f"{node.name} again"))
    for attribute in ("shape", "device_dtype", "is_constant", "is_explicitly_computable", "can_be_sampled", "use_autoname"):
        assert getattr(renamed, attribute) == getattr(c, attribute)
    assert renamed.symbolic_size_constraints == c.symbolic_size_constraints
    assert rc.get_free_symbols(renamed) == rc.get_free_symbols(c)


def test_free_symbols_follow_the_symbols():
    a, b = (rc.Symbol((2, 3), uuid.UUID(int=i), name) for i, name in ((1, "a"), (2, "b")))
    above = rc.Add(rc.Einsum.scalar_mul(a, 2.0, name="twice"), S, name="sum")
    replaced = above.update(a, lambda _: b)
    assert rc.get_free_symbols(above) == [a] and rc.get_free_symbols(replaced) == [b]
    bound = above.update(a, lambda _: S)
    assert bound.no_unbound_symbols and bound.is_explicitly_computable
    assert not replaced.is_explicitly_computable


def test_live_nodes_are_found_after_many_others_have_gone():
    """Tables shrink when nodes go, in whatever order, and lose none that stays."""
    order = torch.randperm(60_000, generator=torch.Generator().manual_seed(1)).tolist()
    nodes = {i: rc.Scalar(float(i), name=f"many {i}") for i in range(len(order))}
    kept = {i: nodes[i] for i in order[::997]}
    for step, i in enumerate(order):
        del nodes[i]
        if step % 5000 == 0:
            assert all(rc.Scalar(float(j), name=f"many {j}") is node for j, node in kept.items())
    assert all(rc.Scalar(float(j), name=f"many {j}") is node for j, node in kept.items())
    again = [rc.Scalar(float(i), name=f"many {i}") for i in order]
    assert all(again[position] is kept[i] for position, i in enumerate(order) if i in kept)
    assert len({node.hash for node in again}) == len(order)
