"""Specs: names and text, identity, user functions, locators, the tester (spec 04, sections 2, 3, 12, 13)."""

from __future__ import annotations

import copy
import gc
import pickle
import re
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from function_values import array, randn, value

import pycircuit as rc

X = array(randn(4, 5), "x")
INDEX = array(torch.tensor([0, 3]), "i")
PROBS, SEED = array(torch.rand(3) + 0.1, "p"), array(torch.tensor(3), "s")

BUILTINS = [
    rc.softmax(X),
    rc.max(X, "named"),
    rc.pow(X, X),
    rc.GeneralFunction.gen_index(X, INDEX, 0),
    rc.GeneralFunction.gen_index(X, INDEX, -2, True, False, False),
    rc.GeneralFunction.explicit_index(X, array(torch.zeros(4, dtype=torch.int64), "j"), -1, 1),
    rc.GeneralFunction.explicit_index(X, array(torch.zeros(4, dtype=torch.int64), "j"), 0, 1, False, "named"),
    rc.GeneralFunction.new_cast(X),
    rc.GeneralFunction.new_cast(X, rc.TorchDeviceDtypeOp("cpu"), rc.TorchDeviceDtypeOp(dtype="float32")),
    rc.multinomial(PROBS, SEED, (4, 2), replacement=False),
    rc.multinomial(PROBS, SEED, ()),
    rc.multinomial(PROBS, SEED, (7,)),
]


class Gap(rc.GeneralFunctionSpecBase):
    """Largest minus second largest over the last axis."""

    calls: Sequence[str] = ()

    @property
    def name(self) -> str:
        return "gap"

    @property
    def path(self) -> str | None:
        return f"{__name__}:Gap"

    def compute_hash_bytes(self) -> bytes:
        return uuid.UUID("6a8b1c36-9d0f-4b6e-8a54-0f8f2f5c7c11").bytes

    def function(self, x: torch.Tensor) -> torch.Tensor:
        top = torch.topk(x, 2, dim=-1).values
        return top[..., 0] - top[..., 1]

    def get_shape_info(self, *shapes: tuple[int, ...]) -> rc.GeneralFunctionShapeInfo:
        assert all(type(shape) is tuple for shape in shapes)
        assert len(shapes) == 1 and shapes[0][-1] >= 2
        return rc.get_shape_info_simple(shapes, removed_from_end=1)


class Custom(rc.GeneralFunctionSpecBase):
    """Everything replaceable from outside."""

    name = "custom"

    def __init__(self, **members: Any) -> None:
        self.__dict__.update(members)

    def function(self, *xs: torch.Tensor) -> torch.Tensor:
        return xs[0]

    def get_shape_info(self, *shapes: tuple[int, ...]) -> rc.GeneralFunctionShapeInfo:
        return rc.GeneralFunctionShapeInfo(shapes[0], 0, [True] * len(shapes))


# --- built-in specs


@pytest.mark.parametrize("node", BUILTINS, ids=lambda node: node.name)
def test_by_name_and_by_spec(node: rc.GeneralFunction) -> None:
    text = pickle.loads(pickle.dumps(node.spec)).__reduce__()[1][0]
    assert rc.GeneralFunction.new_by_name(*node.children, spec_name=text, name=node.op_name) == node
    assert rc.GeneralFunction.new_by_name_op(*node.children, spec_name=text, name=node.op_name) == node
    assert rc.GeneralFunction.new_from_parse(*node.children, parse_string=text, name=node.op_name) == node
    assert rc.GeneralFunction(*node.children, spec=node.spec, name=node.op_name) == node
    assert pickle.loads(pickle.dumps(node.spec)) == node.spec
    assert len({other.hash for other in BUILTINS}) == len(BUILTINS)


@pytest.mark.parametrize(
    "text",
    [
        "gen_index_at_0_c",
        "gen_index_at_-2_batch_x_no_batch_index",
        "explicit_index_at_1_x_non_b_3_c",
        "multinomial_no_replace_[4, 2]",
        "multinomial_[]",
        "cast_from_{device:None,dtype:float32}_to_{device:cpu,dtype:float64}",
        "cast_from_{device:cuda:0,dtype:None}_to_{device:cuda:15,dtype:bfloat16}",
    ],
)
def test_text_round_trip(text: str) -> None:
    assert repr(rc._core._builtin_spec(text)) == f"<GeneralFunction spec {text}>"


def test_multinomial_text_is_lenient() -> None:
    assert rc._core._builtin_spec("multinomial_[ 4,2 ,]") == rc._core._builtin_spec("multinomial_[4, 2]")


