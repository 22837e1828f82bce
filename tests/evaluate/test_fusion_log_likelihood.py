"""Log-probabilities of labels without a second tensor of the vocabulary's size: spec 12, section 5; the form of 14, section 7."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from pycircuit.module_library._losses import log_likelyhood, negative_log_likelyhood
from tests.evaluate.fusing import (
    DTYPES,
    check_fused,
    check_not_fused,
    check_values,
    draw_shape,
    einsum,
    function,
    fused_nodes,
    letters,
    plain,
    tensor,
)


def labels_of(seed: int, shape: tuple[int, ...], size: int, negative: bool = False) -> rc.Array:
    generator = torch.Generator().manual_seed(seed)
    return rc.Array(torch.randint(-size if negative else 0, size, shape, generator=generator), "labels")


def pick(log_probs: rc.Circuit, labels: rc.Circuit, form: int) -> rc.Circuit:
    if form == 0:
        return rc.GeneralFunction.gen_index(log_probs, labels, index_dim=0, batch_x=True)
    if form == 1:
        return rc.GeneralFunction.gen_index(log_probs, labels, index_dim=-1, batch_x=True, check_index_ints=False)
    return rc.GeneralFunction.explicit_index(log_probs, labels, index_dim=-1, x_non_batch_dims=1)


def flat_rows(node: rc.Circuit) -> rc.Circuit:
    rank = node.rank
    return rc.Rearrange(node, rc.RearrangeSpec([[i] for i in range(rank)], [list(range(rank - 1)), [rank - 1]], list(node.shape)))


@st.composite
def likelihoods(draw: st.DrawFn) -> rc.Circuit:
    rows = draw_shape(draw, max_rank=2)
    size = draw(st.integers(1, 9))
    dtype = draw(DTYPES)
    p = letters(len(rows))
    source = draw(st.integers(0, 4))
    if source == 0:
        logits: rc.Circuit = tensor(0, *rows, size, dtype=dtype, scale=draw(st.sampled_from([1.0, 50.0])))
    else:
        inner = draw(st.integers(1, 6))
        x, w = tensor(1, *rows, inner, dtype=dtype), tensor(2, size, inner, dtype=dtype)
        if source == 1:
            logits = einsum(f"{p}h,vh->{p}v", x, w)
        elif source == 2:
            logits = einsum(f"vh,{p}h->{p}v", w, x)
        elif source == 3:
            w = tensor(2, inner, 2, size, dtype=dtype)
            x = tensor(1, 2, *rows, inner, dtype=dtype)
            logits = einsum(f"z{p}h,hzv,->{p}v", x, w, rc.Scalar(0.5))
        else:
            logits = rc.Add(einsum(f"{p}h,vh->{p}v", x, w), tensor(3, size, dtype=dtype))
            if draw(st.booleans()):
                logits = einsum(f"{p}v,->{p}v", logits, rc.Scalar(2.0))
    if draw(st.booleans()):
        logits, rows = flat_rows(logits), (logits.numel // size,)
    log_probs = function("log_softmax", logits)
    if draw(st.booleans()):
        p = letters(len(rows))
        log_probs = einsum(f"{p}v,->{p}v", log_probs, rc.Scalar(-0.5))
    if draw(st.booleans()) and rows:
        log_probs, rows = flat_rows(log_probs), (log_probs.numel // size,)
    return pick(log_probs, labels_of(draw(st.integers(0, 9)), rows, size, draw(st.booleans())), draw(st.integers(0, 2)))


@given(likelihoods())
def test_log_likelihoods_are_fused(circuit: rc.Circuit) -> None:
    check_fused(circuit, "log_likelihood", scale=60.0)
    check_values(rc.optimize_circuit(circuit), scale=60.0)


@pytest.mark.parametrize("rows", [(), (5,), (2, 3)])
def test_loss_of_the_library(rows: tuple[int, ...]) -> None:
    p = letters(len(rows))
    x, w, labels = tensor(0, *rows, 6), tensor(1, 11, 6), labels_of(0, rows, 11)
    logits = einsum(f"{p}h,vh->{p}v", x, w)
    for spec in (log_likelyhood.spec, negative_log_likelyhood.spec):
        circuit = rc.Module.new_flat(spec, logits, labels)
        for each in (circuit, circuit.mean(), rc.optimize_circuit(circuit), rc.optimize_circuit(circuit.mean())):
            check_fused(each, "log_likelihood", at_least=2, scale=20.0)
    expected = torch.nn.functional.cross_entropy((x.value @ w.value.T).reshape(-1, 11), labels.value.reshape(-1), reduction="none")
    torch.testing.assert_close(rc.Module.new_flat(negative_log_likelyhood.spec, logits, labels).evaluate(), expected.reshape(rows))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_more_than_one_block(dtype: torch.dtype) -> None:
    x, w = tensor(0, 2500, 3, dtype=dtype), tensor(1, 1700, 3, dtype=dtype)
    labels = labels_of(2, (2500,), 1700)
    circuit = pick(function("log_softmax", rc.Add(einsum("ph,vh->pv", x, w), tensor(3, 1700, dtype=dtype))), labels, 0)
    check_fused(circuit, "log_likelihood", at_least=3, scale=20.0)


def test_infinities() -> None:
    logits = torch.randn(6, 5)
    logits[0, 0] = logits[1, 1] = -torch.inf
    logits[2] = -torch.inf
    logits[3, 4] = torch.inf
    logits[4, 2] = torch.nan
    labels = rc.Array(torch.tensor([0, 0, 1, 1, 1, 1]))
    check_values(pick(function("log_softmax", rc.Array(logits)), labels, 0))
    identity = rc.Array(torch.eye(6))
    check_values(pick(function("log_softmax", rc.Add(einsum("ph,vh->pv", identity, tensor(0, 5, 6)), rc.Array(logits[1]))), labels, 0))


def test_used_elsewhere() -> None:
    x, w, labels = tensor(0, 3, 4), tensor(1, 5, 4), labels_of(0, (3,), 5)
    logits = einsum("ph,vh->pv", x, w)
    log_probs = function("log_softmax", logits)
    likelihood = pick(log_probs, labels, 0)
    check_not_fused(rc.Add(likelihood, function("max", log_probs)), "log_likelihood")
    shared_logits = rc.Add(likelihood, function("max", logits))
    check_values(shared_logits)
    assert fused_nodes(shared_logits) == 1  # the log-softmax alone


def test_batched_products_and_other_axes() -> None:
    x, w, labels = tensor(0, 3, 4), tensor(1, 3, 5, 4), labels_of(0, (3,), 5)
    batched = pick(function("log_softmax", einsum("ph,pvh->pv", x, w)), labels, 0)
    check_values(batched, scale=10.0)
    assert fused_nodes(batched) == 1
    transposed = rc.Rearrange(function("log_softmax", tensor(2, 3, 3)), rc.RearrangeSpec.new_permute([1, 0]))
    check_not_fused(pick(transposed, labels_of(0, (3,), 3), 0), "log_likelihood")
    several = rc.GeneralFunction.gen_index(function("log_softmax", tensor(2, 5, 3)), labels_of(0, (4,), 5), index_dim=0)
    check_not_fused(several, "log_likelihood")


@pytest.mark.parametrize("bad", [torch.tensor([0, 5]), torch.tensor([-6, 0]), torch.tensor([0.5, 1.0])])
def test_bad_labels_raise_as_unfused(bad: torch.Tensor) -> None:
    for logits in (tensor(0, 2, 5), einsum("ph,vh->pv", tensor(0, 2, 4), tensor(1, 5, 4))):
        if bad.is_floating_point():
            labels = rc.Einsum.from_einsum_string("a,a->a", rc.Scalar(0.5, (2,)), rc.Scalar(1.0, (2,)))
        else:
            labels = rc.Array(bad)
        circuit = pick(function("log_softmax", logits), labels, 0)
        with pytest.raises((IndexError, AssertionError)) as unfused:
            plain(circuit)
        with pytest.raises(type(unfused.value), match="gen_index") as fused:
            circuit.evaluate()
        assert str(fused.value).splitlines()[0] == str(unfused.value).splitlines()[0]


def test_gradients() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    circuit = pick(function("log_softmax", einsum("ph,vh->pv", rc.Array(x), tensor(1, 5, 4))), labels_of(0, (3,), 5), 0)
    circuit.evaluate().sum().backward()
    fused, x.grad = x.grad, None
    plain(circuit).sum().backward()
    torch.testing.assert_close(fused, x.grad)
