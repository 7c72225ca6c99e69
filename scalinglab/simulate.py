"""Tables of known truth, and how fits fare on them."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from scalinglab.fit import bootstrap, fit_law, isoflop
from scalinglab.laws.chinchilla import Chinchilla


def bowls_of(law: Chinchilla, *, C: Any, width: float, off: Any = 1.0, sizes: int = 7) -> pd.DataFrame:
    """Runs without noise at fixed budgets ``C = 6 N D``, ``width`` times to both sides of the middle.

    Parameters
    ----------
    law
        The truth.
    C
        Budgets in FLOPs, shape (k,).
    width
        Largest size over the middle one, and the middle one over the smallest.
    off
        Middle size over the best one; a number, or one for each budget.
    sizes
        Per budget, evenly spaced in the logarithm.

    Returns
    -------
    DataFrame
        Columns ``budget``, ``N``, ``D``, ``L``, and ``best``, the law's own best size.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024
    >>> table = bowls_of(BESIROGLU_2024, C=[1e20, 1e21], width=4)
    >>> (table["N"] / table["best"]).round(2).tolist()[:7]
    [0.25, 0.4, 0.63, 1.0, 1.59, 2.52, 4.0]
    """
    C = np.asarray(C, dtype=float)
    best = np.repeat(law.optimum(C=C)[0], sizes)
    middle = best * np.repeat(np.broadcast_to(off, C.shape), sizes)
    N = middle * np.tile(np.geomspace(1 / width, width, sizes), len(C))
    D = np.repeat(C, sizes) / (6 * N)
    return pd.DataFrame({"budget": np.repeat(C, sizes), "N": N, "D": D, "L": law(N=N, D=D), "best": best})


def misplaced(
    laws: Mapping[str, Chinchilla],
    *,
    widths: Iterable[float] = (4, 8, 16, 32),
    offs: Iterable[float] = (1, 3),
    methods: Iterable[str] = ("parabola", "cubic"),
    sizes: int = 15,
) -> pd.DataFrame:
    """By how much a curve through a whole bowl misplaces its bottom, without any noise.

    Parameters
    ----------
    laws
        True laws by name.
    widths, offs, methods
        Grids as in `bowls_of`, and curves as in `fit.isoflop`; every combination.
    sizes
        Per budget; budgets are 1e20 and 1e21 FLOPs.

    Returns
    -------
    DataFrame
        Columns ``law``, ``width``, ``off``, ``method``; ``shift``, the bottom found above the
        best size in percent; ``a``, the exponent found minus the true one.

    Notes
    -----
    Source of the question: Czech et al. 2026 (arXiv:2603.22339), who fit L where we fit ln L.

    Examples
    --------
    >>> from scalinglab.laws import HOFFMANN_2022
    >>> found = misplaced({"Hoffmann": HOFFMANN_2022}, widths=[16], offs=[1])
    >>> found["shift"].round(1).tolist()
    [4.7, 0.1]
    """
    rows = []
    for (name, law), width, off, method in product(laws.items(), widths, offs, methods):
        bowls = bowls_of(law, C=[1e20, 1e21], width=width, off=off, sizes=sizes)
        found = isoflop(bowls, method=method, near=sizes, n=0)
        shift = 100 * (found.minima["N"] / law.optimum(C=found.minima["C"])[0] - 1).mean()
        rows.append((name, width, off, method, float(shift), found.a - law.a))
    return pd.DataFrame(rows, columns=["law", "width", "off", "method", "shift", "a"])


def trials(
    truth: Any,
    Law: Any,
    runs: pd.DataFrame,
    targets: pd.DataFrame,
    *,
    noise: float,
    tables: int,
    n: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Simulate ``tables`` of losses at the sizes and tokens of runs, fit a law to each, predict targets.

    Parameters
    ----------
    truth
        Law that gives the losses, called with ``N`` and ``D``.
    Law
        Class of the law that is fitted; of the same form as the truth, or not.
    runs, targets
        Columns ``N`` and ``D`` of the runs, and of what is predicted.
    noise
        Standard deviation of ``ln L``.
    tables, n, seed
        Simulated tables, resampled runs for each, seed.

    Returns
    -------
    DataFrame
        One row per table and target: number of the ``table``, ``target``, the ``true`` loss (without
        noise), ``predicted``, ends ``low`` and ``high`` of its 95 % interval, and whether it ``held``.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024, Chinchilla
    >>> runs = bowls_of(BESIROGLU_2024, C=np.geomspace(1e19, 1e21, 6), width=4)
    >>> found = trials(BESIROGLU_2024, Chinchilla, runs, runs[:1], noise=0.003, tables=2)
    >>> len(found), bool(abs(found["predicted"] / found["true"] - 1).max() < 0.01)
    (2, True)
    """
    rng = np.random.default_rng(seed)
    at = {name: targets[name].to_numpy(dtype=float) for name in ("N", "D")}
    true, clean = truth(**at), truth(N=runs["N"], D=runs["D"])
    rows = []
    for table in range(tables):
        drawn = runs.assign(L=clean * np.exp(noise * rng.standard_normal(len(runs))))
        found = fit_law(Law, drawn)
        low, high = bootstrap(found, drawn, n=n, seed=table).predict(**at)
        rows.append(
            pd.DataFrame(
                {
                    "table": table,
                    "target": np.arange(len(targets)),
                    "true": true,
                    "predicted": found.law(**at),
                    "low": low,
                    "high": high,
                }
            )
        )
    found = pd.concat(rows, ignore_index=True)
    return found.assign(held=(found["low"] <= found["true"]) & (found["true"] <= found["high"]))
