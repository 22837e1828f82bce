"""Embedding rows at sampled tokens, with what is added to them, as one step: spec 12, section 5."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.fusing import DTYPES, check_fused, check_not_fused, check_values, fusions, plain, tensor

VOCAB, WIDTH = 11, 6


def tokens(seed: int, *shape: int) -> rc.Array:
    generator = torch.Generator().manual_seed(seed)
    return rc.Array(torch.randint(0, VOCAB, shape, generator=generator), f"tokens{seed}")


def rows(table: rc.Circuit, at: rc.Circuit) -> rc.Circuit:
    return rc.GeneralFunction.gen_index(table, at, index_dim=0)


@st.composite
def embeddings(draw: st.DrawFn) -> rc.Circuit:
    """Rows at data, at sampled data, at slices of it; with positions before or after, whole, repeated or single."""
    dtype = draw(DTYPES)
    at: rc.Circuit = tokens(draw(st.integers(0, 9)), 5, 4)
    if draw(st.booleans()):
        at = at.index((torch.tensor(draw(st.lists(st.integers(0, 4), min_size=1, max_size=7))), slice(None)))
    if draw(st.booleans()):
        at = at.index((slice(None), draw(st.sampled_from([slice(0, -1), slice(1, None), slice(1, 2)]))))
    if draw(st.booleans()):
        at = at.index((draw(st.integers(0, at.shape[0] - 1)),))
    shape = draw(st.sampled_from([(WIDTH,), (WIDTH,), (2, WIDTH)]))
    node = rows(tensor(1, VOCAB, *shape, dtype=dtype), at)
    extra = draw(st.integers(0, node.rank + 1))
    if extra <= node.rank:
        added: rc.Circuit = tensor(2, *node.shape[extra:], dtype=dtype)
        if draw(st.booleans()) and added.rank > 1:
            added = rc.Rearrange(tensor(2, *added.shape[::-1], dtype=dtype), rc.RearrangeSpec.new_permute(list(range(added.rank))[::-1]))
        node = rc.Add(*draw(st.permutations([node, added])))
    return node


@given(embeddings())
def test_rows_of_embeddings(circuit: rc.Circuit) -> None:
    check_values(circuit, scale=4.0)
    check_values(rc.optimize_circuit(circuit), scale=4.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_what_is_fused(dtype: torch.dtype) -> None:
    table, positions = tensor(1, VOCAB, WIDTH, dtype=dtype), tensor(2, 4, WIDTH, dtype=dtype)
    data = tokens(3, 5, 4)
    sampled = data.index((torch.tensor([4, 0, 0, 2, 3, 1, 1]), slice(None)))
    for at, disappearing in ((data, 1), (sampled, 2), (sampled.index((slice(None), slice(None, 4))).index((slice(1, 3),)), 3)):
        for order in ((0, 1), (1, 0)):
            summands = (rows(table, at), positions)
            check_fused(rc.Add(*(summands[i] for i in order)), "embedding", at_least=disappearing, scale=4.0)
    check_fused(rows(table, sampled), "embedding", at_least=1)
    check_not_fused(rows(table, data), "embedding")


def test_values_are_exact() -> None:
    table, positions, at = tensor(1, VOCAB, 300), tensor(2, 70, 300), tokens(3, 90, 70)
    value = rc.Add(rows(table, at), positions).evaluate()
    assert torch.equal(value, table.value[at.value] + positions.value)


def test_after_sampling() -> None:
    data = tokens(3, 50, 4)
    variable = rc.DiscreteVar(data)
    circuit = rc.Add(rows(tensor(1, VOCAB, WIDTH), variable), tensor(2, 4, WIDTH))
    sampled = rc.Sampler(rc.RandomSampleSpec((9,))).sample(circuit)
    assert sampled.shape == (9, 4, WIDTH)
    check_fused(sampled, "embedding", at_least=2, scale=4.0)


def test_what_is_used_elsewhere_stays() -> None:
    sampled = tokens(3, 5, 4).index((torch.tensor([4, 0, 2]), slice(None)))
    embedded = rows(tensor(1, VOCAB, WIDTH), sampled)
    both = rc.Concat(rc.Add(embedded, tensor(2, 4, WIDTH)), embedded, axis=0)
    check_values(both, scale=4.0)
    reasons = [(fusion, reason) for _, fusion, reason in rc.circuit_to_schedule(both).get_stats().not_fused]
    assert any(fusion == "embedding" and "elsewhere" in reason for fusion, reason in reasons)
    counted = rc.Concat(rows(tensor(4, VOCAB), sampled), rows(tensor(5, VOCAB), sampled), axis=0)
    assert "embedding" not in fusions(counted)
    check_values(counted)


@pytest.mark.parametrize("bad", [VOCAB, -1])
def test_positions_are_checked(bad: int) -> None:
    at = rc.Array(torch.tensor([[0, 1], [2, bad]]), "tokens").index((torch.tensor([1, 0]), slice(None)))
    circuit = rc.Add(rows(tensor(1, VOCAB, WIDTH), at), tensor(2, WIDTH))
    for run in (rc.evaluate, plain):
        with pytest.raises(IndexError):
            run(circuit)


def test_gradients() -> None:
    table = torch.randn(VOCAB, WIDTH, requires_grad=True)
    at = tokens(3, 5, 4).index((torch.tensor([4, 0, 0]), slice(None)))
    rc.Add(rows(rc.Array(table, "e"), at), tensor(2, 4, WIDTH)).evaluate().square().sum().backward()
    found, table.grad = table.grad, None
    (table[at.evaluate()] + tensor(2, 4, WIDTH).value).square().sum().backward()
    torch.testing.assert_close(found, table.grad)
