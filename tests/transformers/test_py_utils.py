"""Small Python helpers (spec 14, section 11)."""

import copy
import pickle

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pycircuit import py_utils as pu
from pycircuit.py_utils import FrozenDict, I, S


def test_indexers():
    assert I[1:] == (slice(1, None),)
    assert I[0, :] == (0, slice(None))
    assert S[1:] == slice(1, None)
    with pytest.raises(AssertionError):
        S[1]


def test_make_index_at():
    assert pu.make_index_at(I[2:], 1) == (slice(None), slice(2, None))
    assert pu.make_index_at_many({}) == ()
    assert pu.make_index_at_many({2: 1, 0: S[:3]}) == (slice(None, 3), slice(None), 1)
    assert pu.to_axis_index(3) == 3 and pu.to_axis_index(I[1:]) == slice(1, None)
    assert pu.get_slice_list(2) == [slice(None), slice(None)]
    with pytest.raises(AssertionError):
        pu.to_axis_index((1, 2))


@given(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3))
def test_make_index_at_indexes_the_axis(axis, start, length):
    tensor = torch.arange(4 * 4 * 4 * 4).reshape(4, 4, 4, 4)
    index = slice(start, min(start + length, 4))
    assert torch.equal(tensor[pu.make_index_at(index, axis)], tensor.movedim(axis, 0)[index].movedim(0, axis))


def test_checks():
    with pytest.raises(AssertionError, match="Invalid value: 'x'"):
        pu.assert_never("x")
    assert pu.check_cast(int, 3) == 3
    with pytest.raises(KeyError, match="int.*str"):
        pu.check_cast(int, "a", KeyError)
    with pytest.raises(TypeError):
        pu.check_cast(int, "a")


def test_timed(capsys):
    with pu.timed("work", extra_print="done") as timer:
        pass
    assert timer.readout == f"work took {timer.time:.4f}"
    assert capsys.readouterr().out == f"{timer.readout} done\n"
    with pu.timed("quick", min_to_print=100):
        pass
    assert capsys.readouterr().out == ""


@given(st.dictionaries(st.text(max_size=3), st.integers(), max_size=5), st.randoms())
def test_frozen_dict_hash_ignores_order(items, rng):
    shuffled = list(items.items())
    rng.shuffle(shuffled)
    assert hash(FrozenDict(items)) == hash(FrozenDict(shuffled))
    assert FrozenDict(items) == FrozenDict(shuffled)
    assert FrozenDict(items) != items and items != FrozenDict(items)


def test_frozen_dict():
    d = FrozenDict[str, int]({"a": 1})
    assert repr(d) == "FrozenDict({'a': 1})"
    hash(d)
    d.clear_cache()
    assert pickle.loads(pickle.dumps(d)) == d and copy.deepcopy(d) == d and copy.copy(d) is d
    for change in (
        lambda: d.__setitem__("b", 2),
        lambda: d.update(b=2),
        lambda: d.pop("a"),
        lambda: d.clear(),
        lambda: d.setdefault("b", 2),
        lambda: d.__delitem__("a"),
        lambda: d.popitem(),
        lambda: d.__ior__({"b": 2}),
    ):
        with pytest.raises(TypeError):
            change()
    assert d == FrozenDict(a=1)
