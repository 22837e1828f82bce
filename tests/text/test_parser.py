"""The grammar, its errors and the options of Parser (spec 05)."""

from __future__ import annotations

import uuid

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.text.named_circuits import tricky_circuits

ID = "1a280c74-fa9f-4dd9-94f4-5cca4a0cf243"
MODULE = "'call' Module\n  'f' Add\n    's' [] Symbol\n  "


def lines(text: str) -> str:
    """The notation of the spec: ` / ` between lines, leading `_` for spaces."""
    out = []
    for line in text.split(" / "):
        content = line.lstrip("_")
        out.append(" " * (len(line) - len(content)) + content)
    return "\n".join(out)


def parse(text: str, **options) -> list[rc.Circuit]:
    return rc.Parser(**options).parse_circuits(lines(text))


def payload(error: pytest.ExceptionInfo) -> dict:
    return error.value.args[0].items()


def scalar(value: float, shape=(3,), name=None) -> rc.Circuit:
    return rc.Scalar(value, shape, name)


# --- structure


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "  │ # c\n\t\n# d", "▼", "\ufeff"])
def test_nothing(text):
    assert rc.Parser().parse_circuits(text) == []
    with pytest.raises(rc.ParseCircuitExpectedOneCircuitGotMultipleError) as error:
        rc.Parser()(text)
    assert payload(error) == {"actual_num_circuits": 0}


def test_overview():
    text = f"""'total' Add
  'x' [2,3] Scalar 0.5
  0 Einsum ab,b->b          # unnamed node number 0
    'x'
    'w' [3] Symbol {ID}
  1 [3] Scalar -1
  0
"""
    x, w = rc.Scalar(0.5, (2, 3), "x"), rc.Symbol((3,), uuid.UUID(ID), "w")
    inner = rc.Einsum.from_einsum_string("ab,b->b", x, w).rename(None)
    assert rc.Parser()(text) == rc.Add(x, inner, rc.Scalar(-1.0, (3,)), inner, name="total")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 Add / ▼ / 1 [3] Scalar 1", lambda: [rc.Add(scalar(1))]),
        ("0 Add / \\|/  # note / 1 [3] Scalar 1", lambda: [rc.Add(scalar(1))]),
        ("0 Add / ▼ # note / ▼ / 1 [3] Scalar 1 / ▼", lambda: [rc.Add(scalar(1))]),
        ("0 Add / ▼ / 1 [3] Scalar 1 / 2 [3] Scalar 1", lambda: [rc.Add(scalar(1)), scalar(1)]),
        ("0 Add / ▼ / 1 Add / ▼ / 2 [3] Scalar 1", lambda: [rc.Add(rc.Add(scalar(1)))]),
        ("0 Add / ▼ / 1 Add / __2 [3] Scalar 1 / __3 [3] Scalar 1", lambda: [rc.Add(rc.Add(scalar(1), scalar(1)))]),
        ("0 Add / __1 Add / ▼ / 2 [3] Scalar 1", lambda: [rc.Add(rc.Add(), scalar(1))]),
        ("0 Add", lambda: [rc.Add().rename(None)]),
        ("0 [3] Scalar 1 / 0", lambda: [scalar(1)] * 2),
        ("0 Add / __1 [3] Scalar 1 / __1", lambda: [rc.Add(scalar(1), scalar(1))]),
        ("0 Add / __1 [3] Scalar 1 / __1 Scalar", lambda: [rc.Add(scalar(1), scalar(1))]),
        ("0 Add / __1 [3] Scalar 1 / __1 [3] Scalar 1", lambda: [rc.Add(scalar(1), scalar(1))]),
        ("0 Add / __'x' 'y' [3] Scalar 1 / __'x'", lambda: [rc.Add(scalar(1, name="y"), scalar(1, name="y")).rename(None)]),
        ("0 Add / __1 [3] Scalar 1 / __'1' [3] Scalar 1", lambda: [rc.Add(scalar(1), scalar(1, name="1")).rename(None)]),
        ("'it\\'s' [] Scalar 1", lambda: [scalar(1, (), "it's")]),
        ("'a\\b' [] Scalar 1", lambda: [scalar(1, (), "a\\b")]),
        ("'a\\nb\\rc\\\\n' [] Scalar 1", lambda: [scalar(1, (), "a\nb\rc\\n")]),
        ("'' [] Scalar 1", lambda: [scalar(1, (), "")]),
        ("0  'n'  [ 3 ]  Scalar   1  # c", lambda: [scalar(1, name="n")]),
        ("0 'n' AD [3] Scalar 1", lambda: [scalar(1, name="n").with_autoname_disabled()]),
        ("0 \tAdd#note", lambda: [rc.Add().rename(None)]),
        ("01 [3] Scalar 1 / 1", lambda: [scalar(1)] * 2),
        ("0 [1_000, 2 * 0s, 3,] Scalar 1", lambda: [scalar(1, (1000, 20014, 3))]),
        ("0 [ ] Scalar 1", lambda: [scalar(1, ())]),
        ("0 [ :3 , a:4] Scalar 1", lambda: [scalar(1, (3, 4)).rename_axes({0: "", 1: "a"})]),
        ("0 [#:3,!: 4] Scalar 1", lambda: [scalar(1, (3, 4)).rename_axes({0: "#", 1: "!"})]),
    ],
)
def test_structure(text, expected):
    assert parse(text) == expected()


