"""Types of the compiled core, for editors and type checkers; help(pycircuit) shows the same texts.

Parameter names and defaults are those of the bindings; `...` stands for a default that is an object. Classes without a constructor here are
made by functions only. Section numbers are those of the specification.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Never, Self, TypeAlias, TypeGuard, TypeVar, final, overload
from uuid import UUID

import torch

from pycircuit._function_spec import GeneralFunctionSpecBase
from pycircuit._not_set import NotSet
from pycircuit._remote import ScheduleToSend
from pycircuit._tensor_store import TensorCacheRrfs

_Shape: TypeAlias = Sequence[int]
_Axis: TypeAlias = int | Sequence[int] | None
_Index: TypeAlias = Sequence[int | slice | torch.Tensor]
_Device: TypeAlias = str | torch.device
_Dtype: TypeAlias = str | torch.dtype
_MatcherIn: TypeAlias = (
    bool
    | str
    | type[Circuit]
    | Circuit
    | AbstractSet[str]
    | AbstractSet[type]
    | AbstractSet[Circuit]
    | Regex
    | BoundAnyFound
    | Matcher
    | Callable[[Circuit], bool]
)
_IterativeMatcherIn: TypeAlias = _MatcherIn | IterativeMatcher
_TransformIn: TypeAlias = Transform | Callable[[Circuit], Circuit]
_Updated: TypeAlias = IterativeMatcher | Finished | list[IterativeMatcher | Finished] | None
_UpdatedIn: TypeAlias = _IterativeMatcherIn | Finished | Sequence[_IterativeMatcherIn | Finished] | None
_CliColor: TypeAlias = int | str | None
_CircuitColorer: TypeAlias = Callable[[Circuit], _CliColor]
_CircuitHtmlColorer: TypeAlias = Callable[[Circuit], str | None]
_CircuitCommenter: TypeAlias = Callable[[Circuit], str]
_NestedModuleNamer: TypeAlias = Callable[[Circuit, Circuit, list[Module], int | None], str | None]
_ModuleConstructCallback: TypeAlias = Callable[[Module, list[Module], int], Circuit]
_FunctionSpec: TypeAlias = (
    GeneralFunctionSimpleSpec
    | GeneralFunctionIndexSpec
    | GeneralFunctionExplicitIndexSpec
    | GeneralFunctionSetDDSpec
    | GeneralFunctionPowSpec
    | GeneralFunctionMultinomialSpec
    | GeneralFunctionSpecBase
)
_N = TypeVar("_N", bound=Circuit)

class _Pybind11Type(type):
    """The metaclass of the classes of the core."""

@final
class TorchDeviceDtype(metaclass=_Pybind11Type):
    """A known device and dtype (spec 01, section 6)."""
    def __init__(self, device: _Device, dtype: _Dtype) -> None: ...
    @property
    def device(self) -> str:
        """Device as a str."""
    @property
    def dtype(self) -> str:
        """Dtype as a str."""
    def get_torch_dtype(self) -> torch.dtype:
        """The torch.dtype."""
    def op(self) -> TorchDeviceDtypeOp:
        """The same as a TorchDeviceDtypeOp."""
    def cast_tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor on this device with this dtype; the same object if nothing changes."""
    def size(self) -> int:
        """Bytes per element."""
    @staticmethod
    def from_tensor(tensor: torch.Tensor) -> TorchDeviceDtype:
        """Device and dtype of a tensor."""
    def __repr__(self, /) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: TorchDeviceDtype, /) -> bool: ...
    def __le__(self, other: TorchDeviceDtype, /) -> bool: ...
    def __gt__(self, other: TorchDeviceDtype, /) -> bool: ...
    def __ge__(self, other: TorchDeviceDtype, /) -> bool: ...

@final
class TorchDeviceDtypeOp(metaclass=_Pybind11Type):
    """A device and a dtype, each possibly unspecified (spec 01, section 6)."""
    def __init__(self, device: _Device | None = None, dtype: _Dtype | None = None) -> None: ...
    @property
    def device(self) -> str | None:
        """Device as a str, or None."""
    @property
    def dtype(self) -> str | None:
        """Dtype as a str, or None."""
    def get_torch_dtype(self) -> torch.dtype | None:
        """The torch.dtype, or None."""
    @staticmethod
    def default() -> TorchDeviceDtypeOp:
        """Both parts unspecified."""
    def only_keep_floating(self) -> TorchDeviceDtypeOp:
        """The dtype dropped unless it is floating."""
    def __repr__(self, /) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: TorchDeviceDtypeOp, /) -> bool: ...
    def __le__(self, other: TorchDeviceDtypeOp, /) -> bool: ...
    def __gt__(self, other: TorchDeviceDtypeOp, /) -> bool: ...
    def __ge__(self, other: TorchDeviceDtypeOp, /) -> bool: ...

@final
class SymbolicSizeProduct(metaclass=_Pybind11Type):
    """A size as an ordinary factor times symbolic sizes (spec 02, section 7.2)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def other_factor(self) -> int:
        """The ordinary factor."""
    @property
    def symbolic_sizes(self) -> list[int]:
        """Numbers of the symbolic sizes, ascending, with repeats."""
    def __repr__(self, /) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: SymbolicSizeProduct, /) -> bool: ...
    def __le__(self, other: SymbolicSizeProduct, /) -> bool: ...
    def __gt__(self, other: SymbolicSizeProduct, /) -> bool: ...
    def __ge__(self, other: SymbolicSizeProduct, /) -> bool: ...

@final
class SymbolicSizeConstraint(metaclass=_Pybind11Type):
    """Both sides are equal for the sizes that will be filled in (spec 02, section 7.3)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def l(self) -> SymbolicSizeProduct:
        """Left side."""
    @property
    def r(self) -> SymbolicSizeProduct:
        """Right side."""
    def __repr__(self, /) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: SymbolicSizeConstraint, /) -> bool: ...
    def __le__(self, other: SymbolicSizeConstraint, /) -> bool: ...
    def __gt__(self, other: SymbolicSizeConstraint, /) -> bool: ...
    def __ge__(self, other: SymbolicSizeConstraint, /) -> bool: ...

@final
class RearrangeSpec(metaclass=_Pybind11Type):
    """Splitting, permuting, merging, inserting and repeating axes: an immutable value (spec 03, section 2)."""
    def __init__(self, input_ints: Sequence[Sequence[int]], output_ints: Sequence[Sequence[int]], int_sizes: Sequence[int | None]) -> None:
        """From ints per input axis, ints per output axis, and the size of each int or None (spec 03, section 2)."""
    @staticmethod
    def from_string(string: str) -> RearrangeSpec:
        """Reads text such as "a (b:2 c) -> c a b" (spec 03, section 3.1)."""
    @staticmethod
    def ident(rank: int) -> RearrangeSpec:
        """All axes as they are (spec 03, section 4)."""
    @staticmethod
    def flatten(rank: int) -> RearrangeSpec:
        """All axes merged row-major into one (spec 03, section 4)."""
    @staticmethod
    def unflatten(shape: _Shape) -> RearrangeSpec:
        """One axis split row-major into axes of these sizes (spec 03, section 4)."""
    @staticmethod
    def unflatten_axis(ndim: int, axis: int, shape: _Shape) -> RearrangeSpec:
        """Splits one axis and leaves the others (spec 03, section 4)."""
    @staticmethod
    def expand_at_axes(orig_ndim: int, axes: int | Sequence[int], counts: int | Sequence[int] | None = None) -> RearrangeSpec:
        """Inserts axes at positions of the result, repeating the data `counts` times, None means once (spec 03, section 4)."""
    @staticmethod
    def unsqueeze(orig_ndim: int, axes: int | Sequence[int]) -> RearrangeSpec:
        """Inserts axes of size 1 at positions of the result (spec 03, section 4)."""
    @overload
    @staticmethod
    def prepend_batch_shape(new_shape: _Shape, old_rank: int) -> RearrangeSpec:
        """Repeats along new leading axes (spec 03, section 4)."""
    @overload
    @staticmethod
    def prepend_batch_shape(shape: _Shape, old_rank: int) -> RearrangeSpec:
        """The same under the older keyword."""
    @staticmethod
    def new_permute(permutation: Sequence[int]) -> RearrangeSpec:
        """Output axis k is input axis permutation[k] (spec 03, section 4)."""
    @staticmethod
    def new_permute_combine(permute_combine: Sequence[Sequence[int]]) -> RearrangeSpec:
        """Each output axis merges the input axes listed for it (spec 03, section 4)."""
    @staticmethod
    def combine_axes_at_end(n: int, axes_to_combine: Sequence[int]) -> RearrangeSpec:
        """Merges the listed axes into one last axis (spec 03, section 4)."""
    @staticmethod
    def check_rank(rank: int) -> None:
        """RearrangeSpecLenShapeTooLargeError where rank > 255 (spec 03, section 4)."""
    def add_batch_dims(self, batch_rank: int) -> RearrangeSpec:
        """Prepends untouched axes on both sides (spec 03, section 4)."""
    @property
    def input_ints(self) -> list[list[int]]:
        """Per input axis its ints, leftmost slowest."""
    @property
    def output_ints(self) -> list[list[int]]:
        """Per output axis its ints."""
    @property
    def int_sizes(self) -> list[int | None]:
        """Size of each int; None is a wildcard."""
    def is_valid(self) -> bool:
        """True for every spec (spec 03, section 5)."""
    def is_identity(self) -> bool:
        """Whether input_ints equals output_ints (spec 03, section 5)."""
    def is_permute(self) -> bool:
        """Whether all axes have one int and the ranks agree (spec 03, section 5)."""
    def get_fwd_permutation(self) -> list[int] | None:
        """Where each input axis goes; None unless is_permute() (spec 03, section 5)."""
    def ints_in_inp(self) -> set[int]:
        """Ints of the input side."""
    def ints_in_out(self) -> set[int]:
        """Ints of the output side."""
    def next_axis(self) -> int:
        """The largest int + 1, or 0 (spec 03, section 5)."""
    def ints_needing_sizes(self) -> set[int]:
        """Ints in input axes with two or more ints (spec 03, section 5)."""
    def out_broadcast_axes(self) -> list[int]:
        """Output positions whose ints are all output-only (spec 03, section 5)."""
    def shapes(self) -> tuple[list[int], list[int]]:
        """(input shape, output shape) as lists. RearrangeSpecHasWildcardSizesError (spec 03, section 5)."""
    def to_py_rearrange_spec(self, input_shape: _Shape) -> Any:
        """Needs the older pure-Python circuit package: ImportError (spec 03, section 5.1)."""
    def conform_to_input_shape(self, shape: _Shape) -> RearrangeSpec:
        """Fills wildcards from an input shape. RearrangeSpecNotConformableError (spec 03, section 6.1)."""
    def conform_to_output_shape(self, shape: _Shape) -> RearrangeSpec:
        """Fills wildcards from an output shape (spec 03, section 6.2)."""
    def expand_to(self, shape: _Shape) -> RearrangeSpec:
        """Relaxes sizes so that the input shape is accepted. RearrangeSpecAmbiguousExpandError (spec 03, section 6.3)."""
    def fill_empty_ints(self) -> RearrangeSpec:
        """Every empty group gets an int of size 1 (spec 03, section 6.4)."""
    def canonicalize(self, special_case_ones: bool = True) -> RearrangeSpec:
        """An equivalent spec in canonical form (spec 03, section 7)."""
    @staticmethod
    def fuse(inner: RearrangeSpec, outer: RearrangeSpec) -> RearrangeSpec:
        """First inner, then outer, as one spec. RearrangeSpecNotFusableError (spec 03, section 8)."""
    def apply(self, tensor: torch.Tensor) -> torch.Tensor:
        """The rearranged tensor, possibly a view. RearrangeSpecNotConformableError (spec 03, section 9)."""
    def to_string(self, size_on_letter: bool = True, use_symbolic: bool = True, show_size_if_present: bool = True) -> str:
        """The spec as text (spec 03, section 3.2)."""
    def to_einops_string(self) -> str:
        """Text that einops reads (spec 03, section 3.2)."""
    def to_fancy_einops_string(self, node_named_axes: Mapping[int, str], self_named_axes: Mapping[int, str]) -> str | None:
        """Text with axis names, or None (spec 03, section 3.3)."""
    def to_maybe_fancy_einops_string(self, node_named_axes: Mapping[int, str], self_named_axes: Mapping[int, str]) -> str:
        """The fancy text if there is one, else to_string() (spec 03, section 3.3)."""
    def __repr__(self, /) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class EinsumSpec(metaclass=_Pybind11Type):
    """Labels of an einsum with their sizes, apart from any circuit (spec 03, section 12.1)."""
    def __init__(self, input_ints: Sequence[Sequence[int]], output_ints: Sequence[int], int_sizes: Sequence[int]) -> None: ...
    @property
    def input_ints(self) -> list[list[int]]:
        """Labels of each operand."""
    @property
    def output_ints(self) -> list[int]:
        """Labels of the output."""
    @property
    def int_sizes(self) -> list[int]:
        """Size by label, 0 where unused."""
    def ints_in_input(self) -> set[int]:
        """Labels of the operands."""
    def validate(self) -> bool:
        """All output labels occur in the operands, and all labels have a size > 0."""
    def shapes(self) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
        """(operand shapes, output shape)."""
    def normalize(self) -> EinsumSpec:
        """Labels renumbered by first appearance in the operands."""
    def flops(self) -> int:
        """Multiplications and additions of the one-step evaluation, exact (spec 03, section 12.1)."""
    def to_einsum_string(self) -> str:
        """Letters such as "ab,bc->ac" (spec 03, section 11.4)."""
    def to_fancy_einsum_string(self, self_named_axes: Mapping[int, str], children_named_axes: Sequence[Mapping[int, str]]) -> str | None:
        """Text with axis names, or None (spec 03, section 11.4)."""
    def to_maybe_fancy_string(self, self_named_axes: Mapping[int, str], children_named_axes: Sequence[Mapping[int, str]]) -> str:
        """The fancy text if there is one, else letters (spec 03, section 11.4)."""
    @staticmethod
    def string_to_ints(string: str) -> tuple[list[list[int]], list[int]]:
        """(operand label lists, output labels) of letters (spec 03, section 11.2)."""
    @staticmethod
    def fancy_string_to_ints(string: str) -> tuple[list[list[int]], list[int]]:
        """(operand label lists, output labels) of words (spec 03, section 11.3)."""
    def __repr__(self, /) -> str: ...
    def optimize(
        self,
        check_outer: bool | None = None,
        mem_cap: int | None = None,
        hash_map_cap: int | None = None,
        dont_contract_subsets_into: Sequence[int] | None = None,
    ) -> list[list[int]]:
        """A contraction path: steps of positions in the current operand list (spec 03, section 12.2)."""
    def optimize_dp(self, check_outer: bool | None = None, mem_cap: int | None = None, hash_map_cap: int | None = None) -> list[list[int]]:
        """The path of dynamic programming alone (spec 03, section 12.2, phase 2)."""
    def optimize_pre_contract_subsets(self, dont_contract_subsets_into: Sequence[int] | None = None) -> tuple[list[list[int]], list[int]]:
        """Subset absorption alone: (path, labels of the remaining operands as bit masks) (spec 03, section 12.2, phase 1)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...

class Circuit(metaclass=_Pybind11Type):
    """An immutable node, and the circuit rooted at it (spec 01)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes, as a tuple."""
    @property
    def rank(self) -> int:
        """Number of axes."""
    @property
    def ndim(self) -> int:
        """Number of axes."""
    @property
    def numel(self) -> int:
        """Number of elements, exact."""
    @property
    def name(self) -> str:
        """The name, "" when there is none."""
    @property
    def op_name(self) -> str | None:
        """The name or None."""
    @property
    def children(self) -> list[Circuit]:
        """Children in order, a fresh list."""
    @property
    def num_children(self) -> int:
        """Number of children."""
    @property
    def non_free_children(self) -> list[Circuit]:
        """The arguments of a Module, all children of other nodes."""
    @property
    def is_constant(self) -> bool:
        """Not random (spec 01, section 4)."""
    @property
    def is_explicitly_computable(self) -> bool:
        """A tensor can be computed directly (spec 01, section 4)."""
    @property
    def can_be_sampled(self) -> bool:
        """Sampling can make it computable (spec 01, section 4)."""
    @property
    def use_autoname(self) -> bool:
        """Whether automatic names are on (spec 02, section 4.3)."""
    @property
    def no_unbound_symbols(self) -> bool:
        """Whether no Symbol is free."""
    @property
    def device_dtype(self) -> TorchDeviceDtypeOp:
        """Device and dtype, each possibly unspecified."""
    @property
    def device(self) -> str | None:
        """Device as a str, or None."""
    @property
    def dtype(self) -> str | None:
        """Dtype as a str, or None."""
    @property
    def torch_dtype(self) -> torch.dtype | None:
        """The torch.dtype, or None."""
    @property
    def hash(self) -> bytes:
        """The 32-byte identity hash (spec 02, section 3)."""
    @property
    def hash_base16(self) -> str:
        """The identity hash as 64 hex digits."""
    @property
    def symbolic_size_constraints(self) -> set[SymbolicSizeConstraint]:
        """Set of SymbolicSizeConstraint (spec 02, 7.3)."""
    def get_autoname(self) -> str | None:
        """The automatic name the node would get, None if a needed child name is missing (spec 02, section 4)."""
    def get_compatible_device_dtype(self) -> TorchDeviceDtype:
        """Device and dtype with unspecified parts filled by cpu, float64."""
    def get_device_dtype(self) -> TorchDeviceDtypeOp:
        """The same as device_dtype."""
    def symbolic_shape(self) -> list[SymbolicSizeProduct]:
        """The sizes as SymbolicSizeProducts (spec 02, 7.2)."""
    def self_flops(self) -> int:
        """Cost estimate of this node alone, exact (spec 01, section 3)."""
    def total_flops(self) -> int:
        """Sum of self_flops over distinct nodes."""
    def total_arrayconstant_size(self) -> int:
        """Elements of all distinct Arrays."""
    def max_non_input_size(self) -> int:
        """Bytes of the largest node that is not a leaf."""
    def child_axis_map(self) -> list[list[int | None]]:
        """Per child, per axis: the axis of this node that is that child axis, or None (spec 01, section 3)."""
    def to_py(self) -> Any:
        """Conversion to the older Python circuit library; NotImplementedError unless that is installed."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Circuit, /) -> bool: ...
    def __gt__(self, other: Circuit, /) -> bool: ...
    def __le__(self, other: Circuit, /) -> bool: ...
    def __ge__(self, other: Circuit, /) -> bool: ...
    def __bool__(self, /) -> bool: ...
    def __copy__(self, /) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def rename(self, name: str | None) -> Self:
        """The node with this name, or without one (spec 01, 5.1)."""
    def add_suffix(self, suffix: str | None) -> Self:
        """Name + "_" + suffix; unchanged without name or suffix."""
    def with_autoname_disabled(self, autoname_disabled: bool = True) -> Self:
        """The node with automatic names turned off for everything above it (spec 02, 4.3)."""
    def rename_axes(self, named_axes: Mapping[int, str]) -> Self:
        """The node with exactly these axis names; {} restores the propagated ones (spec 02, section 5)."""
    def add(self, other: Circuit, name: str | None = None) -> Add:
        """Add of both, with broadcasting (spec 01, 5.2)."""
    def sub(self, other: Circuit, name: str | None = None) -> Add:
        """Add of self and -1 times other."""
    def mul(self, other: Circuit, name: str | None = None) -> Einsum:
        """Elementwise product with broadcasting (spec 03, 11.1)."""
    def mul_scalar(self, scalar: float, name: str | None = None, scalar_name: str | None = None) -> Einsum:
        """Product with a Scalar of shape ()."""
    def sum(self, axis: _Axis = None, name: str | None = None) -> Einsum:
        """Sum over axes, all by default (spec 01, 5.3)."""
    def mean(self, axis: _Axis = None, name: str | None = None, scalar_name: str | None = None) -> Einsum:
        """Mean over axes, all by default."""
    def max(self, axis: _Axis = None, name: str | None = None) -> GeneralFunction:
        """Maximum over axes, all by default."""
    def min(self, axis: _Axis = None, name: str | None = None) -> GeneralFunction:
        """Minimum over axes, all by default."""
    def reduce(self, op_name: str, axis: _Axis = None, name: str | None = None) -> Einsum | GeneralFunction:
        """sum, mean, or a general function over the merged axes."""
    def index(self, index: _Index, name: str | None = None) -> Index:
        """Index(self, index, name) (spec 03, section 13)."""
    def expand_at_axes(self, axes: int | Sequence[int], counts: int | Sequence[int] | None = None, name: str | None = None) -> Rearrange:
        """New repeat axes at these positions of the result (spec 03, section 4)."""
    def unsqueeze(self, axes: int | Sequence[int], name: str | None = None) -> Rearrange:
        """New axes of size 1."""
    def squeeze(self, axes: int | Sequence[int], name: str | None = None) -> Rearrange:
        """Removes axes of size 1; RuntimeError for other sizes."""
    def flatten(self, name: str | None = None) -> Rearrange:
        """Rank 1; rank 0 becomes shape (1,)."""
    def unflatten(self, shape: _Shape, name: str | None = None) -> Rearrange:
        """A node of rank 1 in another shape."""
    def unflatten_axis(self, axis: int, shape: _Shape, name: str | None = None) -> Rearrange:
        """One axis split row-major."""
    def rearrange(self, spec: RearrangeSpec, name: str | None = None) -> Rearrange:
        """Rearrange(self, spec, name)."""
    def rearrange_str(self, string: str, name: str | None = None) -> Rearrange:
        """Rearrange.from_string(self, string, name)."""
    def enforce_dtype_device(self, device_dtype: TorchDeviceDtypeOp, name: str | None = None) -> GeneralFunction:
        """A cast that also checks known parts (spec 04, section 9)."""
    def map_children(self, fn: Callable[[Circuit], Circuit]) -> Self:
        """The node rebuilt with fn(child) for each child (spec 02, section 6)."""
    def map_children_enumerate(self, fn: Callable[[int, Circuit], Circuit]) -> Self:
        """The node rebuilt with fn(i, child) for each child."""
    def map_child(self, ix: int, fn: Callable[[Circuit], Circuit]) -> Self:
        """The node rebuilt with child ix replaced by fn(child)."""
    def is_irreducible_node(self) -> bool:
        """Group membership by class (spec 01, 2.1)."""
    def into_irreducible_node(self) -> Array | Symbol | None:
        """The node itself, or None."""
    def is_leaf(self) -> bool:
        """Group membership by class (spec 01, 2.1)."""
    def into_leaf(self) -> Array | Symbol | Scalar | None:
        """The node itself, or None."""
    def is_leaf_constant(self) -> bool:
        """Group membership by class (spec 01, 2.1)."""
    def into_leaf_constant(self) -> Array | Scalar | None:
        """The node itself, or None."""
    def is_var(self) -> bool:
        """Group membership by class (spec 01, 2.1)."""
    def into_var(self) -> StoredCumulantVar | DiscreteVar | None:
        """The node itself, or None."""
    def is_einsum(self) -> bool:
        """Whether the node is of this class."""
    def maybe_einsum(self) -> Einsum | None:
        """The node if of this class, else None."""
    def cast_einsum(self) -> Einsum:
        """The node if of this class, else TypeError."""
    def is_array(self) -> bool:
        """Whether the node is of this class."""
    def maybe_array(self) -> Array | None:
        """The node if of this class, else None."""
    def cast_array(self) -> Array:
        """The node if of this class, else TypeError."""
    def is_symbol(self) -> bool:
        """Whether the node is of this class."""
    def maybe_symbol(self) -> Symbol | None:
        """The node if of this class, else None."""
    def cast_symbol(self) -> Symbol:
        """The node if of this class, else TypeError."""
    def is_scalar(self) -> bool:
        """Whether the node is of this class."""
    def maybe_scalar(self) -> Scalar | None:
        """The node if of this class, else None."""
    def cast_scalar(self) -> Scalar:
        """The node if of this class, else TypeError."""
    def is_add(self) -> bool:
        """Whether the node is of this class."""
    def maybe_add(self) -> Add | None:
        """The node if of this class, else None."""
    def cast_add(self) -> Add:
        """The node if of this class, else TypeError."""
    def is_rearrange(self) -> bool:
        """Whether the node is of this class."""
    def maybe_rearrange(self) -> Rearrange | None:
        """The node if of this class, else None."""
    def cast_rearrange(self) -> Rearrange:
        """The node if of this class, else TypeError."""
    def is_index(self) -> bool:
        """Whether the node is of this class."""
    def maybe_index(self) -> Index | None:
        """The node if of this class, else None."""
    def cast_index(self) -> Index:
        """The node if of this class, else TypeError."""
    def is_general_function(self) -> bool:
        """Whether the node is of this class."""
    def maybe_general_function(self) -> GeneralFunction | None:
        """The node if of this class, else None."""
    def cast_general_function(self) -> GeneralFunction:
        """The node if of this class, else TypeError."""
    def is_concat(self) -> bool:
        """Whether the node is of this class."""
    def maybe_concat(self) -> Concat | None:
        """The node if of this class, else None."""
    def cast_concat(self) -> Concat:
        """The node if of this class, else TypeError."""
    def is_scatter(self) -> bool:
        """Whether the node is of this class."""
    def maybe_scatter(self) -> Scatter | None:
        """The node if of this class, else None."""
    def cast_scatter(self) -> Scatter:
        """The node if of this class, else TypeError."""
    def is_conv(self) -> bool:
        """Whether the node is of this class."""
    def maybe_conv(self) -> Conv | None:
        """The node if of this class, else None."""
    def cast_conv(self) -> Conv:
        """The node if of this class, else TypeError."""
    def is_module(self) -> bool:
        """Whether the node is of this class."""
    def maybe_module(self) -> Module | None:
        """The node if of this class, else None."""
    def cast_module(self) -> Module:
        """The node if of this class, else TypeError."""
    def is_set_symbolic_shape(self) -> bool:
        """Whether the node is of this class."""
    def maybe_set_symbolic_shape(self) -> SetSymbolicShape | None:
        """The node if of this class, else None."""
    def cast_set_symbolic_shape(self) -> SetSymbolicShape:
        """The node if of this class, else TypeError."""
    def is_tag(self) -> bool:
        """Whether the node is of this class."""
    def maybe_tag(self) -> Tag | None:
        """The node if of this class, else None."""
    def cast_tag(self) -> Tag:
        """The node if of this class, else TypeError."""
    def is_discrete_var(self) -> bool:
        """Whether the node is of this class."""
    def maybe_discrete_var(self) -> DiscreteVar | None:
        """The node if of this class, else None."""
    def cast_discrete_var(self) -> DiscreteVar:
        """The node if of this class, else TypeError."""
    def is_stored_cumulant_var(self) -> bool:
        """Whether the node is of this class."""
    def maybe_stored_cumulant_var(self) -> StoredCumulantVar | None:
        """The node if of this class, else None."""
    def cast_stored_cumulant_var(self) -> StoredCumulantVar:
        """The node if of this class, else TypeError."""
    def is_cumulant(self) -> bool:
        """Whether the node is of this class."""
    def maybe_cumulant(self) -> Cumulant | None:
        """The node if of this class, else None."""
    def cast_cumulant(self) -> Cumulant:
        """The node if of this class, else TypeError."""
    def get(self, matcher: _IterativeMatcherIn, fancy_validate: bool = False) -> set[Circuit]:
        """The set of found nodes (spec 07, 6.1)."""
    def get_unique_op(self, matcher: _IterativeMatcherIn, fancy_validate: bool = False) -> Circuit | None:
        """The only found node, or None; RuntimeError if several are found (spec 07, 6.1)."""
    def get_unique(self, matcher: _IterativeMatcherIn, fancy_validate: bool = False) -> Circuit:
        """The only found node; RuntimeError if none or several are found (spec 07, 6.1)."""
    def get_paths(self, matcher: _IterativeMatcherIn) -> dict[Circuit, list[Circuit]]:
        """For each found node one path [node, its parent, ..., root], the last in the order of the walk (spec 07, 6.2)."""
    def get_all_paths(self, matcher: _IterativeMatcherIn) -> dict[Circuit, list[list[Circuit]]]:
        """For each found node all paths [node, its parent, ..., root] (spec 07, 6.2)."""
    def get_all_circuits_in_paths(self, matcher: _IterativeMatcherIn) -> SetOfCircuitIdentities:
        """The SetOfCircuitIdentities of every node on a path to a found node (spec 07, 6.1)."""
    def are_any_found(self, matcher: _IterativeMatcherIn) -> bool:
        """Whether some node is found; stops at the first (spec 07, 6.1)."""
    def update(
        self,
        matcher: _IterativeMatcherIn,
        transform: _TransformIn,
        cache_transform: bool = True,
        cache_update: bool = True,
        fancy_validate: bool = False,
        assert_any_found: bool = False,
    ) -> Circuit:
        """The circuit with each found node replaced by what the transform makes of it, from the leaves up (spec 07, 7.2)."""
    def visit(self, f: Callable[[Circuit], None]) -> None:
        """f on each distinct node, parents first; f must return None (spec 10, section 17)."""
    def repr(self, options: PrintOptions = ...) -> str:
        """The circuit as text (spec 06, section 1)."""
    def print(self, options: PrintOptions | PrintHtmlOptions = ...) -> None:
        """Prints the circuit as text, or as HTML with PrintHtmlOptions (spec 06, section 1)."""
    def print_html(self, options: PrintHtmlOptions = ...) -> None:
        """Shows the circuit as a foldable tree (spec 06, section 10)."""
    def print_stats(self) -> None:
        """Prints name, class, nodes, largest value and flops (spec 01, section 3)."""
    def __repr__(self, /) -> str: ...
    def __str__(self, /) -> str: ...
    def evaluate(self) -> torch.Tensor:
        """The circuit's tensor (spec 12, section 1)."""

