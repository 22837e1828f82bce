"""Exception and info classes, made from the core's error table (spec 01, section 12)."""

from __future__ import annotations

import builtins
import pickle
import re
from typing import Any

from pycircuit import _core


class ErrorInfo:
    """The one argument of an exception: its payload as attributes, and the whole message."""

    fields: tuple[str, ...] = ()

    def __init__(self, message: str, values: list[Any]) -> None:
        object.__setattr__(self, "_message", message)
        object.__setattr__(self, "_values", tuple(values))

    def items(self) -> dict[str, Any]:
        """The payload by field name, in the order of the table."""
        return dict(zip(self.fields, self._values, strict=True))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__} has no field {name!r}; it has {', '.join(self.fields) or 'none'}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"fields of {type(self).__name__} are read-only")

    def __repr__(self) -> str:
        return self._message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._message, [_picklable(value) for value in self._values])


def _picklable(value: Any) -> Any:
    """Replace what has no pickle by its text, so that any exception travels from a worker process."""
    try:
        pickle.dumps(value)
    except Exception:
        return repr(value)
    return value


def _field(position: int) -> property:
    return property(lambda self: self._values[position], doc="Part of the payload (spec 01, section 12).")


def _from_core(cls: Any, message: str, values: list[Any]) -> BaseException:
    error = cls(cls._info(message, values))
    error.add_note(f"see {cls._page}")
    return error


def _page_of(prefix: str) -> str:
    """The page about a family, from the root of the repository."""
    return f"docs/errors/{re.sub(r'(?<=[a-z])(?=[A-Z])', '_', prefix).lower()}.md"


def _make_classes() -> dict[str, type]:
    classes: dict[str, type] = {}
    prefixes: dict[str, type] = {}

    def define(name: str, bases: tuple[type, ...], doc: str, fields: tuple[str, ...] | None = None) -> type:
        info_name = name.removesuffix("Error") + "Info"
        namespace: dict[str, Any] = {"fields": fields or (), "__doc__": f"Payload of {name}.", "__module__": "pycircuit"}
        info = type(info_name, (ErrorInfo,), namespace | {field: _field(i) for i, field in enumerate(fields or ())})
        cls = type(name, bases, {"_info": info, "_from_core": classmethod(_from_core), "__doc__": doc, "__module__": "pycircuit"})
        classes[name] = cls
        if fields is not None:
            classes[info_name] = info
        return cls

    for family, prefix, base in _core._error_families:
        base_class = classes.get(base) or getattr(builtins, base)
        prefixes[prefix] = define(family, (base_class,), f"Base of the {prefix}... errors (spec 01, section 12; {_page_of(prefix)}).")
        prefixes[prefix]._page = _page_of(prefix)  # type: ignore[attr-defined]
    for prefix, short, fields, also_type_error in _core._error_rows:
        bases = (prefixes[prefix], TypeError) if also_type_error else (prefixes[prefix],)
        names = tuple(fields.split())
        define(f"{prefix}{short}Error", bases, f"Payload: {', '.join(names) or 'none'} (spec 01, section 12).", names)
    classes["BatchNumBatchesIsZeroError"] = classes["BatchBatchSizeIsZeroError"]
    classes["RearrangeSpecInputNotConformableError"] = classes["RearrangeSpecNotConformableError"]
    return classes


CLASSES = _make_classes()
_core._set_error_classes(CLASSES)


class ExceptionWithRustContext(Exception):  # noqa: N818 - the name is part of the API
    """Kept for `except` clauses of older code; never raised."""

    def __init__(self, exc: Any = None) -> None:
        super().__init__(exc)
        self.exc = exc


class OptimizingSymbolicSizeWarning(UserWarning):
    """A circuit with symbolic sizes left is optimized or scheduled (spec 12, section 6.4)."""
