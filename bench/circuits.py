"""The cases of `opponents.py` as circuits, built through the public API as a researcher would build them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import torch

import pycircuit as rc
from bench.opponents import Hypothesis, Weights
from pycircuit.model_rewrites import To, configure_transformer
from pycircuit.module_library import TransformerBlockParams, TransformerInfo, TransformerParams, get_attention, negative_log_likelyhood
from pycircuit.py_utils import I

Tensor = torch.Tensor
ORIGINAL, OTHER = "tokens_original", "tokens_other"
GROUP_UUIDS = {ORIGINAL: uuid.UUID("7b7a3c86-11b0-4d2c-9a43-6f1f2b1d0c01"), OTHER: uuid.UUID("7b7a3c86-11b0-4d2c-9a43-6f1f2b1d0c02")}
IND, PREV, NOT_PREV = "a1.ind", "b0.a.keep.prev_sum", "b0.a.keep.not_prev_sum"


def bound_model(params: TransformerParams, weights: Weights) -> rc.Module:
    """`t.bind_w`: the transformer of the module library with its weights."""
    arrays = ((name, rc.Array(value, f"{name}_arr")) for name, value in weights.items())
    return rc.module_new_bind(params.get().body, *arrays, name="t.bind_w")


def updated(circuit: rc.Circuit, matcher: rc.IterativeMatcherIn, transform: Callable[[rc.Circuit], rc.Circuit]) -> rc.Circuit:
    """The circuit with what the matcher finds transformed; it must find something."""
    result = circuit.update(matcher, transform)
    if result == circuit:
        raise RuntimeError(f"nothing to update at {matcher}")
    return result


def token_loss(logits: rc.Circuit, label: rc.Circuit) -> rc.Circuit:
    """Negative log likelihood of labels [..., seq] at each position."""
    return rc.module_new_bind(negative_log_likelyhood.body, ("ll.input", logits), ("ll.label", label), name="nll.call")


class AttentionOnly:
    """The two-layer attention-only shortformer and its scrubbing hypotheses."""

    info = TransformerInfo(TransformerParams(TransformerBlockParams(attn_pos=True, use_mlp=False), 2), pos_enc_type="shortformer")

    def __init__(
        self, weights: Weights, embeddings: Tensor, positions: Tensor, previous: tuple[int, ...], induction: tuple[int, ...]
    ) -> None:
        self.model = bound_model(self.info.params, weights)
        self.embeddings, self.positions = rc.Array(embeddings, "t.w.tok_embeds"), rc.Array(positions, "t.w.pos_embeds")
        self.heads = weights["a0.w.q"].shape[0]
        self.previous, self.induction = previous, induction

    def losses(self, tokens: rc.Circuit) -> tuple[rc.Circuit, rc.Circuit]:
        """Losses at every position [..., seq] and the tokens read [..., seq]."""
        read = tokens.index((*[slice(None)] * (tokens.rank - 1), slice(0, -1)), name="tokens.read")
        label = tokens.index((*[slice(None)] * (tokens.rank - 1), slice(1, None)), name="tokens.label")
        embeds = rc.GeneralFunction.gen_index(self.embeddings, read, index_dim=0, name="t.embeds")
        return token_loss(self.info.bind_to_input(self.model, embeds, self.positions), label), read

    def mean_loss(self, tokens: Tensor) -> rc.Circuit:
        """Mean next-token loss on tokens [batch, seq + 1]; shape ()."""
        return self.losses(rc.Array(tokens, "tokens"))[0].mean(name="loss", scalar_name="one_over_count")


def token_variable(name: str, tokens: Tensor) -> rc.DiscreteVar:
    """A random row of tokens [rows, seq + 1]."""
    group = rc.Tag(rc.Scalar(1 / len(tokens), (len(tokens),)), GROUP_UUIDS[name], f"{name}.group")
    return rc.DiscreteVar(rc.Array(tokens, "tokens"), group, name)


class Scrubbing(AttentionOnly):
    """Scrubbed losses at candidate tokens over random rows of a data set."""

    def __init__(self, *model: object, data: Tensor, candidates: Tensor) -> None:
        super().__init__(*model)  # type: ignore[arg-type]
        self.data, self.candidates = data, rc.Array(candidates, "is_candidate")

    @cached_property
    def unscrubbed(self) -> rc.Circuit:
        """Loss [seq] of one random row, with the heads in question as nodes of their own and their inputs as separate paths."""
        losses, read = self.losses(token_variable(ORIGINAL, self.data))
        counted = rc.GeneralFunction.gen_index(self.candidates, read, index_dim=0, name="counted")
        loss = rc.Einsum.from_einsum_string("s,s->s", losses, counted, name="candidate_loss")

        def groups(chosen: tuple[int, ...], name: str) -> list[tuple[Tensor, str]]:
            rest = [head for head in range(self.heads) if head not in chosen]
            return [(torch.tensor(chosen), name), (torch.tensor(rest), f"not_{name}")]

        config = {0: groups(self.previous, "prev"), 1: groups(self.induction, "ind")}

        def configured(model: rc.Circuit) -> rc.Circuit:
            model = configure_transformer(model, To.ATTN_HEAD_MLP_NORM, split_by_head_config=config, use_pull_up_head_split=True)
            return model.rename("logits")

        loss = rc.conform_all_modules(loss.update("t.bind_w", configured))
        for hiding in ("a1.keep.ind_sum.norm_call", "b1.a.keep.ind_sum", "t.call"):
            loss = updated(loss, hiding, lambda module: module.cast_module().substitute())
        return loss

    @staticmethod
    def paths(hypothesis: Hypothesis) -> Iterable[rc.IterativeMatcher]:
        """Where the other tokens go."""
        for name, texts in zip("qkv", hypothesis, strict=True):
            read = rc.Matcher(IND).spec_circuit_matcher().module_arg_matcher(f"a.{name}.input")
            match texts:
                case "ooo":
                    yield read.chain(ORIGINAL)
                case "too":
                    yield read.chain("b0.a").chain(ORIGINAL)
                case "oto":
                    yield read.chain(rc.restrict(ORIGINAL, term_early_at=PREV))
                case "tto":
                    yield read.chain(NOT_PREV).chain(ORIGINAL)

    def scrubbed(self, hypothesis: Hypothesis) -> rc.Circuit:
        """The loss under a hypothesis; shape [seq]."""
        other = token_variable(OTHER, self.data)
        circuit = self.unscrubbed
        for path in self.paths(hypothesis):
            circuit = updated(circuit, path, lambda _: other)
        return circuit

    @staticmethod
    def sampler(samples: int, seed: int = 0) -> rc.Sampler:
        # Seeds by name: hashes, hence hash seeds, differ between the libraries that run this.
        seeds = {f"{name}.group": seed + i for i, name in enumerate(GROUP_UUIDS)}
        return rc.Sampler(rc.RandomSampleSpec((samples,), seeder=lambda group: seeds[group.name]))

    def sampled_rows(self, samples: int, seed: int = 0) -> tuple[Tensor, Tensor]:
        """The row numbers that the sampler draws for both texts."""
        numbers = rc.Array(torch.arange(len(self.data)), "row_numbers")
        variables = (rc.DiscreteVar(numbers, token_variable(name, self.data).probs_and_group) for name in (ORIGINAL, OTHER))
        original, other = (self.sampler(samples, seed).sample(variable).evaluate() for variable in variables)
        return original, other


class Gpt2:
    """Blocks with biases and MLPs on already embedded input."""

    def __init__(self, weights: Weights) -> None:
        layers = sum(name.endswith(".w.q") for name in weights)
        self.heads = weights["a0.w.q"].shape[0]
        block = TransformerBlockParams(attn_bias=True, mlp_output_bias=True)
        self.info = TransformerInfo(TransformerParams(block, layers), pos_enc_type="none")
        self.model, self.layers = bound_model(self.info.params, weights), layers

    def logits(self, x: Tensor) -> rc.Circuit:
        """[batch, seq, vocab] of embedded input [batch, seq, hidden]."""
        return self.info.bind_to_input(self.model, rc.Array(x, "embeds"))

    def mean_loss(self, x: Tensor, tokens: Tensor) -> rc.Circuit:
        """Mean next-token loss; shape ()."""
        read = self.logits(x).index(I[:, :-1], name="logits.read")
        return token_loss(read, rc.Array(tokens[:, 1:].contiguous(), "labels")).mean(name="loss", scalar_name="one_over_count")

    def logit_difference(self, x: Tensor, answers: Tensor) -> rc.Circuit:
        """Logit of answers[0] minus that of answers[1] at the last position, [batch]."""
        last = self.logits(x).index(I[:, -1], name="logits.last")
        right, wrong = (last.index(I[:, int(answer)]) for answer in answers)
        return rc.Add.minus(right, wrong, name="logit_difference")

    def configured(self, circuit: rc.Circuit) -> rc.Circuit:
        """The circuit with every layer's heads below a node of its own, `a<layer>.heads`."""
        circuit = circuit.update("t.bind_w", lambda model: configure_transformer(model, To.ATTN_HEAD_MLP_NORM))
        circuit = rc.conform_all_modules(circuit)
        return updated(circuit, "t.call", lambda module: module.cast_module().substitute())

    def ablations(self, model: rc.Circuit) -> list[rc.Circuit]:
        """The `configured` circuit with each head zeroed in turn, layer after layer."""
        return [self._ablated(model, layer, head) for layer in range(self.layers) for head in range(self.heads)]

    def swept(self, circuit: rc.Circuit) -> Tensor:
        """Values of the `configured` circuit with each head zeroed, [layers * heads, ...], by the library's own sweep."""
        heads = {layer: f"a{layer}.heads" for layer in range(self.layers)}
        return rc.sweep(circuit, heads, rc.zero_ablation(), node_dim="layer", axes={"head": -3}).to_tensor().flatten(0, 1)

    def _ablated(self, model: rc.Circuit, layer: int, head: int) -> rc.Circuit:
        kept = torch.ones(self.heads)
        kept[head] = 0

        def zero_head(heads: rc.Circuit) -> rc.Circuit:
            return rc.Einsum.from_einsum_string("bhsd,h->bhsd", heads, rc.Array(kept, "kept_heads"), name=f"{heads.name}.ablated")

        return updated(model, f"a{layer}.heads", zero_head)


def attention(x: Tensor, weights: Mapping[str, Tensor]) -> rc.Circuit:
    """One causal attention layer on x [batch, seq, hidden]; weights named `a.w.q`, ..."""
    seq = x.shape[1]
    inputs = {"a.input": rc.Array(x, "x"), "a.mask": rc.Array(torch.ones(seq, seq).tril(), "causal_mask")}
    arrays = {name: rc.Array(value, f"{name}_arr") for name, value in weights.items()}
    return rc.module_new_bind(get_attention().body, *inputs.items(), *arrays.items(), name="a.call")
