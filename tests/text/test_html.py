"""The HTML view: what is embedded, and that nothing gets out (spec 06, sections 9 and 10)."""

from __future__ import annotations

import html
import json
import re
import sys
import types
from html.parser import HTMLParser

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import pycircuit as rc
from tests.strategies import circuits
from tests.text.named_circuits import NAMES, READABLE, tricky_circuits

Options = rc.PrintHtmlOptions
INJECTIONS = [
    "<b>x</b>",
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "&amp;",
    "\"'`",
    "\\",
    "\n\r\t\x00",
    "\u2028\u2029",
    "\u202eabc",
    "</pre>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "${x}",
    "__proto__",
]


def data_of(fragment: str) -> dict:
    """The embedded data, decoded as the browser would."""
    script = fragment[fragment.rindex("<script") :]
    return json.loads(script[script.index('{"primary"') : script.rindex(");\n</script>")])


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


@pytest.fixture
def tree():
    shared = rc.Add(rc.Scalar(1.0, (2,), "k"), name="shared")
    return rc.Add(rc.Add(shared, name="p"), shared, rc.Scalar(3.0, (2,)), name="r")


def plain(fragment: str) -> str:
    return html.unescape(re.search(r"<pre>(.*?)</pre>", fragment, re.S)[1])


def test_plain_text(tree):
    text = plain(Options().repr(tree))
    assert text == "'r' Add\n  'p' Add\n    'shared' Add\n  'shared' Add (repeat)\n   [2] Scalar 3\n"
    assert plain(Options(traversal=None).repr(tree)).split("\n")[3] == "      'k' [2] Scalar 1"
    deep = rc.Scalar(1.0, (), "x")
    for i in range(1000):
        deep = rc.Add(deep, name=str(i))
    assert len(plain(Options(traversal=None).repr(deep)).split("\n")) == 502


def test_nodes_are_embedded_once(tree):
    data = data_of(Options().repr(tree, tree))
    assert data["roots"] == [0, 0]
    assert [node[0] for node in data["nodes"]] == ["r", "p", "shared", "k", None]
    assert [node[5] for node in data["nodes"]] == [[1, 2, 4], [2], [3], [], []]
    assert [node[6] for node in data["nodes"]] == [1, 1, 0, 0, 0]
    assert [node[4] for node in data["nodes"]] == [
        node.hash_base16 for node in [tree, tree.children[0], tree.children[1], tree.children[1].children[0], tree.children[2]]
    ]


