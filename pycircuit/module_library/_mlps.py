"""Pointwise and bilinear MLPs (spec 14, section 5)."""

from __future__ import annotations

from functools import cache
from typing import Literal
from uuid import UUID

import pycircuit as rc

from ._building import HIDDEN, ModuleLibraryRet, add_new_circs, zero_input

MlpActType = Literal["gelu", "gelu_new", "relu", "bilinear"]
SoftmaxType = Literal["softmax"]
PosEncType = Literal["gpt", "shortformer", "none"]

m_input = rc.Symbol((HIDDEN,), UUID("13ec4cdc-5f25-4969-870b-0bfa2300187b"), "m.input")
m_base_circs: dict[str, rc.Circuit] = {"m.input": m_input}

_POINTWISE_MLP = """
'm.p_bias' Add
  'm' Einsum h,oh->o
    'm.act' GeneralFunction {function}
      'm.pre' Add
        'm.pre_mul' Einsum i,hi->h
          'm.input'
          'm.w.proj_in' [5s,0s] Symbol 5217f963-0cdb-460e-bb1f-f82f7fbb3cd9
        'm.w.in_bias' [5s] Symbol c870ec00-8c6f-4080-907c-703ea85dde48
    'm.w.proj_out' [0s,5s] Symbol fdefa9af-a7d6-4a38-a7ed-5ce816c6efe7
  'm.w.out_bias' [0s] Symbol 113c30ba-fa88-4f34-a301-ea7912e03064
'm.w.proj_in'
'm.w.in_bias'
'm.w.proj_out'
'm.w.out_bias'
"""

raw_bilinear_mlp_str = """
'm.p_bias' Add
  'm' Einsum h,h,oh->o
    'm.pre0' [6s] Index [0,:]
      'm.fold_pre' Rearrange (a:2 b) -> a:2 b
        'm.pre_p_bias' Add
          'm.pre' Einsum i,hi->h
            'm.input'
            'm.w.proj_in' [2*6s,0s] Symbol c171d519-8793-4a8b-ac5e-d550347f30a6
          'm.w.in_bias' [2*6s] Symbol 886b5425-cd19-4db4-871a-c46cb1a23114
    'm.pre1' [6s] Index [1,:]
      'm.fold_pre'
    'm.w.proj_out' [0s,6s] Symbol e61637eb-9f17-4325-b2c2-5eb2518026cf
  'm.w.out_bias' [0s] Symbol 7efddf2e-20af-492c-a94e-1d19468f333f
'm.w.proj_in'
'm.w.in_bias'
'm.w.proj_out'
'm.w.out_bias'
"""
raw_bilinear_mlp_circs = add_new_circs(raw_bilinear_mlp_str, m_base_circs)


def _mlp(circs: dict[str, rc.Circuit], output_bias: bool) -> ModuleLibraryRet:
    if output_bias:
        return ModuleLibraryRet.mk(circs, "m.p_bias")
    return ModuleLibraryRet.mk(zero_input(circs, "m.w.out_bias"), "m")


@cache
def _pointwise_mlp(function_str: str, output_bias: bool) -> ModuleLibraryRet:
    return _mlp(add_new_circs(_POINTWISE_MLP.format(function=function_str), m_base_circs), output_bias)


@cache
def _bilinear_mlp(output_bias: bool) -> ModuleLibraryRet:
    return _mlp(raw_bilinear_mlp_circs, output_bias)


def get_pointwise_mlp(function_str: str = "gelu", output_bias: bool = False) -> ModuleLibraryRet:
    """An MLP on `m.input` `[hidden]` with a one-argument elementwise function; the same object for equal arguments (spec 14, section 5)."""
    return _pointwise_mlp(function_str, bool(output_bias))


def get_bilinear_mlp(output_bias: bool = False) -> ModuleLibraryRet:
    """The MLP that multiplies the two halves of the input projection; the same object for equal arguments (spec 14, section 5)."""
    return _bilinear_mlp(bool(output_bias))


def get_mlp(act_type: MlpActType, output_bias: bool) -> ModuleLibraryRet:
    """The MLP of an activation type."""
    return get_bilinear_mlp(output_bias) if act_type == "bilinear" else get_pointwise_mlp(act_type, output_bias)
