"""Log likelihood of labels and upcasting of stored tokens (spec 14, section 7)."""

from __future__ import annotations

import pycircuit as rc

from ._building import ModuleLibraryRet, P, add_new_circs, make_spec

log_likelyhood_str = """
'll' GeneralFunction gen_index_at_0_batch_x_c
  'log_probs' GeneralFunction log_softmax
    'll.input' [9s] Symbol b9d111e5-b793-4f63-84a0-2f8590b9f39c
  'll.label' [] Symbol 74c503b9-fe2c-4f8b-9350-7351a292c351
'll.input'
'll.label'
'nll' Einsum ,->
  'll'
  'nll.neg' [] Scalar -1
"""
log_likelyhood_circs = add_new_circs(log_likelyhood_str, {})
log_likelyhood = ModuleLibraryRet.mk(log_likelyhood_circs, "ll")
negative_log_likelyhood = ModuleLibraryRet.mk(log_likelyhood_circs, "nll")

# The inner cast keeps the sum exact: 32768 does not fit int16, the dtype the sum would otherwise have.
_TOKEN_UPCAST = """
'upcast_toks' GeneralFunction cast_from_{device:None,dtype:None}_to_{device:None,dtype:int64}
  'upcast_toks.sub' Add
    'upcast_toks.wide' GeneralFunction cast_from_{device:None,dtype:None}_to_{device:None,dtype:int64}
      'upcast_toks.int16_toks' [] Symbol
    'upcast_toks.signed_int16_min' [] Scalar 32768
"""
token_upcast_module: rc.ModuleSpec = make_spec(P.parse_circuit(_TOKEN_UPCAST))
