"""What a fit to small budgets says of larger ones, beside what came out there."""

from typing import Any

import numpy as np
import pandas as pd

from scalinglab.fit import bootstrap, fit_law, isoflop
from scalinglab.laws.law import outputs
from scalinglab.runs import check


def lowest(runs: pd.DataFrame) -> pd.DataFrame:
    """Pick the size of the lowest loss at each budget; seeds are averaged.

    Parameters
    ----------
    runs
        Table with the columns ``budget``, ``N``, ``D``, ``C`` and ``L``.

    Returns
    -------
    DataFrame
        Those columns, one row per budget.

    Examples
    --------
    >>> table = pd.DataFrame({"budget": 1e10, "N": [1e3, 1e3, 2e3], "D": 1e5, "L": [2.0, 2.2, 2.15]})
    >>> lowest(table.assign(C=table["budget"]))
             budget       N         D             C    L
    0  1.000000e+10  1000.0  100000.0  1.000000e+10  2.1
    """
    check(runs, needs=["budget", "N", "D", "C", "L"])
    means = runs.groupby(["budget", "N"], as_index=False)[["D", "C", "L"]].mean()
    return means.loc[means.groupby("budget")["L"].idxmin()].reset_index(drop=True)


def forecasts(
    Law: Any,
    runs: pd.DataFrame,
    targets: pd.DataFrame,
    *,
    least: int = 2,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Fit a law to all budgets up to each in turn, and predict the targets.

    Parameters
    ----------
    Law
        Class of the law, as ``laws.Chinchilla``.
    runs
        Table to be fitted, with a column ``budget``.
    targets
        Runs to be predicted, with a column ``budget``; smaller and larger ones.
    least
        Budgets in the first fit.
    n, seed
        Resampled runs behind each interval, and their seed; ``n=0`` leaves intervals out.
    level
        Of the intervals, which are for a single new run.

    Returns
    -------
    DataFrame
        One row per fit and target: largest ``fitted`` budget; its ``fit_error``, the root mean
        square of the residuals in percent; the target's ``budget``, how far it ``reach``es
        beyond the fit (a factor), its ``L``; ``predicted``, ``low``, ``high``; ``off``, predicted
        above measured in percent; whether the interval ``held``.

    Raises
    ------
    KeyError, ValueError
        A column is missing or a value cannot be used; fewer budgets than ``least``.

    Examples
    --------
    >>> from scalinglab.laws import ComputeLaw
    >>> table = pd.DataFrame({"C": [1e9, 1e10, 1e11, 1e12], "L": [4.0, 3.0, 2.25, 1.8]})
    >>> table["budget"] = table["C"]
    >>> found = forecasts(ComputeLaw, table[:3], table, least=3, n=0)
    >>> print(f"{found['off'].iloc[-1]:.2f} % at {found['reach'].iloc[-1]:g} times the compute")
    -6.25 % at 10 times the compute
    """
    check(runs, needs=["budget"])
    check(targets, needs=["budget"])
    budgets = np.sort(runs["budget"].unique())
    if len(budgets) < least:
        raise ValueError(
            f"{len(budgets)} budgets, but the first fit is of {least}: train more, or ask for fewer"
        )
    tables = []
    for largest in budgets[least - 1 :]:
        seen = runs[runs["budget"] <= largest]
        found = fit_law(Law, seen)
        columns = {name: targets[column].to_numpy(dtype=float) for name, column in found.mapping.items()}
        measured = columns.pop(outputs(Law)[0])
        with np.errstate(all="ignore"):  # a law without a minimum may have parameters of any size
            predicted = found.law(**columns)
        low = high = np.full(len(targets), np.nan)
        if n:
            spread = bootstrap(found, seen, n=n, seed=seed, level=level)
            low, high = map(np.atleast_1d, spread.predict(noise=True, **columns))
        table = pd.DataFrame({"fitted": largest, "budget": targets["budget"].to_numpy(), "L": measured})
        table["reach"] = table["budget"] / largest
        table["fit_error"] = 100 * float(np.sqrt(np.mean(found.residuals**2)))
        table = table.assign(predicted=predicted, low=low, high=high)
        table["off"] = 100 * (predicted / measured - 1)
        tables.append(table.assign(held=(low <= measured) & (measured <= high)))
    return pd.concat(tables, ignore_index=True)


def sizes(runs: pd.DataFrame, *, least: int = 2, n: int = 300) -> pd.DataFrame:
    """Forecast the best size by bowls at smaller budgets, in units of the bottom measured at each.

    Parameters
    ----------
    runs
        Table with the columns ``budget``, ``N``, ``D`` and ``L``.
    least
        Budgets in the first fit.
    n
        Resampled tables behind the 95 % intervals.

    Returns
    -------
    DataFrame
        Columns ``fitted``, ``budget``, ``reach``, ``ratio``, ``low``, ``high``. The
        measured bottoms are taken as they are, their own noise left out.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024
    >>> from scalinglab.simulate import bowls_of
    >>> table = bowls_of(BESIROGLU_2024, C=[1e19, 1e20, 1e21], width=4)
    >>> found = sizes(table)
    >>> found["reach"].round(3).tolist(), found["ratio"].round(2).tolist()
    ([10.0], [1.0])
    """
    bottoms = isoflop(runs, n=0).minima
    rows = []
    for largest in np.sort(runs["budget"].unique())[least - 1 : -1]:
        found = isoflop(runs[runs["budget"] <= largest], n=n)
        for C, N in zip(bottoms["C"], bottoms["N"], strict=True):
            if C > 1.01 * largest:
                ratios = found.draws["k_N"] * C ** found.draws["a"] / N
                ends = ratios.quantile([0.025, 0.975])
                rows.append((largest, C, C / largest, found.law(C=C)[0] / N, *ends))
    return pd.DataFrame(rows, columns=["fitted", "budget", "reach", "ratio", "low", "high"])
