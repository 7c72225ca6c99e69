"""Set the slides, one deck for each part of the book, into _build/slides: they need no network.

The decks of book/slides take figures, formulas and numbers from the chapters; reveal.js shows them.
"""

import html
import re
import shutil
from pathlib import Path
from string import Template

import shelf
from chapters import BUILD, ROOT
from deck import WIDE, Deck, Slide, SlideError, linked, papers, read, short
from offline import CHART, copy_mathjax, home, write_vega

SOURCES = ROOT / "book" / "slides"
SITE = BUILD / "slides"
ORDER = ("kaplan", "chinchilla", "emergence", "other_factors")
REVEAL = ("dist/reveal.css", "dist/reset.css", "dist/reveal.js", "LICENSE")
OWN = ("slides/slides.css", "slides/slides.js", "static/course.css", "static/charts.js", "static/favicon.svg")
KEYS = (
    '<p class="keys">S notes, O all slides, F whole screen, D light or dark; '
    '<a href="index.html">all decks</a></p>'
)
LISTED = 10
"""So many sources stand on one slide."""


def section(slide: Slide, first: bool) -> str:
    """One slide: its words, its figure above or beside them, where it is from, what is said."""
    heading, *rest = slide.blocks
    words = f'<div class="words">{"".join(rest)}</div>' if any(rest) else ""
    if first:
        words += KEYS
    beside = bool(words and slide.figure and slide.aspect < WIDE)
    inside = f"{words}{slide.figure}" if beside else f"{slide.figure}{words}"
    plain = "stacked" if slide.figure or "math block" in words else "text"
    kind = "title" if first else "beside" if beside else plain
    numbers = sorted(slide.chapters)
    chapters = f"Chapter{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}" if numbers else ""
    return (
        f'<section class="{kind}" data-minutes="{slide.minutes}">{heading}<div class="inside">{inside}</div>'
        f'<p class="from">{chapters}</p>'
        f'<aside class="notes"><p><strong>{slide.minutes} min.</strong></p>{slide.notes}</aside></section>'
    )


def sources(cited: list[str]) -> str:
    """The last slides: every paper that the deck cites."""
    entries = sorted((papers()[key] for key in cited), key=short)
    lines = [
        f"<li>{html.escape(short(entry))}: {linked(re.sub('[{}]', '', entry.fields['title']), entry)}</li>"
        for entry in entries
    ]
    pages = [lines[at : at + LISTED] for at in range(0, len(lines), LISTED)]
    return "".join(
        f'<section class="stacked sources"><h2>Sources</h2><ul>{"".join(page)}</ul></section>'
        for page in pages
    )


def page(deck: Deck) -> str:
    """The whole deck as a page."""
    slides = "".join(section(slide, number == 0) for number, slide in enumerate(deck.slides))
    scripts = ("lib/vega-bundle.js", "charts.js") if CHART in slides else ()
    return Template((SOURCES / "deck.html").read_text("utf-8")).substitute(
        title=html.escape(deck.slides[0].title),
        slides=slides + sources(deck.cited),
        scripts="".join(f'<script defer src="static/{script}"></script>' for script in scripts),
    )


def index(decks: list[Deck]) -> str:
    """The page that lists the decks."""
    cards = "".join(
        f'<li><a href="{deck.name}.html">{html.escape(deck.slides[0].title)}</a> '
        f"<span>{len(deck.slides)} slides, {deck.minutes} minutes</span></li>"
        for deck in decks
    )
    return Template((SOURCES / "index.html").read_text("utf-8")).substitute(decks=cards)


def copy_static(static: Path) -> None:
    """Put what all decks share beside them; libraries that are there stay."""
    static.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "book" / "static" / "fonts", static / "fonts", dirs_exist_ok=True)
    for name in OWN:
        shutil.copy(ROOT / "book" / name, static)
    (static / "reveal").mkdir(exist_ok=True)
    for name in REVEAL:
        shutil.copy(home("sphinx_revealjs") / "_static" / "revealjs" / name, static / "reveal")
    if not (static / "mathjax").exists():
        copy_mathjax(static)
    if not (static / "lib").exists():
        write_vega(static / "lib" / "vega-bundle.js")


def write() -> Path:
    """Set all decks; a deck that asks for what is not there stops it."""
    kept = shelf.shelf()
    decks = [read(SOURCES / f"{name}.md", kept) for name in ORDER]
    copy_static(SITE / "static")
    for deck in decks:
        text = page(deck)
        for name, (_, thing) in kept.things.items():
            if f"static/{name}.png" in text and isinstance(thing, shelf.Figure):
                (SITE / "static" / f"{name}.png").write_bytes(thing.png)
        (SITE / f"{deck.name}.html").write_text(text, encoding="utf-8")
        print(f"  {deck.name}: {len(deck.slides)} slides, {deck.minutes} minutes", flush=True)
    (SITE / "index.html").write_text(index(decks), encoding="utf-8")
    return SITE / "index.html"


if __name__ == "__main__":
    try:
        print(f"Show them: {write().as_uri()}")
    except SlideError as error:
        raise SystemExit(f"{error}\nThe slides were not set.") from None
