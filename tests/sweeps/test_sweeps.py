"""Sweeps give the values of the circuits in which each place is replaced by hand (spec 07, section 7; spec 08, section 8)."""

from __future__ import annotations

import itertools
import re
import uuid
from pathlib import Path

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import pycircuit as rc
from bench import circuits, opponents
from pycircuit.causal_scrubbing.statistics import estimate
from tests.rewrite.helpers import array, einsum, function
from tests.strategies import computable_circuits, tensors

HEADS, SEQ, HIDDEN = 3, 5, 4


def attention_like(x: rc.Circuit, name: str = "") -> rc.Circuit:
    """A residual stream [SEQ, HIDDEN] to which HEADS heads are added, then something nonlinear; shape ()."""
    pre = einsum("sd,hvd->hsv", x, array("w_in", HEADS, 2, HIDDEN), name="pre")
    mix = function("tanh", pre, name="mix")
    heads = einsum("hsv,hdv->hsd", mix, array("w_out", HEADS, HIDDEN, 2), name="heads")
    resid = rc.Add(x, einsum("hsd->sd", heads, name="attn"), name="resid")
    return einsum("sd->", function("gelu", resid, name="act"), name="loss")


def with_index(node: rc.Circuit, replacement: rc.Circuit, axis: int, position: int) -> rc.Circuit:
    """The node with one position of an axis replaced, by a mask."""
    mask = torch.zeros(node.shape[axis], dtype=torch.float64)
    mask[position] = 1
    mask = mask.reshape([-1 if i == axis % node.rank else 1 for i in range(node.rank)]).expand(node.shape)
    labels = "abcdef"[: node.rank]
    kept = einsum(f"{labels},{labels}->{labels}", node, rc.Array(1 - mask))
    return rc.Add(kept, einsum(f"{labels},{labels}->{labels}", replacement, rc.Array(mask)))