@pytest.mark.parametrize(
    "text",
    ["", "softmax ", "Softmax", "gen_index_at_", "gen_index_at_0_c_batch_x", "multinomial", "multinomial_[,]", "pow2", "cast_from_{}"],
)
def test_unknown_names(text: str) -> None:
    assert rc.GeneralFunction.new_by_name_op(X, spec_name=text) is None
    with pytest.raises(rc.ConstructUnknownGeneralFunctionError, match=re.escape(f"Unknown GeneralFunction name {text}")):
        rc.GeneralFunction.new_by_name(X, spec_name=text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("cast_from_{device:cpu,dtype:complex64}_to_{device:None,dtype:None}", ValueError),
        ("cast_from_{device:tpu,dtype:None}_to_{device:None,dtype:None}", ValueError),
        ("cast_from_{device:cuda:16,dtype:None}_to_{device:None,dtype:None}", ValueError),
        ("explicit_index_at_1_x_non_b_1", rc.MiscInputItemOutOfBoundsError),
        ("explicit_index_at_0_x_non_b_0", rc.MiscInputItemOutOfBoundsError),
        ("gen_index_at_99999999999999999999", ValueError),
        ("multinomial_[99999999999999999999]", ValueError),
    ],
)
def test_bad_parameters(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        rc.GeneralFunction.new_by_name_op(X, INDEX, spec_name=text)


def test_attributes() -> None:
    simple = rc.softmax(X).spec
    assert (simple.name, simple.num_non_batchable_output_dims, simple.removed_from_end, simple.is_official) == ("softmax", 1, 0, True)
    assert torch.equal(simple.get_function()(X.value), torch.softmax(X.value, -1))
    gen = BUILTINS[4].spec
    assert type(gen) is rc.GeneralFunctionIndexSpec
    assert (gen.index_dim, gen.batch_x, gen.batch_index, gen.check_index_ints) == (-2, True, False, False)
    explicit = BUILTINS[5].spec
    assert (explicit.index_dim, explicit.x_non_batch_dims, explicit.check_index_ints) == (-1, 1, True)
    multinomial = BUILTINS[9].spec
    assert (multinomial.replacement, multinomial.shape) == (False, (4, 2))
    assert type(rc.pow(X, X).spec) is rc.GeneralFunctionPowSpec
    for spec in (simple, gen, explicit, multinomial):
        with pytest.raises(TypeError):
            type(spec)()
        with pytest.raises(AttributeError):
            spec.name = "other"


# --- user functions


def test_worked_example() -> None:
    spec = Gap()
    g = rc.GeneralFunction(array(torch.tensor([[3.0, 1.0, 2.0], [5.0, 9.0, 4.0]]), "x"), spec=spec)
    assert (g.shape, g.name) == ((2,), "gap(x)")
    assert value(g).tolist() == [1.0, 4.0]
    assert g.spec is spec
    assert rc.GeneralFunction(g.children[0], spec=Gap()) == g
    with pytest.raises(AssertionError):
        rc.GeneralFunction(array(torch.zeros(2, 1)), spec=Gap())


def test_specs_must_be_specs() -> None:
    for bad in (None, "softmax", Gap, object()):
        with pytest.raises(rc.ConstructGeneralFunctionPyNotInstanceError) as caught:
            rc.GeneralFunction(X, spec=bad)
        assert isinstance(caught.value, TypeError) and isinstance(caught.value, rc.ConstructError)
        assert caught.value.args[0].ob is bad


def test_the_base_class_is_abstract() -> None:
    for missing in ("name", "function", "get_shape_info"):
        members = {key: member for key, member in vars(Custom).items() if key != missing}
        with pytest.raises(TypeError):
            type("Incomplete", (rc.GeneralFunctionSpecBase,), members)()


def test_interpretation_errors() -> None:
    for members in ({"name": "a at b"}, {"name": 3}, {"path": "no colon"}, {"path": 3}, {"compute_hash_bytes": lambda: "text"}):
        with pytest.raises(TypeError):
            rc.GeneralFunction(X, spec=type("Other", (Custom,), {"path": None})(**members))
    with pytest.raises(TypeError, match="module.to.import:MyCustomSpec"):
        rc.GeneralFunction(X, spec=type("Other", (Custom,), {"path": "no colon"})())


class Mine(Exception):
    pass


def failing(*_: Any) -> Any:
    raise Mine("mine")


@pytest.mark.parametrize("member", ["compute_hash_bytes", "get_shape_info", "get_device_dtype_override"])
def test_exceptions_pass_through(member: str) -> None:
    with pytest.raises(Mine, match="^mine"):
        rc.GeneralFunction(X, spec=Custom(**{member: failing}))


def test_exceptions_of_the_function_pass_through() -> None:
    with pytest.raises(Mine, match="^mine") as caught:
        rc.evaluate(rc.GeneralFunction(X, spec=Custom(function=failing)))
    assert any("custom" in note for note in caught.value.__notes__)


def test_wrong_results() -> None:
    with pytest.raises(TypeError):
        rc.GeneralFunction(X, spec=Custom(get_shape_info=lambda *_: (3,)))
    with pytest.raises(TypeError):
        rc.GeneralFunction(X, spec=Custom(get_device_dtype_override=lambda *_: "float32"))
    with pytest.raises(TypeError):
        rc.evaluate(rc.GeneralFunction(X, spec=Custom(function=lambda *_: 3)))
    with pytest.raises(RuntimeError, match="custom"):
        rc.evaluate(rc.GeneralFunction(X, spec=Custom(function=lambda x: x[0])))
    with pytest.raises(ValueError):
        rc.GeneralFunction(X, spec=Custom(get_shape_info=lambda *_: rc.GeneralFunctionShapeInfo((), 1, [])))


def test_placeholders_and_short_flags() -> None:
    node = rc.GeneralFunction(X, X, spec=Custom(name="", get_shape_info=lambda *_: rc.GeneralFunctionShapeInfo((), 0, [])))
    assert node.child_axis_map() == [[None, None]] * 2
    assert node.name == "(x, x)"


def test_device_dtype_override() -> None:
    seen = []

    def override(*values: rc.TorchDeviceDtypeOp) -> rc.TorchDeviceDtypeOp:
        seen.extend(values)
        return rc.TorchDeviceDtypeOp("cpu", "int64")

    node = rc.GeneralFunction(X, rc.Scalar(1.0), spec=Custom(get_device_dtype_override=override, function=lambda x, _: x.long()))
    assert seen[:2] == [rc.TorchDeviceDtypeOp("cpu", "float64"), rc.TorchDeviceDtypeOp()]
    assert (node.device, node.dtype) == ("cpu", "int64")
    assert value(node).dtype == torch.int64
    assert rc.GeneralFunction(X, spec=Custom()).dtype == "float64"


def test_identity_is_the_hash_bytes() -> None:
    a, b = (Custom(compute_hash_bytes=lambda: b"same", name=name) for name in ("a", "b"))
    assert rc.GeneralFunction(X, spec=a, name="n") == rc.GeneralFunction(X, spec=b, name="n")
    assert rc.GeneralFunction(X, spec=a, name="n").spec is a
    assert rc.GeneralFunction(X, spec=b, name="n").spec is b
    c = Custom(compute_hash_bytes=lambda: b"other")
    assert rc.GeneralFunction(X, spec=a, name="n") != rc.GeneralFunction(X, spec=c, name="n")


def test_default_hash_bytes_are_the_instances() -> None:
    seen = set()
    for _ in range(100):
        spec = Custom()
        assert spec.compute_hash_bytes() == spec.compute_hash_bytes()
        assert len(spec.compute_hash_bytes()) == 8
        seen.add(spec.compute_hash_bytes())
    seen.add(copy.copy(spec).compute_hash_bytes())
    assert len(seen) == 101


def test_circuits_keep_specs_alive() -> None:
    node = rc.GeneralFunction(X, spec=Custom(function=lambda x: x + 1))
    gc.collect()
    assert torch.equal(value(node), X.value + 1)


def test_official_functions_only() -> None:
    fake = Custom(name="softmax")
    assert rc.GeneralFunction(X, spec=fake) != rc.softmax(X)


# --- text and pickles


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENSORS_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize("node", [*BUILTINS, rc.GeneralFunction(X, spec=Gap()), rc.GeneralFunction(X, spec=Gap(), name="named")])
def test_text_and_pickle_round_trips(node: rc.GeneralFunction, store: None) -> None:
    assert rc.Parser()(node.repr()) == node
    assert pickle.loads(pickle.dumps(node)) == node
    assert node.map_children(lambda child: child) == node


def test_functions_without_path_are_written_for_reading_only() -> None:
    node = rc.GeneralFunction(X, spec=Custom(), name="n")
    with pytest.raises(RuntimeError, match="Can't serialize function custom: no path given"):
        node.repr(rc.PrintOptions(bijection=True))
    assert "GeneralFunction custom" in node.repr(rc.PrintOptions(bijection=False))


def test_batching_by_expansion() -> None:
    symbol = rc.Symbol.new_with_random_uuid((2, 3), "s")
    node = rc.GeneralFunction(symbol, spec=Gap())
    batch = randn(7, 2, 3)
    expanded = rc.Expander((symbol, lambda _: array(batch)))(node)
    assert expanded.shape == (7, 2)
    assert torch.equal(value(expanded), Gap().function(batch))


# --- locators


def test_locators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = rc.GeneralFunction(X, spec=Gap())
    assert rc.GeneralFunction.new_by_path(X, path=f"{__name__}:Gap") == node
    parsed = rc.GeneralFunction.new_from_parse(X, parse_string=f"gap at {__name__}:Gap", name="mine")
    assert parsed == node.rename("mine")
    with pytest.raises(RuntimeError, match="file.py:MyCustomSpec"):
        rc.GeneralFunction.new_by_path(X, path="nothing")
    with pytest.raises(ImportError):
        rc.GeneralFunction.new_by_path(X, path="no.such.module:Gap")
    with pytest.raises(AttributeError):
        rc.GeneralFunction.new_by_path(X, path=f"{__name__}:NoSuchClass")
    with pytest.raises(rc.ConstructGeneralFunctionPyNotInstanceError):
        rc.GeneralFunction.new_by_path(X, path="builtins:dict")

    monkeypatch.setenv("RR_RRFS_DIR", str(tmp_path))
    file = tmp_path / "dir" / "mine.py"
    file.parent.mkdir()
    source = Path(sys.modules[__name__].__file__ or "").read_text()
    body = source[source.index("class Custom") : source.index("# --- built-in specs")]
    file.write_text(f"import torch\nimport pycircuit as rc\nfrom typing import Any\n{body}\nclass New(Custom):\n    name = 'first'\n")
    assert rc.GeneralFunction.new_by_path(X, path="/dir/mine.py:New").name == "first(x)"
    file.write_text(file.read_text().replace("first", "second"))
    assert rc.GeneralFunction.new_by_path(X, path="/dir/mine.py:New").name == "second(x)"


def test_older_module_names() -> None:
    x = array(randn(2, 3, 2, 4))
    node = rc.GeneralFunction.new_by_path(x, path="rust_circuit.generalfuncs.rotary_pos_emb:ApplyRotaryPosEmb")
    assert type(node.spec).__module__ == "pycircuit.generalfuncs.rotary_pos_emb"


# --- the tester


TESTER = rc.GeneralFunctionSpecTester(start_shape_num=1, end_shape_num=5, end_ndim=5, base_shapes_samples=30)


def test_tester_accepts_user_functions() -> None:
    assert TESTER.test_from_shapes(Gap(), [(3, 4, 5)], shapes_must_be_valid=True) == (True, True)
    assert TESTER.test_from_shapes(Gap(), [(3, 1)]) == (False, False)
    TESTER.test_many_shapes(Gap())
    with pytest.raises(AssertionError):
        TESTER.test_from_shapes(Gap(), [(3, 1)], shapes_must_be_valid=True)


def test_tester_finds_false_batching() -> None:
    with pytest.raises(AssertionError):
        for _ in range(20):
            TESTER.test_from_shapes(Custom(function=lambda x: torch.softmax(x, 0)), [(4, 3)])


def test_tester_finds_inconsistent_shapes() -> None:
    info = rc.GeneralFunctionShapeInfo
    rules = [
        lambda *shapes: info((), 1, [True]),
        lambda *shapes: info(shapes[0], 0, []),
        lambda *shapes: info((*shapes[0], 2), 0, [True]),
        lambda *shapes: info((7,), 0, [True]),
        lambda *shapes: info(shapes[0], len(shapes[0]) // 2, [True]),
    ]
    for rule in rules:
        with pytest.raises(RuntimeError):
            TESTER.test_from_shapes(Custom(get_shape_info=rule), [(2, 3)])
    never = Custom(get_shape_info=lambda *shapes: info((), 0, [False] * len(shapes)))
    assert TESTER.test_from_shapes(never, [(2, 3)]) == (True, False)
    with pytest.raises(RuntimeError, match="frac check batch too low"):
        TESTER.test_many_shapes(never)
    with pytest.raises(RuntimeError, match="frac successful too low"):
        TESTER.test_many_shapes(Custom(get_shape_info=failing))


def test_tester_with_empty_ranges() -> None:
    with pytest.raises(ValueError):
        rc.GeneralFunctionSpecTester(start_shape_num=3, end_shape_num=3).test_many_shapes(Gap())
    rc.GeneralFunctionSpecTester(start_num_inputs=2, end_num_inputs=2).test_many_shapes(Gap())


def test_tester_fields() -> None:
    tester = rc.GeneralFunctionSpecTester(1, 2, 0.3, 0.4, 5, 6, 7, 8, 9, 10, False, 12)
    assert list(vars(tester).values()) == [1, 2, 0.3, 0.4, 5, 6, 7, 8, 9, 10, False, 12]
    tester.end_ndim = 3
    assert tester.end_ndim == 3
