"""Tokenizers of the model classes, loaded at first use (spec 14, section 8.3)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

_NAME_VARIABLE = "PYCIRCUIT_GPT2_TOKENIZER"
_END_TOKEN = "[END]"
_BEGIN_TOKEN = "[BEGIN]"


class LazyTokenizer:
    """Stands for a tokenizer and makes it at the first attribute access or call; failing raises `RuntimeError` there."""

    def __init__(self, model_class: str, make: Callable[[], Any]):
        vars(self).update(_model_class=model_class, _make=make, _loaded=None)

    def _load(self) -> Any:
        if self._loaded is None:
            try:
                vars(self)["_loaded"] = self._make()
            except Exception as error:
                raise RuntimeError(f"could not load the tokenizer of model class {self._model_class!r}: {error}") from error
        return self._loaded

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._load(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._load(), name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._load()(*args, **kwargs)

    def __len__(self) -> int:
        return len(self._load())

    def __repr__(self) -> str:
        return f"LazyTokenizer({self._model_class!r})"


def _gpt2_with_end_token() -> Any:
    name = os.environ.get(_NAME_VARIABLE, "gpt2")
    try:
        from transformers import GPT2TokenizerFast

        tokenizer = GPT2TokenizerFast.from_pretrained(name)
    except Exception as error:
        raise RuntimeError(f"GPT-2's tokenizer from {name!r} (environment variable {_NAME_VARIABLE}): {error}") from error
    tokenizer.add_special_tokens({"pad_token": _END_TOKEN})
    return tokenizer


def _gpt2_with_begin_and_end_tokens() -> Any:
    tokenizer = _gpt2_with_end_token()
    tokenizer.add_special_tokens({"bos_token": _BEGIN_TOKEN, "eos_token": _END_TOKEN})
    return tokenizer


_makers: dict[str, Callable[[], Any]] = {"GPT": _gpt2_with_end_token, "GPTBeginEndToks": _gpt2_with_begin_and_end_tokens}


def register_tokenizer(model_class: str, make: Callable[[], Any]) -> None:
    """Adds or replaces the maker of a model class's tokenizer (spec 14, section 8.3)."""
    _makers[model_class] = make


def get_tokenizer(model_class: str) -> LazyTokenizer | None:
    """The tokenizer of a model class, not loaded yet, or `None` for a class without one."""
    make = _makers.get(model_class)
    return None if make is None else LazyTokenizer(model_class, make)
