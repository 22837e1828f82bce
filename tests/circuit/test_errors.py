"""The table of exception classes (spec 01, section 12)."""

import builtins
import uuid

import pytest
import torch

import pycircuit as rc

FAMILIES = {
    "BatchError": ("Batch", ValueError),
    "ConstructError": ("Construct", ValueError),
    "ExpandError": ("Expand", ValueError),
    "SubstitutionError": ("Substitution", ValueError),
    "MiscInputError": ("MiscInput", ValueError),
    "ParseError": ("Parse", ValueError),
    "ParseCircuitError": ("ParseCircuit", "ParseError"),
    "RearrangeSpecError": ("RearrangeSpec", ValueError),
    "PermError": ("Perm", ValueError),
    "RearrangeParseError": ("RearrangeParse", "ParseError"),
    "SchedulingError": ("Scheduling", ValueError),
    "SchedulingOOMError": ("SchedulingOOM", ValueError),
    "TensorEvalError": ("TensorEval", ValueError),
    "SampleError": ("Sample", ValueError),
    "IndexError": ("Index", ValueError),
    "NestError": ("Nest", ValueError),
    "PushDownIndexError": ("PushDownIndex", ValueError),
    "DistributeError": ("Distribute", ValueError),
    "SimpConfigError": ("SimpConfig", ValueError),
    "CumulantRewriteError": ("CumulantRewrite", ValueError),
    "GeneralFunctionShapeError": ("GeneralFunctionShape", ValueError),
    "ReferenceCircError": ("ReferenceCirc", ValueError),
    "SymbolicSizeOverflowError": ("SymbolicSizeOverflow", OverflowError),
    "SymbolicSizeSetError": ("SymbolicSizeSet", OverflowError),
    "IterativeMatcherError": ("IterativeMatcher", ValueError),
    "ModuleBindError": ("ModuleBind", RuntimeError),
    "NamedAxesError": ("NamedAxes", RuntimeError),
    "PushDownModuleError": ("PushDownModule", ValueError),
    "ExtractSymbolsError": ("ExtractSymbols", ValueError),
}
# family: "short name: payload fields" per class; a trailing + marks classes that also derive from TypeError.
TABLE = {
    "BatchError": "RequiresMultipleAxes; AxisOriginatesTooHigh; BatchSizeIsZero; PartialBatchNotAllowed",
    "ExpandError": "WrongNumChildren: expected got; BatchingRankTooLow: default got; FixedIndex: index old_shape new_shape; "
    "ConcatAxis: axis old_shape new_shape; GeneralFunctionTriedToBatchNonBatchableInput: input_i batched_inputs general_function; "
    "NodeUnhandledVariant: variant; CumulantRankChanged: circuit; "
    "ModuleArgSpecSymbolChangedInExpand: old_symbol new_symbol_circ module; "
    "ModuleRankReduced: node_rank symbol_rank arg_spec node_shape spec_circuit; "
    "ModuleTriedToBatchUnbatchableInput: node_rank symbol_rank arg_spec spec_circuit; "
    "ModuleTriedToExpandUnexpandableInput: node_shape symbol_shape arg_spec spec_circuit; "
    "ModuleTriedToExpandOnNonSymbolicSizeAndBanned: new_size old_size dim node_shape arg_spec spec_circuit",
    "SubstitutionError": "CircuitHasFreeSymsBoundByNestedModule: circ sym nested_module bound_by_nested; "
    "FoundNEQFreeSymbolWithSameIdentification: sym matching_sym",
    "MiscInputError": "NotBroadcastable: shapes; IndexDtypeNotI64; ItemOutOfBounds: item count; ChildrenMultipleDtypes: a b; "
    "CastIncompatibleDeviceDtype: required actual; ChildrenMultipleDevices: a b",
    "ParseError": "InvalidNumber: string err_string; InvalidIndex: string; InvalidUuid: string err_msg; "
    "EinsumStringInvalid: string substring; EinsumStringNoArrow: string; FactorProductTooLarge: factors string; "
    "SymbolicSizeNumberOutOfBounds: i bound",
    "ParseCircuitError": "RegexDidntMatch: line regex_string; RegexDidntMatchGroup: group_name line regex_string group; "
    "LessIndentationThanFirstItem: this_num_spaces_base first_num_spaces first_line this_line; "
    "InvalidIndentation: spaces tab_width stack_indentation line; ExpectedNoExtraInfo: extra variant; Cycle: ident; "
    "WrongNumberChildren: expected found ident; UnexpectedChildInfo: child_info child_ident parent_ident parent_variant; "
    "InvalidVariant: v; ShapeNeeded: variant; ExpectedOneCircuitGotMultiple: actual_num_circuits; InvalidTerseBool: got; "
    "ReferenceCircuitHasChildren: reference_name child_line; RepeatedCircuitHasChildren: repeated_ident child_line; "
    "HasParentInfoButNoParent: ident line; ReferenceCircuitNameFollowedByAdditionalInfo: reference_name line; "
    "PassedInShapeDoesntMatchComputedShape: computed_shape provided_shape; "
    "ArrayShapeLoadedFromHashDiffersFromProvidedShape: loaded_from_hash_shape provided_shape; "
    "OnCircuitRepeatInfoIsNotSame: repeat_ident line err_strs; ModuleNoSpecCircuit: name; "
    "ModuleRequiresInputChildToHaveParentInfo: module_ident child_ident; StoredCumulantVarExtraInvalid: extra; "
    "InvalidAxisShapeFormat: axis",
    "RearrangeSpecError": "NotConformable: spec shape; HasWildcardSizes: spec; NotConvertable: spec; TooManyWildcardSizes: spec; "
    "AxesAndCountsDontMatch: axes_len counts_len; NotFusable: inner outer; "
    "AmbiguousExpand: expand_size current_size inner_ints inner_int_sizes divides_size num_failing_to_divide dim shape spec; "
    "RepeatedAxes: axes unique_count actual_count; IntsNotUnique: is_input ints; InpNotInOut: difference ints_in_inp ints_in_out; "
    "IntNotInSizes: max_int len_sizes; IntOnlyInOutputWithoutSize: only_in_output corresponding_sizes int_sizes; "
    "InputAxisHasMultipleWildCards: ints int_sizes; LenShapeTooLarge: len_shape; AxesToCombineNotSubset: axes_to_combine n; "
    "CantUnflattenScalar",
    "PermError": "IntsNotUnique: ints; NotContiguousInts: ints count",
    "RearrangeParseError": "ArrowIssue: string; FailedToMatchRegex: string; TooManyAxes: string",
    "SchedulingError": "NotExplicitlyComputable: circuit; EvaluateCalledWithSyms: syms",
    "SchedulingOOMError": "Many: max_memory memory_chunks node_memories string; Single: numel formatted; Simp: cyto; ThreadsLost; "
    "ExhaustiveTimeout: cyto iters size",
    "TensorEvalError": "NotExplicitlyComputableInternal: circuit; NotExplicitlyComputable: circuit; NotConstant: circuit; "
    "ModulesCantBeDirectlyEvalutedInternal: module; DeviceDtypeError: circ passed",
    "SampleError": "UnhandledVarError: circ; GroupWithIncorrectNdim: groups; DifferentNumSubsetsThanGroups: subset_len groups_len",
    "IndexError": "TensorNDimNot1+: ndim tensor; IndexOutOfBounds: index shape at axis l; IndexRankTooHigh: index_rank node_rank; "
    "UnsupportedSlice+: slice",
    "NestError": "MultipleRest: count_rest; MatchersOverlap: matcher other_matcher ints other_ints intersection intersection_circs; "
    "MatcherOverlapsWithExplicitInts: matcher matcher_ints explicit_ints intersection intersection_circs; "
    "MatcherMatchedMultipleAndMustBeUnique: matcher matches int_matches; MatcherMatchedNoneAndMustExist: matcher; "
    "TraversalMatchedNothing: traversal circuit; IntNotContainedInRangeCount: ints count extra_ints; "
    "PermHasWrongLen: perm expected_len; OrigNumPermWhenNotPresentInOrig; PermutationMissesIdxsAndNoRestInSpec: missed_idxs",
    "PushDownIndexError": "NoopOnConcat: index_node index_non_axis index; "
    "NoopOnGeneralFunction: index_node is_batchable num_non_batch_out inner_rank; "
    "GeneralFunctionSomeAxesNotPossible: index_node is_batchable num_non_batch_out inner_rank top_axis_indices; "
    "ModuleSomeAxesNotPossible: index_node num_non_batch_out inner_rank top_axis_indices; EinsumNoop: index_node; "
    "EinsumSomeAxesNotPossible: index_node out_index out_axes int_indices; RearrangeNotPossible: index_node spec; "
    "ScatterNoop: index_node; ScatterSomeAxesNotPossible: index_node out_index; ThroughIndex: index_node circ_type; "
    "UnimplementedType: index_node circ_type; ConcatSplitSectionsTensorUnsupported: tensor; ZeroLengthIndexAmbiguous",
    "DistributeError": "CouldntBroadcast: add do_broadcasts; OperandIsNotAdd: einsum operand_idx; OperandIdxTooLarge: einsum operand_idx; "
    "EmptyAddUnsupported: einsum operand_idx; Noop: einsum operand_idx",
    "SimpConfigError": "FnNamesNotValid: names",
    "CumulantRewriteError": "NodeToExpandNotFound: cumulant node; UnexpandableType: node; UnimplementedType: node",
    "GeneralFunctionShapeError": "WrongNumShapes: got expected; NDimTooSmall: ndim num_non_batchable_output_dims removed_from_end; "
    "BatchDimsNotEqual: batches output_batch; IndexShapeInvalid: x_shape index_shape batch_x; "
    "ExplicitIndexShapeInvalid: x_shape index_shape index_dim x_non_batch_dims",
    "ReferenceCircError": "ByNameHasNoneName: circuit; DuplicateIdentifier: dup_idents",
    "SymbolicSizeOverflowError": "ProductTooLarge: symbolic_size_product; SymbolicSizeNumberOutOfBounds: i",
    "SymbolicSizeSetError": "TriedToSetNonZeroToZero: size_prod; FactorDoesntDivideSetTo: factor set_to size_prod; "
    "NoSymbolicAndSizesNotEqual: l_factor r_factor l_size_prod r_size_prod; FailedToSatisfyContraints: constraints",
    "IterativeMatcherError": "NumUpdatedMatchersNEQToNumChildren: num_updated_matchers num_children updated_matchers from_matcher; "
    "OperationDoesntSupportArgPerChild: matchers; ChildNumbersOutOfBounds: child_numbers num_children; ExpectedModule: circuit_type",
    "ModuleBindError": "ExpectedSymbol: matched_circuit matcher spec_circuit",
    "NamedAxesError": "ForbiddenCharacter: name",
    "PushDownModuleError": "PushPastPreviouslyBoundSymbol: symbol; PushingPastModuleWhichOverridesSym: symbol skipped_module",
    "ExtractSymbolsError": "GetFoundNonSymbol: circ get; BatchedInput: node_ndim symbol_ndim symbol node; "
    "ArgSpecInconsistent: old_arg_spec new_arg_spec; BoundInputInconsistent: symbol old_bound new_bound; "
    "HasBindingsFromOuterModule: bound_input symbol free_outer_symbols",
    "ConstructError": "NotSupportedYet: string; AxisOutOfBounds: axis node_rank; NamedAxisAboveRank; NoEquivalentExplicitlyComputable; "
    "UnflattenButNDimNot1: ndim; ArrayHasReservedSymbolicShape: number sym; ConvStridePaddingNotFull: stride padding; "
    "ConvInputWrongShape; ConvFilterWrongShape; ConvFilterMustBeOddLength: shape; ConvStrideMustDivide: shape stride; "
    "ConvGroupsMustDivide: groups in_channels out_channels; ConvInputFilterDifferentNumInputChannels: input filter; "
    "DiscreteVarNoSamplesDim; DiscreteVarWrongSamplesDim: node probs; DiscreteVarProbsMustBe1d: shape; "
    "StoredCumulantVarNeedsMeanVariance; StoredCumulantVarInvalidCumulantNumber: number; "
    "StoredCumulantVarCumulantWrongShape: base_shape cumulant_shape cumulant_number; "
    "EinsumWrongNumChildren: actual_num_children expected_num_children_based_on_axes einsum_name; "
    "EinsumLenShapeDifferentFromAxes: len_axes child_len_shape einsum_name child_circuit; "
    "EinsumAxisSizeDifferent: new_size existing_size axis einsum_name child_circuit; "
    "EinsumOutputNotSubset: circuit_name all_input_axes output_axes; RearrangeWrongInputShape: spec shape; ConcatZeroNodes; "
    "ConcatShapeDifferent: shapes; ScatterShapeWrong: index shape index_shape; ScatterIndexTypeUnimplemented: index; "
    "GeneralFunctionWrongInputShape: gf_spec input_shapes; GeneralFunctionPyNotInstance+: ob; UnknownGeneralFunction: spec_name; "
    "ModuleWrongNumberChildren: expected got arg_specs nodes; ModuleUnknownArgument: argument all_module_inputs; "
    "ModuleMissingNames: missing_arguments; ModuleExtractNotPresent: subcirc; ModuleSomeArgsNamedNone: symbols_named_none; "
    "ModuleArgsDupNames: dup_names; ModuleSomeArgsNotPresent: spec_circuit missing_symbols; ModuleExpectedSymbol: actual_circuit; "
    "ModuleExpectedSymbolOnMap: orig_module got_instead_of_symbol; "
    "ModulePassedNamePrefixAndUseSelfNameAsPrefix: name_prefix module",
}


