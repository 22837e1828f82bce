"""The HTML view in a headless Chromium: what is shown, folding, keys, copying, colours, safety (spec 06, section 10).

Needs Playwright and a Chromium of the system (Debian: `chromium`); skipped where one of them is missing.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import pycircuit as rc
from tests.strategies import circuits
from tests.text.test_html import INJECTIONS

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

Options = rc.PrintHtmlOptions
ROWS = "[role=treeitem]"
NAMES = [
    *INJECTIONS,
    "emoji 😀 👩‍🔬",
    "עברית",
    "a'b\"c`d",
    "x" * 300,
    " lead and trail ",
    "</style><style>*{display:none}</style>",
    "');alert(1);//",
    "<svg onload=alert(1)>",
    "{{7*7}}",
    "a\\'b",
    "constructor",
    "😀' onmouseover='alert(1)",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class View:
    """An open page, with everything it must not have done."""

    def __init__(self, browser: Any, **settings: Any) -> None:
        self.context = browser.new_context(offline=True, viewport={"width": 900, "height": 500}, **settings)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.wrong: list[str] = []
        self.page.on("request", lambda request: None if request.url.startswith("file:") else self.wrong.append(request.url))
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(dialog.message))

    def texts(self) -> list[str]:
        return self.page.locator(f"{ROWS} .pc-text").evaluate_all("spans => spans.map(span => span.textContent)")

    def row(self, name: str, which: int = 0) -> Any:
        return self.page.locator(f'{ROWS}[data-name="{name}"]').nth(which)

    def caret(self, name: str, which: int = 0) -> Any:
        return self.row(name, which).locator(".pc-caret")

    def focused(self) -> str | None:
        return self.page.evaluate("document.activeElement.getAttribute('data-name')")

    def wait_for_focus(self, name: str) -> None:
        # Not by wait_for_function, which needs the eval that the page forbids.
        end = time.monotonic() + 60
        while self.focused() != name:
            assert time.monotonic() < end, f"{self.focused()} has the focus"
            self.page.wait_for_timeout(50)


Opener = Callable[..., View]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    views: list[View] = []

    def make(roots: Any, options: Any = None, text: str | None = None, **settings: Any) -> View:
        path = tmp_path / f"view{len(views)}.html"
        if text is None:
            rc.html_page(roots, path, options or Options())
        else:
            path.write_text(text)
        view = View(browser, **settings)
        views.append(view)
        view.page.goto(path.as_uri())
        return view

    yield make
    for view in views:
        assert view.wrong == []
        view.context.close()


@pytest.fixture
def tree() -> rc.Circuit:
    shared = rc.Add(rc.Scalar(1.0, (2,), "k"), name="shared")
    left = rc.Add(shared, rc.Scalar(2.0, (2,), "l"), name="left")
    return rc.Add(left, rc.Add(shared, name="right"), rc.Scalar(3.0, (2,)), name="top")


def expected_texts(root: rc.Circuit, options: Any, depth: int) -> list[str]:
    """Row texts of a page that opens with `depth` levels: each node is opened at its first row only."""
    texts: list[str] = []
    seen: set[rc.Circuit] = set()
    stack = [(root, 1, "")]
    while stack:
        node, level, binding = stack.pop()
        repeat = node in seen
        seen.add(node)
        texts.append(options.repr_line(node) + binding + (" (repeat)" if repeat else ""))
        if level >= depth or repeat:
            continue
        bindings = [""] * node.num_children
        if isinstance(node, rc.Module):
            for i, spec in enumerate(node.spec.arg_specs, start=1):
                flags = (spec.batchable, spec.expandable, spec.ban_non_symbolic_size_expand)
                shown = "" if all(flags) else " " + "".join("t" if flag else "f" for flag in flags)
                name = f" '{spec.symbol.name}'" if spec.symbol.op_name is not None else ""
                bindings[i] = f" !{name}{shown}" if name or shown else ""
        stack += [(child, level + 1, bindings[i]) for i, child in reversed(list(enumerate(node.children)))]
    return texts


@given(circuits(max_steps=8, named=False))
@settings(max_examples=15)
def test_rows_of_random_circuits(browser: Any, tmp_path_factory: pytest.TempPathFactory, circuit: rc.Circuit) -> None:
    if any(isinstance(node, rc.Module) for node in rc.all_children(circuit)):
        return
    view = View(browser)
    path = tmp_path_factory.mktemp("view") / "view.html"
    rc.html_page(circuit, path)
    view.page.goto(path.as_uri())
    assert view.texts() == expected_texts(circuit, Options(), 3)
    # Opened wholly it has the rows of the printed tree.
    lines = rc.PrintOptions(bijection=False, number_leaves=True).repr(circuit).count("\n") + 1
    if lines < 300:
        view.page.get_by_label("open all rows").click()
        assert view.page.locator(ROWS).count() == lines
        assert view.page.locator(f"{ROWS}:not([data-repeat])").count() == rc.count_nodes(circuit)
    assert view.wrong == []
    view.context.close()


def test_initial_rows_and_attributes(opened: Opener, tree: rc.Circuit) -> None:
    view = opened(tree)
    assert view.texts() == expected_texts(tree, Options(), 3)
    rows = view.page.locator(ROWS)
    assert rows.evaluate_all("rows => rows.map(row => +row.getAttribute('aria-level'))") == [1, 2, 3, 3, 2, 3, 2]
    assert rows.evaluate_all("rows => rows.map(row => row.getAttribute('aria-expanded'))") == ["true", "true", "false", None] + [
        "true",
        "false",
        None,
    ]
    assert view.row("top").get_attribute("data-hash") == tree.hash_base16
    assert view.page.locator(f"{ROWS}:not([data-name])").count() == 1
    assert view.row("shared", 1).get_attribute("data-repeat") is not None and view.row("shared").get_attribute("data-repeat") is None
    assert view.page.locator("[role=tree]").get_attribute("aria-label")
    assert rows.evaluate_all("rows => rows.filter(row => row.tabIndex === 0).length") == 1


def test_nothing_is_left_behind(opened: Opener, tree: rc.Circuit) -> None:
    """No globals, no storage, no styles outside of the container."""
    plain, view = opened(tree, text="<!DOCTYPE html><div>empty</div>"), opened(tree)
    names = "Object.getOwnPropertyNames(window).filter(name => !/^\\d+$/.test(name)).sort()"
    assert set(view.page.evaluate(names)) <= set(plain.page.evaluate(names))
    assert view.page.evaluate("document.cookie") == "" and view.page.evaluate("document.documentElement.style.cssText") == ""


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_is_shown_literally(opened: Opener, name: str) -> None:
    symbol = rc.Symbol.new_with_none_uuid((), name)
    module = rc.Module.new_flat(rc.ModuleSpec(rc.Add(symbol, name=name), [rc.ModuleArgSpec(symbol)]), rc.Scalar(1.0), name=name)
    view = opened(module, Options(commenters=[lambda c: name.replace("\n", " ").replace("\r", " ")], comment_arg_names=True))
    row = view.page.locator(ROWS).first
    assert row.get_attribute("data-name") == name
    printable = name.translate({i: None for i in [*range(32), 127, *range(0x80, 0xA0)]})
    shown = row.locator(".pc-text").text_content()
    if printable == name:
        assert shown == f"'{name}' Module # {name}"
    allowed = {"DIV", "SPAN", "BUTTON", "INPUT", "STYLE", "SCRIPT"}
    assert set(view.page.locator("body *").evaluate_all("all => all.map(el => el.tagName)")) <= allowed


@pytest.mark.parametrize(
    "color", ["red;", '"', "url(x)", "", "red;background:url(http://x/)", "expression(1)", "var(--x)", "}*{color:red}"]
)
def test_colours_stay_colours(opened: Opener, tree: rc.Circuit, color: str) -> None:
    view = opened(tree, Options(colorer=lambda c: color))
    style = view.page.locator(ROWS).first.get_attribute("style")
    assert style is not None and "url" not in style and "background" not in style
    expected = "rgb(255, 0, 0)" if color == "red;" else "rgb(211, 211, 211)"
    assert view.page.locator(ROWS).first.evaluate("row => getComputedStyle(row).color") == expected


def luminance(rgb: list[float]) -> float:
    linear = [c / 3294.6 if c <= 10.01 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("options", "dark"), [(Options(), True), (Options().light(), False), (Options(primary_color="nonsense"), True)])
def test_readable_on_dark_and_light(opened: Opener, options: Any, dark: bool) -> None:
    leaves = [rc.Scalar(1.0, (), "s"), rc.Array(rc.Array.randn(2).value, "a"), rc.Symbol.new_with_none_uuid((), "y")]
    view = opened(rc.Add(*leaves, rc.Einsum.identity(leaves[1], "e"), rc.Concat(leaves[1], axis=0, name="c"), name="top"), options)

    def channels(selector: str, prop: str) -> list[float]:
        text = view.page.locator(selector).first.evaluate(f"el => getComputedStyle(el).{prop}")
        return [float(part) for part in text[text.index("(") + 1 : -1].split(",")][:3]

    background = luminance(channels("body > div", "backgroundColor"))
    assert (background < 0.1) == dark

    def contrast(rgb: list[float]) -> float:
        low, high = sorted((luminance(rgb), background))
        return (high + 0.05) / (low + 0.05)

    assert contrast(channels(".pc-caret", "color")) >= 4.5
    for name in ("s", "a", "y", "e", "c"):
        assert contrast(channels(f'{ROWS}[data-name="{name}"] .pc-text', "color")) >= 3.4


def test_mouse(opened: Opener, tree: rc.Circuit) -> None:
    view = opened(tree)
    view.caret("right").click()
    assert view.row("right").get_attribute("aria-expanded") == "false" and view.page.locator(ROWS).count() == 6
    view.row("right").locator(".pc-text").click()
    assert view.row("right").get_attribute("aria-expanded") == "true"
    view.caret("shared", 1).click()  # a repeat can be opened too
    assert view.texts()[6] == "'k' [2] Scalar 1"
    view.caret("left").click()
    view.caret("top").click()
    assert view.texts() == ["'top' Add"]
    view.caret("top").click()  # what was open below is open again
    assert [text.partition("'")[2].partition("'")[0] for text in view.texts()] == ["top", "left", "right", "shared", "k", ""]
    view.caret("k").click()  # a leaf has nothing to open
    assert view.row("k").get_attribute("aria-expanded") is None and view.page.locator(ROWS).count() == 6


def test_rows_of_one_node_light_up_together(opened: Opener, tree: rc.Circuit) -> None:
    view = opened(tree)
    view.row("shared").hover()
    weight = "row => getComputedStyle(row.querySelector('.pc-text')).textDecorationLine"
    assert view.row("shared", 1).evaluate(weight) == "underline" and view.row("left").evaluate(weight) == "none"
    view.row("left").hover()
    assert view.row("shared", 1).evaluate(weight) == "none"
    view.row("shared", 1).focus()
    assert view.row("shared").evaluate(weight) == "underline"


def test_keyboard_alone(opened: Opener, tree: rc.Circuit) -> None:
    view = opened(tree)
    press = view.page.keyboard.press
    for _ in range(6):
        press("Tab")
    assert view.focused() == "top"
    steps = [
        ("ArrowDown", "left"),
        ("ArrowDown", "shared"),
        ("ArrowRight", "shared"),
        ("ArrowRight", "k"),
        ("ArrowLeft", "shared"),
        ("ArrowLeft", "shared"),
        ("ArrowLeft", "left"),
        ("End", None),
        ("ArrowUp", "shared"),
        ("Enter", "shared"),
        ("ArrowDown", "k"),
        ("Home", "top"),
        (" ", "top"),
    ]
    for key, name in steps:
        press(key)
        assert view.focused() == name, key
    assert view.page.locator(ROWS).count() == 1
    outline = view.page.evaluate("getComputedStyle(document.activeElement).boxShadow")
    assert outline != "none"


def pasted(view: View) -> str:
    """What is on the clipboard, by pasting it into the search field."""
    field = view.page.locator("input[type=search]")
    field.fill("")
    field.focus()
    view.page.keyboard.press("Control+V")
    return field.input_value()


@pytest.mark.parametrize("api", [True, False])
@pytest.mark.parametrize("name", ["left", "a'b\"c\\d <b> &amp;", "emoji 😀"])
def test_copying_names(opened: Opener, browser: Any, tmp_path: Path, api: bool, name: str) -> None:
    circuit = rc.Add(rc.Scalar(1.0, (), name), rc.Scalar(2.0), name="top")
    view = opened(circuit, text="", permissions=["clipboard-read", "clipboard-write"] if api else [])
    if not api:
        view.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    path = tmp_path / "copy.html"
    rc.html_page(circuit, path)
    view.page.goto(path.as_uri())
    rows = view.page.locator(ROWS)
    rows.nth(1).locator(".pc-copy").click()
    sync_api.expect(rows.nth(1).locator(".pc-copy")).to_have_text("copied")
    assert pasted(view) == name
    rows.nth(0).focus()
    view.page.keyboard.press("c")
    sync_api.expect(view.page.get_by_role("status")).to_have_text("copied")
    assert pasted(view) == "top"
    rows.nth(2).locator(".pc-copy").click()
    sync_api.expect(rows.nth(2).locator(".pc-copy")).to_have_text("no name")
    assert pasted(view) == "top"


def test_leaf_numbers(opened: Opener, tree: rc.Circuit) -> None:
    view = opened(tree, Options(number_leaves=True))
    numbers = "rows => rows.map(row => row.getAttribute('data-leaf'))"
    rows = view.page.locator(ROWS)
    assert rows.evaluate_all(numbers) == [None, None, "0", "1", None, "2", "3"]
    view.caret("left").click()
    assert rows.evaluate_all(numbers) == [None, "0", None, "1", "2"]
    assert rows.nth(1).locator(".pc-leaf").text_content() == " # 0"


def test_search(opened: Opener, tree: rc.Circuit) -> None:
    deep: rc.Circuit = rc.Add(rc.Scalar(1.0, (2,), "Needle"), name="c0")
    for i in range(30):
        deep = rc.Add(deep, name=f"c{i + 1}")
    view = opened([tree, deep])
    field = view.page.locator("input[type=search]")
    field.fill("needle")
    field.press("Enter")
    assert view.focused() == "Needle"
    field.fill("shared")
    view.page.get_by_label("next hit").click()
    assert view.focused() == "shared"
    field.fill("<nothing>")
    field.press("Enter")
    sync_api.expect(view.page.get_by_role("status")).to_have_text("not found")
    view.page.get_by_label("close all rows").click()
    assert view.page.locator(ROWS).count() == 2


def test_cut_off_nodes(opened: Opener, tree: rc.Circuit) -> None:
    view = opened(tree, Options(overall_traversal=rc.new_traversal(end_depth=2)))
    assert view.texts() == ["'top' Add", "'left' Add ...", "'right' Add ...", " [2] Scalar 3"]
    view.caret("left").click()
    assert view.page.locator(ROWS).count() == 4


def test_two_views_of_one_circuit_on_a_page(opened: Opener, tree: rc.Circuit) -> None:
    one, two = Options().repr(tree), Options().light().repr(tree)
    view = opened(tree, text=f'<!DOCTYPE html><meta charset="utf-8"><p id="own">mine</p>{one}{two}')
    rows = view.page.locator(ROWS)
    assert rows.count() == 14
    view.caret("left").click()
    assert rows.count() == 12 and view.page.locator("[role=tree]").nth(1).locator(ROWS).count() == 7
    view.row("shared").hover()
    assert view.page.locator("[role=tree]").nth(1).locator(".pc-same").count() == 0
    assert view.page.locator("#own").evaluate("p => getComputedStyle(p).fontFamily") != rows.first.evaluate(
        "row => getComputedStyle(row).fontFamily"
    )


def test_without_scripts(opened: Opener, tree: rc.Circuit) -> None:
    view = opened(tree, java_script_enabled=False)
    text = view.page.locator("pre").inner_text()
    assert "'left' Add" in text and "(repeat)" in text


def many_nodes(count: int) -> rc.Circuit:
    """A sum of all nodes of a random graph whose nodes have two children each."""
    choose = random.Random(0)
    nodes: list[rc.Circuit] = [rc.Scalar(1.0, (), f"s{i}") for i in range(100)]
    for i in range(count):
        near = nodes[choose.randrange(len(nodes) - 50, len(nodes))]
        nodes.append(rc.Add(near, nodes[choose.randrange(len(nodes))], name=f"n{i}"))
    return rc.Add(*nodes[100:], name="root")


def test_ten_thousand_nodes_do_not_freeze_the_page(opened: Opener) -> None:
    """A root with 10,000 children of which each is open: the timeouts of the page are what is tested."""
    view = opened(many_nodes(10_000))
    view.page.set_default_timeout(5_000)
    rows = view.page.locator(ROWS)
    assert 100 <= rows.count() < 5_000  # more are made on the way down
    view.row("n0").locator(".pc-caret").click()
    assert view.row("n0").get_attribute("aria-expanded") == "false"
    view.caret("root").click()
    assert rows.count() == 1
    view.caret("root").click()
    shown = rows.count()
    rows.last.scroll_into_view_if_needed()
    sync_api.expect(rows).not_to_have_count(shown)
    field = view.page.locator("input[type=search]")
    field.fill("'n9998'")
    field.press("Enter")
    view.wait_for_focus("n9998")
    view.page.get_by_label("close all rows").click()
    assert rows.count() == 1


def test_very_deep_circuits(opened: Opener) -> None:
    node: rc.Circuit = rc.Scalar(1.0, (), "bottom")
    for i in range(3_000):
        node = rc.Add(node, name=f"c{i}")
    view = opened(node, Options(traversal=None))
    view.row("c2999").focus()
    view.page.keyboard.press("End")
    view.wait_for_focus("bottom")
    view.page.get_by_label("close all rows").click()
    assert view.texts() == ["'c2999' Add"]
