"""The plain-PyTorch reference against fused operations, and identities between its hypotheses."""

import pytest
import torch
import torch.nn.functional as F

from pycircuit.examples.torch_reference import (
    ALL_OTHER,
    HYPOTHESES,
    Model,
    attend,
    attention_pattern,
    candidate_rate,
    forward,
    layer_0_terms,
    layer_norm,
    model_of_weights,
    next_token_loss,
    run_hypotheses,
)

VOCAB, HIDDEN, HEADS, HEAD, SEQ = 50, 24, 4, 6, 12
BASELINE = "baseline: induction heads on the other input"
OTHER = "whole model on the other input"


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(0)

    def normal(*shape: int, std: float = 0.3) -> torch.Tensor:
        return torch.randn(*shape, generator=random) * std

    result = {"t.w.tok_embeds": normal(VOCAB, HIDDEN, std=1), "t.w.pos_embeds": normal(SEQ + 3, HIDDEN)}
    for part in ("a0", "a1", "final"):
        result |= {f"{part}.ln.w.scale": 1 + normal(HIDDEN), f"{part}.ln.w.bias": normal(HIDDEN)}
    for layer in range(2):
        result |= {f"a{layer}.w.{matrix}": normal(HEADS, HEAD, HIDDEN) for matrix in "qkv"}
        result[f"a{layer}.w.o"] = normal(HEADS, HIDDEN, HEAD)
    return result | {"t.w.unembed": normal(VOCAB, HIDDEN)}


@pytest.fixture(scope="module")
def model(weights: dict[str, torch.Tensor]) -> Model:
    return model_of_weights(weights)