@final
class Array(Circuit):
    """A constant tensor (spec 01, 7.1)."""
    def __init__(self, value: torch.Tensor, name: str | None = None) -> None: ...
    @property
    def value(self) -> torch.Tensor:
        """The tensor; must not be modified."""
    def tensor_hash_base16(self) -> str:
        """The content key, 64 hex digits (spec 02, section 8)."""
    @staticmethod
    def randn(*shape: int, name: str | None = None, device_dtype: TorchDeviceDtypeOp = ..., seed: int | None = None) -> Array:
        """Standard normal values; with a seed, those of torch.manual_seed(seed) (spec 01, 7.1)."""
    def save_rrfs(self, force: bool = False) -> str:
        """Saves the tensor to the store and returns its key, 64 hex digits (spec 02, section 9)."""
    @staticmethod
    def from_hash(name: str | None, hash_base16: str) -> Array:
        """An Array of the stored tensor with this key or unique prefix (spec 02, section 9)."""
    @staticmethod
    def from_hash_prefix(
        name: str | None, hash_base16: str, tensor_cache: TensorCacheRrfs | None = None, *, cache: TensorCacheRrfs | None = None
    ) -> Array:
        """The same, through a TensorCacheRrfs if given (spec 02, section 9)."""

@final
class Symbol(Circuit):
    """A placeholder (spec 01, 7.2)."""
    def __init__(self, shape: _Shape, uuid: UUID, name: str | None = None) -> None: ...
    @staticmethod
    def new_with_random_uuid(shape: _Shape, name: str | None = None) -> Symbol:
        """A Symbol with a random version-4 UUID."""
    @staticmethod
    def new_with_none_uuid(shape: _Shape, name: str | None = None) -> Symbol:
        """A Symbol with the all-zero UUID, which is not printed."""
    @property
    def uuid(self) -> UUID:
        """The UUID."""
    def ident(self) -> tuple[UUID, str | None]:
        """(uuid, name): how modules recognise the same symbol with another shape (spec 08)."""

@final
class Scalar(Circuit):
    """A constant tensor with one value everywhere (spec 01, 7.3)."""
    def __init__(self, value: float, shape: _Shape = (), name: str | None = None) -> None: ...
    @property
    def value(self) -> float:
        """The value."""
    def is_zero(self) -> bool:
        """Whether the value is 0 (or -0)."""
    def is_one(self) -> bool:
        """Whether the value is 1."""
    def evolve_shape(self, shape: _Shape) -> Scalar:
        """Same value and name, another shape."""

@final
class Einsum(Circuit):
    """Sums of products over labelled axes (spec 03, section 11)."""
    def __init__(self, *args: tuple[Circuit, Sequence[int]], out_axes: Sequence[int], name: str | None = None) -> None: ...
    @property
    def args(self) -> list[tuple[Circuit, tuple[int, ...]]]:
        """(circuit, labels) pairs."""
    @property
    def out_axes(self) -> tuple[int, ...]:
        """Output labels."""
    def all_input_circuits(self) -> list[Circuit]:
        """The operands."""
    def all_input_axes(self) -> list[tuple[int, ...]]:
        """Labels of each operand."""
    def reduced_axes(self) -> set[int]:
        """Labels that are summed over."""
    def next_axis(self) -> int:
        """Largest operand label + 1."""
    def evolve(self, args: Sequence[tuple[Circuit, Sequence[int]]] | None = None, out_axes: Sequence[int] | None = None) -> Einsum:
        """The node with replaced parts, under the same name."""
    def normalize_ints(self) -> Einsum:
        """Labels renumbered by first appearance over operands."""
    def get_spec(self) -> EinsumSpec:
        """The EinsumSpec (spec 03, 12.1)."""
    @staticmethod
    def from_nodes_ints(
        nodes: Sequence[Circuit],
        input_ints: Sequence[Sequence[int]] | None = None,
        output_ints: Sequence[int] = (),
        name: str | None = None,
        input_axes: Sequence[Sequence[int]] | None = None,
    ) -> Einsum:
        """From nodes and one label list each."""
    @staticmethod
    def from_einsum_string(string: str, *nodes: Circuit, name: str | None = None) -> Einsum:
        """From letters such as "ab,bc->ac" (spec 03, 11.2)."""
    @staticmethod
    def from_fancy_string(string: str, *nodes: Circuit, name: str | None = None) -> Einsum:
        """From words such as "batch q, q k -> batch k" (spec 03, 11.3)."""
    @staticmethod
    def from_spec_py(spec: EinsumSpec, *nodes: Circuit, name: str | None = None) -> Einsum:
        """From an EinsumSpec."""
    @staticmethod
    def new_diag(node: Circuit, ints: Sequence[int], name: str | None = None) -> Einsum:
        """Places a node on a generalised diagonal."""
    @staticmethod
    def new_trace(node: Circuit, ints: Sequence[int], name: str | None = None) -> Einsum:
        """Extracts a generalised diagonal (does not sum)."""
    @staticmethod
    def scalar_mul(node: Circuit, scalar: float, name: str | None = None, scalar_name: str | None = None) -> Einsum:
        """Product with a rank-0 Scalar."""
    @staticmethod
    def elementwise_broadcasted(*nodes: Circuit, name: str | None = None) -> Einsum:
        """Elementwise product with broadcasting."""
    @staticmethod
    def empty(name: str | None = None) -> Einsum:
        """No operands: the scalar 1."""
    @staticmethod
    def identity(node: Circuit, name: str | None = None) -> Einsum:
        """One operand, nothing summed."""
    @staticmethod
    def new_outer_product(*nodes: Circuit, name: str | None = None, out_axes_permutation: Sequence[int] | None = None) -> Einsum:
        """Outer product, axes optionally permuted."""

@final
class Add(Circuit):
    """The broadcast sum of its children (spec 03, section 17)."""
    def __init__(self, *args: Circuit, name: str | None = None) -> None: ...
    @property
    def nodes(self) -> list[Circuit]:
        """The children."""
    def has_broadcast(self) -> bool:
        """Whether some child's shape differs from the result's."""
    def nodes_and_rank_differences(self) -> list[tuple[Circuit, int]]:
        """(child, result rank - child rank) pairs."""
    def to_counts(self) -> dict[Circuit, int]:
        """Child to multiplicity."""
    @staticmethod
    def from_weighted_nodes(*args: tuple[Circuit, float], use_1_weights: bool = False, name: str | None = None) -> Add:
        """From (circuit, weight) pairs."""
    @staticmethod
    def minus(positive: Circuit, negative: Circuit, name: str | None = None) -> Add:
        """positive.sub(negative, name)."""

@final
class Rearrange(Circuit):
    """Splits, permutes, merges, inserts and repeats axes (spec 03, 9.1)."""
    def __init__(self, node: Circuit, spec: RearrangeSpec, name: str | None = None) -> None: ...
    @property
    def node(self) -> Circuit:
        """The child."""
    @property
    def spec(self) -> RearrangeSpec:
        """The spec as given."""
    def conform_to_input_shape_spec(self) -> RearrangeSpec:
        """The spec with sizes of the child."""
    def conform_to_input_shape(self) -> Rearrange:
        """Rearrange with the conformed spec, without an explicit name."""
    @staticmethod
    def from_string(node: Circuit, string: str, name: str | None = None) -> Rearrange:
        """From text such as "a (b:2 c) -> c a b"."""
    @staticmethod
    def reshape(node: Circuit, shape: _Shape) -> Rearrange:
        """Flatten, then unflatten."""

@final
class Index(Circuit):
    """Per axis an int, a slice or a tensor (spec 03, section 13)."""
    @overload
    def __init__(self, node: Circuit, index: _Index, name: str | None = None) -> None: ...
    @overload
    def __init__(self, node: Circuit, idx: _Index, name: str | None = None) -> None: ...
    @property
    def node(self) -> Circuit:
        """The child."""
    @property
    def idx(self) -> tuple[int | slice | torch.Tensor, ...]:
        """One element per axis of the child."""
    def has_tensor_axes(self) -> bool:
        """Whether some element is a tensor."""
    def slice_edges_to_none(self) -> Index:
        """Slice ends that are the ends of the axis replaced by None."""
    def child_axis_map_including_slices(self) -> list[list[int | None]]:
        """As child_axis_map, with every sliced axis mapped too."""
    @staticmethod
    def new_synchronized_to_start(node: Circuit, index: _Index, name: str | None = None) -> Index:
        """NumPy-style joint indexing, joint axes first (spec 03, 13.5)."""

@final
class Concat(Circuit):
    """Children joined along one axis (spec 03, section 16)."""
    def __init__(self, *args: Circuit, axis: int, name: str | None = None) -> None: ...
    @property
    def nodes(self) -> list[Circuit]:
        """The children."""
    @property
    def axis(self) -> int:
        """The axis, non-negative."""
    def get_sizes_at_axis(self) -> list[int]:
        """Sizes of the children on that axis."""
    @staticmethod
    def stack(*nodes: Circuit, axis: int, name: str | None = None) -> Concat:
        """Children joined along a new axis."""

@final
class Scatter(Circuit):
    """Zeros with the child set at slices (spec 03, section 14)."""
    @overload
    def __init__(self, node: Circuit, index: _Index, shape: _Shape, name: str | None = None) -> None: ...
    @overload
    def __init__(self, node: Circuit, idx: _Index, shape: _Shape, name: str | None = None) -> None: ...
    @property
    def node(self) -> Circuit:
        """The child."""
    @property
    def idx(self) -> tuple[slice, ...]:
        """Canonical slices."""
    def is_identity(self) -> bool:
        """Whether the output shape is the child's."""

@final
class Conv(Circuit):
    """Cross-correlation, channels last (spec 03, section 15)."""
    def __init__(
        self,
        input: Circuit,
        filter: Circuit,
        stride: Sequence[int],
        padding: int | Sequence[int] | Sequence[tuple[int, int]] = 0,
        name: str | None = None,
    ) -> None: ...
    @property
    def input(self) -> Circuit:
        """Input, shape (*batch, spatial, channels in)."""
    @property
    def filter(self) -> Circuit:
        """Filter, shape (channels out, spatial, channels in)."""
    @property
    def stride(self) -> list[int]:
        """One stride per spatial axis."""
    @property
    def strides(self) -> list[int]:
        """One stride per spatial axis."""
    @property
    def padding(self) -> list[tuple[int, int]]:
        """(before, after) per spatial axis."""
    def dims(self) -> int:
        """Number of spatial axes."""
    def input_batch_shape(self) -> tuple[int, ...]:
        """Leading batch sizes of the input."""
    def is_identity(self) -> bool:
        """Whether the result equals the input for every input; conservatively False."""

