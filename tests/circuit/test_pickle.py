"""Pickling and copying (spec 02, section 1.3)."""

import copy
import math
import os
import pickle
import struct
import subprocess
import sys
import uuid

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import ALL, circuits, nodes_of_class


class ScaledSpec(rc.GeneralFunctionSpecBase):
    """A user function whose identity is its parameter."""

    name = "scaled"

    def __init__(self, factor):
        self.factor = factor

    def compute_hash_bytes(self):
        return b"ScaledSpec" + struct.pack("<d", self.factor)

    def function(self, x):
        return x * self.factor

    def get_shape_info(self, shape):
        return rc.get_shape_info_simple([shape])


def roundtrip(value, protocol=pickle.HIGHEST_PROTOCOL):
    return pickle.loads(pickle.dumps(value, protocol))


@given(circuits())
def test_circuits(c):
    again = roundtrip(c)
    assert again == c and type(again) is type(c) and again.hash == c.hash
    assert copy.copy(c) is not None and copy.copy(c) == c and copy.deepcopy(c) == c and copy.deepcopy([c]) == [c]


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
@settings(max_examples=10)
@given(st.data())
def test_every_class_and_protocol(cls, data):
    c = data.draw(nodes_of_class(cls))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert roundtrip(c, protocol) == c


def test_names_flags_and_axes():
    x = rc.Scalar(1.0, (2, 3), "x")
    kept = [
        rc.Add(x, x).rename(None),
        rc.Add(x, x, name=""),
        rc.Add(x.with_autoname_disabled(), x),
        rc.Add(x, x).with_autoname_disabled(),
        rc.Add(x, x).rename(None).with_autoname_disabled(),
        rc.Add(x.rename_axes({0: "p"}), x),
        rc.Add(x.rename_axes({0: "p"}), x).rename_axes({1: "q"}),
        rc.Add(rc.Add(x).rename_axes({0: "p"})).rename_axes({0: "r"}),
    ]
    for c in kept:
        assert roundtrip(c) == c
    assert roundtrip(kept) == kept


def test_unused_and_repeated_module_symbols():
    used, unused = rc.Symbol((2,), uuid.UUID(int=1), "used"), rc.Symbol((2,), uuid.UUID(int=2), "unused")
    specs = [rc.ModuleArgSpec(unused, False, True, False), rc.ModuleArgSpec(used)]
    spec = rc.ModuleSpec(rc.Tag(used, uuid.UUID(int=3)), specs, check_all_inputs_used=False)
    module = rc.Module.new_flat(spec, rc.Scalar(1.0, (2,)), rc.Scalar(2.0, (2,)), name="m")
    assert roundtrip(module) == module
    for value in (spec, specs, specs[0]):
        assert roundtrip(value) == value


def test_tensors_by_value():
    big = torch.randn(1000, 1000)
    assert len(pickle.dumps(rc.Array(big[0, :3]))) < 10_000
    assert len(pickle.dumps(rc.Array(torch.ones(()).expand(1000, 1000)))) < 10_000
    shared = torch.randn(10_000)
    two = rc.Add(rc.Array(shared, "a"), rc.Array(shared, "b"), rc.Array(shared.clone(), "c"))
    assert len(pickle.dumps(two)) < 60_000 and roundtrip(two) == two
    for value in (
        big.t()[:5],
        torch.zeros(0, 3),
        torch.tensor([True, False]),
        torch.ones(2, dtype=torch.bfloat16),
        torch.full((2,), math.nan),
    ):
        array = rc.Array(value)
        assert roundtrip(array) == array and roundtrip(array).value.dtype == value.dtype
    learned = rc.Array(torch.ones(2, requires_grad=True))
    assert roundtrip(learned).value.requires_grad and roundtrip(learned).value.is_leaf


def test_scalar_bits():
    payload = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_1234))[0]
    for value in (0.0, -0.0, math.inf, -math.inf, math.nan, payload, 5e-324):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert roundtrip(rc.Scalar(value), protocol) == rc.Scalar(value)