def rows():
    for family, entries in TABLE.items():
        for entry in entries.split("; "):
            short, _, fields = entry.partition(": ")
            yield family, short.removesuffix("+"), tuple(fields.split()), short.endswith("+")


ROWS = list(rows())


@pytest.mark.parametrize("family", FAMILIES)
def test_families(family):
    cls, base = getattr(rc, family), FAMILIES[family][1]
    assert cls.__bases__ == (getattr(rc, base) if isinstance(base, str) else base,)
    assert cls.__name__ == family and cls.__module__ == "pycircuit"


@pytest.mark.parametrize("family, short, fields, also_type_error", ROWS, ids=[FAMILIES[f][0] + s for f, s, *_ in ROWS])
def test_classes(family, short, fields, also_type_error):
    name = f"{FAMILIES[family][0]}{short}Error"
    cls, info = getattr(rc, name), getattr(rc, name.removesuffix("Error") + "Info")
    assert cls.__name__ == name and cls.__bases__ == ((getattr(rc, family), TypeError) if also_type_error else (getattr(rc, family),))
    assert info.__name__ == name.removesuffix("Error") + "Info"
    instance = info(f"a message ({name})", list(range(len(fields))))
    assert instance.items() == {field: i for i, field in enumerate(fields)} and list(instance.items()) == list(fields)
    assert str(instance) == repr(instance) == str(cls(instance)) == f"a message ({name})"
    for i, field in enumerate(fields):
        assert getattr(instance, field) == i
        with pytest.raises(AttributeError):
            setattr(instance, field, 0)
    with pytest.raises(AttributeError):
        instance.no_such_field  # noqa: B018


