"""Sums and matrix products with what is added to them, written over values that die: spec 12, sections 2 and 5."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import pycircuit as rc
from tests.evaluate.fusing import DTYPES, check_values, draw_shape, einsum, function, letters, tensor


def test_a_sum_of_two_is_written_over_a_first_summand_that_dies() -> None:
    x, b = tensor(0, 3, 3), tensor(1, 3)
    swapped = rc.Rearrange(function("softmax", x), rc.RearrangeSpec.new_permute([1, 0]))
    wide = rc.Rearrange(function("softmax", b), rc.RearrangeSpec.from_string("a -> 3 a"))
    for first in (function("softmax", x), swapped, wide, x, function("softmax", b)):
        for second in (b, x, first):
            check_values(rc.Add(first, second), scale=4.0)
    shared = function("softmax", x)
    check_values(rc.Concat(rc.Add(shared, b), shared, axis=0), scale=4.0)


@given(st.data())
def test_products_with_bias_residual_and_function(data: st.DataObject) -> None:
    draw = data.draw
    rows, inner, columns, dtype = draw_shape(draw, max_rank=2, min_size=0), draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(DTYPES)
    p = letters(len(rows))
    x, w = tensor(0, *rows, inner, dtype=dtype), tensor(1, columns, inner, dtype=dtype)
    node = einsum(f"{p}h,oh,->{p}o", x, w, rc.Scalar(0.5)) if draw(st.booleans()) else einsum(f"{p}h,oh->{p}o", x, w)
    shared = node if draw(st.booleans()) else None
    if draw(st.booleans()):
        node = rc.Add(*draw(st.permutations([node, tensor(2, columns, dtype=dtype)])))
    if draw(st.booleans()):
        node = function(draw(st.sampled_from(["gelu", "relu", "gelu_new"])), node)
    if draw(st.booleans()):
        node = rc.Add(node, tensor(3, *rows, columns, dtype=dtype))
    if shared is not None:
        node = rc.Concat(node, shared, axis=node.rank - 1)
    check_values(node, scale=10.0)
    check_values(rc.optimize_circuit(node), scale=10.0)
