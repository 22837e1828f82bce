"""Types of the exception classes and their payloads (spec 01, section 12); docs/errors/ explains them family by family."""

import builtins
from typing import Any

from pycircuit._core import Circuit, ModuleArgSpec
from pycircuit._errors import ErrorInfo

class BatchError(builtins.ValueError):
    """Base of the Batch... errors (spec 01, section 12)."""

class ConstructError(builtins.ValueError):
    """Base of the Construct... errors (spec 01, section 12)."""

class ExpandError(builtins.ValueError):
    """Base of the Expand... errors (spec 01, section 12)."""

class SubstitutionError(builtins.ValueError):
    """Base of the Substitution... errors (spec 01, section 12)."""

class MiscInputError(builtins.ValueError):
    """Base of the MiscInput... errors (spec 01, section 12)."""

class ParseError(builtins.ValueError):
    """Base of the Parse... errors (spec 01, section 12)."""

class ParseCircuitError(ParseError):
    """Base of the ParseCircuit... errors (spec 01, section 12)."""

class RearrangeSpecError(builtins.ValueError):
    """Base of the RearrangeSpec... errors (spec 01, section 12)."""

class PermError(builtins.ValueError):
    """Base of the Perm... errors (spec 01, section 12)."""

class RearrangeParseError(ParseError):
    """Base of the RearrangeParse... errors (spec 01, section 12)."""

class SchedulingError(builtins.ValueError):
    """Base of the Scheduling... errors (spec 01, section 12)."""

class SchedulingOOMError(builtins.ValueError):
    """Base of the SchedulingOOM... errors (spec 01, section 12)."""

class TensorEvalError(builtins.ValueError):
    """Base of the TensorEval... errors (spec 01, section 12)."""

class SampleError(builtins.ValueError):
    """Base of the Sample... errors (spec 01, section 12)."""

class IndexError(builtins.ValueError):
    """Base of the Index... errors (spec 01, section 12)."""

class NestError(builtins.ValueError):
    """Base of the Nest... errors (spec 01, section 12)."""

class PushDownIndexError(builtins.ValueError):
    """Base of the PushDownIndex... errors (spec 01, section 12)."""

class DistributeError(builtins.ValueError):
    """Base of the Distribute... errors (spec 01, section 12)."""

class SimpConfigError(builtins.ValueError):
    """Base of the SimpConfig... errors (spec 01, section 12)."""

class CumulantRewriteError(builtins.ValueError):
    """Base of the CumulantRewrite... errors (spec 01, section 12)."""

class GeneralFunctionShapeError(builtins.ValueError):
    """Base of the GeneralFunctionShape... errors (spec 01, section 12)."""

class ReferenceCircError(builtins.ValueError):
    """Base of the ReferenceCirc... errors (spec 01, section 12)."""

class SymbolicSizeOverflowError(builtins.OverflowError):
    """Base of the SymbolicSizeOverflow... errors (spec 01, section 12)."""

class SymbolicSizeSetError(builtins.OverflowError):
    """Base of the SymbolicSizeSet... errors (spec 01, section 12)."""

class IterativeMatcherError(builtins.ValueError):
    """Base of the IterativeMatcher... errors (spec 01, section 12)."""

class ModuleBindError(builtins.RuntimeError):
    """Base of the ModuleBind... errors (spec 01, section 12)."""

class NamedAxesError(builtins.RuntimeError):
    """Base of the NamedAxes... errors (spec 01, section 12)."""

class PushDownModuleError(builtins.ValueError):
    """Base of the PushDownModule... errors (spec 01, section 12)."""

class ExtractSymbolsError(builtins.ValueError):
    """Base of the ExtractSymbols... errors (spec 01, section 12)."""

class BatchRequiresMultipleAxesInfo(ErrorInfo):
    """Payload of BatchRequiresMultipleAxesError."""