def test_table_is_complete():
    known = set(FAMILIES) | {f"{FAMILIES[f][0]}{s}Error" for f, s, *_ in ROWS}
    known |= {"BatchNumBatchesIsZeroError", "RearrangeSpecInputNotConformableError", "ExceptionWithRustContext"}
    exported = {name for name, value in vars(rc).items() if isinstance(value, type) and issubclass(value, Exception) and name[0] != "_"}
    assert exported - known == set() or exported - known == {"OptimizingSymbolicSizeWarning"}
    assert known <= exported
    assert issubclass(rc.OptimizingSymbolicSizeWarning, UserWarning)


def test_aliases_and_star_import():
    assert rc.BatchNumBatchesIsZeroError is rc.BatchBatchSizeIsZeroError
    assert rc.RearrangeSpecInputNotConformableError is rc.RearrangeSpecNotConformableError
    namespace = {}
    exec("from pycircuit import *", namespace)
    assert namespace["IndexError"] is rc.IndexError is not builtins.IndexError
    assert {"Circuit", "Einsum", "ConstructConcatZeroNodesError", "ConstructConcatZeroNodesInfo", "symbolic_sizes"} <= set(namespace)
    assert issubclass(rc.ExceptionWithRustContext, Exception) and rc.ExceptionWithRustContext("e").exc == "e"