def test_drawn_text():
    text = "'d' Add\n├‣'f' Concat 0\n│ ├‣'p' [3] Scalar 1\n│ └‣'p'\n└‣1 [6] Scalar 2"
    p = scalar(1, name="p")
    assert rc.Parser()(text) == rc.Add(rc.Concat(p, p, axis=0, name="f"), scalar(2, (6,)), name="d")


def test_names_are_not_made_up():
    assert parse("0 Add / __'a' [] Scalar 1 / __'b' [] Scalar 1")[0].op_name is None
    assert parse("0 AD Add / __1 [] Scalar 1")[0].use_autoname is False
    assert parse("0 Add / __1 AD [] Scalar 1")[0].use_autoname is False


def test_axis_names():
    def names(circuit):
        return rc.PrintOptions(show_all_named_axes=True).repr_line_info(circuit)

    assert names(parse("0 [b:3,4] Add / __1 [a:3,c:4] Scalar 1")[0]) == " [b:3,4] Add"
    assert names(parse("0 [3,4] Add / __1 [a:3,c:4] Scalar 1")[0]) == " [a:3,c:4] Add"


def test_line_ends():
    assert len(rc.Parser().parse_circuits("0 [] Scalar 1\r\n1 [] Scalar 2\n")) == 2
    assert rc.Parser()("'a\rb\x0c\x85\u2028c' [] Scalar 1").name == "a\rb\x0c\x85\u2028c"
    assert rc.Parser()("\ufeff0 [] Scalar 1") == scalar(1, ())


# --- errors of lines and structure


