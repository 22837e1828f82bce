"""The example model and the induction experiment in plain PyTorch, recomputed from the definitions without circuits.

It shares no code with the library, so that agreement with it means something. It holds the forward pass of a two-layer attention-only
shortformer (layer norm before each layer; learned positions are added to the normed input of queries and keys only), and the hypotheses of
the experiment: what happens to the loss when parts of the input of the induction heads are computed on another text.

Run as a script it prints the mean loss of every hypothesis on the shipped data.
"""

import argparse
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch

Tensor = torch.Tensor
DATA = Path(__file__).parent / "data"
MASKED_SCORE = -10_000.0
IND_HEADS, PREV_HEADS = (0, 1), (0,)  # of the shipped model: induction heads of layer 1, previous-token heads of layer 0


@dataclass(frozen=True)
class Model:
    """Weights of a two-layer attention-only shortformer, float32.

    Lists have one entry per layer. `tok_embeds`, `unembed` [vocab, hidden]; `pos_embeds` [max_seq, hidden]; norms [hidden];
    `q`, `k`, `v` [heads, head, hidden]; `o` [heads, hidden, head].
    """

    tok_embeds: Tensor
    pos_embeds: Tensor
    ln_scale: list[Tensor]
    ln_bias: list[Tensor]
    q: list[Tensor]
    k: list[Tensor]
    v: list[Tensor]
    o: list[Tensor]
    final_scale: Tensor
    final_bias: Tensor
    unembed: Tensor

    @property
    def heads(self) -> int:
        return self.q[0].shape[0]

    @property
    def layers(self) -> int:
        return len(self.q)


def model_of_weights(weights: dict[str, Tensor]) -> Model:
    """The model of tensors named as in the model file, without the suffix `_arr`."""
    layers = range(sum(re.fullmatch(r"a\d+\.w\.q", name) is not None for name in weights))
    return Model(
        tok_embeds=weights["t.w.tok_embeds"],
        pos_embeds=weights["t.w.pos_embeds"],
        ln_scale=[weights[f"a{i}.ln.w.scale"] for i in layers],
        ln_bias=[weights[f"a{i}.ln.w.bias"] for i in layers],
        q=[weights[f"a{i}.w.q"] for i in layers],
        k=[weights[f"a{i}.w.k"] for i in layers],
        v=[weights[f"a{i}.w.v"] for i in layers],
        o=[weights[f"a{i}.w.o"] for i in layers],
        final_scale=weights["final.ln.w.scale"],
        final_bias=weights["final.ln.w.bias"],
        unembed=weights["t.w.unembed"],
    )


def load_model(circ_file: Path, store: Path) -> Model:
    """Reads the array lines of a model file and fetches their tensors from the store by the key prefixes they give."""
    weights = {}
    for name, prefix in re.findall(r"'([^']+)' \[[\d,]+\] Array ([0-9a-f]{24})", circ_file.read_text()):
        (file,) = (store / prefix[:4] / prefix[4:8]).glob(prefix[8:] + "*")
        weights[name.removesuffix("_arr")] = torch.load(file, map_location="cpu", weights_only=True).float()
    return model_of_weights(weights)


def layer_norm(x: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """(x - mean) / sqrt(biased variance + 1e-5) * scale + bias over the last axis."""
    centred = x - x.mean(-1, keepdim=True)
    return centred * torch.rsqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-5) * scale + bias


def attention_pattern(model: Model, layer: int, heads: list[int], q_in: Tensor, k_in: Tensor) -> Tensor:
    """Attention probabilities [batch, heads, query, key] from normed inputs [batch, seq, hidden], to which positions are added here."""
    n = q_in.shape[-2]
    q = torch.einsum("bsd,hcd->bhsc", q_in + model.pos_embeds[:n], model.q[layer][heads])
    k = torch.einsum("bsd,hcd->bhsc", k_in + model.pos_embeds[:n], model.k[layer][heads])
    scores = torch.einsum("bhqc,bhkc->bhqk", q, k) * model.q[layer].shape[1] ** -0.5
    allowed = torch.ones(n, n, device=q_in.device).tril()
    return (scores * allowed + (1 - allowed) * MASKED_SCORE).softmax(-1)


def head_outputs(model: Model, layer: int, heads: list[int], pattern: Tensor, v_in: Tensor) -> Tensor:
    """Summed output [batch, seq, hidden] of heads with the given pattern [batch, heads, query, key] on the normed input of the values."""
    values = torch.einsum("bsd,hcd->bhsc", v_in, model.v[layer][heads])
    return torch.einsum("bhqk,bhkc,hdc->bqd", pattern, values, model.o[layer][heads])


