"""Sphinx extension: give the class's board its form and the runs that it waits for.

The page ``book/board`` holds the line ``% board``; it is replaced by the form and by the recorded
runs of the experiment as JSON, so that the browser knows what belongs to it and fits as `frontier` does.
"""

import json
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from scalinglab import experiments, runs, sweep
from scalinglab.intervals import student

PAGE = "book/board"
MARK = "% board"
FORM = Path(__file__).with_name("board.html")
EXPERIMENT = "classroom"
COLUMNS = ("id", "n_layer", "d_model", "seed", "N", "N_total", "D", "C", "budget", "L")
LEVEL = 0.95


def write(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the mark; the page depends on the recorded table and on the form."""
    if docname != PAGE:
        return
    for path in (FORM, runs.TABLES / f"{EXPERIMENT}.parquet"):
        app.env.note_dependency(str(path))
    form = FORM.read_text(encoding="utf-8").replace(MARK, json.dumps(record(), separators=(",", ":")))
    source[0] = source[0].replace(MARK, f"```{{raw}} html\n{form}\n```")


def record() -> dict[str, Any]:
    """The recorded runs in their order, what they cost, and Student's factor by the number of points."""
    table = runs.load(EXPERIMENT)[[*COLUMNS]]
    configs = experiments.load(EXPERIMENT).configs
    if [config.id for config in configs] != table["id"].tolist():
        raise ValueError(
            f"tables/{EXPERIMENT}.parquet does not hold the runs of the experiment {EXPERIMENT!r}; "
            f"make it again: python -m scalinglab sweep {EXPERIMENT} --record"
        )
    return {
        "experiment": EXPERIMENT,
        "columns": COLUMNS,
        "rows": table.to_numpy(dtype=object).tolist(),
        "costs": [*map(sweep.cost, configs)],
        "student": [student(LEVEL, spare) for spare in range(1, len(table) + 1)],
    }


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
