"""TransformerLens as an opponent on GPT-2's shape: its model with the same weights, heads zeroed by hooks.

`make build/lens` installs it into an environment of its own. Run as a script this is the worker. Version 3: later ones have no model
without weights from a hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from bench.opponents import Gpt2Size, Weights
from bench.timing import Work
from bench.workers import ROOT, Worker, serve

PYTHON = ROOT / "build" / "lens" / "bin" / "python"
NAME = "TransformerLens"
GROUPS = ("gpt2", "ablations")


def start(group: str, quick: bool) -> Worker | None:
    """The worker for a group, if it has cases in it and is installed."""
    return Worker(NAME, str(PYTHON), "bench.lens", [], group, quick) if group in GROUPS and PYTHON.exists() else None


def _state(weights: Weights, layers: int) -> dict[str, torch.Tensor]:
    """The weights under TransformerLens's names and in its layouts."""
    state = {"ln_final.w": weights["final.ln.w.scale"], "ln_final.b": weights["final.ln.w.bias"], "unembed.W_U": weights["t.w.unembed"].T}
    for layer in range(layers):
        a, m, block = f"a{layer}", f"m{layer}", f"blocks.{layer}"
        for number, part in ((1, a), (2, m)):
            state[f"{block}.ln{number}.w"] = weights[f"{part}.ln.w.scale"]
            state[f"{block}.ln{number}.b"] = weights[f"{part}.ln.w.bias"]
        for matrix in "qkvo":
            state[f"{block}.attn.W_{matrix.upper()}"] = weights[f"{a}.w.{matrix}"].transpose(1, 2)
            state[f"{block}.attn.b_{matrix.upper()}"] = weights[f"{a}.w.{matrix}_bias"]
        state[f"{block}.mlp.W_in"], state[f"{block}.mlp.W_out"] = weights[f"{m}.w.proj_in"].T, weights[f"{m}.w.proj_out"].T
        state[f"{block}.mlp.b_in"], state[f"{block}.mlp.b_out"] = weights[f"{m}.w.in_bias"], weights[f"{m}.w.out_bias"]
    return state


def _model(size: Gpt2Size) -> Any:
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    head = size.hidden // size.heads
    config = HookedTransformerConfig(
        n_layers=size.layers, d_model=size.hidden, n_ctx=128, d_head=head, n_heads=size.heads, d_mlp=4 * size.hidden, d_vocab=size.vocab,
        act_fn="gelu", normalization_type="LN",
    )  # fmt: skip
    model = HookedTransformer(config)
    missing = model.load_state_dict({name: value.contiguous() for name, value in _state(size.weights(), size.layers).items()}, strict=False)
    unset = [name for name in missing.missing_keys if not name.endswith((".mask", ".IGNORE", "embed.W_E", "W_pos", "unembed.b_U"))]
    if unset or missing.unexpected_keys:
        raise RuntimeError(f"weights do not fit: {unset}, {missing.unexpected_keys}")
    return model


def _sweep(size: Gpt2Size, model: Any, x: torch.Tensor, finish: Any) -> torch.Tensor:
    """`finish(logits)` for every zeroed head, one forward pass each."""
    results = []
    for layer in range(size.layers):
        for head in range(size.heads):

            def zero(z: torch.Tensor, hook: object, head: int = head) -> torch.Tensor:
                z[:, :, head] = 0
                return z

            results.append(finish(model.run_with_hooks(x, start_at_layer=0, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", zero)])))
    return torch.stack(results)


def cases_of(group: str, quick: bool) -> Iterator[tuple[str, Mapping[str, Work]]]:
    """The cases on GPT-2's shape."""
    if group == "gpt2":
        size = Gpt2Size.of_forward(quick)
        model = _model(size)
        for batch, seq in size.FORWARDS:
            x = size.embedded(batch, seq)
            yield size.forward_name(batch, seq), {"": lambda x=x: model(x, start_at_layer=0)}
        return
    size = Gpt2Size.of_ablations(quick)
    model = _model(size)
    x, tokens, (right, wrong) = size.ablation_inputs()
    loss, difference = size.ablation_names()

    def mean_loss(logits: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())

    yield loss, {"hooks": lambda: _sweep(size, model, x, mean_loss)}
    yield difference, {"hooks": lambda: _sweep(size, model, x, lambda logits: logits[:, -1, right] - logits[:, -1, wrong])}


if __name__ == "__main__":
    serve(cases_of)