def attend(model: Model, layer: int, heads: list[int], q_in: Tensor, k_in: Tensor, v_in: Tensor) -> Tensor:
    """Summed output [batch, seq, hidden] of heads of a layer on three normed inputs [batch, seq, hidden]; zeros if there are none."""
    return head_outputs(model, layer, heads, attention_pattern(model, layer, heads, q_in, k_in), v_in)


def logits_of(model: Model, residual: Tensor) -> Tensor:
    """Logits [batch, seq, vocab] of the last residual stream [batch, seq, hidden]."""
    return layer_norm(residual, model.final_scale, model.final_bias) @ model.unembed.T


def forward(model: Model, tokens: Tensor, without: Collection[tuple[int, int]] = ()) -> Tensor:
    """Logits [batch, seq, vocab] for tokens [batch, seq]; the outputs of the heads `without`, pairs (layer, head), are left out."""
    x = model.tok_embeds[tokens.long()]
    for layer in range(model.layers):
        h = layer_norm(x, model.ln_scale[layer], model.ln_bias[layer])
        x = x + attend(model, layer, [i for i in range(model.heads) if (layer, i) not in without], h, h, h)
    return logits_of(model, x)


def next_token_loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """Negative log likelihood [batch, seq - 1] of tokens 1.. of tokens [batch, seq] under logits [batch, seq - 1, vocab]."""
    return -logits.log_softmax(-1).gather(-1, tokens[:, 1:, None].long())[..., 0]


@dataclass(frozen=True)
class Sources:
    """On which text each term of layer 1's residual input is computed: `"x"`, the original, or `"y"`, the other one.

    The output of the previous-token heads has two terms: what they carry over from exactly the position before (their attention pattern
    restricted to key = query - 1) and the rest of their output.
    """

    embedding: str = "x"
    previous: str = "x"
    previous_rest: str = "x"
    other_heads: str = "x"


@dataclass(frozen=True)
class Hypothesis:
    """Where queries, keys and values of the induction heads read from; `whole_model` moves the entire model to the other text."""

    q: Sources = Sources()
    k: Sources = Sources()
    v: Sources = Sources()
    whole_model: bool = False


ALL_OTHER = Sources(*["y"] * 4)
FROM_EMBEDDING = replace(ALL_OTHER, embedding="x")
FROM_PREVIOUS_HEAD = replace(ALL_OTHER, previous="x", previous_rest="x")
FROM_PREVIOUS_POSITION = replace(ALL_OTHER, previous="x")
FROM_PREVIOUS_HEAD_AND_EMBEDDING = replace(FROM_PREVIOUS_HEAD, embedding="x")

HYPOTHESES: dict[str, Hypothesis] = {
    "unscrubbed": Hypothesis(),
    "whole model on the other input": Hypothesis(whole_model=True),
    "baseline: induction heads on the other input": Hypothesis(ALL_OTHER, ALL_OTHER, ALL_OTHER),
    "embeddings to value": Hypothesis(v=FROM_EMBEDDING),
    "embeddings to query": Hypothesis(q=FROM_EMBEDDING),
    "previous-token head to key": Hypothesis(k=FROM_PREVIOUS_HEAD),
    "all three": Hypothesis(FROM_EMBEDDING, FROM_PREVIOUS_HEAD, FROM_EMBEDDING),
    "previous position to key": Hypothesis(k=FROM_PREVIOUS_POSITION),
    "all three, previous position only": Hypothesis(FROM_EMBEDDING, FROM_PREVIOUS_POSITION, FROM_EMBEDDING),
    "previous-token head and embeddings to key": Hypothesis(k=FROM_PREVIOUS_HEAD_AND_EMBEDDING),
    "all three, and embeddings to key": Hypothesis(FROM_EMBEDDING, FROM_PREVIOUS_HEAD_AND_EMBEDDING, FROM_EMBEDDING),
}


def layer_0_terms(model: Model, tokens: Tensor, prev_heads: list[int]) -> dict[str, Tensor]:
    """The terms of layer 1's residual input on tokens [batch, seq], each [batch, seq, hidden], by the field names of `Sources`."""
    others = [i for i in range(model.heads) if i not in prev_heads]
    embedding = model.tok_embeds[tokens.long()]
    h = layer_norm(embedding, model.ln_scale[0], model.ln_bias[0])
    pattern = attention_pattern(model, 0, prev_heads, h, h)
    n = tokens.shape[1]
    one_before = torch.ones(n - 1, device=h.device).diag(-1)  # [query, key], 1 where key = query - 1
    return {
        "embedding": embedding,
        "previous": head_outputs(model, 0, prev_heads, pattern * one_before, h),
        "previous_rest": head_outputs(model, 0, prev_heads, pattern * (1 - one_before), h),
        "other_heads": attend(model, 0, others, h, h, h),
    }