def test_payloads_are_objects():
    x = rc.Symbol((20014, 3), uuid.UUID(int=1), "x")
    with pytest.raises(rc.ConstructEinsumAxisSizeDifferentError) as error:
        rc.Einsum((x, (0, 0)), out_axes=(), name="e")
    info = error.value.args[0]
    assert (info.axis, info.einsum_name, info.child_circuit) == (0, "e", x)
    assert str(info.existing_size) == "2*0s" and isinstance(info.new_size, rc.SymbolicSizeProduct)
    with pytest.raises(rc.MiscInputNotBroadcastableError) as error:
        rc.Add(x, rc.Scalar(1.0, (2,)), name="n")
    assert error.value.args[0].items() == {"shapes": [(20014, 3), (2,)]}
    assert "(MiscInputNotBroadcastableError)" in str(error.value) and "'x'" in str(error.value)
    spec = rc.RearrangeSpec.from_string("a -> a")
    with pytest.raises(rc.RearrangeSpecNotConformableError) as error:
        rc.Rearrange(x, spec, "r")
    assert error.value.args[0].spec == spec and error.value.args[0].shape == (20014, 3)
    index = torch.tensor([[0]])
    with pytest.raises(rc.IndexTensorNDimNot1Error) as error:
        rc.Index(x, (index,))
    assert error.value.args[0].ndim == 2 and torch.equal(error.value.args[0].tensor, index) and isinstance(error.value, TypeError)
    with pytest.raises(rc.IndexIndexOutOfBoundsError) as error:
        rc.Index(x, (slice(None), 5))
    assert error.value.args[0].items() == {"index": (slice(None), 5), "shape": (20014, 3), "at": 1, "axis": 5, "l": 3}
    with pytest.raises(rc.SymbolicSizeSetFactorDoesntDivideSetToError) as error:
        rc.SetSymbolicShape(x, (5, 3))
    assert error.value.args[0].items() == {"factor": 2, "set_to": 5, "size_prod": x.symbolic_shape()[0]}
    declared = [rc.SetSymbolicShape(rc.Symbol((10007,), uuid.UUID(int=2)), (size,)) for size in (3, 5)]
    with pytest.raises(rc.SymbolicSizeSetFailedToSatisfyContraintsError) as error:
        rc.Concat(*declared, axis=0)
    constraints = error.value.args[0].constraints
    assert set(constraints) == declared[0].symbolic_size_constraints | declared[1].symbolic_size_constraints
    with pytest.raises(rc.MiscInputChildrenMultipleDtypesError) as error:
        rc.Add(rc.Array(torch.zeros(2)), rc.Array(torch.zeros(2, dtype=torch.float64)))
    assert error.value.args[0].items() == {"a": "float32", "b": "float64"}
    with pytest.raises(rc.MiscInputItemOutOfBoundsError, match=r"item=5, count=3 \(needed -3 <= 5 < 3\)"):
        rc.Scalar(1.0, (1, 1, 1)).sum(5)
