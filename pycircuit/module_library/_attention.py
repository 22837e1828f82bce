"""Attention with optional biases, position input and rotary positions (spec 14, section 4)."""

from __future__ import annotations

from functools import cache

from ._building import ModuleLibraryRet, add_new_circs, zero_input

not_mask_str = """
'not_mask' Add
  'one' [] Scalar 1
  'not_mask.neg_mask' Einsum ,->
    'not_mask.input' [] Symbol b46f6370-11e1-4535-aabc-94554c234673
    'neg_one' [] Scalar -1
'not_mask.input'
"""
not_mask_circs = add_new_circs(not_mask_str, {})
not_mask = ModuleLibraryRet.mk(not_mask_circs, "not_mask")

raw_attention_str = """
'a.head' Einsum sV,dV->sd
  'a.comb_v' Einsum qk,kV->qV
    'a.attn_probs' GeneralFunction softmax
      'a.attn_scores' Add
        'a.attn_scores_raw' Einsum qc,kc,,qk->qk
          'a.q_p_bias' Add
            'a.q' Einsum qd,cd->qc
              'a.q.input' [2s,0s] Symbol 4f80d1a1-86a4-4e44-94f7-909ec7089061
              'a.w.q_h' [7s,0s] Symbol 665efa60-d86c-40d5-92b2-b96d11686a8b
            'a.w.q_bias_h' [7s] Symbol 7d531f53-6cce-4bf3-82db-5fe8b2eef974
          'a.k_p_bias' Add
            'a.k' Einsum kd,cd->kc
              'a.k.input' [3s,0s] Symbol 664bddee-28ca-47e7-9fb7-9a718de06619
              'a.w.k_h' [7s,0s] Symbol 41177709-446d-4588-b9e5-c2bbf59d53a0
            'a.w.k_bias_h' [7s] Symbol a891aae4-3c24-4713-afc7-8b954c6fc1b5
          'a.c.div_head_size' GeneralFunction rsqrt
            'a.c.head_size' GeneralFunction last_dim_size
              'a.c.bias_for_head_size' Einsum jk->j
                'a.w.k_h'
          'a.mask' [2s,3s] Symbol ccfe5bc9-b402-42dd-a5e1-191e6fb7c268
        'a.score_neg_inf_bias' Einsum qk,->qk
          'a.not_mask' Module
            'not_mask'
            'a.mask' ! 'not_mask.input'
          'a.neg_inf' [] Scalar -10000
    'a.v_p_bias' Add
      'a.v' Einsum kd,Vd->kV
        'a.v.input' [3s,0s] Symbol 8fd4c632-7f28-49ee-84cc-3dde997e0693
        'a.w.v_h' [8s,0s] Symbol 79b6ebff-f9d0-411a-bcdc-530cc13e1524
      'a.w.v_bias_h' [8s] Symbol dfb2c4ec-9378-40ee-a360-7d58f2b96954
  'a.w.o_h' [0s,8s] Symbol 11a116cb-2168-4725-a06f-1b61a8ca6797
'a.q.input'
'a.k.input'
'a.v.input'
'a.mask'
'a.w.q_h'
'a.w.q_bias_h'
'a.w.k_h'
'a.w.k_bias_h'
'a.w.v_h'
'a.w.v_bias_h'
'a.w.o_h'
'a.head.on_inp' Module
  'a.head'
  'a.qk_input' Add ! 'a.q.input'
    'a.input' [1s,0s] Symbol f9eabd07-e2ab-4ed4-8b4a-c9c039d61835
    'a.pos_input' [1s,0s] Symbol eab8313e-d910-4174-8dbe-c612954eec34
  'a.qk_input' ! 'a.k.input'
  'a.input' ! 'a.v.input'
'a.input'
'a.pos_input'
'a.p_bias' Add
  'a' Einsum hsd->sd
    'a.heads' Module
      'a.head.on_inp'
      'a.w.q' [4s,7s,0s] Symbol cf8f9c58-1875-45b0-8007-66b66b8a405a ! 'a.w.q_h'
      'a.w.q_bias' [4s,7s] Symbol e896a43e-ba35-43d5-97e7-e189caf3278b ! 'a.w.q_bias_h'
      'a.w.k' [4s,7s,0s] Symbol c342f1cd-71e6-4848-86b4-1c3ffdd46753 ! 'a.w.k_h'
      'a.w.k_bias' [4s,7s] Symbol 13465b29-c28a-4d55-8a27-22c26cc01c69 ! 'a.w.k_bias_h'
      'a.w.v' [4s,8s,0s] Symbol a90db69c-f4ad-47d6-8b76-faa4b107dacd ! 'a.w.v_h'
      'a.w.v_bias' [4s,8s] Symbol ea64ee26-2438-4aa9-b777-0ef4f5f70e74 ! 'a.w.v_bias_h'
      'a.w.o' [4s,0s,8s] Symbol 24e0e5cf-8b68-4bf2-b198-17237523b237 ! 'a.w.o_h'
  'a.w.o_bias' [0s] Symbol 61d54061-63e2-4a5d-9c7a-15c1ecc53b95
'a.w.q'
'a.w.q_bias'
'a.w.k'
'a.w.k_bias'
'a.w.v'
'a.w.v_bias'
'a.w.o'
'a.w.o_bias'
'qk_with_rot' [1s,7s] SetSymbolicShape
  'qk_with_rot.re' Rearrange a b:2 c:2 d -> a (b:2 c:2 d)
    'qk_with_rot.cat' Concat 1
      'qk_with_rot.q_rot' Rearrange a b c -> a 1 b c
        'qk_rot' GeneralFunction apply_rotary_pos_emb at rust_circuit.generalfuncs.rotary_pos_emb:ApplyRotaryPosEmb
          'qk_rot.inp' [1s,2,11s] Index [:,0,:,:]
            'qk_split' Rearrange a (b:2 c:2 d) -> a b:2 c:2 d
              'qk_split.set' [1s,4*11s] SetSymbolicShape
                'qk' [1s,7s] Symbol 442c7d04-1948-4904-b96a-5c0acf22f19c
      'qk_with_rot.q_pass' [1s,1,2,11s] Index [:,1:,:,:]
        'qk_split'
'a_rope.head' Einsum sV,dV->sd
  'a_rope.comb_v' Einsum qk,kV->qV
    'a_rope.attn_probs' GeneralFunction softmax
      'a_rope.attn_scores' Add
        'a_rope.attn_scores_raw' Einsum qc,kc,,qk->qk
          'a_rope.q' Module
            'qk_with_rot'
            'a.q_p_bias' ! 'qk'
          'a_rope.k' Module
            'qk_with_rot'
            'a.k_p_bias' ! 'qk'
          'a.c.div_head_size'
          'a.mask'
        'a.score_neg_inf_bias'
    'a.v_p_bias'
  'a.w.o_h'
'a_rope.head.on_inp' Module
  'a_rope.head'
  'a.qk_input' ! 'a.q.input'
  'a.qk_input' ! 'a.k.input'
  'a.input' ! 'a.v.input'
'a_rope.p_bias' Add
  'a_rope' Einsum hsd->sd
    'a_rope.heads' Module
      'a_rope.head.on_inp'
      'a.w.q' ! 'a.w.q_h'
      'a.w.q_bias' ! 'a.w.q_bias_h'
      'a.w.k' ! 'a.w.k_h'
      'a.w.k_bias' ! 'a.w.k_bias_h'
      'a.w.v' ! 'a.w.v_h'
      'a.w.v_bias' ! 'a.w.v_bias_h'
      'a.w.o' ! 'a.w.o_h'
  'a.w.o_bias'
"""
raw_attention_circs = add_new_circs(raw_attention_str, not_mask_circs)

_BIASES = ["a.w.q_bias_h", "a.w.q_bias", "a.w.k_bias_h", "a.w.k_bias", "a.w.v_bias_h", "a.w.v_bias", "a.w.o_bias"]


@cache
def _attention(bias: bool, pos: bool, rope: bool) -> ModuleLibraryRet:
    circs = raw_attention_circs
    for name in ([] if bias else _BIASES) + ([] if pos else ["a.pos_input"]):
        circs = zero_input(circs, name)
    return ModuleLibraryRet.mk(circs, ("a_rope" if rope else "a") + (".p_bias" if bias else ""))


def get_attention(bias: bool = False, pos: bool = False, rope: bool = False) -> ModuleLibraryRet:
    """Attention of all heads on `a.input` `[seq, hidden]` with `a.mask` (1 where attending is allowed) (spec 14, section 4.4)."""
    return _attention(bool(bias), bool(pos), bool(rope))
