"""Hand-written PyTorch for the cases that pycircuit is timed against.

Careful, ordinary code: fused attention, fused layer norm, joined projections, batched, no hooks, nothing computed twice. Weights are
dictionaries named as in the module library (`a0.w.q` [heads, head, hidden], `a0.w.o` [heads, hidden, head], `m0.w.proj_in`,
`final.ln.w.scale`, `t.w.unembed` [vocab, hidden]).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

Tensor = torch.Tensor
Weights = dict[str, Tensor]

# A fresh array of all logits costs more in page faults than the product itself.
LOSS_ROWS = 128


def random_weights(layers: int, hidden: int, heads: int, vocab: int, mlp: bool, seed: int = 0) -> Weights:
    """Weights at a scale at which activations stay near one; attention biases and MLPs with `mlp`."""
    head = hidden // heads
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int, scale: float) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    weights: Weights = {}
    for layer in range(layers):
        for part in ("a", "m") if mlp else ("a",):
            weights[f"{part}{layer}.ln.w.bias"] = normal(hidden, scale=0.02)
            weights[f"{part}{layer}.ln.w.scale"] = 1 + normal(hidden, scale=0.02)
        for matrix in "qkv":
            weights[f"a{layer}.w.{matrix}"] = normal(heads, head, hidden, scale=hidden**-0.5)
        weights[f"a{layer}.w.o"] = normal(heads, hidden, head, scale=hidden**-0.5)
        if mlp:
            for matrix in "qkv":
                weights[f"a{layer}.w.{matrix}_bias"] = normal(heads, head, scale=0.02)
            weights[f"a{layer}.w.o_bias"] = normal(hidden, scale=0.02)
            weights[f"m{layer}.w.proj_in"] = normal(4 * hidden, hidden, scale=hidden**-0.5)
            weights[f"m{layer}.w.in_bias"] = normal(4 * hidden, scale=0.02)
            weights[f"m{layer}.w.proj_out"] = normal(hidden, 4 * hidden, scale=(4 * hidden) ** -0.5)
            weights[f"m{layer}.w.out_bias"] = normal(hidden, scale=0.02)
    weights["final.ln.w.bias"] = normal(hidden, scale=0.02)
    weights["final.ln.w.scale"] = 1 + normal(hidden, scale=0.02)
    weights["t.w.unembed"] = normal(vocab, hidden, scale=hidden**-0.5)
    return weights


class _Model:
    """What both shapes share: matrices laid out once, norms, unembedding."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.layers = sum(name.endswith(".w.q") for name in weights)
        self.heads, self.head, self.hidden = weights["a0.w.q"].shape

    def rows(self, layer: int, matrices: str, heads: Iterable[int]) -> Tensor:
        """Projections of some heads below one another, [matrices * heads * head, hidden]."""
        chosen = torch.tensor(list(heads))
        return torch.cat([self.weights[f"a{layer}.w.{matrix}"][chosen].reshape(-1, self.hidden) for matrix in matrices])

    def columns(self, layer: int, heads: Iterable[int]) -> Tensor:
        """Output projections of some heads beside one another, [hidden, heads * head]."""
        return self.weights[f"a{layer}.w.o"][torch.tensor(list(heads))].permute(1, 0, 2).reshape(self.hidden, -1).contiguous()

    def norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (self.hidden,), self.weights[name + ".ln.w.scale"], self.weights[name + ".ln.w.bias"], 1e-5)

    def split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        """[batch, seq, parts * heads * head] -> parts times [batch, heads, seq, head]."""
        return x.view(*x.shape[:2], parts, -1, self.head).permute(2, 0, 3, 1, 4).unbind()

    def merge(self, z: Tensor) -> Tensor:
        """[batch, heads, seq, head] -> [batch, seq, heads * head]."""
        return z.transpose(1, 2).flatten(2)

    def logits(self, x: Tensor) -> Tensor:
        return F.linear(self.norm(x, "final"), self.weights["t.w.unembed"])

    def losses(self, x: Tensor, labels: Tensor) -> Tensor:
        """Negative log likelihood at every position, [batch, seq]; logits of a block of rows stay in the cache."""
        rows = zip(self.norm(x, "final").flatten(0, -2).split(LOSS_ROWS), labels.flatten().split(LOSS_ROWS), strict=True)
        losses = [F.cross_entropy(F.linear(block, self.weights["t.w.unembed"]), label, reduction="none") for block, label in rows]
        return torch.cat(losses).view(labels.shape)


