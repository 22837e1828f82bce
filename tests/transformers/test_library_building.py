"""Symbolic sizes and helpers for building libraries (spec 14, sections 1 and 2)."""

import pytest

import pycircuit as rc
from pycircuit import module_library as ml

X = rc.Symbol.new_with_random_uuid((3,), "x")
Y = rc.Symbol.new_with_random_uuid((3,), "y")
Z = rc.Symbol.new_with_random_uuid((3,), "z")


def test_symbolic_sizes():
    names = ["HIDDEN", "SEQ", "SEQ_Q", "SEQ_K", "HEADS", "MLP_PROJ", "BILINEAR_MLP_PROJ", "QK_DIM", "V_DIM"]
    names += ["LOG_LIKELYHOOD_CLASSES", "VOCAB_SIZE", "HALF_ROTARY_DIM"]
    assert [getattr(ml, name) for name in names] == list(rc.symbolic_sizes()[:12])
    assert ml.OUT_HIDDEN == ml.HIDDEN


def test_to_name_dict_keeps_order_and_refuses_duplicates():
    assert list(ml.to_name_dict(Y, X).items()) == [("y", Y), ("x", X)]
    with pytest.raises(AssertionError, match="'x'"):
        ml.to_name_dict(X, Y.rename("x"))


def test_add_new_circs_refers_to_given_circuits_and_leaves_the_parser_alone():
    parser = rc.Parser(reference_circuits={"y": Y})
    circs = ml.add_new_circs("'s' Add\n  'x'\n  'y'\n'y'", {"x": X}, parser)
    assert list(circs) == ["x", "s", "y"]
    assert circs["s"] == rc.Add(X, Y, name="s")
    assert parser.reference_circuits == {"y": Y}
    assert ml.add_new_circs("", {"x": X}) == {"x": X}


def test_make_spec_puts_unlisted_symbols_first():
    body = rc.Add(X, Y, Z)
    assert [arg.symbol for arg in ml.make_spec(body).arg_specs] == [X, Y, Z]
    assert [arg.symbol for arg in ml.make_spec(body, order=[Z, X]).arg_specs] == [Y, Z, X]
    assert [arg.symbol for arg in ml.make_spec(body, exclude={"x", "z"}).arg_specs] == [Y]
    assert [arg.symbol for arg in ml.make_spec(body, exclude=lambda c: c.name == "y").arg_specs] == [X, Z]


def test_zero_input_goes_by_new_names():
    circs = ml.to_name_dict(rc.Add(rc.Add(X, Z, name="a"), Y, name="a.p_bias"), X, Y)
    assert ml.zero_input(circs, "y") == {"a": rc.Add(X, Z, name="a"), "x": X}


def test_zero_input_drops_unused_arguments():
    body = rc.Add(rc.GeneralFunction.new_by_name(X, spec_name="sin"), Y, name="body")
    inner = rc.Module.new_flat(rc.ModuleSpec.new_free_symbols(body), Z, Z, name="m")
    zeroed = ml.zero_input({"m": inner, "y": Y}, "y")
    assert list(zeroed) == ["m"]
    assert [arg.symbol for arg in zeroed["m"].spec.arg_specs] == [X]


def test_names_and_keys():
    assert ml.add_number("a.w.q", 3) == "a3.w.q"
    assert ml.add_number("a", 3) == "a3"
    assert ml.apply_prefix({"ln.w.bias": 1}, "final") == {"final.ln.w.bias": 1}
    assert ml.rename_circs_to_keys({"k": X}, "_arr") == {"k": X.rename("k_arr")}


def test_print_uuid_list_repr(capsys):
    ml.print_uuid_list_repr(2)
    assert capsys.readouterr().out.count("UUID(") == 2


def test_module_library_ret_orders_arguments_by_circs():
    body = rc.Add(X, Y, name="b")
    ret = ml.ModuleLibraryRet.mk({"y": Y, "x": X, "b": body}, "b")
    assert (ret.body, ret.name) == (body, "b")
    assert [arg.symbol.name for arg in ret.spec.arg_specs] == ["y", "x"]
