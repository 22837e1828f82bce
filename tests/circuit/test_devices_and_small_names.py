"""Device and dtype objects, and small free names (spec 01, sections 6 and 10)."""

import itertools

import pytest
import torch

import pycircuit as rc

DEVICES = [None, "cpu", "cuda:0", "cuda:15"]
DTYPES = [None, "float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


def test_device_dtype_op():
    ops = [rc.TorchDeviceDtypeOp(device, dtype) for device in DEVICES for dtype in DTYPES]
    assert sorted(reversed(ops)) == ops and len(set(ops)) == len(ops)
    for op, (device, dtype) in zip(ops, itertools.product(DEVICES, DTYPES), strict=True):
        assert (op.device, op.dtype) == (device, dtype)
        assert op.get_torch_dtype() == (getattr(torch, dtype) if dtype else None)
        assert op == rc.TorchDeviceDtypeOp(device=device, dtype=dtype) and hash(op) == hash(rc.TorchDeviceDtypeOp(device, dtype))
        kept = op.only_keep_floating()
        assert (kept.device, kept.dtype) == (device, dtype if dtype and "float" in dtype else None)
    assert rc.TorchDeviceDtypeOp.default() == rc.TorchDeviceDtypeOp()
    assert repr(rc.TorchDeviceDtypeOp(dtype="int32")) == 'TorchDeviceDtypeOp(device=None, dtype="int32")'
    assert repr(rc.TorchDeviceDtype("cuda:0", "int32")) == 'TorchDeviceDtype(device="cuda:0", dtype="int32")'


def test_device_dtype():
    both = rc.TorchDeviceDtype("cpu", torch.float16)
    assert both == rc.TorchDeviceDtype(torch.device("cpu"), "float16") and both.dtype == "float16" and both.size() == 2
    assert both.op() == rc.TorchDeviceDtypeOp("cpu", "float16") and both.get_torch_dtype() is torch.float16
    assert rc.TorchDeviceDtype("cuda", "bool").device == "cuda:0"
    x = torch.ones(2)
    assert both.cast_tensor(x).dtype == torch.float16
    assert rc.TorchDeviceDtype("cpu", "float32").cast_tensor(x) is x
    assert rc.TorchDeviceDtype.from_tensor(x) == rc.TorchDeviceDtype("cpu", "float32")
    with pytest.raises(AttributeError):
        both.device = "cpu"


@pytest.mark.parametrize(
    "device, dtype",
    [
        ("cpu", "float"),
        ("cpu", torch.complex64),
        ("cpu", "complex64"),
        ("mps", "bool"),
        ("cuda:16", "bool"),
        ("cuda:-1", "bool"),
        ("cuda:01", "bool"),
    ],
)
def test_unknown_devices_and_dtypes(device, dtype):
    offending = str(dtype) if device == "cpu" else device
    for cls in (rc.TorchDeviceDtype, rc.TorchDeviceDtypeOp):
        with pytest.raises(RuntimeError, match=offending.replace(".", r"\.").removeprefix("torch\\.")):
            cls(device, dtype)


def test_unification():
    def dtype(*dtypes):
        return rc.Add(*[rc.Array(torch.zeros(2, dtype=d)) if d else rc.Scalar(0.0, (2,)) for d in dtypes]).dtype

    assert dtype(None, None) is None and dtype(None, torch.int8) == "int8" and dtype(torch.int64, torch.float16) == "float16"
    assert dtype(torch.bool, torch.bfloat16, None) == "bfloat16"
    for a, b in [(torch.float32, torch.float64), (torch.float16, torch.bfloat16), (torch.int8, torch.int16), (torch.bool, torch.int64)]:
        with pytest.raises(rc.MiscInputChildrenMultipleDtypesError) as error:
            dtype(a, b)
        assert error.value.args[0].items() == {"a": str(a)[6:], "b": str(b)[6:]}
    assert rc.Index(rc.Scalar(0.0, (2,)), (torch.tensor([0]),)).device_dtype == rc.TorchDeviceDtypeOp("cpu")


def test_oom_fmt():
    rows = {0: "0", 999: "999", 1000: "1K", 1999: "1K", 12345678: "12M", 10**12: "1T", 10**24: "1Y", 10**30: "1000000Y", 2**80: "1Y"}
    for x, text in rows.items():
        assert rc.oom_fmt(x) == text
    with pytest.raises(OverflowError):
        rc.oom_fmt(-1)
    for wrong in ("3", 1.5, None):
        with pytest.raises(TypeError):
            rc.oom_fmt(wrong)


def test_not_set():
    assert isinstance(rc.NOT_SET, rc.NotSet)


def test_char_tokenizer():
    tokenizer = rc.CharTokenizer(0, 2, 1, 6, {"(": 3, ")": 4}, False)
    tokens = tokenizer.tokenize_strings(["()", "(((((("])
    assert tokens.dtype == torch.int64 and tokens.tolist() == [[0, 3, 4, 2, 1, 1], [0, 3, 3, 3, 3, 2]]
    assert tokenizer.tokenize_strings([]).shape == (0, 6)
    assert (tokenizer.start, tokenizer.end, tokenizer.pad, tokenizer.pad_width) == (0, 2, 1, 6)
    assert tokenizer.mapping == {"(": 3, ")": 4} and tokenizer.error_if_over is False
    tokenizer.pad = 9
    assert tokenizer.tokenize_strings([""]).tolist() == [[0, 2, 9, 9, 9, 9]]
    strict = rc.CharTokenizer(start=0, end=2, pad=1, pad_width=4, mapping={"a": 3}, error_if_over=True)
    assert strict.tokenize_strings(["aa"]).tolist() == [[0, 3, 3, 2]]
    with pytest.raises(RuntimeError):
        strict.tokenize_strings(["aaa"])
    with pytest.raises(RuntimeError, match="invalid char"):
        strict.tokenize_strings(["b"])
    assert rc.CharTokenizer(0, 2, 1, 3, {"a": 3}, False).tokenize_strings(["ab"]).tolist() == [[0, 3, 2]]
    with pytest.raises(RuntimeError):
        rc.CharTokenizer(0, 2, 1, 4, {"ab": 3}, True)
    with pytest.raises(RuntimeError):
        rc.CharTokenizer(0, 2, 1, 1, {}, True).tokenize_strings([""])


def test_everything_is_documented():
    missing = []
    for name, value in vars(rc).items():
        if name.startswith("_") or not callable(value) or not getattr(value, "__module__", "").startswith("pycircuit"):
            continue
        if not value.__doc__:
            missing.append(name)
        if isinstance(value, type):
            missing += [
                f"{name}.{member}"
                for member, item in vars(value).items()
                if not member.startswith("_") and callable(item) and not item.__doc__
            ]
    assert not missing
