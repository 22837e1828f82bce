"""Text compared with that of rust_circuit, whose form this is."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.peer import PeerDied, PeerError, needs_peer, peer
from tests.peer.program import build, program_of
from tests.strategies import circuits

pytestmark = needs_peer

# Conv prints alike but is slow to build there; Arrays would need a store of the peer's own.
CLASSES = (
    rc.Scalar,
    rc.Symbol,
    rc.Einsum,
    rc.Add,
    rc.Rearrange,
    rc.Index,
    rc.GeneralFunction,
    rc.Concat,
    rc.Scatter,
    rc.Module,
    rc.Tag,
    rc.Cumulant,
    rc.SetSymbolicShape,
    rc.DiscreteVar,
    rc.StoredCumulantVar,
)
FREE_FLAGS = [
    "arrows",
    "only_child_below",
    "leaves_on_top",
    "number_leaves",
    "comment_arg_names",
    "shape_only_when_necessary",
    "force_use_serial_numbers",
    "show_all_named_axes",
    "seen_children_same_line",
    "tensor_index_literal",
]
BIJECTIVE_FLAGS = [
    "arrows",
    "only_child_below",
    "comment_arg_names",
    "shape_only_when_necessary",
    "force_use_serial_numbers",
    "show_all_named_axes",
]


def asked(code: str, **arguments):
    try:
        return peer().run(code, **arguments)
    except (PeerDied, PeerError):
        return None


@st.composite
def flags(draw, names):
    chosen = {name: draw(st.booleans()) for name in names}
    if chosen.get("seen_children_same_line"):
        chosen["comment_arg_names"] = False
        chosen["only_child_below"] = False  # there it draws neither marker nor arrow
    if chosen.get("only_child_below"):
        chosen["comment_arg_names"] = False  # formerly omitted below a marker
    return chosen


def built(circuit: rc.Circuit) -> rc.Circuit:
    """The circuit as both libraries build it from its program. The peer gives sums and products of nothing the empty name."""
    assume(all(node.children for node in circuit.get({rc.Add, rc.Einsum})))
    return build(rc, program_of(circuit))


@given(circuits(CLASSES, max_steps=5), flags(FREE_FLAGS), st.sampled_from([None, 0, 1, 2, 3]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_free_text(circuit, options, depth, colored):
    circuit = built(circuit)
    code = """
traversal = None if depth is None else rc.new_traversal(end_depth=depth)
colorer = rc.PrintOptions.type_colorer() if colored else None
result = rc.PrintOptions(bijection=False, traversal=traversal, colorer=colorer, **options).repr(circuit)
"""
    expected = asked(code, circuit=circuit, options=options, depth=depth, colored=colored)
    assume(expected is not None)
    traversal = None if depth is None else rc.new_traversal(end_depth=depth)
    colorer = rc.PrintOptions.type_colorer() if colored else None
    assert rc.PrintOptions(bijection=False, traversal=traversal, colorer=colorer, **options).repr(circuit) == expected


def without_tensors(circuit: rc.Circuit) -> bool:
    return not any(node.has_tensor_axes() for node in circuit.get(rc.Index))


@given(circuits(CLASSES, max_steps=5), flags(BIJECTIVE_FLAGS))
@settings(max_examples=150, deadline=None)
def test_bijective_text(circuit, options):
    circuit = built(circuit)
    assume(without_tensors(circuit))
    expected = asked("result = rc.PrintOptions(**options).repr(circuit)", circuit=circuit, options=options)
    assume(expected is not None)
    assert rc.PrintOptions(**options).repr(circuit) == expected


@given(circuits(CLASSES, max_steps=5))
@settings(max_examples=100, deadline=None)
def test_reading(circuit):
    circuit = built(circuit)
    assume(without_tensors(circuit))
    text = circuit.repr()
    theirs = asked("result = rc.Parser(module_check_all_inputs_used=False)(text)", text=text)
    assume(theirs is not None)
    ours = rc.Parser(module_check_all_inputs_used=False)(text)
    assert (tuple(ours.shape), ours.op_name) == (tuple(theirs["shape"]), theirs["name"])
    assert asked("result = rc.Parser(module_check_all_inputs_used=False)(text).repr()", text=text) == ours.repr()


@given(circuits(CLASSES, max_steps=3), circuits(CLASSES, max_steps=3))
@settings(max_examples=60, deadline=None)
def test_differences(new, old):
    new, old = built(new), built(old)
    expected = asked("result = rc.diff_circuits(new, old)", new=new, old=old)
    assume(expected is not None)
    assert rc.diff_circuits(new, old) == expected


@pytest.mark.parametrize("value", [1e-7, 123.456, 5e-324, 1e300, -0.0, float("inf"), float("nan"), 1 / 3, 2.0**70])
def test_numbers(value):
    assert asked("result = rc.Scalar(value).repr()", value=value) == rc.Scalar(value).repr()
