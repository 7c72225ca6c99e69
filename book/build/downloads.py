"""Read the chapters' stored outputs.

Sphinx itself writes notebooks without outputs when it reads the cache.
"""

import sys
from pathlib import Path

import nbformat
from chapters import Chapter
from execution import CACHE
from jupyter_cache import get_cache

RECORD_TYPE = "application/papermill.record/"


def executed(chapter: Chapter) -> nbformat.NotebookNode:
    """Join a chapter's source with its stored outputs."""
    try:
        _, notebook = get_cache(CACHE).merge_match_into_notebook(chapter.read())
    except KeyError:
        sys.exit(f"{chapter.name} has no stored outputs: run book/build/execution.py first")
    return notebook


def without_records(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave out the values that were stored only to be set into the text."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if not any(kind.startswith(RECORD_TYPE) for kind in output.get("data", {}))
            ]
    return notebook


def emptied(folder: Path) -> Path:
    """Make a folder that holds no notebook of an earlier build."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    return folder
