"""Sphinx extension: write the papers' claims and our fits into their page, from the recorded runs.

The page ``book/claims`` holds lines ``% claims PART`` and ``% splits``; each is replaced by a table
that `scalinglab.claims` fits anew, so that no number of it is written twice.
"""

import re
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pandas as pd
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from scalinglab import claims, runs

PAGE = "book/claims"
MARK = re.compile(r"^% claims (\w[\w ]*)$", flags=re.MULTILINE)
FITTED: dict[str, Future] = {}
"""The tables of a part that are being fitted, by its name."""


def fit(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Begin to fit in a process beside, while other pages are read."""
    if PAGE in docnames:
        beside = ProcessPoolExecutor(1)
        for part in MARK.findall(Path(env.doc2path(PAGE)).read_text("utf-8")):
            FITTED[part] = beside.submit(claims.part, part)
        FITTED["splits"] = beside.submit(claims.splits)
        beside.shutdown(wait=False)


def write(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the marks; the page depends on the recorded runs and on the package."""
    if docname != PAGE:
        return
    package = Path(claims.__file__).parent
    for path in [*package.glob("*.py"), *package.glob("laws/*.py"), *runs.TABLES.glob("*.parquet")]:
        app.env.note_dependency(str(path))
    text = MARK.sub(lambda mark: markdown(FITTED[mark[1]].result()), source[0])
    source[0] = text.replace("% splits", markdown(FITTED["splits"].result()))


def markdown(table: pd.DataFrame) -> str:
    """A table as MyST reads it."""
    head = "| " + " | ".join(table.columns) + " |\n|" + " --- |" * len(table.columns)
    return "\n".join(
        [head, *("| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False))]
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("env-before-read-docs", fit)
    app.connect("source-read", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
