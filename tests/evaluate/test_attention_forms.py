"""Attention of the module library stays recognised whatever rewriting, scrubbing, sampling and batching make of it (spec 12, 12.1)."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
import torch

import pycircuit as rc
from pycircuit.model_rewrites import To, configure_transformer
from pycircuit.module_library import TransformerBlockParams, TransformerParams
from tests.evaluate.circuits import assert_agrees

PLAIN = rc.OptimizationSettings(fuse=False, fuse_attention=False, stream_concat=False, group_matmuls=False)
LAYERS, HEADS, SEQ, HEAD_SIZE = 2, 3, 5, 4
SPLIT = {0: [(torch.tensor([0, 2]), "x"), (1, "y")], 1: [(torch.tensor([1]), "z"), (torch.tensor([0, 2]), "rest")]}
FORMS: dict[str, Callable[[rc.Circuit], rc.Circuit]] = {
    "library": lambda model: model,
    "attention and mlp": lambda model: configure_transformer(model, To.ATTN_MLP),
    "heads": lambda model: configure_transformer(model, To.ATTN_HEAD_MLP_NORM),
    "every head": lambda model: configure_transformer(model, To.ATTN_HEAD_MLP_NORM, split_by_head_config="full"),
    "groups": lambda model: configure_transformer(model, To.ATTN_HEAD_MLP_NORM, split_by_head_config=SPLIT),
    "groups pulled up": lambda model: configure_transformer(
        model, To.ATTN_HEAD_MLP_NORM, split_by_head_config=SPLIT, use_pull_up_head_split=True
    ),
}
BLOCKS = {
    "plain": TransformerBlockParams(use_mlp=False),
    "biased": TransformerBlockParams(attn_bias=True, mlp_output_bias=True),
    "no norm": TransformerBlockParams(norm_type=None, use_mlp=False),
}


def model_and_call(block: TransformerBlockParams, batch: tuple[int, ...]) -> tuple[rc.Circuit, rc.Module]:
    """The model `t.bind_w` and its call on random inputs [*batch, SEQ, hidden]."""
    torch.manual_seed(0)
    call, _, _ = TransformerParams(block, LAYERS).garbage_call(
        head_size=HEAD_SIZE, num_heads=HEADS, seq_len=SEQ, batch_shape=batch, device_dtype=rc.TorchDeviceDtypeOp(dtype="float32")
    )
    return call.get_unique("t.bind_w"), call.cast_module()


def softmaxes(circuit: rc.Circuit) -> int:
    """Distinct ones, names apart."""
    substituted = rc.strip_names_and_tags(rc.substitute_all_modules(circuit))
    return len(substituted.get(lambda node: node.is_general_function() and node.cast_general_function().spec.name == "softmax"))


def check(circuit: rc.Circuit, at_least: int) -> None:
    """Every softmax is inside a kernel, as written and optimized, and the value is that of the nodes one by one."""
    expected = rc.circuit_to_schedule(circuit, PLAIN).evaluate()
    for schedule, source in (
        (rc.circuit_to_schedule(circuit, rc.OptimizationSettings()), circuit),
        (rc.optimize_to_schedule(circuit), rc.optimize_circuit(circuit)),
    ):
        stats = schedule.get_stats()
        assert stats.fused_attention >= at_least
        assert not [reason for _, fusion, reason in stats.not_fused if fusion == "attention"]
        assert stats.fused_attention >= softmaxes(source) >= at_least
        assert_agrees(schedule.evaluate(), expected, scale=10)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("form", FORMS)
def test_configured_transformers(form: str, block: str) -> None:
    model, call = model_and_call(BLOCKS[block], ())
    configured = FORMS[form](model)
    check(rc.module_new_bind(configured, *((arg.symbol, node) for node, arg in call.arg_items())), LAYERS)


GROUP = rc.Tag(rc.Scalar(1 / 6, (6,)), uuid.UUID(int=7), "rows")


def random_inputs(name: str, hidden: int) -> rc.DiscreteVar:
    generator = torch.Generator().manual_seed(len(name))
    return rc.DiscreteVar(rc.Array(torch.randn(6, SEQ, hidden, generator=generator), f"{name}.values"), GROUP, name)


@pytest.mark.parametrize("scrubbed", [False, True], ids=["sampled", "scrubbed"])
@pytest.mark.parametrize("form", ["library", "every head", "groups", "groups pulled up"])
def test_sampled_scrubbed_and_in_batches(form: str, scrubbed: bool) -> None:
    """Queries, keys and values of one head read different random inputs."""
    model, call = model_and_call(BLOCKS["plain"], ())
    pairs = [
        (arg.symbol, random_inputs("original", node.shape[-1]) if arg.symbol.name == "t.input" else node) for node, arg in call.arg_items()
    ]
    circuit: rc.Circuit = rc.module_new_bind(FORMS[form](model), *pairs)
    if scrubbed:
        circuit = rc.substitute_all_modules(circuit)
        before = circuit
        read = rc.IterativeMatcher(rc.Regex(r".*a\.k$")).chain("original")
        circuit = circuit.update(read, lambda node: random_inputs("other", node.shape[-1]))
        assert circuit != before
    sampled = rc.Sampler(rc.RunDiscreteVarAllSpec.create_full_from_circuits(circuit)).sample(circuit)
    assert sampled.shape[0] == 6
    check(sampled, LAYERS)
    pieces = rc.batch_to_concat(rc.substitute_all_modules(sampled), 0, 4)
    check(pieces, 2 * LAYERS)
    assert_agrees(rc.evaluate_batched(sampled, 0, 4), sampled.evaluate(), scale=10)