@final
class SetSymbolicShape(Circuit):
    """The child, seen as having another shape (spec 02, 7.4)."""
    def __init__(self, node: Circuit, shape: _Shape, name: str | None = None) -> None: ...
    @property
    def node(self) -> Circuit:
        """The child."""
    @staticmethod
    def some_set_neq(node: Circuit, shape: Sequence[int | None], name: str | None = None) -> Circuit:
        """None entries keep the size; the node itself if nothing changes."""
    @staticmethod
    def some_set_and_symbolic_neq(node: Circuit, shape: Sequence[int | None], name: str | None = None) -> Circuit:
        """The same, ignoring axes whose present size is not symbolic."""

@final
class Tag(Circuit):
    """The same tensor, but a different circuit (spec 01, 9.2)."""
    def __init__(self, node: Circuit, uuid: UUID, name: str | None = None) -> None: ...
    @staticmethod
    def new_with_random_uuid(node: Circuit, name: str | None = None) -> Tag:
        """A Tag with a random UUID."""
    @property
    def node(self) -> Circuit:
        """The child."""
    @property
    def uuid(self) -> UUID:
        """The UUID."""

@final
class DiscreteVar(Circuit):
    """A random row of its values (spec 01, 9.3)."""
    def __init__(self, values: Circuit, probs_and_group: Circuit | None = None, name: str | None = None) -> None: ...
    @staticmethod
    def new_uniform(values: Circuit, name: str | None = None) -> DiscreteVar:
        """A variable with a group of its own."""
    @staticmethod
    def uniform_probs_and_group(size: int, name: str | None = None) -> Tag:
        """A new group: a Tag with random UUID on Scalar(1/size, (size,))."""
    @property
    def values(self) -> Circuit:
        """The rows."""
    @property
    def probs_and_group(self) -> Circuit:
        """Weights of the rows, and the group."""

@final
class StoredCumulantVar(Circuit):
    """A random tensor known by its cumulants (spec 01, 9.4)."""
    def __init__(self, cumulants: Mapping[int, Circuit], uuid: UUID | None = None, name: str | None = None) -> None: ...
    @staticmethod
    def new_mv(
        mean: Circuit, variance: Circuit, higher_cumulants: Mapping[int, Circuit] = ..., uuid: UUID | None = None, name: str | None = None
    ) -> StoredCumulantVar:
        """From mean, covariance and higher cumulants."""
    @property
    def cumulants(self) -> dict[int, Circuit]:
        """Cumulants by number, ascending."""
    @property
    def uuid(self) -> UUID:
        """The UUID."""

@final
class Cumulant(Circuit):
    """The joint cumulant of its arguments (spec 01, 9.5; 09, section 2)."""
    def __init__(self, *args: Circuit, name: str | None = None) -> None: ...
    @property
    def nodes(self) -> list[Circuit]:
        """The arguments."""
    @property
    def cumulant_number(self) -> int:
        """Number of arguments."""
    def equivalent_explicitly_computable_circuit(self) -> Circuit:
        """Scalar 1, the argument, or a zero Scalar (spec 01, 9.5)."""
    @staticmethod
    def new_canon_rearrange(*args: Circuit, name: str | None = None) -> Rearrange:
        """The Cumulant of the sorted arguments below the Rearrange that restores the order of axes."""
    def basic_expectation(self) -> Add:
        """The defining sum over set partitions (spec 09, section 2)."""

@final
class GeneralFunctionShapeInfo(metaclass=_Pybind11Type):
    """What a shape rule yields (spec 04, sections 1 and 4)."""
    def __init__(self, shape: _Shape, num_non_batchable_output_dims: int, input_batchability: Sequence[bool]) -> None: ...
    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output."""
    @shape.setter
    def shape(self, value: _Shape) -> None: ...
    @property
    def num_non_batchable_output_dims(self) -> int:
        """Output axes, counted from the end, over which the function does not act independently."""
    @num_non_batchable_output_dims.setter
    def num_non_batchable_output_dims(self, value: int) -> None: ...
    @property
    def input_batchability(self) -> list[bool]:
        """Per input whether it has the batch axes of the output."""
    @input_batchability.setter
    def input_batchability(self, value: Sequence[bool]) -> None: ...
    def __repr__(self, /) -> str: ...

class _BuiltinFunctionSpec(metaclass=_Pybind11Type):
    """Base of the built-in specs (spec 04, section 2)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    def __repr__(self, /) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class GeneralFunctionSimpleSpec(_BuiltinFunctionSpec):
    """A simple function (spec 04, section 5)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def name(self) -> str:
        """Name of the function."""
    @property
    def num_non_batchable_output_dims(self) -> int:
        """Trailing output axes that are not batch axes."""
    @property
    def removed_from_end(self) -> int:
        """Trailing input axes that disappear."""
    @property
    def is_official(self) -> bool:
        """True: rewrites may recognise it by name."""
    def get_function(self) -> Callable[[torch.Tensor], torch.Tensor]:
        """The function as a callable on tensors."""

@final
class GeneralFunctionIndexSpec(_BuiltinFunctionSpec):
    """gen_index (spec 04, 8.1)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def index_dim(self) -> int:
        """The indexed axis, as given."""
    @property
    def batch_x(self) -> bool:
        """Whether x is batched."""
    @property
    def batch_index(self) -> bool:
        """Whether the index is batched."""
    @property
    def check_index_ints(self) -> bool:
        """Whether index values must be integers."""

@final
class GeneralFunctionExplicitIndexSpec(_BuiltinFunctionSpec):
    """explicit_index (spec 04, 8.2)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def index_dim(self) -> int:
        """The indexed axis among the non-batch axes of x, as given."""
    @property
    def x_non_batch_dims(self) -> int:
        """Number of trailing axes of x that are not batch axes."""
    @property
    def check_index_ints(self) -> bool:
        """Whether index values must be integers."""

@final
class GeneralFunctionSetDDSpec(_BuiltinFunctionSpec):
    """A cast (spec 04, section 9)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def input_required_compatibility(self) -> TorchDeviceDtypeOp:
        """What the input must be, where known."""
    @property
    def output(self) -> TorchDeviceDtypeOp:
        """What the parts become; None keeps the input's."""

@final
class GeneralFunctionPowSpec(_BuiltinFunctionSpec):
    """pow (spec 04, section 7)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""

@final
class GeneralFunctionMultinomialSpec(_BuiltinFunctionSpec):
    """multinomial (spec 04, section 10)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def replacement(self) -> bool:
        """Whether categories are drawn with replacement."""
    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the draws per row of probs."""

@final
class GeneralFunction(Circuit):
    """An opaque function of its children (spec 04)."""
    def __init__(self, *args: Circuit, spec: _FunctionSpec, name: str | None = None) -> None: ...
    @property
    def nodes(self) -> list[Circuit]:
        """The children."""
    @property
    def spec(self) -> _FunctionSpec:
        """The spec; of a user function the object passed in."""
    @property
    def num_non_batchable_output_dims(self) -> int:
        """Trailing output axes that are not batch axes (spec 04, section 1)."""
    @property
    def input_batchability(self) -> list[bool]:
        """Per input whether it has the batch axes (spec 04, section 1)."""
    @staticmethod
    def new_by_name(*nodes: Circuit, spec_name: str, name: str | None = None) -> GeneralFunction:
        """A built-in function by its text; ConstructUnknownGeneralFunctionError for an unknown one (spec 04, section 3)."""
    @staticmethod
    def new_by_name_op(*nodes: Circuit, spec_name: str, name: str | None = None) -> GeneralFunction | None:
        """The same, None for an unknown name (spec 04, section 3)."""
    @staticmethod
    def new_by_path(*nodes: Circuit, path: str, name: str | None = None) -> GeneralFunction:
        """A user function from a locator (spec 04, section 3.3)."""
    @staticmethod
    def new_from_parse(*nodes: Circuit, parse_string: str, name: str | None = None) -> GeneralFunction:
        """From text as printed: a built-in's text or "<name> at <path>" (spec 04, section 3)."""
    @staticmethod
    def gen_index(
        x: Circuit,
        index: Circuit,
        index_dim: int,
        batch_x: bool = False,
        batch_index: bool = True,
        check_index_ints: bool = True,
        name: str | None = None,
    ) -> GeneralFunction:
        """x at computed positions of one axis; four modes (spec 04, 8.1)."""
    @staticmethod
    def explicit_index(
        x: Circuit, index: Circuit, index_dim: int, x_non_batch_dims: int, check_index_ints: bool = True, name: str | None = None
    ) -> GeneralFunction:
        """x at computed positions, batched, the index with axes of its own (spec 04, 8.2)."""
    @staticmethod
    def new_cast(
        x: Circuit, input_required_compatibility: TorchDeviceDtypeOp = ..., output: TorchDeviceDtypeOp = ..., name: str | None = None
    ) -> GeneralFunction:
        """Checks and changes device and dtype (spec 04, section 9)."""

class ModuleArgSpec(metaclass=_Pybind11Type):
    """A parameter of a ModuleSpec: its Symbol, and how arguments may differ from it in shape (spec 08, section 2)."""
    def __init__(
        self, symbol: Symbol, batchable: bool = True, expandable: bool = True, ban_non_symbolic_size_expand: bool = True
    ) -> None: ...
    @staticmethod
    def just_name_shape(
        circuit: Circuit, batchable: bool = True, expandable: bool = True, ban_non_symbolic_size_expand: bool = False
    ) -> ModuleArgSpec:
        """With a Symbol of the circuit's name and shape and a random UUID (spec 08, section 2)."""
    @property
    def symbol(self) -> Symbol:
        """The parameter."""
    @symbol.setter
    def symbol(self, value: Symbol) -> None: ...
    @property
    def batchable(self) -> bool:
        """If False, the argument must have the symbol's rank."""
    @batchable.setter
    def batchable(self, value: bool) -> None: ...
    @property
    def expandable(self) -> bool:
        """If False, the last sizes of the argument must equal the symbol's."""
    @expandable.setter
    def expandable(self, value: bool) -> None: ...
    @property
    def ban_non_symbolic_size_expand(self) -> bool:
        """If True, only symbolic sizes of the symbol may differ in the argument."""
    @ban_non_symbolic_size_expand.setter
    def ban_non_symbolic_size_expand(self, value: bool) -> None: ...
    def __hash__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __lt__(self, other: ModuleArgSpec, /) -> bool: ...
    def __le__(self, other: ModuleArgSpec, /) -> bool: ...
    def __gt__(self, other: ModuleArgSpec, /) -> bool: ...
    def __ge__(self, other: ModuleArgSpec, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

class ModuleSpec(metaclass=_Pybind11Type):
    """A function: a spec circuit and its parameters (spec 08, section 3)."""
    def __init__(
        self, circuit: Circuit, arg_specs: Sequence[ModuleArgSpec], check_all_inputs_used: bool = True, check_unique_arg_names: bool = True
    ) -> None: ...
    @property
    def circuit(self) -> Circuit:
        """The spec circuit."""
    @circuit.setter
    def circuit(self, value: Circuit) -> None: ...
    @property
    def arg_specs(self) -> list[ModuleArgSpec]:
        """The parameters, as a fresh list."""
    @arg_specs.setter
    def arg_specs(self, value: Sequence[ModuleArgSpec]) -> None: ...
    def check_all_inputs_used(self) -> None:
        """Raises ConstructModuleSomeArgsNotPresentError if a parameter is unused (spec 08, section 3)."""
    def check_unique_arg_names(self) -> None:
        """Raises ConstructModuleSomeArgsNamedNoneError or ConstructModuleArgsDupNamesError (spec 08, section 3)."""
    def are_args_used(self) -> list[bool]:
        """Per arg spec: whether it is free in the spec circuit and not listed again later."""
    def map_circuit(self, f: Callable[[Circuit], Circuit]) -> ModuleSpec:
        """The spec with circuit f(circuit) and the same arg specs, unchecked (spec 08, section 3)."""
    @staticmethod
    def new_free_symbols(circuit: Circuit, check_unique_arg_names: bool = True) -> ModuleSpec:
        """One default arg spec per free symbol (spec 08, section 3)."""
    @staticmethod
    def new_extract(
        circuit: Circuit,
        arg_specs: Sequence[tuple[Circuit, ModuleArgSpec]],
        check_all_inputs_used: bool = True,
        check_unique_arg_names: bool = True,
    ) -> ModuleSpec:
        """The circuit with given circuits replaced by Symbols (spec 08, 9.2)."""
    def resize(self, shapes: Sequence[_Shape]) -> ModuleSpec:
        """The spec with symbols of these shapes (spec 08, section 6)."""
    def map_on_replaced_path(self, f: Callable[[Circuit], Circuit]) -> ModuleSpec:
        """f on every node above a parameter (spec 08, 5.5)."""
    def rename_on_replaced_path(self, prefix: str | None = None, suffix: str | None = None) -> ModuleSpec:
        """Renames every node above a parameter (spec 08, 5.5)."""
    def __hash__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __lt__(self, other: ModuleSpec, /) -> bool: ...
    def __le__(self, other: ModuleSpec, /) -> bool: ...
    def __gt__(self, other: ModuleSpec, /) -> bool: ...
    def __ge__(self, other: ModuleSpec, /) -> bool: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class Module(Circuit):
    """A call of a ModuleSpec with argument circuits (spec 08, section 4)."""
    def __init__(self, spec: ModuleSpec, name: str | None = None, **kwargs: Circuit) -> None: ...
    @staticmethod
    def new_flat(spec: ModuleSpec, *nodes: Circuit, name: str | None = None) -> Module:
        """Arguments in the order of the arg specs (spec 08, section 4)."""
    @property
    def spec(self) -> ModuleSpec:
        """The ModuleSpec, as a copy."""
    @property
    def nodes(self) -> list[Circuit]:
        """The arguments."""
    def arg_items(self) -> list[tuple[Circuit, ModuleArgSpec]]:
        """Pairs of argument and arg spec, in order."""
    def aligned_batch_shape(self) -> tuple[int, ...]:
        """Batch shape of all arguments together (spec 08, 4.1)."""
    def child_axis_map_inputs(self) -> list[list[int | None]]:
        """Per argument, per axis: the output axis that it is (spec 08, 4.1)."""
    def substitute(self, name_prefix: str | None = None, name_suffix: str | None = None, use_self_name_as_prefix: bool = False) -> Circuit:
        """The spec circuit with every parameter replaced by its argument, one level (spec 08, 5.1)."""
    def map_on_replaced_path(self, f: Callable[[Circuit], Circuit]) -> Module:
        """f on every node of the spec circuit above a parameter (spec 08, 5.5)."""
    def rename_on_replaced_path(
        self, prefix: str | None = None, suffix: str | None = None, use_self_name_as_prefix: bool = False
    ) -> Module:
        """Renames every node of the spec circuit above a parameter (spec 08, 5.5)."""
    def conform_to_input_shapes(self) -> Module:
        """The spec resized to the argument shapes (spec 08, section 6)."""
    def conform_to_input_batch_shape(self, dims_to_conform: int | None = None) -> Module:
        """The last batch axes of each argument moved into the symbols (spec 08, section 6)."""

class Expander(metaclass=_Pybind11Type):
    """Several updates at once, the nodes above expanded (spec 08, 8.2)."""
    def __init__(
        self,
        *expanders: tuple[_IterativeMatcherIn, _TransformIn],
        ban_multiple_matches_on_node: bool = False,
        default_fancy_validate: bool = False,
        default_assert_any_found: bool = False,
        suffix: str | None = None,
    ) -> None: ...
    def __call__(self, circuit: Circuit, fancy_validate: bool | None = None, assert_any_found: bool | None = None) -> Circuit:
        """The circuit with found nodes replaced; None means the default of the object (spec 08, 8.2)."""
    def batch(self, circuit: Circuit, fancy_validate: bool | None = None, assert_any_found: bool | None = None) -> Circuit:
        """The same as calling the object."""
    @property
    def replacements(self) -> list[Transform]:
        """The Transforms."""
    @property
    def matchers(self) -> list[IterativeMatcher]:
        """The IterativeMatchers."""
    @property
    def suffix(self) -> str | None:
        """Added to the names of expanded nodes."""
    @property
    def ban_multiple_matches_on_node(self) -> bool:
        """Whether two matchers may find one node."""
    @ban_multiple_matches_on_node.setter
    def ban_multiple_matches_on_node(self, value: bool) -> None: ...
    @property
    def default_fancy_validate(self) -> bool:
        """Whether each matcher is validated first."""
    @default_fancy_validate.setter
    def default_fancy_validate(self, value: bool) -> None: ...
    @property
    def default_assert_any_found(self) -> bool:
        """Whether finding nothing is an error."""
    @default_assert_any_found.setter
    def default_assert_any_found(self, value: bool) -> None: ...

class BindItem(metaclass=_Pybind11Type):
    """A matcher for a Symbol, the circuit to bind to it, and the flags of its arg spec (spec 08, 9.1)."""
    def __init__(
        self,
        matcher: _IterativeMatcherIn,
        input_circuit: Circuit,
        batchable: bool = True,
        expandable: bool = True,
        ban_non_symbolic_size_expand: bool = True,
    ) -> None: ...
    @property
    def matcher(self) -> IterativeMatcher:
        """Finds the Symbol."""
    @matcher.setter
    def matcher(self, value: _IterativeMatcherIn) -> None: ...
    @property
    def input_circuit(self) -> Circuit:
        """The argument."""
    @input_circuit.setter
    def input_circuit(self, value: Circuit) -> None: ...
    @property
    def batchable(self) -> bool:
        """See ModuleArgSpec."""
    @batchable.setter
    def batchable(self, value: bool) -> None: ...
    @property
    def expandable(self) -> bool:
        """See ModuleArgSpec."""
    @expandable.setter
    def expandable(self, value: bool) -> None: ...
    @property
    def ban_non_symbolic_size_expand(self) -> bool:
        """See ModuleArgSpec."""
    @ban_non_symbolic_size_expand.setter
    def ban_non_symbolic_size_expand(self, value: bool) -> None: ...

class ModulePusher(metaclass=_Pybind11Type):
    """Moves calls inward: Modules around smaller bodies stand at chosen places below (spec 08, section 11)."""
    def __init__(
        self,
        flatten_modules: bool = True,
        module_construct_callback: _ModuleConstructCallback | None = None,
        bind_encountered_symbols: bool = True,
        namer: _NestedModuleNamer | None = None,
    ) -> None:
        """By default unused arguments are removed and names are those of default_nested_module_namer()."""
    @staticmethod
    def noop_callback() -> _ModuleConstructCallback:
        """Leaves each Module as it is (spec 08, 11.2)."""
    @staticmethod
    def elim_no_input_modules_callback() -> _ModuleConstructCallback:
        """Gives the spec circuit of a Module without arguments (spec 08, 11.2)."""
    @staticmethod
    def remove_unused_callback(add_suffix_on_remove_unused: bool = False, elim_no_input_modules: bool = True) -> _ModuleConstructCallback:
        """Drops arguments that the leaf does not use (spec 08, 11.2)."""
    @staticmethod
    def remove_and_elim_callback(
        remove_unused_inputs: bool = True, add_suffix_on_remove_unused: bool = False, elim_no_input_modules: bool = True
    ) -> _ModuleConstructCallback:
        """The one of the others that fits (spec 08, 11.2)."""
    @property
    def flatten_modules(self) -> bool:
        """One Module around a leaf."""
    @property
    def bind_encountered_symbols(self) -> bool:
        """Whether bound Symbols are replaced by their arguments."""
    @property
    def module_construct_callback(self) -> _ModuleConstructCallback:
        """What each Module made goes through."""
    @property
    def namer(self) -> _NestedModuleNamer:
        """Names what changes."""
    def __call__(self, circuit: Circuit, traversal: _IterativeMatcherIn, skip_module: _IterativeMatcherIn = False) -> Circuit:
        """The circuit with Modules pushed down to the edges of the traversal (spec 08, 11.1)."""
    def push_down_modules(self, circuit: Circuit, traversal: _IterativeMatcherIn, skip_module: _IterativeMatcherIn = False) -> Circuit:
        """The circuit with Modules pushed down to the edges of the traversal (spec 08, 11.1)."""
    def get_push_down_modules(self, circuit: Circuit, get: _IterativeMatcherIn, skip_module: _IterativeMatcherIn = False) -> set[Circuit]:
        """The leaves for all nodes that a matcher finds (spec 08, 11.4)."""
    def get_unique_op_push_down_modules(
        self, circuit: Circuit, get: _IterativeMatcherIn, skip_module: _IterativeMatcherIn = False
    ) -> Circuit | None:
        """The one leaf, or None; RuntimeError if there are more (spec 08, 11.4)."""
    def get_unique_push_down_modules(self, circuit: Circuit, get: _IterativeMatcherIn, skip_module: _IterativeMatcherIn = False) -> Circuit:
        """The one leaf; RuntimeError if there is none or more (spec 08, 11.4)."""

@final
class Regex(metaclass=_Pybind11Type):
    """A regular expression on names, in the dialect of Python's re (spec 07, 2.2)."""
    def __init__(self, pattern: str, escape_dot: bool = True) -> None: ...
    def call(self, s: str) -> bool:
        """Whether the pattern occurs anywhere in s."""
    @property
    def pattern(self) -> str:
        """The pattern as given."""
    @property
    def escape_dot(self) -> bool:
        """Whether `.` and `\\.` were swapped."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __repr__(self, /) -> str: ...
    def __copy__(self, /) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...

@final
class Matcher(metaclass=_Pybind11Type):
    """A predicate on one node (spec 07, section 2)."""
    def __init__(self, *inps: _MatcherIn) -> None:
        """Matches what any of the arguments matches; without arguments nothing (spec 07, 2.1)."""
    @staticmethod
    def true_matcher() -> Matcher:
        """Matches every node."""
    @staticmethod
    def false_matcher() -> Matcher:
        """Matches no node."""
    @staticmethod
    def regex(pattern: str, escape_dot: bool = True) -> Matcher:
        """Matches named nodes in whose name the pattern occurs (spec 07, 2.2)."""
    @staticmethod
    def types(*types: type[Circuit]) -> Matcher:
        """Matches nodes of these classes."""
    @staticmethod
    def circuits(*circuits: Circuit) -> Matcher:
        """Matches these circuits."""
    @staticmethod
    def any(*matchers: _MatcherIn) -> Matcher:
        """Matches what some matcher matches, asked from left to right."""
    @staticmethod
    def all(*matchers: _MatcherIn) -> Matcher:
        """Matches what every matcher matches, asked from left to right."""
    @staticmethod
    def match_any_found(finder: _IterativeMatcherIn) -> Matcher:
        """Matches nodes at or below which the finder, started there, finds something."""
    @staticmethod
    def match_any_child_found(finder: _IterativeMatcherIn) -> Matcher:
        """Matches nodes strictly below which the finder, started there, finds something."""
    def call(self, circuit: Circuit) -> bool:
        """Whether this node is matched."""
    def __call__(self, circuit: Circuit) -> bool:
        """Whether this node is matched."""
    def __invert__(self, /) -> Matcher: ...
    @overload
    def new_and(self, *others: _MatcherIn) -> Matcher:  # type: ignore[overload-overlap]
        """Accepts what this matcher and all of the others accept (07, 2.3)."""
    @overload
    def new_and(self, *others: _IterativeMatcherIn) -> IterativeMatcher: ...
    def new_not(self) -> Matcher:
        """Matches what this does not match."""
    def to_iterative_matcher(self) -> IterativeMatcher:
        """The IterativeMatcher that finds what this matches, everywhere."""
    def get_first(self, circuit: Circuit) -> Circuit | None:
        """One matched node, or None: the last one in the walk that does not go below matches (spec 07, 6.3)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Self, /) -> bool: ...
    def __gt__(self, other: Self, /) -> bool: ...
    def __le__(self, other: Self, /) -> bool: ...
    def __ge__(self, other: Self, /) -> bool: ...
    def __bool__(self, /) -> bool: ...
    def __copy__(self, /) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __repr__(self, /) -> str: ...
    def debug_print_to_str(self) -> str:
        """The matcher as text (spec 07, section 9)."""
    @overload
    def __or__(self, other: _MatcherIn, /) -> Matcher: ...
    @overload
    def __or__(self, other: IterativeMatcher, /) -> IterativeMatcher: ...
    def __ror__(self, other: _MatcherIn, /) -> Matcher: ...
    @overload
    def __and__(self, other: _MatcherIn, /) -> Matcher: ...
    @overload
    def __and__(self, other: IterativeMatcher, /) -> IterativeMatcher: ...
    def __rand__(self, other: _MatcherIn, /) -> Matcher: ...
    @overload
    def new_or(self, *others: _MatcherIn) -> Matcher:  # type: ignore[overload-overlap]
        """Accepts what this matcher or any of the others accept (07, 2.3)."""
    @overload
    def new_or(self, *others: _IterativeMatcherIn) -> IterativeMatcher: ...
    def chain(self, *rest: _IterativeMatcherIn, must_be_sub: bool = False) -> IterativeMatcher:
        """Finds what the last matcher finds below what the one before finds, and so on (spec 07, 4.2)."""
    def chain_many(self, *rest: Sequence[_IterativeMatcherIn], must_be_sub: bool = False) -> IterativeMatcher:
        """Any of the chains that start with this matcher (spec 07, 4.2)."""
    def children_matcher(self, child_numbers: AbstractSet[int]) -> IterativeMatcher:
        """Finds these children of every found node (spec 07, 4.3)."""
    def module_arg_matcher(self, arg_sym_matcher: _MatcherIn) -> IterativeMatcher:
        """Finds the arguments, of every found Module, whose Symbol is accepted (spec 07, 4.4)."""
    def spec_circuit_matcher(self) -> IterativeMatcher:
        """Finds the spec circuit of every found Module (spec 07, 4.4)."""
    def filter_module_spec(self, enable: bool = True) -> IterativeMatcher:
        """The same matcher, but spec circuits of Modules are not visited (spec 07, 4.4)."""
    def validate_matched(self, matched: AbstractSet[Circuit]) -> None:
        """RuntimeError unless each part of the matcher was of use for the found nodes (spec 07, 6.4)."""
    def traversal_edges(self, circuit: Circuit) -> list[Circuit]:
        """The visited nodes at which the traversal ends, in the order of the walk (spec 07, section 8)."""
    def apply_in_traversal(self, circuit: Circuit, transform: _TransformIn) -> Circuit:
        """The transform applied to the traversed region alone (spec 07, section 8)."""
    def get(self, circuit: Circuit, fancy_validate: bool = False) -> set[Circuit]:
        """The set of found nodes (spec 07, 6.1)."""
    def get_unique_op(self, circuit: Circuit, fancy_validate: bool = False) -> Circuit | None:
        """The only found node, or None; RuntimeError if several are found (spec 07, 6.1)."""
    def get_unique(self, circuit: Circuit, fancy_validate: bool = False) -> Circuit:
        """The only found node; RuntimeError if none or several are found (spec 07, 6.1)."""
    def get_paths(self, circuit: Circuit) -> dict[Circuit, list[Circuit]]:
        """For each found node one path [node, its parent, ..., root], the last in the order of the walk (spec 07, 6.2)."""
    def get_all_paths(self, circuit: Circuit) -> dict[Circuit, list[list[Circuit]]]:
        """For each found node all paths [node, its parent, ..., root] (spec 07, 6.2)."""
    def get_all_circuits_in_paths(self, circuit: Circuit) -> SetOfCircuitIdentities:
        """The SetOfCircuitIdentities of every node on a path to a found node (spec 07, 6.1)."""
    def are_any_found(self, circuit: Circuit) -> bool:
        """Whether some node is found; stops at the first (spec 07, 6.1)."""
    def validate(self, circuit: Circuit) -> None:
        """RuntimeError unless each part of the matcher is of use in the circuit (spec 07, 6.4)."""
    def getter(self, default_fancy_validate: bool = False) -> BoundGetter:
        """A BoundGetter of this matcher (spec 07, 6.5)."""
    def any_found(self) -> BoundAnyFound:
        """A BoundAnyFound of this matcher (spec 07, 6.5)."""
    def update(
        self,
        circuit: Circuit,
        transform: _TransformIn,
        cache_transform: bool = True,
        cache_update: bool = True,
        fancy_validate: bool = False,
        assert_any_found: bool = False,
    ) -> Circuit:
        """The circuit with each found node replaced by what the transform makes of it, from the leaves up (spec 07, 7.2)."""
    def updater(
        self,
        transform: _TransformIn,
        cache_transform: bool = True,
        cache_update: bool = True,
        default_fancy_validate: bool = False,
        default_assert_any_found: bool = False,
    ) -> BoundUpdater:
        """A BoundUpdater of this matcher (spec 07, 7.3)."""

