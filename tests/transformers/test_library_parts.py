"""Norms, attention, MLPs and losses against their tables and plain torch (spec 14, sections 3, 4, 5, 7)."""

import itertools
from uuid import UUID

import pytest
import torch
import torch_transformer
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from pycircuit import module_library as ml

BATCH_SHAPES = [(), (3,), (4, 3, 2)]


def call(ret, **values):
    """The value of a library module on tensors by argument name (with `.` for `__`)."""
    arguments = {name.replace("__", "."): rc.Array(value) for name, value in values.items()}
    return rc.Module(ret.spec, "call", **arguments).evaluate()


def randn(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-10)


def argument_names(ret):
    return [arg.symbol.name for arg in ret.spec.arg_specs]


def all_bodies():
    yield from (ml.layernorm, ml.batchnorm, ml.not_mask, ml.log_likelyhood, ml.negative_log_likelyhood)
    yield from (ml.m_ln_bind, ml.a_ln_bind, ml.p_ln_bind, ml.final_ln_bind, ml.m_bn_bind, ml.a_bn_bind, ml.p_bn_bind, ml.final_bn_bind)
    yield from (ml.get_attention(*flags) for flags in list(itertools.product((False, True), repeat=3)))
    yield from (ml.get_pointwise_mlp(act, bias) for act in ("gelu", "gelu_new", "relu") for bias in (False, True))
    yield from (ml.get_bilinear_mlp(bias) for bias in (False, True))


@pytest.mark.parametrize("ret", list(all_bodies()), ids=lambda ret: ret.name)
def test_text_reads_back(ret, store):
    assert rc.Parser()(ret.body.repr()) == ret.body
    assert rc.PrintOptions().repr(ret.body) == rc.PrintOptions().repr(rc.Parser()(ret.body.repr()))


@pytest.mark.parametrize("ret", list(all_bodies()), ids=lambda ret: ret.name)
def test_arguments_have_default_flags(ret):
    assert all(arg.batchable and arg.expandable and arg.ban_non_symbolic_size_expand for arg in ret.spec.arg_specs)


def test_norm_tables():
    assert list(ml.layernorm.circs) == ["ln.y", "ln.input", "ln", "ln.w.bias", "ln.w.scale"]
    assert list(ml.batchnorm.circs) == ["bn.y", "bn.input", "bn.mean", "bn.var", "bn", "bn.w.bias", "bn.w.scale"]
    assert argument_names(ml.layernorm) == ["ln.input", "ln.w.bias", "ln.w.scale"]
    assert argument_names(ml.batchnorm) == ["bn.input", "bn.mean", "bn.var", "bn.w.bias", "bn.w.scale"]
    assert ml.layernorm.body.get_unique("ln.neg_mean").shape == (1,)
    uuids = {node.name: node.uuid for node in ml.batchnorm.body.get(rc.Symbol)}
    assert uuids["bn.var"] == UUID("c4e41ca7-e3ab-429e-81b6-25bb14423fb4")
    assert ml.layernorm.circs["ln.input"].uuid == UUID("981b4d2a-711b-4a9d-a11c-d859c311e80c")


def test_norm_bind_tables():
    uuids = list(ml.m_norm_uuids)
    bind = ml.get_norm_bind("m", ml.m_norm_uuids, "bn")
    assert ml.m_norm_uuids == uuids
    assert argument_names(bind) == ["m.norm.input", "m.bn.mean", "m.bn.var", "m.bn.w.bias", "m.bn.w.scale"]
    assert list(bind.circs)[-6:] == ["m.norm", "m.norm.input", "m.bn.mean", "m.bn.var", "m.bn.w.bias", "m.bn.w.scale"]
    by_place = [bind.circs["m.bn.w.scale"], bind.circs["m.bn.w.bias"], bind.circs["m.bn.var"], bind.circs["m.bn.mean"]]
    assert [symbol.uuid for symbol in [*by_place, bind.circs["m.norm.input"]]] == uuids
    assert ml.p_ln_bind.circs["p.norm.input"].uuid == ml.a_norm_uuids[4]
    assert argument_names(ml.final_ln_bind) == ["final.norm.input", "final.ln.w.bias", "final.ln.w.scale"]


