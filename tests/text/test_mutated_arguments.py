"""Constructors with damaged arguments: a circuit that works, or an error of the spec (spec 01, sections 1 and 12)."""

from __future__ import annotations

import faulthandler
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.mutations import mutated_arguments
from tests.strategies import ALL, nodes_of_class

FAMILIES = (
    *(rc.ConstructError, rc.ExpandError, rc.SubstitutionError, rc.MiscInputError, rc.RearrangeSpecError, rc.IndexError),
    *(rc.NamedAxesError, rc.SymbolicSizeOverflowError, rc.SymbolicSizeSetError, rc.GeneralFunctionShapeError),
)
# Arguments of the wrong Python type, numbers that do not fit, and what has no class of its own.
BUILTINS = (TypeError, OverflowError, RuntimeError)
READER = rc.Parser(module_check_all_inputs_used=False, module_check_unique_arg_names=False)
SECONDS = 120  # for a test of some seconds


@pytest.fixture(autouse=True)
def does_not_hang():
    """Ends the process, with a traceback, where one of the calls does not return."""
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def check(make: Callable[..., rc.Circuit], *arguments, **keywords) -> rc.Circuit | None:
    """The circuit that the call makes, whose shape, texts and round trip are looked at; None where the call is refused."""
    try:
        circuit = make(*arguments, **keywords)
    except Exception as error:  # noqa: BLE001 - its class is what is tested
        assert isinstance(error, FAMILIES) or type(error) in BUILTINS, f"{type(error).__name__}: {error}"
        assert str(error)
        return None
    assert len(circuit.shape) == circuit.rank
    assert circuit.numel == rc.Scalar(0.0, circuit.shape).numel
    assert len(circuit.hash) == 32
    assert repr(circuit).startswith("<")
    text = circuit.repr()
    if any(isinstance(node, rc.Conv) for node in [circuit, *circuit.get(rc.Conv)]):
        with pytest.raises(rc.ParseCircuitInvalidVariantError):
            READER(text)
    else:
        assert READER(text) == circuit
    return circuit


@pytest.mark.parametrize("cls", ALL, ids=[cls.__name__ for cls in ALL])
def test_mutated_arguments(cls):
    @given(st.data())
    @settings(max_examples=80)
    def run(data):
        circuit = data.draw(nodes_of_class(cls, ALL))
        spare = [circuit, *circuit.children, rc.Add(), rc.Array(torch.tensor([0, 1])), rc.Scalar(1.0, (2**62, 2**62))]
        make, positional, keywords = data.draw(mutated_arguments(circuit, spare))
        check(make, *positional, **keywords)

    run()