@final
class IterativeMatcher(metaclass=_Pybind11Type):
    """A state of an automaton that walks down a circuit (spec 07, section 3)."""
    def __init__(self, *inps: _IterativeMatcherIn) -> None:
        """Finds what any of the arguments finds; without arguments nothing is found or visited (spec 07, 3.2)."""
    @staticmethod
    def noop_traversal() -> IterativeMatcher:
        """Finds everything, cuts nothing."""
    @staticmethod
    def term(match_next: bool = False) -> IterativeMatcher:
        """Finds exactly the node it is started at (nothing for False), visits nothing below."""
    @staticmethod
    def any(*matchers: _IterativeMatcherIn) -> IterativeMatcher:
        """Found iff found by some; each runs independently."""
    @staticmethod
    def all(*matchers: _IterativeMatcherIn) -> IterativeMatcher:
        """Found iff found by every one; goes on while every one does."""
    @staticmethod
    def new_func(f: Callable[[Circuit], IterateMatchResults]) -> IterativeMatcher:
        """The matcher whose match_iterate is f(circuit) -> IterateMatchResults."""
    @staticmethod
    def new_chain(first: _IterativeMatcherIn, *rest: _IterativeMatcherIn, must_be_sub: bool = False) -> IterativeMatcher:
        """first.chain(*rest) (spec 07, 4.2)."""
    @staticmethod
    def new_chain_many(*chains: Sequence[_IterativeMatcherIn], must_be_sub: bool = False) -> IterativeMatcher:
        """Any of the chains, each a sequence of matchers (spec 07, 4.2)."""
    @staticmethod
    def new_children_matcher(first_match: _IterativeMatcherIn, child_numbers: AbstractSet[int]) -> IterativeMatcher:
        """first_match.children_matcher(child_numbers) (spec 07, 4.3)."""
    @staticmethod
    def new_module_arg_matcher(module_matcher: _IterativeMatcherIn, arg_sym_matcher: _MatcherIn) -> IterativeMatcher:
        """module_matcher.module_arg_matcher(arg_sym_matcher) (spec 07, 4.4)."""
    @staticmethod
    def new_spec_circuit_matcher(module_matcher: _IterativeMatcherIn) -> IterativeMatcher:
        """module_matcher.spec_circuit_matcher() (spec 07, 4.4)."""
    def match_iterate(self, circuit: Circuit) -> IterateMatchResults:
        """One step of the walk: whether the node is found, and the children's states (spec 07, 3.1)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: Self, /) -> bool: ...
    def __gt__(self, other: Self, /) -> bool: ...
    def __le__(self, other: Self, /) -> bool: ...
    def __ge__(self, other: Self, /) -> bool: ...
    def __bool__(self, /) -> bool: ...
    def __copy__(self, /) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def __repr__(self, /) -> str: ...
    def debug_print_to_str(self) -> str:
        """The matcher as text (spec 07, section 9)."""
    def __or__(self, other: _IterativeMatcherIn, /) -> IterativeMatcher: ...
    def __ror__(self, other: _IterativeMatcherIn, /) -> IterativeMatcher: ...
    def __and__(self, other: _IterativeMatcherIn, /) -> IterativeMatcher: ...
    def __rand__(self, other: _IterativeMatcherIn, /) -> IterativeMatcher: ...
    def new_or(self, *others: _IterativeMatcherIn) -> IterativeMatcher:
        """Any of this and the others (spec 07, 2.3 and 3.3)."""
    def chain(self, *rest: _IterativeMatcherIn, must_be_sub: bool = False) -> IterativeMatcher:
        """Finds what the last matcher finds below what the one before finds, and so on (spec 07, 4.2)."""
    def chain_many(self, *rest: Sequence[_IterativeMatcherIn], must_be_sub: bool = False) -> IterativeMatcher:
        """Any of the chains that start with this matcher (spec 07, 4.2)."""
    def children_matcher(self, child_numbers: AbstractSet[int]) -> IterativeMatcher:
        """Finds these children of every found node (spec 07, 4.3)."""
    def module_arg_matcher(self, arg_sym_matcher: _MatcherIn) -> IterativeMatcher:
        """Finds the arguments, of every found Module, whose Symbol is accepted (spec 07, 4.4)."""
    def spec_circuit_matcher(self) -> IterativeMatcher:
        """Finds the spec circuit of every found Module (spec 07, 4.4)."""
    def filter_module_spec(self, enable: bool = True) -> IterativeMatcher:
        """The same matcher, but spec circuits of Modules are not visited (spec 07, 4.4)."""
    def validate_matched(self, matched: AbstractSet[Circuit]) -> None:
        """RuntimeError unless each part of the matcher was of use for the found nodes (spec 07, 6.4)."""
    def traversal_edges(self, circuit: Circuit) -> list[Circuit]:
        """The visited nodes at which the traversal ends, in the order of the walk (spec 07, section 8)."""
    def apply_in_traversal(self, circuit: Circuit, transform: _TransformIn) -> Circuit:
        """The transform applied to the traversed region alone (spec 07, section 8)."""
    def get(self, circuit: Circuit, fancy_validate: bool = False) -> set[Circuit]:
        """The set of found nodes (spec 07, 6.1)."""
    def get_unique_op(self, circuit: Circuit, fancy_validate: bool = False) -> Circuit | None:
        """The only found node, or None; RuntimeError if several are found (spec 07, 6.1)."""
    def get_unique(self, circuit: Circuit, fancy_validate: bool = False) -> Circuit:
        """The only found node; RuntimeError if none or several are found (spec 07, 6.1)."""
    def get_paths(self, circuit: Circuit) -> dict[Circuit, list[Circuit]]:
        """For each found node one path [node, its parent, ..., root], the last in the order of the walk (spec 07, 6.2)."""
    def get_all_paths(self, circuit: Circuit) -> dict[Circuit, list[list[Circuit]]]:
        """For each found node all paths [node, its parent, ..., root] (spec 07, 6.2)."""
    def get_all_circuits_in_paths(self, circuit: Circuit) -> SetOfCircuitIdentities:
        """The SetOfCircuitIdentities of every node on a path to a found node (spec 07, 6.1)."""
    def are_any_found(self, circuit: Circuit) -> bool:
        """Whether some node is found; stops at the first (spec 07, 6.1)."""
    def validate(self, circuit: Circuit) -> None:
        """RuntimeError unless each part of the matcher is of use in the circuit (spec 07, 6.4)."""
    def getter(self, default_fancy_validate: bool = False) -> BoundGetter:
        """A BoundGetter of this matcher (spec 07, 6.5)."""
    def any_found(self) -> BoundAnyFound:
        """A BoundAnyFound of this matcher (spec 07, 6.5)."""
    def update(
        self,
        circuit: Circuit,
        transform: _TransformIn,
        cache_transform: bool = True,
        cache_update: bool = True,
        fancy_validate: bool = False,
        assert_any_found: bool = False,
    ) -> Circuit:
        """The circuit with each found node replaced by what the transform makes of it, from the leaves up (spec 07, 7.2)."""
    def updater(
        self,
        transform: _TransformIn,
        cache_transform: bool = True,
        cache_update: bool = True,
        default_fancy_validate: bool = False,
        default_assert_any_found: bool = False,
    ) -> BoundUpdater:
        """A BoundUpdater of this matcher (spec 07, 7.3)."""

@final
class Finished(metaclass=_Pybind11Type):
    """The class of FINISHED: a child, or all of them, is not visited (spec 07, 3.1)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    def __repr__(self, /) -> str: ...
    def __copy__(self, /) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...

class IterateMatchResults(metaclass=_Pybind11Type):
    """What an iterative matcher says about a node: found, and the states of the children (spec 07, 3.1)."""
    def __init__(self, updated: _UpdatedIn | None = None, found: bool = False) -> None: ...
    @property
    def updated(self) -> _Updated:
        """None: the same matcher for all children; FINISHED: none is visited; a matcher for all; or a list, one per child."""
    @updated.setter
    def updated(self, value: _UpdatedIn) -> None: ...
    @property
    def found(self) -> bool:
        """Whether the node is found."""
    @found.setter
    def found(self, value: bool) -> None: ...
    @staticmethod
    def new_finished(found: bool = False) -> IterateMatchResults:
        """Found or not, and no child is visited."""
    def to_tup(self) -> tuple[_Updated, bool]:
        """(updated, found)."""
    def unwrap_or_same(self, matcher: _IterativeMatcherIn) -> tuple[_Updated, bool]:
        """(updated, or the matcher if that is None, found)."""
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __repr__(self, /) -> str: ...

@final
class Getter(metaclass=_Pybind11Type):
    """Gets with a memory of every (node, state) it has visited (spec 07, 6.5)."""
    def __init__(self, default_fancy_validate: bool = False) -> None: ...
    @property
    def default_fancy_validate(self) -> bool:
        """What fancy_validate=None means."""
    @default_fancy_validate.setter
    def default_fancy_validate(self, value: bool) -> None: ...
    def bind(self, matcher: _IterativeMatcherIn) -> BoundGetter:
        """A BoundGetter of this getter and the matcher."""
    def validate(self, circuit: Circuit, matcher: _IterativeMatcherIn) -> None:
        """RuntimeError unless each part of the matcher is of use in the circuit (spec 07, 6.4)."""
    def get(self, circuit: Circuit, matcher: _IterativeMatcherIn, fancy_validate: bool | None = None) -> set[Circuit]:
        """The set of found nodes (spec 07, 6.1)."""
    def __call__(self, circuit: Circuit, matcher: _IterativeMatcherIn, fancy_validate: bool | None = None) -> set[Circuit]:
        """The set of found nodes (spec 07, 6.1)."""
    def get_unique_op(self, circuit: Circuit, matcher: _IterativeMatcherIn, fancy_validate: bool | None = None) -> Circuit | None:
        """The only found node, or None; RuntimeError if several are found (spec 07, 6.1)."""
    def get_unique(self, circuit: Circuit, matcher: _IterativeMatcherIn, fancy_validate: bool | None = None) -> Circuit:
        """The only found node; RuntimeError if none or several are found (spec 07, 6.1)."""
    def get_paths(self, circuit: Circuit, matcher: _IterativeMatcherIn) -> dict[Circuit, list[Circuit]]:
        """For each found node one path [node, its parent, ..., root], the last in the order of the walk (spec 07, 6.2)."""
    def get_all_paths(self, circuit: Circuit, matcher: _IterativeMatcherIn) -> dict[Circuit, list[list[Circuit]]]:
        """For each found node all paths [node, its parent, ..., root] (spec 07, 6.2)."""
    def get_all_circuits_in_paths(self, circuit: Circuit, matcher: _IterativeMatcherIn) -> SetOfCircuitIdentities:
        """The SetOfCircuitIdentities of every node on a path to a found node (spec 07, 6.1)."""

