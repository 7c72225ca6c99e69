"""Sphinx extension: gather the charts that answer to a control from all chapters on one page.

The line ``% figures`` of the page ``book/figures`` becomes one section per chapter: its question as
the introduction asks it, and the charts of its stored outputs.
"""

import re
from pathlib import Path
from typing import Any

import downloads
import nbformat
from chapters import ROOT, find
from charts import element
from sphinx.application import Sphinx

from scalinglab.widget import LAB_TYPE

PAGE = "book/figures"
MARK = "% figures"
CARD = re.compile(r"\{grid-item-card\} (\d+) · (.+)\n:link: (\S+)")


def write(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the mark; the page depends on every chapter's outputs and on their questions."""
    if docname != PAGE:
        return
    introduction = ROOT / "book" / "intro.md"
    for path in [introduction, *(chapter.record for chapter in find())]:
        app.env.note_dependency(str(path))
    source[0] = source[0].replace(MARK, sections(introduction))


def sections(introduction: Path) -> str:
    """One section for each chapter that has such a chart."""
    asked = {
        int(n): (question, label) for n, question, label in CARD.findall(introduction.read_text("utf-8"))
    }
    parts = []
    for chapter in find():
        specs = charts(downloads.executed(chapter))
        question, label = asked[int(chapter.name[:2])]
        drawn = "\n\n".join(
            f"```{{raw}} html\n{element(spec)}\n```\n\n{spec['description']}" for spec in specs
        )
        if drawn:
            parts.append(f"## {question}\n\nChapter {int(chapter.name[:2])}, {{ref}}`{label}`.\n\n{drawn}\n")
    return "\n".join(parts)


def charts(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """Find the charts among the outputs of a chapter."""
    return [
        output["data"][LAB_TYPE]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if LAB_TYPE in output.get("data", {})
    ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
