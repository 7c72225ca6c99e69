"""Sphinx extension: what the theme leaves open for readers who listen or use the keyboard.

axe-core finds four kinds of fault: controls whose spoken name differs from the visible one, a
title link that stands in no landmark, headers and buttons without a word, and a retired role.
It does not find that Chinese words, or a page in Chinese, are read out as English.
"""

import re
from pathlib import Path

from sphinx.application import Sphinx

REPAIRS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'(<button class="btn search-button-field[^>]*?) title="[^"]*" aria-label="[^"]*"'), r"\1"),
    (re.compile(r'(<button[^>]*theme-switch-button[^>]*?) aria-label="[^"]*"'), r"\1"),
    (re.compile(r'<summary aria-label="[^"]*">'), "<summary>"),
    (re.compile(r'<summary>(?=<span class="toctree-toggle")'), '<summary aria-label="Pages below this one">'),
    (re.compile(r'<dt (id="[^"]*")>(?=[A-Za-z -]*[\u4e00-\u9fff])'), r'<dt lang="zh" \1>'),
    (re.compile(r"<th></th>"), "<td></td>"),  # the corner of a DataFrame
    (re.compile(r' role="doc-biblioentry"'), ' role="listitem"'),
    (
        re.compile(
            r'<div class="sidebar-primary-item">(\s*<a class="navbar-brand logo".*?</a>)</div>',
            flags=re.DOTALL,
        ),
        r'<nav class="sidebar-primary-item" aria-label="Home">\1</nav>',
    ),
)


def repair(app: Sphinx, exception: Exception | None) -> None:
    """Rewrite the pages that were just set; those repaired before stay as they are."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        if "_static" in page.parts:
            continue
        old = new = page.read_text(encoding="utf-8")
        for pattern, replacement in REPAIRS:
            new = pattern.sub(replacement, new)
        if page.stem == "zh":
            new = re.sub(r"<article class", '<article lang="zh" class', new)
        if new != old:
            page.write_text(new, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", repair)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