def test_norm_call():
    circs = {**ml.get_pointwise_mlp().circs, **ml.m_ln_bind.circs}
    ret = ml.get_norm_call("m", circs)
    assert ret.name == "m.norm_call" and list(ret.circs) == [*circs, "m.norm_call"]
    assert ret.body.spec.circuit == circs["m"] and ret.body.nodes == [circs["m.norm"]]
    head = ml.get_attention(bias=True)
    named = ml.get_norm_call("a", {**head.circs, **ml.a_ln_bind.circs}, "a.p_bias")
    assert named.body.spec.circuit == head.body


@pytest.mark.parametrize("batch", BATCH_SHAPES)
def test_layernorm_value(batch):
    x, bias, scale = randn(*batch, 7), randn(7), randn(7)
    close(call(ml.layernorm, ln__input=x, ln__w__bias=bias, ln__w__scale=scale), torch_transformer.layernorm(x, bias, scale))
    close(torch_transformer.layernorm(x, bias, scale), torch.nn.functional.layer_norm(x, (7,), scale, bias))


@pytest.mark.parametrize("batch", BATCH_SHAPES)
def test_batchnorm_value(batch):
    x, mean, var, bias, scale = randn(*batch, 7), randn(7), randn(7) ** 2, randn(7), randn(7)
    value = call(ml.batchnorm, bn__input=x, bn__mean=mean, bn__var=var, bn__w__bias=bias, bn__w__scale=scale)
    close(value, torch_transformer.batchnorm(x, mean, var, bias, scale))


def test_raw_attention_keys():
    expected = "not_mask not_mask.input a.head a.q.input a.k.input a.v.input a.mask a.w.q_h a.w.q_bias_h a.w.k_h a.w.k_bias_h a.w.v_h"
    expected += " a.w.v_bias_h a.w.o_h a.head.on_inp a.input a.pos_input a.p_bias a.w.q a.w.q_bias a.w.k a.w.k_bias a.w.v a.w.v_bias"
    expected += " a.w.o a.w.o_bias qk_with_rot a_rope.head a_rope.head.on_inp a_rope.p_bias"
    assert list(ml.raw_attention_circs) == expected.split()


@pytest.mark.parametrize("bias,pos,rope", list(itertools.product((False, True), repeat=3)))
def test_attention_table(bias, pos, rope):
    ret = ml.get_attention(bias, pos, rope)
    assert ret.name == ("a_rope" if rope else "a") + (".p_bias" if bias else "")
    order = ["a.mask", "a.input", "a.pos_input", "a.w.q", "a.w.q_bias", "a.w.k", "a.w.k_bias", "a.w.v", "a.w.v_bias", "a.w.o", "a.w.o_bias"]
    expected = [name for name in order if (bias or "bias" not in name) and (pos or name != "a.pos_input")]
    assert argument_names(ret) == expected
    assert ("a.pos_input" in ret.circs) == pos
    assert ("a.qk_input" in {node.name for node in ret.body.get(True)}) == pos
    assert ("a.w.q_bias_h" in ret.circs) == bias
    assert ("a.q_p_bias" in {node.name for node in ret.body.get(True)}) == bias


def test_symbol_uuids():
    expected = {
        "a.w.q_h": "665efa60-d86c-40d5-92b2-b96d11686a8b",
        "a.w.k_bias": "13465b29-c28a-4d55-8a27-22c26cc01c69",
        "a.w.o": "24e0e5cf-8b68-4bf2-b198-17237523b237",
        "a.w.o_bias": "61d54061-63e2-4a5d-9c7a-15c1ecc53b95",
        "a.mask": "ccfe5bc9-b402-42dd-a5e1-191e6fb7c268",
        "a.pos_input": "eab8313e-d910-4174-8dbe-c612954eec34",
        "a.v.input": "8fd4c632-7f28-49ee-84cc-3dde997e0693",
    }
    assert {name: str(ml.raw_attention_circs[name].uuid) for name in expected} == expected
    assert str(ml.m_input.uuid) == "13ec4cdc-5f25-4969-870b-0bfa2300187b"
    assert str(ml.b_input.uuid) == "5837c4fd-f5ac-4bff-8456-abf3e95bcf36"


def attention_weights(bias, heads, head_size, hidden):
    weights = {f"a.w.{key}": randn(heads, head_size, hidden) for key in "qkv"}
    weights["a.w.o"] = randn(heads, hidden, head_size)
    if bias:
        weights.update({f"a.w.{key}_bias": randn(heads, head_size) for key in "qkv"}, **{"a.w.o_bias": randn(hidden)})
    return weights


