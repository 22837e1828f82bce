"""Blocks and decoder transformers, and random stand-ins for their weights (spec 14, section 6)."""

from __future__ import annotations

import random
from functools import cache
from typing import Literal
from uuid import UUID

import attrs

import pycircuit as rc
from pycircuit.py_utils import check

from ._attention import get_attention
from ._building import HIDDEN, SEQ, VOCAB_SIZE, ModuleLibraryRet, add_number, apply_prefix, bind_one, make_spec, rename_circs_to_keys
from ._mlps import MlpActType, get_mlp
from ._norms import NORM_ARGUMENTS, NORM_BINDS, get_norm_call

Circs = dict[str, rc.Circuit]

b_input = rc.Symbol((SEQ, HIDDEN), UUID("5837c4fd-f5ac-4bff-8456-abf3e95bcf36"), "b.input")
_P_INPUT = rc.Symbol((SEQ, HIDDEN), UUID("e76c1fd7-a230-4295-9199-17dc8dad79d0"), "p.input")
_T_INPUT = rc.Symbol((SEQ, HIDDEN), UUID("ece2bb5d-c6d6-4b7a-93a5-32b5ac264888"), "t.input")
_T_UNEMBED = rc.Symbol((VOCAB_SIZE, HIDDEN), UUID("85d5a05a-ef9e-4910-a967-3f27951f67cf"), "t.w.unembed")
_T_UNEMBED_BIAS = rc.Symbol((VOCAB_SIZE,), UUID("62d9f91a-5df2-4eb8-af75-5bdfb15eb974"), "t.w.unembed_bias")

# Arguments of a block that its weights are not among.
BLOCK_INPUTS = {"b.input", "a.pos_input", "a.mask"}

ANY_DEVICE_DTYPE = rc.TorchDeviceDtypeOp()


def _add(circs: Circs, *new: rc.Circuit) -> None:
    """Add circuits under their names; a name that is there keeps its place."""
    circs.update({circuit.name: circuit for circuit in new})


def _randn(*shape: int, device_dtype: rc.TorchDeviceDtypeOp) -> rc.Array:
    return rc.Array.randn(*shape, device_dtype=device_dtype)


def _squared(array: rc.Array) -> rc.Array:
    return rc.Array(array.value**2)


@attrs.frozen
class TransformerBlockParams:
    """What a block consists of (spec 14, section 6.1)."""

    norm_type: Literal["ln", "bn"] | None = "ln"
    attn_bias: bool = False
    attn_pos: bool = False
    use_mlp: bool = True
    mlp_act_type: MlpActType = "gelu"
    mlp_output_bias: bool = False
    use_parallel_residual: bool = False
    use_rope: bool = False

    def get(self) -> ModuleLibraryRet:
        """The block `b` on `b.input` `[seq, hidden]` with free weights; the same object for equal parameters (spec 14, section 6.1)."""
        return _block(self)

    def get_rebound_weighty(self, num: int) -> ModuleLibraryRet:
        """The block `b<num>` with weight symbols of layer `num`; the same object on every call (spec 14, section 6.1)."""
        return _rebound_block(self, num)

    def garbage_init_norm_weights(self, hidden_size: int, device_dtype: rc.TorchDeviceDtypeOp = ANY_DEVICE_DTYPE) -> Circs:
        """Random weights `[hidden_size]` of one norm by name within its place, e.g. `ln.w.bias` (spec 14, section 6.3)."""
        if self.norm_type is None:
            return {}
        weights: Circs = {}
        for key in NORM_ARGUMENTS[self.norm_type]:
            values = _randn(hidden_size, device_dtype=device_dtype)
            weights[f"{self.norm_type}.{key}"] = _squared(values) if key == "var" else values
        return _as_arrays(weights)

    def garbage_init_weights(
        self, hidden_size: int, head_size: int, num_heads: int, device_dtype: rc.TorchDeviceDtypeOp = ANY_DEVICE_DTYPE
    ) -> Circs:
        """Random weights of one block by the names of its symbols (spec 14, section 6.3)."""
        shapes: dict[str, tuple[int, ...]] = self._attention_shapes(hidden_size, head_size, num_heads)
        mlp_shapes = self._mlp_shapes(hidden_size) if self.use_mlp else {}
        weights: Circs = {}
        for place, of_place in (("p", {}), ("a", shapes), ("m", mlp_shapes)):
            if place in self._norm_places():
                weights.update(apply_prefix(self.garbage_init_norm_weights(hidden_size, device_dtype), place))
            weights.update({name: _randn(*shape, device_dtype=device_dtype) for name, shape in of_place.items()})
        return _as_arrays(weights)

    def _norm_places(self) -> list[str]:
        """Where a block has norms: around attention and MLP, or one for both with parallel residual."""
        if self.norm_type is None:
            return []
        if self.use_parallel_residual:
            return ["p"]
        return ["a", "m"] if self.use_mlp else ["a"]

    def _attention_shapes(self, hidden_size: int, head_size: int, num_heads: int) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {f"a.w.{key}": (num_heads, head_size, hidden_size) for key in "qkv"}
        shapes["a.w.o"] = (num_heads, hidden_size, head_size)
        if self.attn_bias:
            shapes.update({f"a.w.{key}_bias": (num_heads, head_size) for key in "qkv"})
            shapes["a.w.o_bias"] = (hidden_size,)
        return shapes

    def _mlp_shapes(self, hidden_size: int) -> dict[str, tuple[int, ...]]:
        projected = 4 * hidden_size
        activated = projected // 2 if self.mlp_act_type == "bilinear" else projected
        shapes: dict[str, tuple[int, ...]] = {
            "m.w.proj_in": (projected, hidden_size),
            "m.w.in_bias": (projected,),
            "m.w.proj_out": (hidden_size, activated),
        }
        if self.mlp_output_bias:
            shapes["m.w.out_bias"] = (hidden_size,)
        return shapes


