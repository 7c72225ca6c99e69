"""Sphinx extension: what the head of each page says beside its title.

It has the browser fetch fonts first and wait for them a little, as letters that arrive after the
first paint move every line below them (a page that is opened from a disk may not fetch ahead).
Previews of links say the question of a chapter, as its card on the first page does, and name the
address under which the book is published (`baseurl` in _config.yml).
"""

import html
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

FONTS = {
    "source-serif-4-wght-normal": "1em 'Source Serif 4'",
    "source-serif-4-wght-italic": "italic 1em 'Source Serif 4'",
    "source-sans-3-wght-normal": "1em 'Source Sans 3'",
}
"""Those of the first screen, and how a style sheet asks for them; code blocks may wait for theirs."""

SCRIPT = """<script>
  {{
    const page = document.documentElement, after = ms => new Promise(done => setTimeout(done, ms));
    page.classList.add("waits-for-fonts");
    const disk = location.protocol === "file:", ahead = disk ? [] : [{addresses}];
    const come = ahead.map(href => new Promise(done =>
      document.head.append(Object.assign(document.createElement("link"), {{rel: "preload", as: "font",
        type: "font/woff2", crossOrigin: "", href, onload: done, onerror: done}}))));
    const named = async () => {{ while (!document.fonts.size) await after(10); }};  // by the style sheet
    const ready = Promise.all(come).then(named)
      .then(() => Promise.all([{names}].map(name => document.fonts.load(name)))).then(() => "has-fonts");
    Promise.race([ready, after(disk ? {disk} : {network}).then(() => "keeps-readers-fonts")])
      .then(now => page.classList.replace("waits-for-fonts", now));
  }}
</script>
"""

PATIENCE = {"network": 800, "disk": 5000}
"""Milliseconds after which a page is shown in the reader's own fonts, and keeps them."""


CARD = re.compile(r"^:::\{grid-item-card\} (\d+) · (.*)\n(?::.*\n)*(.*)$", re.M)


def questions(intro: str) -> dict[int, str]:
    r"""Read what the cards of the first page say, by chapter.

    Examples
    --------
    >>> questions(":::{grid-item-card} 3 · What is lost?\n:link: ch\nAll of it.\n:::")
    {3: 'What is lost? All of it.'}
    """
    return {int(number): f"{question} {more}" for number, question, more in CARD.findall(intro)}


def describe(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Describe a chapter to search engines and to previews by its card."""
    chapter = re.match(r"notebooks/(\d+)_", pagename)
    if chapter:
        intro = (Path(app.srcdir) / "book" / "intro.md").read_text("utf-8")
        said = html.escape(questions(intro)[int(chapter[1])])
        context["metatags"] += f'<meta name="description" content="{said}" />\n'
        context["meta"] = {**(context["meta"] or {}), "og:description": said}


def fetch_fonts(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the script before all style sheets."""
    address = context["pathto"]
    addresses = ", ".join(f'"{address(f"_static/fonts/{name}.woff2", 1)}"' for name in FONTS)
    names = ", ".join(f'"{name}"' for name in FONTS.values())
    script = SCRIPT.format(addresses=addresses, names=names, **PATIENCE)
    context["metatags"] = script + context.get("metatags", "")


def name_the_site(app: Sphinx, config: Any) -> None:
    """Give the extension for previews the address that the other settings have."""
    config.ogp_site_url = config.html_baseurl


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", name_the_site)
    app.connect("html-page-context", describe, priority=400)  # before the previews are made
    app.connect("html-page-context", fetch_fonts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