class BatchRequiresMultipleAxesError(BatchError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[BatchRequiresMultipleAxesInfo]

class BatchAxisOriginatesTooHighInfo(ErrorInfo):
    """Payload of BatchAxisOriginatesTooHighError."""

class BatchAxisOriginatesTooHighError(BatchError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[BatchAxisOriginatesTooHighInfo]

class BatchBatchSizeIsZeroInfo(ErrorInfo):
    """Payload of BatchBatchSizeIsZeroError."""

class BatchBatchSizeIsZeroError(BatchError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[BatchBatchSizeIsZeroInfo]

class BatchPartialBatchNotAllowedInfo(ErrorInfo):
    """Payload of BatchPartialBatchNotAllowedError."""

class BatchPartialBatchNotAllowedError(BatchError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[BatchPartialBatchNotAllowedInfo]

class ExpandWrongNumChildrenInfo(ErrorInfo):
    """Payload of ExpandWrongNumChildrenError."""

    @property
    def expected(self) -> Any: ...
    @property
    def got(self) -> Any: ...

class ExpandWrongNumChildrenError(ExpandError):
    """Payload: expected, got (spec 01, section 12)."""

    args: tuple[ExpandWrongNumChildrenInfo]

class ExpandBatchingRankTooLowInfo(ErrorInfo):
    """Payload of ExpandBatchingRankTooLowError."""

    @property
    def default(self) -> Any: ...
    @property
    def got(self) -> Any: ...

class ExpandBatchingRankTooLowError(ExpandError):
    """Payload: default, got (spec 01, section 12)."""

    args: tuple[ExpandBatchingRankTooLowInfo]

class ExpandFixedIndexInfo(ErrorInfo):
    """Payload of ExpandFixedIndexError."""

    @property
    def index(self) -> Any: ...
    @property
    def old_shape(self) -> tuple[int, ...]: ...
    @property
    def new_shape(self) -> tuple[int, ...]: ...

class ExpandFixedIndexError(ExpandError):
    """Payload: index, old_shape, new_shape (spec 01, section 12)."""

    args: tuple[ExpandFixedIndexInfo]

class ExpandConcatAxisInfo(ErrorInfo):
    """Payload of ExpandConcatAxisError."""

    @property
    def axis(self) -> Any: ...
    @property
    def old_shape(self) -> tuple[int, ...]: ...
    @property
    def new_shape(self) -> tuple[int, ...]: ...

class ExpandConcatAxisError(ExpandError):
    """Payload: axis, old_shape, new_shape (spec 01, section 12)."""

    args: tuple[ExpandConcatAxisInfo]

class ExpandGeneralFunctionTriedToBatchNonBatchableInputInfo(ErrorInfo):
    """Payload of ExpandGeneralFunctionTriedToBatchNonBatchableInputError."""

    @property
    def input_i(self) -> int: ...
    @property
    def batched_inputs(self) -> list[Circuit]: ...
    @property
    def general_function(self) -> Any: ...

class ExpandGeneralFunctionTriedToBatchNonBatchableInputError(ExpandError):
    """Payload: input_i, batched_inputs, general_function (spec 01, section 12)."""

    args: tuple[ExpandGeneralFunctionTriedToBatchNonBatchableInputInfo]

class ExpandNodeUnhandledVariantInfo(ErrorInfo):
    """Payload of ExpandNodeUnhandledVariantError."""

    @property
    def variant(self) -> str: ...

class ExpandNodeUnhandledVariantError(ExpandError):
    """Payload: variant (spec 01, section 12)."""

    args: tuple[ExpandNodeUnhandledVariantInfo]

class ExpandCumulantRankChangedInfo(ErrorInfo):
    """Payload of ExpandCumulantRankChangedError."""

    @property
    def circuit(self) -> Circuit: ...

class ExpandCumulantRankChangedError(ExpandError):
    """Payload: circuit (spec 01, section 12)."""

    args: tuple[ExpandCumulantRankChangedInfo]

class ExpandModuleArgSpecSymbolChangedInExpandInfo(ErrorInfo):
    """Payload of ExpandModuleArgSpecSymbolChangedInExpandError."""

    @property
    def old_symbol(self) -> Circuit: ...
    @property
    def new_symbol_circ(self) -> Circuit: ...
    @property
    def module(self) -> Circuit: ...

class ExpandModuleArgSpecSymbolChangedInExpandError(ExpandError):
    """Payload: old_symbol, new_symbol_circ, module (spec 01, section 12)."""

    args: tuple[ExpandModuleArgSpecSymbolChangedInExpandInfo]

class ExpandModuleRankReducedInfo(ErrorInfo):
    """Payload of ExpandModuleRankReducedError."""

    @property
    def node_rank(self) -> int: ...
    @property
    def symbol_rank(self) -> int: ...
    @property
    def arg_spec(self) -> ModuleArgSpec: ...
    @property
    def node_shape(self) -> tuple[int, ...]: ...
    @property
    def spec_circuit(self) -> Circuit: ...

class ExpandModuleRankReducedError(ExpandError):
    """Payload: node_rank, symbol_rank, arg_spec, node_shape, spec_circuit (spec 01, section 12)."""

    args: tuple[ExpandModuleRankReducedInfo]

class ExpandModuleTriedToBatchUnbatchableInputInfo(ErrorInfo):
    """Payload of ExpandModuleTriedToBatchUnbatchableInputError."""

    @property
    def node_rank(self) -> int: ...
    @property
    def symbol_rank(self) -> int: ...
    @property
    def arg_spec(self) -> ModuleArgSpec: ...
    @property
    def spec_circuit(self) -> Circuit: ...

class ExpandModuleTriedToBatchUnbatchableInputError(ExpandError):
    """Payload: node_rank, symbol_rank, arg_spec, spec_circuit (spec 01, section 12)."""

    args: tuple[ExpandModuleTriedToBatchUnbatchableInputInfo]

class ExpandModuleTriedToExpandUnexpandableInputInfo(ErrorInfo):
    """Payload of ExpandModuleTriedToExpandUnexpandableInputError."""

    @property
    def node_shape(self) -> tuple[int, ...]: ...
    @property
    def symbol_shape(self) -> tuple[int, ...]: ...
    @property
    def arg_spec(self) -> ModuleArgSpec: ...
    @property
    def spec_circuit(self) -> Circuit: ...

class ExpandModuleTriedToExpandUnexpandableInputError(ExpandError):
    """Payload: node_shape, symbol_shape, arg_spec, spec_circuit (spec 01, section 12)."""

    args: tuple[ExpandModuleTriedToExpandUnexpandableInputInfo]

class ExpandModuleTriedToExpandOnNonSymbolicSizeAndBannedInfo(ErrorInfo):
    """Payload of ExpandModuleTriedToExpandOnNonSymbolicSizeAndBannedError."""

    @property
    def new_size(self) -> int: ...
    @property
    def old_size(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def node_shape(self) -> tuple[int, ...]: ...
    @property
    def arg_spec(self) -> ModuleArgSpec: ...
    @property
    def spec_circuit(self) -> Circuit: ...

class ExpandModuleTriedToExpandOnNonSymbolicSizeAndBannedError(ExpandError):
    """Payload: new_size, old_size, dim, node_shape, arg_spec, spec_circuit (spec 01, section 12)."""

    args: tuple[ExpandModuleTriedToExpandOnNonSymbolicSizeAndBannedInfo]

class SubstitutionCircuitHasFreeSymsBoundByNestedModuleInfo(ErrorInfo):
    """Payload of SubstitutionCircuitHasFreeSymsBoundByNestedModuleError."""

    @property
    def circ(self) -> Circuit: ...
    @property
    def sym(self) -> Circuit: ...
    @property
    def nested_module(self) -> Circuit: ...
    @property
    def bound_by_nested(self) -> list[Circuit]: ...

class SubstitutionCircuitHasFreeSymsBoundByNestedModuleError(SubstitutionError):
    """Payload: circ, sym, nested_module, bound_by_nested (spec 01, section 12)."""

    args: tuple[SubstitutionCircuitHasFreeSymsBoundByNestedModuleInfo]

class SubstitutionFoundNEQFreeSymbolWithSameIdentificationInfo(ErrorInfo):
    """Payload of SubstitutionFoundNEQFreeSymbolWithSameIdentificationError."""

    @property
    def sym(self) -> Circuit: ...
    @property
    def matching_sym(self) -> Circuit: ...

class SubstitutionFoundNEQFreeSymbolWithSameIdentificationError(SubstitutionError):
    """Payload: sym, matching_sym (spec 01, section 12)."""

    args: tuple[SubstitutionFoundNEQFreeSymbolWithSameIdentificationInfo]

class MiscInputNotBroadcastableInfo(ErrorInfo):
    """Payload of MiscInputNotBroadcastableError."""

    @property
    def shapes(self) -> list[tuple[int, ...]]: ...

class MiscInputNotBroadcastableError(MiscInputError):
    """Payload: shapes (spec 01, section 12)."""

    args: tuple[MiscInputNotBroadcastableInfo]

class MiscInputIndexDtypeNotI64Info(ErrorInfo):
    """Payload of MiscInputIndexDtypeNotI64Error."""

class MiscInputIndexDtypeNotI64Error(MiscInputError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[MiscInputIndexDtypeNotI64Info]

class MiscInputItemOutOfBoundsInfo(ErrorInfo):
    """Payload of MiscInputItemOutOfBoundsError."""

    @property
    def item(self) -> int: ...
    @property
    def count(self) -> int: ...

class MiscInputItemOutOfBoundsError(MiscInputError):
    """Payload: item, count (spec 01, section 12)."""

    args: tuple[MiscInputItemOutOfBoundsInfo]

class MiscInputChildrenMultipleDtypesInfo(ErrorInfo):
    """Payload of MiscInputChildrenMultipleDtypesError."""

    @property
    def a(self) -> Any: ...
    @property
    def b(self) -> Any: ...

class MiscInputChildrenMultipleDtypesError(MiscInputError):
    """Payload: a, b (spec 01, section 12)."""

    args: tuple[MiscInputChildrenMultipleDtypesInfo]

class MiscInputCastIncompatibleDeviceDtypeInfo(ErrorInfo):
    """Payload of MiscInputCastIncompatibleDeviceDtypeError."""

    @property
    def required(self) -> Any: ...
    @property
    def actual(self) -> Any: ...

class MiscInputCastIncompatibleDeviceDtypeError(MiscInputError):
    """Payload: required, actual (spec 01, section 12)."""

    args: tuple[MiscInputCastIncompatibleDeviceDtypeInfo]

class MiscInputChildrenMultipleDevicesInfo(ErrorInfo):
    """Payload of MiscInputChildrenMultipleDevicesError."""

    @property
    def a(self) -> Any: ...
    @property
    def b(self) -> Any: ...

class MiscInputChildrenMultipleDevicesError(MiscInputError):
    """Payload: a, b (spec 01, section 12)."""

    args: tuple[MiscInputChildrenMultipleDevicesInfo]

class ParseInvalidNumberInfo(ErrorInfo):
    """Payload of ParseInvalidNumberError."""

    @property
    def string(self) -> str: ...
    @property
    def err_string(self) -> str: ...

class ParseInvalidNumberError(ParseError):
    """Payload: string, err_string (spec 01, section 12)."""

    args: tuple[ParseInvalidNumberInfo]

class ParseInvalidIndexInfo(ErrorInfo):
    """Payload of ParseInvalidIndexError."""

    @property
    def string(self) -> str: ...

class ParseInvalidIndexError(ParseError):
    """Payload: string (spec 01, section 12)."""

    args: tuple[ParseInvalidIndexInfo]

class ParseInvalidUuidInfo(ErrorInfo):
    """Payload of ParseInvalidUuidError."""

    @property
    def string(self) -> str: ...
    @property
    def err_msg(self) -> str: ...

class ParseInvalidUuidError(ParseError):
    """Payload: string, err_msg (spec 01, section 12)."""

    args: tuple[ParseInvalidUuidInfo]

class ParseEinsumStringInvalidInfo(ErrorInfo):
    """Payload of ParseEinsumStringInvalidError."""

    @property
    def string(self) -> str: ...
    @property
    def substring(self) -> str: ...

class ParseEinsumStringInvalidError(ParseError):
    """Payload: string, substring (spec 01, section 12)."""

    args: tuple[ParseEinsumStringInvalidInfo]

class ParseEinsumStringNoArrowInfo(ErrorInfo):
    """Payload of ParseEinsumStringNoArrowError."""

    @property
    def string(self) -> str: ...

class ParseEinsumStringNoArrowError(ParseError):
    """Payload: string (spec 01, section 12)."""

    args: tuple[ParseEinsumStringNoArrowInfo]

class ParseFactorProductTooLargeInfo(ErrorInfo):
    """Payload of ParseFactorProductTooLargeError."""

    @property
    def factors(self) -> Any: ...
    @property
    def string(self) -> str: ...

class ParseFactorProductTooLargeError(ParseError):
    """Payload: factors, string (spec 01, section 12)."""

    args: tuple[ParseFactorProductTooLargeInfo]

class ParseSymbolicSizeNumberOutOfBoundsInfo(ErrorInfo):
    """Payload of ParseSymbolicSizeNumberOutOfBoundsError."""

    @property
    def i(self) -> int: ...
    @property
    def bound(self) -> Any: ...

class ParseSymbolicSizeNumberOutOfBoundsError(ParseError):
    """Payload: i, bound (spec 01, section 12)."""

    args: tuple[ParseSymbolicSizeNumberOutOfBoundsInfo]

class ParseCircuitRegexDidntMatchInfo(ErrorInfo):
    """Payload of ParseCircuitRegexDidntMatchError."""

    @property
    def line(self) -> str: ...
    @property
    def regex_string(self) -> str: ...

class ParseCircuitRegexDidntMatchError(ParseCircuitError):
    """Payload: line, regex_string (spec 01, section 12)."""

    args: tuple[ParseCircuitRegexDidntMatchInfo]

class ParseCircuitRegexDidntMatchGroupInfo(ErrorInfo):
    """Payload of ParseCircuitRegexDidntMatchGroupError."""

    @property
    def group_name(self) -> str: ...
    @property
    def line(self) -> str: ...
    @property
    def regex_string(self) -> str: ...
    @property
    def group(self) -> Any: ...

class ParseCircuitRegexDidntMatchGroupError(ParseCircuitError):
    """Payload: group_name, line, regex_string, group (spec 01, section 12)."""

    args: tuple[ParseCircuitRegexDidntMatchGroupInfo]

class ParseCircuitLessIndentationThanFirstItemInfo(ErrorInfo):
    """Payload of ParseCircuitLessIndentationThanFirstItemError."""

    @property
    def this_num_spaces_base(self) -> Any: ...
    @property
    def first_num_spaces(self) -> Any: ...
    @property
    def first_line(self) -> str: ...
    @property
    def this_line(self) -> str: ...

class ParseCircuitLessIndentationThanFirstItemError(ParseCircuitError):
    """Payload: this_num_spaces_base, first_num_spaces, first_line, this_line (spec 01, section 12)."""

    args: tuple[ParseCircuitLessIndentationThanFirstItemInfo]

class ParseCircuitInvalidIndentationInfo(ErrorInfo):
    """Payload of ParseCircuitInvalidIndentationError."""

    @property
    def spaces(self) -> Any: ...
    @property
    def tab_width(self) -> Any: ...
    @property
    def stack_indentation(self) -> Any: ...
    @property
    def line(self) -> str: ...

class ParseCircuitInvalidIndentationError(ParseCircuitError):
    """Payload: spaces, tab_width, stack_indentation, line (spec 01, section 12)."""

    args: tuple[ParseCircuitInvalidIndentationInfo]

class ParseCircuitExpectedNoExtraInfoInfo(ErrorInfo):
    """Payload of ParseCircuitExpectedNoExtraInfoError."""

    @property
    def extra(self) -> Any: ...
    @property
    def variant(self) -> str: ...

class ParseCircuitExpectedNoExtraInfoError(ParseCircuitError):
    """Payload: extra, variant (spec 01, section 12)."""

    args: tuple[ParseCircuitExpectedNoExtraInfoInfo]

class ParseCircuitCycleInfo(ErrorInfo):
    """Payload of ParseCircuitCycleError."""

    @property
    def ident(self) -> str: ...

class ParseCircuitCycleError(ParseCircuitError):
    """Payload: ident (spec 01, section 12)."""

    args: tuple[ParseCircuitCycleInfo]

class ParseCircuitWrongNumberChildrenInfo(ErrorInfo):
    """Payload of ParseCircuitWrongNumberChildrenError."""

    @property
    def expected(self) -> Any: ...
    @property
    def found(self) -> Any: ...
    @property
    def ident(self) -> str: ...

class ParseCircuitWrongNumberChildrenError(ParseCircuitError):
    """Payload: expected, found, ident (spec 01, section 12)."""

    args: tuple[ParseCircuitWrongNumberChildrenInfo]

class ParseCircuitUnexpectedChildInfoInfo(ErrorInfo):
    """Payload of ParseCircuitUnexpectedChildInfoError."""

    @property
    def child_info(self) -> Any: ...
    @property
    def child_ident(self) -> str: ...
    @property
    def parent_ident(self) -> str: ...
    @property
    def parent_variant(self) -> str: ...

class ParseCircuitUnexpectedChildInfoError(ParseCircuitError):
    """Payload: child_info, child_ident, parent_ident, parent_variant (spec 01, section 12)."""

    args: tuple[ParseCircuitUnexpectedChildInfoInfo]

class ParseCircuitInvalidVariantInfo(ErrorInfo):
    """Payload of ParseCircuitInvalidVariantError."""

    @property
    def v(self) -> Any: ...

class ParseCircuitInvalidVariantError(ParseCircuitError):
    """Payload: v (spec 01, section 12)."""

    args: tuple[ParseCircuitInvalidVariantInfo]

class ParseCircuitShapeNeededInfo(ErrorInfo):
    """Payload of ParseCircuitShapeNeededError."""

    @property
    def variant(self) -> str: ...

class ParseCircuitShapeNeededError(ParseCircuitError):
    """Payload: variant (spec 01, section 12)."""

    args: tuple[ParseCircuitShapeNeededInfo]

class ParseCircuitExpectedOneCircuitGotMultipleInfo(ErrorInfo):
    """Payload of ParseCircuitExpectedOneCircuitGotMultipleError."""

    @property
    def actual_num_circuits(self) -> int: ...

class ParseCircuitExpectedOneCircuitGotMultipleError(ParseCircuitError):
    """Payload: actual_num_circuits (spec 01, section 12)."""

    args: tuple[ParseCircuitExpectedOneCircuitGotMultipleInfo]

class ParseCircuitInvalidTerseBoolInfo(ErrorInfo):
    """Payload of ParseCircuitInvalidTerseBoolError."""

    @property
    def got(self) -> Any: ...

class ParseCircuitInvalidTerseBoolError(ParseCircuitError):
    """Payload: got (spec 01, section 12)."""

    args: tuple[ParseCircuitInvalidTerseBoolInfo]

class ParseCircuitReferenceCircuitHasChildrenInfo(ErrorInfo):
    """Payload of ParseCircuitReferenceCircuitHasChildrenError."""

    @property
    def reference_name(self) -> str: ...
    @property
    def child_line(self) -> str: ...

class ParseCircuitReferenceCircuitHasChildrenError(ParseCircuitError):
    """Payload: reference_name, child_line (spec 01, section 12)."""

    args: tuple[ParseCircuitReferenceCircuitHasChildrenInfo]

class ParseCircuitRepeatedCircuitHasChildrenInfo(ErrorInfo):
    """Payload of ParseCircuitRepeatedCircuitHasChildrenError."""

    @property
    def repeated_ident(self) -> str: ...
    @property
    def child_line(self) -> str: ...

class ParseCircuitRepeatedCircuitHasChildrenError(ParseCircuitError):
    """Payload: repeated_ident, child_line (spec 01, section 12)."""

    args: tuple[ParseCircuitRepeatedCircuitHasChildrenInfo]

class ParseCircuitHasParentInfoButNoParentInfo(ErrorInfo):
    """Payload of ParseCircuitHasParentInfoButNoParentError."""

    @property
    def ident(self) -> str: ...
    @property
    def line(self) -> str: ...

class ParseCircuitHasParentInfoButNoParentError(ParseCircuitError):
    """Payload: ident, line (spec 01, section 12)."""

    args: tuple[ParseCircuitHasParentInfoButNoParentInfo]

class ParseCircuitReferenceCircuitNameFollowedByAdditionalInfoInfo(ErrorInfo):
    """Payload of ParseCircuitReferenceCircuitNameFollowedByAdditionalInfoError."""

    @property
    def reference_name(self) -> str: ...
    @property
    def line(self) -> str: ...

class ParseCircuitReferenceCircuitNameFollowedByAdditionalInfoError(ParseCircuitError):
    """Payload: reference_name, line (spec 01, section 12)."""

    args: tuple[ParseCircuitReferenceCircuitNameFollowedByAdditionalInfoInfo]

class ParseCircuitPassedInShapeDoesntMatchComputedShapeInfo(ErrorInfo):
    """Payload of ParseCircuitPassedInShapeDoesntMatchComputedShapeError."""

    @property
    def computed_shape(self) -> tuple[int, ...]: ...
    @property
    def provided_shape(self) -> tuple[int, ...]: ...

class ParseCircuitPassedInShapeDoesntMatchComputedShapeError(ParseCircuitError):
    """Payload: computed_shape, provided_shape (spec 01, section 12)."""

    args: tuple[ParseCircuitPassedInShapeDoesntMatchComputedShapeInfo]

class ParseCircuitArrayShapeLoadedFromHashDiffersFromProvidedShapeInfo(ErrorInfo):
    """Payload of ParseCircuitArrayShapeLoadedFromHashDiffersFromProvidedShapeError."""

    @property
    def loaded_from_hash_shape(self) -> tuple[int, ...]: ...
    @property
    def provided_shape(self) -> tuple[int, ...]: ...

class ParseCircuitArrayShapeLoadedFromHashDiffersFromProvidedShapeError(ParseCircuitError):
    """Payload: loaded_from_hash_shape, provided_shape (spec 01, section 12)."""

    args: tuple[ParseCircuitArrayShapeLoadedFromHashDiffersFromProvidedShapeInfo]

class ParseCircuitOnCircuitRepeatInfoIsNotSameInfo(ErrorInfo):
    """Payload of ParseCircuitOnCircuitRepeatInfoIsNotSameError."""

    @property
    def repeat_ident(self) -> str: ...
    @property
    def line(self) -> str: ...
    @property
    def err_strs(self) -> Any: ...

class ParseCircuitOnCircuitRepeatInfoIsNotSameError(ParseCircuitError):
    """Payload: repeat_ident, line, err_strs (spec 01, section 12)."""

    args: tuple[ParseCircuitOnCircuitRepeatInfoIsNotSameInfo]

class ParseCircuitModuleNoSpecCircuitInfo(ErrorInfo):
    """Payload of ParseCircuitModuleNoSpecCircuitError."""

    @property
    def name(self) -> Any: ...

class ParseCircuitModuleNoSpecCircuitError(ParseCircuitError):
    """Payload: name (spec 01, section 12)."""

    args: tuple[ParseCircuitModuleNoSpecCircuitInfo]

class ParseCircuitModuleRequiresInputChildToHaveParentInfoInfo(ErrorInfo):
    """Payload of ParseCircuitModuleRequiresInputChildToHaveParentInfoError."""

    @property
    def module_ident(self) -> str: ...
    @property
    def child_ident(self) -> str: ...

class ParseCircuitModuleRequiresInputChildToHaveParentInfoError(ParseCircuitError):
    """Payload: module_ident, child_ident (spec 01, section 12)."""

    args: tuple[ParseCircuitModuleRequiresInputChildToHaveParentInfoInfo]

class ParseCircuitStoredCumulantVarExtraInvalidInfo(ErrorInfo):
    """Payload of ParseCircuitStoredCumulantVarExtraInvalidError."""

    @property
    def extra(self) -> Any: ...

class ParseCircuitStoredCumulantVarExtraInvalidError(ParseCircuitError):
    """Payload: extra (spec 01, section 12)."""

    args: tuple[ParseCircuitStoredCumulantVarExtraInvalidInfo]

class ParseCircuitInvalidAxisShapeFormatInfo(ErrorInfo):
    """Payload of ParseCircuitInvalidAxisShapeFormatError."""

    @property
    def axis(self) -> Any: ...

class ParseCircuitInvalidAxisShapeFormatError(ParseCircuitError):
    """Payload: axis (spec 01, section 12)."""

    args: tuple[ParseCircuitInvalidAxisShapeFormatInfo]

class RearrangeSpecNotConformableInfo(ErrorInfo):
    """Payload of RearrangeSpecNotConformableError."""

    @property
    def spec(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, ...]: ...

class RearrangeSpecNotConformableError(RearrangeSpecError):
    """Payload: spec, shape (spec 01, section 12)."""

    args: tuple[RearrangeSpecNotConformableInfo]

class RearrangeSpecHasWildcardSizesInfo(ErrorInfo):
    """Payload of RearrangeSpecHasWildcardSizesError."""

    @property
    def spec(self) -> Any: ...

class RearrangeSpecHasWildcardSizesError(RearrangeSpecError):
    """Payload: spec (spec 01, section 12)."""

    args: tuple[RearrangeSpecHasWildcardSizesInfo]

class RearrangeSpecNotConvertableInfo(ErrorInfo):
    """Payload of RearrangeSpecNotConvertableError."""

    @property
    def spec(self) -> Any: ...

class RearrangeSpecNotConvertableError(RearrangeSpecError):
    """Payload: spec (spec 01, section 12)."""

    args: tuple[RearrangeSpecNotConvertableInfo]

class RearrangeSpecTooManyWildcardSizesInfo(ErrorInfo):
    """Payload of RearrangeSpecTooManyWildcardSizesError."""

    @property
    def spec(self) -> Any: ...

class RearrangeSpecTooManyWildcardSizesError(RearrangeSpecError):
    """Payload: spec (spec 01, section 12)."""

    args: tuple[RearrangeSpecTooManyWildcardSizesInfo]

class RearrangeSpecAxesAndCountsDontMatchInfo(ErrorInfo):
    """Payload of RearrangeSpecAxesAndCountsDontMatchError."""

    @property
    def axes_len(self) -> int: ...
    @property
    def counts_len(self) -> int: ...

class RearrangeSpecAxesAndCountsDontMatchError(RearrangeSpecError):
    """Payload: axes_len, counts_len (spec 01, section 12)."""

    args: tuple[RearrangeSpecAxesAndCountsDontMatchInfo]

class RearrangeSpecNotFusableInfo(ErrorInfo):
    """Payload of RearrangeSpecNotFusableError."""

    @property
    def inner(self) -> Any: ...
    @property
    def outer(self) -> Any: ...

class RearrangeSpecNotFusableError(RearrangeSpecError):
    """Payload: inner, outer (spec 01, section 12)."""

    args: tuple[RearrangeSpecNotFusableInfo]

class RearrangeSpecAmbiguousExpandInfo(ErrorInfo):
    """Payload of RearrangeSpecAmbiguousExpandError."""

    @property
    def expand_size(self) -> int: ...
    @property
    def current_size(self) -> int: ...
    @property
    def inner_ints(self) -> Any: ...
    @property
    def inner_int_sizes(self) -> Any: ...
    @property
    def divides_size(self) -> Any: ...
    @property
    def num_failing_to_divide(self) -> Any: ...
    @property
    def dim(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def spec(self) -> Any: ...

class RearrangeSpecAmbiguousExpandError(RearrangeSpecError):
    """Payload: expand_size, current_size, inner_ints, inner_int_sizes, divides_size, num_failing_to_divide, dim, shape, spec (spec 01, section 12)."""

    args: tuple[RearrangeSpecAmbiguousExpandInfo]

class RearrangeSpecRepeatedAxesInfo(ErrorInfo):
    """Payload of RearrangeSpecRepeatedAxesError."""

    @property
    def axes(self) -> Any: ...
    @property
    def unique_count(self) -> int: ...
    @property
    def actual_count(self) -> int: ...

class RearrangeSpecRepeatedAxesError(RearrangeSpecError):
    """Payload: axes, unique_count, actual_count (spec 01, section 12)."""

    args: tuple[RearrangeSpecRepeatedAxesInfo]

class RearrangeSpecIntsNotUniqueInfo(ErrorInfo):
    """Payload of RearrangeSpecIntsNotUniqueError."""

    @property
    def is_input(self) -> Any: ...
    @property
    def ints(self) -> Any: ...

class RearrangeSpecIntsNotUniqueError(RearrangeSpecError):
    """Payload: is_input, ints (spec 01, section 12)."""

    args: tuple[RearrangeSpecIntsNotUniqueInfo]

class RearrangeSpecInpNotInOutInfo(ErrorInfo):
    """Payload of RearrangeSpecInpNotInOutError."""

    @property
    def difference(self) -> Any: ...
    @property
    def ints_in_inp(self) -> Any: ...
    @property
    def ints_in_out(self) -> Any: ...

class RearrangeSpecInpNotInOutError(RearrangeSpecError):
    """Payload: difference, ints_in_inp, ints_in_out (spec 01, section 12)."""

    args: tuple[RearrangeSpecInpNotInOutInfo]

class RearrangeSpecIntNotInSizesInfo(ErrorInfo):
    """Payload of RearrangeSpecIntNotInSizesError."""

    @property
    def max_int(self) -> int: ...
    @property
    def len_sizes(self) -> int: ...

class RearrangeSpecIntNotInSizesError(RearrangeSpecError):
    """Payload: max_int, len_sizes (spec 01, section 12)."""

    args: tuple[RearrangeSpecIntNotInSizesInfo]

class RearrangeSpecIntOnlyInOutputWithoutSizeInfo(ErrorInfo):
    """Payload of RearrangeSpecIntOnlyInOutputWithoutSizeError."""

    @property
    def only_in_output(self) -> Any: ...
    @property
    def corresponding_sizes(self) -> Any: ...
    @property
    def int_sizes(self) -> Any: ...

class RearrangeSpecIntOnlyInOutputWithoutSizeError(RearrangeSpecError):
    """Payload: only_in_output, corresponding_sizes, int_sizes (spec 01, section 12)."""

    args: tuple[RearrangeSpecIntOnlyInOutputWithoutSizeInfo]

class RearrangeSpecInputAxisHasMultipleWildCardsInfo(ErrorInfo):
    """Payload of RearrangeSpecInputAxisHasMultipleWildCardsError."""

    @property
    def ints(self) -> Any: ...
    @property
    def int_sizes(self) -> Any: ...

class RearrangeSpecInputAxisHasMultipleWildCardsError(RearrangeSpecError):
    """Payload: ints, int_sizes (spec 01, section 12)."""

    args: tuple[RearrangeSpecInputAxisHasMultipleWildCardsInfo]

class RearrangeSpecLenShapeTooLargeInfo(ErrorInfo):
    """Payload of RearrangeSpecLenShapeTooLargeError."""

    @property
    def len_shape(self) -> int: ...

class RearrangeSpecLenShapeTooLargeError(RearrangeSpecError):
    """Payload: len_shape (spec 01, section 12)."""

    args: tuple[RearrangeSpecLenShapeTooLargeInfo]

class RearrangeSpecAxesToCombineNotSubsetInfo(ErrorInfo):
    """Payload of RearrangeSpecAxesToCombineNotSubsetError."""

    @property
    def axes_to_combine(self) -> Any: ...
    @property
    def n(self) -> Any: ...

class RearrangeSpecAxesToCombineNotSubsetError(RearrangeSpecError):
    """Payload: axes_to_combine, n (spec 01, section 12)."""

    args: tuple[RearrangeSpecAxesToCombineNotSubsetInfo]

class RearrangeSpecCantUnflattenScalarInfo(ErrorInfo):
    """Payload of RearrangeSpecCantUnflattenScalarError."""

class RearrangeSpecCantUnflattenScalarError(RearrangeSpecError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[RearrangeSpecCantUnflattenScalarInfo]

class PermIntsNotUniqueInfo(ErrorInfo):
    """Payload of PermIntsNotUniqueError."""

    @property
    def ints(self) -> Any: ...

class PermIntsNotUniqueError(PermError):
    """Payload: ints (spec 01, section 12)."""

    args: tuple[PermIntsNotUniqueInfo]

class PermNotContiguousIntsInfo(ErrorInfo):
    """Payload of PermNotContiguousIntsError."""

    @property
    def ints(self) -> Any: ...
    @property
    def count(self) -> int: ...

class PermNotContiguousIntsError(PermError):
    """Payload: ints, count (spec 01, section 12)."""

    args: tuple[PermNotContiguousIntsInfo]

class RearrangeParseArrowIssueInfo(ErrorInfo):
    """Payload of RearrangeParseArrowIssueError."""

    @property
    def string(self) -> str: ...

class RearrangeParseArrowIssueError(RearrangeParseError):
    """Payload: string (spec 01, section 12)."""

    args: tuple[RearrangeParseArrowIssueInfo]

class RearrangeParseFailedToMatchRegexInfo(ErrorInfo):
    """Payload of RearrangeParseFailedToMatchRegexError."""

    @property
    def string(self) -> str: ...

class RearrangeParseFailedToMatchRegexError(RearrangeParseError):
    """Payload: string (spec 01, section 12)."""

    args: tuple[RearrangeParseFailedToMatchRegexInfo]

class RearrangeParseTooManyAxesInfo(ErrorInfo):
    """Payload of RearrangeParseTooManyAxesError."""

    @property
    def string(self) -> str: ...

class RearrangeParseTooManyAxesError(RearrangeParseError):
    """Payload: string (spec 01, section 12)."""

    args: tuple[RearrangeParseTooManyAxesInfo]

class SchedulingNotExplicitlyComputableInfo(ErrorInfo):
    """Payload of SchedulingNotExplicitlyComputableError."""

    @property
    def circuit(self) -> Circuit: ...

class SchedulingNotExplicitlyComputableError(SchedulingError):
    """Payload: circuit (spec 01, section 12)."""

    args: tuple[SchedulingNotExplicitlyComputableInfo]

class SchedulingEvaluateCalledWithSymsInfo(ErrorInfo):
    """Payload of SchedulingEvaluateCalledWithSymsError."""

    @property
    def syms(self) -> list[Circuit]: ...

class SchedulingEvaluateCalledWithSymsError(SchedulingError):
    """Payload: syms (spec 01, section 12)."""

    args: tuple[SchedulingEvaluateCalledWithSymsInfo]

class SchedulingOOMManyInfo(ErrorInfo):
    """Payload of SchedulingOOMManyError."""

    @property
    def max_memory(self) -> Any: ...
    @property
    def memory_chunks(self) -> Any: ...
    @property
    def node_memories(self) -> Any: ...
    @property
    def string(self) -> str: ...

class SchedulingOOMManyError(SchedulingOOMError):
    """Payload: max_memory, memory_chunks, node_memories, string (spec 01, section 12)."""

    args: tuple[SchedulingOOMManyInfo]

class SchedulingOOMSingleInfo(ErrorInfo):
    """Payload of SchedulingOOMSingleError."""

    @property
    def numel(self) -> Any: ...
    @property
    def formatted(self) -> Any: ...

class SchedulingOOMSingleError(SchedulingOOMError):
    """Payload: numel, formatted (spec 01, section 12)."""

    args: tuple[SchedulingOOMSingleInfo]

class SchedulingOOMSimpInfo(ErrorInfo):
    """Payload of SchedulingOOMSimpError."""

    @property
    def cyto(self) -> Any: ...

class SchedulingOOMSimpError(SchedulingOOMError):
    """Payload: cyto (spec 01, section 12)."""

    args: tuple[SchedulingOOMSimpInfo]

class SchedulingOOMThreadsLostInfo(ErrorInfo):
    """Payload of SchedulingOOMThreadsLostError."""

class SchedulingOOMThreadsLostError(SchedulingOOMError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[SchedulingOOMThreadsLostInfo]

class SchedulingOOMExhaustiveTimeoutInfo(ErrorInfo):
    """Payload of SchedulingOOMExhaustiveTimeoutError."""

    @property
    def cyto(self) -> Any: ...
    @property
    def iters(self) -> Any: ...
    @property
    def size(self) -> Any: ...

class SchedulingOOMExhaustiveTimeoutError(SchedulingOOMError):
    """Payload: cyto, iters, size (spec 01, section 12)."""

    args: tuple[SchedulingOOMExhaustiveTimeoutInfo]

class TensorEvalNotExplicitlyComputableInternalInfo(ErrorInfo):
    """Payload of TensorEvalNotExplicitlyComputableInternalError."""

    @property
    def circuit(self) -> Circuit: ...

class TensorEvalNotExplicitlyComputableInternalError(TensorEvalError):
    """Payload: circuit (spec 01, section 12)."""

    args: tuple[TensorEvalNotExplicitlyComputableInternalInfo]

class TensorEvalNotExplicitlyComputableInfo(ErrorInfo):
    """Payload of TensorEvalNotExplicitlyComputableError."""

    @property
    def circuit(self) -> Circuit: ...

class TensorEvalNotExplicitlyComputableError(TensorEvalError):
    """Payload: circuit (spec 01, section 12)."""

    args: tuple[TensorEvalNotExplicitlyComputableInfo]

class TensorEvalNotConstantInfo(ErrorInfo):
    """Payload of TensorEvalNotConstantError."""

    @property
    def circuit(self) -> Circuit: ...

class TensorEvalNotConstantError(TensorEvalError):
    """Payload: circuit (spec 01, section 12)."""

    args: tuple[TensorEvalNotConstantInfo]

class TensorEvalModulesCantBeDirectlyEvalutedInternalInfo(ErrorInfo):
    """Payload of TensorEvalModulesCantBeDirectlyEvalutedInternalError."""

    @property
    def module(self) -> Circuit: ...

class TensorEvalModulesCantBeDirectlyEvalutedInternalError(TensorEvalError):
    """Payload: module (spec 01, section 12)."""

    args: tuple[TensorEvalModulesCantBeDirectlyEvalutedInternalInfo]

class TensorEvalDeviceDtypeErrorInfo(ErrorInfo):
    """Payload of TensorEvalDeviceDtypeErrorError."""

    @property
    def circ(self) -> Circuit: ...
    @property
    def passed(self) -> Any: ...

class TensorEvalDeviceDtypeErrorError(TensorEvalError):
    """Payload: circ, passed (spec 01, section 12)."""

    args: tuple[TensorEvalDeviceDtypeErrorInfo]

class SampleUnhandledVarErrorInfo(ErrorInfo):
    """Payload of SampleUnhandledVarErrorError."""

    @property
    def circ(self) -> Circuit: ...

class SampleUnhandledVarErrorError(SampleError):
    """Payload: circ (spec 01, section 12)."""

    args: tuple[SampleUnhandledVarErrorInfo]

class SampleGroupWithIncorrectNdimInfo(ErrorInfo):
    """Payload of SampleGroupWithIncorrectNdimError."""

    @property
    def groups(self) -> list[Circuit]: ...

class SampleGroupWithIncorrectNdimError(SampleError):
    """Payload: groups (spec 01, section 12)."""

    args: tuple[SampleGroupWithIncorrectNdimInfo]

class SampleDifferentNumSubsetsThanGroupsInfo(ErrorInfo):
    """Payload of SampleDifferentNumSubsetsThanGroupsError."""

    @property
    def subset_len(self) -> int: ...
    @property
    def groups_len(self) -> int: ...

class SampleDifferentNumSubsetsThanGroupsError(SampleError):
    """Payload: subset_len, groups_len (spec 01, section 12)."""

    args: tuple[SampleDifferentNumSubsetsThanGroupsInfo]

class IndexTensorNDimNot1Info(ErrorInfo):
    """Payload of IndexTensorNDimNot1Error."""

    @property
    def ndim(self) -> int: ...
    @property
    def tensor(self) -> Any: ...

class IndexTensorNDimNot1Error(IndexError, builtins.TypeError):
    """Payload: ndim, tensor (spec 01, section 12)."""

    args: tuple[IndexTensorNDimNot1Info]

class IndexIndexOutOfBoundsInfo(ErrorInfo):
    """Payload of IndexIndexOutOfBoundsError."""

    @property
    def index(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def at(self) -> int: ...
    @property
    def axis(self) -> Any: ...
    @property
    def l(self) -> int: ...

class IndexIndexOutOfBoundsError(IndexError):
    """Payload: index, shape, at, axis, l (spec 01, section 12)."""

    args: tuple[IndexIndexOutOfBoundsInfo]

class IndexIndexRankTooHighInfo(ErrorInfo):
    """Payload of IndexIndexRankTooHighError."""

    @property
    def index_rank(self) -> int: ...
    @property
    def node_rank(self) -> int: ...

class IndexIndexRankTooHighError(IndexError):
    """Payload: index_rank, node_rank (spec 01, section 12)."""

    args: tuple[IndexIndexRankTooHighInfo]

class IndexUnsupportedSliceInfo(ErrorInfo):
    """Payload of IndexUnsupportedSliceError."""

    @property
    def slice(self) -> Any: ...

class IndexUnsupportedSliceError(IndexError, builtins.TypeError):
    """Payload: slice (spec 01, section 12)."""

    args: tuple[IndexUnsupportedSliceInfo]

class NestMultipleRestInfo(ErrorInfo):
    """Payload of NestMultipleRestError."""

    @property
    def count_rest(self) -> Any: ...

class NestMultipleRestError(NestError):
    """Payload: count_rest (spec 01, section 12)."""

    args: tuple[NestMultipleRestInfo]

class NestMatchersOverlapInfo(ErrorInfo):
    """Payload of NestMatchersOverlapError."""

    @property
    def matcher(self) -> Any: ...
    @property
    def other_matcher(self) -> Any: ...
    @property
    def ints(self) -> Any: ...
    @property
    def other_ints(self) -> Any: ...
    @property
    def intersection(self) -> Any: ...
    @property
    def intersection_circs(self) -> Any: ...

class NestMatchersOverlapError(NestError):
    """Payload: matcher, other_matcher, ints, other_ints, intersection, intersection_circs (spec 01, section 12)."""

    args: tuple[NestMatchersOverlapInfo]

class NestMatcherOverlapsWithExplicitIntsInfo(ErrorInfo):
    """Payload of NestMatcherOverlapsWithExplicitIntsError."""

    @property
    def matcher(self) -> Any: ...
    @property
    def matcher_ints(self) -> Any: ...
    @property
    def explicit_ints(self) -> Any: ...
    @property
    def intersection(self) -> Any: ...
    @property
    def intersection_circs(self) -> Any: ...

class NestMatcherOverlapsWithExplicitIntsError(NestError):
    """Payload: matcher, matcher_ints, explicit_ints, intersection, intersection_circs (spec 01, section 12)."""

    args: tuple[NestMatcherOverlapsWithExplicitIntsInfo]

class NestMatcherMatchedMultipleAndMustBeUniqueInfo(ErrorInfo):
    """Payload of NestMatcherMatchedMultipleAndMustBeUniqueError."""

    @property
    def matcher(self) -> Any: ...
    @property
    def matches(self) -> Any: ...
    @property
    def int_matches(self) -> Any: ...

class NestMatcherMatchedMultipleAndMustBeUniqueError(NestError):
    """Payload: matcher, matches, int_matches (spec 01, section 12)."""

    args: tuple[NestMatcherMatchedMultipleAndMustBeUniqueInfo]

class NestMatcherMatchedNoneAndMustExistInfo(ErrorInfo):
    """Payload of NestMatcherMatchedNoneAndMustExistError."""

    @property
    def matcher(self) -> Any: ...

class NestMatcherMatchedNoneAndMustExistError(NestError):
    """Payload: matcher (spec 01, section 12)."""

    args: tuple[NestMatcherMatchedNoneAndMustExistInfo]

class NestTraversalMatchedNothingInfo(ErrorInfo):
    """Payload of NestTraversalMatchedNothingError."""

    @property
    def traversal(self) -> Any: ...
    @property
    def circuit(self) -> Any: ...

class NestTraversalMatchedNothingError(NestError):
    """Payload: traversal, circuit (spec 01, section 12)."""

    args: tuple[NestTraversalMatchedNothingInfo]

class NestIntNotContainedInRangeCountInfo(ErrorInfo):
    """Payload of NestIntNotContainedInRangeCountError."""

    @property
    def ints(self) -> Any: ...
    @property
    def count(self) -> Any: ...
    @property
    def extra_ints(self) -> Any: ...

class NestIntNotContainedInRangeCountError(NestError):
    """Payload: ints, count, extra_ints (spec 01, section 12)."""

    args: tuple[NestIntNotContainedInRangeCountInfo]

class NestPermHasWrongLenInfo(ErrorInfo):
    """Payload of NestPermHasWrongLenError."""

    @property
    def perm(self) -> Any: ...
    @property
    def expected_len(self) -> Any: ...

class NestPermHasWrongLenError(NestError):
    """Payload: perm, expected_len (spec 01, section 12)."""

    args: tuple[NestPermHasWrongLenInfo]

class NestOrigNumPermWhenNotPresentInOrigInfo(ErrorInfo):
    """Payload of NestOrigNumPermWhenNotPresentInOrigError."""

class NestOrigNumPermWhenNotPresentInOrigError(NestError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[NestOrigNumPermWhenNotPresentInOrigInfo]

class NestPermutationMissesIdxsAndNoRestInSpecInfo(ErrorInfo):
    """Payload of NestPermutationMissesIdxsAndNoRestInSpecError."""

    @property
    def missed_idxs(self) -> Any: ...

class NestPermutationMissesIdxsAndNoRestInSpecError(NestError):
    """Payload: missed_idxs (spec 01, section 12)."""

    args: tuple[NestPermutationMissesIdxsAndNoRestInSpecInfo]

class PushDownIndexNoopOnConcatInfo(ErrorInfo):
    """Payload of PushDownIndexNoopOnConcatError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def index_non_axis(self) -> Any: ...
    @property
    def index(self) -> Any: ...

class PushDownIndexNoopOnConcatError(PushDownIndexError):
    """Payload: index_node, index_non_axis, index (spec 01, section 12)."""

    args: tuple[PushDownIndexNoopOnConcatInfo]

class PushDownIndexNoopOnGeneralFunctionInfo(ErrorInfo):
    """Payload of PushDownIndexNoopOnGeneralFunctionError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def is_batchable(self) -> Any: ...
    @property
    def num_non_batch_out(self) -> int: ...
    @property
    def inner_rank(self) -> int: ...

class PushDownIndexNoopOnGeneralFunctionError(PushDownIndexError):
    """Payload: index_node, is_batchable, num_non_batch_out, inner_rank (spec 01, section 12)."""

    args: tuple[PushDownIndexNoopOnGeneralFunctionInfo]

class PushDownIndexGeneralFunctionSomeAxesNotPossibleInfo(ErrorInfo):
    """Payload of PushDownIndexGeneralFunctionSomeAxesNotPossibleError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def is_batchable(self) -> Any: ...
    @property
    def num_non_batch_out(self) -> int: ...
    @property
    def inner_rank(self) -> int: ...
    @property
    def top_axis_indices(self) -> Any: ...

class PushDownIndexGeneralFunctionSomeAxesNotPossibleError(PushDownIndexError):
    """Payload: index_node, is_batchable, num_non_batch_out, inner_rank, top_axis_indices (spec 01, section 12)."""

    args: tuple[PushDownIndexGeneralFunctionSomeAxesNotPossibleInfo]

class PushDownIndexModuleSomeAxesNotPossibleInfo(ErrorInfo):
    """Payload of PushDownIndexModuleSomeAxesNotPossibleError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def num_non_batch_out(self) -> int: ...
    @property
    def inner_rank(self) -> int: ...
    @property
    def top_axis_indices(self) -> Any: ...

class PushDownIndexModuleSomeAxesNotPossibleError(PushDownIndexError):
    """Payload: index_node, num_non_batch_out, inner_rank, top_axis_indices (spec 01, section 12)."""

    args: tuple[PushDownIndexModuleSomeAxesNotPossibleInfo]

class PushDownIndexEinsumNoopInfo(ErrorInfo):
    """Payload of PushDownIndexEinsumNoopError."""

    @property
    def index_node(self) -> Circuit: ...

class PushDownIndexEinsumNoopError(PushDownIndexError):
    """Payload: index_node (spec 01, section 12)."""

    args: tuple[PushDownIndexEinsumNoopInfo]

class PushDownIndexEinsumSomeAxesNotPossibleInfo(ErrorInfo):
    """Payload of PushDownIndexEinsumSomeAxesNotPossibleError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def out_index(self) -> Any: ...
    @property
    def out_axes(self) -> Any: ...
    @property
    def int_indices(self) -> Any: ...

class PushDownIndexEinsumSomeAxesNotPossibleError(PushDownIndexError):
    """Payload: index_node, out_index, out_axes, int_indices (spec 01, section 12)."""

    args: tuple[PushDownIndexEinsumSomeAxesNotPossibleInfo]

class PushDownIndexRearrangeNotPossibleInfo(ErrorInfo):
    """Payload of PushDownIndexRearrangeNotPossibleError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def spec(self) -> Any: ...

class PushDownIndexRearrangeNotPossibleError(PushDownIndexError):
    """Payload: index_node, spec (spec 01, section 12)."""

    args: tuple[PushDownIndexRearrangeNotPossibleInfo]

class PushDownIndexScatterNoopInfo(ErrorInfo):
    """Payload of PushDownIndexScatterNoopError."""

    @property
    def index_node(self) -> Circuit: ...

class PushDownIndexScatterNoopError(PushDownIndexError):
    """Payload: index_node (spec 01, section 12)."""

    args: tuple[PushDownIndexScatterNoopInfo]

class PushDownIndexScatterSomeAxesNotPossibleInfo(ErrorInfo):
    """Payload of PushDownIndexScatterSomeAxesNotPossibleError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def out_index(self) -> Any: ...

class PushDownIndexScatterSomeAxesNotPossibleError(PushDownIndexError):
    """Payload: index_node, out_index (spec 01, section 12)."""

    args: tuple[PushDownIndexScatterSomeAxesNotPossibleInfo]

class PushDownIndexThroughIndexInfo(ErrorInfo):
    """Payload of PushDownIndexThroughIndexError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def circ_type(self) -> Any: ...

class PushDownIndexThroughIndexError(PushDownIndexError):
    """Payload: index_node, circ_type (spec 01, section 12)."""

    args: tuple[PushDownIndexThroughIndexInfo]

class PushDownIndexUnimplementedTypeInfo(ErrorInfo):
    """Payload of PushDownIndexUnimplementedTypeError."""

    @property
    def index_node(self) -> Circuit: ...
    @property
    def circ_type(self) -> Any: ...

class PushDownIndexUnimplementedTypeError(PushDownIndexError):
    """Payload: index_node, circ_type (spec 01, section 12)."""

    args: tuple[PushDownIndexUnimplementedTypeInfo]

class PushDownIndexConcatSplitSectionsTensorUnsupportedInfo(ErrorInfo):
    """Payload of PushDownIndexConcatSplitSectionsTensorUnsupportedError."""

    @property
    def tensor(self) -> Any: ...

class PushDownIndexConcatSplitSectionsTensorUnsupportedError(PushDownIndexError):
    """Payload: tensor (spec 01, section 12)."""

    args: tuple[PushDownIndexConcatSplitSectionsTensorUnsupportedInfo]

class PushDownIndexZeroLengthIndexAmbiguousInfo(ErrorInfo):
    """Payload of PushDownIndexZeroLengthIndexAmbiguousError."""

class PushDownIndexZeroLengthIndexAmbiguousError(PushDownIndexError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[PushDownIndexZeroLengthIndexAmbiguousInfo]

class DistributeCouldntBroadcastInfo(ErrorInfo):
    """Payload of DistributeCouldntBroadcastError."""

    @property
    def add(self) -> Circuit: ...
    @property
    def do_broadcasts(self) -> Any: ...

class DistributeCouldntBroadcastError(DistributeError):
    """Payload: add, do_broadcasts (spec 01, section 12)."""

    args: tuple[DistributeCouldntBroadcastInfo]

class DistributeOperandIsNotAddInfo(ErrorInfo):
    """Payload of DistributeOperandIsNotAddError."""

    @property
    def einsum(self) -> Any: ...
    @property
    def operand_idx(self) -> int: ...

class DistributeOperandIsNotAddError(DistributeError):
    """Payload: einsum, operand_idx (spec 01, section 12)."""

    args: tuple[DistributeOperandIsNotAddInfo]

class DistributeOperandIdxTooLargeInfo(ErrorInfo):
    """Payload of DistributeOperandIdxTooLargeError."""

    @property
    def einsum(self) -> Any: ...
    @property
    def operand_idx(self) -> int: ...

class DistributeOperandIdxTooLargeError(DistributeError):
    """Payload: einsum, operand_idx (spec 01, section 12)."""

    args: tuple[DistributeOperandIdxTooLargeInfo]

class DistributeEmptyAddUnsupportedInfo(ErrorInfo):
    """Payload of DistributeEmptyAddUnsupportedError."""

    @property
    def einsum(self) -> Any: ...
    @property
    def operand_idx(self) -> int: ...

class DistributeEmptyAddUnsupportedError(DistributeError):
    """Payload: einsum, operand_idx (spec 01, section 12)."""

    args: tuple[DistributeEmptyAddUnsupportedInfo]

class DistributeNoopInfo(ErrorInfo):
    """Payload of DistributeNoopError."""

    @property
    def einsum(self) -> Any: ...
    @property
    def operand_idx(self) -> int: ...

class DistributeNoopError(DistributeError):
    """Payload: einsum, operand_idx (spec 01, section 12)."""

    args: tuple[DistributeNoopInfo]

class SimpConfigFnNamesNotValidInfo(ErrorInfo):
    """Payload of SimpConfigFnNamesNotValidError."""

    @property
    def names(self) -> Any: ...

class SimpConfigFnNamesNotValidError(SimpConfigError):
    """Payload: names (spec 01, section 12)."""

    args: tuple[SimpConfigFnNamesNotValidInfo]

class CumulantRewriteNodeToExpandNotFoundInfo(ErrorInfo):
    """Payload of CumulantRewriteNodeToExpandNotFoundError."""

    @property
    def cumulant(self) -> Circuit: ...
    @property
    def node(self) -> Any: ...

class CumulantRewriteNodeToExpandNotFoundError(CumulantRewriteError):
    """Payload: cumulant, node (spec 01, section 12)."""

    args: tuple[CumulantRewriteNodeToExpandNotFoundInfo]

class CumulantRewriteUnexpandableTypeInfo(ErrorInfo):
    """Payload of CumulantRewriteUnexpandableTypeError."""

    @property
    def node(self) -> Any: ...

class CumulantRewriteUnexpandableTypeError(CumulantRewriteError):
    """Payload: node (spec 01, section 12)."""

    args: tuple[CumulantRewriteUnexpandableTypeInfo]

class CumulantRewriteUnimplementedTypeInfo(ErrorInfo):
    """Payload of CumulantRewriteUnimplementedTypeError."""

    @property
    def node(self) -> Any: ...

class CumulantRewriteUnimplementedTypeError(CumulantRewriteError):
    """Payload: node (spec 01, section 12)."""

    args: tuple[CumulantRewriteUnimplementedTypeInfo]

class GeneralFunctionShapeWrongNumShapesInfo(ErrorInfo):
    """Payload of GeneralFunctionShapeWrongNumShapesError."""

    @property
    def got(self) -> Any: ...
    @property
    def expected(self) -> Any: ...

class GeneralFunctionShapeWrongNumShapesError(GeneralFunctionShapeError):
    """Payload: got, expected (spec 01, section 12)."""

    args: tuple[GeneralFunctionShapeWrongNumShapesInfo]

class GeneralFunctionShapeNDimTooSmallInfo(ErrorInfo):
    """Payload of GeneralFunctionShapeNDimTooSmallError."""

    @property
    def ndim(self) -> int: ...
    @property
    def num_non_batchable_output_dims(self) -> Any: ...
    @property
    def removed_from_end(self) -> Any: ...

class GeneralFunctionShapeNDimTooSmallError(GeneralFunctionShapeError):
    """Payload: ndim, num_non_batchable_output_dims, removed_from_end (spec 01, section 12)."""

    args: tuple[GeneralFunctionShapeNDimTooSmallInfo]

class GeneralFunctionShapeBatchDimsNotEqualInfo(ErrorInfo):
    """Payload of GeneralFunctionShapeBatchDimsNotEqualError."""

    @property
    def batches(self) -> Any: ...
    @property
    def output_batch(self) -> Any: ...

class GeneralFunctionShapeBatchDimsNotEqualError(GeneralFunctionShapeError):
    """Payload: batches, output_batch (spec 01, section 12)."""

    args: tuple[GeneralFunctionShapeBatchDimsNotEqualInfo]

class GeneralFunctionShapeIndexShapeInvalidInfo(ErrorInfo):
    """Payload of GeneralFunctionShapeIndexShapeInvalidError."""

    @property
    def x_shape(self) -> tuple[int, ...]: ...
    @property
    def index_shape(self) -> tuple[int, ...]: ...
    @property
    def batch_x(self) -> Any: ...

class GeneralFunctionShapeIndexShapeInvalidError(GeneralFunctionShapeError):
    """Payload: x_shape, index_shape, batch_x (spec 01, section 12)."""

    args: tuple[GeneralFunctionShapeIndexShapeInvalidInfo]

class GeneralFunctionShapeExplicitIndexShapeInvalidInfo(ErrorInfo):
    """Payload of GeneralFunctionShapeExplicitIndexShapeInvalidError."""

    @property
    def x_shape(self) -> tuple[int, ...]: ...
    @property
    def index_shape(self) -> tuple[int, ...]: ...
    @property
    def index_dim(self) -> Any: ...
    @property
    def x_non_batch_dims(self) -> Any: ...

class GeneralFunctionShapeExplicitIndexShapeInvalidError(GeneralFunctionShapeError):
    """Payload: x_shape, index_shape, index_dim, x_non_batch_dims (spec 01, section 12)."""

    args: tuple[GeneralFunctionShapeExplicitIndexShapeInvalidInfo]

class ReferenceCircByNameHasNoneNameInfo(ErrorInfo):
    """Payload of ReferenceCircByNameHasNoneNameError."""

    @property
    def circuit(self) -> Circuit: ...

class ReferenceCircByNameHasNoneNameError(ReferenceCircError):
    """Payload: circuit (spec 01, section 12)."""

    args: tuple[ReferenceCircByNameHasNoneNameInfo]

class ReferenceCircDuplicateIdentifierInfo(ErrorInfo):
    """Payload of ReferenceCircDuplicateIdentifierError."""

    @property
    def dup_idents(self) -> Any: ...

class ReferenceCircDuplicateIdentifierError(ReferenceCircError):
    """Payload: dup_idents (spec 01, section 12)."""

    args: tuple[ReferenceCircDuplicateIdentifierInfo]

class SymbolicSizeOverflowProductTooLargeInfo(ErrorInfo):
    """Payload of SymbolicSizeOverflowProductTooLargeError."""

    @property
    def symbolic_size_product(self) -> Any: ...

class SymbolicSizeOverflowProductTooLargeError(SymbolicSizeOverflowError):
    """Payload: symbolic_size_product (spec 01, section 12)."""

    args: tuple[SymbolicSizeOverflowProductTooLargeInfo]

class SymbolicSizeOverflowSymbolicSizeNumberOutOfBoundsInfo(ErrorInfo):
    """Payload of SymbolicSizeOverflowSymbolicSizeNumberOutOfBoundsError."""

    @property
    def i(self) -> int: ...

class SymbolicSizeOverflowSymbolicSizeNumberOutOfBoundsError(SymbolicSizeOverflowError):
    """Payload: i (spec 01, section 12)."""

    args: tuple[SymbolicSizeOverflowSymbolicSizeNumberOutOfBoundsInfo]

class SymbolicSizeSetTriedToSetNonZeroToZeroInfo(ErrorInfo):
    """Payload of SymbolicSizeSetTriedToSetNonZeroToZeroError."""

    @property
    def size_prod(self) -> Any: ...

class SymbolicSizeSetTriedToSetNonZeroToZeroError(SymbolicSizeSetError):
    """Payload: size_prod (spec 01, section 12)."""

    args: tuple[SymbolicSizeSetTriedToSetNonZeroToZeroInfo]

class SymbolicSizeSetFactorDoesntDivideSetToInfo(ErrorInfo):
    """Payload of SymbolicSizeSetFactorDoesntDivideSetToError."""

    @property
    def factor(self) -> int: ...
    @property
    def set_to(self) -> int: ...
    @property
    def size_prod(self) -> Any: ...

class SymbolicSizeSetFactorDoesntDivideSetToError(SymbolicSizeSetError):
    """Payload: factor, set_to, size_prod (spec 01, section 12)."""

    args: tuple[SymbolicSizeSetFactorDoesntDivideSetToInfo]

class SymbolicSizeSetNoSymbolicAndSizesNotEqualInfo(ErrorInfo):
    """Payload of SymbolicSizeSetNoSymbolicAndSizesNotEqualError."""

    @property
    def l_factor(self) -> Any: ...
    @property
    def r_factor(self) -> Any: ...
    @property
    def l_size_prod(self) -> Any: ...
    @property
    def r_size_prod(self) -> Any: ...

class SymbolicSizeSetNoSymbolicAndSizesNotEqualError(SymbolicSizeSetError):
    """Payload: l_factor, r_factor, l_size_prod, r_size_prod (spec 01, section 12)."""

    args: tuple[SymbolicSizeSetNoSymbolicAndSizesNotEqualInfo]

class SymbolicSizeSetFailedToSatisfyContraintsInfo(ErrorInfo):
    """Payload of SymbolicSizeSetFailedToSatisfyContraintsError."""

    @property
    def constraints(self) -> Any: ...

class SymbolicSizeSetFailedToSatisfyContraintsError(SymbolicSizeSetError):
    """Payload: constraints (spec 01, section 12)."""

    args: tuple[SymbolicSizeSetFailedToSatisfyContraintsInfo]

class IterativeMatcherNumUpdatedMatchersNEQToNumChildrenInfo(ErrorInfo):
    """Payload of IterativeMatcherNumUpdatedMatchersNEQToNumChildrenError."""

    @property
    def num_updated_matchers(self) -> int: ...
    @property
    def num_children(self) -> int: ...
    @property
    def updated_matchers(self) -> Any: ...
    @property
    def from_matcher(self) -> Any: ...

class IterativeMatcherNumUpdatedMatchersNEQToNumChildrenError(IterativeMatcherError):
    """Payload: num_updated_matchers, num_children, updated_matchers, from_matcher (spec 01, section 12)."""

    args: tuple[IterativeMatcherNumUpdatedMatchersNEQToNumChildrenInfo]

class IterativeMatcherOperationDoesntSupportArgPerChildInfo(ErrorInfo):
    """Payload of IterativeMatcherOperationDoesntSupportArgPerChildError."""

    @property
    def matchers(self) -> Any: ...

class IterativeMatcherOperationDoesntSupportArgPerChildError(IterativeMatcherError):
    """Payload: matchers (spec 01, section 12)."""

    args: tuple[IterativeMatcherOperationDoesntSupportArgPerChildInfo]

class IterativeMatcherChildNumbersOutOfBoundsInfo(ErrorInfo):
    """Payload of IterativeMatcherChildNumbersOutOfBoundsError."""

    @property
    def child_numbers(self) -> Any: ...
    @property
    def num_children(self) -> int: ...

class IterativeMatcherChildNumbersOutOfBoundsError(IterativeMatcherError):
    """Payload: child_numbers, num_children (spec 01, section 12)."""

    args: tuple[IterativeMatcherChildNumbersOutOfBoundsInfo]

class IterativeMatcherExpectedModuleInfo(ErrorInfo):
    """Payload of IterativeMatcherExpectedModuleError."""

    @property
    def circuit_type(self) -> Any: ...

class IterativeMatcherExpectedModuleError(IterativeMatcherError):
    """Payload: circuit_type (spec 01, section 12)."""

    args: tuple[IterativeMatcherExpectedModuleInfo]

class ModuleBindExpectedSymbolInfo(ErrorInfo):
    """Payload of ModuleBindExpectedSymbolError."""

    @property
    def matched_circuit(self) -> Circuit: ...
    @property
    def matcher(self) -> Any: ...
    @property
    def spec_circuit(self) -> Circuit: ...

class ModuleBindExpectedSymbolError(ModuleBindError):
    """Payload: matched_circuit, matcher, spec_circuit (spec 01, section 12)."""

    args: tuple[ModuleBindExpectedSymbolInfo]

class NamedAxesForbiddenCharacterInfo(ErrorInfo):
    """Payload of NamedAxesForbiddenCharacterError."""

    @property
    def name(self) -> Any: ...

class NamedAxesForbiddenCharacterError(NamedAxesError):
    """Payload: name (spec 01, section 12)."""

    args: tuple[NamedAxesForbiddenCharacterInfo]

class PushDownModulePushPastPreviouslyBoundSymbolInfo(ErrorInfo):
    """Payload of PushDownModulePushPastPreviouslyBoundSymbolError."""

    @property
    def symbol(self) -> Circuit: ...

class PushDownModulePushPastPreviouslyBoundSymbolError(PushDownModuleError):
    """Payload: symbol (spec 01, section 12)."""

    args: tuple[PushDownModulePushPastPreviouslyBoundSymbolInfo]

class PushDownModulePushingPastModuleWhichOverridesSymInfo(ErrorInfo):
    """Payload of PushDownModulePushingPastModuleWhichOverridesSymError."""

    @property
    def symbol(self) -> Circuit: ...
    @property
    def skipped_module(self) -> Circuit: ...

class PushDownModulePushingPastModuleWhichOverridesSymError(PushDownModuleError):
    """Payload: symbol, skipped_module (spec 01, section 12)."""

    args: tuple[PushDownModulePushingPastModuleWhichOverridesSymInfo]

class ExtractSymbolsGetFoundNonSymbolInfo(ErrorInfo):
    """Payload of ExtractSymbolsGetFoundNonSymbolError."""

    @property
    def circ(self) -> Circuit: ...
    @property
    def get(self) -> Any: ...

class ExtractSymbolsGetFoundNonSymbolError(ExtractSymbolsError):
    """Payload: circ, get (spec 01, section 12)."""

    args: tuple[ExtractSymbolsGetFoundNonSymbolInfo]

class ExtractSymbolsBatchedInputInfo(ErrorInfo):
    """Payload of ExtractSymbolsBatchedInputError."""

    @property
    def node_ndim(self) -> int: ...
    @property
    def symbol_ndim(self) -> int: ...
    @property
    def symbol(self) -> Circuit: ...
    @property
    def node(self) -> Any: ...

class ExtractSymbolsBatchedInputError(ExtractSymbolsError):
    """Payload: node_ndim, symbol_ndim, symbol, node (spec 01, section 12)."""

    args: tuple[ExtractSymbolsBatchedInputInfo]

class ExtractSymbolsArgSpecInconsistentInfo(ErrorInfo):
    """Payload of ExtractSymbolsArgSpecInconsistentError."""

    @property
    def old_arg_spec(self) -> ModuleArgSpec: ...
    @property
    def new_arg_spec(self) -> ModuleArgSpec: ...

class ExtractSymbolsArgSpecInconsistentError(ExtractSymbolsError):
    """Payload: old_arg_spec, new_arg_spec (spec 01, section 12)."""

    args: tuple[ExtractSymbolsArgSpecInconsistentInfo]

class ExtractSymbolsBoundInputInconsistentInfo(ErrorInfo):
    """Payload of ExtractSymbolsBoundInputInconsistentError."""

    @property
    def symbol(self) -> Circuit: ...
    @property
    def old_bound(self) -> Circuit: ...
    @property
    def new_bound(self) -> Circuit: ...

class ExtractSymbolsBoundInputInconsistentError(ExtractSymbolsError):
    """Payload: symbol, old_bound, new_bound (spec 01, section 12)."""

    args: tuple[ExtractSymbolsBoundInputInconsistentInfo]

class ExtractSymbolsHasBindingsFromOuterModuleInfo(ErrorInfo):
    """Payload of ExtractSymbolsHasBindingsFromOuterModuleError."""

    @property
    def bound_input(self) -> Circuit: ...
    @property
    def symbol(self) -> Circuit: ...
    @property
    def free_outer_symbols(self) -> list[Circuit]: ...

class ExtractSymbolsHasBindingsFromOuterModuleError(ExtractSymbolsError):
    """Payload: bound_input, symbol, free_outer_symbols (spec 01, section 12)."""

    args: tuple[ExtractSymbolsHasBindingsFromOuterModuleInfo]

class ConstructNotSupportedYetInfo(ErrorInfo):
    """Payload of ConstructNotSupportedYetError."""

    @property
    def string(self) -> str: ...

class ConstructNotSupportedYetError(ConstructError):
    """Payload: string (spec 01, section 12)."""

    args: tuple[ConstructNotSupportedYetInfo]

class ConstructAxisOutOfBoundsInfo(ErrorInfo):
    """Payload of ConstructAxisOutOfBoundsError."""

    @property
    def axis(self) -> Any: ...
    @property
    def node_rank(self) -> int: ...

class ConstructAxisOutOfBoundsError(ConstructError):
    """Payload: axis, node_rank (spec 01, section 12)."""

    args: tuple[ConstructAxisOutOfBoundsInfo]

class ConstructNamedAxisAboveRankInfo(ErrorInfo):
    """Payload of ConstructNamedAxisAboveRankError."""

class ConstructNamedAxisAboveRankError(ConstructError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[ConstructNamedAxisAboveRankInfo]

class ConstructNoEquivalentExplicitlyComputableInfo(ErrorInfo):
    """Payload of ConstructNoEquivalentExplicitlyComputableError."""

class ConstructNoEquivalentExplicitlyComputableError(ConstructError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[ConstructNoEquivalentExplicitlyComputableInfo]

class ConstructUnflattenButNDimNot1Info(ErrorInfo):
    """Payload of ConstructUnflattenButNDimNot1Error."""

    @property
    def ndim(self) -> int: ...

class ConstructUnflattenButNDimNot1Error(ConstructError):
    """Payload: ndim (spec 01, section 12)."""

    args: tuple[ConstructUnflattenButNDimNot1Info]

class ConstructArrayHasReservedSymbolicShapeInfo(ErrorInfo):
    """Payload of ConstructArrayHasReservedSymbolicShapeError."""

    @property
    def number(self) -> int: ...
    @property
    def sym(self) -> Circuit: ...

class ConstructArrayHasReservedSymbolicShapeError(ConstructError):
    """Payload: number, sym (spec 01, section 12)."""

    args: tuple[ConstructArrayHasReservedSymbolicShapeInfo]

class ConstructConvStridePaddingNotFullInfo(ErrorInfo):
    """Payload of ConstructConvStridePaddingNotFullError."""

    @property
    def stride(self) -> Any: ...
    @property
    def padding(self) -> Any: ...

class ConstructConvStridePaddingNotFullError(ConstructError):
    """Payload: stride, padding (spec 01, section 12)."""

    args: tuple[ConstructConvStridePaddingNotFullInfo]

class ConstructConvInputWrongShapeInfo(ErrorInfo):
    """Payload of ConstructConvInputWrongShapeError."""

class ConstructConvInputWrongShapeError(ConstructError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[ConstructConvInputWrongShapeInfo]

class ConstructConvFilterWrongShapeInfo(ErrorInfo):
    """Payload of ConstructConvFilterWrongShapeError."""

class ConstructConvFilterWrongShapeError(ConstructError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[ConstructConvFilterWrongShapeInfo]

class ConstructConvFilterMustBeOddLengthInfo(ErrorInfo):
    """Payload of ConstructConvFilterMustBeOddLengthError."""

    @property
    def shape(self) -> tuple[int, ...]: ...

class ConstructConvFilterMustBeOddLengthError(ConstructError):
    """Payload: shape (spec 01, section 12)."""

    args: tuple[ConstructConvFilterMustBeOddLengthInfo]

class ConstructConvStrideMustDivideInfo(ErrorInfo):
    """Payload of ConstructConvStrideMustDivideError."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def stride(self) -> Any: ...

class ConstructConvStrideMustDivideError(ConstructError):
    """Payload: shape, stride (spec 01, section 12)."""

    args: tuple[ConstructConvStrideMustDivideInfo]

class ConstructConvGroupsMustDivideInfo(ErrorInfo):
    """Payload of ConstructConvGroupsMustDivideError."""

    @property
    def groups(self) -> list[Circuit]: ...
    @property
    def in_channels(self) -> Any: ...
    @property
    def out_channels(self) -> Any: ...

class ConstructConvGroupsMustDivideError(ConstructError):
    """Payload: groups, in_channels, out_channels (spec 01, section 12)."""

    args: tuple[ConstructConvGroupsMustDivideInfo]

class ConstructConvInputFilterDifferentNumInputChannelsInfo(ErrorInfo):
    """Payload of ConstructConvInputFilterDifferentNumInputChannelsError."""

    @property
    def input(self) -> Any: ...
    @property
    def filter(self) -> Any: ...

class ConstructConvInputFilterDifferentNumInputChannelsError(ConstructError):
    """Payload: input, filter (spec 01, section 12)."""

    args: tuple[ConstructConvInputFilterDifferentNumInputChannelsInfo]

class ConstructDiscreteVarNoSamplesDimInfo(ErrorInfo):
    """Payload of ConstructDiscreteVarNoSamplesDimError."""

class ConstructDiscreteVarNoSamplesDimError(ConstructError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[ConstructDiscreteVarNoSamplesDimInfo]

class ConstructDiscreteVarWrongSamplesDimInfo(ErrorInfo):
    """Payload of ConstructDiscreteVarWrongSamplesDimError."""

    @property
    def node(self) -> Any: ...
    @property
    def probs(self) -> Circuit: ...

class ConstructDiscreteVarWrongSamplesDimError(ConstructError):
    """Payload: node, probs (spec 01, section 12)."""

    args: tuple[ConstructDiscreteVarWrongSamplesDimInfo]

class ConstructDiscreteVarProbsMustBe1dInfo(ErrorInfo):
    """Payload of ConstructDiscreteVarProbsMustBe1dError."""

    @property
    def shape(self) -> tuple[int, ...]: ...

class ConstructDiscreteVarProbsMustBe1dError(ConstructError):
    """Payload: shape (spec 01, section 12)."""

    args: tuple[ConstructDiscreteVarProbsMustBe1dInfo]

class ConstructStoredCumulantVarNeedsMeanVarianceInfo(ErrorInfo):
    """Payload of ConstructStoredCumulantVarNeedsMeanVarianceError."""

class ConstructStoredCumulantVarNeedsMeanVarianceError(ConstructError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[ConstructStoredCumulantVarNeedsMeanVarianceInfo]

class ConstructStoredCumulantVarInvalidCumulantNumberInfo(ErrorInfo):
    """Payload of ConstructStoredCumulantVarInvalidCumulantNumberError."""

    @property
    def number(self) -> int: ...

class ConstructStoredCumulantVarInvalidCumulantNumberError(ConstructError):
    """Payload: number (spec 01, section 12)."""

    args: tuple[ConstructStoredCumulantVarInvalidCumulantNumberInfo]

class ConstructStoredCumulantVarCumulantWrongShapeInfo(ErrorInfo):
    """Payload of ConstructStoredCumulantVarCumulantWrongShapeError."""

    @property
    def base_shape(self) -> tuple[int, ...]: ...
    @property
    def cumulant_shape(self) -> tuple[int, ...]: ...
    @property
    def cumulant_number(self) -> int: ...

class ConstructStoredCumulantVarCumulantWrongShapeError(ConstructError):
    """Payload: base_shape, cumulant_shape, cumulant_number (spec 01, section 12)."""

    args: tuple[ConstructStoredCumulantVarCumulantWrongShapeInfo]

class ConstructEinsumWrongNumChildrenInfo(ErrorInfo):
    """Payload of ConstructEinsumWrongNumChildrenError."""

    @property
    def actual_num_children(self) -> Any: ...
    @property
    def expected_num_children_based_on_axes(self) -> Any: ...
    @property
    def einsum_name(self) -> Any: ...

class ConstructEinsumWrongNumChildrenError(ConstructError):
    """Payload: actual_num_children, expected_num_children_based_on_axes, einsum_name (spec 01, section 12)."""

    args: tuple[ConstructEinsumWrongNumChildrenInfo]

class ConstructEinsumLenShapeDifferentFromAxesInfo(ErrorInfo):
    """Payload of ConstructEinsumLenShapeDifferentFromAxesError."""

    @property
    def len_axes(self) -> int: ...
    @property
    def child_len_shape(self) -> int: ...
    @property
    def einsum_name(self) -> Any: ...
    @property
    def child_circuit(self) -> Circuit: ...

class ConstructEinsumLenShapeDifferentFromAxesError(ConstructError):
    """Payload: len_axes, child_len_shape, einsum_name, child_circuit (spec 01, section 12)."""

    args: tuple[ConstructEinsumLenShapeDifferentFromAxesInfo]

class ConstructEinsumAxisSizeDifferentInfo(ErrorInfo):
    """Payload of ConstructEinsumAxisSizeDifferentError."""

    @property
    def new_size(self) -> int: ...
    @property
    def existing_size(self) -> Any: ...
    @property
    def axis(self) -> Any: ...
    @property
    def einsum_name(self) -> Any: ...
    @property
    def child_circuit(self) -> Circuit: ...

class ConstructEinsumAxisSizeDifferentError(ConstructError):
    """Payload: new_size, existing_size, axis, einsum_name, child_circuit (spec 01, section 12)."""

    args: tuple[ConstructEinsumAxisSizeDifferentInfo]

class ConstructEinsumOutputNotSubsetInfo(ErrorInfo):
    """Payload of ConstructEinsumOutputNotSubsetError."""

    @property
    def circuit_name(self) -> str: ...
    @property
    def all_input_axes(self) -> Any: ...
    @property
    def output_axes(self) -> Any: ...

class ConstructEinsumOutputNotSubsetError(ConstructError):
    """Payload: circuit_name, all_input_axes, output_axes (spec 01, section 12)."""

    args: tuple[ConstructEinsumOutputNotSubsetInfo]

class ConstructRearrangeWrongInputShapeInfo(ErrorInfo):
    """Payload of ConstructRearrangeWrongInputShapeError."""

    @property
    def spec(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, ...]: ...

class ConstructRearrangeWrongInputShapeError(ConstructError):
    """Payload: spec, shape (spec 01, section 12)."""

    args: tuple[ConstructRearrangeWrongInputShapeInfo]

class ConstructConcatZeroNodesInfo(ErrorInfo):
    """Payload of ConstructConcatZeroNodesError."""

class ConstructConcatZeroNodesError(ConstructError):
    """Payload: none (spec 01, section 12)."""

    args: tuple[ConstructConcatZeroNodesInfo]

class ConstructConcatShapeDifferentInfo(ErrorInfo):
    """Payload of ConstructConcatShapeDifferentError."""

    @property
    def shapes(self) -> list[tuple[int, ...]]: ...

class ConstructConcatShapeDifferentError(ConstructError):
    """Payload: shapes (spec 01, section 12)."""

    args: tuple[ConstructConcatShapeDifferentInfo]

class ConstructScatterShapeWrongInfo(ErrorInfo):
    """Payload of ConstructScatterShapeWrongError."""

    @property
    def index(self) -> Any: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def index_shape(self) -> tuple[int, ...]: ...

class ConstructScatterShapeWrongError(ConstructError):
    """Payload: index, shape, index_shape (spec 01, section 12)."""

    args: tuple[ConstructScatterShapeWrongInfo]

class ConstructScatterIndexTypeUnimplementedInfo(ErrorInfo):
    """Payload of ConstructScatterIndexTypeUnimplementedError."""

    @property
    def index(self) -> Any: ...

class ConstructScatterIndexTypeUnimplementedError(ConstructError):
    """Payload: index (spec 01, section 12)."""

    args: tuple[ConstructScatterIndexTypeUnimplementedInfo]

class ConstructGeneralFunctionWrongInputShapeInfo(ErrorInfo):
    """Payload of ConstructGeneralFunctionWrongInputShapeError."""

    @property
    def gf_spec(self) -> Any: ...
    @property
    def input_shapes(self) -> Any: ...

class ConstructGeneralFunctionWrongInputShapeError(ConstructError):
    """Payload: gf_spec, input_shapes (spec 01, section 12)."""

    args: tuple[ConstructGeneralFunctionWrongInputShapeInfo]

class ConstructGeneralFunctionPyNotInstanceInfo(ErrorInfo):
    """Payload of ConstructGeneralFunctionPyNotInstanceError."""

    @property
    def ob(self) -> Any: ...

class ConstructGeneralFunctionPyNotInstanceError(ConstructError, builtins.TypeError):
    """Payload: ob (spec 01, section 12)."""

    args: tuple[ConstructGeneralFunctionPyNotInstanceInfo]

class ConstructUnknownGeneralFunctionInfo(ErrorInfo):
    """Payload of ConstructUnknownGeneralFunctionError."""

    @property
    def spec_name(self) -> str: ...

class ConstructUnknownGeneralFunctionError(ConstructError):
    """Payload: spec_name (spec 01, section 12)."""

    args: tuple[ConstructUnknownGeneralFunctionInfo]

class ConstructModuleWrongNumberChildrenInfo(ErrorInfo):
    """Payload of ConstructModuleWrongNumberChildrenError."""

    @property
    def expected(self) -> Any: ...
    @property
    def got(self) -> Any: ...
    @property
    def arg_specs(self) -> Any: ...
    @property
    def nodes(self) -> list[Circuit]: ...

class ConstructModuleWrongNumberChildrenError(ConstructError):
    """Payload: expected, got, arg_specs, nodes (spec 01, section 12)."""

    args: tuple[ConstructModuleWrongNumberChildrenInfo]

class ConstructModuleUnknownArgumentInfo(ErrorInfo):
    """Payload of ConstructModuleUnknownArgumentError."""

    @property
    def argument(self) -> str: ...
    @property
    def all_module_inputs(self) -> Any: ...

class ConstructModuleUnknownArgumentError(ConstructError):
    """Payload: argument, all_module_inputs (spec 01, section 12)."""

    args: tuple[ConstructModuleUnknownArgumentInfo]

class ConstructModuleMissingNamesInfo(ErrorInfo):
    """Payload of ConstructModuleMissingNamesError."""

    @property
    def missing_arguments(self) -> Any: ...

class ConstructModuleMissingNamesError(ConstructError):
    """Payload: missing_arguments (spec 01, section 12)."""

    args: tuple[ConstructModuleMissingNamesInfo]

class ConstructModuleExtractNotPresentInfo(ErrorInfo):
    """Payload of ConstructModuleExtractNotPresentError."""

    @property
    def subcirc(self) -> Circuit: ...

class ConstructModuleExtractNotPresentError(ConstructError):
    """Payload: subcirc (spec 01, section 12)."""

    args: tuple[ConstructModuleExtractNotPresentInfo]

class ConstructModuleSomeArgsNamedNoneInfo(ErrorInfo):
    """Payload of ConstructModuleSomeArgsNamedNoneError."""

    @property
    def symbols_named_none(self) -> list[Circuit]: ...

class ConstructModuleSomeArgsNamedNoneError(ConstructError):
    """Payload: symbols_named_none (spec 01, section 12)."""

    args: tuple[ConstructModuleSomeArgsNamedNoneInfo]

class ConstructModuleArgsDupNamesInfo(ErrorInfo):
    """Payload of ConstructModuleArgsDupNamesError."""

    @property
    def dup_names(self) -> Any: ...

class ConstructModuleArgsDupNamesError(ConstructError):
    """Payload: dup_names (spec 01, section 12)."""

    args: tuple[ConstructModuleArgsDupNamesInfo]

class ConstructModuleSomeArgsNotPresentInfo(ErrorInfo):
    """Payload of ConstructModuleSomeArgsNotPresentError."""

    @property
    def spec_circuit(self) -> Circuit: ...
    @property
    def missing_symbols(self) -> Any: ...

class ConstructModuleSomeArgsNotPresentError(ConstructError):
    """Payload: spec_circuit, missing_symbols (spec 01, section 12)."""

    args: tuple[ConstructModuleSomeArgsNotPresentInfo]

class ConstructModuleExpectedSymbolInfo(ErrorInfo):
    """Payload of ConstructModuleExpectedSymbolError."""

    @property
    def actual_circuit(self) -> Circuit: ...

class ConstructModuleExpectedSymbolError(ConstructError):
    """Payload: actual_circuit (spec 01, section 12)."""

    args: tuple[ConstructModuleExpectedSymbolInfo]

class ConstructModuleExpectedSymbolOnMapInfo(ErrorInfo):
    """Payload of ConstructModuleExpectedSymbolOnMapError."""

    @property
    def orig_module(self) -> Circuit: ...
    @property
    def got_instead_of_symbol(self) -> Circuit: ...

class ConstructModuleExpectedSymbolOnMapError(ConstructError):
    """Payload: orig_module, got_instead_of_symbol (spec 01, section 12)."""

    args: tuple[ConstructModuleExpectedSymbolOnMapInfo]

class ConstructModulePassedNamePrefixAndUseSelfNameAsPrefixInfo(ErrorInfo):
    """Payload of ConstructModulePassedNamePrefixAndUseSelfNameAsPrefixError."""

    @property
    def name_prefix(self) -> Any: ...
    @property
    def module(self) -> Circuit: ...

class ConstructModulePassedNamePrefixAndUseSelfNameAsPrefixError(ConstructError):
    """Payload: name_prefix, module (spec 01, section 12)."""

    args: tuple[ConstructModulePassedNamePrefixAndUseSelfNameAsPrefixInfo]

BatchNumBatchesIsZeroError = BatchBatchSizeIsZeroError
RearrangeSpecInputNotConformableError = RearrangeSpecNotConformableError