@final
class BoundGetter(metaclass=_Pybind11Type):
    """A Getter with a matcher (spec 07, 6.5)."""
    def __init__(self, getter: Getter, matcher: _IterativeMatcherIn) -> None: ...
    @property
    def getter(self) -> Getter:
        """The live Getter."""
    @getter.setter
    def getter(self, value: Getter) -> None: ...
    @property
    def matcher(self) -> IterativeMatcher:
        """The matcher, as an IterativeMatcher."""
    @matcher.setter
    def matcher(self, value: _IterativeMatcherIn) -> None: ...
    def validate(self, circuit: Circuit) -> None:
        """RuntimeError unless each part of the matcher is of use in the circuit (spec 07, 6.4)."""
    def get(self, circuit: Circuit, fancy_validate: bool | None = None) -> set[Circuit]:
        """The set of found nodes (spec 07, 6.1)."""
    def __call__(self, circuit: Circuit, fancy_validate: bool | None = None) -> set[Circuit]:
        """The set of found nodes (spec 07, 6.1)."""
    def get_unique_op(self, circuit: Circuit, fancy_validate: bool | None = None) -> Circuit | None:
        """The only found node, or None; RuntimeError if several are found (spec 07, 6.1)."""
    def get_unique(self, circuit: Circuit, fancy_validate: bool | None = None) -> Circuit:
        """The only found node; RuntimeError if none or several are found (spec 07, 6.1)."""
    def get_paths(self, circuit: Circuit) -> dict[Circuit, list[Circuit]]:
        """For each found node one path [node, its parent, ..., root], the last in the order of the walk (spec 07, 6.2)."""
    def get_all_paths(self, circuit: Circuit) -> dict[Circuit, list[list[Circuit]]]:
        """For each found node all paths [node, its parent, ..., root] (spec 07, 6.2)."""
    def get_all_circuits_in_paths(self, circuit: Circuit) -> SetOfCircuitIdentities:
        """The SetOfCircuitIdentities of every node on a path to a found node (spec 07, 6.1)."""

@final
class AnyFound(metaclass=_Pybind11Type):
    """Answers whether anything is found, with a memory (spec 07, 6.5)."""
    def __init__(self) -> None: ...
    def bind(self, matcher: _IterativeMatcherIn) -> BoundAnyFound:
        """A BoundAnyFound of this and the matcher."""
    def are_any_found(self, circuit: Circuit, matcher: _IterativeMatcherIn) -> bool:
        """Whether some node is found; stops at the first (spec 07, 6.1)."""
    def __call__(self, circuit: Circuit, matcher: _IterativeMatcherIn) -> bool:
        """Whether some node is found; stops at the first (spec 07, 6.1)."""

@final
class BoundAnyFound(metaclass=_Pybind11Type):
    """An AnyFound with a matcher; itself a matcher (spec 07, 6.5)."""
    def __init__(self, any_found: AnyFound, matcher: _IterativeMatcherIn) -> None: ...
    @property
    def any_found(self) -> AnyFound:
        """The live AnyFound."""
    @any_found.setter
    def any_found(self, value: AnyFound) -> None: ...
    @property
    def matcher(self) -> IterativeMatcher:
        """The matcher, as an IterativeMatcher."""
    @matcher.setter
    def matcher(self, value: _IterativeMatcherIn) -> None: ...
    def are_any_found(self, circuit: Circuit) -> bool:
        """Whether some node is found; stops at the first (spec 07, 6.1)."""
    def __call__(self, circuit: Circuit) -> bool:
        """Whether some node is found; stops at the first (spec 07, 6.1)."""

@final
class Transform(metaclass=_Pybind11Type):
    """A function from circuit to circuit, compared by the callable's identity (spec 07, 7.1)."""
    def __init__(self, inp: _TransformIn) -> None: ...
    @staticmethod
    def ident() -> Transform:
        """The transform that returns its argument."""
    def run(self, circuit: Circuit) -> Circuit:
        """The transform's result; TypeError if that is not a circuit."""
    def __call__(self, circuit: Circuit) -> Circuit:
        """The transform's result; TypeError if that is not a circuit."""
    def updater(self, cache_transform: bool = True, cache_update: bool = True) -> Updater:
        """An Updater of this transform (spec 07, 7.3)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...
    def __lt__(self, other: Self, /) -> bool: ...
    def __copy__(self, /) -> Self: ...
    def __deepcopy__(self, memo: object, /) -> Self: ...
    def debug_print_to_str(self) -> str:
        """The transform as text."""

@final
class Updater(metaclass=_Pybind11Type):
    """Updates with a memory of results (spec 07, 7.3)."""
    def __init__(
        self,
        transform: _TransformIn,
        cache_transform: bool = True,
        cache_update: bool = True,
        default_fancy_validate: bool = False,
        default_assert_any_found: bool = False,
    ) -> None: ...
    @property
    def transform(self) -> Transform:
        """The transform."""
    @property
    def cache_transform(self) -> bool:
        """As given; without effect."""
    @property
    def cache_update(self) -> bool:
        """As given; without effect."""
    @property
    def default_fancy_validate(self) -> bool:
        """What fancy_validate=None means."""
    @default_fancy_validate.setter
    def default_fancy_validate(self, value: bool) -> None: ...
    @property
    def default_assert_any_found(self) -> bool:
        """What assert_any_found=None means."""
    @default_assert_any_found.setter
    def default_assert_any_found(self, value: bool) -> None: ...
    def bind(self, matcher: _IterativeMatcherIn) -> BoundUpdater:
        """A BoundUpdater of this updater and the matcher."""
    def update(
        self, circuit: Circuit, matcher: _IterativeMatcherIn, fancy_validate: bool | None = None, assert_any_found: bool | None = None
    ) -> Circuit:
        """The circuit with each found node replaced by what the transform makes of it, from the leaves up (spec 07, 7.2)."""
    def __call__(
        self, circuit: Circuit, matcher: _IterativeMatcherIn, fancy_validate: bool | None = None, assert_any_found: bool | None = None
    ) -> Circuit:
        """The circuit with each found node replaced by what the transform makes of it, from the leaves up (spec 07, 7.2)."""

@final
class BoundUpdater(metaclass=_Pybind11Type):
    """An Updater with a matcher (spec 07, 7.3)."""
    def __init__(self, updater: Updater, matcher: _IterativeMatcherIn) -> None: ...
    @property
    def updater(self) -> Updater:
        """The live Updater."""
    @updater.setter
    def updater(self, value: Updater) -> None: ...
    @property
    def matcher(self) -> IterativeMatcher:
        """The matcher, as an IterativeMatcher."""
    @matcher.setter
    def matcher(self, value: _IterativeMatcherIn) -> None: ...
    def update(self, circuit: Circuit, fancy_validate: bool | None = None, assert_any_found: bool | None = None) -> Circuit:
        """The circuit with each found node replaced by what the transform makes of it, from the leaves up (spec 07, 7.2)."""
    def __call__(self, circuit: Circuit, fancy_validate: bool | None = None, assert_any_found: bool | None = None) -> Circuit:
        """The circuit with each found node replaced by what the transform makes of it, from the leaves up (spec 07, 7.2)."""

class SetOfCircuitIdentities(metaclass=_Pybind11Type):
    """A mutable set of identity hashes that keeps no circuit alive (spec 10, section 17)."""
    def __init__(self, hs: AbstractSet[bytes] = ...) -> None: ...
    def insert(self, circuit: Circuit) -> None:
        """Adds the circuit's hash."""
    def extend(self, other: SetOfCircuitIdentities) -> None:
        """Adds the other's hashes."""
    def union(self, other: SetOfCircuitIdentities) -> SetOfCircuitIdentities:
        """A new set: the hashes in either."""
    def intersection(self, other: SetOfCircuitIdentities) -> SetOfCircuitIdentities:
        """A new set: the hashes in both."""
    def __contains__(self, circuit: Circuit, /) -> bool: ...
    def __len__(self, /) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __repr__(self, /) -> str: ...

class PrintOptions(metaclass=_Pybind11Type):
    """How circuits are written as text (spec 06, section 2)."""
    def __init__(
        self,
        bijection: bool = True,
        reference_circuits: Mapping[Circuit, str] = ...,
        reference_circuits_by_name: Sequence[Circuit] = ...,
        shape_only_when_necessary: bool = True,
        traversal: _IterativeMatcherIn | None = None,
        leaves_on_top: bool = False,
        arrows: bool = False,
        force_use_serial_numbers: bool = False,
        number_leaves: bool = False,
        colorer: _CircuitColorer | None = None,
        comment_arg_names: bool = False,
        commenters: Sequence[Callable[[Circuit], str]] = ...,
        sync_tensors: bool = False,
        seen_children_same_line: bool = False,
        only_child_below: bool = False,
        tensor_index_literal: bool = False,
        show_all_named_axes: bool = False,
        tensor_save_dir: str | None = None,
    ) -> None: ...
    @property
    def bijection(self) -> bool:
        """Whether Parser reads the text back."""
    @bijection.setter
    def bijection(self, value: bool) -> None: ...
    @property
    def reference_circuits(self) -> dict[Circuit, str]:
        """Circuits that print as their identifier only, a fresh dict of circuit to identifier."""
    @property
    def shape_only_when_necessary(self) -> bool:
        """Whether shapes are written only where text needs them."""
    @shape_only_when_necessary.setter
    def shape_only_when_necessary(self, value: bool) -> None: ...
    @property
    def traversal(self) -> IterativeMatcher:
        """Where printing stops (spec 06, section 3)."""
    @traversal.setter
    def traversal(self, value: _IterativeMatcherIn | None) -> None: ...
    @property
    def leaves_on_top(self) -> bool:
        """Whether the text is upside down."""
    @leaves_on_top.setter
    def leaves_on_top(self, value: bool) -> None: ...
    @property
    def arrows(self) -> bool:
        """Whether tree lines stand for spaces."""
    @arrows.setter
    def arrows(self, value: bool) -> None: ...
    @property
    def force_use_serial_numbers(self) -> bool:
        """Whether every definition gets a number."""
    @force_use_serial_numbers.setter
    def force_use_serial_numbers(self, value: bool) -> None: ...
    @property
    def number_leaves(self) -> bool:
        """Whether nothing is a repeat and leaves are numbered (spec 06, section 4.3)."""
    @number_leaves.setter
    def number_leaves(self, value: bool) -> None: ...
    @property
    def colorer(self) -> _CircuitColorer | None:
        """Callable circuit -> color, or None (spec 06, section 5)."""
    @colorer.setter
    def colorer(self, value: _CircuitColorer | None) -> None: ...
    @property
    def comment_arg_names(self) -> bool:
        """Whether children carry their role as a comment (spec 06, section 4.2)."""
    @comment_arg_names.setter
    def comment_arg_names(self, value: bool) -> None: ...
    @property
    def commenters(self) -> list[_CircuitCommenter]:
        """Callables circuit -> str, a fresh list (spec 06, section 4.1)."""
    @commenters.setter
    def commenters(self, value: Sequence[_CircuitCommenter]) -> None: ...
    @property
    def sync_tensors(self) -> bool:
        """Whether printed Arrays are saved to the shared store too."""
    @sync_tensors.setter
    def sync_tensors(self, value: bool) -> None: ...
    @property
    def seen_children_same_line(self) -> bool:
        """Whether children already printed share one line."""
    @seen_children_same_line.setter
    def seen_children_same_line(self, value: bool) -> None: ...
    @property
    def only_child_below(self) -> bool:
        """Whether an only child stands below its parent without indentation."""
    @only_child_below.setter
    def only_child_below(self, value: bool) -> None: ...
    @property
    def tensor_index_literal(self) -> bool:
        """Whether index tensors are written out."""
    @tensor_index_literal.setter
    def tensor_index_literal(self, value: bool) -> None: ...
    @property
    def show_all_named_axes(self) -> bool:
        """Whether nodes with axis names have their shape written."""
    @show_all_named_axes.setter
    def show_all_named_axes(self, value: bool) -> None: ...
    @property
    def tensor_save_dir(self) -> str | None:
        """Directory for the tensors of bijective text, None: the local store."""
    @tensor_save_dir.setter
    def tensor_save_dir(self, value: str | None) -> None: ...
    def evolve(
        self,
        *,
        bijection: bool | NotSet = ...,
        reference_circuits: Mapping[Circuit, str] | NotSet = ...,
        shape_only_when_necessary: bool | NotSet = ...,
        traversal: _IterativeMatcherIn | None | NotSet = ...,
        leaves_on_top: bool | NotSet = ...,
        arrows: bool | NotSet = ...,
        force_use_serial_numbers: bool | NotSet = ...,
        number_leaves: bool | NotSet = ...,
        colorer: _CircuitColorer | None | NotSet = ...,
        comment_arg_names: bool | NotSet = ...,
        commenters: Sequence[_CircuitCommenter] | NotSet = ...,
        sync_tensors: bool | NotSet = ...,
        seen_children_same_line: bool | NotSet = ...,
        only_child_below: bool | NotSet = ...,
        tensor_index_literal: bool | NotSet = ...,
        show_all_named_axes: bool | NotSet = ...,
        tensor_save_dir: str | None | NotSet = ...,
    ) -> PrintOptions:
        """A new object with these fields; NOT_SET keeps a field. RuntimeError for combinations that are refused (spec 06, 2.1)."""
    def __copy__(self, /) -> PrintOptions: ...
    def __deepcopy__(self, memo: object, /) -> PrintOptions: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __repr__(self, /) -> str: ...
    def validate(self) -> None:
        """RuntimeError for options that cannot be combined (spec 06, section 2.1)."""
    @property
    def is_print_as_tree(self) -> bool:
        """Whether nothing is a repeat: `number_leaves`."""
    @staticmethod
    def size_colorer() -> _CircuitColorer:
        """Colors by number of elements (spec 06, section 5)."""
    @staticmethod
    def computability_colorer() -> _CircuitColorer:
        """Colors what cannot be sampled or computed (spec 06, section 5)."""
    @staticmethod
    def type_colorer() -> _CircuitColorer:
        """Colors by class (spec 06, section 5)."""
    @staticmethod
    def hash_colorer() -> _CircuitColorer:
        """Colors by identity (spec 06, section 5)."""
    @staticmethod
    def fixed_color(color: _CliColor) -> _CircuitColorer:
        """One color for all (spec 06, section 5)."""
    @staticmethod
    def circuit_set_colorer(map: Mapping[_CliColor, Iterable[Circuit]]) -> _CircuitColorer:
        """The color of the first set that contains the circuit (spec 06, section 5)."""
    @staticmethod
    def size_threshold_commenter(threshold: int = 400000000) -> _CircuitCommenter:
        """Number of elements in red, of nodes with more than `threshold` that are not Arrays (spec 06, section 4.1)."""
    @staticmethod
    def dtype_commenter(*, only_arrays: bool = False) -> _CircuitCommenter:
        """The dtype where it is specified (spec 06, section 4.1)."""
    def repr(self, *circuits: Circuit) -> str:
        """Text of zero or more circuits that share numbers and repeats (spec 06, section 1)."""
    def print(self, *circuits: Circuit) -> None:
        """Prints that text to sys.stdout (spec 06, section 1)."""
    def repr_line_info(self, circ: Circuit) -> str:
        """The definition line after identifier and name, with a leading space (spec 06, section 2.4)."""
    def repr_extra_info(self, circ: Circuit) -> str:
        """The class-specific info of the line (spec 06, section 2.4)."""
    def string_escape(self, name: str | None) -> str:
        """The name as text shows it: quoted if `bijection` (spec 06, section 2.4)."""
    @staticmethod
    def compiler_default() -> PrintOptions:
        """Every definition with a number (spec 06, section 2.5)."""
    @staticmethod
    def debug_default(end_depth: int | None = 2) -> PrintOptions:
        """Free text with shapes, to a depth (spec 06, section 2.5)."""
    @staticmethod
    def type_nest_default(circuit_type: type[Circuit], traversal: _IterativeMatcherIn | None = None) -> PrintOptions:
        """Expands nodes of one class from the root on and numbers what is below (spec 06, section 2.5)."""
    @staticmethod
    def einsum_nest_default(traversal: _IterativeMatcherIn | None = None) -> PrintOptions:
        """type_nest_default of Einsum: the leaf numbers of nest_einsums."""
    @staticmethod
    def add_nest_default(traversal: _IterativeMatcherIn | None = None) -> PrintOptions:
        """type_nest_default of Add: the leaf numbers of nest_adds."""
    @staticmethod
    def repr_depth(*circuits: Circuit, end_depth: int | None = 3) -> str:
        """Free text to a depth (spec 06, section 2.5)."""
    @staticmethod
    def print_depth(*circuits: Circuit, end_depth: int | None = 3) -> None:
        """Prints free text to a depth (spec 06, section 2.5)."""

class PrintHtmlOptions(metaclass=_Pybind11Type):
    """How circuits are shown as a foldable tree (spec 06, section 9)."""
    def __init__(
        self,
        shape_only_when_necessary: bool = True,
        traversal: _IterativeMatcherIn | None = ...,
        display_copy_button: bool = True,
        colorer: _CircuitHtmlColorer = ...,
        primary_color: str = "lightgray",
        number_leaves: bool = False,
        keep_all_cells: bool = True,
        overall_traversal: _IterativeMatcherIn | None = ...,
        comment_arg_names: bool = False,
        commenters: Sequence[Callable[[Circuit], str]] = ...,
    ) -> None: ...
    @property
    def shape_only_when_necessary(self) -> bool:
        """Whether shapes are shown only where text needs them."""
    @shape_only_when_necessary.setter
    def shape_only_when_necessary(self, value: bool) -> None: ...
    @property
    def traversal(self) -> IterativeMatcher:
        """Which nodes are expanded when the page opens."""
    @traversal.setter
    def traversal(self, value: _IterativeMatcherIn | None) -> None: ...
    @property
    def display_copy_button(self) -> bool:
        """Whether each row has a button that copies the node's name."""
    @display_copy_button.setter
    def display_copy_button(self, value: bool) -> None: ...
    @property
    def colorer(self) -> _CircuitHtmlColorer:
        """Callable circuit -> CSS color or None (spec 06, section 5)."""
    @colorer.setter
    def colorer(self, value: _CircuitHtmlColorer) -> None: ...
    @property
    def primary_color(self) -> str:
        """Color of carets, buttons and uncolored rows."""
    @primary_color.setter
    def primary_color(self, value: str) -> None: ...
    @property
    def number_leaves(self) -> bool:
        """Whether rows with nothing open below them are numbered."""
    @number_leaves.setter
    def number_leaves(self, value: bool) -> None: ...
    @property
    def keep_all_cells(self) -> bool:
        """Without effect: every output works on its own."""
    @keep_all_cells.setter
    def keep_all_cells(self, value: bool) -> None: ...
    @property
    def overall_traversal(self) -> IterativeMatcher:
        """Which nodes the page contains."""
    @overall_traversal.setter
    def overall_traversal(self, value: _IterativeMatcherIn | None) -> None: ...
    @property
    def comment_arg_names(self) -> bool:
        """Whether children carry their role as a comment (spec 06, section 4.2)."""
    @comment_arg_names.setter
    def comment_arg_names(self, value: bool) -> None: ...
    @property
    def commenters(self) -> list[_CircuitCommenter]:
        """Callables circuit -> str, a fresh list (spec 06, section 4.1)."""
    @commenters.setter
    def commenters(self, value: Sequence[_CircuitCommenter]) -> None: ...
    def evolve(
        self,
        *,
        shape_only_when_necessary: bool | NotSet = ...,
        traversal: _IterativeMatcherIn | None | NotSet = ...,
        display_copy_button: bool | NotSet = ...,
        colorer: _CircuitHtmlColorer | NotSet = ...,
        primary_color: str | NotSet = ...,
        number_leaves: bool | NotSet = ...,
        keep_all_cells: bool | NotSet = ...,
        overall_traversal: _IterativeMatcherIn | None | NotSet = ...,
        comment_arg_names: bool | NotSet = ...,
        commenters: Sequence[_CircuitCommenter] | NotSet = ...,
    ) -> PrintHtmlOptions:
        """A new object with these fields; NOT_SET keeps a field. RuntimeError for combinations that are refused (spec 06, 2.1)."""
    def __copy__(self, /) -> PrintHtmlOptions: ...
    def __deepcopy__(self, memo: object, /) -> PrintHtmlOptions: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __repr__(self, /) -> str: ...
    def light(self) -> PrintHtmlOptions:
        """A copy for light backgrounds: evolve(primary_color="#303030")."""
    def repr(self, *circuits: Circuit) -> str:
        """The view as an HTML fragment (spec 06, section 10)."""
    def print(self, *circuits: Circuit) -> None:
        """Shows the view: in a notebook as output, elsewhere as a page whose file URL is printed (spec 06, section 10.5)."""
    def repr_line(self, circ: Circuit) -> str:
        """The text of a row without comments (spec 06, section 9)."""
    @staticmethod
    def print_depth(*circuits: Circuit, depth: int = 3) -> None:
        """Shows circuits with rows open to a depth (spec 06, section 9)."""
    @staticmethod
    def type_nest_default(circuit_type: type[Circuit], traversal: _IterativeMatcherIn | None = None) -> PrintHtmlOptions:
        """Opens nodes of one class from the root on and numbers what is below (spec 06, section 9)."""
    @staticmethod
    def einsum_nest_default(traversal: _IterativeMatcherIn | None = None) -> PrintHtmlOptions:
        """type_nest_default of Einsum: the leaf numbers of nest_einsums."""
    @staticmethod
    def add_nest_default(traversal: _IterativeMatcherIn | None = None) -> PrintHtmlOptions:
        """type_nest_default of Add: the leaf numbers of nest_adds."""
    @staticmethod
    def size_colorer() -> _CircuitHtmlColorer:
        """Colors by number of elements (spec 06, section 5)."""
    @staticmethod
    def type_colorer() -> _CircuitHtmlColorer:
        """Colors by class (spec 06, section 5)."""
    @staticmethod
    def hash_colorer() -> _CircuitHtmlColorer:
        """Colors by identity (spec 06, section 5)."""
    @staticmethod
    def computability_colorer() -> _CircuitHtmlColorer:
        """Colors what cannot be sampled or computed (spec 06, section 5)."""
    @staticmethod
    def fixed_color(color: str) -> _CircuitHtmlColorer:
        """One CSS color for all (spec 06, section 5)."""

