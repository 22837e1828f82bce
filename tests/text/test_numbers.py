"""Numbers in text (spec 05, section 7)."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc


def text_of(value: float) -> str:
    return rc.PrintOptions().repr_extra_info(rc.Scalar(value))


def read(text: str) -> float:
    return rc.Parser()(f"0 [] Scalar {text}").value


@given(
    st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
    | st.floats(-1e6, 1e6)
    | st.integers(-(2**60), 2**60)
)
@settings(max_examples=1000, deadline=None)
def test_reads_back_and_is_shortest(value):
    value = float(value)
    text = text_of(value)
    if math.isnan(value):
        assert text == "NaN"
        assert math.isnan(read(text))
        return
    assert float(text) == value == read(text)
    assert math.copysign(1, read(text)) == math.copysign(1, value)
    assert "e" not in text
    if math.isfinite(value):
        digits = text.lstrip("-").replace(".", "").strip("0")
        shortest = repr(abs(value)).split("e")[0].replace(".", "").strip("0")
        assert len(digits) <= len(shortest)
        assert not text.endswith(".0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1e-5, "0.00001"),
        (-0.0, "-0"),
        (1e21, "1000000000000000000000"),
        (0.1 + 0.2, "0.30000000000000004"),
        (123456789012345680.0, "123456789012345680"),
        (1 / 3, "0.3333333333333333"),
        (1000000000000000.5, "1000000000000000.5"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "NaN"),
        (2.0**70, "1180591620717411300000"),
        (0.0, "0"),
    ],
)
def test_table(value, text):
    assert text_of(value) == text


def test_lengths():
    assert len(text_of(5e-324)) == 326
    assert len(text_of(1.7976931348623157e308)) == 309


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5.", 5.0),
        (".5", 0.5),
        ("1e-5", 1e-5),
        ("1E3", 1000.0),
        ("+2", 2.0),
        ("-inf", -math.inf),
        ("INFINITY", math.inf),
        ("1_0.5_0", 10.5),
        ("1e400", math.inf),
        ("1e-400", 0.0),
        ("-1e400", -math.inf),
        ("0e999999999999999999999", 0.0),
        ("1" + "0" * 400, math.inf),
        ("0." + "0" * 400 + "1", 0.0),
        ("1e+2", 100.0),
    ],
)
def test_reading(text, value):
    assert read(text) == value


@pytest.mark.parametrize("text", ["", "1d", "0x10", "- 5", "_1", "e5", ".", "1e", "1e+", "nano", "infin", "--1", "1.2.3", "1f", "١"])
def test_not_a_number(text):
    with pytest.raises(rc.ParseInvalidNumberError) as error:
        read(text)
    assert error.value.args[0].string == text
