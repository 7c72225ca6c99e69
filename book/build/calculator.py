"""Sphinx extension: give the calculator's page the constants of the laws, from the package.

The page ``book/calculator`` holds the line ``% calculator``; it is replaced by its form and by the
laws as JSON, so that the browser computes with the constants that ``planning`` has.
"""

import json
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from scalinglab import laws, planning

PAGE = "book/calculator"
MARK = "% calculator"
FORM = Path(__file__).with_name("calculator.html")
COUNTS = {"total": "all parameters", "non-embedding": "without embeddings", "": "not said which"}


def write(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the mark; the page depends on the laws and on the form."""
    if docname != PAGE:
        return
    for path in [FORM, *Path(laws.__file__).parent.glob("*.py")]:
        app.env.note_dependency(str(path))
    form = FORM.read_text(encoding="utf-8").replace(MARK, json.dumps(records()))
    source[0] = source[0].replace(MARK, f"```{{raw}} html\n{form}\n```")


def records() -> list[dict[str, Any]]:
    """Every published law that splits a budget: key, form, constants, and resampled fits if there are."""
    return [record(key, law) for key, law in laws.instances().items() if splits(law)]


def splits(law: Any) -> bool:
    """Say whether a budget can be split with a law, with or without a limit of unique tokens."""
    for limit in (None, 1e10):
        try:
            planning.allocate(law, C=1e21, U=limit)
        except (TypeError, ValueError):
            continue
        return True
    return False


def record(key: str, law: Any) -> dict[str, Any]:
    """A law as the page's script reads it."""
    names = [p.name for p in laws.parameters(law)]
    draws = planning.recorded_draws(law)
    return {
        "key": key,
        "name": key,
        "form": type(law).__name__,
        "counts": COUNTS[law.n_convention],
        "parameters": {name: float(getattr(law, name)) for name in names},
        "draws": None if draws is None else draws[names].to_numpy().tolist(),
    }


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
