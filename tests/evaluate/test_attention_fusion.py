"""Fused attention (spec 12, section 12): what is recognised, its values against the unfused form and float64, masks, memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from pycircuit.module_library import get_attention

UNFUSED = rc.OptimizationSettings(fuse_attention=False, stream_concat=False, group_matmuls=False, fuse=False)
TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}
CAUSAL = -10000.0


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + 31 * sum(shape) + len(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def run(circuit: rc.Circuit, settings: rc.OptimizationSettings | None = None) -> tuple[torch.Tensor, rc.ScheduleStats]:
    outputs, stats = rc.circuit_to_schedule(circuit, settings or rc.OptimizationSettings()).evaluate_with_stats()
    return outputs[0], stats


def assert_fused(circuit: rc.Circuit, count: int = 1) -> torch.Tensor:
    """Every softmax is in a kernel, and the value is that of the nodes as written."""
    value, stats = run(circuit)
    assert stats.fused_attention == count, stats.not_fused
    assert sum(stats.attention_backends.values()) == count
    expected, plain = run(circuit, UNFUSED)
    assert plain.fused_attention == 0
    assert value.shape == expected.shape and value.dtype == expected.dtype
    scale = max(1.0, float(expected.float().abs().nan_to_num(0.0).max()) if expected.numel() else 1.0)
    torch.testing.assert_close(value.double(), expected.double(), rtol=0, atol=4 * TOLERANCE[value.dtype] * scale, equal_nan=True)
    return value


def einsum(text: str, *nodes: rc.Circuit) -> rc.Einsum:
    return rc.Einsum.from_einsum_string(text, *nodes)


def softmax(node: rc.Circuit) -> rc.Circuit:
    return rc.GeneralFunction.new_by_name(node, spec_name="softmax")


def causal_mask(rows: int, keys: int | None = None) -> torch.Tensor:
    return torch.ones(rows, keys or rows).tril()


def not_mask(mask: rc.Circuit) -> rc.Circuit:
    return rc.Add(rc.Scalar(1.0), einsum("ab,->ab", mask, rc.Scalar(-1.0)))


# --- random attention circuits


@dataclass
class Attention:
    circuit: rc.Circuit
    exact: torch.Tensor  # float64
    scale: float  # largest |v|, times what the output projection may make of it


def as_rearranged(node: rc.Circuit, labels: str, order: str) -> rc.Circuit:
    text = f"{' '.join(labels)} -> {' '.join(order)}"
    return node if labels == order else node.rearrange_str(text)


@st.composite
def attentions(draw: st.DrawFn, dtypes: tuple[torch.dtype, ...] = (torch.float32,)) -> Attention:
    dtype = draw(st.sampled_from(dtypes))
    seeds = iter(range(draw(st.integers(0, 10**6)), 2 * 10**6))
    batch = "bhg"[: draw(st.integers(0, 3))]
    size = {label: draw(st.integers(1, 3)) for label in batch}
    size |= {"i": draw(st.integers(1, 9)), "j": draw(st.integers(2, 9)), "c": draw(st.integers(1, 8)), "f": draw(st.integers(1, 8))}
    size["d"] = draw(st.integers(1, 4))
    if draw(st.booleans()):
        size["f"] = size["c"]

    def some(labels: str) -> str:
        return "".join(label for label in labels if draw(st.booleans()))

    def shuffled(labels: str) -> str:
        return "".join(draw(st.permutations(labels)))

    exact: dict[str, torch.Tensor] = {}

    def array(name: str, labels: str, values: torch.Tensor | None = None) -> tuple[str, rc.Circuit]:
        value = randn(*(size[label] for label in labels), seed=next(seeds)) if values is None else values
        value = value.to(dtype)
        exact[name] = value.double()
        return labels, rc.Array(value, name)

    q_labels, q = array("q", shuffled("ic" + some(batch)))
    k_labels, k = array("k", shuffled("jc" + some(batch)))
    v_labels, v = array("v", shuffled("jf" + some(batch)))
    if not set(batch) <= set(q_labels + k_labels):  # every batch label is one of the scores
        q_labels, q = array("q", "".join(dict.fromkeys(q_labels + batch)))
    if draw(st.booleans()):  # a projection of something of its own
        size["z"] = draw(st.integers(1, 4))
        x_labels, x = array("x", q_labels.replace("c", "z"))
        w_labels, w = array("w", "cz")
        exact["q"] = torch.einsum(f"{x_labels},{w_labels}->{q_labels}", exact["x"], exact["w"])
        q = einsum(f"{x_labels},{w_labels}->{q_labels}", x, w)
    score_labels = shuffled(batch + "i") + "j"
    factors = [(q_labels, q), (k_labels, k)]
    scores = torch.einsum(f"{q_labels},{k_labels}->{score_labels}", exact["q"], exact["k"])
    a = draw(st.sampled_from(["none", "scalar", "batch", "size"]))
    if a == "scalar":
        factors.append(("", rc.Scalar(0.5)))
        scores = scores * 0.5
    elif a == "batch":
        labels, node = array("a", some(batch))
        factors.append((labels, node))
        scores = torch.einsum(f"{score_labels},{labels}->{score_labels}", scores, exact["a"])
    elif a == "size":
        number = rc.GeneralFunction.new_by_name(rc.GeneralFunction.new_by_name(k, spec_name="last_dim_size"), spec_name="rsqrt")
        factors.append((k_labels[:-1], number))
        # it stands at every position that it has labels for: no sum
        scores = scores * size[k_labels[-1]] ** -0.5
        assume(set(k_labels[:-1]) <= set(score_labels))
    masks = draw(st.sampled_from(["none", "causal", "random", "general"]))
    mask_labels = shuffled(some(batch) + "ij")
    if masks != "none":
        shape = [size[label] for label in mask_labels]
        if masks == "causal":
            square = causal_mask(size["i"], size["j"])
            mask_labels = "ij"
            value = square
        elif masks == "random":
            value = (randn(*shape, seed=next(seeds)) > 0).float()
        else:
            value = randn(*shape, seed=next(seeds))
        labels, node = array("m", mask_labels, value)
        factors.append((labels, node))
        scores = torch.einsum(f"{score_labels},{labels}->{score_labels}", scores, exact["m"])
    terms = []
    if masks in ("causal", "random"):
        labels, node = array("t", mask_labels, (1 - exact["m"]) * CAUSAL)
        terms.append((labels, node))
    if draw(st.booleans()):
        labels, node = array("t2", shuffled(some(batch + "i") + "j"))
        terms.append((labels, node))
    if draw(st.integers(0, 4)) == 0 and masks == "none":
        labels, node = array("t3", "ij", torch.where(causal_mask(size["i"], size["j"]) > 0, 0.0, -math.inf))
        terms.append((labels, node))

    factors = list(draw(st.permutations(factors)))
    if len(factors) > 2 and draw(st.booleans()):  # nested: the factors but q and k come later
        inner = [factor for factor in factors if factor[1] in (q, k)]
        outer = [factor for factor in factors if factor[1] not in (q, k)]
        inner_labels = shuffled("".join(label for label in score_labels if any(label in own for own, _ in inner)))
        product = einsum(",".join(own for own, _ in inner) + "->" + inner_labels, *(node for _, node in inner))
        factors = [(inner_labels, product), *outer]
    node = einsum(",".join(own for own, _ in factors) + "->" + score_labels, *(each for _, each in factors))
    for labels, term in terms:
        own = "".join(label for label in score_labels if label in labels)
        term = as_rearranged(term, labels, own)
        missing = [label for label in score_labels if label not in labels]
        if missing:
            term = term.rearrange_str(" ".join(own) + " -> " + " ".join(label if label in labels else "1" for label in score_labels))
        node = rc.Add(node, term) if draw(st.booleans()) else rc.Add(term, node)
    for labels, term in terms:
        own = "".join(label for label in score_labels if label in labels)
        full = exact[term.name].permute([labels.index(label) for label in own])
        shape = [size[label] if label in labels else 1 for label in score_labels]
        scores = scores + full.reshape(shape)
    pattern = scores.softmax(-1)
    weights = softmax(node)
    pattern_labels = score_labels
    if len(score_labels) >= 3 and draw(st.booleans()):  # through a merged axis and back
        first, second = score_labels[0], score_labels[1]
        rest = " ".join(score_labels[2:])
        merged = node.rearrange_str(f"{first}:{size[first]} {second}:{size[second]} {rest} -> ({first} {second}) {rest}")
        weights = softmax(merged).rearrange_str(f"({first}:{size[first]} {second}:{size[second]}) {rest} -> {first} {second} {rest}")
    out_labels = shuffled("".join(dict.fromkeys(pattern_labels[:-1] + "f")))
    kind = draw(st.sampled_from(["plain", "projected", "nested"]))
    scale = float(exact["v"].abs().max())
    if kind == "plain":
        circuit = einsum(f"{pattern_labels},{v_labels}->{out_labels}", weights, v)
        value = torch.einsum(f"{pattern_labels},{v_labels}->{out_labels}", pattern, exact["v"])
    else:
        w_labels, w = array("o", shuffled("df" + some(batch)))
        result = shuffled("".join(label for label in pattern_labels[:-1] if draw(st.booleans()) or label == "i") + "d")
        if kind == "projected":
            circuit = einsum(f"{pattern_labels},{v_labels},{w_labels}->{result}", weights, v, w)
        else:
            comb = einsum(f"{pattern_labels},{v_labels}->{out_labels}", weights, v)
            circuit = einsum(f"{out_labels},{w_labels}->{result}", comb, w)
        value = torch.einsum(f"{pattern_labels},{v_labels},{w_labels}->{result}", pattern, exact["v"], exact["o"])
        scale *= float(
            torch.einsum(f"{pattern_labels},{v_labels},{w_labels}->{result}", pattern, torch.ones_like(exact["v"]), exact["o"].abs()).max()
        )
    return Attention(circuit, value, scale)


def check(attention: Attention, circuit: rc.Circuit) -> None:
    value, stats = run(circuit)
    assert stats.fused_attention == 1, (stats.not_fused, circuit)
    assert sum(stats.attention_backends.values()) == 1
    expected, _ = run(attention.circuit, UNFUSED)
    assert value.shape == expected.shape and value.dtype == expected.dtype
    tolerance = TOLERANCE[value.dtype] * attention.scale
    if value.dtype == torch.float32:
        torch.testing.assert_close(value, expected, rtol=0, atol=tolerance, equal_nan=True)
    exact = attention.exact
    assert torch.equal(value.isnan(), exact.isnan())
    error, unfused_error = ((each.double() - exact).abs().nan_to_num(0.0) for each in (value, expected))
    assert float(error.max()) <= 2 * float(unfused_error.max()) + tolerance


@given(attentions())
@settings(max_examples=150)
def test_random_attention(attention: Attention) -> None:
    check(attention, attention.circuit)


@given(attentions())
@settings(max_examples=100)
def test_random_attention_optimized(attention: Attention) -> None:
    check(attention, rc.optimize_circuit(attention.circuit))


@given(attentions(dtypes=(torch.bfloat16, torch.float16)))
@settings(max_examples=80)
def test_random_attention_in_half_precision(attention: Attention) -> None:
    check(attention, attention.circuit)


# --- the library's attention, as it is used


def library_attention(bias: bool = False, pos: bool = False, rope: bool = False, seq: int = 6, samples: int | None = None) -> rc.Circuit:
    heads, head_size, hidden = 2, 4, 8
    body = get_attention(bias=bias, pos=pos, rope=rope).body
    batch = () if samples is None else (samples,)
    values = {
        "a.input": randn(*batch, seq, hidden, seed=1),
        "a.pos_input": randn(seq, hidden, seed=2),
        "a.mask": causal_mask(seq),
        "a.w.o": randn(heads, hidden, head_size, seed=3),
        "a.w.o_bias": randn(hidden, seed=4),
    }
    for i, name in enumerate("qkv"):
        values[f"a.w.{name}"] = randn(heads, head_size, hidden, seed=5 + i)
        values[f"a.w.{name}_bias"] = randn(heads, head_size, seed=8 + i)
    binds = [(symbol, rc.Array(values[symbol.name], symbol.name)) for symbol in rc.get_free_symbols(body)]
    return rc.module_new_bind(body, *binds)


@pytest.mark.parametrize("samples", [None, 3])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("pos", [False, True])
@pytest.mark.parametrize("rope", [False, True])
def test_library_attention(bias: bool, pos: bool, rope: bool, samples: int | None) -> None:
    attention = library_attention(bias, pos, rope, samples=samples)
    assert_fused(attention)
    assert_fused(rc.substitute_all_modules(attention))
    if not rope:
        assert_fused(rc.optimize_circuit(attention))


def test_row_zero_of_causal_attention_is_the_first_value() -> None:
    """The example of 12.3."""
    mask = rc.Array(causal_mask(5), "mask")
    q, k, v = (rc.Array(randn(5, 4, seed=i), name) for i, name in enumerate("qkv"))
    scores = rc.Add(einsum("ic,jc,ij->ij", q, k, mask), einsum("ij,->ij", not_mask(mask), rc.Scalar(CAUSAL)))
    value = assert_fused(einsum("ij,jf->if", softmax(scores), v))
    assert torch.equal(value[0], v.value[0])


# --- special values (12.3)


def masked_attention(scores_bias: torch.Tensor, v: torch.Tensor, factor: torch.Tensor | None = None) -> rc.Circuit:
    rows, keys = scores_bias.shape
    q, k = rc.Array(randn(rows, v.shape[1], seed=1), "q"), rc.Array(randn(keys, v.shape[1], seed=2), "k")
    factors = [q, k] if factor is None else [q, k, rc.Array(factor, "m")]
    scores = einsum("ic,jc->ij" if factor is None else "ic,jc,ij->ij", *factors)
    return einsum("ij,jf->if", softmax(rc.Add(scores, rc.Array(scores_bias, "t"))), rc.Array(v, "v"))


@pytest.mark.parametrize("keys", [5, 70, 600])
@pytest.mark.parametrize("masked", ["causal", "left", "right", "scattered"])
@pytest.mark.parametrize("value", [CAUSAL, -math.inf])
def test_large_values_at_masked_keys_change_no_bit(keys: int, masked: str, value: float) -> None:
    """Weights that underflow are exactly 0, whatever finite number they multiply."""
    visible = torch.ones(keys, keys)
    if masked == "causal":
        visible = causal_mask(keys)
    elif masked == "left":
        visible[:, : keys // 2] = 0
    elif masked == "right":
        visible[:, keys // 2 :] = 0
    else:
        visible[:, ::2] = 0
    hidden = torch.zeros(keys, dtype=torch.bool) if masked == "causal" else visible[0] == 0
    row = keys // 2 if masked == "causal" else keys
    if masked == "causal":
        hidden[row:] = True
    bias = torch.where(visible > 0, 0.0, value)
    v = randn(keys, 8, seed=3)
    large = torch.where(hidden[:, None], torch.full_like(v, 3e38), v)
    usual, changed = (assert_fused_value(masked_attention(bias, each)) for each in (v, large))
    assert torch.equal(usual[:row], changed[:row])


def assert_fused_value(circuit: rc.Circuit) -> torch.Tensor:
    value, stats = run(circuit)
    assert stats.fused_attention == 1, stats.not_fused
    return value


@pytest.mark.parametrize("keys", [4, 64])
def test_rows_without_open_keys(keys: int) -> None:
    """All keys at -10000: uniform weights; all at -infinity: NaN."""
    v = randn(keys, 8, seed=3)
    bias, factor = torch.zeros(keys, keys), torch.ones(keys, keys)
    bias[1], factor[1] = CAUSAL, 0.0
    value = assert_fused(masked_attention(bias, v, factor))
    torch.testing.assert_close(value[1], v.mean(0), rtol=0, atol=1e-5)
    bias[1] = -math.inf
    assert bool(assert_fused(masked_attention(bias, v))[1].isnan().all())


@pytest.mark.parametrize("position", [0, 3])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_no_numbers_spread_as_unfused(position: int, bad: float) -> None:
    keys = 6
    k = randn(keys, 4, seed=2)
    k[position, 1] = bad
    q, v, mask = rc.Array(randn(keys, 4, seed=1), "q"), rc.Array(randn(keys, 4, seed=3), "v"), rc.Array(causal_mask(keys), "m")
    bias = rc.Array((1 - causal_mask(keys)) * CAUSAL, "t")
    assert_fused(einsum("ij,jf->if", softmax(rc.Add(einsum("ic,jc,ij->ij", q, rc.Array(k, "k"), mask), bias)), v))


def test_triangles_whose_scores_are_large_are_not_skipped() -> None:
    """A score below -10000 makes masked keys weigh something: tiles are skipped only where weights underflow."""
    keys = 6
    q, k = torch.full((keys, 4), 100.0), torch.full((keys, 4), -100.0)
    mask = causal_mask(keys)
    scores = einsum("ic,jc,ij->ij", rc.Array(q, "q"), rc.Array(k, "k"), rc.Array(mask, "m"))
    value = assert_fused(
        einsum("ij,jf->if", softmax(rc.Add(scores, rc.Array((1 - mask) * CAUSAL, "t"))), rc.Array(randn(keys, 4, seed=3), "v"))
    )
    assert not torch.equal(value[0], randn(keys, 4, seed=3)[0])


@settings(max_examples=60)
@given(
    keys=st.sampled_from([9, 33, 40]),
    offset=st.integers(-3, 3),
    masked=st.sampled_from([-10000.0, -math.inf, -2000.0]),
    of_factor=st.booleans(),
    value=st.sampled_from([None, 0.0, -0.0, 1.0, 0.5, -7.0, -1500.0, -10000.0, math.nan]),
    place=st.integers(0, 10**6),
)
def test_one_element_of_a_triangle_may_differ(
    keys: int, offset: int, masked: float, of_factor: bool, value: float | None, place: int
) -> None:
    """Triangles are recognised row by row; whatever else stands in a mask counts."""
    rows = 21
    visible = torch.ones(rows, keys).tril(offset)
    m, t = visible.clone(), torch.where(visible > 0, -0.0, masked)
    changed = m if of_factor else t
    if value is not None:
        changed.view(-1)[place % changed.numel()] = value
    q, k, v = (rc.Array(randn(size, 4, seed=seed), name) for seed, (name, size) in enumerate(zip("qkv", (rows, keys, keys), strict=True)))
    scores = einsum("ic,jc,ij->ij", q, k, rc.Array(m, "m"))
    assert_fused(einsum("ij,jf->if", softmax(rc.Add(scores, rc.Array(t, "t"))), v))


# --- when it is used (12.2)


def plain_attention(dtype: torch.dtype = torch.float32, features: int = 4) -> tuple[rc.Circuit, rc.Circuit]:
    q, k, v = (rc.Array(randn(6, features, seed=i, dtype=dtype), name) for i, name in enumerate("qkv"))
    pattern = softmax(einsum("ic,jc->ij", q, k))
    return pattern, einsum("ij,jf->if", pattern, v)


def test_what_is_not_fused_and_why() -> None:
    pattern, attention = plain_attention()
    together = rc.circuit_to_schedule_many([pattern, attention], rc.OptimizationSettings())
    assert together.get_stats().fused_attention == 0
    assert any(fusion == "attention" for _, fusion, _ in together.get_stats().not_fused)
    for circuit in (plain_attention(torch.float64)[1], plain_attention(features=257)[1]):
        _, stats = run(circuit)
        assert stats.fused_attention == 0
        assert any(fusion == "attention" for _, fusion, _ in stats.not_fused)
    assert_fused(plain_attention(features=256)[1])


def test_gradients_flow() -> None:
    q = randn(6, 4).requires_grad_()
    k, v = (rc.Array(randn(6, 4, seed=i)) for i in (1, 2))
    circuit = einsum("ij,jf->if", softmax(einsum("ic,jc->ij", rc.Array(q), k)), v)
    circuit.evaluate().sum().backward()
    expected = torch.autograd.grad(((q @ k.value.T).softmax(-1) @ v.value).sum(), q)[0]
    torch.testing.assert_close(q.grad, expected)


def test_memory_is_linear_in_the_sequence() -> None:
    def peak(seq: int) -> int:
        q, k, v = (rc.Array(randn(2, seq, 16, seed=i), name) for i, name in enumerate("qkv"))
        _, stats = run(einsum("hij,hjf->hif", softmax(einsum("hic,hjc->hij", q, k)), v))
        assert stats.fused_attention == 1
        return stats.peak_bytes

    assert peak(2048) <= 4 * peak(512) + 2**20
