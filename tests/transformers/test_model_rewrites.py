"""Model rewrites: structure, names, and unchanged values (spec 14, section 9)."""

import itertools
import re

import pytest
import torch
from block_parameters import FLOAT64, all_block_params
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from pycircuit import model_rewrites as mr
from pycircuit.model_rewrites import To, configure_transformer
from pycircuit.module_library import TransformerBlockParams, TransformerParams

BIASED = TransformerBlockParams(attn_bias=True, mlp_output_bias=True)
HEADS = To.ATTN_HEAD_MLP_NORM


def bound_model(block=BIASED, num_layers=2, **sizes):
    """The random model `t.bind_w` and its call on random inputs."""
    params = TransformerParams(block, num_layers)
    sizes = {"head_size": 4, "num_heads": 3, "seq_len": 4, "batch_shape": (2,), "device_dtype": FLOAT64, **sizes}
    call, _, _ = params.garbage_call(**sizes)
    return call.get_unique("t.bind_w"), call


def assert_same_model(rewritten, model, call):
    """The rewritten model has the value and the free symbols of the given one."""
    assert rewritten.name == model.name == "t.bind_w"
    assert set(rc.get_free_symbols(rewritten)) == set(rc.get_free_symbols(model))
    assert rewritten.shape == model.shape
    bound = rc.module_new_bind(rewritten, *((arg.symbol, node) for node, arg in call.arg_items()))
    torch.testing.assert_close(bound.evaluate(), call.evaluate(), rtol=1e-10, atol=1e-10)


def children(circuit):
    return [child.name for child in circuit.children]


def names(circuit):
    return {node.name for node in circuit.get(True)}


@pytest.mark.parametrize("to", list(To))
def test_push_down_ends(to):
    model, call = bound_model()
    pushed = mr.push_down_transformer_weights(model, to)
    assert_same_model(pushed, model, call)
    assert children(pushed) == ["final.call", "t.w.unembed"]
    assert children(pushed.get_unique("final.norm"))[0] == "ln"
    expected = {
        To.BLOCK: {"b0.call", "b1.call"},
        To.ATTN_MLP: {"a0.norm_call", "m1.norm_call", "b0.a", "b1.resid.a"},
        To.ATTN_MLP_NORM: {"a0.norm_call", "a0.p_bias", "m1.p_bias", "a0.norm", "m1.norm"},
        HEADS: {"a0.norm_call", "a0.p_bias", "a0", "a0.heads", "m1.p_bias", "a0.norm"},
    }[to]
    assert expected <= names(pushed)
    assert not any(name.endswith("_arr") for name in names(pushed))
    assert any(name.endswith("_arr") for name in names(mr.push_down_transformer_weights(model, to, use_strip_arr=False)))


def test_push_down_to_heads_as_shown(store):
    model, _ = bound_model(TransformerBlockParams(), num_heads=2, head_size=5)
    pushed = mr.push_down_transformer_weights(model, HEADS)
    printed = rc.PrintOptions(bijection=False, traversal=rc.new_traversal(term_early_at={"a.head.on_inp", "ln"})).repr(
        (rc.IterativeMatcher("b0.call").chain("b0.a")).get_unique(pushed)
    )
    expected = """
        b0.a Module
          a0.norm_call Module
            a0 Einsum hsd->sd
              a0.heads Module
                a.head.on_inp Module ...
                a0.w.q [2,5,3] Array ! a.w.q_h
                a0.w.k [2,5,3] Array ! a.w.k_h
                a0.w.v [2,5,3] Array ! a.w.v_h
                a0.w.o [2,3,5] Array ! a.w.o_h
            a0.norm Module ! a.input
              ln Add ...
              a.norm.input [1s,0s] Symbol 6a622698-fd68-4d25-aeee-e8d38e68049e ! ln.input
              a0.ln.w.bias [3] Array ! ln.w.bias
              a0.ln.w.scale [3] Array ! ln.w.scale
          b.input [1s,0s] Symbol 5837c4fd-f5ac-4bff-8456-abf3e95bcf36 ! a.norm.input"""
    shown = [re.sub(r"(! \S+) \[.*", r"\1", line) for line in printed.splitlines()]
    assert shown == [line.removeprefix(" " * 8) for line in expected.splitlines()[1:]]