@pytest.fixture(scope="module")
def tokens() -> torch.Tensor:
    return torch.randint(VOCAB, (20, SEQ), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def mask() -> torch.Tensor:
    return torch.arange(VOCAB) % 3 > 0


def pairs(count: int, rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    idx_x, idx_y = torch.randint(rows, (2, count), generator=torch.Generator().manual_seed(2))
    return idx_x, idx_y


def fused_logits(w: dict[str, torch.Tensor], tokens: torch.Tensor) -> torch.Tensor:
    x = w["t.w.tok_embeds"][tokens]
    for i in range(2):
        h = F.layer_norm(x, (HIDDEN,), w[f"a{i}.ln.w.scale"], w[f"a{i}.ln.w.bias"], 1e-5)
        q, k = (torch.einsum("bsd,hcd->bhsc", h + w["t.w.pos_embeds"][: tokens.shape[1]], w[f"a{i}.w.{m}"]) for m in "qk")
        v = torch.einsum("bsd,hcd->bhsc", h, w[f"a{i}.w.v"])
        x = x + torch.einsum("bhsc,hdc->bsd", F.scaled_dot_product_attention(q, k, v, is_causal=True), w[f"a{i}.w.o"])
    return F.layer_norm(x, (HIDDEN,), w["final.ln.w.scale"], w["final.ln.w.bias"], 1e-5) @ w["t.w.unembed"].T


def test_forward_equals_fused_operations(weights, model, tokens):
    torch.testing.assert_close(forward(model, tokens), fused_logits(weights, tokens), atol=1e-4, rtol=1e-4)


def test_forward_is_causal(model, tokens):
    changed = tokens.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % VOCAB
    torch.testing.assert_close(forward(model, tokens)[:, :7], forward(model, changed)[:, :7])
    assert not torch.allclose(forward(model, tokens)[:, 7], forward(model, changed)[:, 7])


def test_values_and_residual_do_not_read_positions(model, tokens):
    """Without queries and keys every head averages what it may see; then only the mask distinguishes positions."""
    flat = Model(**{**model.__dict__, "q": [torch.zeros_like(q) for q in model.q]})
    moved = Model(**{**flat.__dict__, "pos_embeds": flat.pos_embeds * 5})
    torch.testing.assert_close(forward(flat, tokens), forward(moved, tokens))


def test_next_token_loss_is_cross_entropy(model, tokens):
    logits = forward(model, tokens[:, :-1])
    expected = F.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none")
    torch.testing.assert_close(next_token_loss(logits, tokens), expected)


def test_forward_without_heads(model, tokens):
    every = [(layer, head) for layer in range(2) for head in range(HEADS)]
    plain = layer_norm(model.tok_embeds[tokens], model.final_scale, model.final_bias) @ model.unembed.T
    torch.testing.assert_close(forward(model, tokens, every), plain)
    assert not torch.allclose(forward(model, tokens, [(1, 2)]), forward(model, tokens))


def test_terms_add_up_to_layer_0(model, tokens):
    terms = layer_0_terms(model, tokens, [0, 2])
    embedding = model.tok_embeds[tokens]
    h = layer_norm(embedding, model.ln_scale[0], model.ln_bias[0])
    torch.testing.assert_close(sum(terms.values()), embedding + attend(model, 0, list(range(HEADS)), h, h, h))
    torch.testing.assert_close(terms["previous"] + terms["previous_rest"], attend(model, 0, [0, 2], h, h, h))
    # At position 1 the term of the previous position is the attention to position 0 times its value.
    pattern = attention_pattern(model, 0, [0, 2], h, h)
    value = torch.einsum("bd,hcd,hec->bhe", h[:, 0], model.v[0][[0, 2]], model.o[0][[0, 2]])
    torch.testing.assert_close(terms["previous"][:, 1], torch.einsum("bh,bhe->be", pattern[:, :, 1, 0], value))
    assert terms["previous"][:, 0].abs().max() == 0


def test_same_input_changes_nothing(model, tokens, mask):
    idx, _ = pairs(9, len(tokens))
    losses = run_hypotheses(model, tokens, idx, idx, mask, [1, 3], [0])
    assert list(losses) == list(HYPOTHESES)
    for loss in losses.values():
        torch.testing.assert_close(loss, losses["unscrubbed"], atol=1e-5, rtol=1e-5)


def test_unscrubbed_and_whole_model(model, tokens, mask):
    idx_x, idx_y = pairs(9, len(tokens))
    losses = run_hypotheses(model, tokens, idx_x, idx_y, mask, [1, 3], [0])
    x, y = tokens[idx_x], tokens[idx_y]
    counted = mask[x[:, :-1]].float()
    for name, read in (("unscrubbed", x), (OTHER, y)):
        expected = (next_token_loss(forward(model, read[:, :-1]), x) * counted).mean(1)
        torch.testing.assert_close(losses[name], expected, atol=1e-5, rtol=1e-5)


def test_baseline_with_all_heads_moves_only_layer_1(model, tokens, mask):
    idx_x, idx_y = pairs(9, len(tokens))
    losses = run_hypotheses(model, tokens, idx_x, idx_y, mask, range(HEADS), [0])
    x, y = tokens[idx_x], tokens[idx_y]
    parts = {name: sum(layer_0_terms(model, rows[:, :-1], [0]).values()) for name, rows in (("x", x), ("y", y))}
    h = layer_norm(parts["y"], model.ln_scale[1], model.ln_bias[1])
    residual = parts["x"] + attend(model, 1, list(range(HEADS)), h, h, h)
    logits = layer_norm(residual, model.final_scale, model.final_bias) @ model.unembed.T
    expected = (next_token_loss(logits, x) * mask[x[:, :-1]]).mean(1)
    torch.testing.assert_close(losses[BASELINE], expected, atol=1e-5, rtol=1e-5)


def test_hypotheses_read_what_they_name(weights, tokens, mask):
    """Terms that are constant over texts make the hypotheses that scrub only them exact."""
    idx_x, idx_y = pairs(9, len(tokens))
    # Layer 0 writes nothing: scrubbing its heads out of query and value changes nothing, and the key reads the other text only.
    silent = model_of_weights(weights | {"a0.w.o": torch.zeros_like(weights["a0.w.o"])})
    losses = run_hypotheses(silent, tokens, idx_x, idx_y, mask, [1, 3], [0])
    for name in ("embeddings to value", "embeddings to query"):
        torch.testing.assert_close(losses[name], losses["unscrubbed"])
    assert not torch.allclose(losses["previous-token head to key"], losses["unscrubbed"])
    torch.testing.assert_close(losses["all three"], losses["previous-token head to key"])
    # Layer 1's keys read nothing: what is scrubbed out of them does not matter.
    keyless = model_of_weights(weights | {"a1.w.k": torch.zeros_like(weights["a1.w.k"])})
    losses = run_hypotheses(keyless, tokens, idx_x, idx_y, mask, [1, 3], [0])
    for name in ("previous-token head to key", "previous position to key", "embeddings to query"):
        torch.testing.assert_close(losses[name], losses["unscrubbed"])
    assert not torch.allclose(losses["embeddings to value"], losses["unscrubbed"])
    # No induction heads: nothing to scrub.
    losses = run_hypotheses(model_of_weights(weights), tokens, idx_x, idx_y, mask, [], [0])
    for name in set(HYPOTHESES) - {OTHER}:
        torch.testing.assert_close(losses[name], losses["unscrubbed"])


def test_whole_previous_head_differs_from_previous_position(model, tokens, mask):
    idx_x, idx_y = pairs(9, len(tokens))
    losses = run_hypotheses(model, tokens, idx_x, idx_y, mask, [1, 3], [0])
    values = torch.stack(list(losses.values()))
    assert values.isfinite().all() and values.shape == (len(HYPOTHESES), 9)
    distances = torch.cdist(values, values) + torch.eye(len(values))
    assert distances.min() > 1e-4  # every hypothesis is a different experiment
    assert HYPOTHESES[BASELINE].k == ALL_OTHER


def test_batching_does_not_matter(model, tokens, mask):
    idx_x, idx_y = pairs(9, len(tokens))
    whole, small = (run_hypotheses(model, tokens, idx_x, idx_y, mask, [1], [0, 3], batch=b) for b in (32, 2))
    for name in HYPOTHESES:
        torch.testing.assert_close(whole[name], small[name])


def test_candidate_rate(tokens, mask):
    counted = [token % 3 > 0 for row in tokens.tolist() for token in row[:-1]]
    assert candidate_rate(tokens, mask) == pytest.approx(sum(counted) / len(counted))
