"""Text compared with that of rust_circuit, whose form this is."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.peer import PeerDied, PeerError, both, needs_peer, peer, plain
from tests.strategies import circuits

pytestmark = needs_peer

# Conv prints alike but is slow to build there.
CLASSES = (
    rc.Array,
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


@given(circuits(CLASSES, max_steps=5), flags(FREE_FLAGS), st.sampled_from([None, 0, 1, 2, 3]), st.booleans())
@settings(max_examples=100, deadline=None)
def test_free_text(circuit, options, depth, colored):
    circuit = plain(circuit)
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


@given(circuits(CLASSES, max_steps=5), flags(BIJECTIVE_FLAGS))
@settings(max_examples=100, deadline=None)
def test_bijective_text(circuit, options):
    circuit = plain(circuit)
    expected = asked("result = rc.PrintOptions(**options).repr(circuit)", circuit=circuit, options=options)
    assume(expected is not None)
    assert rc.PrintOptions(**options).repr(circuit) == expected


@given(circuits(CLASSES, max_steps=5), flags(BIJECTIVE_FLAGS))
@settings(max_examples=50, deadline=None)
def test_reading(circuit, options):
    """Each library reads the other's text, with tensors from a store that both use; where either raises the other does too."""
    circuit = plain(circuit)
    own = rc.PrintOptions(**options).repr(circuit)
    other = asked("result = rc.PrintOptions(**options).repr(circuit)", circuit=circuit, options=options)
    assume(other is not None)
    code = """
parser = rc.Parser(module_check_all_inputs_used=False)
result = [[lines_of(parser(text)), parser(text).repr()] for text in texts]
"""
    ours, theirs = both(code, texts=[own, other])
    assert ours == theirs


PLAIN = st.sampled_from(["row", "col", "a1", "x*"])


@st.composite
def marked(draw: st.DrawFn) -> rc.Circuit:
    """Circuits with names taken away, axis names and automatic names switched off, which construction programs do not carry."""
    circuit = plain(draw(circuits(CLASSES, max_steps=4)))
    symbols = {spec.symbol for module in circuit.get(rc.Module) for spec in module.spec.arg_specs}

    def change(node: rc.Circuit) -> rc.Circuit:
        action = draw(st.integers(0, 5))
        if node in symbols or action > 2:
            return node
        if action == 0:
            return node.rename(None)
        if action == 1:
            return node.rename_axes(draw(st.dictionaries(st.integers(0, node.rank - 1), PLAIN, max_size=2))) if node.rank else node
        return node.with_autoname_disabled()

    return rc.deep_map(circuit, change)


@given(marked(), flags(BIJECTIVE_FLAGS), flags(FREE_FLAGS))
@settings(max_examples=50, deadline=None)
def test_axis_names_and_flags(circuit, bijective, free):
    """Sent as text: the peer reads it and prints it in every form as pycircuit does."""
    # Axis names that differ from those propagated are written always (05, 8 item 6); there with the option alone.
    bijective["show_all_named_axes"] = free["show_all_named_axes"] = True
    code = """
c = rc.Parser(module_check_all_inputs_used=False)(text)
result = [rc.PrintOptions(**bijective).repr(c), rc.PrintOptions(bijection=False, **free).repr(c), [n.op_name for n in ordered(c)]]
result.append(lines_of(rc.deep_map(c, lambda n: n)))
"""
    ours, theirs = both(code, text=circuit.repr(), bijective=bijective, free=free)
    assert ours == theirs


COLORERS = [
    "size_colorer()",
    "computability_colorer()",
    "type_colorer()",
    "fixed_color('Cyan')",
    "circuit_set_colorer({'Red': {part}, 3: set()})",
]
COMMENTERS = ["size_threshold_commenter(3)", "size_threshold_commenter()", "dtype_commenter()", "dtype_commenter(only_arrays=True)"]


@given(circuits(CLASSES, max_steps=5), st.sampled_from(COLORERS), st.lists(st.sampled_from(COMMENTERS), max_size=2), st.data())
@settings(max_examples=50, deadline=None)
def test_references_colours_and_comments(circuit, colorer, commenters, data):
    circuit = plain(circuit)
    part = data.draw(st.sampled_from(rc.toposort_circuit(circuit)))
    code = f"""
options = rc.PrintOptions(reference_circuits={{part: "the part"}}, commenters=[{", ".join("rc.PrintOptions." + c for c in commenters)}])
result = [options.repr(circuit, part), options.repr_line_info(part), options.repr_extra_info(part), options.string_escape("it's")]
result.append(rc.PrintOptions(bijection=False, colorer=rc.PrintOptions.{colorer}).repr(circuit))
result += [options.repr(circuit) for options in (rc.PrintOptions.compiler_default(), rc.PrintOptions.debug_default())]
result += [options.repr(circuit) for options in (rc.PrintOptions.einsum_nest_default(), rc.PrintOptions.add_nest_default())]
result += [rc.PrintOptions.repr_depth(circuit, end_depth=2), repr(circuit), str(part)]
"""
    ours, theirs = both(code, circuit=circuit, part=part)
    assert ours == theirs


