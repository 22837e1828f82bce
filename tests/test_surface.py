"""The public surface: every name that the API has is there and is of its kind (spec 01, section 1).

`data/surface.json` lists the names of the existing library: classes with members, functions, exceptions with bases, other names,
submodules.
`FREE_NAMES` are the free names of parts 01 to 09, among them those that pycircuit adds.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

import pycircuit as rc

SURFACE = json.loads((Path(__file__).parent / "data" / "surface.json").read_text())

FREE_NAMES = {
    "01": """Circuit Einsum Array Symbol Scalar Add Rearrange Index GeneralFunction Concat Scatter Conv Module SetSymbolicShape Tag
        DiscreteVar StoredCumulantVar Cumulant TorchDeviceDtype TorchDeviceDtypeOp evaluate check_evaluable circuit_is_leaf
        circuit_is_irreducible_node circuit_is_leaf_constant circuit_is_var print_circuit_type_check oom_fmt CharTokenizer NotSet
        NOT_SET ExceptionWithRustContext Shape Axis IrreducibleNode Leaf LeafConstant Var Path Paths MatcherIn IterativeMatcherIn
        TransformIn SampleSpec SampleSpecIn TorchAxisIndex IntOrMatcher NestEinsumsSpecMultiple NestEinsumsSpecSub NestEinsumsSpec
        NestAddsSpecMultiple NestAddsSpecSub NestAddsSpec GeneralFunctionSpec Binder UpdatedIterativeMatcher
        UpdatedIterativeMatcherIn PrintOptionsBase CliColor CircuitColorer CircuitCommenter CircuitHtmlColorer NestedModuleNamer
        ModuleConstructCallback MaybeUpdate ConvPaddingShorthand""",
    "02": """symbolic_sizes SymbolicSizeProduct SymbolicSizeConstraint get_children_with_symbolic_sizes any_children_with_symbolic_sizes
        hash_tensor compute_self_hash save_tensor get_tensor_prefix sync_all_unsynced_tensors sync_specific_tensors
        migrate_tensors_from_old_dir save_tensor_rrfs tensor_from_hash TensorCacheRrfs clear_module_circuit_caches""",
    "03": "RearrangeSpec broadcast_shapes flat_concat flat_concat_back",
    "04": """GeneralFunctionSimpleSpec GeneralFunctionIndexSpec GeneralFunctionExplicitIndexSpec GeneralFunctionSetDDSpec
        GeneralFunctionPowSpec GeneralFunctionMultinomialSpec GeneralFunctionSpecBase GeneralFunctionShapeInfo
        GeneralFunctionSpecTester get_shape_info_simple get_shape_info_broadcast sin cos sigmoid tanh rsqrt gelu gelu_new relu step
        reciprocal log_exp_p_1 gaussian_pdf gaussian_cdf softmax log_softmax min max last_dim_size abs exp log logit pow multinomial
        upcast_tensor_devices upcast_tensor_device_dtypes""",
    "05": "Parser",
    "06": "PrintOptions PrintHtmlOptions set_debug_print_options get_debug_print_options diff_circuits html_page",
    "07": """Regex Matcher IterativeMatcher IterateMatchResults Finished FINISHED restrict restrict_sl new_traversal Transform Updater
        BoundUpdater Getter BoundGetter AnyFound BoundAnyFound print_matcher_debug repr_matcher_debug append_matchers_to_names
        apply_in_traversal replace_outside_traversal_symbols default_var_matcher""",
    "08": """ModuleSpec ModuleArgSpec get_free_symbols Expander expand_node replace_expand_bottom_up replace_expand_bottom_up_dict
        substitute_all_modules conform_all_modules inline_single_callsite_modules BindItem module_new_bind ModulePusher
        default_nested_module_namer default_update_bindings_nested_namer update_bindings_nested extract_symbols extract_symbols_get
        extract_rewrite extract_rewrite_raw pull_out_of_modules pull_out_of_modules_get fuse_concat_modules""",
    "09": """RandomSampleSpec RunDiscreteVarAllSpec Sampler default_hash_seeder factored_cumulant_expectation_rewrite
        rewrite_cum_to_circuit_of_cum kappa_term""",
}

# Names of parts 10 to 15 that may be missing, by the part that owns them. A submodule stands for all its names.
LATER = {
    "11": """add_flatten einsum_flatten nest_adds nest_einsums NestAddsSpecInfo NestAddsSpecInfo.__init__ NestEinsumsSpecInfo
        NestEinsumsSpecInfo.__init__ NestMatcher NestMatcher.__init__ NestMatcher.matcher NestMatcher.flat NestMatcher.assert_exists
        NestMatcher.assert_unique NestMatcher.fancy_validate NestRest NestRest.__init__ NestRest.flat""",
    "13": """causal_scrubbing.dataset causal_scrubbing.experiment causal_scrubbing.hypothesis causal_scrubbing.testing_utils""",
    "14": "split_by_pos SplitPosConfig module_utils",
    "15": """algebric_rewrite interop_rust jax_to_module optional rrfs scope_manager ui.circuits_very_named_tensor ui.cui ui.ui
        ui.very_named_tensor""",
}
# Internal helpers of the existing library that no part documents.
UNDOCUMENTED = {"RearrangeSpec.fill_empty_ints_allow_invalid", "RearrangeSpec.fill_empty_ints_impl"}
MAY_MISS = {name for names in LATER.values() for name in names.split()} | UNDOCUMENTED


def wanted() -> list[tuple[str, str | None, str]]:
    """(submodule or nothing, class or nothing, name) of everything in surface.json."""
    names = [("", None, name) for group in ("functions", "exceptions", "other_names", "classes") for name in SURFACE[group]]
    for class_name, members in SURFACE["classes"].items():
        names += [("", class_name, name) for name in [*members["methods"], *members["properties"], *members.get("unlisted", [])]]
    for submodule, members in SURFACE["submodules"].items():
        names += [(submodule, None, name) for name in [*members["functions"], *members["classes"], *members["constants"]]]
    return names


def owner_of(submodule: str, class_name: str | None) -> Any:
    try:
        module = importlib.import_module(f"pycircuit.{submodule}") if submodule else rc
    except ImportError:
        return None
    return getattr(module, class_name, None) if class_name else module


def test_nothing_is_missing() -> None:
    missing = []
    for submodule, class_name, name in wanted():
        label = f"{class_name}.{name}" if class_name else name
        if not hasattr(owner_of(submodule, class_name), name) and not {submodule, label} & MAY_MISS:
            missing.append(f"{submodule} {label}".strip())
    assert not missing


def test_what_may_miss_is_missing() -> None:
    """A name that is there by now leaves the list of those that may miss; so does a submodule that has all its names."""
    missing = set()
    for submodule, class_name, name in wanted():
        owner = owner_of(submodule, class_name)
        if owner is None or not hasattr(owner, name):
            missing |= {submodule, f"{class_name}.{name}" if class_name else name}
    assert MAY_MISS - UNDOCUMENTED <= missing


@pytest.mark.parametrize("part", FREE_NAMES)
def test_free_names_of_a_part(part: str) -> None:
    names = FREE_NAMES[part].split()
    assert [name for name in names if not hasattr(rc, name)] == []
    assert set(names) <= set(rc.__all__)


def test_star_import_brings_everything_in() -> None:
    namespace: dict[str, Any] = {}
    exec("from pycircuit import *", namespace)
    public = {name for name in vars(rc) if not name.startswith("_") and not inspect.ismodule(getattr(rc, name))}
    assert public - {"annotations"} <= set(namespace)


def test_kinds() -> None:
    """Functions, methods and static methods can be called; properties are not methods; classes are classes."""
    for name in SURFACE["functions"]:
        assert name in MAY_MISS or callable(getattr(rc, name)), name
    for class_name, members in SURFACE["classes"].items():
        if class_name in MAY_MISS:
            continue
        cls = getattr(rc, class_name)
        assert isinstance(cls, type), class_name
        # A name that is listed both ways is a property that can be assigned.
        for name in set(members["methods"]) - set(members["properties"]):
            member = inspect.getattr_static(cls, name, None)
            if f"{class_name}.{name}" in MAY_MISS or isinstance(member, property):
                continue
            assert callable(getattr(cls, name)), f"{class_name}.{name}"
        for name in set(members["properties"]) - set(members["methods"]) - {"get_compatible_device_dtype"}:  # a method (01, section 3)
            assert f"{class_name}.{name}" in MAY_MISS or not inspect.isroutine(inspect.getattr_static(cls, name)), f"{class_name}.{name}"


@pytest.mark.parametrize("name", sorted(SURFACE["exceptions"]))
def test_exceptions(name: str) -> None:
    cls = getattr(rc, name)
    assert issubclass(cls, Exception) and cls.__name__ in (name, getattr(rc, name).__name__)
    bases = {base.__name__ for base in cls.__mro__}
    assert set(SURFACE["exceptions"][name]) <= bases


def test_every_public_object_says_what_it_is() -> None:
    """Classes and functions carry a docstring, methods of the core too."""
    silent = []
    for name in rc.__all__:
        value = getattr(rc, name)
        if not (inspect.isclass(value) or inspect.isroutine(value)) or name in ("Shape",) or getattr(value, "__origin__", None):
            continue
        if not inspect.getdoc(value):
            silent.append(name)
        if inspect.isclass(value) and value.__module__.startswith("pycircuit"):
            silent += [f"{name}.{member}" for member, o in vars(value).items() if not member.startswith("_") and not inspect.getdoc(o)]
    assert not silent
