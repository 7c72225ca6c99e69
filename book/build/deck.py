"""A deck of slides as text: Markdown that takes figures, formulas and numbers from the chapters.

Slides stand between lines ``---`` and begin with a title, ``# `` on the first and ``## `` on the others.
A picture without words names a thing of a chapter: ``![](fig-seven-bowls)``, ``![](chart-07)``,
``![](eq-chinchilla)``, ``![](takeaway-07)``.  Numbers and citations are written as in the chapters.
``Notes: 3 minutes`` begins what the speaker says, and how long it takes.
"""

import dataclasses
import difflib
import functools
import html
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from chapters import ROOT
from charts import element
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_role import myst_role_plugin
from myst_nb.core.variables import format_plain_text
from pybtex.database import Entry, parse_file
from shelf import Chart, Figure, Formula, Shelf, Takeaway

NOTES = re.compile(r"^Notes: (\d+) minutes?$")
WIDE = 1.7
"""A figure that is wider than so many times its height stands above the words, not beside them."""
LETTERS = {"labelFontSize": 13, "titleFontSize": 14, "labelLimit": 400}
"""Larger than in the book: a slide is read from the back row."""
ROOM = {True: 300, False: 230}
"""How high a chart may be, by itself on its slide or beside words."""


class SlideError(ValueError):
    """A deck asks for something that is not there, or is not written as a deck."""


@dataclasses.dataclass
class Slide:
    """One slide: what stands on it as HTML, what is said, how long, and from which chapters it is."""

    line: int
    title: str = ""
    blocks: list[str] = dataclasses.field(default_factory=list)
    figure: str = ""
    aspect: float = 0.0
    notes: str = ""
    minutes: int = 0
    chapters: set[int] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(frozen=True)
class Deck:
    """All slides of a part, and the keys of what they cite, in order."""

    name: str
    slides: list[Slide]
    cited: list[str]

    @property
    def minutes(self) -> int:
        """What the notes add up to."""
        return sum(slide.minutes for slide in self.slides)


def read(path: Path, shelf: Shelf) -> Deck:
    """Read a deck and put everything in its place.

    Raises
    ------
    SlideError
        Names deck, line and remedy: a thing, a number or a paper that is not there, a slide without
        a title or without notes, notes without minutes.
    """
    reader = Reader(path.stem, shelf)
    lines = path.read_text("utf-8").splitlines()
    starts = [0, *(number for number, line in enumerate(lines, 1) if line == "---")]
    slides = [
        reader.slide(lines[start : end - 1], start)
        for start, end in zip(starts, [*starts[1:], len(lines) + 1], strict=True)
    ]
    return Deck(path.stem, slides, list(dict.fromkeys(reader.cited)))


@functools.cache
def papers() -> dict[str, Entry]:
    """Read the book's references."""
    return dict(parse_file(str(ROOT / "book" / "references.bib")).entries)


def short(entry: Entry) -> str:
    """Name a paper by author and year, as one says it.

    Examples
    --------
    >>> short(papers()["kaplan2020"]), short(papers()["pearce2024"])
    ('Kaplan et al. 2020', 'Pearce and Song 2024')
    """
    names = [
        " ".join(person.prelast_names + person.last_names).strip("{}")
        for person in entry.persons.get("author", [])
    ]
    if len(names) > 2 or names[-1:] == ["others"]:
        names = [f"{names[0]} et al."]
    return f"{' and '.join(names)} {entry.fields['year']}"


def linked(text: str, entry: Entry) -> str:
    """Make words a link to a paper, if there is a place to link to."""
    doi = entry.fields.get("doi")
    address = entry.fields.get("url") or (f"https://doi.org/{doi}" if doi else "")
    return f'<a href="{html.escape(address)}">{html.escape(text)}</a>' if address else html.escape(text)