@pytest.mark.parametrize(
    ("text", "cls", "expected"),
    [
        ("x [] Scalar 1", "ParseCircuitRegexDidntMatchError", {"line": "x [] Scalar 1"}),
        ("-1 [] Scalar 1", "ParseCircuitRegexDidntMatchError", {}),
        ("0[3] Add", "ParseCircuitRegexDidntMatchError", {}),
        ('"x" [] Scalar 1', "ParseCircuitRegexDidntMatchError", {}),
        ("'a'b' [] Scalar 1", "ParseCircuitRegexDidntMatchError", {}),
        ("'a [] Scalar 1", "ParseCircuitRegexDidntMatchError", {}),
        ("'\\' [] Scalar 1", "ParseCircuitRegexDidntMatchError", {}),
        ("...", "ParseCircuitRegexDidntMatchError", {}),
        ("0\tAdd", "ParseCircuitRegexDidntMatchError", {}),
        ("'a'!'s'", "ParseCircuitRegexDidntMatchError", {}),
        ("┌‣1 [2] Scalar 1.5", "ParseCircuitRegexDidntMatchError", {}),
        ("0", "ParseCircuitRegexDidntMatchGroupError", {"group_name": "variant", "line": "0", "group": 7}),
        ("0 [3]", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 [3]Scalar 1", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 [a b:3] Add", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 [,] Scalar 1", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 [3,,] Scalar 1", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 [-3] Scalar 1", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 [?] Scalar 1", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 1 Add", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 Add2", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("0 AD", "ParseCircuitRegexDidntMatchGroupError", {}),
        ("'q'", "ParseCircuitRegexDidntMatchGroupError", {"line": "'q'"}),
        ("0 Add / __1 'x' [3] Scalar 1 / __'x'", "ParseCircuitRegexDidntMatchGroupError", {"line": "  'x'"}),
        ("0 [3] AD Scalar 1", "ParseCircuitInvalidVariantError", {"v": "AD"}),
        ("0 add", "ParseCircuitInvalidVariantError", {"v": "add"}),
        ("0 Conv", "ParseCircuitInvalidVariantError", {"v": "Conv"}),
        ("0 Circuit", "ParseCircuitInvalidVariantError", {"v": "Circuit"}),
        ("0 [c : 4] Scalar 1", "NamedAxesForbiddenCharacterError", {"name": "c "}),
        ("99999999999999999999999 [] Scalar 1", "RuntimeError", None),
        ("٣ [] Scalar 1", "RuntimeError", None),
        ("0 [99999999999999999999] Scalar 1", "ParseInvalidNumberError", {"string": "99999999999999999999"}),
        ("0 [256s] Scalar 1", "ParseSymbolicSizeNumberOutOfBoundsError", {"i": 256, "bound": 256}),
        ("0 [3] Add", "ParseCircuitPassedInShapeDoesntMatchComputedShapeError", {"computed_shape": (), "provided_shape": (3,)}),
        ("0 [20] Scalar 1d", "ParseInvalidNumberError", {"string": "1d"}),
        ("0 Add ...", "ParseCircuitExpectedNoExtraInfoError", {"extra": "...", "variant": rc.Add}),
        ("0 Scalar 1", "ParseCircuitShapeNeededError", {"variant": rc.Scalar}),
        ("0 Symbol", "ParseCircuitShapeNeededError", {"variant": rc.Symbol}),
        ("0 Array rand", "ParseCircuitShapeNeededError", {"variant": rc.Array}),
        ("0 Scatter [0:3] / __1 [3] Scalar 1", "ParseCircuitShapeNeededError", {"variant": rc.Scatter}),
        ("0 SetSymbolicShape / __1 [3] Scalar 1", "ParseCircuitShapeNeededError", {"variant": rc.SetSymbolicShape}),
        ("0 Index [0,1,2] / __1 [2,3] Scalar 1", "IndexIndexRankTooHighError", {}),
        ("0 Index [x] / __1 [3] Scalar 1", "ParseInvalidIndexError", {"string": "[x]"}),
        ("0 Index [0:x] / __1 [3] Scalar 1", "ParseInvalidNumberError", {"string": "x"}),
        ("0 Index [0:1:2] / __1 [3] Scalar 1", "ParseInvalidIndexError", {"string": "[0:1:2]"}),
        ("0 Index / __1 [3] Scalar 1", "ParseInvalidIndexError", {"string": ""}),
        ("0 Index 0 / __1 [3] Scalar 1", "ParseInvalidIndexError", {"string": "0"}),
        ("0 Einsum", "ParseEinsumStringNoArrowError", {"string": ""}),
        ("0 Einsum Fancy:a->a / __1 [3] Scalar 1", "ParseEinsumStringInvalidError", {}),
        ("0 Rearrange / __1 [3] Scalar 1", "RearrangeParseArrowIssueError", {"string": ""}),
        ("0 GeneralFunction / __1 [3] Scalar 1", "ConstructUnknownGeneralFunctionError", {"spec_name": ""}),
        ("0 Concat 0", "ConstructConcatZeroNodesError", {}),
        ("0 Concat / __1 [3] Scalar 1", "ParseInvalidNumberError", {"string": ""}),
        ("0 Concat 1 / __1 [3] Scalar 1", "MiscInputItemOutOfBoundsError", {}),
        ("0 Tag / __1 [] Scalar 1", "ParseInvalidUuidError", {"string": ""}),
        ("0 Tag rand / __1 [] Scalar 1", "ParseInvalidUuidError", {"string": "rand"}),
        (f"0 Tag {ID}0 / __1 [] Scalar 1", "ParseInvalidUuidError", {}),
        ("0 Tag / __1 [] Scalar 1 / __2 [] Scalar 1", "ParseCircuitWrongNumberChildrenError", {"expected": 1, "found": 2, "ident": 0}),
        ("'x' [] Scalar 1 / __2 [] Scalar 1", "ParseCircuitWrongNumberChildrenError", {"expected": 0, "found": 1, "ident": "x"}),
        ("0 DiscreteVar / __1 [3] Scalar 1", "ParseCircuitWrongNumberChildrenError", {"expected": 2, "found": 1}),
        ("0 StoredCumulantVar 1,2", "ParseCircuitStoredCumulantVarExtraInvalidError", {"extra": "1,2"}),
        (f"0 StoredCumulantVar 1,2|{ID}|", "ParseCircuitStoredCumulantVarExtraInvalidError", {}),
        (f"0 StoredCumulantVar 1,2|{ID}", "ParseCircuitWrongNumberChildrenError", {"expected": 2, "found": 0}),
        (
            f"0 StoredCumulantVar 1, 2, 2|{ID} / __1 [] Scalar 1 / __1 / __1",
            "ConstructStoredCumulantVarInvalidCumulantNumberError",
            {"number": 2},
        ),
        (
            "0 Add / _1 [3] Scalar 1",
            "ParseCircuitInvalidIndentationError",
            {"spaces": 1, "tab_width": 2, "stack_indentation": 1, "line": " 1 [3] Scalar 1"},
        ),
        ("0 Add / __1 Add / ______2 [3] Scalar 1", "ParseCircuitInvalidIndentationError", {"spaces": 6, "stack_indentation": 2}),
        ("0 Add / ▼ / 1 Add / ____2 [] Scalar 1", "ParseCircuitInvalidIndentationError", {"spaces": 4, "stack_indentation": 1}),
        ("▼ / 0 Add", "ParseCircuitInvalidIndentationError", {"spaces": 0, "stack_indentation": 0, "line": "0 Add"}),
        (
            "____0 Add / ______1 [3] Scalar 1 / ___2 [3] Scalar 1",
            "ParseCircuitLessIndentationThanFirstItemError",
            {"this_num_spaces_base": 3, "first_num_spaces": 4, "first_line": "    0 Add", "this_line": "   2 [3] Scalar 1"},
        ),
        (
            "0 Add / __1 [3] Scalar 1 / __1 / ____2 [] Scalar 1",
            "ParseCircuitRepeatedCircuitHasChildrenError",
            {"repeated_ident": 1, "child_line": "    2 [] Scalar 1"},
        ),
        ("0 Add / __0", "ParseCircuitCycleError", {"ident": 0}),
        ("'a' Add / __1 Add / ____'a'", "ParseCircuitCycleError", {"ident": "a"}),
        ("0 Add / ▼ / 1 Add / ▼ / 0", "ParseCircuitCycleError", {"ident": 0}),
        ("0 Module", "ParseCircuitModuleNoSpecCircuitError", {"name": None}),
        ("'m' Module", "ParseCircuitModuleNoSpecCircuitError", {"name": "m"}),
        ("0 Add ! 's'", "ParseCircuitHasParentInfoButNoParentError", {"ident": 0, "line": "0 Add ! 's'"}),
        (
            "0 Add / __'c' [] Scalar 2 ! 's'",
            "ParseCircuitUnexpectedChildInfoError",
            {"child_info": "'s'", "child_ident": "c", "parent_ident": 0, "parent_variant": rc.Add},
        ),
        ("0 Module / __'c' [] Scalar 2 ! 's'", "ParseCircuitUnexpectedChildInfoError", {"parent_variant": rc.Module}),
    ],
)
def test_errors(text, cls, expected):
    expected_class = RuntimeError if cls == "RuntimeError" else getattr(rc, cls)
    with pytest.raises(expected_class) as error:
        parse(text)
    assert "line " in str(error.value)
    if expected is not None:
        found = payload(error)
        assert {key: found[key] for key in expected} == expected
        if cls.startswith("Parse"):
            assert isinstance(error.value, rc.ParseError)
            assert isinstance(error.value, ValueError)


@pytest.mark.parametrize(
    ("repeat", "part"),
    [
        ("1 [3] Scalar 2", 'extra mismatch. new="2" != old="1"'),
        ("1 Add", "variant"),
        ("1 [4]", "shape"),
        ("1 'x'", "name"),
        ("1 AD", "autoname"),
        ("1 Scalar 1.0", "extra"),
    ],
)
def test_repeats_are_checked(repeat, part):
    text = f"0 Add / __1 [3] Scalar 1 / __{repeat}"
    with pytest.raises(rc.ParseCircuitOnCircuitRepeatInfoIsNotSameError) as error:
        parse(text)
    assert payload(error)["repeat_ident"] == 1
    assert payload(error)["line"] == "  " + repeat
    assert part in payload(error)["err_strs"]
    assert parse(text, on_repeat_check_info_same=False) == [rc.Add(scalar(1), scalar(1))]
    with pytest.raises(rc.ParseCircuitInvalidVariantError):
        parse("0 Add / __1 [3] Scalar 1 / __1 Foo", on_repeat_check_info_same=False)


def test_line_numbers():
    with pytest.raises(rc.ParseError, match="line 4 "):
        rc.Parser()("0 Add\n# c\n\n  1 [3] Scalar x")
    with pytest.raises(rc.MiscInputNotBroadcastableError, match="line 2 "):
        rc.Parser()("\n0 Add\n  1 [3] Scalar 1\n  2 [4] Scalar 1")


# --- references


def test_references():
    x = scalar(1, name="x")
    parser = rc.Parser(reference_circuits={"r": x, "7": x})
    assert parser("'r'") == x
    assert parser.parse_circuits("0 Add\n  'r' # c\n  '7'\n'r'") == [rc.Add(x, x).rename(None), x]
    assert parser("0 'r' [3] Scalar 5") == scalar(5, name="r")
    with pytest.raises(rc.ParseCircuitRegexDidntMatchGroupError):
        parser("7")
    with pytest.raises(rc.ParseCircuitReferenceCircuitNameFollowedByAdditionalInfoError) as error:
        parser("'r' [3] Scalar 1")
    assert payload(error) == {"reference_name": "r", "line": "'r' [3] Scalar 1"}
    with pytest.raises(rc.ParseCircuitReferenceCircuitHasChildrenError) as error:
        parser("'r'\n  0 [] Scalar 1")
    assert payload(error) == {"reference_name": "r", "child_line": "  0 [] Scalar 1"}


# --- classes


def test_example_of_classes():
    text = f"""'k' Cumulant
  'e' [3] Index [0,:]
    's' [4,3] Scatter [1:3,0:3]
      'm' Einsum ab,bc->ac
        'x' [2,5] Scalar 0.25
        'y' [5,3] Symbol rand
  0 Tag {ID}
    'e'
"""
    circuit = rc.Parser()(text)
    assert circuit.shape == (3, 3)
    assert circuit.children[1].uuid == uuid.UUID(ID)
    assert rc.Parser()(circuit.repr()) == circuit


@pytest.mark.parametrize("text", [ID, ID.upper(), ID.replace("-", ""), "{" + ID + "}", "urn:uuid:" + ID])
def test_uuids(text):
    assert parse(f"0 Tag {text} / __1 [] Scalar 1")[0].uuid == uuid.UUID(ID)
    assert parse(f"0 [] Symbol {text}")[0].uuid == uuid.UUID(ID)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("0 Concat -1 / __1 [2,3] Scalar 1", "0 Concat 1"),
        ("0 Index [0] / __1 [2,3] Scalar 1", "0 [3] Index [0,:]"),
        ("0 Index [] / __1 [2,3] Scalar 1", "0 [2,3] Index [:,:]"),
        ("0 Index [ 0 : 1_0 , +1] / __1 [20,3] Scalar 1", "0 [10] Index [0:10,1]"),
        ("0 Rearrange q r->(r q) / __1 [2,3] Scalar 1", "0 Rearrange a b -> (b a)"),
        ("0 Einsum ij->ji / __1 [2,3] Scalar 1", "0 Einsum ij->ji"),
        ("0 Einsum fancy:x y -> y x / __1 [2,3] Scalar 1", "0 Einsum ab->ba"),
        ("0 Einsum ->", "0 Einsum ->"),
        ("0 Einsum -> / __1 [] Scalar 1", "0 Einsum ->"),
        ("0 GeneralFunction sigmoid / __1 [2,3] Scalar 1", "0 GeneralFunction sigmoid"),
        ("0 GeneralFunction gen_index_at_0_c / __1 [2,3] Scalar 1 / __2 [] Scalar 0", "0 GeneralFunction gen_index_at_0_c"),
        ("0 [4,3] Scatter [1:3] / __1 [2,3] Scalar 1", "0 [4,3] Scatter [1:3,0:3]"),
        ("0 [0s] SetSymbolicShape / __1 [3] Scalar 1", "0 [0s] SetSymbolicShape"),
        (f"0 StoredCumulantVar 2 , 1 | {ID} / __1 [2,2] Scalar 1 / __2 [2] Scalar 1", f"0 StoredCumulantVar 1, 2|{ID}"),
        ("0 DiscreteVar / __1 [4,2] Scalar 1 / __2 [4] Scalar 0.25", "0 DiscreteVar"),
    ],
)
def test_normalised_info(text, printed):
    circuit = parse(text)[0]
    assert circuit.repr().split("\n")[0] == printed
    assert rc.Parser()(circuit.repr()) == circuit


