"""Modules of a 12-layer transformer of the module library: substituted, conformed, pushed down to single heads, and searched.

Ours against rust_circuit, in one process, alternately; nothing is remembered from one round to the next.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from bench.timing import side_by_side

LAYERS, HEADS = 12, 12
ROUNDS = 5


def _model(library: ModuleType) -> Any:
    """A call of `t.bind_w`, with small random weights."""
    ml = importlib.import_module(f"{library.__name__}.module_library")
    params = ml.TransformerParams(ml.TransformerBlockParams(attn_bias=True, mlp_output_bias=True), num_layers=LAYERS)
    return params.garbage_call(hidden_size=24, head_size=2, num_heads=HEADS, seq_len=5, batch_shape=(3,))[0]


def _renamed(node: Any) -> Any:
    return node.rename(f"{node.name}'")


def _cases(library: ModuleType) -> dict[str, Callable[[], Any]]:
    mr = importlib.import_module(f"{library.__name__}.model_rewrites")
    heads = mr.To.ATTN_HEAD_MLP_NORM
    circuit = _model(library)
    model = circuit.get_unique("t.bind_w")

    def configured() -> Any:
        return mr.configure_transformer(model, to=heads, split_by_head_config="full", use_pull_up_head_split=True)

    kept = circuit.update("t.bind_w", lambda _: configured())
    conformed = library.conform_all_modules(kept)
    substituted = library.substitute_all_modules(kept)
    matcher = library.Matcher
    return {
        "configure_transformer, every head a node": configured,
        "conform_all_modules": lambda: library.conform_all_modules(kept),
        "substitute_all_modules": lambda: library.substitute_all_modules(kept),
        "modules kept: get_unique along a chain": lambda: conformed.get_unique(matcher("b11.a").chain("b7.m").chain("b3.a").chain("b1.m")),
        "modules kept: update along a chain": lambda: conformed.update(matcher("b11.a").chain("b7.m").chain("b3.a"), _renamed),
        "modules substituted: get_unique along a chain": lambda: substituted.get_unique(
            matcher("b11.a").chain("b7.m").chain("b3.a").chain("b1.m")
        ),
        "modules substituted: update along a chain": lambda: substituted.update(matcher("b11.a").chain("b7.m").chain("b3.a"), _renamed),
    }


def _seconds(library: ModuleType, run: Callable[[], Any], repeats: int) -> float:
    seconds = 0.0
    for _ in range(repeats):
        library.clear_module_circuit_caches()
        start = time.process_time()
        run()
        seconds += time.process_time() - start
    return seconds


def run() -> list[dict[str, object]]:
    """Rows: case, processor seconds of 3 calls in each library (medians), ratio ours / theirs."""
    import rust_circuit

    import pycircuit

    repeats = 3
    ours, theirs = _cases(pycircuit), _cases(rust_circuit)
    rows = []
    for case in ours:
        rows.append(
            side_by_side(
                f"{repeats} times {case}",
                lambda case=case: _seconds(pycircuit, ours[case], repeats),
                lambda case=case: _seconds(rust_circuit, theirs[case], repeats),
                ROUNDS,
            )
        )
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