# What the induction heads read as query, key and value: the texts on which the embeddings, the output of the previous-token head and that
# of the other heads of layer 0 are computed; t is the text that the loss is on, o the other one.
Hypothesis = tuple[str, str, str]
HYPOTHESES: dict[str, Hypothesis] = {
    "unscrubbed": ("ttt", "ttt", "ttt"),
    "baseline": ("ooo", "ooo", "ooo"),
    "value": ("ttt", "ttt", "too"),
    "query": ("too", "ttt", "ttt"),
    "query and value": ("too", "ttt", "too"),
    "key": ("ttt", "oto", "ttt"),
    "combined": ("too", "oto", "too"),
    "key with embeddings": ("ttt", "tto", "ttt"),
    "combined, key with embeddings": ("too", "tto", "too"),
}


class AttentionOnly(_Model):
    """The two-layer attention-only shortformer: positions [seq, hidden] are added to what queries and keys read."""

    def __init__(
        self, weights: Weights, embeddings: Tensor, positions: Tensor, previous: tuple[int, ...], induction: tuple[int, ...]
    ) -> None:
        super().__init__(weights)
        self.embeddings, self.positions = embeddings, positions
        every = range(self.heads)
        self.previous, self.induction = previous, induction
        self.not_previous, self.others = [h for h in every if h not in previous], [h for h in every if h not in induction]
        self.qk = [self.rows(layer, "qk", every) for layer in range(self.layers)]
        self.v = [self.rows(layer, "v", every) for layer in range(self.layers)]
        self.o = [self.columns(layer, every) for layer in range(self.layers)]
        # Layer 0 with the previous-token heads first: their output and that of the rest are products of two slices.
        ordered = [*previous, *self.not_previous]
        self.qk_ordered, self.v_ordered = self.rows(0, "qk", ordered), self.rows(0, "v", ordered)
        self.o_previous, self.o_not_previous = self.columns(0, previous), self.columns(0, self.not_previous)
        # Layer 1 apart, the rest of the heads first.
        self.qk_others, self.v_others = self.rows(1, "qk", self.others), self.rows(1, "v", self.others)
        self.q_induction, self.k_induction, self.v_induction = (self.rows(1, matrix, induction) for matrix in "qkv")
        self.o_split = self.columns(1, [*self.others, *induction])

    def attend(self, h: Tensor, qk: Tensor, v: Tensor) -> Tensor:
        """Mixed values of heads that read one normed input, [batch, heads, seq, head]."""
        queries, keys = self.split(F.linear(h + self.positions[: h.shape[1]], qk), 2)
        (values,) = self.split(F.linear(h, v), 1)
        return F.scaled_dot_product_attention(queries, keys, values, is_causal=True)

    def loss(self, tokens: Tensor) -> Tensor:
        """Mean next-token loss on tokens [batch, seq + 1]."""
        x = F.embedding(tokens[:, :-1], self.embeddings)
        for layer in range(self.layers):
            z = self.attend(self.norm(x, f"a{layer}"), self.qk[layer], self.v[layer])
            x = x + F.linear(self.merge(z), self.o[layer])
        return self.losses(x, tokens[:, 1:]).mean()

    def layer_zero(self, texts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings, output of the previous-token heads and of the other heads, each [texts, seq, hidden]."""
        e = F.embedding(texts[:, :-1], self.embeddings)
        z = self.merge(self.attend(self.norm(e, "a0"), self.qk_ordered, self.v_ordered))
        width = len(self.previous) * self.head
        return e, F.linear(z[..., :width], self.o_previous), F.linear(z[..., width:], self.o_not_previous)

    def other_heads(self, residual: Tensor) -> Tensor:
        """What heads of layer 1 outside the hypothesis mix."""
        return self.attend(self.norm(residual, "a1"), self.qk_others, self.v_others)

    def scrubbed(self, hypothesis: Hypothesis, parts: Mapping[str, tuple[Tensor, ...]], z_others: Tensor, labels: Tensor) -> Tensor:
        """Losses [batch, seq]; `parts` are the results of layer 0 by text."""
        normed: dict[str, Tensor] = {}
        for texts in hypothesis:
            if texts not in normed:
                first, second, third = (parts[text][i] for i, text in enumerate(texts))
                normed[texts] = self.norm(first + second + third, "a1")
        q, k, v = (normed[texts] for texts in hypothesis)
        positions = self.positions[: q.shape[1]]
        (queries,) = self.split(F.linear(q + positions, self.q_induction), 1)
        (keys,) = self.split(F.linear(k + positions, self.k_induction), 1)
        (values,) = self.split(F.linear(v, self.v_induction), 1)
        z = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        x = sum(parts["t"][1:], parts["t"][0]) + F.linear(torch.cat([self.merge(z_others), self.merge(z)], -1), self.o_split)
        return self.losses(x, labels)

    def scrub(self, hypotheses: Iterable[Hypothesis], tokens: Tensor, others: Tensor, candidates: Tensor) -> list[Tensor]:
        """Losses at candidate tokens, 0 elsewhere, [batch, seq] of each hypothesis; what they share is computed once."""
        hypotheses = list(hypotheses)
        if any("o" in texts for hypothesis in hypotheses for texts in hypothesis):
            both = [part.split(len(tokens)) for part in self.layer_zero(torch.cat([tokens, others]))]
            parts = {text: tuple(part[i] for part in both) for i, text in enumerate("to")}
        else:
            parts = {"t": self.layer_zero(tokens)}
        z_others = self.other_heads(sum(parts["t"][1:], parts["t"][0]))
        counted = candidates[tokens[:, :-1]]
        return [self.scrubbed(hypothesis, parts, z_others, tokens[:, 1:]) * counted for hypothesis in hypotheses]

    def scrub_samples(
        self, hypotheses: Iterable[Hypothesis], data: Tensor, rows: tuple[Tensor, Tensor], candidates: Tensor, batch: int
    ) -> list[Tensor]:
        """`scrub` on sampled rows of data [texts, seq + 1], `batch` samples at a time."""
        pieces = [self.scrub(hypotheses, data[a], data[b], candidates) for a, b in zip(*(part.split(batch) for part in rows), strict=True)]
        return [torch.cat(losses) for losses in zip(*pieces, strict=True)]


@dataclass(frozen=True)
class Gpt2Size:
    """GPT-2 small's shape, and the inputs of its cases."""

    FORWARDS: ClassVar = ((4, 128), (1, 8))  # batch, length

    layers: int = 12
    hidden: int = 768
    heads: int = 12
    vocab: int = 5000

    @classmethod
    def of_forward(cls, quick: bool) -> Gpt2Size:
        return cls(layers=3) if quick else cls()

    @classmethod
    def of_ablations(cls, quick: bool) -> Gpt2Size:
        return cls(layers=2) if quick else cls()

    def weights(self) -> Weights:
        return random_weights(self.layers, self.hidden, self.heads, self.vocab, mlp=True)

    def embedded(self, batch: int, seq: int) -> Tensor:
        return torch.randn(batch, seq, self.hidden, generator=torch.Generator().manual_seed(2))

    def ablation_inputs(self) -> tuple[Tensor, Tensor, Tensor]:
        """Embedded input [8, 64, hidden], tokens [8, 64], right and wrong answer [2]."""
        generator = torch.Generator().manual_seed(3)
        x = torch.randn(8, 64, self.hidden, generator=generator)
        return x, torch.randint(0, self.vocab, (8, 64), generator=generator), torch.tensor([17, 23])

    def forward_name(self, batch: int, seq: int) -> str:
        return f"GPT-2 shape, {self.layers} layers, batch {batch}, length {seq}"

    def ablation_names(self) -> tuple[str, str]:
        count = self.layers * self.heads
        return f"{count} head ablations, mean loss", f"{count} head ablations, last logit difference"


class Gpt2(_Model):
    """Blocks with biases and MLPs on already embedded input [batch, seq, hidden]."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        every = range(self.heads)
        self.qkv = [self.rows(layer, "qkv", every) for layer in range(self.layers)]
        self.qkv_bias = [torch.cat([weights[f"a{layer}.w.{m}_bias"].flatten() for m in "qkv"]) for layer in range(self.layers)]
        self.o = [self.columns(layer, every) for layer in range(self.layers)]

    def mlp(self, x: Tensor, layer: int) -> Tensor:
        w = self.weights
        h = F.gelu(F.linear(self.norm(x, f"m{layer}"), w[f"m{layer}.w.proj_in"], w[f"m{layer}.w.in_bias"]))
        return x + F.linear(h, w[f"m{layer}.w.proj_out"], w[f"m{layer}.w.out_bias"])

    def mix(self, x: Tensor, layer: int) -> Tensor:
        """What the heads mix, [batch, heads, seq, head]."""
        q, k, v = self.split(F.linear(self.norm(x, f"a{layer}"), self.qkv[layer], self.qkv_bias[layer]), 3)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    def after_mix(self, x: Tensor, z: Tensor, layer: int) -> Tensor:
        return self.mlp(x + F.linear(self.merge(z), self.o[layer], self.weights[f"a{layer}.w.o_bias"]), layer)

    def block(self, x: Tensor, layer: int) -> Tensor:
        return self.after_mix(x, self.mix(x, layer), layer)

    def last_position(self, x: Tensor, layer: int) -> Tensor:
        """The block's output at the last position only, [batch, 1, hidden]: one query, no other outputs."""
        h, width = self.norm(x, f"a{layer}"), self.hidden
        (q,) = self.split(F.linear(h[:, -1:], self.qkv[layer][:width], self.qkv_bias[layer][:width]), 1)
        k, v = self.split(F.linear(h, self.qkv[layer][width:], self.qkv_bias[layer][width:]), 2)
        return self.after_mix(x[:, -1:], F.scaled_dot_product_attention(q, k, v), layer)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [batch, seq, vocab]."""
        for layer in range(self.layers):
            x = self.block(x, layer)
        return self.logits(x)

    def _mean_loss(self, x: Tensor, z: Tensor, layer: int, tokens: Tensor) -> Tensor:
        x = self.after_mix(x, z, layer)
        for later in range(layer + 1, self.layers):
            x = self.block(x, later)
        return self.losses(x[:, :-1], tokens[:, 1:]).mean()

    def _logit_difference(self, x: Tensor, z: Tensor, layer: int, direction: Tensor) -> Tensor:
        last = self.layers - 1
        if layer == last:
            x = self.after_mix(x[:, -1:], z[:, :, -1:], layer)
        else:
            x = self.after_mix(x, z, layer)
            for later in range(layer + 1, last):
                x = self.block(x, later)
            x = self.last_position(x, last)
        return self.norm(x, "final")[:, 0] @ direction

    def _sweep(self, x: Tensor, finish: Callable[[Tensor, Tensor, int], Tensor]) -> Tensor:
        """`finish(residual, mixed values, layer)` for every zeroed head; what comes before the zero is computed once a layer."""
        results = []
        for layer in range(self.layers):
            z = self.mix(x, layer)
            for head in range(self.heads):
                zeroed = z.clone()
                zeroed[:, head] = 0
                results.append(finish(x, zeroed, layer))
            x = self.after_mix(x, z, layer)
        return torch.stack(results)

    def ablated_losses(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Mean next-token loss with each head zeroed, [layers * heads]."""
        return self._sweep(x, lambda x, z, layer: self._mean_loss(x, z, layer, tokens))

    def ablated_logit_differences(self, x: Tensor, answers: Tensor) -> Tensor:
        """Logit of answers[0] minus that of answers[1] at the last position with each head zeroed, [layers * heads, batch]."""
        right, wrong = self.weights["t.w.unembed"][answers].unbind()
        return self._sweep(x, lambda x, z, layer: self._logit_difference(x, z, layer, right - wrong))

    def ablated_losses_one_by_one(self, x0: Tensor, tokens: Tensor) -> Tensor:
        """`ablated_losses` as a loop over whole forward passes."""
        results = []
        for ablated in range(self.layers):
            for head in range(self.heads):
                x = x0
                for layer in range(ablated):
                    x = self.block(x, layer)
                z = self.mix(x, ablated)
                z[:, head] = 0
                results.append(self._mean_loss(x, z, ablated, tokens))
        return torch.stack(results)


class AttentionLayer(_Model):
    """One causal attention layer on x [batch, seq, hidden]."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        every = range(self.heads)
        self.qkv, self.o = self.rows(0, "qkv", every), self.columns(0, every)

    def __call__(self, x: Tensor) -> Tensor:
        q, k, v = self.split(F.linear(x, self.qkv), 3)
        return F.linear(self.merge(F.scaled_dot_product_attention(q, k, v, is_causal=True)), self.o)
