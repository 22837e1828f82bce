"""Type aliases of the API, as real `typing` objects (spec 01, section 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Dict, List, Optional, Tuple, Union  # noqa: UP035 - the aliases are written as the API documents them

import torch

from pycircuit import _core as c

Shape = tuple
Axis = Union[None, int, Sequence[int]]  # noqa: UP007
TorchAxisIndex = Union[int, slice, torch.Tensor]  # noqa: UP007
Path = List[c.Circuit]  # noqa: UP006
Paths = List[Path]  # noqa: UP006

IrreducibleNode = Union[c.Array, c.Symbol]  # noqa: UP007
Leaf = Union[c.Array, c.Symbol, c.Scalar]  # noqa: UP007
LeafConstant = Union[c.Array, c.Scalar]  # noqa: UP007
Var = Union[c.StoredCumulantVar, c.DiscreteVar]  # noqa: UP007

_NodeClass = type
MatcherIn = Union[  # noqa: UP007
    bool, str, set, frozenset, _NodeClass, c.Circuit, c.Regex, c.BoundAnyFound, c.Matcher, Callable[[c.Circuit], bool]
]
IterativeMatcherIn = Union[MatcherIn, c.IterativeMatcher]  # noqa: UP007
UpdatedIterativeMatcher = Union[None, c.Finished, c.IterativeMatcher, List[Union[c.Finished, c.IterativeMatcher]]]  # noqa: UP006, UP007
UpdatedIterativeMatcherIn = Union[None, c.Finished, IterativeMatcherIn, Sequence[Union[c.Finished, IterativeMatcherIn]]]  # noqa: UP007
IntOrMatcher = Union[int, IterativeMatcherIn]  # noqa: UP007
TransformIn = Union[c.Transform, Callable[[c.Circuit], c.Circuit]]  # noqa: UP007

SampleSpecIn = Union[c.RandomSampleSpec, c.RunDiscreteVarAllSpec]  # noqa: UP007
Binder = Union[Tuple[IterativeMatcherIn, c.Circuit], c.BindItem]  # noqa: UP006, UP007
MaybeUpdate = Callable[[c.Circuit], Optional[c.Circuit]]  # noqa: UP045
ModuleConstructCallback = Callable[..., c.Circuit]
NestedModuleNamer = Callable[[c.Circuit, c.Circuit, List[c.Module], Optional[int]], Optional[str]]  # noqa: UP006, UP045

GeneralFunctionSpec = Union[  # noqa: UP007
    c.GeneralFunctionSimpleSpec,
    c.GeneralFunctionIndexSpec,
    c.GeneralFunctionExplicitIndexSpec,
    c.GeneralFunctionSetDDSpec,
    c.GeneralFunctionPowSpec,
    c.GeneralFunctionMultinomialSpec,
    Any,
]
ConvPaddingShorthand = Union[int, List[int], List[Tuple[int, int]]]  # noqa: UP006, UP007

PrintOptionsBase = Union[c.PrintOptions, c.PrintHtmlOptions]  # noqa: UP007
CliColor = Union[None, int, str]  # noqa: UP007
CircuitColorer = Callable[[c.Circuit], CliColor]
CircuitCommenter = Callable[[c.Circuit], Optional[str]]  # noqa: UP045
CircuitHtmlColorer = Callable[[c.Circuit], Optional[str]]  # noqa: UP045

NestEinsumsSpecMultiple = Sequence["NestEinsumsSpec"]
NestEinsumsSpecSub = Union[Dict[str, Any], Any]  # noqa: UP006, UP007
NestEinsumsSpec = Union[IntOrMatcher, NestEinsumsSpecMultiple, NestEinsumsSpecSub]  # noqa: UP007
NestAddsSpecMultiple = Sequence["NestAddsSpec"]
NestAddsSpecSub = Union[Dict[str, Any], Any]  # noqa: UP006, UP007
NestAddsSpec = Union[IntOrMatcher, NestAddsSpecMultiple, NestAddsSpecSub]  # noqa: UP007

__all__ = [
    "Axis",
    "Binder",
    "CircuitColorer",
    "CircuitCommenter",
    "CircuitHtmlColorer",
    "CliColor",
    "ConvPaddingShorthand",
    "GeneralFunctionSpec",
    "IntOrMatcher",
    "IrreducibleNode",
    "IterativeMatcherIn",
    "Leaf",
    "LeafConstant",
    "MatcherIn",
    "MaybeUpdate",
    "ModuleConstructCallback",
    "NestAddsSpec",
    "NestAddsSpecMultiple",
    "NestAddsSpecSub",
    "NestEinsumsSpec",
    "NestEinsumsSpecMultiple",
    "NestEinsumsSpecSub",
    "NestedModuleNamer",
    "Path",
    "Paths",
    "PrintOptionsBase",
    "SampleSpecIn",
    "Shape",
    "TorchAxisIndex",
    "TransformIn",
    "UpdatedIterativeMatcher",
    "UpdatedIterativeMatcherIn",
    "Var",
]