@given(circuits(READABLE), st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_contained_nodes(circuit, depth):
    assert len(data_of(Options().repr(circuit))["nodes"]) == len(circuit.get(True))
    part = data_of(Options(overall_traversal=rc.new_traversal(end_depth=depth)).repr(circuit))
    reached = circuit.get(rc.new_traversal(end_depth=max(depth, 1)))
    assert {node[4] for node in part["nodes"]} == {node.hash_base16 for node in reached}
    for node in part["nodes"]:
        for child in node[5] or []:
            assert child < len(part["nodes"])


def test_cut_nodes(tree):
    fragment = Options(overall_traversal=rc.new_traversal(end_depth=2)).repr(tree)
    assert plain(fragment).split("\n")[1] == "  'p' Add ..."
    data = data_of(fragment)
    assert [node[5] for node in data["nodes"]][1:3] == [0, 0]
    by_other_path = data_of(Options(overall_traversal=rc.new_traversal(term_early_at="p")).repr(tree))
    assert "k" in [node[0] for node in by_other_path["nodes"]]


def test_comments_and_bindings():
    s = rc.Symbol.new_with_none_uuid((2,), "s")
    spec = rc.ModuleSpec(rc.Add(s, name="body"), [rc.ModuleArgSpec(s, True, False, True)])
    module = rc.Module(spec, "m", s=rc.Scalar(3.0, (5, 2), "inp"))
    fragment = Options(comment_arg_names=True, commenters=[lambda c: "note\n1", lambda c: ""]).repr(module)
    assert plain(fragment).split("\n")[:4] == [
        "'m' Module # note 1",
        "  'body' Add # Spec # note 1",
        "    's' [2] Symbol # note 1",
        "  'inp' [5,2] Scalar 3 # note 1 ! 's' tft",
    ]
    root = data_of(fragment)["nodes"][0]
    assert root[9] == ["Spec", ""]
    assert root[10] == ["", " ! 's' tft"]


def test_callbacks_are_called_once_per_node(tree):
    seen = []
    Options(commenters=[lambda c: seen.append(c) or ""], colorer=lambda c: None).repr(tree, tree)
    assert len(seen) == len(set(seen)) == 5
    error = KeyError("mine")

    def fail(circuit):
        raise error

    for options in [Options(commenters=[fail]), Options(colorer=fail), Options(traversal=rc.new_traversal(term_early_at=fail))]:
        with pytest.raises(KeyError) as caught:
            options.repr(tree)
        assert caught.value is error
    for options in [Options(commenters=[lambda c: 3]), Options(colorer=lambda c: 3)]:
        with pytest.raises(TypeError):
            options.repr(tree)


@pytest.mark.parametrize("name", INJECTIONS)
def test_injection(name):
    node = rc.Add(rc.Scalar(1.0, (2,), name), name=name)
    fragment = Options(commenters=[lambda c: name], colorer=lambda c: name, primary_color=name).repr(node)
    elements = Elements(fragment)
    assert elements.tags == ["div", "pre", "style", "script"]
    assert {key for key, _ in elements.attributes} == {"id", "class", "nonce"}
    data = data_of(fragment)
    assert [row[0] for row in data["nodes"]] == [name, name]
    assert data["primary"] == name.replace(";", "")
    script = fragment[fragment.rindex('{"primary"') :].removesuffix(");\n</script>\n")
    assert not set("<>&\u2028\u2029") & set(script)


@given(tricky_circuits(max_steps=3))
@settings(max_examples=100, deadline=None)
def test_any_names(circuit):
    fragment = Options(traversal=None).repr(circuit)
    assert Elements(fragment).tags == ["div", "pre", "style", "script"]
    nodes = data_of(fragment)["nodes"]
    assert {row[0] for row in nodes} == {node.op_name for node in circuit.get(True)}
    if not any(ord(c) < 32 for row in nodes for c in row[0] or ""):
        assert len(plain(fragment).split("\n")) <= 502


@given(NAMES)
@settings(max_examples=50, deadline=None)
def test_row_texts(name):
    node = rc.Scalar(2.0, (2,), name)
    shown = rc.PrintOptions(bijection=False).string_escape(name)
    assert Options().repr_line(node) == f"'{shown}' [2] Scalar 2"
    assert Options().repr_line(rc.Scalar(2.0)) == " [] Scalar 2"
    assert Options(shape_only_when_necessary=False).repr_line(rc.Add(name="a")) == "'a' [] Add"


def test_equal_but_for_the_id(tree):
    def without_id(fragment):
        (id_,) = set(re.findall(r"pc-[0-9a-f]{32}", fragment))
        return fragment.replace(id_, "ID")

    first, second = Options().repr(tree), Options().repr(tree)
    assert first != second
    assert without_id(first) == without_id(second)
    style = re.search(r"<style[^>]*>(.*?)</style>", first, re.S)[1]
    for rule in style.strip().split("\n"):
        for selector in rule.split("{")[0].split(","):
            assert selector.startswith("#pc-")


def test_nothing_is_loaded(tree):
    page = rc.html_page(tree)
    for word in [
        "http:",
        "https:",
        "src=",
        "url(",
        "import",
        "fetch(",
        "XMLHttpRequest",
        "eval(",
        "innerHTML",
        "localStorage",
        "cookie",
        "onclick",
    ]:
        assert word not in page


def test_colors():
    tree = rc.Add(rc.Scalar(1.0, (2,), "k"), name="r")
    data = data_of(Options(colorer=lambda c: "red;" if c.name == "r" else None).repr(tree))
    assert data["colors"] == ["red"]
    assert [node[3] for node in data["nodes"]] == [0, -1]
    assert Options().light() == Options(primary_color="#303030")


def test_options():
    options = Options()
    assert options.traversal == rc.new_traversal(end_depth=3)
    assert options.overall_traversal == rc.IterativeMatcher(False)
    assert options.evolve(traversal=None).traversal == rc.new_traversal()
    assert options.evolve(number_leaves=True).number_leaves
    with pytest.raises(TypeError):
        Options(colorer=None)
    with pytest.raises(TypeError):
        Options(primary_color=3)
    with pytest.raises(AttributeError):
        options.nothing = 1
    nested = Options.einsum_nest_default()
    assert nested.number_leaves
    assert nested.comment_arg_names
    assert Options.type_nest_default(rc.Add) == Options.add_nest_default()


def test_page(tree, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    page = rc.html_page([tree, tree], path, Options(number_leaves=True), title="<t>")
    assert path.read_text(encoding="utf-8") == page
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>&lt;t&gt;</title>" in page
    assert "default-src 'none'" in page
    assert "<title>r</title>" in rc.html_page(tree)
    assert rc.html_page([]).startswith("<!DOCTYPE html>")
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(FileNotFoundError):
        rc.html_page(tree, tmp_path / "no" / "page.html")
    with pytest.raises(TypeError):
        rc.html_page(tree, options=rc.PrintOptions())


def test_print_without_ipython(tree, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    tree.print_html()
    url = capsys.readouterr().out.strip()
    assert url.startswith("file:///")
    with open(url.removeprefix("file://"), encoding="utf-8") as file:
        assert "pc-" in file.read()
    tree.print(Options())
    Options.print_depth(tree, depth=1)
    assert capsys.readouterr().out.count("file://") == 2


def test_print_in_ipython(tree, monkeypatch):
    shown = []
    display = types.ModuleType("IPython.display")
    display.HTML, display.display = lambda text: text, shown.append
    ipython = types.ModuleType("IPython")
    ipython.get_ipython, ipython.display = lambda: object(), display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    tree.print_html()
    assert shown[0].startswith('<div id="pc-')


def test_arrays_are_not_saved(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORS_CACHE_DIR", str(tmp_path / "store"))
    assert "Array" in Options().repr(rc.Array(torch.zeros(3), "w"))
    assert not (tmp_path / "store").exists()


def test_deep_chain():
    node = rc.Scalar(1.0, (), "x")
    for i in range(100_000):
        node = rc.Add(node, name=f"n{i}")
    assert Options().repr(node).count("\n") > 100_000
