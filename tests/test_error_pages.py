"""docs/errors/: a page per family of exceptions; its examples run, and every exception names its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import pycircuit as rc
from pycircuit import _core

ROOT = Path(__file__).parent.parent
FAMILIES = {family: getattr(rc, family)._page for family, _, _ in _core._error_families}
RAISES = re.compile(r"^(.*\S)\s+# raises (\w+)$")


def blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("family", FAMILIES)
def test_examples(family: str) -> None:
    """The blocks of a page run one after the other; a line marked `# raises X` raises X, of this family, with the page in its note."""
    page = ROOT / FAMILIES[family]
    namespace: dict[str, Any] = {"rc": rc, "torch": torch}
    raised = 0
    for block in blocks(page):
        lines = block.rstrip().split("\n")
        marked = RAISES.match(lines[-1])
        exec("\n".join(lines[:-1]), namespace)
        if not marked:
            exec(lines[-1], namespace)
            continue
        expected = getattr(rc, marked[2])
        assert issubclass(expected, getattr(rc, family))
        with pytest.raises(expected) as info:
            exec(marked[1], namespace)
        assert f"see {FAMILIES[family]}" in info.value.__notes__
        assert FAMILIES[family] not in str(info.value)
        raised += 1
    # Nesting has no example of its own: which numbers are left over depends on the circuit.
    assert raised == (0 if family == "NestError" else 1)


def test_every_class_is_explained() -> None:
    for prefix, short, fields, _ in _core._error_rows:
        cls = getattr(rc, f"{prefix}{short}Error")
        row = next(line for line in (ROOT / cls._page).read_text().splitlines() if line.startswith(f"| `{cls.__name__}` |"))
        assert re.findall(r"`(\w+)`", row.split("|")[2]) == fields.split()


def test_pages_are_those_of_the_families() -> None:
    pages = {f"docs/errors/{path.name}" for path in (ROOT / "docs" / "errors").glob("*.md")}
    assert pages == {*FAMILIES.values(), "docs/errors/README.md"}
    index = (ROOT / "docs" / "errors" / "README.md").read_text()
    assert all(f"({Path(page).name})" in index and f"`{family}`" in index for family, page in FAMILIES.items())
