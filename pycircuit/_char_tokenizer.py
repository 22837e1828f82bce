"""A tokenizer of single characters (spec 01, section 10)."""

from __future__ import annotations

import torch


class CharTokenizer:
    """Maps each character of a string to a token, between a start and an end token, padded to one width.

    Keys of `mapping` must be one byte long in UTF-8 and `pad_width` at least 2, else RuntimeError (spec 01, section 10).
    """

    __slots__ = {
        "start": "Token put in front of every string.",
        "end": "Token put after every string.",
        "pad": "Token that fills up a row.",
        "pad_width": "Length of every row.",
        "_mapping": None,
        "_error_if_over": None,
    }

    def __init__(self, start: int, end: int, pad: int, pad_width: int, mapping: dict[str, int], error_if_over: bool) -> None:
        for key in mapping:
            if len(key.encode()) != 1:
                raise RuntimeError(f"CharTokenizer: keys of mapping must be one byte long in UTF-8, got {key!r}")
        if pad_width < 2:
            raise RuntimeError(f"CharTokenizer: pad_width must be at least 2 (start and end token), got {pad_width}")
        self.start, self.end, self.pad, self.pad_width = start, end, pad, pad_width
        self._mapping, self._error_if_over = dict(mapping), error_if_over

    @property
    def mapping(self) -> dict[str, int]:
        """Token of each character."""
        return dict(self._mapping)

    @property
    def error_if_over(self) -> bool:
        """Whether a string longer than pad_width - 2 is an error."""
        return self._error_if_over

    def tokenize_strings(self, strings: list[str]) -> torch.Tensor:
        """Tokens of each string, int64 of shape (len(strings), pad_width); RuntimeError for a character without mapping."""
        room = self.pad_width - 2
        rows = []
        for string in strings:
            if not isinstance(string, str):
                raise TypeError(f"strings: expected strs, got {type(string).__name__}")
            if self._error_if_over and len(string) > room:
                raise RuntimeError(f"CharTokenizer: {string!r} has {len(string)} characters, more than pad_width - 2 = {room}")
            kept = string[:room]
            for character in kept:
                if character not in self._mapping:
                    raise RuntimeError(f"CharTokenizer: invalid char {character!r} in {string!r}; mapping has {sorted(self._mapping)}")
            row = [self.start, *(self._mapping[character] for character in kept), self.end]
            rows.append(row + [self.pad] * (self.pad_width - len(row)))
        return torch.tensor(rows, dtype=torch.int64).reshape(len(strings), self.pad_width)