def test_push_down_names_of_other_kinds():
    batch_normed, _ = bound_model(TransformerBlockParams(norm_type="bn"))
    assert {"a0.norm", "m1.norm", "final.norm"} <= names(mr.push_down_transformer_weights(batch_normed, To.ATTN_MLP_NORM))
    parallel, _ = bound_model(TransformerBlockParams(use_parallel_residual=True))
    assert {"p0.norm_call", "p0.norm", "a0", "m1", "b1.add"} <= names(mr.push_down_transformer_weights(parallel, To.ATTN_MLP_NORM))
    rope, _ = bound_model(TransformerBlockParams(use_rope=True, attn_bias=True))
    assert {"a0", "a0.p_bias", "a0.heads"} <= names(mr.push_down_transformer_weights(rope, HEADS))


def test_only_the_bound_model_is_accepted():
    _, call = bound_model()
    for rewrite in (lambda c: mr.push_down_transformer_weights(c, To.BLOCK), configure_transformer):
        with pytest.raises(AssertionError, match="t.call"):
            rewrite(call)


def test_pull_up_bias():
    model, call = bound_model()
    pulled = mr.pull_up_bias(model)
    assert_same_model(pulled, model, call)
    attention = pulled.get_unique("b.a.p_bias")
    assert children(attention) == ["b.a", "a.w.o_bias"] and attention.children[0].spec.circuit.spec.circuit.name == "a"
    assert children(pulled.get_unique("b.m.p_bias")) == ["b.m", "m.w.out_bias"]
    unbiased, _ = bound_model(TransformerBlockParams())
    assert mr.pull_up_bias(unbiased) == unbiased


GROUPS = {0: [(0, "x"), (slice(1, None), "rest")], 1: [(slice(None, 1), "s"), (torch.tensor([2, 1]), "t")]}


def test_split_by_head_names():
    model, call = bound_model()
    split = mr.split_by_head(mr.push_down_transformer_weights(mr.pull_up_bias(model), HEADS), GROUPS)
    assert_same_model(split, model, call)
    assert children(split.get_unique("a0")) == ["a0.x", "a0.keep.rest_sum"]
    assert children(split.get_unique("a1")) == ["a1.keep.s_sum", "a1.keep.t_sum"]
    head = split.get_unique("a0.x")
    assert head.is_module() and head.spec.circuit.name == "a.head.on_inp"
    assert head.nodes[0].name == "a0.w.q_idx_.x" and head.nodes[0].shape == (4, 3)
    group = split.get_unique("a0.keep.rest_sum")
    assert group.is_einsum() and children(group) == ["a0.rest"]
    assert split.get_unique("a1.s").nodes[0].shape == (1, 4, 3)


def test_split_by_head_after_configuring():
    model, call = bound_model()
    configured = configure_transformer(model, HEADS)
    assert mr.split_by_head(configured, set()) == configured
    assert_same_model(mr.split_by_head(configured), model, call)
    assert children(mr.split_by_head(configured, {1}).get_unique("a1")) == ["a1.h0", "a1.h1", "a1.h2"]
    assert mr.split_by_head(configured, {1}).get_unique("a0").is_einsum()


@pytest.mark.parametrize(
    "split,words",
    [
        ({5}, "5"),
        ({0: [(0, "x")]}, "layer 0.*exactly once"),
        ({0: [(3, "x")]}, "not among 3 heads"),
        ({1: [(slice(0, 2), "x"), (slice(1, 3), "y")]}, "layer 1.*exactly once"),
    ],
)
def test_split_by_head_refuses(split, words):
    model, _ = bound_model()
    with pytest.raises(AssertionError, match=words):
        mr.split_by_head(mr.push_down_transformer_weights(model, HEADS), split)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(5)), st.integers(0, 4), st.integers(0, 4), st.booleans())
