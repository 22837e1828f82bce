"""Layer norm, batch norm with stored statistics, and norms bound at a place of a block (spec 14, section 3)."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import pycircuit as rc

from ._building import HIDDEN, SEQ, ModuleLibraryRet, add_new_circs, bind_one

NormType = Literal["ln", "bn"]

layernorm_str = """
'ln.y' Einsum h,->h
  'ln.mean_subbed' Add
    'ln.input' [0s] Symbol 981b4d2a-711b-4a9d-a11c-d859c311e80c
    'ln.neg_mean' Einsum h,z,->z
      'ln.input'
      'ln.neg' [1] Scalar -1
      'ln.c.recip_hidden_size' GeneralFunction reciprocal
        'ln.c.hidden_size' GeneralFunction last_dim_size
          'ln.input'
  'ln.rsqrt' GeneralFunction rsqrt
    'ln.var_p_eps' Add
      'ln.c.eps' [] Scalar 0.00001
      'ln.var' Einsum h,h,->
        'ln.mean_subbed'
        'ln.mean_subbed'
        'ln.c.recip_hidden_size'
'ln.input'
'ln' Add
  'ln.w.bias' [0s] Symbol 621c7792-0177-45ab-87c5-7ff1c3bec487
  'ln.y_scaled' Einsum h,h->h
    'ln.y'
    'ln.w.scale' [0s] Symbol 0fa341c3-34b3-4699-847f-08674808b28a
'ln.w.bias'
'ln.w.scale'
"""
layernorm_circs = add_new_circs(layernorm_str, {})
layernorm = ModuleLibraryRet.mk(layernorm_circs, "ln")

batchnorm_str = """
'bn.y' Einsum h,h->h
  'bn.mean_subbed' Add
    'bn.input' [0s] Symbol cfe0aa25-1214-4d3e-ad53-417fedbb9b7b
    'bn.neg_mean' Einsum h,->h
      'bn.mean' [0s] Symbol 217403c9-03b6-4444-8f72-de03b95229d0
      'bn.neg' [] Scalar -1
  'bn.rsqrt' GeneralFunction rsqrt
    'bn.var_p_eps' Add
      'bn.c.eps' [] Scalar 0.00001
      'bn.var' [0s] Symbol c4e41ca7-e3ab-429e-81b6-25bb14423fb4
'bn.input'
'bn.mean'
'bn.var'
'bn' Add
  'bn.w.bias' [0s] Symbol 3e861c08-9a74-4348-87df-3752a8557aea
  'bn.y_scaled' Einsum h,h->h
    'bn.y'
    'bn.w.scale' [0s] Symbol ccbac7e0-c931-422b-9724-1e24ab6e9c63
'bn.w.bias'
'bn.w.scale'
"""
batchnorm_circs = add_new_circs(batchnorm_str, {})
batchnorm = ModuleLibraryRet.mk(batchnorm_circs, "bn")

NORM_ARGUMENTS: dict[str, list[str]] = {"ln": ["w.bias", "w.scale"], "bn": ["mean", "var", "w.bias", "w.scale"]}


def _norm_uuids(scale: str, bias: str, var: str, mean: str, inp: str) -> list[UUID]:
    return [UUID(text) for text in (scale, bias, var, mean, inp)]


m_norm_uuids = _norm_uuids(
    scale="fe330d51-0164-4b49-a504-81769d550bb1",
    bias="771e2d50-3414-459e-87ff-879f83d4a15c",
    var="bf7ea689-c481-4ad4-89d0-0a59cd476739",
    mean="cf2adbd9-b04f-42af-86d7-cc5c8890607b",
    inp="f63f8838-9d69-4da2-a902-8eaf325f07a7",
)
a_norm_uuids = _norm_uuids(
    scale="c564149d-e226-4e3d-8e47-7d6e2ceea99e",
    bias="2c737289-2702-404c-a22e-ad37c2652620",
    var="33774cb3-f047-4a1e-ac0c-e6f8c93d2bb2",
    mean="981982a3-253b-4c0d-8789-c0bc9dcd229b",
    inp="6a622698-fd68-4d25-aeee-e8d38e68049e",
)
final_norm_uuids = _norm_uuids(
    scale="2110aef7-70d5-4f77-a929-044e40c31cbd",
    bias="10652dc2-e9a8-4f1e-8bad-99d46804c7b3",
    var="6cfcb4e6-7081-4d2d-bef9-1e9db52d4444",
    mean="94e8bc7f-1689-429f-bfec-67d33965aef5",
    inp="0851aebd-0d39-4f65-89f9-8a8afaed631a",
)


def get_norm_bind(prefix: str, uuids: list[UUID], norm_type: NormType) -> ModuleLibraryRet:
    """The norm of the place `prefix` with symbols of its own; `uuids`: scale, bias, var, mean, input (spec 14, section 3.3)."""
    norm = {"ln": layernorm, "bn": batchnorm}[norm_type]
    scale, bias, var, mean, inp = uuids
    uuid_of = {"w.scale": scale, "w.bias": bias, "var": var, "mean": mean}
    norm_input = rc.Symbol((SEQ, HIDDEN), inp, f"{prefix}.norm.input")
    weights = [rc.Symbol((HIDDEN,), uuid_of[key], f"{prefix}.{norm_type}.{key}") for key in NORM_ARGUMENTS[norm_type]]
    body = rc.Module.new_flat(norm.spec, norm_input, *weights, name=f"{prefix}.norm")
    circs = {**norm.circs, body.name: body, norm_input.name: norm_input, **{weight.name: weight for weight in weights}}
    return ModuleLibraryRet.mk(circs, body.name)


m_ln_bind = get_norm_bind("m", m_norm_uuids, "ln")
a_ln_bind = get_norm_bind("a", a_norm_uuids, "ln")
p_ln_bind = get_norm_bind("p", a_norm_uuids, "ln")
final_ln_bind = get_norm_bind("final", final_norm_uuids, "ln")
m_bn_bind = get_norm_bind("m", m_norm_uuids, "bn")
a_bn_bind = get_norm_bind("a", a_norm_uuids, "bn")
p_bn_bind = get_norm_bind("p", a_norm_uuids, "bn")
final_bn_bind = get_norm_bind("final", final_norm_uuids, "bn")

NORM_BINDS: dict[str, dict[str, ModuleLibraryRet]] = {
    "ln": {"m": m_ln_bind, "a": a_ln_bind, "p": p_ln_bind, "final": final_ln_bind},
    "bn": {"m": m_bn_bind, "a": a_bn_bind, "p": p_bn_bind, "final": final_bn_bind},
}


def get_norm_call(prefix: str, circs: dict[str, rc.Circuit], mod: str | None = None) -> ModuleLibraryRet:
    """Adds `<prefix>.norm_call`: the module `circs[mod]` on the output of `<prefix>.norm` (spec 14, section 3.3)."""
    called = circs[prefix if mod is None else mod]
    name = f"{prefix}.norm_call"
    call = bind_one(called, circs[f"{prefix}.input"], circs[f"{prefix}.norm"], name)
    return ModuleLibraryRet.mk({**circs, name: call}, name)