class Parser(metaclass=_Pybind11Type):
    """Reads circuits from text (spec 05, section 6)."""
    def __init__(
        self,
        reference_circuits: Mapping[str, Circuit] = ...,
        reference_circuits_by_name: Sequence[Circuit] = ...,
        tensors_as_random: bool = False,
        tensors_as_random_device_dtype: TorchDeviceDtypeOp = ...,
        allow_hash_with_random: bool = False,
        on_repeat_check_info_same: bool = True,
        module_check_all_inputs_used: bool = True,
        module_check_unique_arg_names: bool = False,
    ) -> None: ...
    @property
    def reference_circuits(self) -> dict[str, Circuit]:
        """Circuits by the identifier under which text may refer to them, a fresh dict (spec 05, section 3.4)."""
    @reference_circuits.setter
    def reference_circuits(self, value: dict[str, Circuit]) -> None: ...
    @property
    def tensors_as_random_device_dtype(self) -> TorchDeviceDtypeOp:
        """Device and dtype of random Arrays."""
    @tensors_as_random_device_dtype.setter
    def tensors_as_random_device_dtype(self, value: TorchDeviceDtypeOp) -> None: ...
    def parse_circuits(self, string: str, tensor_cache: TensorCacheRrfs | None = None) -> list[Circuit]:
        """The top-level circuits of a text in order. ParseErrors, and what constructors and the tensor store raise (spec 05, section 6.2)."""
    def parse_circuit(self, string: str, tensor_cache: TensorCacheRrfs | None = None) -> Circuit:
        """The only top-level circuit; ParseCircuitExpectedOneCircuitGotMultipleError otherwise (spec 05, section 6.2)."""
    def __call__(self, string: str, tensor_cache: TensorCacheRrfs | None = None) -> Circuit:
        """parse_circuit."""
    @property
    def tensors_as_random(self) -> bool:
        """Whether all Arrays are read as random values."""
    @tensors_as_random.setter
    def tensors_as_random(self, value: bool) -> None: ...
    @property
    def allow_hash_with_random(self) -> bool:
        """Whether keys of Arrays that are read as random are ignored."""
    @allow_hash_with_random.setter
    def allow_hash_with_random(self, value: bool) -> None: ...
    @property
    def on_repeat_check_info_same(self) -> bool:
        """Whether what a repeat says must agree with the definition."""
    @on_repeat_check_info_same.setter
    def on_repeat_check_info_same(self, value: bool) -> None: ...
    @property
    def module_check_all_inputs_used(self) -> bool:
        """Whether a Module's parameters must be used."""
    @module_check_all_inputs_used.setter
    def module_check_all_inputs_used(self, value: bool) -> None: ...
    @property
    def module_check_unique_arg_names(self) -> bool:
        """Whether a Module's parameters must have different names."""
    @module_check_unique_arg_names.setter
    def module_check_unique_arg_names(self, value: bool) -> None: ...

class SampleSpec(metaclass=_Pybind11Type):
    """Base of the sample specs (spec 09, section 3)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    def get_sample_shape(self) -> tuple[int, ...]:
        """The axes put in front of what is sampled."""
    def sample_var(self, d: DiscreteVar) -> Circuit:
        """What a DiscreteVar becomes; shape: sample shape + d.shape."""
    def get_empirical_weights(self) -> Circuit:
        """Weight of each sample position; sums to 1."""
    def get_overall_weight(self) -> Circuit:
        """Rank 0: the total before normalisation."""
    def get_transform(self) -> Transform:
        """sample_var as a Transform."""
    def get_sample_expander(
        self,
        var_matcher: _IterativeMatcherIn | None = None,
        default_fancy_validate: bool = False,
        default_assert_any_found: bool = False,
        suffix: str | None = "sample",
    ) -> Expander:
        """The Expander that replaces what the matcher finds by samples."""

@final
class RandomSampleSpec(SampleSpec):
    """Random rows (spec 09, section 4)."""
    def __init__(
        self,
        shape: _Shape = (),
        replace: bool = True,
        simplify: bool = True,
        seeder: Callable[[Circuit], int] | None = None,
        probs_and_group_evaluation_settings: object = None,
    ) -> None: ...
    @property
    def shape(self) -> tuple[int, ...]:
        """Sample shape."""
    @property
    def replace(self) -> bool:
        """Whether rows are drawn with replacement."""
    @property
    def simplify(self) -> bool:
        """Whether rows are drawn at once where possible."""
    @simplify.setter
    def simplify(self, value: bool) -> None: ...
    @property
    def seeder(self) -> Callable[[Circuit], int]:
        """group -> seed."""
    @seeder.setter
    def seeder(self, value: Callable[[Circuit], int] | None) -> None: ...

@final
class RunDiscreteVarAllSpec(SampleSpec):
    """Every row of the groups, in order (spec 09, section 6)."""
    def __init__(self, groups: Sequence[Circuit], subsets: Sequence[slice] | None = None) -> None: ...
    @property
    def groups(self) -> list[Circuit]:
        """The groups."""
    @property
    def subsets(self) -> list[slice]:
        """One slice per group."""
    @staticmethod
    def create_full_from_circuits(*circuits: Circuit) -> RunDiscreteVarAllSpec:
        """All groups of all DiscreteVars below the circuits."""

@final
class Sampler(metaclass=_Pybind11Type):
    """Samples variables and estimates cumulants (spec 09, section 8)."""
    def __init__(
        self,
        sample_spec: SampleSpec,
        var_matcher: _IterativeMatcherIn | None = None,
        cumulant_matcher: _IterativeMatcherIn | None = None,
        suffix: str | None = "sample",
        run_on_sampled: _TransformIn | None = None,
    ) -> None: ...
    @property
    def sample_spec(self) -> RandomSampleSpec | RunDiscreteVarAllSpec:
        """A copy of the spec."""
    @property
    def expander(self) -> Expander:
        """The Expander that samples."""
    @property
    def cumulant_matcher(self) -> IterativeMatcher:
        """What estimate looks for."""
    @property
    def run_on_sampled(self) -> Transform:
        """Applied to every sampled circuit."""
    def sample(self, circuit: Circuit) -> Circuit:
        """The circuit with variables replaced by samples; sample axes in front."""
    def estimate(self, circuit: Circuit) -> Circuit:
        """The circuit with cumulants replaced by estimates (spec 09, section 9)."""
    def estimate_and_sample(self, circuit: Circuit) -> Circuit:
        """sample(estimate(circuit))."""
    def __call__(self, circuit: Circuit) -> Circuit:
        """sample(estimate(circuit))."""

@final
class SimpFnSubset(metaclass=_Pybind11Type):
    """A set of rewrite rules: on/off flags over 49 names (spec 10, section 1)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @staticmethod
    def all_names() -> list[str]:
        """Names of all rules, in the order in which they are tried."""
    @staticmethod
    def init_all_with(include: bool) -> SimpFnSubset:
        """All rules, or none."""
    @staticmethod
    def none() -> SimpFnSubset:
        """No rules."""
    @staticmethod
    def all() -> SimpFnSubset:
        """All rules."""
    @staticmethod
    def default() -> SimpFnSubset:
        """The rules of simp."""
    @staticmethod
    def compiler_default() -> SimpFnSubset:
        """The rules of compiler_simp and of the optimizer."""
    @staticmethod
    def check_names(names: Iterable[str]) -> None:
        """None if all names are rules; SimpConfigFnNamesNotValidError otherwise."""
    @property
    def values(self) -> dict[str, bool]:
        """Flag by name."""
    def set(self, **kwargs: bool) -> SimpFnSubset:
        """A copy with the given flags; None leaves a flag as it is."""
    def set_all_to(self, names: Iterable[str], include: bool) -> SimpFnSubset:
        """A copy with all these flags set."""
    def include(self, names: Iterable[str]) -> SimpFnSubset:
        """A copy with these rules on."""
    def exclude(self, names: Iterable[str]) -> SimpFnSubset:
        """A copy with these rules off."""
    def simp_step(self, circuit: Circuit) -> Circuit:
        """The first rule that applies at the root; None if none does (spec 10, 1.3)."""
    def simp(self, circuit: Circuit) -> Circuit:
        """The rules applied everywhere until none applies (spec 10, 1.4)."""
    def none_repr(self) -> str:
        """All flags as text."""
    def __repr__(self, /) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self, /) -> int: ...

@final
class OptimizationSettings(metaclass=_Pybind11Type):
    """Settings of the optimizer, the schedules and the evaluator (spec 12, section 5)."""
    def __init__(
        self,
        verbose: int = 0,
        max_memory: int = 9000000000,
        max_single_tensor_memory: int = 9000000000,
        max_memory_fallback: int | None = None,
        scheduling_num_mem_chunks: int = 200,
        distribute_min_size: int | None = None,
        scheduling_naive: bool = False,
        scheduling_timeout: int = 5000,
        scheduling_simplify: bool = True,
        adjust_numerical_scale: bool = False,
        numerical_scale_min: float = 1e-08,
        numerical_scale_max: float = 100000000.0,
        capture_and_print: bool = False,
        create_tests: bool = False,
        log_simplifications: bool = False,
        log_slow_einsums: bool = False,
        save_circ: bool = False,
        optimization_parallelism: int | None = None,
        keep_all_names: bool = False,
        push_down_index: bool = True,
        deep_maybe_distribute: bool = True,
        simp_fn_subset: SimpFnSubset = ...,
        *,
        fuse_attention: bool = True,
        stream_concat: bool = True,
        group_matmuls: bool = True,
        fuse: bool = True,
        cuda_graphs: bool = False,
    ) -> None:
        """Every field by keyword, those up to simp_fn_subset by position too (spec 12, section 6)."""
    @property
    def verbose(self) -> int:
        """See spec 12, section 5."""
    @verbose.setter
    def verbose(self, value: int) -> None: ...
    @property
    def max_memory(self) -> int:
        """See spec 12, section 5."""
    @max_memory.setter
    def max_memory(self, value: int) -> None: ...
    @property
    def max_single_tensor_memory(self) -> int:
        """See spec 12, section 5."""
    @max_single_tensor_memory.setter
    def max_single_tensor_memory(self, value: int) -> None: ...
    @property
    def max_memory_fallback(self) -> int | None:
        """See spec 12, section 5."""
    @max_memory_fallback.setter
    def max_memory_fallback(self, value: int | None) -> None: ...
    @property
    def scheduling_num_mem_chunks(self) -> int:
        """See spec 12, section 5."""
    @scheduling_num_mem_chunks.setter
    def scheduling_num_mem_chunks(self, value: int) -> None: ...
    @property
    def distribute_min_size(self) -> int | None:
        """See spec 12, section 5."""
    @distribute_min_size.setter
    def distribute_min_size(self, value: int | None) -> None: ...
    @property
    def scheduling_naive(self) -> bool:
        """See spec 12, section 5."""
    @scheduling_naive.setter
    def scheduling_naive(self, value: bool) -> None: ...
    @property
    def scheduling_timeout(self) -> int:
        """See spec 12, section 5."""
    @scheduling_timeout.setter
    def scheduling_timeout(self, value: int) -> None: ...
    @property
    def scheduling_simplify(self) -> bool:
        """See spec 12, section 5."""
    @scheduling_simplify.setter
    def scheduling_simplify(self, value: bool) -> None: ...
    @property
    def adjust_numerical_scale(self) -> bool:
        """See spec 12, section 5."""
    @adjust_numerical_scale.setter
    def adjust_numerical_scale(self, value: bool) -> None: ...
    @property
    def numerical_scale_min(self) -> float:
        """See spec 12, section 5."""
    @numerical_scale_min.setter
    def numerical_scale_min(self, value: float) -> None: ...
    @property
    def numerical_scale_max(self) -> float:
        """See spec 12, section 5."""
    @numerical_scale_max.setter
    def numerical_scale_max(self, value: float) -> None: ...
    @property
    def capture_and_print(self) -> bool:
        """See spec 12, section 5."""
    @capture_and_print.setter
    def capture_and_print(self, value: bool) -> None: ...
    @property
    def create_tests(self) -> bool:
        """See spec 12, section 5."""
    @create_tests.setter
    def create_tests(self, value: bool) -> None: ...
    @property
    def log_simplifications(self) -> bool:
        """See spec 12, section 5."""
    @log_simplifications.setter
    def log_simplifications(self, value: bool) -> None: ...
    @property
    def log_slow_einsums(self) -> bool:
        """See spec 12, section 5."""
    @log_slow_einsums.setter
    def log_slow_einsums(self, value: bool) -> None: ...
    @property
    def save_circ(self) -> bool:
        """See spec 12, section 5."""
    @save_circ.setter
    def save_circ(self, value: bool) -> None: ...
    @property
    def optimization_parallelism(self) -> int | None:
        """See spec 12, section 5."""
    @optimization_parallelism.setter
    def optimization_parallelism(self, value: int | None) -> None: ...
    @property
    def keep_all_names(self) -> bool:
        """See spec 12, section 5."""
    @keep_all_names.setter
    def keep_all_names(self, value: bool) -> None: ...
    @property
    def push_down_index(self) -> bool:
        """See spec 12, section 5."""
    @push_down_index.setter
    def push_down_index(self, value: bool) -> None: ...
    @property
    def deep_maybe_distribute(self) -> bool:
        """See spec 12, section 5."""
    @deep_maybe_distribute.setter
    def deep_maybe_distribute(self, value: bool) -> None: ...
    @property
    def simp_fn_subset(self) -> SimpFnSubset:
        """See spec 12, section 5."""
    @simp_fn_subset.setter
    def simp_fn_subset(self, value: SimpFnSubset) -> None: ...
    @property
    def fuse_attention(self) -> bool:
        """See spec 12, section 5."""
    @fuse_attention.setter
    def fuse_attention(self, value: bool) -> None: ...
    @property
    def stream_concat(self) -> bool:
        """See spec 12, section 5."""
    @stream_concat.setter
    def stream_concat(self, value: bool) -> None: ...
    @property
    def group_matmuls(self) -> bool:
        """See spec 12, section 5."""
    @group_matmuls.setter
    def group_matmuls(self, value: bool) -> None: ...
    @property
    def fuse(self) -> bool:
        """See spec 12, section 5."""
    @fuse.setter
    def fuse(self, value: bool) -> None: ...
    @property
    def cuda_graphs(self) -> bool:
        """Whether repeated runs on a CUDA device are captured once and replayed; off unless asked for."""
    @cuda_graphs.setter
    def cuda_graphs(self, value: bool) -> None: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: ClassVar[None]  # type: ignore[assignment]
    def __ne__(self, other: object, /) -> bool: ...
    def __repr__(self, /) -> str: ...
    def __copy__(self, /) -> OptimizationSettings: ...
    def __deepcopy__(self, memo: object, /) -> OptimizationSettings: ...

@final
class OptimizationContext(metaclass=_Pybind11Type):
    """Settings with the logs of what is optimized with them; stands for settings (spec 12, 5.1)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @staticmethod
    def new_settings(settings: OptimizationSettings) -> OptimizationContext:
        """A context with empty logs."""
    @staticmethod
    def new_settings_circuit(settings: OptimizationSettings, circuit: Circuit) -> OptimizationContext:
        """The same; the circuit does not matter."""
    @property
    def settings(self) -> OptimizationSettings:
        """A copy of the settings."""
    def stringify_logs(self) -> str:
        """JSON: rules in firing order (log_simplifications), slow searches for contraction orders (log_slow_einsums)."""

@final
class ScheduleStats(metaclass=_Pybind11Type):
    """Statistics of a schedule, of the plan or of a run (spec 12, 8.4)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def max_mem(self) -> int:
        """Accounted peak, elements."""
    @property
    def constant_mem(self) -> int:
        """Elements of all constants."""
    @property
    def max_mem_bytes(self) -> int:
        """Accounted peak, bytes."""
    @property
    def constant_mem_bytes(self) -> int:
        """Bytes of all constants."""
    @property
    def max_circuit_set(self) -> set[Circuit]:
        """Nodes live at the first maximum."""
    @property
    def num_computes(self) -> int:
        """Compute instructions."""
    @property
    def fused_attention(self) -> int:
        """Distinct softmax nodes computed inside a fused attention kernel."""
    @property
    def fused_nodes(self) -> int:
        """Nodes not materialised because of fusion."""
    @property
    def attention_backends(self) -> dict[str, int]:
        """How many of fused_attention run on "cuda", "sdpa", "blocked"."""
    @property
    def fusions(self) -> dict[str, int]:
        """How many regions each kind of fusion made."""
    @property
    def not_fused(self) -> list[tuple[Circuit, str, str]]:
        """Candidates that were not fused: (circuit, fusion, reason)."""
    @property
    def grouped_matmuls(self) -> int:
        """Groups of products run as one."""
    @property
    def grouped_matmul_nodes(self) -> int:
        """Products in the groups."""
    @property
    def num_chunks(self) -> int:
        """Streamed pieces."""
    @property
    def shared_by_chunks(self) -> int:
        """Nodes that several streamed pieces use, computed once."""
    @property
    def peak_bytes(self) -> int | None:
        """Most storage owned at once, workspaces included, of a run only."""
    @property
    def python_calls(self) -> int | None:
        """Calls of user-defined functions, of a run only."""
    @property
    def graph_replays(self) -> int | None:
        """How often a captured CUDA graph was replayed, of a run only."""
    def __repr__(self, /) -> str: ...

