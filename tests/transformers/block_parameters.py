"""The parameters the tests of the transformer library run over (spec 14, section 6.1)."""

import itertools

import pycircuit as rc
from pycircuit.module_library import TransformerBlockParams

FLOAT64 = rc.TorchDeviceDtypeOp("cpu", "float64")


def all_block_params():
    """Every legal combination of block parameters but the activation types, which vary with the output bias."""
    for norm_type in (None, "ln", "bn"):
        for bias, pos, use_mlp, output_bias, parallel, rope in itertools.product((False, True), repeat=6):
            if parallel and (not use_mlp or norm_type is None):
                continue
            yield TransformerBlockParams(
                norm_type=norm_type,
                attn_bias=bias,
                attn_pos=pos,
                use_mlp=use_mlp,
                mlp_act_type="bilinear" if bias != pos else "gelu",
                mlp_output_bias=output_bias,
                use_parallel_residual=parallel,
                use_rope=rope,
            )