def scrubbed_logits(
    model: Model, terms: dict[str, dict[str, Tensor]], hypothesis: Hypothesis, ind_heads: list[int], prev_heads: list[int]
) -> Tensor:
    """Logits [batch, seq, vocab] under a hypothesis; `terms["x"]` and `terms["y"]` are the `layer_0_terms` of both texts.

    Everything but the induction heads runs on the original text; each input of the induction heads is normed after its terms are mixed.
    """

    def residual(sources: Sources) -> Tensor:
        return torch.stack([terms[getattr(sources, field.name)][field.name] for field in fields(Sources)]).sum(0)

    def normed(sources: Sources) -> Tensor:
        return layer_norm(residual(sources), model.ln_scale[1], model.ln_bias[1])

    base = ALL_OTHER if hypothesis.whole_model else Sources()
    q, k, v = (ALL_OTHER if hypothesis.whole_model else s for s in (hypothesis.q, hypothesis.k, hypothesis.v))
    others = [i for i in range(model.heads) if i not in ind_heads]
    h = normed(base)
    induction = attend(model, 1, ind_heads, normed(q), normed(k), normed(v))
    return logits_of(model, residual(base) + attend(model, 1, others, h, h, h) + induction)


@torch.no_grad()
def run_hypotheses(
    model: Model,
    tokens: Tensor,
    idx_x: Tensor,
    idx_y: Tensor,
    candidates_mask: Tensor,
    ind_heads: Collection[int],
    prev_heads: Collection[int],
    batch: int = 32,
    hypotheses: Mapping[str, Hypothesis] = HYPOTHESES,
) -> dict[str, Tensor]:
    """Loss per sample [samples] of every hypothesis, for pairs of rows of tokens [rows, seq].

    The model reads the rows but for their last token, `tokens[idx_x]` as original and `tokens[idx_y]` as other input; `idx_x`, `idx_y`
    [samples]. The loss of a sample is the mean over all seq - 1 positions of `nll * candidates_mask[current token]`, with labels and mask
    of the original row, `candidates_mask` [vocab] bool; divided by `candidate_rate` it is the mean over candidate positions. At most
    `batch` samples are in memory at a time.
    """
    ind, prev = list(ind_heads), list(prev_heads)
    losses: dict[str, list[Tensor]] = {name: [] for name in hypotheses}
    for rows_x, rows_y in zip(idx_x.split(batch), idx_y.split(batch), strict=True):
        x, y = tokens[rows_x].long(), tokens[rows_y].long()
        terms = {"x": layer_0_terms(model, x[:, :-1], prev), "y": layer_0_terms(model, y[:, :-1], prev)}
        counted = candidates_mask[x[:, :-1]].float()
        for name, hypothesis in hypotheses.items():
            logits = scrubbed_logits(model, terms, hypothesis, ind, prev)
            losses[name].append((next_token_loss(logits, x) * counted).mean(-1))
    return {name: torch.cat(parts) for name, parts in losses.items()}


def candidate_rate(tokens: Tensor, candidates_mask: Tensor) -> float:
    """Share of the positions of tokens [rows, seq], the last column left out, whose token is a candidate."""
    return candidates_mask[tokens[:, :-1].long()].float().mean().item()


def main() -> None:
    import numpy
    from induction_candidates import induction_candidates  # beside this file

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with induction.circ, tensors and tokens.npy")
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--induction", type=int, nargs="*", default=IND_HEADS, help="heads of layer 1")
    parser.add_argument("--previous", type=int, nargs="*", default=PREV_HEADS, help="heads of layer 0")
    options = parser.parse_args()

    model = load_model(options.data / "induction.circ", options.data / "tensors")
    tokens = torch.from_numpy(numpy.load(options.data / "tokens.npy")).long()
    candidates = induction_candidates(tokens, len(model.tok_embeds))
    idx_x, idx_y = torch.randint(len(tokens), (2, options.samples), generator=torch.Generator().manual_seed(options.seed))
    losses = run_hypotheses(model, tokens, idx_x, idx_y, candidates, options.induction, options.previous)
    rate = candidate_rate(tokens, candidates)
    unscrubbed, baseline = losses["unscrubbed"].mean(), losses["baseline: induction heads on the other input"].mean()
    print(f"{'hypothesis':46} {'loss':>8} {'std err':>8} {'recovered':>9}   (nats per candidate position, {options.samples} samples)")
    for name, loss in losses.items():
        recovered = (baseline - loss.mean()) / (baseline - unscrubbed)
        print(f"{name:46} {loss.mean() / rate:8.4f} {loss.std() / rate / options.samples**0.5:8.4f} {recovered:9.1%}")


if __name__ == "__main__":
    main()
