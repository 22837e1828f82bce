"""Content keys of tensors and the weak cache behind them (spec 02, section 8)."""

from __future__ import annotations

import gc
import weakref

import blake3
import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

import pycircuit as rc

DTYPE_TAGS = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.bool: "bool---",
    torch.int8: "int8---",
    torch.int16: "int16--",
    torch.int32: "int32--",
    torch.int64: "int64--",
    torch.uint8: "uint8--",
}


def key_by_recipe(x: torch.Tensor) -> bytes:
    """The recipe of the section, written out with another BLAKE3."""
    hasher = blake3.blake3(b"c3c5ce3e-7d06-4939-8340-2a7e6b2984b4")
    for size in x.shape:
        hasher.update(size.to_bytes(8, "big"))
    hasher.update(b"fb782993-5fe7-43ac-acc2-d57fb429c2fc")
    hasher.update(DTYPE_TAGS[x.dtype].encode() + str(x.device).encode() + b"9430f5c7-3c58-4339-b863-5449a4d74ee6")
    hasher.update(x.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return hasher.digest()


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    dtype = draw(st.sampled_from(list(DTYPE_TAGS)))
    shape = draw(st.lists(st.integers(0, 5), max_size=4))
    values = torch.randint(-100, 100, shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 2**31))))
    return values.to(dtype)


@pytest.mark.parametrize(
    ("tensor", "digits"),
    [
        (torch.zeros(5, dtype=torch.int8), "50dba7b000ecd7c013961b6c"),
        (torch.zeros(()), "7c52f2ef1ebfcdc8202fdc68"),
        (torch.tensor([1.0, 2.0]), "2aa1cb55a5ec726e59ff72e9"),
        (torch.arange(6).reshape(2, 3), "63b8d2668543a9ded53f11a2"),
        (torch.tensor([True, False]), "803a86b20b176de11f683c33"),
        (torch.zeros(0, 3, dtype=torch.float64), "55fcaa5eb32f526cd42f0e40"),
    ],
)
def test_vectors(tensor: torch.Tensor, digits: str) -> None:
    assert rc.hash_tensor(tensor).hex()[:24] == digits


@given(tensors())
def test_recipe(x: torch.Tensor) -> None:
    assert rc.hash_tensor(x) == key_by_recipe(x)
    assert rc.hash_tensor(x.clone()) == rc.hash_tensor(x)


@given(tensors(), st.data())
def test_layout_does_not_matter(x: torch.Tensor, data: st.DataObject) -> None:
    permuted = x.permute(data.draw(st.permutations(range(x.dim()))))
    expanded = x.unsqueeze(0).expand(3, *x.shape)
    views = [permuted, expanded, torch.cat([x.reshape(-1), x.reshape(-1)])[::2]]
    for view in views:
        assert rc.hash_tensor(view) == rc.hash_tensor(view.clone(memory_format=torch.contiguous_format))


@given(tensors())
def test_every_change_matters(x: torch.Tensor) -> None:
    key = rc.hash_tensor(x)
    assert rc.hash_tensor(x.unsqueeze(0)) != key
    other = torch.float16 if x.dtype != torch.float16 else torch.float32
    assert rc.hash_tensor(x.to(other)) != key
    if x.numel():
        changed = x.clone()
        changed.view(-1)[-1] = 0 if bool(x.reshape(-1)[-1] != 0) else 1
        assert rc.hash_tensor(changed) != key


def test_zeros_of_both_signs_differ() -> None:
    assert rc.hash_tensor(torch.tensor([0.0])) != rc.hash_tensor(torch.tensor([-0.0]))


def test_modification_in_place_is_noticed() -> None:
    x = torch.arange(5.0)
    before = rc.hash_tensor(x)
    x.add_(1)
    assert rc.hash_tensor(x) == key_by_recipe(x) != before
    x.data = torch.zeros(5)
    assert rc.hash_tensor(x) == key_by_recipe(torch.zeros(5))


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.index((slice(1, 3),)),
        lambda x: x.index((2,)),
        lambda x: rc.Rearrange.from_string(x, "a b -> b a"),
        lambda x: rc.Rearrange.from_string(x, "a b -> (a b)"),
    ],
)
def test_modification_through_a_computed_view_is_noticed(view) -> None:
    x = torch.arange(12.0).reshape(4, 3)
    before = rc.hash_tensor(x)
    value = view(rc.Array(x)).evaluate()
    assert value.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    value[0] = 77.0
    assert rc.hash_tensor(x) == key_by_recipe(x) != before


def test_lazy_negation_is_resolved() -> None:
    x = torch.tensor([1 + 2j, 3 - 4j]).conj().imag
    assert x.is_neg()
    assert rc.hash_tensor(x) == rc.hash_tensor(x.resolve_neg())


def test_requires_grad_does_not_matter() -> None:
    x = torch.randn(3)
    assert rc.hash_tensor(x.clone().requires_grad_()) == rc.hash_tensor(x)


@settings(max_examples=10)
@given(st.integers(1, 300_000))
def test_large_tensors(size: int) -> None:
    x = torch.arange(size, dtype=torch.float64)
    assert rc.hash_tensor(x) == key_by_recipe(x)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(2, dtype=torch.complex64),
        torch.zeros(2, 2).to_sparse(),
        torch.zeros(2, device="meta"),
        torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8),
    ],
    ids=["complex", "sparse", "meta", "quantized"],
)
def test_unsupported(tensor: torch.Tensor) -> None:
    with pytest.raises(RuntimeError):
        rc.hash_tensor(tensor)
    with pytest.raises(RuntimeError):
        rc.Array(tensor)


def test_the_cache_keeps_nothing_alive() -> None:
    x = torch.zeros(1000)
    rc.hash_tensor(x)
    gone = weakref.ref(x)
    storage = weakref.ref(x.untyped_storage())
    del x
    gc.collect()
    assert gone() is None
    assert storage() is None


def test_arrays_hand_their_tensor_back() -> None:
    x = torch.randn(3)
    array = rc.Array(x, "x")
    assert array.value is x
    address = id(x)
    del x
    gc.collect()
    assert id(array.value) == address
    same_bytes = array.value.clone()
    twin = rc.Array(same_bytes, "x")
    assert twin == array
    assert twin.value is same_bytes
    assert array.tensor_hash_base16() == rc.hash_tensor(same_bytes).hex()


def test_parameters_are_refused() -> None:
    with pytest.raises(TypeError, match="clone"):
        rc.Array(torch.nn.Parameter(torch.zeros(2)))
    x = torch.nn.Parameter(torch.ones(2))
    rc.Array(x.clone())


def test_randn() -> None:
    state = torch.get_rng_state()
    seeded = rc.Array.randn(2, 3, name="r", seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    assert seeded.name == "r" and seeded.dtype == "float32" and seeded.shape == (2, 3)
    torch.manual_seed(5)
    assert torch.equal(seeded.value, torch.randn(2, 3))
    torch.manual_seed(6)
    free = rc.Array.randn(4)
    torch.manual_seed(6)
    assert torch.equal(free.value, torch.randn(4))
    assert rc.Array.randn().shape == ()
    assert rc.Array.randn(2, device_dtype=rc.TorchDeviceDtypeOp("cpu", "float64")).dtype == "float64"