# --- modules


def test_bindings():
    text = """'call' Module
  'f' Add
    's' [0s] Symbol 1a280c74-fa9f-4dd9-94f4-5cca4a0cf243
    't' [] Symbol
  'arg' Einsum ab->b ! 's'
    'x' [2,3] Scalar 1
  'c' [] Scalar 2 ! 't' tft
"""
    module = rc.Parser()(text)
    s, t = rc.Symbol((10007,), uuid.UUID(ID), "s"), rc.Symbol.new_with_none_uuid((), "t")
    arg = rc.Einsum.from_einsum_string("ab->b", rc.Scalar(1.0, (2, 3), "x"), name="arg")
    spec = rc.ModuleSpec(rc.Add(s, t, name="f"), [rc.ModuleArgSpec(s), rc.ModuleArgSpec(t, True, False, True)])
    assert module == rc.Module.new_flat(spec, arg, rc.Scalar(2.0, (), "c"), name="call")
    assert rc.Parser()(module.repr()) == module


def test_definition_in_a_binding():
    text = "'m' Module\n  'f' Add\n    'x' [] Scalar 1\n  'c' [] Scalar 2 ! 's' [] Symbol\n's'"
    parser = rc.Parser(module_check_all_inputs_used=False)
    module, symbol = parser.parse_circuits(text)
    assert module.spec.arg_specs[0].symbol == symbol
    with pytest.raises(rc.ConstructModuleSomeArgsNotPresentError):
        rc.Parser().parse_circuits(text)


