"""Matchers, get and update on a 12-layer circuit of GPT-2's structure: ours against rust_circuit, in one process, alternately."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from bench.timing import side_by_side

LAYERS, HEADS = 12, 12
REPEATS = 100
ROUNDS = 5


def _transformer(library: ModuleType) -> Any:
    """About 1,700 named nodes: norm, heads one by one, MLP and residual sums of each layer."""
    width, head_width = 64, 8

    def weight(name: str, *shape: int) -> Any:
        return library.Scalar(0.5, shape, name)

    def einsum(name: str, text: str, *nodes: Any) -> Any:
        return library.Einsum.from_einsum_string(text, *nodes, name=name)

    def function(name: str, node: Any, spec_name: str) -> Any:
        return library.GeneralFunction.new_by_name(node, spec_name=spec_name, name=name)

    residual = library.Scalar(1.0, (16, width), "tok_embeds")
    for layer in range(LAYERS):
        b = f"b{layer}"
        mean = einsum(f"{b}.mean", "sd,->s", residual, library.Scalar(-1 / width, (), f"{b}.minus_one_over_width"))
        centred = library.Add(residual, einsum(f"{b}.spread_mean", "s,d->sd", mean, weight(f"{b}.ones", width)), name=f"{b}.centred")
        norm = einsum(f"{b}.norm", "sd,d->sd", centred, weight(f"{b}.norm.w", width))
        heads = []
        for head in range(HEADS):
            h = f"{b}.a.h{head}"
            q, k, v = (einsum(f"{h}.{part}", "sd,de->se", norm, weight(f"{h}.w_{part}", width, head_width)) for part in "qkv")
            pattern = function(f"{h}.pattern", einsum(f"{h}.scores", "qe,ke->qk", q, k), "softmax")
            mixed = einsum(f"{h}.z", "qk,ke->qe", pattern, v)
            heads.append(einsum(h, "qe,ed->qd", mixed, weight(f"{h}.w_o", head_width, width)))
        middle = library.Add(residual, library.Add(*heads, name=f"{b}.a"), name=f"{b}.middle")
        hidden = function(f"{b}.m.act", einsum(f"{b}.m.pre", "sd,dh->sh", middle, weight(f"{b}.m.w_in", width, 4 * width)), "gelu")
        residual = library.Add(middle, einsum(f"{b}.m", "sh,hd->sd", hidden, weight(f"{b}.m.w_out", 4 * width, width)), name=f"{b}.out")
    return residual


def _rename(node: Any) -> Any:
    return node.rename(f"{node.name}'")


def _cases(library: ModuleType) -> dict[str, Callable[[], Any]]:
    circuit = _transformer(library)
    matcher = library.Matcher
    queries = library.Regex(r"\.h3\.q$", escape_dot=False)
    return {
        "get by name": lambda: circuit.get("b5.a.h3.q"),
        "get by set of names": lambda: circuit.get({"b5.a.h3.q", "b1.m", "b7.a"}),
        "get by regular expression": lambda: circuit.get(queries),
        "get along a chain": lambda: circuit.get(matcher("b5.a").chain("b5.a.h3").chain("b3.a.h3")),
        "get to depth 5": lambda: circuit.get(library.restrict(library.Einsum, end_depth=5)),
        "get_paths": lambda: circuit.get_paths("b5.a.h3.q"),
        "update that finds nothing": lambda: circuit.update("nothing", _rename),
        "update one node": lambda: circuit.update("b5.a.h3.q", _rename),
        "update 12 nodes": lambda: circuit.update(queries, _rename),
        "update along a chain": lambda: circuit.update(matcher("b5.a").chain("b5.a.h3"), _rename),
    }


def _seconds(run: Callable[[], Any]) -> float:
    start = time.process_time()
    for _ in range(REPEATS):
        run()
    return time.process_time() - start


def run() -> list[dict[str, object]]:
    """Rows: case, processor seconds of 100 calls in each library (medians), ratio ours / theirs."""
    import rust_circuit

    import pycircuit

    ours, theirs = _cases(pycircuit), _cases(rust_circuit)
    rows = []
    for case in ours:
        rows.append(
            side_by_side(
                f"{REPEATS} times {case}", lambda case=case: _seconds(ours[case]), lambda case=case: _seconds(theirs[case]), ROUNDS
            )
        )
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
