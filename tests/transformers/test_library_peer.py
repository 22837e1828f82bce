"""The library and the rewrites print as those of rust_circuit, where that is installed; the spec's deliberate differences are left out."""

import importlib
import importlib.util
import itertools
import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("rust_circuit") is None, reason="rust_circuit is not installed")

ROTARY_NAME, PEER_ROTARY_NAME = "GeneralFunction apply_rotary_pos_emb", "GeneralFunction ApplyRotaryPosEmb"


def library_texts(package):
    """Texts of library bodies and argument names by what they are, for the library of a package."""
    rc, ml = importlib.import_module(package), importlib.import_module(f"{package}.module_library")
    rets = {
        name: getattr(ml, name) for name in ("layernorm", "batchnorm", "not_mask", "p_bn_bind", "final_ln_bind", "negative_log_likelyhood")
    }
    for bias, pos, rope in itertools.product((False, True), repeat=3):
        rets[f"attention {bias} {pos} {rope}"] = ml.get_attention(bias, pos, rope)
        block = ml.TransformerBlockParams("bn" if pos else "ln", bias, pos, True, "bilinear" if bias else "relu", pos, bias, rope)
        rets[f"block {bias} {pos} {rope}"] = block.get()
        rets[f"layer {bias} {pos} {rope}"] = block.get_rebound_weighty(2)
        rets[f"model {bias} {pos} {rope}"] = ml.TransformerParams(block, 2, rope, bias).get()
    printing = rc.PrintOptions()
    return {name: [printing.repr(ret.body), list(ret.circs), [arg.symbol.name for arg in ret.spec.arg_specs]] for name, ret in rets.items()}


def rewrite_texts(package):
    """Texts of configured models, without the values of their Arrays."""
    rc, ml, mr = (importlib.import_module(name) for name in (package, f"{package}.module_library", f"{package}.model_rewrites"))
    printing = rc.PrintOptions(bijection=False)
    texts = {}
    for bias, use_mlp, norm_type in itertools.product((False, True), (False, True), ("ln", None)):
        params = ml.TransformerParams(ml.TransformerBlockParams(norm_type, bias, bias, use_mlp, mlp_output_bias=bias))
        model = params.garbage_call()[0].get_unique("t.bind_w")
        options = {to.name: {"to": to, "use_clear_block_module": to != mr.To.BLOCK} for to in mr.To}
        heads = {"to": mr.To.ATTN_HEAD_MLP_NORM, "use_flatten_res": True}
        options["heads"] = {**heads, "split_by_head_config": "full", "use_pull_up_head_split": True, "flatten_components": True}
        options["groups"] = {**heads, "split_by_head_config": {1: [(3, "x"), (slice(3), "y"), (slice(4, 7), "z")]}}
        for name, values in options.items():
            texts[f"{name} {bias} {use_mlp} {norm_type}"] = printing.repr(mr.configure_transformer(model, **values))
    return texts


def peer(function):
    """The texts from rust_circuit, made in a process of its own, since it can abort."""
    code = f"import sys, json; sys.path.insert(0, {str(__file__.rpartition('/')[0])!r}); import {__name__} as t; "
    code += f"print(json.dumps(t.{function.__name__}('rust_circuit')))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.fail(f"rust_circuit failed: {run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("function", [library_texts, rewrite_texts], ids=lambda function: function.__name__)
def test_same_texts(function):
    ours, theirs = function("pycircuit"), peer(function)
    assert list(ours) == list(theirs)
    for name, texts in theirs.items():
        assert ours[name] == json.loads(json.dumps(texts).replace(PEER_ROTARY_NAME, ROTARY_NAME)), name