def test_argument_that_is_its_own_symbol():
    s = rc.Symbol.new_with_none_uuid((), "s")
    module = rc.Module.new_flat(rc.ModuleSpec(rc.Add(s, name="f"), [rc.ModuleArgSpec(s)]), s, name="m")
    assert rc.Parser()(module.repr()) == module
    text = "'m' Module\n  'f' [] Scalar 1\n  's' [] Symbol ! 's'"
    assert rc.Parser(module_check_all_inputs_used=False)(text).nodes == [s]


@pytest.mark.parametrize("binding", ["! 's'", "!'s'", "!  's'  # c", "! 's' ttt", "! 's' [] Symbol", "! 's' Symbol # x ! y"])
def test_forms_of_bindings(binding):
    assert rc.Parser()(MODULE + "'c' [] Scalar 2 " + binding).nodes == [rc.Scalar(2.0, (), "c")]


def test_tricky_symbol_names():
    for name in ["#x", "a ttf", "it's", "!", "x ! 'y' # z", "\n"]:
        s = rc.Symbol.new_with_none_uuid((), name)
        spec = rc.ModuleSpec(rc.Add(s, name="f"), [rc.ModuleArgSpec(s, False, True, False)])
        module = rc.Module.new_flat(spec, rc.Scalar(1.0), name="m")
        assert rc.Parser()(module.repr()) == module