def _as_arrays(weights: Circs) -> Circs:
    return rename_circs_to_keys(weights, "_arr")


def _component_call(place: str, component: rc.Circuit, circs: Circs, block_input: rc.Circuit, norm_type: str | None) -> rc.Module:
    """The node `b.<place>`: the component, behind its norm if there is one, called on a residual node."""
    if norm_type is None:
        return bind_one(component, circs[f"{place}.input"], block_input, f"b.{place}")
    return bind_one(circs[f"{place}.norm_call"], circs[f"{place}.norm.input"], block_input, f"b.{place}")


def _check_block(params: TransformerBlockParams) -> None:
    if params.use_parallel_residual:
        check(params.use_mlp, "use_parallel_residual needs use_mlp")
        check(params.norm_type is not None, "use_parallel_residual needs a norm_type, got None")


@cache
def _block(params: TransformerBlockParams) -> ModuleLibraryRet:
    _check_block(params)
    norm_type = params.norm_type
    norms = {} if norm_type is None else NORM_BINDS[norm_type]
    attention = get_attention(params.attn_bias, params.attn_pos, params.use_rope)
    mlp = get_mlp(params.mlp_act_type, params.mlp_output_bias) if params.use_mlp else None

    circs: Circs = {}
    if mlp is not None:
        circs.update(mlp.circs)
        if norms:
            circs.update(norms["m"].circs)
            circs = get_norm_call("m", circs, mlp.name).circs
    if params.use_parallel_residual:
        circs.update(norms["p"].circs)
    circs.update(attention.circs)
    if norms:
        circs.update(norms["a"].circs)
        circs = get_norm_call("a", circs, attention.name).circs
    b_a = _component_call("a", attention.body, circs, b_input, norm_type)
    residual = rc.Add(b_a, b_input, name="b.resid.a")
    _add(circs, b_input, residual)
    if mlp is not None and params.use_parallel_residual:
        residual = _add_parallel_residual(circs, attention.body, mlp.body)
    elif mlp is not None:
        b_m = _component_call("m", mlp.body, circs, residual, norm_type)
        residual = rc.Add(b_m, residual, name="b.resid.m")
        _add(circs, residual)
    _add(circs, residual.rename("b"))
    return ModuleLibraryRet.mk(circs, "b")


def _add_parallel_residual(circs: Circs, attention: rc.Circuit, mlp: rc.Circuit) -> rc.Add:
    """Adds the block form in which one norm feeds attention and MLP; returns its residual node `b.resid.p`."""
    b_a = bind_one(attention, circs["a.input"], _P_INPUT, "b.a")
    b_m = bind_one(mlp, circs["m.input"], _P_INPUT, "b.m")
    both = rc.Add(b_a, b_m, name="b.add")
    _add(circs, both, _P_INPUT)
    norm_call = get_norm_call("p", circs, "b.add").body
    b_p = bind_one(norm_call, circs["p.norm.input"], b_input, "b.p")
    residual = rc.Add(b_p, b_input, name="b.resid.p")
    _add(circs, norm_call, residual)
    return residual


@cache
def _rebound_block(params: TransformerBlockParams, num: int) -> ModuleLibraryRet:
    block = params.get()
    spec = make_spec(block.body, order=list(block.circs.values()), exclude=BLOCK_INPUTS)
    uuids = random.Random(num)
    symbols = [rc.Symbol(arg.symbol.shape, UUID(int=uuids.getrandbits(128)), add_number(arg.symbol.name, num)) for arg in spec.arg_specs]
    body = rc.Module.new_flat(spec, *symbols, name=f"b{num}")
    return ModuleLibraryRet.mk({**block.circs, body.name: body}, body.name)


