"""rewrite_cum_to_circuit_of_cum: a Cumulant as a circuit of Cumulants below one argument (spec 09, section 11)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.peer.client import Peer, needs_peer
from tests.random.variables import f64, group, variable

A = variable([[1.0, 2.0], [0.0, -1.0], [3.0, 5.0]], group(3, 1), "a")
B = rc.DiscreteVar(rc.Array(f64(torch.arange(18).reshape(3, 3, 2) % 7)), group(3, 1), "b")
C = variable([1.0, 4.0, -2.0], group(3, 1), "c")
D = variable([2.0, -3.0], group(2, 2), "d")
ARGUMENTS = [
    rc.Rearrange.from_string(B, "i j -> j 2 (i 1)"),
    rc.Index(B, [torch.tensor([2, 0, 1, 1]), 1]),
    rc.Index(A, [slice(0, 1)]),
    rc.Tag(A, uuid.UUID(int=5)),
    rc.Concat(A, C.unsqueeze(0), A, axis=0),
    rc.Concat(B, B, axis=1),
    rc.Add(B, A, C),
    rc.Add(A.unsqueeze(0), D),
    rc.Add(),
    rc.Einsum((A, [0]), (C, []), out_axes=[0]),
    rc.Einsum((B, [0, 1]), (A, [1]), out_axes=[0]),
    rc.Einsum((A, [7]), (A, [7]), out_axes=[7, 7]),
    rc.Einsum((A, [0]), (C, []), (D, []), out_axes=[]),
    rc.Einsum.empty(),
    rc.Array(f64([1.0, 2.0]), "array"),
    rc.Scalar(2.0, (3,)),
    rc.Cumulant(A),
]
OTHERS = [A, C, D, rc.Einsum((B, [0, 1]), out_axes=[1, 0])]
SAMPLER = rc.Sampler(rc.RunDiscreteVarAllSpec([group(3, 1), group(2, 2)]))


@given(st.sampled_from(ARGUMENTS), st.lists(st.sampled_from(OTHERS), max_size=2), st.integers(0, 2), st.booleans())
def test_shape_name_and_estimate_stay(argument: rc.Circuit, others: list[rc.Circuit], position: int, repeated: bool) -> None:
    arguments = [*others[:position], argument, *others[position:], *([argument] if repeated else [])]
    cumulant = rc.Cumulant(*arguments, name="k")
    rewritten = rc.rewrite_cum_to_circuit_of_cum(cumulant, argument)
    assert rewritten.shape == cumulant.shape and rewritten.name == "k"
    expected = SAMPLER.estimate(cumulant).evaluate()
    torch.testing.assert_close(SAMPLER.estimate(rewritten).evaluate(), expected, rtol=1e-8, atol=1e-7)


def test_einsum_of_two() -> None:
    a, b = (rc.Symbol.new_with_none_uuid((size,), name) for size, name in ((2, "a"), (3, "b")))
    product = rc.Einsum((a, [0]), (b, [1]), out_axes=[1, 0])
    joint = rc.Einsum.from_einsum_string("ab->ba", rc.Cumulant(a, b), name="perm")
    apart = rc.Einsum.from_einsum_string("a,b->ba", rc.Cumulant(a), rc.Cumulant(b), name="perm")
    assert rc.rewrite_cum_to_circuit_of_cum(rc.Cumulant(product, name="k"), product) == rc.Add(joint, apart, name="k")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("oE", ["K3(a, b, o)", "K2(a, o) K1(b)", "K2(b, o) K1(a)"]),
        ("oEp", ["K4(a, b, o, p)", "K3(a, o, p) K1(b)", "K3(b, o, p) K1(a)", "K2(a, o) K2(b, p)", "K2(b, o) K2(a, p)"]),
    ],
)
def test_summands_of_a_product(arguments: str, expected: list[str]) -> None:
    nodes: dict[str, rc.Circuit] = {name: rc.Symbol.new_with_none_uuid((), name) for name in "abop"}
    nodes["E"] = nodes["a"].mul(nodes["b"])
    rewritten = rc.rewrite_cum_to_circuit_of_cum(rc.Cumulant(*[nodes[name] for name in arguments]), nodes["E"])
    assert [" ".join(child.name for child in summand.children) for summand in rewritten.children] == expected


def test_new_cumulants_pass_namer_then_function() -> None:
    total = rc.Add(A, C)
    seen: list[str] = []

    def replaced(q: rc.Circuit) -> rc.Circuit:
        seen.append(q.name)
        return q.mul_scalar(2.0)

    rewritten = rc.rewrite_cum_to_circuit_of_cum(rc.Cumulant(total), total, lambda q: f"q{len(seen)}", replaced)
    assert seen == ["q0", "q1"] and all(isinstance(child, rc.Einsum) for child in rewritten.children)
    assert rc.rewrite_cum_to_circuit_of_cum(rc.Cumulant(total), total, namer=lambda q: None).children[0].op_name is None


def test_errors() -> None:
    rewrite = rc.rewrite_cum_to_circuit_of_cum
    assert rewrite(rc.Cumulant(name="k"), A) == rc.Scalar(1.0, (), "k")
    with pytest.raises(rc.CumulantRewriteNodeToExpandNotFoundError) as info:
        rewrite(rc.Cumulant(A), C)
    assert info.value.args[0].items() == {"cumulant": rc.Cumulant(A), "node": C}
    symbol = rc.Symbol.new_with_random_uuid((), "s")
    for node in (symbol, rc.sigmoid(A)):
        with pytest.raises(rc.CumulantRewriteUnexpandableTypeError) as unexpandable:
            rewrite(rc.Cumulant(node), node)
        assert unexpandable.value.args[0].node == node
    for node in (A, rc.Module.new_flat(rc.ModuleSpec(symbol, [rc.ModuleArgSpec(symbol)]), C)):
        with pytest.raises(rc.CumulantRewriteUnimplementedTypeError):
            rewrite(rc.Cumulant(node), node)
    total, wrong = rc.Add(A, C), rc.Cumulant(rc.Add(A, C))
    with pytest.raises(RuntimeError, match="another shape"):
        rewrite(wrong, total, on_sub_cumulant_fn=lambda q: C)
    for arguments in ((A, A), (wrong, 3), (wrong, total, 3), (wrong, total, lambda q: 3)):
        with pytest.raises(TypeError):
            rewrite(*arguments)


@needs_peer
@pytest.mark.parametrize("argument", [ARGUMENTS[i] for i in (2, 3, 4, 7, 9, 11, 12)])
def test_text_as_in_the_peer(argument: Any) -> None:
    argument = argument.update(rc.DiscreteVar, lambda c: rc.Symbol.new_with_none_uuid(c.shape, c.name))
    scalar = rc.Symbol.new_with_none_uuid((), "o")
    peer = Peer()
    try:
        for arguments in ([argument], [scalar, argument], [argument, scalar, scalar]):
            text = peer.run(
                "result = rc.rewrite_cum_to_circuit_of_cum(rc.Cumulant(*arguments), argument).repr(rc.PrintOptions(bijection=False))",
                arguments=arguments,
                argument=argument,
            )
            ours = rc.rewrite_cum_to_circuit_of_cum(rc.Cumulant(*arguments), argument)
            assert ours.repr(rc.PrintOptions(bijection=False)) == text
    finally:
        peer.close()