@pytest.mark.parametrize(
    ("argument", "cls", "expected"),
    [
        ("'c' [] Scalar 2", "ParseCircuitModuleRequiresInputChildToHaveParentInfoError", {"module_ident": "call", "child_ident": "c"}),
        ("'c' [] Scalar 2 !", "ParseCircuitModuleRequiresInputChildToHaveParentInfoError", {"child_ident": "c"}),
        ("'c' [] Scalar 2 ! # x", "ParseCircuitModuleRequiresInputChildToHaveParentInfoError", {}),
        ("'c' [] Scalar 2 ! 's' tf", "ParseCircuitInvalidVariantError", {"v": "tf"}),
        ("'c' [] Scalar 2 ! 's' tfx", "ParseCircuitInvalidVariantError", {"v": "tfx"}),
        ("'c' [] Scalar 2 ! ttt", "ParseCircuitRegexDidntMatchError", {"line": "ttt"}),
        ("'c' [] Scalar 2 ! 'q'", "ParseCircuitRegexDidntMatchGroupError", {"line": "'q'"}),
        ("'c' [] Scalar 2 ! 's' ! 's'", "ParseCircuitHasParentInfoButNoParentError", {"ident": "s", "line": "'s' ! 's'"}),
        ("'c' [] Scalar 2 ! 'y' [] Scalar 1", "ConstructModuleExpectedSymbolError", {"actual_circuit": rc.Scalar(1.0, (), "y")}),
        ("'c' [] Scalar 2 ! 'f'", "ConstructModuleExpectedSymbolError", {}),
        ("'c' [] Scalar 2 ! 'call'", "ParseCircuitCycleError", {"ident": "call"}),
        ("'c' [] Scalar 2 ! 'z' [] Symbol xyz", "ParseInvalidUuidError", {"string": "xyz"}),
        ("'c' [] Scalar 2 ! 'z' [] Symbol", "ConstructModuleSomeArgsNotPresentError", {}),
        ("'c' [] Scalar 2 ! 's'\n  'd' [] Scalar 2 ! 's'", "ConstructModuleSomeArgsNotPresentError", {}),
    ],
)
def test_errors_of_bindings(argument, cls, expected):
    with pytest.raises(getattr(rc, cls)) as error:
        rc.Parser()(MODULE + argument)
    found = payload(error)
    assert {key: found[key] for key in expected} == expected
    assert "line " in str(error.value)