@final
class Schedule(metaclass=_Pybind11Type):
    """An immutable plan of computation, usable repeatedly and concurrently (spec 12, section 8)."""
    def __init__(self, *args: Never, **kwargs: Never) -> None:
        """Not for users: TypeError. Other functions make these objects."""
    @property
    def constants(self) -> dict[int, Array | Symbol]:
        """Array, Symbol, or replacing Tensor by key."""
    @property
    def scalars(self) -> dict[int, Scalar]:
        """Scalar by key."""
    @property
    def instructions(self) -> list[int | tuple[int, Circuit]]:
        """k: drop key k; (k, circuit): compute key k, children shown as Symbols named by key."""
    def evaluate(self, settings: OptimizationSettings = ...) -> torch.Tensor:
        """The output; several are flattened and concatenated."""
    def evaluate_many(self, settings: OptimizationSettings = ...) -> list[torch.Tensor]:
        """All outputs in order."""
    def evaluate_with_stats(self, settings: OptimizationSettings = ...) -> tuple[list[torch.Tensor], ScheduleStats]:
        """All outputs, and the statistics of this run."""
    def get_stats(self) -> ScheduleStats:
        """Statistics of the plan; runs nothing."""
    def split(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        """The outputs from the flat tensor of evaluate."""
    def validate(self, validate_output: bool) -> None:
        """RuntimeError if the plan is inconsistent."""
    def next_key(self) -> int:
        """Largest key + 1."""
    def check_no_syms(self) -> None:
        """SchedulingEvaluateCalledWithSymsError if a constant is a Symbol."""
    def check_no_raw_tensor_constants(self) -> None:
        """RuntimeError if a constant is a Tensor."""
    def replace_tensors(self, map: Mapping[bytes, torch.Tensor], allow_missing: bool = False) -> Schedule:
        """The same plan with constants replaced, by hash of the Array or Symbol (spec 12, 8.3)."""
    def map_tensors(self, f: Callable[[Any], torch.Tensor | None]) -> Schedule:
        """The same plan with every constant offered to f; None keeps it."""
    @property
    def _state(self) -> tuple[Any, ...]:
        """What a Schedule is made from."""
    @staticmethod
    def _from_state(state: tuple[Any, ...]) -> Schedule:
        """The Schedule of a _state."""
    @property
    def _outputs(self) -> list[int]:
        """Keys of the outputs."""
    @property
    def _leaves(self) -> list[Array | Symbol]:
        """Arrays and Symbols that may be replaced."""
    @property
    def _operands(self) -> dict[int, list[int]]:
        """Keys of the operands by computed key."""
    def __repr__(self, /) -> str: ...
    def serialize(self) -> str:
        """Return the schedule as JSON, with tensors put into the store (spec 12, section 8.5).

        SchedulingEvaluateCalledWithSymsError if it has Symbols, RuntimeError if it has replaced tensors or user functions without a path.
        """
    @staticmethod
    def deserialize(string: str, tensor_cache: TensorCacheRrfs | None = None) -> Schedule:
        """Return the schedule of a text that `serialize` wrote; tensors come through the cache if given, else from the store.

        RuntimeError for anything else. The text may name Python functions to import: it is as trustworthy as its author (spec 12, 8.5).
        """
    def tosend(self) -> ScheduleToSend:
        """Return the schedule's text with methods to evaluate it elsewhere; errors as for `serialize` (spec 12, section 8.6)."""
    def evaluate_remote(self, url: str) -> torch.Tensor:
        """Return `tosend().evaluate_remote(url, "cpu")` (spec 12, section 8.6)."""
    def evaluate_remote_many(self, url: str) -> list[torch.Tensor]:
        """Return `tosend().evaluate_remote_many(url, "cpu")` (spec 12, section 8.6)."""

# What the Python layer takes from the core.
_error_families: list[tuple[str, str, str]]
_error_rows: list[tuple[str, str, str, bool]]

def _set_error_classes(classes: dict[str, type]) -> None:
    """Gives the core the exception classes that it raises."""

def _spec_shape_info(spec: _FunctionSpec, shapes: Sequence[_Shape]) -> GeneralFunctionShapeInfo:
    """Runs the shape rule of a spec."""

def _spec_apply(spec: _FunctionSpec, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Computes the value of a spec on tensors."""

def _set_content_key(tensor: torch.Tensor, key: bytes) -> None:
    """Records the key of a tensor that was loaded by it, so that it is not hashed again."""

def _load_small_tensor(path: str) -> torch.Tensor | None:
    """The CPU tensor of a small file of torch.save; None for torch.load to judge."""

def _naming_of(node: Circuit) -> tuple[str | None, bool, dict[int, str] | None]:
    """(name, whether automatic names are off here, axis names set by hand or None)."""

def _with_naming(node: _N, name: str | None, autoname_disabled: bool, named_axes: Mapping[int, str] | None) -> _N:
    """The node with what _naming_of gave."""

def _post_order(circuit: Circuit) -> list[Circuit]:
    """Distinct nodes, children before parents."""

built_with_torch: str

def symbolic_sizes() -> list[int]:
    """The 256 reserved primes, ascending (spec 02, section 7.1)."""

def get_children_with_symbolic_sizes(circuit: Circuit) -> set[Circuit]:
    """All nodes of the circuit, itself included, with a symbolic size in their shape (spec 02, section 7.5)."""

def any_children_with_symbolic_sizes(circuit: Circuit) -> bool:
    """Whether some node of the circuit has a symbolic size in its shape (spec 02, section 7.5)."""

def broadcast_shapes(*shapes: _Shape) -> tuple[int, ...]:
    """The common shape, aligned at the right; 1 stretches to any size but 0. MiscInputNotBroadcastableError (spec 03, section 18)."""

def circuit_is_irreducible_node(circuit: Circuit) -> TypeGuard[Array | Symbol]:
    """Group membership by class (spec 01, 2.1)."""

def circuit_is_leaf(circuit: Circuit) -> TypeGuard[Array | Symbol | Scalar]:
    """Group membership by class (spec 01, 2.1)."""

def circuit_is_leaf_constant(circuit: Circuit) -> TypeGuard[Array | Scalar]:
    """Group membership by class (spec 01, 2.1)."""

def circuit_is_var(circuit: Circuit) -> TypeGuard[StoredCumulantVar | DiscreteVar]:
    """Group membership by class (spec 01, 2.1)."""

def print_circuit_type_check(x: type[_N]) -> type[_N]:
    """x if it is one of the 17 node classes, else TypeError (spec 01, 2.1)."""

def oom_fmt(x: int) -> str:
    """x divided by 1000 while it is that large, with a suffix: 12345678 -> 12M (spec 01, section 10)."""

def compute_self_hash(circuit: Circuit, hash_child_count: bool = True, hash_child_shapes: bool = False, hash_name: bool = True) -> bytes:
    """Hash of one node without its children's identities (spec 02, section 2)."""

def flat_concat(circuits: Sequence[Circuit]) -> Concat:
    """Each circuit flattened, joined on axis 0 (spec 03, section 16)."""

def flat_concat_back(circuits: Sequence[Circuit]) -> tuple[Concat, list[Circuit]]:
    """flat_concat, and per circuit what gives it back."""

def get_shape_info_simple(
    shapes: Sequence[_Shape], num_non_batchable_output_dims: int = 0, removed_from_end: int = 0
) -> GeneralFunctionShapeInfo:
    """Shape rule of functions of one input that keep its leading axes (spec 04, section 4)."""

def get_shape_info_broadcast(shapes: Sequence[_Shape], special_case_ones: bool = True) -> GeneralFunctionShapeInfo:
    """Shape rule of elementwise functions of broadcast inputs (spec 04, section 4)."""

def sin(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function sin (spec 04, section 5)."""

def cos(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function cos (spec 04, section 5)."""

def sigmoid(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function sigmoid (spec 04, section 5)."""

def tanh(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function tanh (spec 04, section 5)."""

def rsqrt(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function rsqrt (spec 04, section 5)."""

def gelu(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function gelu (spec 04, section 5)."""

def gelu_new(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function gelu_new (spec 04, section 5)."""

def relu(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function relu (spec 04, section 5)."""

def step(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function step (spec 04, section 5)."""

def reciprocal(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function reciprocal (spec 04, section 5)."""

def log_exp_p_1(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function log_exp_p_1 (spec 04, section 5)."""

def gaussian_pdf(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function gaussian_pdf (spec 04, section 5)."""

def gaussian_cdf(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function gaussian_cdf (spec 04, section 5)."""

def softmax(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function softmax (spec 04, section 5)."""

def log_softmax(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function log_softmax (spec 04, section 5)."""

def min(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function min (spec 04, section 5)."""

def max(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function max (spec 04, section 5)."""

def last_dim_size(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function last_dim_size (spec 04, section 5)."""

def abs(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function abs (spec 04, section 5)."""

def exp(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function exp (spec 04, section 5)."""

def log(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function log (spec 04, section 5)."""

def logit(circuit: Circuit, name: str | None = None) -> GeneralFunction:
    """The simple function logit (spec 04, section 5)."""

def pow(base: Circuit, exponent: Circuit, name: str | None = None) -> GeneralFunction:
    """base ** exponent, broadcast (spec 04, section 7)."""

def multinomial(probs: Circuit, seed: Circuit, shape: _Shape, replacement: bool = True, name: str | None = None) -> GeneralFunction:
    """Category numbers drawn with weights probs, reproducible from the seed (spec 04, section 10)."""

def upcast_tensor_devices(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Moves all to the first non-CPU device unless the devices agree (spec 04, section 6)."""

def upcast_tensor_device_dtypes(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The same, and one dtype: the first floating one that is not float64 (spec 04, section 6)."""

def hash_tensor(x: torch.Tensor) -> bytes:
    """The content key: 32 bytes that depend on shape, dtype, device and elements (spec 02, section 8)."""

def get_free_symbols(circuit: Circuit) -> list[Symbol]:
    """Distinct Symbols not bound by a Module, in order of first visit (spec 08, 1.1)."""

def expand_node(circuit: Circuit, inputs: Iterable[Circuit]) -> Circuit:
    """The node over new children of possibly more axes and other sizes (spec 08, section 7)."""

def substitute_all_modules(circuit: Circuit) -> Circuit:
    """Every Module substituted, bottom-up (spec 08, 5.4)."""

def conform_all_modules(circuit: Circuit) -> Circuit:
    """Every Module conformed to its argument shapes (spec 08, section 6)."""

def inline_single_callsite_modules(circuit: Circuit) -> Circuit:
    """Substitutes every Module whose spec no other Module of the circuit has (spec 08, section 13)."""

def clear_module_circuit_caches() -> None:
    """Empties the process-wide caches that hold circuits (spec 02, section 10)."""

def replace_expand_bottom_up(circuit: Circuit, f: Callable[[Circuit], Circuit | None]) -> Circuit:
    """Nodes for which f gives a circuit replaced, those above expanded (spec 08, 8.1)."""

def replace_expand_bottom_up_dict(circuit: Circuit, dict: Mapping[Circuit, Circuit]) -> Circuit:
    """The keys of a dict replaced by their values, nodes above expanded (spec 08, 8.1)."""

def extract_rewrite_raw(
    circuit: Circuit,
    input_specs: Sequence[tuple[Circuit, ModuleArgSpec]],
    prefix_to_strip: str | None = None,
    module_name: str | None = None,
    check_all_inputs_used: bool = True,
    check_unique_arg_names: bool = True,
    require_all_args: bool | None = None,
) -> Module:
    """The Module that binds new symbols to the circuits they replace (spec 08, 9.3)."""

def module_new_bind(
    spec_circuit: Circuit,
    *binders: tuple[_IterativeMatcherIn, Circuit] | BindItem,
    check_unique_arg_names: bool = True,
    name: str | None = None,
) -> Module:
    """A Module of the circuit whose parameters are the Symbols that the matchers find (spec 08, 9.1)."""

def extract_rewrite(
    circuit: Circuit,
    matcher: _IterativeMatcherIn | None = None,
    prefix_to_strip: str | None = None,
    module_name: str | None = None,
    check_all_inputs_used: bool = True,
    check_unique_arg_names: bool = True,
    circuit_to_arg_spec: Callable[[Circuit], ModuleArgSpec] | None = None,
    *,
    input_matcher: _IterativeMatcherIn | None = None,
    require_all_args: bool | None = None,
) -> Module:
    """Binds the nodes that the matcher finds to new symbols of the circuit; the value is unchanged (spec 08, 9.4)."""

def default_nested_module_namer(bind_name: str = "bind") -> _NestedModuleNamer:
    """The namer that calls a circuit `<base> bind:<m1>,<m2>` after the Modules around it (spec 08, 11.3)."""

def extract_symbols(
    circuit: Circuit,
    symbols: Iterable[Symbol],
    use_elim_no_input_modules: bool = True,
    conform_batch_if_needed: bool = False,
    traversal: _IterativeMatcherIn | None = None,
) -> Module:
    """Moves the bindings of some symbols to one new outermost Module (spec 08, section 10)."""

def extract_symbols_get(
    circuit: Circuit,
    get: _IterativeMatcherIn,
    use_elim_no_input_modules: bool = True,
    conform_batch_if_needed: bool = False,
    traversal: _IterativeMatcherIn | None = None,
) -> Module:
    """The same for the symbols that a matcher finds (spec 08, section 10)."""

def pull_out_of_modules_get(
    circuit: Circuit,
    matcher: _IterativeMatcherIn,
    update_new_binds: Callable[[Circuit], Circuit | None],
    matcher_new_binds: _IterativeMatcherIn | None = None,
    module_construct_callback: Callable[[Module, Module], Circuit] | None = None,
    circuit_to_arg_spec: Callable[[Circuit], ModuleArgSpec] | None = None,
) -> tuple[Circuit, list[tuple[Circuit, ModuleArgSpec]]]:
    """Moves found nodes from spec circuits into arguments; gives the circuit and what no Module bound (spec 08, 10.1)."""

def pull_out_of_modules(
    circuit: Circuit,
    matcher: _IterativeMatcherIn,
    update_new_binds: Callable[[Circuit], Circuit | None],
    matcher_new_binds: _IterativeMatcherIn | None = None,
    module_construct_callback: Callable[[Module, Module], Circuit] | None = None,
    circuit_to_arg_spec: Callable[[Circuit], ModuleArgSpec] | None = None,
) -> Circuit:
    """Moves found nodes from spec circuits into arguments; RuntimeError if one reaches the top (spec 08, 10.1)."""

def default_update_bindings_nested_namer(
    bind_name: str = "upd_bind", short_if_not_leaf: bool = True, keep_name_if_not_leaf: bool = False
) -> _NestedModuleNamer:
    """The namer of update_bindings_nested (spec 08, section 12)."""

def update_bindings_nested(
    circuit: Circuit,
    update: Callable[[Circuit], Circuit | None],
    matcher: _IterativeMatcherIn,
    namer: _NestedModuleNamer | None = None,
    skip_module: _IterativeMatcherIn = False,
    run_update_on_new_spec_circuits: bool = False,
    flatten_modules: bool = False,
) -> Circuit:
    """Rebinds parameters for their uses at the found nodes only (spec 08, section 12)."""

FINISHED: Finished

def restrict(
    matcher: _IterativeMatcherIn,
    term_if_matches: bool = False,
    start_depth: int | None = None,
    end_depth: int | None = None,
    term_early_at: _MatcherIn = False,
) -> IterativeMatcher:
    """The matcher cut by depth, at matches or at other nodes (spec 07, section 5)."""

def restrict_sl(
    matcher: _IterativeMatcherIn, term_if_matches: bool = False, depth_slice: slice = ..., term_early_at: _MatcherIn = False
) -> IterativeMatcher:
    """restrict with start_depth and end_depth taken from a slice (spec 07, section 5)."""

def new_traversal(start_depth: int | None = None, end_depth: int | None = None, term_early_at: _MatcherIn = False) -> IterativeMatcher:
    """restrict(True, ...): a region of the circuit (spec 07, section 5)."""

def default_var_matcher() -> IterativeMatcher:
    """The DiscreteVars that are not inside a Cumulant, not looking into variables (spec 07, section 8)."""

def replace_outside_traversal_symbols(
    circuit: Circuit, traversal: _IterativeMatcherIn, namer: Callable[[Circuit], str | None] | None = None
) -> tuple[Circuit, dict[Symbol, Circuit]]:
    """The circuit with every edge of the traversal replaced by a new Symbol, and what each Symbol replaced (spec 07, section 8)."""

def apply_in_traversal(circuit: Circuit, traversal: _IterativeMatcherIn, f: _TransformIn) -> Circuit:
    """f applied to the traversed region alone (spec 07, section 8)."""

def append_matchers_to_names(circuit: Circuit, matcher: _IterativeMatcherIn, discard_old_name: bool = False) -> Circuit:
    """The circuit with the state of the walk in the name of every visited node (spec 07, section 9)."""

def deep_map(circuit: Circuit, fn: Callable[[Circuit], Circuit]) -> Circuit:
    """Bottom-up: each distinct node rebuilt with its mapped children, then given to fn (spec 10, section 17)."""

def deep_map_preorder(circuit: Circuit, fn: Callable[[Circuit], Circuit]) -> Circuit:
    """fn first, then the children of its result are mapped (spec 10, section 17)."""

def visit_circuit(circuit: Circuit, f: Callable[[Circuit], None]) -> None:
    """f on each distinct node, parents first; f must return None (spec 10, section 17)."""

def all_children(circuit: Circuit) -> set[Circuit]:
    """The set of all nodes, the circuit itself included."""

def filter_nodes(circuit: Circuit, fn: Callable[[Circuit], bool]) -> set[Circuit]:
    """The set of nodes for which fn returns True (spec 10, section 17)."""

def replace_nodes(circuit: Circuit, map: Mapping[Circuit, Circuit]) -> Circuit:
    """Nodes that are keys replaced by their values, from the root down and inside the replacements too (spec 10, section 17)."""

def update_nodes(circuit: Circuit, matcher: _IterativeMatcherIn, updater: _TransformIn) -> Circuit:
    """deep_map_preorder applying updater to the nodes that the matcher finds (spec 10, section 17)."""

def path_get(circuit: Circuit, path: Sequence[int]) -> Circuit | None:
    """The node at the end of a path of child numbers, None if it leaves the circuit (spec 10, section 17)."""

def update_path(circuit: Circuit, path: Sequence[int], updater: _TransformIn) -> Circuit:
    """updater applied to the node at the end of a path, only there (spec 10, section 17)."""

def toposort_circuit(circuit: Circuit) -> list[Circuit]:
    """Distinct nodes, children before parents, the root last (spec 10, section 17)."""

def count_nodes(circuit: Circuit) -> int:
    """Number of distinct nodes."""

def total_flops(circuit: Circuit) -> int:
    """Sum of self_flops over distinct nodes."""

def total_arrayconstant_size(circuit: Circuit) -> int:
    """Elements of all distinct Arrays."""

def prefix_all_names(circuit: Circuit, prefix: str | None) -> Circuit:
    """Every named node renamed to prefix + name, children first (spec 10, section 17)."""

def set_debug_print_options(options: PrintOptions) -> None:
    """Sets what repr(circuit) and error messages show, for the whole process (spec 06, section 7)."""

def get_debug_print_options() -> PrintOptions:
    """A copy of the options set by set_debug_print_options (spec 06, section 7)."""

def diff_circuits(
    new: Circuit,
    old: Circuit,
    options: PrintOptions = ...,
    require_child_count_same: bool = True,
    require_child_shapes_same: bool = False,
    require_name_same: bool = True,
    print_legend: bool = True,
    same_self_color: _CliColor = "Blue",
    same_color: _CliColor | None = None,
    new_color: _CliColor = "Green",
    removed_color: _CliColor = "Red",
) -> str:
    """Compares two circuits top-down and returns text; the new one comes first (spec 06, section 8)."""

def repr_matcher_debug(circuit: Circuit, matcher: _IterativeMatcherIn, print_options: PrintOptions = ...) -> str:
    """The walk with a matcher as a tree: a line per visited (node, state), with what is found (spec 07, section 9)."""

def print_matcher_debug(circuit: Circuit, matcher: _IterativeMatcherIn, print_options: PrintOptions = ...) -> None:
    """Prints repr_matcher_debug (spec 07, section 9)."""

def default_hash_seeder(base_seed: int | None = None) -> Callable[[Circuit], int]:
    """A seeder: the first 8 bytes of the group's hash XOR base_seed; without one, a draw of torch's global generator (spec 09, section 5)."""

def factored_cumulant_expectation_rewrite(cumulant: Cumulant) -> Circuit:
    """The cumulant by central moments (spec 09, section 2)."""

def kappa_term(
    args: Sequence[Sequence[tuple[int, Circuit]]],
    namer: Callable[[Cumulant], str | None] | None = None,
    on_sub_cumulant_fn: Callable[[Cumulant], Circuit] | None = None,
) -> tuple[Einsum, list[Cumulant]]:
    """The outer product of one Cumulant per block of (position, circuit), axes by position, and these Cumulants (spec 09, section 12)."""

def rewrite_cum_to_circuit_of_cum(
    cumulant: Cumulant,
    node: Circuit,
    namer: Callable[[Cumulant], str | None] | None = None,
    on_sub_cumulant_fn: Callable[[Cumulant], Circuit] | None = None,
) -> Circuit:
    """The cumulant as a circuit of Cumulants below its argument `node` (spec 09, section 11)."""

def einsum_elim_zero(node: Einsum) -> Circuit:
    """A product with a zero Scalar is a zero Scalar; None if there is none (spec 10, 2.1)."""

def einsum_elim_identity(node: Einsum) -> Circuit:
    """The only operand of an Einsum that does nothing, 1 for no operands; else None (spec 10, 2.2)."""

def einsum_flatten_once(node: Einsum) -> Circuit:
    """Operands that are Einsums replaced by their own operands, one level; None if there is none (spec 10, 2.3)."""

def einsum_of_permute_merge(node: Einsum) -> Circuit:
    """Operands that are permutations merged into the labels; None if there is none (spec 10, 2.4)."""

def einsum_merge_scalars(node: Einsum) -> Circuit:
    """Rank-0 Scalars multiplied into one, last operand; None if nothing is gained (spec 10, 2.5)."""

def einsum_remove_one(node: Einsum) -> Circuit:
    """Rank-0 Scalars of value 1 dropped; None if there is none (spec 10, 2.5)."""

def einsum_pull_removable_axes(node: Einsum) -> Circuit:
    """Axes along which operands are constant taken out of the Einsum; None if there is none (spec 10, 2.6)."""

def einsum_elim_removable_axes_weak(node: Einsum) -> Circuit:
    """Constant axes dropped from operands where another operand keeps the label; None if there is none (spec 10, 2.7)."""

def einsum_permute_to_rearrange(node: Einsum) -> Circuit:
    """An Einsum that permutes axes as a Rearrange; else None (spec 10, 2.8)."""

def einsum_push_down_trace(node: Einsum) -> Circuit:
    """Diagonals taken below operands that allow it; None if there is none (spec 10, 2.9)."""

def einsum_concat_to_add(node: Einsum) -> Circuit:
    """A sum over a Concat's axis as a sum over its pieces; else None (spec 10, 6.8)."""

def einsum_pull_scatter(node: Einsum) -> Circuit:
    """A product with a Scatter as the Scatter of a smaller product; else None (spec 10, 7.3)."""

def remove_add_few_input(node: Add) -> Circuit:
    """0 for no summands, the summand for one; else None (spec 10, 3.1)."""

def add_flatten_once(node: Add) -> Circuit:
    """Summands that are Adds replaced by their summands, one level; None if there is none (spec 10, 3.2)."""

def add_elim_zeros(node: Add) -> Circuit:
    """Zero Scalars dropped where the shape stays; else None (spec 10, 3.3)."""

def add_collapse_scalar_inputs(node: Add) -> Circuit:
    """Two or more Scalars added up; else None (spec 10, 3.4)."""

def add_deduplicate(node: Add) -> Circuit:
    """Equal summands replaced by a multiple; None if all differ (spec 10, 3.5)."""

def add_pull_removable_axes(add: Add, remove_non_common_axes: bool) -> Circuit:
    """Axes along which summands are constant taken out of the Add; None if there is none (spec 10, 3.6)."""

def add_elim_removable_axes_weak(node: Add) -> Circuit:
    """Leading constant axes dropped from summands where another summand has them; None if there is none (spec 10, 3.7)."""

def add_pull_diags(node: Add) -> Circuit:
    """A sum of diagonals as the diagonal of a sum; else None (spec 10, 3.8)."""

def add_fuse_scalar_multiples(node: Add) -> Circuit:
    """Summands that differ by scalar factors merged; else None (spec 10, 3.9)."""

def add_make_broadcasts_explicit(node: Add) -> Circuit:
    """Broadcasting summands wrapped in Rearranges; None if there is none (spec 10, 3.10)."""

def add_pull_scatter(node: Add) -> Circuit:
    """A sum of Scatters as the Scatter of a smaller sum; else None (spec 10, 7.4)."""

def rearrange_elim_identity(node: Rearrange) -> Circuit:
    """The child of a Rearrange that does nothing; else None (spec 10, 4.1)."""

def rearrange_fuse(node: Rearrange) -> Circuit:
    """A Rearrange of a Rearrange as one; None if they do not fuse (spec 10, 4.2)."""

def rearrange_merge_scalar(node: Rearrange) -> Circuit:
    """A Rearrange of a Scalar as a Scalar; else None (spec 10, 4.3)."""

def permute_of_einsum_merge(node: Rearrange) -> Circuit:
    """A permuted Einsum as an Einsum; else None (spec 10, 4.4)."""

def index_elim_identity(node: Index) -> Circuit:
    """The child of an Index that takes everything; else None (spec 10, 4.5)."""

def index_fuse(node: Index) -> Circuit:
    """An Index of an Index as one; else None (spec 10, 4.6)."""

def index_merge_scalar(node: Index) -> Circuit:
    """An Index of a Scalar as a Scalar; else None (spec 10, 4.7)."""

def index_split_axes(node: Index, top_axes: Iterable[int]) -> Circuit:
    """An Index as two, the outer one on the given axes of the child; None for an axis out of range (spec 10, 4.8)."""

def index_einsum_to_scatter(node: Index) -> Circuit:
    """An Index of a diagonal as a Scatter of a smaller one; else None (spec 10, 7.5)."""

def index_concat_drop_unreached(node: Index) -> Circuit:
    """Pieces of a Concat that an Index does not reach dropped; else None (spec 10, 6.7)."""

def generalfunction_pull_removable_axes(node: GeneralFunction) -> Circuit:
    """Constant batch axes of the input taken out of the function; None if there is none (spec 10, 5.1)."""

def generalfunction_merge_inverses(node: GeneralFunction) -> Circuit:
    """reciprocal(reciprocal(x)) is x; else None (spec 10, 5.2)."""

def generalfunction_special_case_simplification(node: GeneralFunction) -> Circuit:
    """softmax and log_softmax of a Scalar, last_dim_size of anything, as Scalars; else None (spec 10, 5.3)."""

def generalfunction_evaluate_simple(node: GeneralFunction) -> Circuit:
    """A built-in function of a rank-0 Scalar evaluated; else None (spec 10, 5.4)."""

def generalfunction_gen_index_const_to_index(node: GeneralFunction) -> Circuit:
    """gen_index by a constant Array on one axis as an Index; else None (spec 10, 5.5)."""

def concat_elim_identity(node: Concat) -> Circuit:
    """The only child; else None (spec 10, 6.1)."""

def concat_merge_uniform(node: Concat) -> Circuit:
    """A Concat of equal Scalars as a Scalar; else None (spec 10, 6.1)."""

def concat_drop_size_zero(node: Concat) -> Circuit:
    """Children of size 0 on the axis dropped; None if there is none (spec 10, 6.1)."""

def concat_elim_split(node: Concat) -> Circuit:
    """A Concat of consecutive slices of one circuit as an Index of it; else None (spec 10, 6.2)."""

def concat_pull_removable_axes(node: Concat) -> Circuit:
    """Axes along which all children are constant taken out; else None (spec 10, 6.3)."""

def concat_fuse(node: Concat) -> Circuit:
    """Children that are Concats on the same axis replaced by their children; None if there is none (spec 10, 6.4)."""

def concat_repeat_to_rearrange(node: Concat) -> Circuit:
    """Runs of equal children as a repeating Rearrange; None if there is none (spec 10, 6.5)."""

def concat_to_scatter(node: Concat) -> Circuit:
    """A Concat padded with zeros as a Scatter; else None (spec 10, 6.6)."""

def scatter_elim_identity(node: Scatter) -> Circuit:
    """The child of a Scatter that covers everything; else None (spec 10, 7.1)."""

def scatter_fuse(node: Scatter) -> Circuit:
    """A Scatter of a Scatter as one; else None (spec 10, 7.1)."""

def scatter_pull_removable_axes(node: Scatter) -> Circuit:
    """Constant axes scattered in full taken out; else None (spec 10, 7.2)."""

def scatter_to_concat(node: Scatter) -> Circuit:
    """A Scatter as Concats with zeros, one per axis (spec 10, 7.6)."""

def elim_empty_module(node: Module) -> Circuit:
    """A Module whose spec circuit is a single node substituted; else None (spec 10, 8)."""

def elim_no_input_module(node: Module) -> Circuit:
    """The spec circuit of a Module without arguments; else None (spec 10, 8)."""

def module_remove_unused_inputs(m: Module, add_suffix_on_remove_unused: bool = True, use_elim_no_input_module: bool = True) -> Circuit:
    """The Module without arguments whose symbol does not occur in the spec circuit, of the same shape (spec 10, 8)."""

def deep_module_remove_unused_inputs(
    circuit: Circuit, add_suffix_on_remove_unused: bool = True, use_elim_no_input_module: bool = True, elim_empty: bool = False
) -> Circuit:
    """module_remove_unused_inputs at every Module, bottom-up (spec 10, 8)."""

def fuse_concat_modules(circuit: Circuit, modules: Sequence[Module], name: str | None = None) -> Circuit:
    """Several Modules of one spec as rows of one batched Module; RuntimeError where they do not fit together (spec 10, 8)."""

def make_broadcast(node: Circuit, out_shape: _Shape) -> Circuit:
    """The node expanded to a shape, aligned at the right; None if it does not broadcast (spec 10, 9.1)."""

def simp(circuit: Circuit) -> Circuit:
    """SimpFnSubset.default().simp(circuit) (spec 10, 1.4)."""

def compiler_simp(circuit: Circuit) -> Circuit:
    """SimpFnSubset.compiler_default().simp(circuit) (spec 10, 1.4)."""

def compiler_simp_step(circuit: Circuit) -> Circuit:
    """The first compiler rule that applies at the root; None if none does (spec 10, 1.3)."""

def push_down_index_once(node: Index, allow_partial_pushdown: bool | None = False, suffix: str | None = None) -> Circuit:
    """The Index moved below its child, one step; a PushDownIndexError where that is impossible (spec 10, 12.1)."""

def push_down_index(
    index: Index,
    traversal: _IterativeMatcherIn | None = None,
    into_module_spec: bool = False,
    suffix: str | None = None,
    allow_partial_pushdown: bool = False,
    elim_identity: bool = True,
) -> Circuit:
    """The Index moved down as far as the traversal (default_index_traversal() for None) goes; PushDownIndexErrors propagate (spec 10, 12.2)."""

def default_index_traversal() -> IterativeMatcher:
    """Stops at Index and Array nodes (spec 10, 12.2)."""

def distribute_once(
    einsum: Einsum, operand_idx: int, do_broadcasts: bool = True, prefix: str | None = None, suffix: str | None = None
) -> Circuit:
    """The Einsum distributed over an operand that is an Add; a DistributeError otherwise (spec 10, 11.1)."""

def distribute_all(node: Einsum) -> Circuit:
    """The Einsum distributed over all operands that are Adds; None if there is none (spec 10, 11.2)."""

def distribute(
    einsum: Einsum,
    operand_idx: int,
    traversal: _IterativeMatcherIn | None = None,
    prefix: str | None = None,
    suffix: str | None = None,
    allow_partial_distribute: bool = True,
    do_broadcasts: bool = True,
) -> Circuit:
    """The Einsum distributed over nested sums, as far as the traversal goes; a DistributeError if nothing changes (spec 10, 11.3)."""

def traverse_until_depth(depth: int | None = None) -> IterativeMatcher:
    """A traversal that ends after `depth` levels; None: no limit (spec 10, 11.3)."""

def batch_to_concat(
    circuit: Circuit, axis: int, batch_size: int, keep_non_axis_leaves: bool = False, allow_partial_batch: bool = True
) -> Circuit:
    """The circuit as a Concat over `axis` of one Module called on slices of its leaves; RuntimeError for a bad axis, BatchErrors (spec 10, 14.1)."""

def batch_einsum(einsum: Einsum, settings: OptimizationSettings | None = None) -> Circuit:
    """The Einsum contracted pairwise in batches, so that no intermediate exceeds max_single_tensor_memory; BatchRequiresMultipleAxesError (spec 10, 14.2)."""

def split_to_concat(circuit: Circuit, axis: int, sections: Sequence[int]) -> Concat:
    """A Concat of consecutive slices of the given lengths that cover the axis (spec 10, 9.4)."""

def pull_concat_once_raw(circuit: Circuit) -> Circuit:
    """A Concat below an Add, function or Einsum pulled above it; else None (spec 10, 13.1)."""

def pull_concat_once(circuit: Circuit) -> Circuit:
    """pull_concat_once_raw with the new Index nodes simplified at once (spec 10, 13.2)."""

def deep_pull_concat_messy(circuit: Circuit, min_size: int | None = None) -> Circuit:
    """pull_concat_once_raw bottom-up, at nodes with or over min_size elements (spec 10, 13.3)."""

def deep_pull_concat_new(circuit: Circuit, min_size: int | None = None) -> Circuit:
    """pull_concat_once bottom-up, at nodes with or over min_size elements (spec 10, 13.3)."""

def deep_pull_concat(circuit: Circuit, min_size: int | None = None) -> Circuit:
    """Concats pulled up, then simplified until nothing changes (spec 10, 13.3)."""

def deep_push_down_index_raw(circuit: Circuit, min_size: int | None = None) -> Circuit:
    """Index nodes moved down where all users of a node are Index nodes (spec 10, 12.3)."""

def canonicalize_node(circuit: Circuit) -> Circuit:
    """The root in canonical form: specs, indices, order of operands (spec 10, 10)."""

def deep_canonicalize(circuit: Circuit) -> Circuit:
    """All nodes in canonical form (spec 10, 10)."""

def normalize_node(circuit: Circuit) -> Circuit:
    """The root with labels and ints numbered by first appearance (spec 10, 10)."""

def deep_normalize(circuit: Circuit) -> Circuit:
    """All nodes with labels and ints numbered by first appearance (spec 10, 10)."""

def strip_names_and_tags(circuit: Circuit) -> Circuit:
    """Without names and Tags; named Arrays and Symbols stay below an unnamed Tag of UUID zero (spec 10, 10)."""

def cast_circuit(circuit: Circuit, device_dtype: TorchDeviceDtypeOp) -> Circuit:
    """All Arrays moved to a device and dtype, index tensors to the device (spec 10, 15.1)."""

def replace_all_randn_seeded(circuit: Circuit) -> Circuit:
    """Floating Arrays with standard-normal values and index tensors with random positions, determined by what they replace (spec 10, 15.6)."""

def set_named_axes(circuit: Circuit, named_axes: Mapping[int, str]) -> Circuit:
    """The node with exactly these axis names; for an empty dict those propagated from the children (spec 10, 16)."""

def propagate_named_axes(
    circuit: Circuit, named_axes: Mapping[int, str], abort_on_branch: bool | None = None, do_merge: bool | None = None
) -> Circuit:
    """Axis names written on the root and on every axis below that is the same axis (spec 10, 16)."""

def extract_add(add: Add, sub: Circuit) -> Circuit:
    """The summands of `sub` grouped within `add`; None if they are not all there (spec 10, 9.2)."""

def add_outer_product_broadcasts_on_top(circuit: Add) -> Circuit:
    """Summands grouped so that outer-product broadcasts happen last; None for a single group (spec 10, 9.3)."""

def maybe_distribute(node: Einsum, settings: OptimizationSettings | None = None) -> Circuit:
    """The Einsum distributed over its first large sum, simplified; None if there is none (spec 10, 15.2)."""

def maybe_distribute_py(node: Einsum) -> Circuit:
    """maybe_distribute with default settings (spec 10, 15.2)."""

def deep_maybe_distribute(node: Circuit, settings: OptimizationSettings | None = None) -> Circuit:
    """maybe_distribute at every Einsum, bottom-up, one pass; warns after 10,000 distributions (spec 10, 15.2)."""

def einsum_nest_path(einsum: Einsum, path: Sequence[_IterativeMatcherIn]) -> Circuit:
    """The Einsum as nested Einsums along a contraction path; ValueError for a path that does not fit (spec 10, 15.3)."""

def einsum_nest_optimize(node: Einsum) -> Circuit:
    """The Einsum nested along a good path within the default memory; RuntimeError if there is none (spec 10, 15.3)."""

def deep_optimize_einsums(node: Circuit) -> Circuit:
    """einsum_nest_optimize at every Einsum, bottom-up, in batches where needed (spec 10, 15.3)."""

def deep_heuristic_nest_adds(circuit: Circuit) -> Circuit:
    """Canonical form with partial sums shared between Adds (spec 10, 15.4)."""

def opt_eval_each_subcircuit_until_fail(circuit: Circuit, settings: OptimizationSettings) -> None:
    """Evaluates every node plainly and optimized and prints where they differ (spec 10, 15.5)."""

def evaluate(circuit: Circuit) -> torch.Tensor:
    """The circuit's tensor; TensorEval... errors where it has none (spec 12, section 1)."""

def check_evaluable(circuit: Circuit) -> None:
    """Raises the error that evaluate would raise before computing (spec 12, section 1)."""

def circuit_to_schedule(circuit: Circuit, settings: OptimizationSettings = ...) -> Schedule:
    """A plan without optimization, within max_memory (spec 12, section 9)."""

def circuit_to_schedule_many(circuits: Sequence[Circuit], settings: OptimizationSettings = ...) -> Schedule:
    """One plan for several outputs."""

def scheduled_evaluate(circuit: Circuit, settings: OptimizationSettings = ...) -> torch.Tensor:
    """Schedules without optimization, then evaluates."""

def optimize_circuit(circuit: Circuit, settings: OptimizationSettings = ...) -> Circuit:
    """An equal circuit that is cheaper to run (spec 12, 6.1)."""

def optimize_to_schedule(circuit: Circuit, settings: OptimizationSettings = ...) -> Schedule:
    """optimize_circuit, then circuit_to_schedule."""

def optimize_to_schedule_many(circuits: Sequence[Circuit], settings: OptimizationSettings = ...) -> Schedule:
    """One optimized plan for several outputs."""

def evaluate_batched(
    circuit: Circuit, axis: int = 0, batch_size: int | None = None, settings: OptimizationSettings = ..., *, optimize: bool = False
) -> torch.Tensor:
    """The value of the circuit, computed piece by piece along an axis; without batch_size in the largest pieces that max_memory allows (spec 12, section 13)."""

def evaluate_batched_many(
    circuits: Sequence[Circuit],
    axis: int = 0,
    batch_size: int | None = None,
    settings: OptimizationSettings = ...,
    *,
    optimize: bool = False,
) -> list[torch.Tensor]:
    """Values of several circuits whose axis has one size; what a piece of one shares with the same piece of another is computed once."""

def evaluate_batched_with_stats(
    circuits: Sequence[Circuit],
    axis: int = 0,
    batch_size: int | None = None,
    settings: OptimizationSettings = ...,
    *,
    optimize: bool = False,
) -> tuple[list[torch.Tensor], ScheduleStats]:
    """evaluate_batched_many, with what the run counted: peak_bytes, python_calls, attention_backends, graph_replays."""

def optimize_and_evaluate(circuit: Circuit, settings: OptimizationSettings = ...) -> torch.Tensor:
    """Optimizes, then evaluates (spec 12, 6.3)."""

def optimize_and_evaluate_many(circuits: Sequence[Circuit], settings: OptimizationSettings = ...) -> list[torch.Tensor]:
    """Several results from one plan that shares their common nodes."""
