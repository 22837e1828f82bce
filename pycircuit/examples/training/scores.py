"""What the heads of a model do: attention scores on text and on repeated random tokens, and the loss without each head."""

from collections.abc import Collection

import torch

from ..torch_reference import (
    Model,
    attend,
    attention_pattern,
    forward,
    layer_norm,
    next_token_loss,
)

Tensor = torch.Tensor


@torch.no_grad()
def patterns(model: Model, tokens: Tensor) -> list[Tensor]:
    """Attention probabilities [batch, heads, query, key] of every layer on tokens [batch, seq]."""
    x, result, heads = model.tok_embeds[tokens], [], list(range(model.heads))
    for layer in range(model.layers):
        h = layer_norm(x, model.ln_scale[layer], model.ln_bias[layer])
        result.append(attention_pattern(model, layer, heads, h, h))
        x = x + attend(model, layer, heads, h, h, h)
    return result


def random_repeats(rows: int, period: int, begin: int, seed: int = 0) -> Tensor:
    """Rows [rows, 1 + 2 * period]: a begin token, then random tokens (ids below begin - 1) twice."""
    random = torch.Generator().manual_seed(seed)
    half = torch.randint(0, begin - 1, (rows, period), generator=random)
    return torch.cat([torch.full((rows, 1), begin), half, half], 1)


def previous_token_scores(model: Model, tokens: Tensor) -> Tensor:
    """Mean attention [layers, heads] from each position of tokens [rows, seq] to the one before."""
    parts = [torch.stack([p.diagonal(-1, -2, -1).mean(-1).sum(0) for p in patterns(model, rows)]) for rows in tokens.split(32)]
    return torch.stack(parts).sum(0) / len(tokens)


def prefix_matching_scores(model: Model, rows: int = 64, period: int = 64, begin: int = 1023) -> Tensor:
    """Mean attention [layers, heads], on random tokens given twice, from the second time to the token after the first occurrence."""
    tokens = random_repeats(rows, period, begin)
    return torch.stack([p.diagonal(1 - period, -2, -1)[..., 2:].mean((0, 2)) for p in patterns(model, tokens)])


@torch.no_grad()
def mean_losses(
    model: Model, tokens: Tensor, without: Collection[tuple[int, int]] = (), mask: Tensor | None = None, skip: int = 0
) -> tuple[float, float]:
    """Mean next-token losses over tokens [rows, seq] from position `skip` on, heads `without` left out.

    The first is over all positions, the second over those whose token is in `mask` [vocab] (`None`: all).
    """
    sums = torch.zeros(4, dtype=torch.float64)
    for rows in tokens.split(32):
        loss = next_token_loss(forward(model, rows[:, :-1], without), rows)[:, skip:]
        counted = torch.ones_like(loss) if mask is None else mask[rows[:, skip:-1]].float()
        sums += torch.stack([loss.double().sum(), torch.tensor(loss.numel()), (loss * counted).double().sum(), counted.sum()])
    return (sums[0] / sums[1]).item(), (sums[2] / sums[3]).item()