@given(circuits(CLASSES, max_steps=3), circuits(CLASSES, max_steps=3))
@settings(max_examples=60, deadline=None)
def test_differences(new, old):
    new, old = plain(new), plain(old)
    expected = asked("result = rc.diff_circuits(new, old)", new=new, old=old)
    assume(expected is not None)
    assert rc.diff_circuits(new, old) == expected


@pytest.mark.parametrize("value", [1e-7, 123.456, 5e-324, 1e300, -0.0, float("inf"), float("nan"), 1 / 3, 2.0**70])
def test_numbers(value):
    assert asked("result = rc.Scalar(value).repr()", value=value) == rc.Scalar(value).repr()


# Texts written by hand, one per line, with `/` for a new line: what they mean, or with what error they are refused.
UUID = "1a280c74-fa9f-4dd9-94f4-5cca4a0cf243"
TEXTS = f"""
0 Add
'x' 'y' [] Scalar 1
'' [] Scalar 1
0 [1_000, 2*0s, 3,] Scalar 1
0 [ ] Scalar 1
0 [,] Scalar 1
0 [-3] Scalar 1
0 [3] Add
0  'n'  [ 3 ]  Scalar   1  # c
0 'n' AD [3] Scalar 1
0 [3] AD Scalar 1
0 add
x [] Scalar 1
-1 [] Scalar 1
0[3] Add
'x
0
0 [3]
0 1 Add
0 Add2
'q'
0 Add/  1 [3] Scalar 1/  1
0 Add/  1 [3] Scalar 1/  1 [3] Scalar 2
0 Add/  1 [3] Scalar 1/  1 AD
0 Add/  0
0 Add/  1 Add/    0
0 Add#note
0 Add/ 1 [3] Scalar 1
0 Add/    1 [3] Scalar 1
    0 Add/      1 [3] Scalar 1/   2 [3] Scalar 1
0 Add/  1 [3] Scalar 1/  1/    2 [] Scalar 1
0 Add/▼/1 [3] Scalar 1
0 Add/▼/1 [3] Scalar 1/2 [3] Scalar 1
'd' Add/├‣'f' Concat 0/│ ├‣'p' [3] Scalar 1/│ └‣'p'/└‣1 [6] Scalar 2
▼/0 Add
0 Add/  1 'x' [3] Scalar 1/  'x'
0 Add/  'x' 'y' [3] Scalar 1/  'x'
0 Index [0]
0 Scalar 1
0 Add ...
0 Concat 0
0 Concat -1/  1 [2,3] Scalar 1
0 Concat 5/  1 [2] Scalar 1
0 Concat x/  1 [2] Scalar 1
0 [] Symbol {UUID}
0 [] Symbol {UUID.upper()}
0 [] Symbol x
0 Tag/  1 [] Scalar 1
0 Einsum ->
0 Einsum
0 Rearrange/  1 [2] Scalar 1
0 Index/  1 [2] Scalar 1
0 GeneralFunction/  1 [2] Scalar 1
0 Einsum ij->ji/  1 [2,3] Scalar 1
0 Rearrange q r->(r q)/  'x' [2,3] Scalar 1
0 Index [0]/  'x' [2,3] Scalar 1
0 Index [x:y]/  1 [2] Scalar 1
0 Index [x]/  1 [2] Scalar 1
0 Index []/  1 [2] Scalar 1
0 Index [0,1,2]/  1 [2,3] Scalar 1
0 [4] Scatter [1:3]/  1 [2] Scalar 1
0 Index [5]/  1 [2] Scalar 1
0 StoredCumulantVar 1, 2|{UUID}/  1 [] Scalar 1/  2 [] Scalar 2
0 StoredCumulantVar 1,2/  1 [] Scalar 1/  2 [] Scalar 2
0 Module/  1 [] Symbol/  2 [] Scalar 1 ! 1
0 Module/  1 [] Symbol/  2 [5] Scalar 1 ! 1 tft
0 Module/  1 [] Symbol/  2 [] Scalar 1
0 Module
0 Add/  1 [] Scalar 1 ! 's'
0 Add ! 's'
0 Module/  1 [] Scalar 2/  2 [] Scalar 1 ! 1
0 Module/  1 [] Scalar 2/  2 [] Scalar 1 ! 's' [] Symbol
0 [] Scalar 5.
0 [] Scalar .5
0 [] Scalar 1E3
0 [] Scalar inf
0 [] Scalar NAN
0 [] Scalar 1d
0 [] Scalar 1e400
0 [] Scalar +2
0 [] Scalar
0 GeneralFunction softmax/  1 [2] Scalar 1
0 GeneralFunction pow/  1 [2] Scalar 2/  2 [2] Scalar 3
0 GeneralFunction gen_index_at_0_c/  1 [2] Scalar 2/  2 [] Scalar 1
0 GeneralFunction multinomial_no_replace_[1, 2]/  1 [4] Scalar 0.25/  2 [] Scalar 3
0 DiscreteVar/  1 [2,3] Scalar 1/  2 [2] Scalar 0.5
""".strip("\n").split("\n")


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_texts(number):
    text = TEXTS[number].replace("/", "\n")
    ours, theirs = both("result = [lines_of(c) for c in rc.Parser().parse_circuits(text)]", text=text)
    assert ours == theirs, text
