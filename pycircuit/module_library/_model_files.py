"""Model files, `TransformerInfo`, and binding a model to inputs (spec 14, section 8)."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
import torch

import pycircuit as rc
from pycircuit._tensor_store import local_store_at
from pycircuit.py_utils import check

from ._building import add_new_circs
from ._losses import token_upcast_module
from ._mlps import PosEncType
from ._tokenizers import LazyTokenizer, get_tokenizer
from ._transformers import TransformerParams

_INFO_MARK = "# info:"
_ROOT_VARIABLE = "RR_RRFS_DIR"
R = TypeVar("R", bound=attrs.AttrsInstance)


@attrs.frozen
class TransformerInfo:
    """Parameters of a saved model and how its inputs are bound (spec 14, section 8.1)."""

    params: TransformerParams
    model_class: str = "GPTBeginEndToks"
    pos_enc_type: PosEncType | None = "gpt"
    causal_mask: bool | None = True
    extra: Any | None = None

    def dump_model_string(self, *circs: rc.Circuit) -> str:
        """The text of a model file; values of Arrays go to the tensor store (spec 14, section 8.2)."""
        references = {circuit: name for name, circuit in self.params.get().circs.items()}
        text = rc.PrintOptions(reference_circuits=references).repr(*circs)
        return f"{_INFO_MARK}{json.dumps(attrs.asdict(self))}\n{text}\n"

    def bind_to_input(
        self,
        c: rc.Circuit,
        inp_tok_embeds: rc.Circuit,
        pos_embed_weights: rc.Circuit | None = None,
        inp_mask: rc.Circuit | None = None,
        inp_mask_has_q: bool = False,
        prefix: str = "t",
    ) -> rc.Module:
        """The model called on embedded tokens `[*batch, seq, hidden]`; masks are 1 where attending is allowed (spec 14, section 8.4)."""
        seq_len = inp_tok_embeds.shape[-2]
        mask = self._mask(seq_len, inp_tok_embeds.device_dtype)
        if inp_mask is not None:
            mask = _with_input_mask(mask, inp_mask, inp_mask_has_q, f"{prefix}.a.mask")
        inputs = {"t.input": inp_tok_embeds, "a.mask": mask}
        if self.pos_enc_type in ("gpt", "shortformer"):
            if pos_embed_weights is None:
                raise AssertionError(f"pos_enc_type {self.pos_enc_type!r} needs pos_embed_weights, got None")
            positions = _first_positions(pos_embed_weights, seq_len)
            if self.pos_enc_type == "gpt":
                inputs["t.input"] = rc.Add(inp_tok_embeds, positions, name=f"{prefix}.inp_tok_pos")
            else:
                inputs["a.pos_input"] = positions
        return rc.module_new_bind(c, *inputs.items(), name=f"{prefix}.call")

    def bind_to_input_tokens(
        self,
        c: rc.Circuit,
        toks: rc.Circuit,
        tok_embed_weights: rc.Circuit,
        pos_embed_weights: rc.Circuit | None,
        inp_mask: rc.Circuit | None = None,
        inp_mask_has_q: bool = False,
        prefix: str = "t",
    ) -> rc.Module:
        """The model called on int64 tokens `[*batch, seq]`, looked up in the table `[vocab, hidden]` (spec 14, section 8.4)."""
        embedded = rc.GeneralFunction.gen_index(tok_embed_weights, toks, -2)
        return self.bind_to_input(c, embedded, pos_embed_weights, inp_mask, inp_mask_has_q, prefix)

    def bind_to_input_tokens_int16(
        self,
        c: rc.Circuit,
        toks: torch.Tensor,
        tok_embed_weights: rc.Circuit,
        pos_embed_weights: rc.Circuit | None,
        inp_mask: rc.Circuit | None = None,
        inp_mask_has_q: bool = False,
        prefix: str = "t",
    ) -> rc.Module:
        """As `bind_to_input_tokens`, on int16 tokens stored as token - 32768; another dtype is a `TypeError` (spec 14, section 8.4)."""
        if not isinstance(toks, torch.Tensor) or toks.dtype != torch.int16:
            given = toks.dtype if isinstance(toks, torch.Tensor) else type(toks).__name__
            raise TypeError(f"bind_to_input_tokens_int16 expects an int16 tensor of tokens minus 32768, got {given}")
        upcasted = rc.Module(token_upcast_module, "toks_upcasted", **{"upcast_toks.int16_toks": rc.Array(toks)})
        return self.bind_to_input_tokens(c, upcasted, tok_embed_weights, pos_embed_weights, inp_mask, inp_mask_has_q, prefix)

    def _mask(self, seq_len: int, device_dtype: rc.TorchDeviceDtypeOp) -> rc.Circuit:
        """The mask `[seq, seq]` (query, key) without regard to the inputs."""
        if not self.causal_mask:
            return rc.Scalar(1.0, (seq_len, seq_len), "t.a.c.full_mask")
        dtype = device_dtype.get_torch_dtype() or torch.float32
        allowed = torch.ones(seq_len, seq_len, dtype=dtype, device=device_dtype.device or "cpu").tril()
        return rc.Array(allowed, "t.a.c.causal_mask")


def _with_input_mask(mask: rc.Circuit, inp_mask: rc.Circuit, has_q: bool, name: str) -> rc.Einsum:
    """The product of `mask` `[q, k]` and a mask of the batch `[*batch, k]`, or `[*batch, q, k]` if it has queries."""
    key, query = 0, 1
    own_axes = (query, key) if has_q else (key,)
    batch = tuple(range(2, 2 + inp_mask.rank - len(own_axes)))
    return rc.Einsum((inp_mask, batch + own_axes), (mask, (query, key)), out_axes=batch + (query, key), name=name)


def _first_positions(pos_embed_weights: rc.Circuit, seq_len: int) -> rc.Index:
    """The first `seq_len` rows of the position table."""
    try:
        return rc.Index(pos_embed_weights, (slice(None, seq_len),), name="t.w.pos_embeds_idxed")
    except ValueError as error:
        error.add_note(f"the sequence has length {seq_len}, the position table {pos_embed_weights.name!r} has {pos_embed_weights.shape[0]}")
        raise


def _read_value(expected: Any, value: Any, key: str) -> Any:
    """A JSON value as a value of the annotated type; `ValueError` names key and value if it is none."""
    if expected is Any:
        return value
    if attrs.has(expected) and isinstance(value, dict):
        return _read_record(expected, value)
    origin = get_origin(expected)
    if origin in (Union, UnionType):
        if value is None and type(None) in get_args(expected):
            return None
        (inner,) = (member for member in get_args(expected) if member is not type(None))
        return _read_value(inner, value, key)
    allowed = value in get_args(expected) if origin is Literal else type(value) is expected
    if not allowed:
        wanted = ", ".join(map(repr, get_args(expected))) if origin is Literal else expected.__name__
        raise ValueError(f"model info: {key} is {value!r}, expected {wanted}")
    return value


def _read_record(cls: type[R], values: dict[str, Any]) -> R:
    """An attrs record from a JSON object; missing keys take defaults, unknown ones are ignored."""
    types = get_type_hints(cls)
    known = [field for field in attrs.fields(cls) if field.name in values]
    for field in attrs.fields(cls):
        if field.default is attrs.NOTHING and field.name not in values:
            raise ValueError(f"model info: {field.name} is missing, expected {types[field.name].__name__}")
    return cls(**{field.name: _read_value(types[field.name], values[field.name], field.name) for field in known})


def _read_info(line: str) -> TransformerInfo:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"model info is not JSON ({error}): {line}") from error
    if not isinstance(values, dict):
        raise ValueError(f"model info is {values!r}, expected a JSON object")
    return _read_record(TransformerInfo, values)


def load_transformer_model_string(
    s: str, parser: rc.Parser | None = None, *, tensor_dir: str | os.PathLike[str] | None = None
) -> tuple[dict[str, rc.Circuit], LazyTokenizer | None, TransformerInfo]:
    """Library circuits and those of the text by name, the tokenizer and the info of a model file's text (spec 14, section 8.2).

    `tensor_dir` is the local tensor store to read from; without it the environment decides (spec 02, section 11).
    """
    first_line, _, text = s.strip("\n").partition("\n")
    check(first_line.startswith(_INFO_MARK), f"a model text starts with {_INFO_MARK!r}, got {first_line[:80]!r}")
    info = _read_info(first_line.removeprefix(_INFO_MARK))
    with contextlib.nullcontext() if tensor_dir is None else local_store_at(tensor_dir):
        circs = add_new_circs(text, info.params.get().circs, parser)
    return circs, get_tokenizer(info.model_class), info


def get_model_path(model_id: str) -> str:
    """The path of a model's file below the shared root (spec 14, section 8.2)."""
    root = os.environ.get(_ROOT_VARIABLE) or "~/rrfs"
    return str(Path(root).expanduser() / "circ_models2" / f"{model_id}.circ")


def load_model_id(model_id: str, parser: rc.Parser | None = None) -> tuple[dict[str, rc.Circuit], LazyTokenizer | None, TransformerInfo]:
    """`load_transformer_model_string` of a model's file; a missing file is a `FileNotFoundError` (spec 14, section 8.2)."""
    path = Path(get_model_path(model_id))
    if not path.is_file():
        raise FileNotFoundError(f"no model file {path}; the environment variable {_ROOT_VARIABLE} moves the root")
    try:
        return load_transformer_model_string(path.read_text(encoding="utf-8"), parser)
    except Exception as error:
        error.add_note(f"while loading the model file {path}")
        raise
