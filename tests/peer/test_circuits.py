"""Random circuits have the shapes, flags, names, hashes and values of rust_circuit, but for the spec's differences (01 to 03)."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.peer import PeerDied, PeerError, needs_peer, peer, plain
from tests.peer.program import ordered
from tests.strategies import COMPUTABLE, RANDOM, SYMBOLIC, circuits, rearrange_specs, shapes

pytestmark = needs_peer

# Classes whose identity recipe pycircuit chose itself (02, section 3).
OWN_RECIPE = (rc.Rearrange, rc.Index, rc.Scatter, rc.GeneralFunction)


def differs_on_purpose(node):
    """Where the spec asks for something else than rust_circuit does."""
    if node.is_conv():  # asymmetric padding of the wrong axis
        return node.dims() > 1 and any(before != after for before, after in node.padding)
    if node.is_set_symbolic_shape():
        return not node.node.is_constant  # flags
    if node.is_module():  # axis names and flags come from the substituted circuit
        return any(map(differs_on_purpose, ordered(rc.substitute_all_modules(node))))
    return False


def described(node):
    return {
        "class": type(node).__name__,
        "shape": node.shape,
        "name": node.op_name,
        "num_children": node.num_children,
        "is_constant": node.is_constant,
        "is_explicitly_computable": node.is_explicitly_computable,
        "can_be_sampled": node.can_be_sampled,
        "no_unbound_symbols": node.no_unbound_symbols,
        "device": node.device,
        "dtype": node.dtype,
    }


def compare(circuit):
    circuit = plain(circuit)
    nodes = ordered(circuit)
    assume(not any(map(differs_on_purpose, nodes)))
    try:
        theirs = peer().describe_all(circuit)
    except (PeerDied, PeerError):
        return None
    assert len(theirs) == len(nodes)
    for node, other in zip(nodes, theirs, strict=True):
        own = described(node)
        assert {key: other[key] for key in own} == own
        if not any(isinstance(below, OWN_RECIPE) for below in ordered(node)):
            assert other["hash"] == node.hash_base16
    return circuit


@settings(max_examples=50)
@given(circuits(COMPUTABLE))
def test_computable_circuits(circuit):
    built = compare(circuit)
    if built is None:
        return
    try:
        value = peer().run("result = circuit.evaluate()", circuit=built)
    except (PeerDied, PeerError):
        return
    own = built.evaluate()
    assert own.dtype == value.dtype and own.shape == value.shape
    assert torch.allclose(own, value, rtol=1e-9, atol=1e-9, equal_nan=True)


@settings(max_examples=40)
@given(st.one_of(circuits(SYMBOLIC), circuits(RANDOM)))
def test_symbolic_and_random_circuits(circuit):
    compare(circuit)


@settings(max_examples=30)
@given(shapes(max_rank=4).flatmap(lambda shape: st.tuples(st.just(shape), rearrange_specs(shape))))
def test_rearrange_specs(pair):
    shape, spec = pair
    code = """
spec = rc.RearrangeSpec(*fields)
canonical = spec.canonicalize()
other = spec.canonicalize(False)
result = {"text": spec.to_string(), "einops": spec.to_einops_string(), "shapes": spec.conform_to_input_shape(shape).shapes(),
          "canonical": canonical.to_string(), "other": other.to_string(), "identity": spec.is_identity(), "permute": spec.is_permute(),
          "next": spec.next_axis(), "needing": spec.ints_needing_sizes(), "batched": spec.add_batch_dims(1).to_string()}
"""
    theirs = peer().run(code, fields=(spec.input_ints, spec.output_ints, spec.int_sizes), shape=shape)
    own = {
        "text": spec.to_string(),
        "einops": spec.to_einops_string(),
        "shapes": spec.conform_to_input_shape(shape).shapes(),
        "canonical": spec.canonicalize().to_string(),
        "other": spec.canonicalize(False).to_string(),
        "identity": spec.is_identity(),
        "permute": spec.is_permute(),
        "next": spec.next_axis(),
        "needing": spec.ints_needing_sizes(),
        "batched": spec.add_batch_dims(1).to_string(),
    }
    assert theirs == own


@pytest.mark.parametrize(
    "code",
    [
        "rc.Concat(axis=0)",
        "rc.Add(rc.Scalar(1.0, (2,)), rc.Scalar(1.0, (3,)))",
        "rc.Einsum((rc.Scalar(1.0, (2,)), (0, 1)), out_axes=())",
        "rc.Einsum((rc.Scalar(1.0, (2,)), (0,)), out_axes=(1,), name='n')",
        "rc.Index(rc.Scalar(1.0, (2,)), (0, 0))",
        "rc.Index(rc.Scalar(1.0, (2,)), (5,))",
        "rc.Scalar(1.0, (2,)).sum(3)",
        "rc.Rearrange.from_string(rc.Scalar(1.0, (2,)), 'a b -> b a')",
        "rc.RearrangeSpec.from_string('a')",
        "rc.RearrangeSpec.from_string('a a -> a')",
        "rc.RearrangeSpec.from_string('(a b) -> a b')",
        "rc.RearrangeSpec.expand_at_axes(1, [0, 0])",
        "rc.RearrangeSpec.new_permute([0, 0])",
        "rc.DiscreteVar(rc.Scalar(1.0))",
        "rc.DiscreteVar(rc.Scalar(1.0, (2,)), rc.Scalar(1.0, (3,)))",
        "rc.StoredCumulantVar({1: rc.Scalar(1.0)})",
        "rc.SetSymbolicShape(rc.Scalar(1.0, (20014,)), (5,))",
        "rc.Symbol.new_with_none_uuid(()).evaluate()",
        "rc.Einsum.from_einsum_string('a1->a', rc.Scalar(1.0, (2,)))",
        "rc.Scalar(1.0, (2, 3)).unflatten((6,))",
        "rc.Array(__import__('torch').zeros(10007))",
        "rc.Scatter(rc.Scalar(1.0, (2,)), (slice(0, 1),), (3,))",
    ],
)
def test_errors_have_the_same_class_and_fields(code):
    with pytest.raises(Exception) as own:
        eval(code, {"rc": rc})
    caught = f"""
try:
    {code}
except Exception as error:
    result = (type(error).__name__, sorted(error.args[0].items()))
"""
    assert peer().run(caught) == (type(own.value).__name__, sorted(own.value.args[0].items()))


def test_worker_survives_crashes():
    with pytest.raises(PeerDied):
        peer().run("import os; os._exit(3)")
    with pytest.raises(PeerError, match="ZeroDivisionError"):
        peer().run("1 / 0")
    assert peer().run("result = x + 1", x=2) == 3
    assert peer().describe(rc.Scalar(2.0, (3,), "a"))["hash"] == rc.Scalar(2.0, (3,), "a").hash_base16
    assert peer().run("result = [c.op_name for c in cs]", cs=[rc.Scalar(1.0, (), "a"), rc.Scalar(1.0)]) == ["a", None]
