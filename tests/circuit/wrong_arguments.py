"""A program, `wrong_arguments.py report what`: calls everything in pycircuit with one wrong argument at a time.

The calls come from the stubs: every function, constructor, method and setter is called with valid arguments (found by the annotation of
each parameter, or by name in VALID_AT), of which one is replaced by each of the wrong values in turn. `what` is `values`, or `deep` for
circuits and lists of great depth in a thread with a small stack. The call that is being made is written to the file `report`, so that an
abort can be named; what went wrong otherwise is written to standard output, one line per call, and the exit status is 1. The last line
says how many calls returned and how many raised.
"""

import ast
import copy
import faulthandler
import inspect
import os
import re
import resource
import signal
import sys
import tempfile
import threading
import time
import uuid
import warnings
from pathlib import Path

import torch

import pycircuit as rc

# A tensor store, and a folder for what is written, of its own.
FOLDER = tempfile.TemporaryDirectory()
for store in ("TENSORS_CACHE_DIR", "RR_RRFS_DIR", "TENSORS_BY_HASH_DIR"):
    os.environ[store] = FOLDER.name
SECONDS = 3.0  # of processor time for one call
SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")  # by `make sanitize`

# --- values
x = rc.Array(torch.arange(6.0).reshape(2, 3), "x")
vector = rc.Scalar(0.5, (3,), "v")
index = rc.Array(torch.tensor([0, 1]), "i")
symbol = rc.Symbol((2, 3), uuid.UUID(int=1), "s")
spec = rc.ModuleSpec(rc.Add(symbol, symbol, name="body"), [rc.ModuleArgSpec(symbol)])
variable = rc.DiscreteVar(x, rc.Tag(rc.Scalar(0.5, (2,)), uuid.UUID(int=5)), "var")
key = rc.hash_tensor(x.value).hex()


def same(circuit):
    return circuit


def nothing(circuit):
    return None


def text_of(circuit):
    return circuit.name