@attrs.frozen
class TransformerParams:
    """What a transformer consists of; embeddings are outside (spec 14, section 6.2)."""

    block_params: TransformerBlockParams = TransformerBlockParams()
    num_layers: int = 2
    use_norm_output: bool = True
    output_bias: bool = False

    @property
    def norm_type(self) -> Literal["ln", "bn"] | None:
        """The norm of the blocks."""
        return self.block_params.norm_type

    @property
    def has_final_norm(self) -> bool:
        """Whether a norm stands between the last block and the unembedding."""
        return self.norm_type is not None and self.use_norm_output

    def get(self) -> ModuleLibraryRet:
        """The model from `t.input` `[seq, hidden]` to logits `[seq, vocab]`; one object for equal parameters (spec 14, section 6.2)."""
        return _transformer(self)

    def garbage_init_weights(
        self,
        hidden_size: int = 3,
        head_size: int = 5,
        num_heads: int = 7,
        vocab_size: int = 11,
        device_dtype: rc.TorchDeviceDtypeOp = ANY_DEVICE_DTYPE,
    ) -> Circs:
        """Random weights of the model by the names of its symbols (spec 14, section 6.3)."""
        weights: Circs = {}
        for layer in range(self.num_layers):
            block = self.block_params.garbage_init_weights(hidden_size, head_size, num_heads, device_dtype)
            weights.update({add_number(name, layer): values for name, values in block.items()})
        if self.has_final_norm:
            weights.update(apply_prefix(self.block_params.garbage_init_norm_weights(hidden_size, device_dtype), "final"))
        weights["t.w.unembed"] = _randn(vocab_size, hidden_size, device_dtype=device_dtype)
        if self.output_bias:
            weights["t.w.unembed_bias"] = _randn(vocab_size, device_dtype=device_dtype)
        return _as_arrays(weights)

    def garbage_call(
        self,
        hidden_size: int = 3,
        head_size: int = 5,
        num_heads: int = 7,
        seq_len: int = 9,
        vocab_size: int = 11,
        batch_shape: tuple[int, ...] = (13, 2),
        device_dtype: rc.TorchDeviceDtypeOp = ANY_DEVICE_DTYPE,
    ) -> tuple[rc.Module, Circs, Circs]:
        """The model `t.call` on random weights and inputs, shape `batch_shape + (seq, vocab)`, with both by name (spec 14, section 6.3)."""
        weights = self.garbage_init_weights(hidden_size, head_size, num_heads, vocab_size, device_dtype)
        shapes = {"t.input": (*batch_shape, seq_len, hidden_size), "a.mask": (seq_len, seq_len), "a.pos_input": (seq_len, hidden_size)}
        free = {symbol.name for symbol in rc.get_free_symbols(self.get().body)}
        values = {name: _randn(*shape, device_dtype=device_dtype) for name, shape in shapes.items() if name in free}
        inputs = rename_circs_to_keys(values, "_rand_inp")
        bound = rc.module_new_bind(self.get().body, *weights.items(), name="t.bind_w")
        return rc.module_new_bind(bound, *inputs.items(), name="t.call"), weights, inputs


@cache
def _transformer(params: TransformerParams) -> ModuleLibraryRet:
    circs: Circs = {}
    calls: list[rc.Circuit] = []
    stream: rc.Circuit = _T_INPUT
    for layer in range(params.num_layers):
        block = params.block_params.get_rebound_weighty(layer)
        circs.update(block.circs)
        stream = bind_one(block.body, b_input, stream, f"b{layer}.call")
        calls.append(stream)
    _add(circs, _T_INPUT, *calls)
    if params.norm_type is not None and params.has_final_norm:
        norm = NORM_BINDS[params.norm_type]["final"]
        circs.update(norm.circs)
        stream = bind_one(norm.body, norm.circs["final.norm.input"], stream, "final.call")
        _add(circs, stream)
    logits: rc.Circuit = rc.Einsum.from_einsum_string("sh,vh->sv", stream, _T_UNEMBED, name="t.logits")
    _add(circs, logits)
    if params.output_bias:
        logits = rc.Add(logits, _T_UNEMBED_BIAS, name="t.logits_p_bias")
        _add(circs, logits)
    _add(circs, _T_UNEMBED, *([_T_UNEMBED_BIAS] if params.output_bias else []))
    return ModuleLibraryRet.mk(circs, logits.name)