def test_unique_arg_names_option():
    text = "0 Module\n  1 Add\n    2 's' [] Symbol\n    3 's' [2] Symbol\n  4 [] Scalar 1 ! 2\n  5 [2] Scalar 1 ! 3"
    with pytest.raises((rc.SubstitutionFoundNEQFreeSymbolWithSameIdentificationError, rc.ConstructModuleArgsDupNamesError)):
        rc.Parser(module_check_unique_arg_names=True)(text)


# --- Parser


def test_parser_attributes():
    x = scalar(1, name="x")
    parser = rc.Parser({"r": x}, [scalar(2, name="y")])
    assert parser.reference_circuits == {"r": x, "y": scalar(2, name="y")}
    parser.reference_circuits["z"] = x
    assert set(parser.reference_circuits) == {"r", "y"}
    parser.reference_circuits = {"only": x}
    assert set(parser.reference_circuits) == {"only"}
    for name in ["tensors_as_random", "allow_hash_with_random", "module_check_unique_arg_names"]:
        assert getattr(parser, name) is False
        setattr(parser, name, True)
        assert getattr(parser, name) is True
    for name in ["on_repeat_check_info_same", "module_check_all_inputs_used"]:
        assert getattr(parser, name) is True
    assert parser.tensors_as_random_device_dtype == rc.TorchDeviceDtypeOp("cpu", "float32")
    with pytest.raises(AttributeError):
        parser.nothing = 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"reference_circuits": None},
        {"reference_circuits_by_name": None},
        {"tensors_as_random": 1},
        {"reference_circuits": {1: 2}},
        {"tensors_as_random_device_dtype": "cpu"},
        {"reference_circuits": {"x": 3}},
        {"nothing": 1},
    ],
)
def test_wrong_types(arguments):
    with pytest.raises(TypeError):
        rc.Parser(**arguments)


@pytest.mark.parametrize("text", [b"0 Add", 3, None])
def test_text_must_be_str(text):
    with pytest.raises(TypeError):
        rc.Parser()(text)
    with pytest.raises(TypeError):
        rc.Parser().parse_circuits(text)
    with pytest.raises(TypeError):
        rc.Parser()("0 Add", 3)


def test_lone_surrogates():
    with pytest.raises(UnicodeEncodeError):
        rc.Parser()("'\ud800' [] Scalar 1")


def test_reference_names():
    x = scalar(1, name="x")
    with pytest.raises(rc.ReferenceCircByNameHasNoneNameError) as error:
        rc.Parser(reference_circuits_by_name=[scalar(1)])
    assert payload(error) == {"circuit": scalar(1)}
    for arguments in [({"x": x}, [x]), ({}, [x, x])]:
        with pytest.raises(rc.ReferenceCircDuplicateIdentifierError) as error:
            rc.Parser(*arguments)
        assert payload(error) == {"dup_idents": {"x": 2}}


# --- arrays