# One object per class, on which its methods are called.
OBJECTS = {
    "Einsum": rc.Einsum((x, (0, 1)), out_axes=(1, 0), name="e"),
    "Array": x,
    "Symbol": symbol,
    "Scalar": rc.Scalar(0.5, (2, 3), "c"),
    "Add": rc.Add(x, vector, name="sum"),
    "Rearrange": x.rearrange_str("a b -> (b a)"),
    "Index": rc.Index(x, (0, slice(None, 2)), "idx"),
    "GeneralFunction": rc.softmax(x),
    "Concat": rc.Concat(x, x, axis=1, name="cat"),
    "Scatter": rc.Scatter(x, (slice(0, 2), slice(1, 4)), (4, 4), "scatter"),
    "Conv": rc.Conv(x, rc.Scalar(1.0, (1, 1, 3)), [1]),
    "Module": rc.Module.new_flat(spec, x, name="m"),
    "SetSymbolicShape": rc.SetSymbolicShape(rc.Scalar(1.0, (10007,)), (3,)),
    "Tag": rc.Tag(x, uuid.UUID(int=2)),
    "DiscreteVar": variable,
    "StoredCumulantVar": rc.StoredCumulantVar({1: rc.Scalar(0.0, (2,)), 2: rc.Scalar(0.0, (2, 2))}),
    "Cumulant": rc.Cumulant(variable, name="k"),
    "Circuit": rc.Add(x, rc.Einsum((x, (0, 1)), out_axes=(0, 1), name="e"), name="root"),
    "TorchDeviceDtype": rc.TorchDeviceDtype("cpu", "float32"),
    "TorchDeviceDtypeOp": rc.TorchDeviceDtypeOp("cpu"),
    "SymbolicSizeProduct": rc.Scalar(1.0, (20014,)).symbolic_shape()[0],
    "RearrangeSpec": rc.RearrangeSpec.from_string("a b -> b a"),
    "EinsumSpec": rc.Einsum.from_einsum_string("ab->ba", x).get_spec(),
    "ModuleArgSpec": rc.ModuleArgSpec(symbol),
    "ModuleSpec": spec,
    "GeneralFunctionShapeInfo": rc.GeneralFunctionShapeInfo((2,), 0, [True]),
    "GeneralFunctionSimpleSpec": rc.relu(x).spec,
    "Expander": rc.Expander(("x", same)),
    "BindItem": rc.BindItem("s", x),
    "ModulePusher": rc.ModulePusher(),
    "Regex": rc.Regex("x"),
    "Matcher": rc.Matcher("x"),
    "IterativeMatcher": rc.IterativeMatcher("x"),
    "IterateMatchResults": rc.IterateMatchResults(),
    "Getter": rc.Getter(),
    "BoundGetter": rc.Getter().bind("x"),
    "AnyFound": rc.AnyFound(),
    "BoundAnyFound": rc.AnyFound().bind("x"),
    "Transform": rc.Transform(same),
    "Updater": rc.Updater(same),
    "BoundUpdater": rc.Updater(same).bind("x"),
    "SetOfCircuitIdentities": rc.SetOfCircuitIdentities(),
    "PrintOptions": rc.PrintOptions(),
    "PrintHtmlOptions": rc.PrintHtmlOptions(),
    "Parser": rc.Parser(),
    "RandomSampleSpec": rc.RandomSampleSpec((2,)),
    "SampleSpec": rc.RandomSampleSpec((2,)),
    "RunDiscreteVarAllSpec": rc.RunDiscreteVarAllSpec.create_full_from_circuits(variable),
    "Sampler": rc.Sampler(rc.RandomSampleSpec((2,))),
    "SimpFnSubset": rc.SimpFnSubset.default(),
    "OptimizationSettings": rc.OptimizationSettings(),
    "OptimizationContext": rc.OptimizationContext.new_settings(rc.OptimizationSettings()),
    "Schedule": rc.circuit_to_schedule(x.add(vector)),
    "CharTokenizer": rc.CharTokenizer(1, 2, 0, 8, {"a": 3}, False),
    "TensorCacheRrfs": rc.TensorCacheRrfs(10, 1000, 1000, "cpu"),
}
# A valid value per annotation.
VALID = {
    **{name: value for name, value in OBJECTS.items()},
    "bool": True,
    "str": "a",
    "int": 0,
    "float": 0.5,
    "object": object(),
    "_IterativeMatcherIn": "x",
    "_MatcherIn": "x",
    "_Shape": (2, 3),
    "_Axis": 0,
    "_Index": (0,),
    "_TransformIn": same,
    "_UpdatedIn": rc.FINISHED,
    "_Device": "cpu",
    "_Dtype": "float32",
    "_CliColor": "Red",
    "_CircuitColorer": lambda circuit: "Red",
    "_CircuitHtmlColorer": lambda circuit: "red",
    "_CircuitCommenter": text_of,
    "_FunctionSpec": rc.relu(x).spec,
    "_NestedModuleNamer": lambda *arguments: "n",
    "_ModuleConstructCallback": lambda module, modules, number: module,
    "UUID": uuid.UUID(int=7),
    "slice": slice(0, 2),
    "bytes": bytes(32),
    "torch.Tensor": torch.zeros(2, 3),
    "Sequence[int]": (0, 1),
    "Iterable[int]": [0],
    "Sequence[int | None]": (0, None),
    "Sequence[Sequence[int]]": [[0], [1]],
    "Sequence[_Shape]": [(2, 3)],
    "Sequence[bool]": [True],
    "Sequence[Circuit]": [x],
    "Iterable[Circuit]": [x],
    "Sequence[Module]": [OBJECTS["Module"], OBJECTS["Module"]],
    "Sequence[torch.Tensor]": [torch.zeros(2, 3)],
    "Sequence[_IterativeMatcherIn]": ["x"],
    "Sequence[ModuleArgSpec]": [spec.arg_specs[0]],
    "Sequence[tuple[Circuit, ModuleArgSpec]]": [(x, rc.ModuleArgSpec(rc.Symbol((2, 3), uuid.UUID(int=9), "p")))],
    "Sequence[Callable[[Circuit], str]]": [text_of],
    "Sequence[_CircuitCommenter]": [text_of],
    "Sequence[slice]": [slice(0, 2)],
    "Sequence[tuple[Circuit, Sequence[int]]]": [(x, (0, 1))],
    "Sequence[Sequence[tuple[int, Circuit]]]": [[(0, variable)], [(1, variable)]],
    "Sequence[Mapping[int, str]]": [{0: "a"}],
    "Iterable[Symbol]": [symbol],
    "Iterable[str]": ["add_elim_zeros"],
    "AbstractSet[int]": {0},
    "AbstractSet[bytes]": {bytes(32)},
    "AbstractSet[Circuit]": {x},
    "Mapping[int, str]": {0: "a"},
    "Mapping[int, Circuit]": {1: rc.Scalar(0.0, (2,)), 2: rc.Scalar(0.0, (2, 2))},
    "Mapping[str, Circuit]": {"r": x},
    "dict[str, Circuit]": {"r": x},
    "Mapping[Circuit, str]": {x: "r"},
    "Mapping[Circuit, Circuit]": {x: x},
    "Mapping[_CliColor, Iterable[Circuit]]": {"Red": [x]},
    "Mapping[bytes, torch.Tensor]": {bytes(32): torch.zeros(2, 3)},
    "type[Circuit]": rc.Add,
    "type[_N]": rc.Add,
    "tuple[Circuit, Sequence[int]]": (x, (0, 1)),
    "tuple[Circuit, float]": (x, 0.5),
    "tuple[_IterativeMatcherIn, Circuit]": ("s", x),
    "tuple[_IterativeMatcherIn, _TransformIn]": ("x", same),
    "Callable[[Circuit], Circuit]": same,
    "Callable[[Circuit], Circuit | None]": same,
    "Callable[[int, Circuit], Circuit]": lambda number, circuit: circuit,
    "Callable[[Circuit], None]": nothing,
    "Callable[[Circuit], bool]": lambda circuit: True,
    "Callable[[Circuit], int]": lambda circuit: 0,
    "Callable[[Circuit], str | None]": text_of,
    "Callable[[Circuit], ModuleArgSpec]": rc.ModuleArgSpec.just_name_shape,
    "Callable[[Circuit], IterateMatchResults]": lambda circuit: rc.IterateMatchResults(),
    "Callable[[Module, Module], Circuit]": lambda new, old: new,
    "Callable[[Cumulant], str | None]": text_of,
    "Callable[[Cumulant], Circuit]": same,
    "Callable[[Any], torch.Tensor | None]": nothing,
    "Self": None,  # the object itself
}
# Where the value for the annotation does not do: per call and parameter.
VALID_AT = {
    ("RearrangeSpec.from_string", "string"): "a b -> b a",
    ("RearrangeSpec.unflatten_axis", "ndim"): 2,
    ("RearrangeSpec.combine_axes_at_end", "n"): 2,
    ("RearrangeSpec.fuse", "inner"): rc.RearrangeSpec.ident(2).conform_to_input_shape((2, 3)),
    ("RearrangeSpec.fuse", "outer"): rc.RearrangeSpec.ident(2).conform_to_input_shape((2, 3)),
    ("EinsumSpec.string_to_ints", "string"): "ab->a",
    ("EinsumSpec.fancy_string_to_ints", "string"): "a b -> a",
    ("Circuit.reduce", "op_name"): "max",
    ("Circuit.squeeze", "axes"): (),
    ("Circuit.unflatten_axis", "shape"): (2, 1),
    ("Circuit.rearrange_str", "string"): "a b -> b a",
    ("Array.from_hash", "hash_base16"): key,
    ("Array.from_hash_prefix", "hash_base16"): key,
    ("Einsum.from_nodes_ints", "nodes"): [x],
    ("Einsum.from_einsum_string", "string"): "ab->b",
    ("Einsum.from_fancy_string", "string"): "a b -> b",
    ("Rearrange.from_string", "string"): "a b -> b a",
    ("Index.new_synchronized_to_start", "index"): (torch.tensor([0, 1]), torch.tensor([1, 1])),
    ("Scatter", "index"): (slice(0, 2), slice(0, 3)),
    ("Scatter", "idx"): (slice(0, 2), slice(0, 3)),
    ("Scatter", "shape"): (2, 3),
    ("Conv", "filter"): rc.Scalar(1.0, (1, 1, 3)),
    ("Conv", "stride"): [1],
    ("SetSymbolicShape.some_set_neq", "shape"): (None, 3),
    ("SetSymbolicShape.some_set_and_symbolic_neq", "shape"): (None, 3),
    ("StoredCumulantVar.new_mv", "mean"): rc.Scalar(0.0, (2,)),
    ("StoredCumulantVar.new_mv", "variance"): rc.Scalar(0.0, (2, 2)),
    ("StoredCumulantVar.new_mv", "higher_cumulants"): {},
    ("GeneralFunction.new_by_name", "spec_name"): "softmax",
    ("GeneralFunction.new_by_name_op", "spec_name"): "softmax",
    ("GeneralFunction.new_from_parse", "parse_string"): "softmax",
    ("GeneralFunction.gen_index", "index"): index,
    ("GeneralFunction.gen_index", "batch_index"): True,
    ("GeneralFunction.explicit_index", "index"): index,
    ("GeneralFunction.explicit_index", "x_non_batch_dims"): 1,
    ("ModuleSpec", "circuit"): spec.circuit,
    ("ModuleSpec.circuit =", "value"): spec.circuit,
    ("module_new_bind", "spec_circuit"): spec.circuit,
    ("extract_symbols_get", "circuit"): spec.circuit,
    ("extract_symbols_get", "get"): "s",
    ("extract_symbols", "circuit"): spec.circuit,
    ("pull_out_of_modules", "circuit"): OBJECTS["Module"],
    ("pull_out_of_modules", "matcher"): "body",
    ("expand_node", "inputs"): [x, OBJECTS["Einsum"].rearrange_str("a b -> b a")],
    ("RunDiscreteVarAllSpec", "groups"): [variable.probs_and_group],
    ("Schedule.split", "tensor"): torch.zeros(6),
    ("Schedule.replace_tensors", "allow_missing"): True,
    ("Schedule.deserialize", "string"): OBJECTS["Schedule"].serialize(),
    ("Parser.parse_circuits", "string"): "0 [2] Scalar 1",
    ("Parser.parse_circuit", "string"): "0 [2] Scalar 1",
    ("Parser.__call__", "string"): "0 [2] Scalar 1",
    ("multinomial", "probs"): rc.Scalar(0.5, (2,)),
    ("multinomial", "seed"): rc.Array(torch.tensor(3)),
    ("rewrite_cum_to_circuit_of_cum", "node"): variable,
    ("push_down_index_once", "node"): rc.Index(OBJECTS["Add"], (0,)),
    ("push_down_index", "index"): rc.Index(OBJECTS["Add"], (0,)),
    ("distribute_once", "einsum"): rc.Einsum((OBJECTS["Add"], (0, 1)), (x, (0, 1)), out_axes=(0,)),
    ("distribute", "einsum"): rc.Einsum((OBJECTS["Add"], (0, 1)), (x, (0, 1)), out_axes=(0,)),
    ("batch_to_concat", "batch_size"): 1,
    ("split_to_concat", "sections"): [1, 1],
    ("einsum_nest_path", "path"): [[0]],
    ("CharTokenizer", "mapping"): {"a": 3},
    ("CharTokenizer", "pad_width"): 8,
    ("CharTokenizer.tokenize_strings", "strings"): ["aa"],
    ("TensorCacheRrfs", "device"): "cpu",
    ("TensorCacheRrfs.get_tensor", "prefix"): key,
    ("TensorCacheRrfs.get_tensor_if_cached", "prefix"): key,
    ("get_tensor_prefix", "prefix"): key,
    ("migrate_tensors_from_old_dir", "dir"): ".",
    ("sweep", "circuit"): OBJECTS["Circuit"],
    ("sync_specific_tensors", "tensor_hash_prefixes"): [key],
    ("GeneralFunctionSpecTester.test_from_shapes", "spec"): rc.relu(x).spec,
    ("GeneralFunctionSpecTester.test_from_shapes", "shapes"): [(2, 3)],
}


