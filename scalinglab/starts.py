"""Where single descents end: why a fit needs many starts."""

from typing import Any

import numpy as np
import pandas as pd

from scalinglab.fit import fit_law
from scalinglab.laws.law import parameters


def descents(Law: Any, runs: pd.DataFrame, *, n: int = 30, seed: int = 0) -> pd.DataFrame:
    """Descend from ``n`` starts, each by itself, with L-BFGS at its default tolerances.

    Parameters
    ----------
    Law
        Class of the law, as ``laws.Chinchilla``.
    runs
        Table that is fitted.
    n, seed
        Starts, drawn evenly over the declared range of each parameter (of its logarithm, where
        that is its scale), and their seed.

    Returns
    -------
    DataFrame
        One row per start, lowest first: ``times``, the loss in units of the least that
        ``fit_law`` finds, and the parameters where it stopped.

    Examples
    --------
    >>> from scalinglab.laws import SizeLaw
    >>> table = pd.DataFrame({"N": [1e3, 1e4, 1e5, 1e6], "L": [4.0, 3.1, 2.2, 1.7]})
    >>> descents(SizeLaw, table, n=3).columns.tolist()
    ['times', 'N_c', 'alpha_N']
    """
    least = fit_law(Law, runs).objective
    rng, rows = np.random.default_rng(seed), []
    for _ in range(n):
        start = {}
        for p in parameters(Law):
            share = rng.random()
            low, high = p.low, p.high
            start[p.name] = low * (high / low) ** share if p.scale == "log" else low + share * (high - low)
        found = fit_law(Law, runs, solver="lbfgs", start=Law(**start))
        rows.append(
            {"times": found.objective / least} | {p.name: getattr(found.law, p.name) for p in parameters(Law)}
        )
    return pd.DataFrame(rows).sort_values("times", ignore_index=True)