@pytest.mark.parametrize("batch", BATCH_SHAPES)
@pytest.mark.parametrize("bias,pos,rope", list(itertools.product((False, True), repeat=3)))
def test_attention_value(bias, pos, rope, batch):
    torch.manual_seed(0)
    seq, hidden = 6, 5
    weights = attention_weights(bias, heads=3, head_size=8, hidden=hidden)
    x, positions = randn(*batch, seq, hidden), randn(seq, hidden) if pos else None
    mask = torch.randint(2, (seq, seq)).to(torch.float64)
    arguments = {**weights, "a.input": x, "a.mask": mask, **({"a.pos_input": positions} if pos else {})}
    module = rc.Module(ml.get_attention(bias, pos, rope).spec, "call", **{name: rc.Array(value) for name, value in arguments.items()})
    close(module.evaluate(), torch_transformer.attention(x, mask, weights, pos=positions, rope=rope))


def test_rotary_head_size_must_be_a_multiple_of_4():
    weights = attention_weights(False, heads=3, head_size=6, hidden=5)
    arguments = {**weights, "a.input": randn(4, 5), "a.mask": torch.ones(4, 4, dtype=torch.float64)}
    with pytest.raises((OverflowError, ValueError)):
        rc.Module(ml.get_attention(rope=True).spec, "call", **{name: rc.Array(value) for name, value in arguments.items()}).evaluate()


def test_mlp_tables():
    keys = ["m.input", "m.p_bias", "m.w.proj_in", "m.w.in_bias", "m.w.proj_out", "m.w.out_bias"]
    for get in (ml.get_pointwise_mlp, ml.get_bilinear_mlp):
        assert list(get(output_bias=True).circs) == keys
        assert list(get().circs) == ["m.input", "m", *keys[2:5]]
        assert argument_names(get(output_bias=True)) == [keys[0], *keys[2:]]
        assert get().name == "m" and get() is get(output_bias=False)
    assert ml.m_base_circs == {"m.input": ml.m_input}


@settings(max_examples=25, deadline=None)
@given(
    act=st.sampled_from(["gelu", "gelu_new", "relu", "bilinear"]),
    bias=st.booleans(),
    batch=st.sampled_from(BATCH_SHAPES),
    hidden=st.integers(1, 5),
    out_hidden=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_mlp_value(act, bias, batch, hidden, out_hidden, seed):
    torch.manual_seed(seed)
    ret = ml.get_bilinear_mlp(bias) if act == "bilinear" else ml.get_pointwise_mlp(act, bias)
    weights = {"m.w.proj_in": randn(8, hidden), "m.w.in_bias": randn(8), "m.w.proj_out": randn(out_hidden, 4 if act == "bilinear" else 8)}
    if bias:
        weights["m.w.out_bias"] = randn(out_hidden)
    x = randn(*batch, hidden)
    module = rc.Module(ret.spec, "call", **{name: rc.Array(value) for name, value in {**weights, "m.input": x}.items()})
    close(module.evaluate(), torch_transformer.mlp(x, weights, act))


@pytest.mark.parametrize("batch", BATCH_SHAPES)
def test_negative_log_likelihood_is_cross_entropy(batch):
    logits, labels = randn(*batch, 7), torch.randint(7, batch)
    expected = torch.nn.functional.cross_entropy(logits.reshape(-1, 7), labels.reshape(-1), reduction="none").reshape(batch)
    close(call(ml.negative_log_likelyhood, ll__input=logits, ll__label=labels), expected)
    close(call(ml.log_likelyhood, ll__input=logits, ll__label=labels), -expected)
    assert list(ml.log_likelyhood_circs) == ["ll", "ll.input", "ll.label", "nll"]
    assert argument_names(ml.log_likelyhood) == argument_names(ml.negative_log_likelyhood) == ["ll.input", "ll.label"]


def test_token_upcast_is_exact():
    tokens = torch.arange(65536)
    stored = (tokens - 32768).to(torch.int16)
    value = rc.Module(ml.token_upcast_module, "m", **{"upcast_toks.int16_toks": rc.Array(stored)}).evaluate()
    assert value.dtype == torch.int64 and torch.equal(value, tokens)