class WrongLength:
    """A sequence that does not have the length it says."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, position):
        raise LookupError("nothing here")


class Hostile:
    """An object of which every use raises."""

    def _raise(self, *arguments):
        raise ArithmeticError("on purpose")

    __index__ = __int__ = __float__ = __len__ = __iter__ = __getitem__ = __call__ = __bool__ = __eq__ = __hash__ = __repr__ = _raise


def raises(*arguments):
    raise LookupError("on purpose")


huge = rc.Scalar(1.0, (2**62, 2**62), "huge")
long = rc.Scalar(1.0, (2**40,), "long")
wide = rc.Scalar(1.0, (1,) * 255, "wide")
empty = rc.Scalar(1.0, (0, 3), "empty")
symbolic = rc.Symbol((10007, 10009), uuid.UUID(int=11), "free")
WRONG = """
None | True | 0 | -1 | 3 | 2**31 | 2**32 | 2**40 | 2**62 | 2**63 - 1 | 2**63 | 2**64 | -2**31 - 1 | -2**63 | 2**200 | -2**200
0.5 | float("nan") | float("inf") | -float("inf") | 1e300 | 1j | "" | "a" | "\\0" | "\\ud800" | "(" * 5000 | "a" * 3000
"ab,bc->ac" | "[" | "cuda:99" | "\\n" | b"" | b"ab" | bytes(32) | object() | int | type | rc.Add | rc.Circuit | Ellipsis
NotImplemented | lambda: x | raises | nothing | lambda *a: 3 | lambda *a: huge | () | [] | {} | set() | frozenset()
iter([]) | range(2**40) | range(2**62) | WrongLength(2**40) | WrongLength(2**62) | WrongLength(3) | Hostile() | [Hostile()]
{0: Hostile()} | (0,) | (-1,) | (3,) | (2**31,) | (2**40,) | (2**62, 2**62) | (2**63,) | [2**64] | [-2**63] | [None] | [0.5]
[""] | ["\\ud800"] | [object()] | [0] * 300 | [1] * 300 | [2**62] * 255 | [0] * 100000 | [[]] | [[0]] | [[-1]] | [[2**40]]
[[2**63]] | [[0] * 300] | [[0, 0]] | [[None]] | slice(None) | slice(0, 2**70) | slice(-2**63, 2**63 - 1) | slice(0, 1, 0)
slice("a", "b") | [slice(5, 1)] | [slice(0, 2**70)] | [slice(0, 9, -1)] | {0: ""} | {0: "a:b"} | {-1: "a"} | {2**70: "a"}
{300: "a"} | {0: None} | {None: None} | {"": x} | {x: ""} | {x: x} | {0: x} | {2**40: x} | torch.zeros(2, 2)
torch.tensor(2**40) | torch.tensor([2**62]) | torch.tensor([-1, 5]) | torch.zeros(0) | torch.zeros(2, 3, device="meta")
torch.zeros(2, 3, dtype=torch.complex64) | torch.zeros(2, 3).to_sparse() | torch.nn.Parameter(torch.zeros(2, 3))
torch.zeros(2, 3, 0) | torch.tensor(float("nan")) | [torch.tensor([2**62])] | [torch.zeros(2, 3, device="meta")]
uuid.UUID(int=0) | x | index | symbol | variable | vector | huge | long | wide | empty | symbolic | rc.Add()
rc.Scalar(float("nan")) | [x] | [huge] | [x, None] | [x, huge, wide] | [variable, symbol] | (x, (0,)) | (x, (0, 1))
(x, (2**40,)) | [(x, (0, 1))] | (x, 1e300) | (x, x) | {x}
"""
WRONG = [each.strip() for line in WRONG.strip().splitlines() for each in line.split(" | ")]
SKIP = {
    "circuit_server_serve",  # does not return
    "Schedule.evaluate_remote",  # network
    "Schedule.evaluate_remote_many",
    "ScheduleToSend.evaluate_remote",
    "ScheduleToSend.evaluate_remote_many",
    "GeneralFunctionSpecTester.test_many_shapes",  # long
}


# --- calls
def annotation_text(node):
    return None if node is None else ast.unparse(node)


class Parameter:
    """A parameter of a call: how it is passed, and its annotation."""

    def __init__(self, name, annotation, kind, required):
        self.name, self.annotation, self.kind, self.required = name, annotation, kind, required


def parameters_of(function, skip_self):
    arguments = function.args
    plain = arguments.posonlyargs + arguments.args
    first_default = len(plain) - len(arguments.defaults)
    names = [
        Parameter(
            a.arg,
            annotation_text(a.annotation),
            "position" if a in arguments.posonlyargs or arguments.vararg else "name",
            i < first_default,
        )
        for i, a in enumerate(plain)
    ][1 if skip_self else 0 :]
    if arguments.vararg:
        names.append(Parameter(arguments.vararg.arg, annotation_text(arguments.vararg.annotation), "rest", True))
    for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        names.append(Parameter(a.arg, annotation_text(a.annotation), "name", default is None))
    if arguments.kwarg:
        names.append(Parameter("a", annotation_text(arguments.kwarg.annotation), "keywords", False))
    return names


def is_never(parameters):
    return any(p.annotation == "Never" for p in parameters)


def calls_of_the_stub():
    """(label, callable or None for a setter, object, parameters) of everything in the stub that users may call."""
    tree = ast.parse(Path(rc.__file__).parent.joinpath("_core.pyi").read_text(encoding="utf-8"))
    for item in tree.body:
        if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
            yield item.name, getattr(rc, item.name), parameters_of(item, False)
        if not isinstance(item, ast.ClassDef) or item.name.startswith("_"):
            continue
        cls, made = getattr(rc, item.name), object_of(item)
        for member in item.body:
            if not isinstance(member, ast.FunctionDef) or (member.name.startswith("_") and not member.name.startswith("__")):
                continue
            decorators = [ast.unparse(d) for d in member.decorator_list]
            label = f"{item.name}.{member.name}"
            if member.name == "__init__":
                parameters = parameters_of(member, True)
                if not is_never(parameters):
                    yield item.name, cls, parameters
            elif "staticmethod" in decorators:
                yield label, getattr(cls, member.name), parameters_of(member, False)
            elif any(d.endswith(".setter") for d in decorators):
                yield f"{label} =", setter(made, member.name), parameters_of(member, True)
            elif "property" not in decorators and made is not None:
                yield label, getattr(made, member.name), parameters_of(member, True)


def object_of(item):
    """An object of a class of the stub: the one in OBJECTS, or what its constructor makes of valid arguments, or None."""
    if item.name not in OBJECTS:
        for member in item.body:
            if isinstance(member, ast.FunctionDef) and member.name == "__init__" and not is_never(parameters_of(member, True)):
                positional, keywords = arguments_with(item.name, parameters_of(member, True))
                try:
                    OBJECTS[item.name] = getattr(rc, item.name)(*positional, **keywords)
                except Exception:  # noqa: BLE001 - the call itself is among those made
                    pass
    return OBJECTS.get(item.name)


def setter(made, name):
    def assign(value):
        try:
            target = copy.copy(made)
        except TypeError:
            target = made
        before = getattr(target, name)
        setattr(target, name, value)
        setattr(target, name, before)

    return assign


def calls_of_python():
    """The same for what is written in Python; parts 01 to 09 have little of it."""
    for name, item in sorted((name, getattr(rc, name)) for name in rc.__all__):
        if not getattr(item, "__module__", "").startswith("pycircuit"):
            continue
        if inspect.isfunction(item):
            yield name, item, parameters_of_signature(item)
        elif isinstance(item, type) and not issubclass(item, BaseException) and inspect.isfunction(vars(item).get("__init__")):
            yield name, item, parameters_of_signature(item.__init__)[1:]
            for member, function in sorted(vars(item).items()):
                if inspect.isfunction(function) and not member.startswith("_") and OBJECTS.get(name) is not None:
                    yield f"{name}.{member}", getattr(OBJECTS[name], member), parameters_of_signature(function)[1:]


def parameters_of_signature(function):
    kinds = {inspect.Parameter.VAR_POSITIONAL: "rest", inspect.Parameter.VAR_KEYWORD: "keywords"}
    found = []
    for p in inspect.signature(function).parameters.values():
        annotation = re.sub(r"\b(rc|_core|c|typing)\.", "", str(p.annotation))
        found.append(Parameter(p.name, annotation, kinds.get(p.kind, "name"), p.default is inspect.Parameter.empty and p.kind not in kinds))
    return found


def valid(label, parameter):
    """A valid value for a parameter."""
    if (label, parameter.name) in VALID_AT:
        return VALID_AT[label, parameter.name]
    for alternative in (parameter.annotation, *split_union(parameter.annotation)):
        if alternative == "Self":
            return OBJECTS[label.split(".")[0]]
        if alternative in VALID:
            return VALID[alternative]
    return None


def split_union(annotation):
    node = ast.parse(annotation, mode="eval").body
    parts = []
    while isinstance(node, ast.BinOp):
        parts.insert(0, ast.unparse(node.right))
        node = node.left
    return [ast.unparse(node), *parts]


def arguments_with(label, parameters, replaced=None, value=None):
    """Positional and keyword arguments: the required ones valid, one replaced."""
    positional, keywords = [], {}
    for p in parameters:
        if p is not replaced and not p.required:
            if p.kind == "position" and replaced is not None and replaced.kind in ("position", "rest"):
                break  # before *args every position counts
            continue
        argument = value if p is replaced else valid(label, p)
        if p.kind in ("position", "rest"):
            positional.append(argument)
        else:
            keywords[p.name] = argument
    return positional, keywords


# --- outcomes
class TooLong(BaseException):
    """Raised by the timer."""


def on_timer(*_):
    if Run.in_call:
        raise TooLong


# Texts by which an exception shows that nobody meant it.
UNMEANT = re.compile(
    r"INTERNAL ASSERT|enforce fail(?!.*can't allocate memory)|std::|_M_|basic_string|vector::|map::at|bad_|stoi|stoul|max_size"
    "|unknown exception|Unable to c"
)


class Run:
    """Makes calls, one at a time, and notes what should not be."""

    in_call = False

    def __init__(self, report):
        self.file = os.open(report, os.O_RDWR | os.O_CREAT)
        self.output = os.dup(1)  # the calls print, too
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        self.returned = self.raised = 0
        self.wrong = []
        self.current = ""

    def now(self, label):
        os.ftruncate(self.file, 0)
        os.pwrite(self.file, label.encode("utf-8", "backslashreplace"), 0)
        self.current = label

    def note(self, problem):
        self.wrong.append(f"{self.current}: {problem}")
        os.write(self.output, f"WRONG {ascii(self.wrong[-1])[1:-1][:600]}\n".encode())

    def call(self, label, function, positional, keywords, type_error=False):
        """Call it; returns the exception, or None."""
        self.now(label)
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        error = None
        Run.in_call = True
        try:
            result = function(*positional, **keywords)
            if isinstance(result, rc.Circuit):
                assert result.shape is not None and result.hash and repr(result)
        except TooLong:
            self.note("does not end")
        except Exception as caught:  # noqa: BLE001 - all kinds are looked at
            error = caught
        except BaseException as caught:  # noqa: BLE001
            self.note(f"raises {type(caught).__name__}")
        finally:
            Run.in_call = False
            signal.setitimer(signal.ITIMER_PROF, 0)
        if time.process_time() - start > SECONDS:
            self.note("takes long")
        if error is None:
            self.returned += 1
            if type_error:
                self.note("no TypeError")
            return None
        self.raised += 1
        self.check(error, type_error)
        return error

    def check(self, error, type_error):
        kind = type(error)
        try:
            text = str(error)
        except Exception as problem:  # noqa: BLE001
            self.note(f"str of the {kind.__name__} raises {problem!r}")
            return
        if isinstance(error, (SystemError, MemoryError, RecursionError, AssertionError)) or kind.__name__ == "error_already_set":
            self.note(f"raises {kind.__name__}: {text[:200]}")
        elif UNMEANT.search(text) and "incompatible function arguments" not in text and "incompatible constructor arguments" not in text:
            self.note(f"raises what nobody meant: {kind.__name__}: {text[:300]}")
        elif type_error and not isinstance(error, TypeError):
            self.note(f"raises {kind.__name__}, not TypeError: {text[:200]}")
        elif not text and kind.__module__.startswith("pycircuit"):
            self.note(f"raises {kind.__name__} without a text")


def canary():
    """What some circuits are, print, evaluate and parse to."""
    body = rc.softmax(rc.Add(symbol, symbol.mul_scalar(0.5)), "body")
    module = rc.Module.new_flat(rc.ModuleSpec(body, [rc.ModuleArgSpec(symbol)]), x, name="m")
    circuit = rc.Einsum.from_einsum_string("ab,cb->ac", module, x).index((slice(0, 2), torch.tensor([0, 1]))).sum(0)
    sampled = rc.Sampler(rc.RandomSampleSpec((4,), seeder=lambda c: 3)).estimate(rc.Cumulant(variable).add(rc.Scalar(1.0, (3,))))
    texts = [circuit.repr(), module.repr(), sampled.repr(), rc.simp(rc.substitute_all_modules(circuit)).repr()]
    parsed = rc.Parser(tensors_as_random=True, allow_hash_with_random=True)("0 Add\n  'p' [2,0s] Scalar 1\n  'q' [0s] Symbol")
    found = circuit.get(rc.Matcher(rc.Regex("x")).chain(rc.Array)), circuit.update("x", lambda c: c.rename("y")).repr()
    values = [circuit.evaluate().tolist(), sampled.evaluate().tolist()]
    return texts, parsed.repr(), parsed.hash, sorted(c.hash for c in found[0]), found[1], values, rc.PrintOptions() == rc.PrintOptions()


def all_calls():
    seen = set()
    for label, function, parameters in [*calls_of_the_stub(), *calls_of_python()]:
        if label.split(" ")[0] in SKIP or label in SKIP:
            continue
        seen.add(label)
        yield label, function, parameters
    assert len(seen) > 600, len(seen)


# Functions that put something in place for the whole process: what they change is put back.
def keeping_settings(function, *arguments):
    options = rc.get_debug_print_options()
    try:
        return function(*arguments)
    finally:
        rc.set_debug_print_options(options)


def run_values(run):
    """Each wrong value in place of each argument."""
    wrong = [(text, eval(text)) for text in WRONG]
    expected = canary()
    for number, (label, function, parameters) in enumerate(all_calls()):
        is_operator = re.search(r"\.__(?!call__|contains__|deepcopy__)", label) is not None
        duck_typed = inspect.isfunction(function) or inspect.ismethod(function) or inspect.isfunction(getattr(function, "__init__", None))
        base = arguments_with(label, parameters)
        error = run.call(f"{label} with valid arguments", function, *base)
        if error is not None and label not in MAY_FAIL:
            run.note(f"valid arguments raise {type(error).__name__}: {error}")
        for p in parameters:
            anything = p.annotation in ("object", "Any") or "object" in split_union(p.annotation)
            for text, value in wrong:
                if (label, p.name, text) in SLOW:
                    continue
                type_error = text in ("object()", "[object()]") and not (anything or is_operator or duck_typed or label in MAY_FAIL)
                keeping_settings(
                    run.call, f"{label} with {p.name} = {text}", function, *arguments_with(label, parameters, p, value), type_error
                )
        if number % 40 == 0 or label.startswith("clear"):
            run.now(f"canary after {label}")
            if canary() != expected:
                run.note("a circuit is, prints, evaluates or parses to something else than before")
    run.now("canary")
    if canary() != expected:
        run.note("a circuit is, prints, evaluates or parses to something else than before")


DEPTH = 3000
STACK = 192 * 1024  # less than 66 bytes a level: nothing can recurse
if SANITIZED:
    STACK = 4096 * 1024  # frames are many times larger
LONG = {"opt_eval_each_subcircuit_until_fail"}  # evaluates every node below every node


def deep_circuits():
    """Chains of DEPTH nodes, of one class or of several in turn."""
    one = rc.Scalar(1.0, (1,), "one")
    ident = rc.RearrangeSpec.ident(1)
    relu = rc.relu(one).spec
    steps = [
        lambda c: rc.Add(c, one, name="n"),
        lambda c: rc.Einsum((c, (0,)), (one, (0,)), out_axes=(0,), name="n"),
        lambda c: rc.Rearrange(c, ident, "n"),
        lambda c: rc.Index(c, (slice(None),), "n"),
        lambda c: rc.GeneralFunction(c, spec=relu, name="n"),
        lambda c: rc.Concat(c, axis=0, name="n"),
        lambda c: rc.Tag(c, uuid.UUID(int=1), "n"),
        lambda c: rc.Scatter(c, (slice(0, 1),), (1,), "n"),
    ]
    chain = rc.Symbol((1,), uuid.UUID(int=1), "s")
    for _ in range(DEPTH):
        chain = steps[0](chain)
    yield "a chain of Adds", chain
    mixed = one
    for k in range(DEPTH):
        mixed = steps[k % len(steps)](mixed)
    yield "a chain of all classes", mixed
    parameter = rc.Symbol((1,), uuid.UUID(int=2), "p")
    modules = one
    for _ in range(DEPTH // 8):
        body = rc.ModuleSpec(rc.Add(parameter, one, name="body"), [rc.ModuleArgSpec(parameter)])
        modules = rc.Module.new_flat(body, modules, name="m")
    yield "a chain of Modules", modules


def deep_lists():
    for what, wrap in (("list", lambda inner: [inner]), ("tuple", lambda inner: (inner,)), ("dict", lambda inner: {0: inner})):
        value = wrap(0)
        for _ in range(100_000):
            value = wrap(value)
        yield f"a {what} 100,000 deep", value


def run_deep(run):
    """Deep circuits in place of each argument, in a thread whose stack is small; deep lists likewise, as Python's own repr needs stack."""

    def call_with(values, wanted):
        for label, function, parameters in all_calls():
            for p in parameters:
                if p.annotation and re.search(wanted, p.annotation) and label not in LONG:
                    for text, value in values:
                        keeping_settings(
                            run.call, f"{label} with {p.name} = {text}", function, *arguments_with(label, parameters, p, value)
                        )

    def work():
        values = [*deep_circuits()]
        call_with(values, "Circuit|Add|Einsum|Index|Module|object|Matcher|Transform")
        # The other way round: their own methods.
        for text, value in values:
            for label, _, parameters in calls_of_the_stub():
                method = label.removeprefix("Circuit.")
                if label.startswith("Circuit.") and not label.endswith(" ="):
                    run.call(f"{method} of {text}", getattr(value, method), *arguments_with(label, parameters))
        expected = canary()
        del values
        run.now("canary")
        if canary() != expected:
            run.note("a circuit is, prints, evaluates or parses to something else than before")

    threading.stack_size(STACK)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    call_with([*deep_lists()], "")


