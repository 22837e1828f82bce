"""User-defined functions: base class, how texts find them, and the tester of shape rules (spec 04, sections 3.3, 12, 13)."""

from __future__ import annotations

import abc
import contextlib
import importlib
import importlib.util
import itertools
import math
import os
import random
import secrets
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pycircuit import _core

if TYPE_CHECKING:
    from pycircuit._core import GeneralFunctionShapeInfo, TorchDeviceDtypeOp

__all__ = ["GeneralFunctionSpecBase", "GeneralFunctionSpecTester"]

# Default hash bytes are consecutive from a random start: different for all instances of a process, and in practice across processes.
_next_instance = itertools.count(secrets.randbits(64))


class GeneralFunctionSpecBase(metaclass=abc.ABCMeta):
    """Base class of functions written in Python; a subclass supplies `name`, `function` and `get_shape_info` (spec 04, section 12)."""

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """Name used in automatic names and text; without the characters " at "."""

    @property
    def path(self) -> str | None:
        """Locator by which text finds the spec again (section 3.3); None: it cannot be written to bijective text."""
        return None

    def compute_hash_bytes(self) -> bytes:
        """Identify the function with all its parameters; the default is unique to the instance."""
        # A copy inherits the attribute, but not the id.
        owner, number = self.__dict__.get("_pycircuit_instance", (None, 0))
        if owner != id(self):
            number = next(_next_instance) % 2**64
            self.__dict__["_pycircuit_instance"] = (id(self), number)
        return number.to_bytes(8, "little")

    @abc.abstractmethod
    def function(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Compute the value: one tensor per child, of the shape that `get_shape_info` declares; must not modify its arguments."""

    @abc.abstractmethod
    def get_shape_info(self, *shapes: tuple[int, ...]) -> GeneralFunctionShapeInfo:
        """Shape and batchability for children of these shapes; raise anything to reject them."""

    def get_device_dtype_override(self, *device_dtypes: TorchDeviceDtypeOp) -> TorchDeviceDtypeOp | None:
        """Device and dtype of the node, or None to unify those of the children; raise anything to reject them."""
        return None


_LOCATOR_FORMS = "a path has the form `module.to.import:MyCustomSpec` or `/dir/sub_dir/.../file.py:MyCustomSpec`"


def _module_name(where: str) -> str:
    """Texts of the older library name modules that pycircuit has too."""
    prefix = "rust_circuit."
    if where.startswith(prefix):
        own = "pycircuit." + where.removeprefix(prefix)
        try:
            if importlib.util.find_spec(own) is not None:
                return own
        except ModuleNotFoundError:
            pass
    return where


def check_path(path: str) -> tuple[str, str]:
    """Split a locator at its first colon. RuntimeError without one."""
    where, colon, attribute = path.partition(":")
    if not colon:
        raise RuntimeError(f"cannot find a function by the path {path!r}: {_LOCATOR_FORMS}")
    return where, attribute


_refused: ContextVar[str | None] = ContextVar("_refused", default=None)


@contextlib.contextmanager
def functions_by_path_refused(advice: str) -> Iterator[None]:
    """Below the context no text can name a function to import: RuntimeError with the advice (spec 12, section 8.6)."""
    token = _refused.set(advice)
    try:
        yield
    finally:
        _refused.reset(token)


def load_by_path(path: str) -> Any:
    """Call the attribute that a locator names (spec 04, section 3.3); files below the shared directory are executed afresh."""
    if (advice := _refused.get()) is not None:
        raise RuntimeError(f"functions by path are refused here, got {path}: {advice}")
    where, attribute = check_path(path)
    if where.startswith("/") and where.endswith(".py"):
        from pycircuit._tensor_store import shared_root

        file = str(shared_root()) + where
        spec = importlib.util.spec_from_file_location(os.path.basename(where).removesuffix(".py"), file)
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {file}")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(_module_name(where))
    return getattr(module, attribute)()


def _random_int(start: int, end: int, what: str) -> int:
    if start >= end:
        raise ValueError(f"GeneralFunctionSpecTester: the range of {what} from {start} to {end} is empty")
    return random.randrange(start, end)


@dataclass
class GeneralFunctionSpecTester:
    """Checks that a function's shape info is consistent and that its batching is true (spec 04, section 13). Ranges are half-open."""

    samples_per_batch_dims: int = 3
    base_shapes_samples: int = 100
    min_frac_successful: float = 0.1
    min_frac_checked_batch: float = 0.1
    start_num_inputs: int = 0
    end_num_inputs: int = 5
    start_ndim: int = 0
    end_ndim: int = 10
    start_shape_num: int = 0
    end_shape_num: int = 10
    test_with_rand: bool = True
    randn_size_cap: int = 16384

    def test_from_shapes(self, spec: Any, shapes: Sequence[Sequence[int]], shapes_must_be_valid: bool = False) -> tuple[bool, bool]:
        """Check a spec on given input shapes; returns (shapes were valid, batching was checked) (section 13.1).

        RuntimeError for inconsistent shape info, AssertionError where batching changes values.
        """
        given = [tuple(int(size) for size in shape) for shape in shapes]
        try:
            info = _core._spec_shape_info(spec, given)
        except Exception as error:
            if shapes_must_be_valid:
                error.add_note(f"the spec rejects the shapes {given}, which must be valid")
                raise
            return False, False
        num_non_batchable, flags = info.num_non_batchable_output_dims, list(info.input_batchability)
        if num_non_batchable > len(info.shape):
            raise RuntimeError(
                f"too many non batchable output dims: {num_non_batchable} of an output of shape {info.shape} for inputs {given}"
            )
        if len(flags) != len(given):
            raise RuntimeError(f"wrong number of batchability flags: {len(flags)} for {len(given)} inputs of shapes {given}")
        if not any(flags):
            return True, False
        num_batch = len(info.shape) - num_non_batchable
        for shape, flag in zip(given, flags, strict=True):
            if flag and len(shape) < num_batch:
                raise RuntimeError(
                    f"a batchable input of shape {shape} has fewer than the {num_batch} batch axes of the output {info.shape}"
                )
            if flag and shape[:num_batch] != info.shape[:num_batch]:
                raise RuntimeError(
                    f"the first {num_batch} sizes of a batchable input of shape {shape} differ from the output's: {info.shape}"
                )
        for new_rank in range(num_batch + 5):
            for _ in range(self.samples_per_batch_dims):
                self._check_sample(spec, given, info, new_rank, with_values=False)
            if self.test_with_rand:
                self._check_sample(spec, given, info, new_rank, with_values=True)
        return True, True

    def _check_sample(
        self, spec: Any, shapes: list[tuple[int, ...]], info: GeneralFunctionShapeInfo, new_rank: int, with_values: bool
    ) -> None:
        flags = info.input_batchability
        num_batch = len(info.shape) - info.num_non_batchable_output_dims
        batch = tuple(_random_int(self.start_shape_num, self.end_shape_num, "sizes") for _ in range(new_rank))
        new_shapes = [batch + shape[num_batch:] if flag else shape for shape, flag in zip(shapes, flags, strict=True)]
        try:
            new_info = _core._spec_shape_info(spec, new_shapes)
        except Exception as error:
            error.add_note(f"spec isn't consistent, error on valid shapes {new_shapes}, made from {shapes} by replacing the batch axes")
            raise
        expected = batch + info.shape[num_batch:]
        found = (new_info.num_non_batchable_output_dims, list(new_info.input_batchability), new_info.shape)
        if found != (info.num_non_batchable_output_dims, list(flags), expected):
            raise RuntimeError(
                f"spec isn't consistent: inputs {new_shapes} give (non batchable, batchability, shape) {found}, expected "
                f"{(info.num_non_batchable_output_dims, list(flags), expected)} after {shapes} gave {info.shape}"
            )
        sizes = [sum(map(math.prod, [*s, i.shape])) for s, i in ((shapes, info), (new_shapes, new_info))]
        if with_values and new_rank < num_batch and max(sizes) < self.randn_size_cap:
            self._check_values(spec, shapes, info, num_batch - new_rank)

    def _check_values(self, spec: Any, shapes: list[tuple[int, ...]], info: GeneralFunctionShapeInfo, num_indexed: int) -> None:
        inputs = [torch.randn(shape) for shape in shapes]
        whole = self._value(spec, inputs, info.shape)
        if 0 in info.shape[:num_indexed]:
            return
        at = tuple(random.randrange(size) for size in info.shape[:num_indexed])
        rows = [x[at] if flag else x for x, flag in zip(inputs, info.input_batchability, strict=True)]
        row = self._value(spec, rows, info.shape[num_indexed:])
        torch.testing.assert_close(row, whole[at], equal_nan=True)

    @staticmethod
    def _value(spec: Any, inputs: list[torch.Tensor], shape: tuple[int, ...]) -> torch.Tensor:
        value = _core._spec_apply(spec, inputs)
        if tuple(value.shape) != shape:
            raise RuntimeError(f"the function returned shape {tuple(value.shape)} where its shape info declares {shape}")
        return value

    def test_many_shapes(self, spec: Any) -> None:
        """Call `test_from_shapes` on random shapes (section 13.2). RuntimeError where too few of them are valid or batchable."""
        fractions = []
        for num_inputs in range(self.start_num_inputs, self.end_num_inputs):
            results = []
            for _ in range(self.base_shapes_samples):
                shapes = [
                    tuple(
                        _random_int(self.start_shape_num, self.end_shape_num, "sizes")
                        for _ in range(_random_int(self.start_ndim, self.end_ndim, "ranks"))
                    )
                    for _ in range(num_inputs)
                ]
                results.append(self.test_from_shapes(spec, shapes))
            count = max(len(results), 1)
            fractions.append(tuple(sum(result[i] for result in results) / count for i in range(2)))
        if not fractions:
            return
        successful, checked = (max(fraction[i] for fraction in fractions) for i in range(2))
        if successful < self.min_frac_successful:
            raise RuntimeError(
                f"frac successful too low: {successful} < {self.min_frac_successful} for every number of inputs; "
                "lower min_frac_successful, narrow the ranges, or call test_from_shapes with shapes that fit"
            )
        if checked < self.min_frac_checked_batch:
            raise RuntimeError(
                f"frac check batch too low: {checked} < {self.min_frac_checked_batch} for every number of inputs; "
                "set min_frac_checked_batch to 0 for a function that is never batchable"
            )
