"""The stub of the core has every name, with the parameters and simple defaults of the bindings (pycircuit/_core.pyi).

`make lint` runs mypy's stubtest besides, which cannot see the parameters of bindings.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pycircuit as rc
from pycircuit import _core, _errors

STUBS = Path(rc.__file__).parent
SIMPLE = re.compile(r"None|True|False|-?\d+(\.\d+)?|\(\)|'[^']*'|\"[^\"]*\"")
GENERATED = {"__init__", "__getstate__", "__setstate__", "__reduce__", "__reduce_ex__", "__hash__"}
Parameters = list[tuple[str, str | None]]


def split(text: str) -> list[str]:
    """The text at commas outside of brackets and quotes."""
    parts, depth, quote = [""], 0, ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        else:
            depth += (char in "([{") - (char in ")]}")
        if char == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def bound_parameters(signature: str) -> Parameters:
    """Names and defaults of a signature in a docstring of pybind11; variadic ones as "*" and "**"."""
    inside = re.match(r"\w+\((.*)\) -> ", signature)
    assert inside, signature
    result: Parameters = []
    for part in split(inside[1]):
        name, _, default = part.partition(" = ")
        name = name.partition(":")[0].strip()
        if name not in ("/", "*", "self"):
            variadic = "*" if name == "tuple" else re.sub(r"(\*+).*", r"\1", name)
            result.append((variadic, default or None))
    return result


def signatures(function: Any) -> list[str]:
    doc = inspect.getdoc(function) or ""
    if "Overloaded function." in doc:
        return [line.partition(". ")[2] for line in doc.splitlines() if re.match(r"\d+\. \w+\(", line)]
    return [doc.splitlines()[0]]


def stub_parameters(node: ast.FunctionDef) -> Parameters:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults)) + [*arguments.defaults]
    result: Parameters = [(a.arg, None if d is None else ast.unparse(d)) for a, d in zip(positional, defaults, strict=True)]
    result += [("*", None)] if arguments.vararg else []
    result += [(a.arg, None if d is None else ast.unparse(d)) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    result += [("**", None)] if arguments.kwarg else []
    return [parameter for parameter in result if parameter[0] != "self"]


TREE = ast.parse((STUBS / "_core.pyi").read_text())
CLASSES = {node.name: node for node in TREE.body if isinstance(node, ast.ClassDef)}


def functions() -> Iterator[tuple[str, Any, list[ast.FunctionDef]]]:
    """(name, binding, definitions in the stub) of every function and method of the core."""
    for name, value in vars(_core).items():
        if name.startswith("_"):
            continue
        if not isinstance(value, type):
            if callable(value):
                yield name, value, [node for node in TREE.body if isinstance(node, ast.FunctionDef) and node.name == name]
            continue
        for member, static in vars(value).items():
            dunder = member.startswith("__") and member not in ("__init__", "__call__")
            if dunder or member.startswith("_pybind11") or isinstance(static, property) or not callable(getattr(value, member)):
                continue
            if member == "__init__" and not isinstance(static, type(_core.Regex.__init__)):
                continue  # no constructor
            if inspect.isfunction(getattr(value, member)):
                continue  # written in Python: stubtest compares it
            body = CLASSES[name].body if name in CLASSES else []
            yield f"{name}.{member}", getattr(value, member), [n for n in body if isinstance(n, ast.FunctionDef) and n.name == member]


ALL = list(functions())
# Keywords that the bindings take as a mapping.
SPELLED_OUT = {"PrintOptions.evolve", "PrintHtmlOptions.evolve", "OptimizationSettings.__init__"}


def test_every_name_is_in_the_stub() -> None:
    assert [name for name, _, nodes in ALL if not nodes] == []
    for name, value in vars(_core).items():
        if isinstance(value, type) and not name.startswith("_"):
            known = {node.name for node in CLASSES[name].body if isinstance(node, ast.FunctionDef)}
            assert {member for member in vars(value) if isinstance(vars(value)[member], property)} <= known, name


@pytest.mark.parametrize(
    ("name", "binding", "nodes"),
    [entry for entry in ALL if entry[0] not in SPELLED_OUT],
    ids=[entry[0] for entry in ALL if entry[0] not in SPELLED_OUT],
)
def test_parameters_and_defaults(name: str, binding: Any, nodes: list[ast.FunctionDef]) -> None:
    wanted = [bound_parameters(signature) for signature in signatures(binding)]
    found = [stub_parameters(node) for node in nodes]
    if name in ("Matcher.new_and", "Matcher.new_or"):  # one binding, a type for each kind of argument
        found = found[:1]
    assert [[p for p, _ in parameters] for parameters in found] == [[p for p, _ in parameters] for parameters in wanted]
    for stub, bound in zip(found, wanted, strict=True):
        for (parameter, given), (_, default) in zip(stub, bound, strict=True):
            assert (given is None) == (default is None), parameter
            if default is not None and given != "...":
                assert SIMPLE.fullmatch(default) and ast.literal_eval(given or "") == ast.literal_eval(default), parameter
            if given == "...":
                assert not SIMPLE.fullmatch(default or ""), parameter


def test_fields_of_evolve() -> None:
    for name in ("PrintOptions", "PrintHtmlOptions"):
        (node,) = [n for n in CLASSES[name].body if isinstance(n, ast.FunctionDef) and n.name == "evolve"]
        others = {member for member, value in vars(getattr(rc, name)).items() if isinstance(value, property)} - {"is_print_as_tree"}
        assert {field for field, _ in stub_parameters(node)} == others


def test_settings_of_the_optimizer() -> None:
    (node,) = [n for n in CLASSES["OptimizationSettings"].body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
    settings = rc.OptimizationSettings()
    for field, default in stub_parameters(node):
        assert default == "..." or ast.literal_eval(default or "") == getattr(settings, field), field
    by_position = [getattr(settings, argument.arg) for argument in node.args.args if argument.arg != "self"]
    assert rc.OptimizationSettings(*by_position) == settings
    assert rc.OptimizationSettings(**{field: getattr(settings, field) for field, _ in stub_parameters(node)}) == settings


def test_exceptions_are_in_their_stub() -> None:
    tree = ast.parse((STUBS / "_exceptions.pyi").read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    aliases = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)}
    assert set(classes) | aliases == set(_errors.CLASSES)
    for name, node in classes.items():
        value = _errors.CLASSES[name]
        assert [base.__name__ for base in value.__bases__] == [ast.unparse(base).removeprefix("builtins.") for base in node.bases]
        if issubclass(value, _errors.ErrorInfo):
            assert list(value.fields) == [member.name for member in node.body if isinstance(member, ast.FunctionDef)]
