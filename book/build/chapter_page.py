"""Sphinx extension: what the page of a chapter needs beyond its source.

After an edit of the package a chapter is executed anew; Sphinx, which looks at the source alone,
would keep the page with the old numbers.  And the theme offers the executed notebook only where
a server is configured that can open it.
"""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

FOLDER = "notebooks/"


def depend_on_outputs(app: Sphinx, docname: str, source: list[str]) -> None:
    """Make the note of the last execution a dependency of the page."""
    record = Path(app.srcdir) / "_build" / "execution" / f"{Path(docname).name}.json"
    if docname.startswith(FOLDER) and record.exists():
        app.env.note_dependency(str(record))


def offer_notebook(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Let the theme's download button offer the notebook that downloads.py writes."""
    if pagename.startswith(FOLDER):
        context["ipynb_source"] = f"{pagename}.ipynb"


def list_anew(app: Sphinx, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Set the list of references again with any page that may cite: it lists what is cited."""
    return ["book/references"] if added | changed | removed else []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", depend_on_outputs)
    app.connect("env-get-outdated", list_anew)
    app.connect("html-page-context", offer_notebook, priority=400)  # before the theme makes the button
    return {"parallel_read_safe": True, "parallel_write_safe": True}
