"""Evaluation on a CUDA device (spec 12, sections 11, 12 and 17): fused attention, streams, no synchronisation, graphs, memory errors."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

import pycircuit as rc

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")

DTYPES = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}  # spec 12, 12.3
BATCH, HEADS, QUERIES, KEYS, SIZE, HIDDEN = 3, 4, 70, 90, 32, 24


def softmax(circuit: rc.Circuit) -> rc.Circuit:
    return rc.GeneralFunction.new_by_name(circuit, spec_name="softmax")


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + 31 * sum(shape)), dtype=torch.float64)


class Attention:
    """One form of attention: tensors float64 on the CPU, rounded to `dtype`; its circuit on the device and its value in float64."""

    def __init__(self, dtype: torch.dtype, *, mask: bool = False, bias: str = "", weight: bool = False, shared_keys: bool = False) -> None:
        self.dtype, self.shared_keys = dtype, shared_keys
        key_axes = (BATCH, KEYS, SIZE) if shared_keys else (BATCH, HEADS, KEYS, SIZE)
        self.q = self.rounded(normal(BATCH, HEADS, QUERIES, SIZE))
        self.k, self.v = self.rounded(normal(*key_axes, seed=1)), self.rounded(normal(*key_axes, seed=2))
        seen = torch.ones(QUERIES, KEYS, dtype=torch.float64).tril(KEYS - QUERIES)
        self.mask = seen if mask else None
        hidden = {"-10000": -10000.0, "-inf": -math.inf}.get(bias, 0.0)
        self.bias = torch.zeros_like(seen).masked_fill(seen == 0, hidden) if hidden else None
        if bias == "per head":
            self.bias = self.rounded(normal(HEADS, QUERIES, KEYS, seed=3))
        self.weight = self.rounded(normal(HEADS, SIZE, HIDDEN, seed=4)) if weight else None

    def rounded(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.dtype).double()

    def array(self, tensor: torch.Tensor, name: str) -> rc.Array:
        return rc.Array(tensor.to("cuda", self.dtype), name)

    def circuit(self) -> rc.Circuit:
        keys = "bjc" if self.shared_keys else "bhjc"
        scores: rc.Circuit = rc.Einsum.from_einsum_string(
            f"bhic,{keys},->bhij", self.array(self.q, "q"), self.array(self.k, "k"), rc.Scalar(SIZE**-0.5)
        )
        if self.mask is not None:
            scores = rc.Einsum.from_einsum_string("bhij,ij->bhij", scores, self.array(self.mask, "mask"))
        if self.bias is not None:
            scores = rc.Add(scores, self.array(self.bias, "bias"))
        pattern, v = softmax(scores), self.array(self.v, "v")
        if self.weight is None:
            return rc.Einsum.from_einsum_string(f"bhij,{keys.replace('c', 'f')}->bhif", pattern, v)
        return rc.Einsum.from_einsum_string(f"bhij,{keys.replace('c', 'f')},hfd->bid", pattern, v, self.array(self.weight, "w"))

    def expected(self) -> torch.Tensor:
        k, v = (x.unsqueeze(1) if self.shared_keys else x for x in (self.k, self.v))
        scores = self.q @ k.transpose(-1, -2) * SIZE**-0.5
        scores = scores if self.mask is None else scores * self.mask
        scores = scores if self.bias is None else scores + self.rounded(self.bias)
        output = scores.softmax(-1) @ v
        return output if self.weight is None else torch.einsum("bhif,hfd->bid", output, self.weight)

    def scale(self) -> float:
        """What tolerances refer to: the largest value, or the sum of products that output weights add up."""
        largest = self.v.abs().max().item()
        return largest if self.weight is None else largest * self.weight.abs().sum((0, 1)).max().item()

    def check(self, value: torch.Tensor) -> None:
        assert value.is_cuda and value.dtype == self.dtype
        error = (value.double().cpu() - self.expected()).abs().max().item()
        assert error <= DTYPES[self.dtype] * self.scale()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("mask", "bias"), [(False, ""), (True, "-10000"), (False, "-inf"), (False, "per head"), (True, "per head")])
def test_attention_agrees_with_float64(dtype: torch.dtype, mask: bool, bias: str) -> None:
    for weight, shared_keys in itertools.product([False, True], [False, True]):
        attention = Attention(dtype, mask=mask, bias=bias, weight=weight, shared_keys=shared_keys)
        circuit = attention.circuit()
        attention.check(circuit.evaluate())
        attention.check(rc.optimize_and_evaluate(circuit))


@pytest.mark.parametrize("dtype", DTYPES)
def test_attention_is_fused(dtype: torch.dtype) -> None:
    stats = rc.optimize_to_schedule(Attention(dtype, mask=True, bias="-10000").circuit()).get_stats()
    assert stats.fused_attention == 1
    assert set(stats.attention_backends) <= {"cuda", "sdpa"}


def test_values_without_weight_change_no_bit() -> None:
    plain, changed = (Attention(torch.float16, mask=True, bias="-10000") for _ in range(2))
    changed.v[..., KEYS - 1, :] = 60000.0
    last_but_one = slice(0, QUERIES - 1)
    assert torch.equal(plain.circuit().evaluate()[..., last_but_one, :], changed.circuit().evaluate()[..., last_but_one, :])


def test_repeating_gives_the_same_bits() -> None:
    circuit = Attention(torch.bfloat16, weight=True).circuit()
    first = circuit.evaluate()
    assert all(torch.equal(first, circuit.evaluate()) for _ in range(3))


def test_work_is_queued_on_the_current_stream() -> None:
    attention = Attention(torch.float16)
    circuit = attention.circuit()
    circuit.evaluate()
    torch.cuda.synchronize()
    side = torch.cuda.Stream()
    blocker = torch.randn(4096, 4096, device="cuda")
    with torch.cuda.stream(side):
        for _ in range(20):
            blocker = blocker @ blocker * 1e-3
        value = circuit.evaluate()
        done = torch.cuda.Event()
        done.record()
        assert torch.cuda.current_stream() == side
    assert not done.query(), "the evaluation did not wait for earlier work of its stream"
    done.synchronize()
    attention.check(value)


def test_no_synchronisation() -> None:
    attention = Attention(torch.float16, mask=True, bias="-10000", weight=True)
    schedule = rc.optimize_to_schedule(attention.circuit())
    schedule.evaluate()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        value = schedule.evaluate()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    attention.check(value)


def test_graph_capture() -> None:
    attention = Attention(torch.float16, mask=True, bias="-10000", weight=True)
    schedule = rc.optimize_to_schedule(attention.circuit())
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        schedule.evaluate()  # what a first run does once must not be captured
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        value = schedule.evaluate()
    value.zero_()
    graph.replay()
    attention.check(value)


def block(x: rc.Circuit, width: int) -> rc.Circuit:
    """Two layers over the rows of x [rows, width]."""
    w, v = (rc.Array(normal(width, width, seed=seed).to("cuda", torch.float32) / width**0.5, name) for seed, name in enumerate("wv"))
    hidden = rc.GeneralFunction.new_by_name(rc.Einsum.from_einsum_string("bi,ih->bh", x, w), spec_name="gelu")
    return rc.Add(softmax(rc.Einsum.from_einsum_string("bh,ho->bo", hidden, v)), x)


def test_schedules_on_other_tensors_replay_graphs() -> None:
    x = rc.Array(normal(8, 64).to("cuda", torch.float32), "x")
    schedule = rc.circuit_to_schedule(block(x, 64), rc.OptimizationSettings(cuda_graphs=True))
    plain = rc.circuit_to_schedule(block(x, 64), rc.OptimizationSettings())
    replays, kept = 0, []
    for seed in range(8):
        value = normal(8, 64, seed=seed).to("cuda", torch.float32)
        (got,), stats = schedule.replace_tensors({x.hash: value}).evaluate_with_stats()
        kept.append((got, plain.replace_tensors({x.hash: value}).evaluate()))
        replays += stats.graph_replays or 0
    assert replays == 5
    assert all(torch.equal(got, expected) for got, expected in kept)


@pytest.mark.parametrize("chosen", [False, True], ids=["all rows", "chosen rows"])
def test_batches_replay_graphs(chosen: bool) -> None:
    data = rc.Array(normal(103, 64).to("cuda", torch.float32), "data")
    rows = torch.randperm(103, generator=torch.Generator().manual_seed(0))
    circuit = block(data.index((rows,)) if chosen else data, 64)
    (got,), stats = rc.evaluate_batched_with_stats([circuit], 0, 10, rc.OptimizationSettings(cuda_graphs=True))
    assert stats.graph_replays == 7
    (expected,), stats = rc.evaluate_batched_with_stats([circuit], 0, 10, rc.OptimizationSettings())
    assert stats.graph_replays == 0
    assert torch.allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_replays_on_several_streams_do_not_mix() -> None:
    x = rc.Array(normal(256, 256).to("cuda", torch.float32), "x")
    schedule = rc.circuit_to_schedule(block(x, 256), rc.OptimizationSettings(cuda_graphs=True))
    values = [normal(256, 256, seed=seed).to("cuda", torch.float32) for seed in range(12)]
    expected = [block(rc.Array(value, "x"), 256).evaluate() for value in values]
    torch.cuda.synchronize()
    streams = [torch.cuda.Stream() for _ in range(3)]
    got = []
    for i, value in enumerate(values):
        with torch.cuda.stream(streams[i % 3]):
            got.append(schedule.replace_tensors({x.hash: value}).evaluate())
    torch.cuda.synchronize()
    assert all(torch.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(got, expected, strict=True))


def test_out_of_memory_is_torch_error_and_nothing_stays() -> None:
    circuit = Attention(torch.float16).circuit()
    huge = rc.Einsum.from_einsum_string("a,b->ab", *(rc.Array(torch.ones(1 << 20, device="cuda"), name) for name in "xy"))
    before = torch.cuda.memory_allocated()
    with pytest.raises(torch.cuda.OutOfMemoryError):
        rc.Add(huge, rc.Scalar(1.0)).evaluate()
    assert torch.cuda.memory_allocated() == before
    assert circuit.evaluate().isfinite().all()
