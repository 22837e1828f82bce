// The one table of error classes (spec 01, section 12): families, classes, payload fields.
// Each family row: F(family class, prefix, base class). Each class row: E(prefix, short name, "payload fields", also TypeError).
// The Python class of a row is prefix + short name + "Error".
#pragma once

// clang-format off: one row a line

#define PYCIRCUIT_ERROR_FAMILIES(F) \
  F(BatchError, Batch, ValueError) \
  F(ConstructError, Construct, ValueError) \
  F(ExpandError, Expand, ValueError) \
  F(SubstitutionError, Substitution, ValueError) \
  F(MiscInputError, MiscInput, ValueError) \
  F(ParseError, Parse, ValueError) \
  F(ParseCircuitError, ParseCircuit, ParseError) \
  F(RearrangeSpecError, RearrangeSpec, ValueError) \
  F(PermError, Perm, ValueError) \
  F(RearrangeParseError, RearrangeParse, ParseError) \
  F(SchedulingError, Scheduling, ValueError) \
  F(SchedulingOOMError, SchedulingOOM, ValueError) \
  F(TensorEvalError, TensorEval, ValueError) \
  F(SampleError, Sample, ValueError) \
  F(IndexError, Index, ValueError) \
  F(NestError, Nest, ValueError) \
  F(PushDownIndexError, PushDownIndex, ValueError) \
  F(DistributeError, Distribute, ValueError) \
  F(SimpConfigError, SimpConfig, ValueError) \
  F(CumulantRewriteError, CumulantRewrite, ValueError) \
  F(GeneralFunctionShapeError, GeneralFunctionShape, ValueError) \
  F(ReferenceCircError, ReferenceCirc, ValueError) \
  F(SymbolicSizeOverflowError, SymbolicSizeOverflow, OverflowError) \
  F(SymbolicSizeSetError, SymbolicSizeSet, OverflowError) \
  F(IterativeMatcherError, IterativeMatcher, ValueError) \
  F(ModuleBindError, ModuleBind, RuntimeError) \
  F(NamedAxesError, NamedAxes, RuntimeError) \
  F(PushDownModuleError, PushDownModule, ValueError) \
  F(ExtractSymbolsError, ExtractSymbols, ValueError)

