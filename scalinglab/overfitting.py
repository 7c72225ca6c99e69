"""Over-fitting measured: where runs should have stopped, and what a lack of different tokens costs."""

import dataclasses

import numpy as np
import pandas as pd

from scalinglab.intervals import Band, student
from scalinglab.runs import check


def stopped_early(runs: pd.DataFrame) -> pd.DataFrame:
    """Find the lowest held-out loss of each size on each amount of data.

    Parameters
    ----------
    runs
        One row per run, with ``N``, ``U`` different tokens, ``L_best`` and ``D_best``, as
        `train.train` gives them.

    Returns
    -------
    DataFrame
        ``N``, ``U``, ``L`` (lowest over runs and over each run's evaluations), ``D`` (tokens seen
        until then) and ``epochs``, ``D / U``.

    Examples
    --------
    >>> table = pd.DataFrame({"N": 1e4, "U": 1e5, "D_best": [1e5, 4e5], "L_best": [2.0, 1.8]})
    >>> stopped_early(table)
             N         U    L         D  epochs
    0  10000.0  100000.0  1.8  400000.0     4.0
    """
    check(runs, needs=["N", "U", "L_best", "D_best"])
    lowest = runs.loc[runs.groupby(["N", "U"])["L_best"].idxmin(), ["N", "U", "L_best", "D_best"]]
    lowest = lowest.rename(columns={"L_best": "L", "D_best": "D"}).reset_index(drop=True)
    return lowest.assign(epochs=lowest["D"] / lowest["U"])


def repetition(runs: pd.DataFrame) -> pd.DataFrame:
    """Find what repeating costs: the loss of each run that repeats, over that of fresh text.

    Parameters
    ----------
    runs
        One row per run, with ``N``, ``U``, ``D``, ``L`` and ``L_best``. Runs that see each token once
        are the fresh ones; each size needs some on both sides of every ``D`` that it repeats to.

    Returns
    -------
    DataFrame
        One row per run that repeats: ``N``, ``U``, ``D``, ``epochs``, ``L`` (the lowest of the run),
        ``fresh`` (loss of the size after ``D`` fresh tokens, logarithms interpolated over fresh
        lengths) and ``price``, ``L / fresh - 1``. Equal size, equally many tokens seen: only the
        number of different ones differs.

    Examples
    --------
    >>> table = pd.DataFrame({"N": 1e4, "U": [1e5, 4e5, 1e5], "D": [1e5, 4e5, 4e5], "L": [2.0, 1.6, 1.68]})
    >>> repetition(table.assign(L_best=table["L"])).price.round(3).tolist()
    [0.05]
    """
    check(runs, needs=["N", "U", "D", "L", "L_best"])
    once = runs["D"] <= 1.001 * runs["U"]
    repeated = []
    for N, part in runs[~once].groupby("N"):
        fresh = np.log(runs.loc[once & (runs["N"] == N), ["D", "L"]].astype(float)).sort_values("D")
        seen = np.log(part["D"].to_numpy(dtype=float))
        if fresh.empty or seen.min() < fresh["D"].min() - 0.01 or seen.max() > fresh["D"].max() + 0.01:
            raise ValueError(
                f"N={N}: fresh runs do not reach as far as the repeated ones; train some of each"
            )
        part = part.assign(fresh=np.exp(np.interp(seen, fresh["D"], fresh["L"])))
        repeated.append(part.assign(L=part["L_best"], epochs=(part["D"] / part["U"]).round().astype(int)))
    table = pd.concat(repeated).sort_values(["U", "epochs", "N"], ignore_index=True)
    table["price"] = table["L"] / table["fresh"] - 1
    return table[["N", "U", "D", "epochs", "L", "fresh", "price"]]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PriceFit:
    """``price = k N**in_N / U**in_U``: how over-fitting grows with size and fades with data.

    Attributes
    ----------
    k, in_N, in_U
        The constants.
    p
        ``in_N / in_U``: data that keep the price constant grow as ``N**p``.
    bands
        Intervals of ``in_N``, ``in_U`` and ``p`` by name.
    n
        Number of runs.
    """

    k: float
    in_N: float
    in_U: float
    p: float
    bands: dict[str, Band]
    n: int

    def __call__(self, *, N, U):
        """Share that is added to the loss of ``N`` parameters on ``U`` different tokens."""
        return self.k * N**self.in_N / U**self.in_U


def price_of_size(prices: pd.DataFrame, *, n: int = 1000, seed: int = 0, level: float = 0.95) -> PriceFit:
    """Fit ``price = k N**in_N / U**in_U`` by least squares of logarithms, with intervals.

    Parameters
    ----------
    prices
        Columns ``N``, ``U`` and ``price``, all positive: leave out what does not rise above noise.
    n, seed, level
        Resampled tables (residuals drawn with replacement, widened as their number demands), seed, level.

    Raises
    ------
    KeyError, ValueError
        A column is missing, a price is not positive, or there are fewer than five runs.

    Notes
    -----
    The form is Kaplan et al. 2020, equation 4.3, where the price is small: there ``in_U`` is 1
    and ``in_N`` is ``alpha_N / alpha_D``.

    Examples
    --------
    >>> N, U = (x.ravel() for x in np.meshgrid([1e4, 1e5, 1e6], [1e5, 1e6]))
    >>> found = price_of_size(pd.DataFrame({"N": N, "U": U, "price": 3.0 * N**0.74 / U}))
    >>> round(found.in_N, 2), round(found.in_U, 2), round(found.p, 2)
    (0.74, 1.0, 0.74)
    """
    check(prices, needs=["N", "U", "price"])
    spare = len(prices) - 3
    if spare < 2:
        raise ValueError(f"{len(prices)} runs for three constants; take five at least")
    X = np.column_stack([np.ones(len(prices)), np.log(prices["N"]), -np.log(prices["U"])])
    y = np.log(prices["price"].to_numpy(dtype=float))
    solve = np.linalg.pinv(X)
    c = solve @ y
    wide = (y - X @ c) * np.sqrt(len(y) / spare) * student(level, spare)
    drawn = c + np.random.default_rng(seed).choice(wide, size=(n, len(y))) @ solve.T
    tail = (1 - level) / 2
    of = {"in_N": drawn[:, 1], "in_U": drawn[:, 2], "p": drawn[:, 1] / drawn[:, 2]}
    ends = {name: np.quantile(values, [tail, 1 - tail]) for name, values in of.items()}
    bands = {name: Band(low=float(low), high=float(high), level=level) for name, (low, high) in ends.items()}
    return PriceFit(
        k=float(np.exp(c[0])), in_N=float(c[1]), in_U=float(c[2]), p=float(c[1] / c[2]), bands=bands, n=len(y)
    )
