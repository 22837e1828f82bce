"""Showing the HTML view of circuits: in notebooks, and as documents of their own (spec 06, section 10.5)."""

from __future__ import annotations

import atexit
import html
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pycircuit import _core

__all__ = ["html_page"]

# The view fills the page and scrolls within it, so that its bar stays in sight; printed, it is as long as it is.
_PAGE_STYLE = "html,body{margin:0;height:100%}body>div{height:100%;box-sizing:border-box}@media print{html,body,body>div{height:auto}}"

_pages: Path | None = None


def _page(fragment: str, title: str) -> str:
    # The fragment's own id serves as the nonce that lets its script and style run, and nothing else.
    nonce = fragment.partition('<div id="')[2].partition('"')[0]
    policy = f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<title>{html.escape(title)}</title>\n<style nonce="{nonce}">{_PAGE_STYLE}</style>\n</head>\n'
        f"<body>\n{fragment}</body>\n</html>\n"
    )


def _write_atomically(path: str | os.PathLike[str], text: str) -> None:
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"no directory {target.parent} to write {target.name} into")
    handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=target.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def html_page(
    circuits: _core.Circuit | Sequence[_core.Circuit],
    path: str | os.PathLike[str] | None = None,
    options: _core.PrintHtmlOptions = _core.PrintHtmlOptions(),  # noqa: B008 - it is never modified
    title: str | None = None,
) -> str:
    """A complete HTML document around the view of one or several circuits, also written to `path` if given.

    `title` defaults to the first circuit's name. FileNotFoundError where the directory of `path` is missing (spec 06, section 10.5).
    """
    if not isinstance(options, _core.PrintHtmlOptions):
        raise TypeError(f"options: expected a PrintHtmlOptions, got {type(options).__name__}")
    roots = []
    for each in [circuits] if isinstance(circuits, _core.Circuit) else circuits:
        if not isinstance(each, _core.Circuit):
            raise TypeError(f"circuits: expected circuits, got {type(each).__name__}")
        roots.append(each)
    if not (title is None or isinstance(title, str)):
        raise TypeError(f"title: expected a str, got {type(title).__name__}")
    if title is None:
        title = roots[0].name if roots else ""
    page = _page(options.repr(*roots), title)
    if path is not None:
        _write_atomically(path, page)
    return page


def _running_ipython() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _page_directory() -> Path:
    global _pages
    if _pages is None:
        _pages = Path(tempfile.mkdtemp(prefix="pycircuit-"))
        atexit.register(shutil.rmtree, _pages, ignore_errors=True)
    return _pages


def show(options: _core.PrintHtmlOptions, circuits: tuple[_core.Circuit, ...]) -> None:
    """Display the view in a running IPython; elsewhere write a page that lasts until exit and print its URL."""
    if _running_ipython():
        from IPython.display import HTML, display

        display(HTML(options.repr(*circuits)))
        return
    handle, path = tempfile.mkstemp(prefix="circuit-", suffix=".html", dir=_page_directory())
    os.close(handle)
    html_page(circuits, path, options)
    print(Path(path).as_uri())