def test_any_partition_keeps_the_value(heads, first, second, pull_up):
    model, call = bound_model(TransformerBlockParams(use_mlp=False), num_layers=1, num_heads=5)
    first, second = sorted((first, second))
    groups = [(int(head), f"h{head}") for head in heads[:first]]
    groups += [(torch.tensor(part), f"g{i}") for i, part in enumerate((heads[first:second], heads[second:])) if part]
    assert_same_model(configure_transformer(model, HEADS, split_by_head_config={0: groups}, use_pull_up_head_split=pull_up), model, call)


def test_pull_up_head_split_names():
    model, call = bound_model()
    split = mr.split_by_head(mr.push_down_transformer_weights(mr.pull_up_bias(model), HEADS), GROUPS)
    pulled = mr.pull_up_head_split(split)
    assert_same_model(pulled, model, call)
    assert children(pulled.get_unique("b0.a")) == ["b0.a.x", "b0.a.keep.rest_sum"]
    assert children(pulled.get_unique("b0.a.x")) == ["a0.x.norm_call", "b.input"]
    assert children(pulled.get_unique("a1.keep.t_sum.norm_call")) == ["a1.keep.t_sum", "a1.norm"]
    only_one = mr.pull_up_head_split(split, {1})
    assert only_one.get_unique("b0.a").is_module() and only_one.get_unique("b1.a").is_add()
    with pytest.raises(AssertionError, match="7"):
        mr.pull_up_head_split(split, {7})


def test_pull_up_head_split_after_configuring():
    model, call = bound_model()
    configured = configure_transformer(model, HEADS, split_by_head_config="full")
    pulled = mr.pull_up_head_split(configured)
    assert_same_model(pulled, model, call)
    assert all(children(pulled.get_unique(f"b{layer}.a")) == [f"b{layer}.a.h{head}" for head in range(3)] for layer in range(2))


def test_pull_up_head_split_without_norms():
    model, call = bound_model(TransformerBlockParams(norm_type=None, use_mlp=False))
    pulled = mr.pull_up_head_split(mr.split_by_head(mr.push_down_transformer_weights(model, HEADS)))
    assert_same_model(pulled, model, call)
    assert children(pulled.get_unique("b0.a.h0")) == ["a0.h0", "b.input"]


def test_conforming_resizes_the_shared_head_per_group():
    model, call = bound_model()
    split = configure_transformer(model, HEADS, split_by_head_config=GROUPS)
    bound = rc.module_new_bind(split, *((arg.symbol, node) for node, arg in call.arg_items()), name="t.call")
    conformed = rc.conform_all_modules(bound)
    assert len(conformed.get("a.head.on_inp")) >= 3
    assert not conformed.get(rc.SetSymbolicShape)
    torch.testing.assert_close(conformed.evaluate(), call.evaluate(), rtol=1e-10, atol=1e-10)


def test_flatten_res_table():
    model, _ = bound_model()

    def summands(**options):
        return children(configure_transformer(model, **{"to": HEADS, "use_flatten_res": True, **options}).get_unique("b1"))

    assert summands(use_flatten_res=False) == ["b1.m.p_bias", "b1.resid.a"]
    assert summands() == ["b1.m.p_bias", "b1.a.p_bias", "b0.m.p_bias", "b0.a.p_bias", "t.input set_shape"]
    components = ["b1.m", "m1.w.out_bias", "b1.a", "a1.w.o_bias", "b0.m", "m0.w.out_bias", "b0.a", "a0.w.o_bias", "t.input set_shape"]
    assert summands(flatten_components=True) == components
    heads = summands(flatten_components=True, split_by_head_config={1}, use_pull_up_head_split=True)
    assert heads[:6] == ["b1.m", "m1.w.out_bias", "b1.a.h0", "b1.a.h1", "b1.a.h2", "a1.w.o_bias"]


@pytest.mark.parametrize("components", [False, True])
def test_clearing_and_flattening_are_idempotent(components):
    model, _ = bound_model()
    pushed = mr.push_down_transformer_weights(mr.pull_up_bias(model), HEADS)
    cleared = mr.clear_block_module(pushed)
    assert mr.clear_block_module(cleared) == cleared
    assert {"b0", "b1"} <= names(cleared) and not cleared.get(rc.Regex(r"^b[01]\.call$"))
    flat = mr.flatten_res(cleared, components)
    assert mr.flatten_res(flat, components) == flat
    for layer in range(2):
        sums = {child.name for child in flat.get_unique(f"b{layer}").children if child.is_add()}
        assert all(not components and name.endswith(".p_bias") for name in sums)


