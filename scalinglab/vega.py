"""Altair, imported in a tenth of its time: ``from scalinglab.vega import alt``.

Altair's schema checker imports ``rfc3987_syntax`` where it finds it, as JupyterLab brings it along,
and that module builds a grammar of web addresses for seconds.  No chart needs it, and the checker
does without where it is not installed.
"""

import sys

_GRAMMAR = "rfc3987_syntax"
_absent = _GRAMMAR not in sys.modules
if _absent:
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # as if it were not installed
try:
    import altair as alt
finally:
    if _absent:
        del sys.modules[_GRAMMAR]

__all__ = ["alt"]
