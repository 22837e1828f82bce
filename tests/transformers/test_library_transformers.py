"""Blocks, transformers and their random stand-ins (spec 14, section 6)."""

import random
from uuid import UUID

import pytest
import torch
import torch_transformer
from block_parameters import FLOAT64, all_block_params
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from pycircuit.module_library import TransformerBlockParams, TransformerParams, add_number

DEFAULT_ARGUMENTS = [
    "m.w.proj_in",
    "m.w.in_bias",
    "m.w.proj_out",
    "m.ln.w.bias",
    "m.ln.w.scale",
    "a.mask",
    "a.w.q",
    "a.w.k",
    "a.w.v",
    "a.w.o",
    "a.ln.w.bias",
    "a.ln.w.scale",
    "b.input",
]


def argument_names(ret):
    return [arg.symbol.name for arg in ret.spec.arg_specs]


def values_of(circuits):
    return {name: circuit.value for name, circuit in circuits.items()}


def test_default_block():
    ret = TransformerBlockParams().get()
    assert ret.name == "b" and argument_names(ret) == DEFAULT_ARGUMENTS
    keys = list(ret.circs)
    order = ["m.input", "m", "m.norm", "m.norm_call", "not_mask", "a", "a.norm", "a.norm_call", "b.input", "b.resid.a", "b.resid.m", "b"]
    assert sorted(order, key=keys.index) == order
    assert ret.circs["b.resid.m"].rename("b") == ret.body
    assert ret.body.children[0].name == "b.m" and ret.body.children[1].name == "b.resid.a"


def test_block_forms():
    assert [child.name for child in TransformerBlockParams(use_mlp=False).get().body.children] == ["b.a", "b.input"]
    bare = TransformerBlockParams(norm_type=None, attn_bias=True, use_rope=True).get()
    assert "a.norm_call" not in bare.circs and bare.circs["b.resid.a"].children[0].spec.circuit.name == "a_rope.p_bias"
    parallel = TransformerBlockParams(use_parallel_residual=True).get()
    assert [child.name for child in parallel.body.children] == ["b.p", "b.input"]
    assert {"a.norm_call", "m.norm_call", "b.resid.a"} <= set(parallel.circs)
    assert list(parallel.circs)[-5:] == ["b.add", "p.input", "p.norm_call", "b.resid.p", "b"]
    assert argument_names(parallel)[3:5] == ["p.ln.w.bias", "p.ln.w.scale"]


@pytest.mark.parametrize("wrong", [{"use_mlp": False}, {"norm_type": None}])
def test_parallel_residual_needs_norm_and_mlp(wrong):
    with pytest.raises(AssertionError):
        TransformerBlockParams(use_parallel_residual=True, **wrong).get()


def test_rebound_uuids():
    weights = TransformerBlockParams().get_rebound_weighty(0)
    assert weights.name == "b0" and argument_names(weights)[:2] == ["m0.w.proj_in", "m0.w.in_bias"]
    assert argument_names(weights)[-2:] == ["a.mask", "b.input"]
    first = [arg.symbol.uuid for arg in weights.spec.arg_specs][:4]
    assert [str(uuid) for uuid in first] == [
        "e3e70682-c209-4cac-629f-6fbed82c07cd",
        "f728b4fa-4248-5e3a-0a5d-2f346baa9455",
        "eb1167b3-67a9-c378-7c65-c1e582e2e662",
        "f7c1bd87-4da5-e709-d471-3d60c8a70639",
    ]
    assert argument_names(TransformerBlockParams(use_mlp=False).get_rebound_weighty(0))[0] == "a0.w.q"


@given(st.integers(0, 50))
@settings(deadline=None)
def test_rebound_uuids_are_those_of_pythons_generator(num):
    block = TransformerBlockParams(attn_pos=True)
    rng = random.Random(num)
    weights = [arg.symbol for arg in block.get().spec.arg_specs if arg.symbol.name not in {"a.mask", "a.pos_input", "b.input"}]
    rebound = [arg.symbol for arg in block.get_rebound_weighty(num).spec.arg_specs][: len(weights)]
    assert [symbol.uuid for symbol in rebound] == [UUID(int=rng.getrandbits(128)) for _ in weights]
    assert [symbol.name for symbol in rebound] == [add_number(symbol.name, num) for symbol in weights]


def test_transformer_structure():
    ret = TransformerParams(output_bias=True).get()
    assert ret.name == "t.logits_p_bias"
    keys = list(ret.circs)
    last = "t.input b0.call b1.call final.norm final.norm.input final.ln.w.bias final.ln.w.scale final.call"
    assert keys[-12:] == [*last.split(), "t.logits", "t.logits_p_bias", "t.w.unembed", "t.w.unembed_bias"]
    assert keys.index("b") < keys.index("b0") < keys.index("b1") < keys.index("t.input")
    assert "final.call" not in TransformerParams(use_norm_output=False).get().circs
    empty = TransformerParams(TransformerBlockParams(norm_type=None), num_layers=0).get()
    assert [child.name for child in empty.body.children] == ["t.input", "t.w.unembed"]
    free = {symbol.name for symbol in rc.get_free_symbols(ret.body)}
    assert {"t.input", "a.mask", "a1.w.q", "final.ln.w.bias", "t.w.unembed_bias"} <= free


@pytest.mark.parametrize("block", list(all_block_params()), ids=str)
def test_all_parameters_equal_torch(block):
    torch.manual_seed(0)
    params = TransformerParams(block, num_layers=2 if block.attn_bias else 1, output_bias=block.mlp_output_bias)
    assert params.get() is params.get()
    call, weights, inputs = params.garbage_call(head_size=8, num_heads=2, seq_len=4, batch_shape=(2,), device_dtype=FLOAT64)
    assert call.shape == (2, 4, 11) and call.is_explicitly_computable
    assert all(circuit.dtype == "float64" for circuit in [*weights.values(), *inputs.values()])
    assert all(circuit.name == f"{name}_arr" for name, circuit in weights.items())
    expected = torch_transformer.transformer(params, values_of(weights), values_of(inputs))
    torch.testing.assert_close(call.evaluate(), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("num_layers", [0, 1, 3])
@pytest.mark.parametrize("norm_type", [None, "ln", "bn"])
def test_layers_equal_torch(num_layers, norm_type):
    params = TransformerParams(TransformerBlockParams(norm_type=norm_type), num_layers)
    free = {symbol.name for symbol in rc.get_free_symbols(params.get().body)}
    if num_layers == 0:
        assert "a.mask" not in free
    call, weights, inputs = params.garbage_call(batch_shape=(), device_dtype=FLOAT64)
    expected = torch_transformer.transformer(params, values_of(weights), values_of(inputs))
    torch.testing.assert_close(call.evaluate(), expected, rtol=1e-8, atol=1e-8)


def test_garbage_defaults():
    call, weights, inputs = TransformerParams().garbage_call()
    assert call.name == "t.call" and call.shape == (13, 2, 9, 11)
    assert call.spec.circuit.name == "t.bind_w" and list(inputs) == ["t.input", "a.mask"]
    assert inputs["a.mask"].name == "a.mask_rand_inp" and weights["a0.w.q"].shape == (7, 5, 3)
    bn = TransformerBlockParams(norm_type="bn").garbage_init_norm_weights(4)
    assert list(bn) == ["bn.mean", "bn.var", "bn.w.bias", "bn.w.scale"] and (bn["bn.var"].value >= 0).all()
    assert bn["bn.var"].name == "bn.var_arr"
