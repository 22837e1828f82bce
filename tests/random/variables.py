"""Groups, variables and outcomes for the tests of sampling."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import torch

import pycircuit as rc


def f64(values: Any) -> torch.Tensor:
    values = list(values) if isinstance(values, range) else values
    return torch.as_tensor(values, dtype=torch.float64)


def group(size: int, number: int) -> rc.Tag:
    """A uniform group."""
    return rc.Tag(rc.Scalar(1 / size, (size,)), uuid.UUID(int=number), f"group {number}")


def variable(values: Iterable[Any], probs: rc.Circuit, name: str | None = None) -> rc.DiscreteVar:
    return rc.DiscreteVar(rc.Array(f64(values)), probs, name)


def outcome(circuit: rc.Circuit, rows: Mapping[rc.Circuit, int]) -> rc.Circuit:
    """The circuit with every DiscreteVar replaced by its row of the outcome, children first."""
    done: dict[rc.Circuit, rc.Circuit] = {}
    for node in rc.toposort_circuit(circuit):
        if isinstance(node, rc.DiscreteVar):
            done[node] = rc.Index(done[node.values], (rows[node.probs_and_group],))
        elif node.children:
            done[node] = node.map_children(lambda child: done[child])
        else:
            done[node] = node
    return done[circuit]


def outcome_values(circuit: rc.Circuit, rows: Mapping[rc.Circuit, int]) -> torch.Tensor:
    return outcome(circuit, rows).evaluate()
