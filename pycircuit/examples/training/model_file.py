"""Writes a model as a `.circ` file with its tensor store, in plain Python: content keys, store files, text.

The library writes the same files itself; this module exists so that the shipped data does not depend on the library it is used to test.
"""

import json
import random
import uuid
from pathlib import Path

import torch
from blake3 import blake3

Tensor = torch.Tensor
DTYPE_TAGS = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.bool: "bool---",
    torch.int8: "int8---",
    torch.int16: "int16--",
    torch.int32: "int32--",
    torch.int64: "int64--",
    torch.uint8: "uint8--",
}


def content_key(tensor: Tensor) -> str:
    """The content key of a CPU tensor, 64 hex digits."""
    elements = tensor.detach().cpu().contiguous().reshape(-1)
    parts = [
        b"c3c5ce3e-7d06-4939-8340-2a7e6b2984b4",
        b"".join(size.to_bytes(8, "big") for size in tensor.shape),
        b"fb782993-5fe7-43ac-acc2-d57fb429c2fc",
        DTYPE_TAGS[tensor.dtype].encode(),
        b"cpu",
        b"9430f5c7-3c58-4339-b863-5449a4d74ee6",
        elements.view(torch.uint8).numpy().tobytes() if elements.numel() else b"",
    ]
    return blake3(b"".join(parts)).hexdigest()


def save_to_store(tensor: Tensor, store: Path) -> str:
    """Writes a tensor to `store/hhhh/gggg/<56 digits>` and returns its key."""
    key = content_key(tensor)
    file = store / key[:4] / key[4:8] / key[8:]
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(tensor.detach().cpu().clone(memory_format=torch.contiguous_format), file)
    return key


def layer_symbols(layer: int) -> dict[str, str]:
    """Text of the weight symbols of an attention-only layer by weight name; their UUIDs are consecutive draws of `Random(layer)`."""
    draws = random.Random(layer)
    shapes = {"w.q": "4s,7s,0s", "w.k": "4s,7s,0s", "w.v": "4s,8s,0s", "w.o": "4s,0s,8s", "ln.w.bias": "0s", "ln.w.scale": "0s"}
    return {
        f"a{layer}.{part}": f"'a{layer}.{part}' [{shape}] Symbol {uuid.UUID(int=draws.getrandbits(128))}" for part, shape in shapes.items()
    }


def model_text(weights: dict[str, Tensor], store: Path, model_class: str, extra: object = None) -> str:
    """The `.circ` text of an attention-only shortformer; its tensors are written to `store`.

    `weights` has the names of the model file without `_arr`, in any order.
    """
    layers = sum(name.endswith(".w.q") for name in weights)
    block = {
        "norm_type": "ln",
        "attn_bias": False,
        "attn_pos": True,
        "use_mlp": False,
        "mlp_act_type": "gelu",
        "mlp_output_bias": False,
        "use_parallel_residual": False,
        "use_rope": False,
    }
    info = {
        "params": {"block_params": block, "num_layers": layers, "use_norm_output": True, "output_bias": False},
        "model_class": model_class,
        "pos_enc_type": "shortformer",
        "causal_mask": True,
        "extra": extra,
    }

    def array(name: str, suffix: str = "_arr") -> str:
        shape = ",".join(map(str, weights[name].shape))
        return f"'{name}{suffix}' [{shape}] Array {save_to_store(weights[name], store)[:24]}"

    lines = [f"# info:{json.dumps(info)}", array("t.w.tok_embeds", ""), array("t.w.pos_embeds", ""), "'t.bind_w' Module", "  't.logits'"]
    for layer in range(layers):
        symbols = layer_symbols(layer)
        for part in ("ln.w.bias", "ln.w.scale", "w.q", "w.k", "w.v", "w.o"):
            name = f"a{layer}.{part}"
            lines.append(f"  {array(name)} ! {symbols[name]}")
    lines += [f"  {array(name)} ! '{name}'" for name in ("final.ln.w.bias", "final.ln.w.scale", "t.w.unembed")]
    return "\n".join(lines) + "\n"
