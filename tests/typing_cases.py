"""What type checkers and editors know of the public names; `make lint` checks this file, nothing runs it."""

from __future__ import annotations

from typing import assert_type

import torch

import pycircuit as rc


def nodes(x: rc.Circuit, tensor: torch.Tensor) -> None:
    assert_type(rc.Array(tensor, "w").value, torch.Tensor)
    assert_type(rc.Add(x, x, name="sum").children, list[rc.Circuit])
    assert_type(x.add(x), rc.Add)
    assert_type(x.sum(-1).out_axes, tuple[int, ...])
    assert_type(x.index((0, slice(1, 3), tensor)), rc.Index)
    assert_type(x.rename("y"), rc.Circuit)
    assert_type(rc.Scalar(1.0).rename(None), rc.Scalar)
    assert_type(x.cast_module().spec.arg_specs, list[rc.ModuleArgSpec])
    assert_type(x.maybe_einsum(), rc.Einsum | None)
    assert_type(rc.softmax(x), rc.GeneralFunction)
    assert_type(rc.Einsum.from_einsum_string("ij,j->i", x, x), rc.Einsum)
    assert_type(x.evaluate(), torch.Tensor)


def groups(x: rc.Circuit) -> None:
    if rc.circuit_is_leaf(x):
        assert_type(x, rc.Array | rc.Symbol | rc.Scalar)
    if isinstance(x, rc.Module):
        assert_type(x.substitute(), rc.Circuit)


def matchers(x: rc.Circuit) -> None:
    matcher = rc.Matcher("a", {"b", "c"}, rc.Add, lambda c: c.rank == 2)
    assert_type(matcher & "d", rc.Matcher)
    assert_type(matcher | rc.restrict("e", end_depth=3), rc.IterativeMatcher)
    assert_type(matcher.chain(rc.Regex("q$"), {rc.Add, rc.Einsum}), rc.IterativeMatcher)
    assert_type(x.get(matcher), set[rc.Circuit])
    assert_type(x.get_unique_op("a"), rc.Circuit | None)
    assert_type(x.update("a", lambda c: c.mul_scalar(2.0)), rc.Circuit)


def sampling(x: rc.Circuit) -> None:
    spec = rc.RandomSampleSpec((10,), seeder=rc.default_hash_seeder(0))
    assert_type(rc.Sampler(spec).estimate_and_sample(x), rc.Circuit)
    assert_type(rc.RunDiscreteVarAllSpec.create_full_from_circuits(x).groups, list[rc.Circuit])


def printing(x: rc.Circuit) -> None:
    options = rc.PrintOptions(bijection=False, colorer=lambda c: "Red", commenters=[lambda c: c.name])
    assert_type(options.evolve(arrows=True, traversal=None), rc.PrintOptions)
    assert_type(rc.html_page([x, x], title="both"), str)


def errors(x: rc.Circuit) -> None:
    try:
        rc.Concat(x, axis=0)
    except rc.ConstructConcatShapeDifferentError as error:
        assert_type(error.args[0].shapes, list[tuple[int, ...]])
    except rc.MiscInputItemOutOfBoundsError as error:
        assert_type(error.args[0].item, int)
    except rc.ConstructError:
        pass