def test_configure_defaults():
    model, call = bound_model()
    configured = configure_transformer(model)
    assert_same_model(configured, model, call)
    assert children(configured) == ["final.call", "t.w.unembed"]
    block = configured.children[0].nodes[0]
    assert block.name == "b1" and children(block) == ["b1.m.p_bias", "b1.resid.a"]
    assert children(block.children[0]) == ["b1.m", "m1.w.out_bias"]
    assert children(block.children[1]) == ["b1.a.p_bias", "b0"]
    assert children(configured.get_unique("a1.norm_call")) == ["a1", "a1.norm"]
    assert all(node.name == node.get_autoname() for node in configured.get(rc.SetSymbolicShape))


OFF = {"use_pull_up_bias": False, "use_strip_arr": False, "use_clear_block_module": False}


def test_configure_with_everything_off():
    model, _ = bound_model()
    assert configure_transformer(model, None, **OFF) == model


@pytest.mark.parametrize(
    "options,words",
    [
        ({"to": None, "use_clear_block_module": False}, "stripping arr without pushing down"),
        ({"split_by_head_config": "full"}, "can't split by head without pushing down weights to head"),
        ({"use_pull_up_head_split": True}, "can't pull up split heads if heads aren't split"),
        ({"to": To.BLOCK}, "clearing block module not supported"),
        ({"use_flatten_res": True, "use_clear_block_module": False}, "flatten the residual stream"),
        ({"flatten_components": True}, "flatten_components has no effect"),
    ],
)
def test_configure_refuses(options, words):
    model, _ = bound_model()
    with pytest.raises(AssertionError, match=words):
        configure_transformer(model, **options)


def valid_options():
    """Every valid combination of the options of `configure_transformer`."""
    for to, pull_bias, clear, flat, components in itertools.product(To, *[(False, True)] * 4):
        if (clear and to == To.BLOCK) or (flat and not clear) or (components and not flat):
            continue
        splits = [(None, False)]
        if to == HEADS:
            splits += [(split, pull_up) for split in ("full", {0}) for pull_up in (False, True)]
        for split, pull_up in splits:
            yield {
                "to": to,
                "use_pull_up_bias": pull_bias,
                "split_by_head_config": split,
                "use_pull_up_head_split": pull_up,
                "use_clear_block_module": clear,
                "use_flatten_res": flat,
                "flatten_components": components,
            }


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(all_block_params())), st.sampled_from(list(valid_options())), st.integers(1, 2))
def test_all_valid_options_keep_the_value(block, options, num_layers):
    model, call = bound_model(block, num_layers, seq_len=3, batch_shape=())
    configured = configure_transformer(model, **options)
    assert_same_model(configured, model, call)
    assert not any(name.endswith("_arr") for name in names(configured))


def test_batch_mul():
    x, y = rc.Array(torch.randn(2, 3), "x"), rc.Array(torch.randn(3, 4), "y")
    product = rc.Einsum.from_einsum_string("ab,bc->ac", x, y, name="p")
    kept = mr.batch_mul(product, 1, (0,))
    assert kept.name == "p" and kept.shape == (3, 2, 4)
    torch.testing.assert_close(kept.evaluate().sum(0), product.evaluate())
    assert mr.batch_mul(product, 1, (0,), insert_at_idx=None).shape == (2, 4, 3)
    with pytest.raises(AssertionError):
        mr.batch_mul(product, 1, (1,))
    assert mr.batch_mul(product, 1, (1,), assert_not_present=False).shape == (4, 2, 4)
    diagonal = rc.Einsum.from_einsum_string("aa->", rc.Array(torch.randn(3, 3), "d"))
    with pytest.raises(AssertionError):
        mr.batch_mul(diagonal, 0, (0, 1))