@pytest.mark.parametrize("stack", [None, 1, 2, True])
@pytest.mark.parametrize("optimize", [True, False])
@pytest.mark.parametrize("node", ["pre", "mix", "heads"])
def test_heads(node: str, optimize: bool, stack: int | None) -> None:
    loss = attention_like(array("x", SEQ, HIDDEN))
    other = attention_like(array("y", SEQ, HIDDEN))
    kinds = {
        "zero": (rc.zero_ablation(), lambda n: rc.Scalar(0.0, n.shape)),
        "mean": (rc.mean_ablation(-2), lambda n: rc.Rearrange.from_string(n.mean(axis=1), "h d -> h 5 d")),
        "other": (rc.patch_from(other), lambda n: other.get_unique(node)),
        "number": (0.5, lambda n: rc.Scalar(0.5, n.shape)),
        "doubled": (lambda n: n.mul_scalar(2.0), lambda n: n.mul_scalar(2.0)),
    }
    result = rc.sweep(loss, node, {k: new for k, (new, _) in kinds.items()}, axes={"head": 0}, optimize=optimize, stack=stack)
    assert result.dims == ("replacement", "head") and result.coords == {"replacement": tuple(kinds), "head": (0, 1, 2)}
    for (kind, (_, by_hand)), head in itertools.product(kinds.items(), range(HEADS)):
        expected = loss.update(node, lambda n, f=by_hand, h=head: with_index(n, f(n), 0, h)).evaluate()  # type: ignore[misc]
        torch.testing.assert_close(result.sel(replacement=kind, head=head), expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(result.baseline, loss.evaluate(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("stack", [1, 3, True])
def test_positions_of_two_axes_of_several_nodes(stack: int) -> None:
    loss = attention_like(array("x", SEQ, HIDDEN))
    nodes = {"stream": "resid", "input": "x"}
    result = rc.sweep(loss, nodes, 2.0, node_dim="place", axes={"pos": (0, [1, -1]), "unit": -1}, stack=stack)
    assert result.values.shape == (2, 2, HIDDEN) and result.coords["pos"] == (1, SEQ - 1)
    for place, pos, unit in itertools.product(nodes, (1, SEQ - 1), range(HIDDEN)):

        def replaced(node: rc.Circuit, pos: int = pos, unit: int = unit) -> rc.Circuit:
            return with_index(node, with_index(node, rc.Scalar(2.0, node.shape), 1, unit), 0, pos)

        expected = loss.update(nodes[place], replaced).evaluate()
        torch.testing.assert_close(result.sel(place=place, pos=pos, unit=unit), expected, rtol=1e-10, atol=1e-10)


@given(st.data())
def test_random_circuits(data: st.DataObject) -> None:
    circuit = data.draw(computable_circuits())

    def may_be_replaced(node: rc.Circuit) -> bool:
        floating = node.torch_dtype in (None, torch.float64)
        return floating and 0 < node.numel < 1000 and not node.is_symbol() and len(circuit.get_all_paths(node)) < 20

    nodes = sorted(circuit.get(may_be_replaced))
    assume(nodes)
    node = data.draw(st.sampled_from(nodes))
    new = rc.Array(data.draw(tensors(node.shape)))
    axis = data.draw(st.integers(-node.rank, node.rank - 1)) if node.rank else None
    axes = {} if axis is None else {"at": axis}
    stack = data.draw(st.sampled_from([None, 1, 2]))
    result = rc.sweep(circuit, node, new, axes=axes, stack=stack, optimize=data.draw(st.booleans()))
    for place in range(node.shape[axis]) if axis is not None else [None]:
        by_hand = new if place is None else with_index(node, new, axis, place)
        expected = circuit.update(node, lambda _, c=by_hand: c).evaluate().double()
        scale = max(1.0, float(expected.abs().max()) if expected.numel() else 0.0)
        got = result.sel(**({} if place is None else {"at": place})).double()
        torch.testing.assert_close(got, expected, rtol=1e-8, atol=1e-8 * scale, equal_nan=True)
    for labels, variant in rc.sweep_circuits(circuit, node, new, axes=axes).items():
        torch.testing.assert_close(
            result.values[labels].double(), variant.evaluate().double(), rtol=1e-8, atol=1e-8 * scale, equal_nan=True
        )


def test_a_node_inside_modules_and_along_one_path() -> None:
    symbol = rc.Symbol((SEQ, HIDDEN), uuid.UUID(int=7), "inp")
    body = attention_like(symbol).rename("body")
    spec = rc.ModuleSpec(body, [rc.ModuleArgSpec(symbol)])
    x, batch = array("x", SEQ, HIDDEN), array("batch", 2, SEQ, HIDDEN)
    first, second = rc.Module(spec, "first", inp=x), rc.Module(spec, "second", inp=batch)
    total = rc.Add(first, second, name="total")
    alone, batched = attention_like(x), [attention_like(batch.index((i,))) for i in range(2)]

    def without(loss: rc.Circuit, head: int) -> torch.Tensor:
        return loss.update("heads", lambda n: with_index(n, rc.Scalar(0.0, n.shape), 0, head)).evaluate()

    in_second = rc.sweep(total, rc.Matcher("second").chain("heads"), 0.0, axes={"head": 0})
    everywhere = rc.sweep(total, "heads", 0.0, axes={"head": 0})
    for head in range(HEADS):
        expected = torch.stack([without(each, head) for each in batched])
        torch.testing.assert_close(in_second.sel(head=head), expected + alone.evaluate(), rtol=1e-10, atol=1e-10)
        torch.testing.assert_close(everywhere.sel(head=head), expected + without(alone, head), rtol=1e-10, atol=1e-10)
    with pytest.raises(RuntimeError, match="2 calls of a Module"):
        rc.sweep(total, "heads", rc.patch_from(total))


GROUP = rc.Tag(rc.Scalar(0.25, (4,)), uuid.UUID(int=3), "group")
OTHER_GROUP = rc.Tag(rc.Scalar(0.25, (4,)), uuid.UUID(int=4), "other group")


def random_loss(group: rc.Circuit = GROUP) -> rc.Circuit:
    return attention_like(rc.DiscreteVar(array("data", 4, SEQ, HIDDEN), group, "x"))


@pytest.mark.parametrize("max_memory", [9_000_000_000, 20_000])
@pytest.mark.parametrize("stack", [None, 1])
def test_samples_are_common_and_differences_paired(stack: int | None, max_memory: int) -> None:
    loss, other = random_loss(), random_loss(OTHER_GROUP)
    sampler = rc.Sampler(rc.RandomSampleSpec((30,), seeder=rc.default_hash_seeder(1)))
    kinds = {"zero": rc.zero_ablation(), "mean": rc.mean_ablation(), "resampled": rc.patch_from(other)}
    settings = rc.OptimizationSettings(max_memory=max_memory)
    result = rc.sweep(loss, "mix", kinds, axes={"head": 0}, sampler=sampler, settings=settings, stack=stack)
    assert result.values.shape == (3, HEADS, 30) and result.num_samples == 30
    baseline = sampler.sample(loss).evaluate()
    torch.testing.assert_close(result.baseline, baseline)
    mean = rc.Sampler(rc.RunDiscreteVarAllSpec([GROUP])).sample(loss.get_unique("mix")).evaluate().mean(0)
    by_hand = {"zero": lambda n: rc.Scalar(0.0, n.shape), "mean": lambda n: rc.Array(mean), "resampled": lambda n: other.get_unique("mix")}
    for (kind, new), head in itertools.product(by_hand.items(), range(HEADS)):
        variant = loss.update("mix", lambda n, f=new, h=head: with_index(n, f(n), 0, h))  # type: ignore[misc]
        expected = sampler.sample(variant).evaluate()
        torch.testing.assert_close(result.sel(replacement=kind, head=head), expected, rtol=1e-10, atol=1e-10)
        difference = result.difference(replacement=kind, head=head)
        assert difference.std_err == pytest.approx(estimate(expected - baseline).std_err)
        at = (list(kinds).index(kind), head)
        assert result.effect()[at].item() == pytest.approx(difference.mean)
        assert result.effect_std_err()[at].item() == pytest.approx(difference.std_err)
        assert result.to_tensor()[at].item() == pytest.approx(result.estimate(replacement=kind, head=head).mean)


def test_an_axis_of_examples() -> None:
    loss = einsum("bs->b", function("gelu", array("x", 6, SEQ), name="act"), name="loss")
    result = rc.sweep(loss, "act", 0.0, axes={"pos": -1}, sample_axis=-1)
    assert result.values.shape == (SEQ, 6) and result.effect().shape == (SEQ,)
    assert result.difference(pos=2).n == 6
    plain = rc.sweep(loss, "act", 0.0, axes={"pos": -1})
    torch.testing.assert_close(plain.values, result.values)
    assert plain.effect().shape == (SEQ, 6) and plain.effect_std_err().isnan().all()


def test_dataframe_and_text() -> None:
    pandas = pytest.importorskip("pandas")
    loss = attention_like(array("x", SEQ, HIDDEN))
    result = rc.sweep(loss, {"a": "resid", "b": "act"}, 0.0, node_dim="place", axes={"pos": 0})
    frame = result.to_dataframe()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 2 * SEQ
    assert list(frame.columns) == ["place", "pos", "value", "baseline", "effect", "std_err"]
    row = frame[(frame.place == "b") & (frame.pos == 3)].iloc[0]
    assert row.value == pytest.approx(result.sel(place="b", pos=3).item()) and row.effect == pytest.approx(row.value - row.baseline)
    assert "place: 2, pos: 5" in repr(result) and "largest effect" in repr(result)
    vector = rc.sweep(loss.get_unique("act"), "resid", 0.0, axes={"pos": 0}).to_dataframe()
    assert len(vector) == SEQ * SEQ * HIDDEN and vector.output[1] == (0, 1)


def test_memory_budget() -> None:
    """Variants are evaluated in groups that fit; what does not fit alone is refused."""
    loss = attention_like(array("x", SEQ, HIDDEN))
    free = rc.sweep(loss, "resid", 0.0, axes={"pos": 0, "unit": 1}, stack=True)
    variants = rc.sweep_circuits(loss, "resid", 0.0, axes={"pos": 0, "unit": 1}).values()
    one = max(rc.optimize_to_schedule(variant).get_stats().max_mem_bytes for variant in variants)
    bound = rc.sweep(loss, "resid", 0.0, axes={"pos": 0, "unit": 1}, stack=True, settings=rc.OptimizationSettings(max_memory=2 * one))
    torch.testing.assert_close(bound.values, free.values, rtol=1e-10, atol=1e-10)
    with pytest.raises(rc.SchedulingOOMManyError):
        rc.sweep(loss, "resid", 0.0, axes={"pos": 0}, settings=rc.OptimizationSettings(max_memory=8))


def test_errors() -> None:
    loss = attention_like(array("x", SEQ, HIDDEN))
    with pytest.raises(RuntimeError, match="found no matches"):
        rc.sweep(loss, "nothing", 0.0)
    with pytest.raises(RuntimeError, match="found 2 matches"):
        rc.sweep(loss, {"pre", "mix"}, 0.0)
    with pytest.raises(rc.MiscInputNotBroadcastableError):
        rc.sweep(loss, "resid", torch.zeros(2, 3))
    with pytest.raises(rc.MiscInputNotBroadcastableError, match="must have the node's shape"):
        rc.sweep(loss, "resid", torch.zeros(7, SEQ, HIDDEN))
    with pytest.raises(ValueError, match="no axis 2"):
        rc.sweep(loss, "resid", 0.0, axes={"pos": 2})
    with pytest.raises(IndexError, match="no position 5"):
        rc.sweep(loss, "resid", 0.0, axes={"pos": (0, [5])})
    with pytest.raises(ValueError, match="different sizes"):
        rc.sweep(loss, {0: "resid", 1: "heads"}, 0.0, axes={"pos": 0})
    with pytest.raises(TypeError, match="a replacement is"):
        rc.sweep(loss, "resid", "zero")  # type: ignore[arg-type]
    with pytest.raises(rc.SchedulingNotExplicitlyComputableError):
        rc.sweep(random_loss(), "resid", 0.0)
    with pytest.raises(ValueError, match="needs an axis"):
        rc.sweep(loss, "resid", rc.mean_ablation())
    with pytest.raises(RuntimeError, match="found no matches"):
        rc.sweep(loss, "resid", rc.patch_from(array("z", 3)))
    result = rc.sweep(loss, "resid", 0.0, axes={"pos": 0})
    with pytest.raises(KeyError, match="no dimension"):
        result.sel(head=1)
    with pytest.raises(KeyError, match="no pos 9"):
        result.sel(pos=9)


def small_gpt2(seq: int = 6) -> tuple[circuits.Gpt2, opponents.Gpt2, torch.Tensor, torch.Tensor]:
    layers, hidden, heads, vocab = 3, 24, 4, 17
    weights = opponents.random_weights(layers, hidden, heads, vocab, mlp=True)
    generator = torch.Generator().manual_seed(5)
    return (
        circuits.Gpt2(weights),
        opponents.Gpt2(weights),
        torch.randn(2, seq, hidden, generator=generator),
        torch.randint(0, vocab, (2, seq), generator=generator),
    )


@pytest.mark.parametrize("stack", [1, True])
def test_head_ablations_of_a_transformer_equal_plain_pytorch(stack: int) -> None:
    model, by_hand, x, tokens = small_gpt2()
    nodes = {layer: f"a{layer}.heads" for layer in range(model.layers)}
    loss = rc.sweep(model.configured(model.mean_loss(x, tokens)), nodes, 0.0, node_dim="layer", axes={"head": -3}, stack=stack)
    torch.testing.assert_close(loss.values.flatten(), by_hand.ablated_losses(x, tokens), rtol=1e-5, atol=1e-5)
    last = rc.sweep(
        model.configured(model.logit_difference(x, tokens[0, :2])), nodes, 0.0, node_dim="layer", axes={"head": -3}, stack=stack
    )
    torch.testing.assert_close(last.values.flatten(0, 1), by_hand.ablated_logit_differences(x, tokens[0, :2]), rtol=1e-5, atol=1e-5)


def test_a_metric_at_the_last_position_needs_nothing_else_of_the_last_layer() -> None:
    """No MLP, no query and no logit of another position is left in the last layer of any variant."""
    seq = 6
    model, _, x, tokens = small_gpt2(seq)
    configured = model.configured(model.logit_difference(x, tokens[0, :2]))
    (variant,) = rc.sweep_circuits(configured, "a0.heads", 0.0, axes={"head": (-3, [1])}).values()
    optimized = rc.optimize_circuit(variant)
    width = 4 * x.shape[-1]
    wide = [node for node in optimized.get(rc.GeneralFunction) if width in node.shape]
    assert len(wide) == model.layers
    assert sum(seq in node.shape for node in wide) == model.layers - 1
    patterns = [node for node in optimized.get(rc.GeneralFunction) if node.shape.count(seq) == 2]
    assert len(patterns) == model.layers - 1


def test_the_page_about_sweeps_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "sweeps.md").read_text()
    exec(compile("".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), "docs/sweeps.md", "exec"), {})  # noqa: S102 - our own file
    assert "SweepResult(layer: 2, head: 8; values of shape [], 16 samples" in capsys.readouterr().out
