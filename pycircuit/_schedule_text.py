"""Text form of schedules: JSON, with tensors by their keys in the tensor store (spec 12, section 8.5)."""

from __future__ import annotations

import json
from typing import Any

from pycircuit import _core
from pycircuit._core import Circuit, Conv, OptimizationSettings, Parser, PrintOptions, Schedule
from pycircuit._tensor_store import TensorCacheRrfs

_FORMAT = 1


def _distinct_nodes(circuits: list[Circuit]) -> list[Circuit]:
    return list(dict.fromkeys(node for circuit in circuits for node in _core._post_order(circuit)))


def _write_nodes(nodes: list[Circuit]) -> list[dict[str, Any]]:
    """Segments of text, one definition a node, children first. A Conv, which text cannot say, ends its segment as a record."""
    segments: list[dict[str, Any]] = []
    numbers = {node: number for number, node in enumerate(nodes)}
    start = 0
    for stop in [number for number, node in enumerate(nodes) if isinstance(node, Conv)] + [len(nodes)]:
        options = PrintOptions(reference_circuits={node: str(number) for number, node in enumerate(nodes[:start])})
        segment: dict[str, Any] = {"text": options.repr(*nodes[start:stop])}
        if stop < len(nodes):
            conv = nodes[stop].cast_conv()
            parts = [numbers[child] for child in conv.children]
            segment["conv"] = [parts, list(conv.stride), [list(pair) for pair in conv.padding], *_core._naming_of(conv)]
        segments.append(segment)
        start = stop + 1
    return segments


def _read_nodes(segments: list[dict[str, Any]], tensor_cache: TensorCacheRrfs | None) -> list[Circuit]:
    nodes: list[Circuit] = []
    for segment in segments:
        parser = Parser(reference_circuits={str(number): node for number, node in enumerate(nodes)})
        nodes += parser.parse_circuits(segment["text"], tensor_cache)
        if "conv" in segment:
            parts, stride, padding, name, autoname_disabled, axes = segment["conv"]
            conv = Conv(nodes[parts[0]], nodes[parts[1]], stride, [tuple(pair) for pair in padding], name)
            named_axes = None if axes is None else {int(axis): axis_name for axis, axis_name in axes.items()}
            nodes.append(_core._with_naming(conv, name, autoname_disabled, named_axes))
    return nodes


def _instructions(schedule: Schedule) -> list[dict[str, Any]]:
    options = PrintOptions()
    operands = schedule._operands
    return [
        {"variant": "Drop", "key": item}
        if isinstance(item, int)
        else {"variant": "Compute", "key": item[0], "info": options.repr(item[1]), "children": operands[item[0]]}
        for item in schedule.instructions
    ]


def serialize(self: Schedule) -> str:
    """Return the schedule as JSON, with tensors put into the store (spec 12, section 8.5).

    SchedulingEvaluateCalledWithSymsError if it has Symbols, RuntimeError if it has replaced tensors or user functions without a path.
    """
    import pycircuit

    self.check_no_syms()
    self.check_no_raw_tensor_constants()
    options = PrintOptions()
    circuits, settings, naive, ranks, unplanned, _ = self._state
    nodes = _distinct_nodes([*circuits, *unplanned])
    numbers = {node: number for number, node in enumerate(nodes)}
    keys = {constant: key for key, constant in self.constants.items()}
    fields = settings.__getstate__()
    del fields["simp_fn_subset"]  # rules are applied before there is a schedule
    content = {
        "pycircuit": pycircuit.__version__,
        "format": _FORMAT,
        "instructions": _instructions(self),
        "constants": {key: options.repr(constant) for key, constant in self.constants.items()},
        "scalars": {key: options.repr(scalar) for key, scalar in self.scalars.items()},
        "outputs": [{"key": key, "shape": list(circuit.shape)} for key, circuit in zip(self._outputs, circuits, strict=True)],
        "split_shapes": None if len(circuits) == 1 else [list(circuit.shape) for circuit in circuits],
        "old_constant_hashes": [[leaf.hash.hex(), keys.get(leaf)] for leaf in self._leaves],
        "plan": {
            "nodes": _write_nodes(nodes),
            "circuits": [numbers[circuit] for circuit in circuits],
            "unplanned": [numbers[leaf] for leaf in unplanned],
            "settings": fields,
            "naive": naive,
            "ranks": ranks,
        },
    }
    return json.dumps(content)


def _from_content(content: Any, tensor_cache: TensorCacheRrfs | None) -> Schedule:
    if content["format"] != _FORMAT:
        raise RuntimeError(
            f"format {content['format']}, written by pycircuit {content['pycircuit']}, is not the format {_FORMAT} read here"
        )
    plan = content["plan"]
    nodes = _read_nodes(plan["nodes"], tensor_cache)
    circuits = [nodes[number] for number in plan["circuits"]]
    unplanned = [nodes[number] for number in plan["unplanned"]]
    schedule = Schedule._from_state((circuits, OptimizationSettings(**plan["settings"]), plan["naive"], plan["ranks"], unplanned, {}))
    written = [item["key"] for item in content["instructions"] if item["variant"] == "Compute"]
    if set(written) != set(schedule._operands) or [item["key"] for item in content["outputs"]] != schedule._outputs:
        raise RuntimeError("the instructions do not fit the circuits")
    return schedule


def deserialize(string: str, tensor_cache: TensorCacheRrfs | None = None) -> Schedule:
    """Return the schedule of a text that `serialize` wrote; tensors come through the cache if given, else from the store.

    RuntimeError for anything else. The text may name Python functions to import: it is as trustworthy as its author (spec 12, 8.5).
    """
    if not isinstance(string, str):
        raise TypeError(f"a serialized schedule is a str, got {type(string).__name__}")
    if tensor_cache is not None and not isinstance(tensor_cache, TensorCacheRrfs):
        raise TypeError(f"tensor_cache: expected a TensorCacheRrfs or None, got {type(tensor_cache).__name__}")
    try:
        return _from_content(json.loads(string), tensor_cache)
    except Exception as error:
        raise RuntimeError(f"schedule deserialization failed: {error}") from error


Schedule.serialize = serialize  # type: ignore[method-assign]
Schedule.deserialize = staticmethod(deserialize)  # type: ignore[method-assign, assignment]
