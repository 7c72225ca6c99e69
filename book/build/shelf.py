"""What the chapters hold for the slides, by name: figures, charts, formulas, takeaways and numbers.

All of it comes from the chapters' sources and stored outputs, so that a slide shows what the book shows.
"""

import base64
import dataclasses
import functools
import re
from typing import Any

import downloads
import nbformat
from chapters import Chapter, find
from gallery import charts

FORMULA = re.compile(r"^\$\$\n((?:(?!\$\$).*\n)+)\$\$ \((eq-[\w-]+)\)$", re.M)
TAKEAWAY = re.compile(r"^:::\{admonition\} Takeaway\n:class: takeaway\n(.*?)\n:::$", re.M | re.S)
RECORD = f"{downloads.RECORD_TYPE}text/plain"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture of a chapter, with the words that belong to it."""

    png: bytes
    alt: str
    caption: str

    @property
    def aspect(self) -> float:
        """Width over height, from the head of the file."""
        width, height = (int.from_bytes(self.png[at : at + 4], "big") for at in (16, 20))
        return width / height


@dataclasses.dataclass(frozen=True)
class Chart:
    """A Vega-Lite chart with its sliders."""

    spec: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Formula:
    """A displayed formula as TeX."""

    tex: str


@dataclasses.dataclass(frozen=True)
class Takeaway:
    """The sentence of a chapter's box."""

    text: str


Thing = Figure | Chart | Formula | Takeaway


@dataclasses.dataclass(frozen=True)
class Shelf:
    """Things to look at and numbers as they were glued, each with the number of its chapter."""

    things: dict[str, tuple[int, Thing]]
    numbers: dict[str, tuple[int, str]]


@functools.cache
def shelf() -> Shelf:
    """Gather from all chapters."""
    things: dict[str, tuple[int, Thing]] = {}
    numbers: dict[str, tuple[int, str]] = {}
    for chapter in find():
        number, notebook = int(chapter.name[:2]), downloads.executed(chapter)
        found = {**written(chapter, number), **figures(notebook)}
        for place, spec in enumerate(charts(notebook), 1):
            found[f"chart-{number:02}" + (f"-{place}" if place > 1 else "")] = Chart(spec)
        things |= {name: (number, thing) for name, thing in found.items()}
        numbers |= {key: (number, value) for key, value in glued(notebook).items()}
    return Shelf(things, numbers)


def written(chapter: Chapter, number: int) -> dict[str, Thing]:
    """Read formulas by their label and the takeaway from a chapter's source."""
    source = chapter.path.read_text("utf-8")
    found: dict[str, Thing] = {label: Formula(tex.strip()) for tex, label in FORMULA.findall(source)}
    if box := TAKEAWAY.search(source):
        found[f"takeaway-{number:02}"] = Takeaway(box[1].strip())
    return found


def figures(notebook: nbformat.NotebookNode) -> dict[str, Thing]:
    """Read the pictures that have a name, a caption and alt text."""
    found: dict[str, Thing] = {}
    for cell in notebook.cells:
        about = cell.metadata.get("mystnb", {})
        for output in cell.get("outputs", []):
            if "figure" in about and "image/png" in output.get("data", {}):
                found[about["figure"]["name"]] = Figure(
                    base64.b64decode(output["data"]["image/png"]),
                    about["image"]["alt"],
                    " ".join(about["figure"]["caption"].split()),
                )
    return found


def glued(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Read the numbers that a chapter keeps for its text, as they were printed."""
    return {
        output["metadata"]["scrapbook"]["name"]: output["data"][RECORD]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if RECORD in output.get("data", {})
    }