def test_function_specs():
    x = rc.Scalar(1.0, (2, 3), "x")
    user = rc.GeneralFunction(x, spec=ScaledSpec(2.0))
    assert roundtrip(user) == user and roundtrip(user).evaluate()[0, 0] == 2.0
    assert roundtrip(user) != rc.GeneralFunction(x, spec=ScaledSpec(3.0))
    index = rc.Array(torch.tensor([1, 0]))
    built_in = [
        rc.softmax(x),
        rc.pow(x, x),
        rc.GeneralFunction.gen_index(x, index, 0),
        rc.GeneralFunction.new_cast(x, rc.TorchDeviceDtypeOp(), rc.TorchDeviceDtypeOp(dtype="float32")),
        rc.multinomial(x, rc.Array(torch.tensor(3)), (4,)),
    ]
    for c in built_in:
        assert roundtrip(c) == c and roundtrip(c.spec) == c.spec


def test_unpicklable_user_spec():
    class Local(ScaledSpec):
        pass

    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(rc.GeneralFunction(rc.Scalar(1.0), spec=Local(2.0)))


def test_sharing_and_depth():
    c = rc.Scalar(1.0, (), "x")
    for _ in range(200):
        c = rc.Add(c, c, name="d")
    assert len(pickle.dumps(c)) < 50_000 and roundtrip(c) == c


def test_in_another_process(tmp_path):
    c = rc.sigmoid(rc.Array(torch.arange(3.0), "x")).add(rc.Scalar(1.0, (), "y")).index((torch.tensor([2, 0]),))
    (tmp_path / "c.pkl").write_bytes(pickle.dumps(c))
    code = f"import pickle; c = pickle.load(open({str(tmp_path / 'c.pkl')!r}, 'rb')); print(c.hash_base16, c.evaluate().tolist())"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}
    )
    assert run.stdout.split(maxsplit=1) == [c.hash_base16, f"{c.evaluate().tolist()}\n"]


def test_values():
    x = rc.Symbol((20014, 3), uuid.UUID(int=1))
    constrained = rc.SetSymbolicShape(x, (20014, rc.symbolic_sizes()[1]))
    values = [
        rc.TorchDeviceDtype("cpu", "float32"),
        rc.TorchDeviceDtypeOp(device="cpu"),
        rc.TorchDeviceDtypeOp(),
        rc.RearrangeSpec.from_string("a (b:2 c) -> (c a) 3 b:2"),
        *x.symbolic_shape(),
        *constrained.symbolic_size_constraints,
        rc.Einsum.from_einsum_string("ab,bc->ac", rc.Scalar(1.0, (2, 3)), rc.Scalar(1.0, (3, 4))).get_spec(),
    ]
    for value in values:
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            again = roundtrip(value, protocol)
            assert again == value and type(again) is type(value) and hash(again) == hash(value)


def test_other_objects_say_that_they_do_not_pickle():
    for value in (rc.Updater(lambda c: c), rc.Getter(), rc.Expander()):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError):
                pickle.dumps(value, protocol)


def test_optimization_settings():
    settings_ = rc.OptimizationSettings()
    assert repr(roundtrip(settings_)) == repr(settings_)


def test_exceptions():
    x = rc.Symbol((20014, 3), uuid.UUID(int=1), "x")
    failing = [
        lambda: rc.Concat(axis=0),
        lambda: rc.Add(x, rc.Scalar(1.0, (2,))),
        lambda: rc.SetSymbolicShape(x, (5, 3)),
        lambda: x.evaluate(),
        lambda: rc.RearrangeSpec.from_string("a->b"),
        lambda: rc.Einsum((x, (0,)), out_axes=()),
        lambda: rc.Index(x, (0, 7)),
    ]
    for fail in failing:
        with pytest.raises(Exception) as caught:
            fail()
        again = roundtrip(caught.value)
        assert type(again) is type(caught.value) and str(again) == str(caught.value)
        assert again.args[0].items() == caught.value.args[0].items()


def test_exceptions_whose_payload_does_not_pickle():
    with pytest.raises(rc.ConstructGeneralFunctionPyNotInstanceError) as caught:
        rc.GeneralFunction(rc.Scalar(1.0), spec=lambda: None)
    again = roundtrip(caught.value)
    assert str(again) == str(caught.value) and again.args[0].ob == repr(caught.value.args[0].ob)
