"""A circuit of GPT-2's shape printed to text and parsed back: ours against rust_circuit, in one process, alternately.

Every head is a node of its own. Weights are Scalars in one case, and Arrays that go through a tensor store in the other.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import unittest.mock
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

LAYERS, HEADS, HEAD_SIZE, HIDDEN, WIDE, LENGTH, VOCABULARY = 12, 12, 64, 768, 3072, 128, 50257
ROUNDS = 5

Leaf = Callable[[str, tuple[int, ...]], Any]


def _norm(rc: ModuleType, leaf: Leaf, x: Any, name: str) -> Any:
    mean = x.mean(1, name=f"{name}.mean").mul_scalar(-1.0, name=f"{name}.neg_mean")
    centered = rc.Add(x, rc.Rearrange.from_string(mean, f"a -> a b:{HIDDEN}"), name=f"{name}.centered")
    variance = rc.Einsum.from_einsum_string("ab,ab,->a", centered, centered, rc.Scalar(1 / HIDDEN), name=f"{name}.var")
    scale = rc.GeneralFunction.new_by_name(rc.Add(variance, rc.Scalar(1e-5)), spec_name="rsqrt", name=f"{name}.scale")
    scaled = rc.Einsum.from_einsum_string("ab,a,b->ab", centered, scale, leaf(f"{name}.w", (HIDDEN,)), name=f"{name}.scaled")
    return rc.Add(scaled, leaf(f"{name}.b", (HIDDEN,)), name=name)


def _head(rc: ModuleType, weights: dict[str, Any], x: Any, mask: Any, name: str, i: int) -> Any:
    def project(part: str) -> Any:
        weight = rc.Index(weights[part], (i,), f"{name}.w_{part}")
        return rc.Einsum.from_einsum_string("sd,hd->sh", x, weight, name=f"{name}.{part}")

    scores = rc.Einsum.from_einsum_string("sh,th,->st", project("q"), project("k"), rc.Scalar(0.125), name=f"{name}.scores")
    pattern = rc.GeneralFunction.new_by_name(rc.Add(scores, mask), spec_name="softmax", name=f"{name}.pattern")
    out = rc.Index(weights["o"], (i,), f"{name}.w_o")
    return rc.Einsum.from_einsum_string("st,th,dh->sd", pattern, project("v"), out, name=name)


def gpt2(rc: ModuleType, leaf: Leaf) -> Any:
    """The logits; `leaf(name, shape)` makes weights."""
    x, mask = rc.Scalar(1.0, (LENGTH, HIDDEN), "input"), rc.Scalar(0.0, (LENGTH, LENGTH), "mask")
    for layer in range(LAYERS):
        shapes = {
            "q": (HEADS, HEAD_SIZE, HIDDEN),
            "k": (HEADS, HEAD_SIZE, HIDDEN),
            "v": (HEADS, HEAD_SIZE, HIDDEN),
            "o": (HEADS, HIDDEN, HEAD_SIZE),
        }
        weights = {part: leaf(f"a{layer}.{part}", shape) for part, shape in shapes.items()}
        normed = _norm(rc, leaf, x, f"a{layer}.ln")
        heads = [_head(rc, weights, normed, mask, f"a{layer}.h{i}", i) for i in range(HEADS)]
        x = rc.Add(x, rc.Add(*heads, name=f"a{layer}"), name=f"resid_mid{layer}")
        before = rc.Einsum.from_einsum_string("sd,fd->sf", _norm(rc, leaf, x, f"m{layer}.ln"), leaf(f"m{layer}.in", (WIDE, HIDDEN)))
        active = rc.GeneralFunction.new_by_name(rc.Add(before, leaf(f"m{layer}.b_in", (WIDE,))), spec_name="gelu", name=f"m{layer}.act")
        after = rc.Einsum.from_einsum_string("sf,df->sd", active, leaf(f"m{layer}.out", (HIDDEN, WIDE)))
        x = rc.Add(x, rc.Add(after, leaf(f"m{layer}.b_out", (HIDDEN,)), name=f"m{layer}"), name=f"resid{layer}")
    return rc.Einsum.from_einsum_string("sd,vd->sv", _norm(rc, leaf, x, "final.ln"), leaf("unembed", (VOCABULARY, HIDDEN)), name="logits")


def _leaves(rc: ModuleType, stored: bool) -> Leaf:
    # Small distinct tensors, stretched: the cost of text is per Array, that of its bytes is the disk's.
    def array(name: str, shape: tuple[int, ...]) -> Any:
        seed = int.from_bytes(name.encode(), "little") % 2**31
        small = torch.randn([min(size, 12) for size in shape], generator=torch.Generator().manual_seed(seed))
        padding = [slice(0, size) for size in small.shape]
        return rc.Scatter(rc.Array(small, name), tuple(padding), shape, f"{name}.padded")

    return array if stored else lambda name, shape: rc.Scalar(1.0, shape, name)


def _seconds(rc: ModuleType, stored: bool) -> float:
    circuit = gpt2(rc, _leaves(rc, stored))
    parser = rc.Parser()
    start = time.process_time()
    back = parser(circuit.repr())
    end = time.process_time()
    assert back == circuit
    return end - start


def run() -> list[dict[str, object]]:
    """Rows: case, processor seconds of each library (medians), ratio ours / theirs."""
    import rust_circuit

    import pycircuit

    with tempfile.TemporaryDirectory() as directory, unittest.mock.patch.dict(os.environ):
        os.environ |= {"TENSORS_CACHE_DIR": f"{directory}/local", "RR_RRFS_DIR": f"{directory}/shared"}
        (Path(directory) / "shared" / "tensor_db").mkdir(parents=True)
        rows = []
        for stored, case in [(False, "GPT-2 to text and back"), (True, "the same with stored weights")]:
            seconds: dict[str, list[float]] = {"pycircuit": [], "rust_circuit": []}
            for _ in range(ROUNDS):
                for library in (pycircuit, rust_circuit):
                    seconds[library.__name__].append(_seconds(library, stored))
            ours, theirs = (statistics.median(seconds[name]) for name in ("pycircuit", "rust_circuit"))
            rows.append({"case": case, "pycircuit": ours, "rust_circuit": theirs, "ratio": ours / theirs})
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
