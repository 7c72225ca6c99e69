"""Sphinx extension: write pages two at a time, and look up a plugin of the bibliography once.

Two of jupyter-book's extensions do not say whether pages may be *read* side by side, so these are
read in turn.  pybtex asks the installation for its plugins at every citation.
"""

import functools
from typing import Any

import pybtex.plugin
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.parallel = 2
    app.is_parallel_allowed = lambda typ: typ == "write"  # type: ignore[method-assign]
    pybtex.plugin.entry_points = functools.cache(pybtex.plugin.entry_points)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
