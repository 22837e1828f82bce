"""The arrow rule: a room of csrc/ includes only itself and rooms above it in the list; Python and torch headers stay in their rooms."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = [
    "base",
    "kernels",
    "shape",
    "tensor",
    "circuit",
    "match",
    "text",
    "module",
    "random",
    "rewrite",
    "nest",
    "evaluate",
    "python",
]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
FILES = sorted(path for path in (ROOT / "csrc").rglob("*") if path.suffix in (".h", ".cpp", ".cu", ".cuh"))
# Torch headers are slow to compile; only these files may include them.
TORCH_FILES = re.compile(r"csrc/(tensor/.*|evaluate/.*|python/torch_tensor\.cpp)")


def includes(path):
    return INCLUDE.findall(path.read_text())


def test_rooms_are_known():
    assert FILES
    assert {path.relative_to(ROOT / "csrc").parts[0] for path in FILES} <= set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_point_up(room):
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    wrong = []
    for path in FILES:
        if path.relative_to(ROOT / "csrc").parts[0] != room:
            continue
        for quote, target in includes(path):
            if quote == "<":
                continue
            first = target.split("/")[0]
            assert (ROOT / "csrc" / target).exists(), f"{path.name} includes {target}, which is not relative to csrc/"
            if first not in allowed:
                wrong.append(f"{path.relative_to(ROOT)} includes {target}")
    assert not wrong


def test_python_headers_only_in_python():
    wrong = []
    for path in FILES:
        if path.relative_to(ROOT / "csrc").parts[0] == "python":
            continue
        wrong += [
            f"{path.relative_to(ROOT)}: {target}"
            for _, target in includes(path)
            if re.match(r"Python\.h|pybind11|torch/python|torch/csrc/autograd/python", target)
        ]
    assert not wrong


def test_torch_headers_only_where_allowed():
    wrong = []
    for path in FILES:
        name = path.relative_to(ROOT).as_posix()
        if not TORCH_FILES.fullmatch(name):
            wrong += [f"{name}: {target}" for _, target in includes(path) if re.match(r"(torch|ATen|c10)/", target)]
    assert not wrong