class Reader:
    """Sets the slides of one deck, and remembers what they cite."""

    def __init__(self, name: str, shelf: Shelf) -> None:
        self.name, self.shelf, self.cited = name, shelf, list[str]()
        self.current, self.figure = Slide(0), Figure(b"", "", "")
        self.markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
        self.markdown.use(dollarmath_plugin, allow_digits=True, renderer=formula).use(myst_role_plugin)

    def slide(self, lines: list[str], start: int) -> Slide:
        """Set one slide, whose first line follows line ``start`` of the deck."""
        noted = [number for number, line in enumerate(lines) if line.startswith("Notes:")]
        first = next((number for number, line in enumerate(lines) if line), 0)
        self.current = Slide(start + first + 1)
        if not lines or not re.match(r"##? \S", lines[first]):
            self.fail(start + first + 1, "a slide without a title", "begin it with '## ' and what it claims")
        if len(noted) != 1 or not (timed := NOTES.match(lines[noted[0]])):
            self.fail(
                start + (noted[0] if noted else first) + 1,
                "a slide without notes, or notes without a time",
                "put one line 'Notes: 3 minutes' below it, and what is said after that",
            )
        self.current.minutes = int(timed[1])
        self.current.title = lines[first].lstrip("# ")
        self.current.blocks = list(self.blocks(lines[: noted[0]], start))
        if name := self.current.figure:
            self.current.figure = drawn(name, self.figure, alone=not any(self.current.blocks[1:]))
        self.current.notes = "".join(self.blocks(lines[noted[0] + 1 :], start + noted[0] + 1))
        return self.current

    def blocks(self, lines: list[str], start: int) -> Iterable[str]:
        """Set the blocks of a piece of Markdown; a picture by itself is a thing of a chapter."""
        tokens, block = self.markdown.parse("\n".join(lines)), list[Token]()
        for token in tokens:
            block.append(token)
            if token.type == "inline":
                self.inline(token, start + (token.map or [0])[0] + 1)
            if token.level == 0 and token.nesting < 1:
                alone = block[1].children if len(block) == 3 else None
                if alone and [child.type for child in alone] == ["image"]:
                    yield self.thing(alone[0].attrs["src"], start + (block[0].map or [0])[0] + 1)
                else:
                    yield self.markdown.renderer.render(block, self.markdown.options, {})
                block = []

    def inline(self, token: Token, line: int) -> None:
        """Put numbers and citations in the place of their roles."""
        for child in token.children or []:
            line += child.type in ("softbreak", "hardbreak")
            if child.type == "myst_role":
                child.type, child.content = "html_inline", self.role(child, line)

    def role(self, token: Token, line: int) -> str:
        """Set a number or the names of papers."""
        name, content = token.meta["name"], token.content
        known: dict[str, Callable[[str, int], str]] = {"glue:text": self.number, "cite": self.citation}
        if name not in known:
            self.fail(line, f"the role {{{name}}}", "slides know {glue:text} and {cite} only")
        return known[name](content, line)

    def number(self, content: str, line: int) -> str:
        """Set a number of a chapter in the format that follows its key."""
        key, _, form = content.partition(":")
        self.there(key, self.shelf.numbers, line, "number", "glue it in the chapter")
        chapter, value = self.shelf.numbers[key]
        self.current.chapters.add(chapter)
        try:
            return html.escape(format_plain_text(value, form or "s"))
        except ValueError as error:
            self.fail(line, f"the format {form!r} of {key} ({error})", "write it as in {glue:text}`key:.2f`")

    def citation(self, content: str, line: int) -> str:
        """Set authors and year of one or more papers, each a link to the paper."""
        keys = content.split(",")
        for key in keys:
            self.there(key, papers(), line, "paper", "add it to book/references.bib")
        self.cited += keys
        named = ", ".join(linked(short(papers()[key]), papers()[key]) for key in keys)
        return f'<span class="cite">({named})</span>'

    def thing(self, name: str, line: int) -> str:
        """Set a figure, a chart, a formula or a takeaway; figures and charts are kept apart."""
        self.there(name, self.shelf.things, line, "thing", "name it in the chapter, or run the chapter")
        chapter, thing = self.shelf.things[name]
        self.current.chapters.add(chapter)
        if isinstance(thing, Formula):
            return f'<div class="math block">{formula(thing.tex, {"display_mode": True})}</div>'
        if isinstance(thing, Takeaway):
            said = "".join(self.blocks(thing.text.splitlines(), line))
            return f'<div class="takeaway">{said}</div>'
        if self.current.figure:
            self.fail(line, f"a second figure, {name}", "one figure a slide: begin another slide")
        self.current.figure, self.figure = name, thing
        self.current.aspect = thing.aspect if isinstance(thing, Figure) else WIDE
        return ""

    def there(self, key: str, kept: Iterable[str], line: int, kind: str, remedy: str) -> None:
        """Insist that a name is known; say which known one is like it."""
        if key not in set(kept):
            near = difflib.get_close_matches(key, kept, 1)
            hint = f"; do you mean {near[0]!r}?" if near else ""
            self.fail(line, f"there is no {kind} {key!r}", remedy + hint)

    def fail(self, line: int, what: str, remedy: str) -> None:
        """Stop with the place in the deck and what to do."""
        raise SlideError(f"book/slides/{self.name}.md, line {line}: {what}; {remedy}")


def formula(tex: str, how: dict[str, bool]) -> str:
    """Write a formula as MathJax finds it."""
    opening, closing = (r"\[", r"\]") if how["display_mode"] else (r"\(", r"\)")
    return opening + html.escape(tex) + closing


def drawn(name: str, thing: Figure | Chart, *, alone: bool) -> str:
    """Set a picture with its caption, or a chart with larger letters."""
    if isinstance(thing, Figure):
        alt, caption = html.escape(thing.alt), html.escape(thing.caption)
        picture = f'<img src="static/{name}.png" alt="{alt}">'
        return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"
    config = thing.spec.get("config", {})
    larger = {part: {**config.get(part, {}), **LETTERS} for part in ("axis", "legend", "header")}
    height = min(thing.spec.get("height", ROOM[alone]), ROOM[alone])
    return element({**thing.spec, "height": height, "config": {**config, **larger}})