def test_stored_arrays():
    value = torch.arange(6.0).reshape(2, 3)
    array = rc.Array(value, "w")
    text = array.repr()
    assert text == f"'w' [2,3] Array {array.tensor_hash_base16()[:24]}"
    key = array.tensor_hash_base16()
    parser = rc.Parser()
    assert parser(text) == array
    assert parser(f"'w' Array {key.upper()}") == array
    assert parser(f"'w' [a:2,3] Array {key[:20]}") == array.rename_axes({0: "a"})
    with pytest.raises(rc.ParseCircuitArrayShapeLoadedFromHashDiffersFromProvidedShapeError) as error:
        parser(f"'w' [3,2] Array {key}")
    assert payload(error) == {"loaded_from_hash_shape": (2, 3), "provided_shape": (3, 2)}
    cache = rc.TensorCacheRrfs(10, 1000, 1000, "cpu")
    assert parser(text, cache) == array
    assert cache.get_tensor_if_cached(key[:24]) is not None


def test_missing_tensors_are_all_listed():
    text = "0 Add\n  'a' Array ffffffffffffffffffff\n  'b' Array eeeeeeeeeeeeeeeeeeee\n  1 Index [tdddddddddddd [2]]\n    2 [3] Scalar 1"
    with pytest.raises(RuntimeError) as error:
        rc.Parser()(text)
    message = str(error.value)
    for part in ["'a'", "ffffffffffffffffffff", "'b'", "eeeeeeeeeeeeeeeeeeee", "dddddddddddd", "line 2", "line 3", "line 4"]:
        assert part in message


@pytest.mark.parametrize("info", ["", "zz", "f" * 65, "abc def"])
def test_bad_keys(info):
    with pytest.raises(RuntimeError, match="'w'"):
        rc.Parser()(f"'w' [3] Array {info}")


def test_random_arrays():
    parser = rc.Parser(tensors_as_random=True, allow_hash_with_random=True)
    text = "0 Add\n  'a' [2,3] Array 4f2fb80a7d72349dd5353e32\n  'b' [3] Array rand\n  'c' [3] Array"
    torch.manual_seed(0)
    first = parser(text)
    torch.manual_seed(0)
    assert parser(text) == first
    torch.manual_seed(0)
    assert torch.equal(first.children[0].value, torch.randn(2, 3))
    assert torch.equal(first.children[1].value, torch.randn(3))
    assert first.dtype == "float32"
    torch.manual_seed(0)
    assert (
        rc.Parser(tensors_as_random=True, allow_hash_with_random=True, on_repeat_check_info_same=False, module_check_unique_arg_names=True)(
            text
        )
        == first
    )
    with pytest.raises(rc.ParseCircuitShapeNeededError):
        parser("'w' Array 4f2fb80a7d72349dd5353e32")
    with pytest.raises(rc.ParseCircuitExpectedNoExtraInfoError) as error:
        rc.Parser(tensors_as_random=True)(text)
    assert payload(error) == {"extra": "4f2fb80a7d72349dd5353e32", "variant": rc.Array}
    assert rc.Parser(tensors_as_random_device_dtype=rc.TorchDeviceDtypeOp("cpu", "float64"))("0 [2] Array rand").dtype == "float64"
    with pytest.raises(RuntimeError):
        rc.Parser(tensors_as_random_device_dtype=rc.TorchDeviceDtypeOp("cpu", "int64"))("0 [2] Array rand")


def test_index_tensors():
    index = rc.Index(rc.Scalar(1.0, (5, 2), "x"), (torch.tensor([1, 4, 1]), 0), "i")
    text = index.repr()
    assert text.startswith("'i' [3] Index [t")
    assert rc.Parser()(text) == index
    assert rc.Parser(tensors_as_random=True)(text) == index


# --- anything


@given(st.text(st.sampled_from("01 '\\[]:,*s!#ADdScalrEinumxT|->▼│‣\n\t{}()tf.eλ\u2028"), max_size=60))
@settings(max_examples=500, deadline=None)
def test_random_text(text):
    try:
        rc.Parser().parse_circuits(text)
    except (rc.ParseError, rc.ConstructError, rc.IndexError, rc.NamedAxesError, RuntimeError, OverflowError, ValueError):
        pass


@given(tricky_circuits(max_steps=3), st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_text(circuit, data):
    text = circuit.repr()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(at, min(len(text), at + 3)))
        text = (
            text[:at]
            + data.draw(st.sampled_from(["", " ", "'", "\\", "!", "#", "[", "]", "0", "\n", "  ", "Add", ",", ":", "|"]))
            + text[end:]
        )
    try:
        rc.Parser().parse_circuits(text)
    except Exception as error:  # noqa: BLE001 - anything but an abort
        assert str(error)