#define PYCIRCUIT_ERRORS(E) \
  E(Batch, RequiresMultipleAxes, "", false) \
  E(Batch, AxisOriginatesTooHigh, "", false) \
  E(Batch, BatchSizeIsZero, "", false) \
  E(Batch, PartialBatchNotAllowed, "", false) \
  E(Expand, WrongNumChildren, "expected got", false) \
  E(Expand, BatchingRankTooLow, "default got", false) \
  E(Expand, FixedIndex, "index old_shape new_shape", false) \
  E(Expand, ConcatAxis, "axis old_shape new_shape", false) \
  E(Expand, GeneralFunctionTriedToBatchNonBatchableInput, "input_i batched_inputs general_function", false) \
  E(Expand, NodeUnhandledVariant, "variant", false) \
  E(Expand, CumulantRankChanged, "circuit", false) \
  E(Expand, ModuleArgSpecSymbolChangedInExpand, "old_symbol new_symbol_circ module", false) \
  E(Expand, ModuleRankReduced, "node_rank symbol_rank arg_spec node_shape spec_circuit", false) \
  E(Expand, ModuleTriedToBatchUnbatchableInput, "node_rank symbol_rank arg_spec spec_circuit", false) \
  E(Expand, ModuleTriedToExpandUnexpandableInput, "node_shape symbol_shape arg_spec spec_circuit", false) \
  E(Expand, ModuleTriedToExpandOnNonSymbolicSizeAndBanned, "new_size old_size dim node_shape arg_spec spec_circuit", false) \
  E(Substitution, CircuitHasFreeSymsBoundByNestedModule, "circ sym nested_module bound_by_nested", false) \
  E(Substitution, FoundNEQFreeSymbolWithSameIdentification, "sym matching_sym", false) \
  E(MiscInput, NotBroadcastable, "shapes", false) \
  E(MiscInput, IndexDtypeNotI64, "", false) \
  E(MiscInput, ItemOutOfBounds, "item count", false) \
  E(MiscInput, ChildrenMultipleDtypes, "a b", false) \
  E(MiscInput, CastIncompatibleDeviceDtype, "required actual", false) \
  E(MiscInput, ChildrenMultipleDevices, "a b", false) \
  E(Parse, InvalidNumber, "string err_string", false) \
  E(Parse, InvalidIndex, "string", false) \
  E(Parse, InvalidUuid, "string err_msg", false) \
  E(Parse, EinsumStringInvalid, "string substring", false) \
  E(Parse, EinsumStringNoArrow, "string", false) \
  E(Parse, FactorProductTooLarge, "factors string", false) \
  E(Parse, SymbolicSizeNumberOutOfBounds, "i bound", false) \
  E(ParseCircuit, RegexDidntMatch, "line regex_string", false) \
  E(ParseCircuit, RegexDidntMatchGroup, "group_name line regex_string group", false) \
  E(ParseCircuit, LessIndentationThanFirstItem, "this_num_spaces_base first_num_spaces first_line this_line", false) \
  E(ParseCircuit, InvalidIndentation, "spaces tab_width stack_indentation line", false) \
  E(ParseCircuit, ExpectedNoExtraInfo, "extra variant", false) \
  E(ParseCircuit, Cycle, "ident", false) \
  E(ParseCircuit, WrongNumberChildren, "expected found ident", false) \
  E(ParseCircuit, UnexpectedChildInfo, "child_info child_ident parent_ident parent_variant", false) \
  E(ParseCircuit, InvalidVariant, "v", false) \
  E(ParseCircuit, ShapeNeeded, "variant", false) \
  E(ParseCircuit, ExpectedOneCircuitGotMultiple, "actual_num_circuits", false) \
  E(ParseCircuit, InvalidTerseBool, "got", false) \
  E(ParseCircuit, ReferenceCircuitHasChildren, "reference_name child_line", false) \
  E(ParseCircuit, RepeatedCircuitHasChildren, "repeated_ident child_line", false) \
  E(ParseCircuit, HasParentInfoButNoParent, "ident line", false) \
  E(ParseCircuit, ReferenceCircuitNameFollowedByAdditionalInfo, "reference_name line", false) \
  E(ParseCircuit, PassedInShapeDoesntMatchComputedShape, "computed_shape provided_shape", false) \
  E(ParseCircuit, ArrayShapeLoadedFromHashDiffersFromProvidedShape, "loaded_from_hash_shape provided_shape", false) \
  E(ParseCircuit, OnCircuitRepeatInfoIsNotSame, "repeat_ident line err_strs", false) \
  E(ParseCircuit, ModuleNoSpecCircuit, "name", false) \
  E(ParseCircuit, ModuleRequiresInputChildToHaveParentInfo, "module_ident child_ident", false) \
  E(ParseCircuit, StoredCumulantVarExtraInvalid, "extra", false) \
  E(ParseCircuit, InvalidAxisShapeFormat, "axis", false) \
  E(RearrangeSpec, NotConformable, "spec shape", false) \
  E(RearrangeSpec, HasWildcardSizes, "spec", false) \
  E(RearrangeSpec, NotConvertable, "spec", false) \
  E(RearrangeSpec, TooManyWildcardSizes, "spec", false) \
  E(RearrangeSpec, AxesAndCountsDontMatch, "axes_len counts_len", false) \
  E(RearrangeSpec, NotFusable, "inner outer", false) \
  E(RearrangeSpec, AmbiguousExpand, "expand_size current_size inner_ints inner_int_sizes divides_size num_failing_to_divide dim shape spec", false) \
  E(RearrangeSpec, RepeatedAxes, "axes unique_count actual_count", false) \
  E(RearrangeSpec, IntsNotUnique, "is_input ints", false) \
  E(RearrangeSpec, InpNotInOut, "difference ints_in_inp ints_in_out", false) \
  E(RearrangeSpec, IntNotInSizes, "max_int len_sizes", false) \
  E(RearrangeSpec, IntOnlyInOutputWithoutSize, "only_in_output corresponding_sizes int_sizes", false) \
  E(RearrangeSpec, InputAxisHasMultipleWildCards, "ints int_sizes", false) \
  E(RearrangeSpec, LenShapeTooLarge, "len_shape", false) \
  E(RearrangeSpec, AxesToCombineNotSubset, "axes_to_combine n", false) \
  E(RearrangeSpec, CantUnflattenScalar, "", false) \
  E(Perm, IntsNotUnique, "ints", false) \
  E(Perm, NotContiguousInts, "ints count", false) \
  E(RearrangeParse, ArrowIssue, "string", false) \
  E(RearrangeParse, FailedToMatchRegex, "string", false) \
  E(RearrangeParse, TooManyAxes, "string", false) \
  E(Scheduling, NotExplicitlyComputable, "circuit", false) \
  E(Scheduling, EvaluateCalledWithSyms, "syms", false) \
  E(SchedulingOOM, Many, "max_memory memory_chunks node_memories string", false) \
  E(SchedulingOOM, Single, "numel formatted", false) \
  E(SchedulingOOM, Simp, "cyto", false) \
  E(SchedulingOOM, ThreadsLost, "", false) \
  E(SchedulingOOM, ExhaustiveTimeout, "cyto iters size", false) \
  E(TensorEval, NotExplicitlyComputableInternal, "circuit", false) \
  E(TensorEval, NotExplicitlyComputable, "circuit", false) \
  E(TensorEval, NotConstant, "circuit", false) \
  E(TensorEval, ModulesCantBeDirectlyEvalutedInternal, "module", false) \
  E(TensorEval, DeviceDtypeError, "circ passed", false) \
  E(Sample, UnhandledVarError, "circ", false) \
  E(Sample, GroupWithIncorrectNdim, "groups", false) \
  E(Sample, DifferentNumSubsetsThanGroups, "subset_len groups_len", false) \
  E(Index, TensorNDimNot1, "ndim tensor", true) \
  E(Index, IndexOutOfBounds, "index shape at axis l", false) \
  E(Index, IndexRankTooHigh, "index_rank node_rank", false) \
  E(Index, UnsupportedSlice, "slice", true) \
  E(Nest, MultipleRest, "count_rest", false) \
  E(Nest, MatchersOverlap, "matcher other_matcher ints other_ints intersection intersection_circs", false) \
  E(Nest, MatcherOverlapsWithExplicitInts, "matcher matcher_ints explicit_ints intersection intersection_circs", false) \
  E(Nest, MatcherMatchedMultipleAndMustBeUnique, "matcher matches int_matches", false) \
  E(Nest, MatcherMatchedNoneAndMustExist, "matcher", false) \
  E(Nest, TraversalMatchedNothing, "traversal circuit", false) \
  E(Nest, IntNotContainedInRangeCount, "ints count extra_ints", false) \
  E(Nest, PermHasWrongLen, "perm expected_len", false) \
  E(Nest, OrigNumPermWhenNotPresentInOrig, "", false) \
  E(Nest, PermutationMissesIdxsAndNoRestInSpec, "missed_idxs", false) \
  E(PushDownIndex, NoopOnConcat, "index_node index_non_axis index", false) \
  E(PushDownIndex, NoopOnGeneralFunction, "index_node is_batchable num_non_batch_out inner_rank", false) \
  E(PushDownIndex, GeneralFunctionSomeAxesNotPossible, "index_node is_batchable num_non_batch_out inner_rank top_axis_indices", false) \
  E(PushDownIndex, ModuleSomeAxesNotPossible, "index_node num_non_batch_out inner_rank top_axis_indices", false) \
  E(PushDownIndex, EinsumNoop, "index_node", false) \
  E(PushDownIndex, EinsumSomeAxesNotPossible, "index_node out_index out_axes int_indices", false) \
  E(PushDownIndex, RearrangeNotPossible, "index_node spec", false) \
  E(PushDownIndex, ScatterNoop, "index_node", false) \
  E(PushDownIndex, ScatterSomeAxesNotPossible, "index_node out_index", false) \
  E(PushDownIndex, ThroughIndex, "index_node circ_type", false) \
  E(PushDownIndex, UnimplementedType, "index_node circ_type", false) \
  E(PushDownIndex, ConcatSplitSectionsTensorUnsupported, "tensor", false) \
  E(PushDownIndex, ZeroLengthIndexAmbiguous, "", false) \
  E(Distribute, CouldntBroadcast, "add do_broadcasts", false) \
  E(Distribute, OperandIsNotAdd, "einsum operand_idx", false) \
  E(Distribute, OperandIdxTooLarge, "einsum operand_idx", false) \
  E(Distribute, EmptyAddUnsupported, "einsum operand_idx", false) \
  E(Distribute, Noop, "einsum operand_idx", false) \
  E(SimpConfig, FnNamesNotValid, "names", false) \
  E(CumulantRewrite, NodeToExpandNotFound, "cumulant node", false) \
  E(CumulantRewrite, UnexpandableType, "node", false) \
  E(CumulantRewrite, UnimplementedType, "node", false) \
  E(GeneralFunctionShape, WrongNumShapes, "got expected", false) \
  E(GeneralFunctionShape, NDimTooSmall, "ndim num_non_batchable_output_dims removed_from_end", false) \
  E(GeneralFunctionShape, BatchDimsNotEqual, "batches output_batch", false) \
  E(GeneralFunctionShape, IndexShapeInvalid, "x_shape index_shape batch_x", false) \
  E(GeneralFunctionShape, ExplicitIndexShapeInvalid, "x_shape index_shape index_dim x_non_batch_dims", false) \
  E(ReferenceCirc, ByNameHasNoneName, "circuit", false) \
  E(ReferenceCirc, DuplicateIdentifier, "dup_idents", false) \
  E(SymbolicSizeOverflow, ProductTooLarge, "symbolic_size_product", false) \
  E(SymbolicSizeOverflow, SymbolicSizeNumberOutOfBounds, "i", false) \
  E(SymbolicSizeSet, TriedToSetNonZeroToZero, "size_prod", false) \
  E(SymbolicSizeSet, FactorDoesntDivideSetTo, "factor set_to size_prod", false) \
  E(SymbolicSizeSet, NoSymbolicAndSizesNotEqual, "l_factor r_factor l_size_prod r_size_prod", false) \
  E(SymbolicSizeSet, FailedToSatisfyContraints, "constraints", false) \
  E(IterativeMatcher, NumUpdatedMatchersNEQToNumChildren, "num_updated_matchers num_children updated_matchers from_matcher", false) \
  E(IterativeMatcher, OperationDoesntSupportArgPerChild, "matchers", false) \
  E(IterativeMatcher, ChildNumbersOutOfBounds, "child_numbers num_children", false) \
  E(IterativeMatcher, ExpectedModule, "circuit_type", false) \
  E(ModuleBind, ExpectedSymbol, "matched_circuit matcher spec_circuit", false) \
  E(NamedAxes, ForbiddenCharacter, "name", false) \
  E(PushDownModule, PushPastPreviouslyBoundSymbol, "symbol", false) \
  E(PushDownModule, PushingPastModuleWhichOverridesSym, "symbol skipped_module", false) \
  E(ExtractSymbols, GetFoundNonSymbol, "circ get", false) \
  E(ExtractSymbols, BatchedInput, "node_ndim symbol_ndim symbol node", false) \
  E(ExtractSymbols, ArgSpecInconsistent, "old_arg_spec new_arg_spec", false) \
  E(ExtractSymbols, BoundInputInconsistent, "symbol old_bound new_bound", false) \
  E(ExtractSymbols, HasBindingsFromOuterModule, "bound_input symbol free_outer_symbols", false) \
  E(Construct, NotSupportedYet, "string", false) \
  E(Construct, AxisOutOfBounds, "axis node_rank", false) \
  E(Construct, NamedAxisAboveRank, "", false) \
  E(Construct, NoEquivalentExplicitlyComputable, "", false) \
  E(Construct, UnflattenButNDimNot1, "ndim", false) \
  E(Construct, ArrayHasReservedSymbolicShape, "number sym", false) \
  E(Construct, ConvStridePaddingNotFull, "stride padding", false) \
  E(Construct, ConvInputWrongShape, "", false) \
  E(Construct, ConvFilterWrongShape, "", false) \
  E(Construct, ConvFilterMustBeOddLength, "shape", false) \
  E(Construct, ConvStrideMustDivide, "shape stride", false) \
  E(Construct, ConvGroupsMustDivide, "groups in_channels out_channels", false) \
  E(Construct, ConvInputFilterDifferentNumInputChannels, "input filter", false) \
  E(Construct, DiscreteVarNoSamplesDim, "", false) \
  E(Construct, DiscreteVarWrongSamplesDim, "node probs", false) \
  E(Construct, DiscreteVarProbsMustBe1d, "shape", false) \
  E(Construct, StoredCumulantVarNeedsMeanVariance, "", false) \
  E(Construct, StoredCumulantVarInvalidCumulantNumber, "number", false) \
  E(Construct, StoredCumulantVarCumulantWrongShape, "base_shape cumulant_shape cumulant_number", false) \
  E(Construct, EinsumWrongNumChildren, "actual_num_children expected_num_children_based_on_axes einsum_name", false) \
  E(Construct, EinsumLenShapeDifferentFromAxes, "len_axes child_len_shape einsum_name child_circuit", false) \
  E(Construct, EinsumAxisSizeDifferent, "new_size existing_size axis einsum_name child_circuit", false) \
  E(Construct, EinsumOutputNotSubset, "circuit_name all_input_axes output_axes", false) \
  E(Construct, RearrangeWrongInputShape, "spec shape", false) \
  E(Construct, ConcatZeroNodes, "", false) \
  E(Construct, ConcatShapeDifferent, "shapes", false) \
  E(Construct, ScatterShapeWrong, "index shape index_shape", false) \
  E(Construct, ScatterIndexTypeUnimplemented, "index", false) \
  E(Construct, GeneralFunctionWrongInputShape, "gf_spec input_shapes", false) \
  E(Construct, GeneralFunctionPyNotInstance, "ob", true) \
  E(Construct, UnknownGeneralFunction, "spec_name", false) \
  E(Construct, ModuleWrongNumberChildren, "expected got arg_specs nodes", false) \
  E(Construct, ModuleUnknownArgument, "argument all_module_inputs", false) \
  E(Construct, ModuleMissingNames, "missing_arguments", false) \
  E(Construct, ModuleExtractNotPresent, "subcirc", false) \
  E(Construct, ModuleSomeArgsNamedNone, "symbols_named_none", false) \
  E(Construct, ModuleArgsDupNames, "dup_names", false) \
  E(Construct, ModuleSomeArgsNotPresent, "spec_circuit missing_symbols", false) \
  E(Construct, ModuleExpectedSymbol, "actual_circuit", false) \
  E(Construct, ModuleExpectedSymbolOnMap, "orig_module got_instead_of_symbol", false) \
  E(Construct, ModulePassedNamePrefixAndUseSelfNameAsPrefix, "name_prefix module", false)