# No valid arguments: only with the older library, only for other objects, or never.
MAY_FAIL = {
    *("Circuit.to_py", "RearrangeSpec.to_py_rearrange_spec", "RearrangeSpec.shapes", "Circuit.unflatten"),
    *("GeneralFunction.new_by_path", "Schedule.replace_tensors", "pull_out_of_modules", "rewrite_cum_to_circuit_of_cum"),
    *("Module", "extract_rewrite", "propagate_named_axes", "Einsum.from_nodes_ints"),
    *("Cumulant.equivalent_explicitly_computable_circuit", "Matcher.__bool__", "IterativeMatcher.__bool__"),
    *(f"Circuit.cast_{kind}" for kind in ("einsum", "array", "symbol", "scalar", "rearrange", "index", "general_function", "concat")),
    *(f"Circuit.cast_{kind}" for kind in ("scatter", "conv", "module", "set_symbolic_shape", "tag", "discrete_var", "cumulant")),
    *("Circuit.cast_stored_cumulant_var", "tensor_from_hash", "sweep", "sweep_circuits"),
}
# Right, but long: what they ask for has that many parts.
SLOW = {("Array.randn", "shape", "2**31")}


def main():
    report, what = sys.argv[1:]
    faulthandler.enable()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    signal.signal(signal.SIGPROF, on_timer)  # signals reach the main thread only: in the other one long calls are noticed when they end
    run = Run(report)
    os.chdir(FOLDER.name)
    rc.save_tensor(x.value)
    if not SANITIZED:  # the sanitizer reserves far more than it uses, and has a limit of its own
        resource.setrlimit(resource.RLIMIT_AS, (12 << 30, resource.RLIM_INFINITY))
    {"values": run_values, "deep": run_deep}[what](run)
    os.chdir("/")
    FOLDER.cleanup()
    os.write(run.output, f"{run.returned} {run.raised}\n".encode())
    sys.exit(1 if run.wrong else 0)


if __name__ == "__main__":
    main()
