"""Over-fitting measured: where runs should have stopped, how much data is enough, what repeating costs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from scalinglab.fit import bootstrap, fit_law
from scalinglab.intervals import Band
from scalinglab.laws import EnoughDataLaw, SizeDataLaw
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


def excess(found: pd.DataFrame, *, plenty: float) -> pd.Series:
    """``L(N, U) / L(N, plenty) - 1``: the share of the loss that a lack of different tokens adds.

    Kaplan et al. 2020, equation 4.3, call it over-fitting; in place of endless data stands here
    the lowest loss of the same size on at least ``plenty`` different tokens.

    Parameters
    ----------
    found
        Columns ``N``, ``U`` and ``L``, as `stopped_early` gives them.
    plenty
        Different tokens from which on a size is taken to lack nothing.

    Raises
    ------
    ValueError
        A size has no run on so many tokens.

    Examples
    --------
    >>> table = pd.DataFrame({"N": 1e4, "U": [1e5, 1e7], "L": [1.65, 1.5]})
    >>> excess(table, plenty=4e6).round(3).tolist()
    [0.1, 0.0]
    """
    check(found, needs=["N", "U", "L"])
    best = found.loc[found["U"] >= plenty].groupby("N")["L"].min()
    over = found["L"] / found["N"].map(best) - 1
    if over.isna().any():
        lacking = found.loc[over.isna(), "N"].iloc[0]
        raise ValueError(f"N={lacking} has no run on {plenty:g} different tokens; lower plenty or train one")
    return over


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class EnoughData:
    """Different tokens at which a lack of them adds a given share to the loss, over size.

    Attributes
    ----------
    law
        ``U = k_D * N**p``.
    band
        95 % interval of ``p``: least squares over sizes, Student's t.
    share
        What the lack of data adds.
    points
        Columns ``N`` and ``U``, one row per size.
    """

    law: EnoughDataLaw
    band: Band
    share: float
    points: pd.DataFrame


def enough_data(found: pd.DataFrame, *, plenty: float, share: float = 0.05) -> EnoughData:
    """Find how much data keeps over-fitting at ``share``, size by size, and its power of the size.

    Parameters
    ----------
    found
        Columns ``N``, ``U`` and ``L``, as `stopped_early` gives them; several ``U`` for each size.
    plenty
        Different tokens from which on a size is taken to lack nothing.
    share
        The `excess` that is looked for, linear in ``ln U`` between two amounts. Sizes that never
        lack so much are left out.

    Raises
    ------
    ValueError
        Fewer than four sizes cross ``share``.

    Notes
    -----
    No form of the loss is assumed. Kaplan et al. 2020, equation 4.4, have ``p = 0.74`` from one.

    Examples
    --------
    >>> N, U = (x.ravel() for x in np.meshgrid([1e4, 1e5, 1e6, 1e7], np.geomspace(1e4, 1e8, 200)))
    >>> table = pd.DataFrame({"N": N, "U": U, "L": 1 + 2 * N**0.7 / U})
    >>> round(enough_data(table, plenty=9e7).law.p, 2)
    0.7
    """
    over = found.assign(excess=excess(found, plenty=plenty))
    rows = []
    for N, part in over.groupby("N"):
        part = part.sort_values("U")
        x, y = np.log(part["U"].to_numpy(float)), part["excess"].to_numpy(float)
        last = np.flatnonzero((y[:-1] > share) & (y[1:] <= share))
        if last.size:
            i = last[-1]
            rows.append((N, np.exp(np.interp(share, y[i : i + 2][::-1], x[i : i + 2][::-1]))))
    points = pd.DataFrame(rows, columns=["N", "U"])
    if len(points) < 4:
        raise ValueError(f"{len(points)} sizes reach an excess of {share:g}; four at least are needed")
    line = stats.linregress(np.log(points["N"]), np.log(points["U"]))
    half = stats.t.ppf(0.975, len(points) - 2) * line.stderr
    band = Band(low=float(line.slope - half), high=float(line.slope + half), level=0.95)
    law = EnoughDataLaw(k_D=float(np.exp(line.intercept)), p=float(line.slope))
    return EnoughData(law=law, band=band, share=share, points=points)


def joint_exponents(found: pd.DataFrame, *, n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Fit Kaplan's joint law of size and different tokens and give its exponents with 95 % intervals.

    Parameters
    ----------
    found
        Columns ``N``, ``U`` and ``L``, as `stopped_early` gives them.
    n, seed
        Number of tables drawn with replacement, and seed.

    Returns
    -------
    DataFrame
        Rows ``alpha_N``, ``alpha_D`` and ``p``, which is ``alpha_N / alpha_D``, the exponent of
        enough data; columns ``value``, ``low``, ``high``.

    Examples
    --------
    >>> law = SizeDataLaw(N_c=4e5, D_c=4e6, alpha_N=0.13, alpha_D=0.16)
    >>> N, U = (x.ravel() for x in np.meshgrid([1e4, 1e5, 1e6], [1e5, 1e6, 1e7]))
    >>> table = pd.DataFrame({"N": N, "U": U, "L": law(N=N, D=U)})
    >>> joint_exponents(table, n=50).value.round(2).tolist()
    [0.13, 0.16, 0.81]
    """
    fitted = fit_law(SizeDataLaw, found, columns={"D": "U"})
    spread = bootstrap(fitted, found, n=n, seed=seed)
    of = {"alpha_N": lambda law: law.alpha_N, "alpha_D": lambda law: law.alpha_D}
    of["p"] = lambda law: law.alpha_N / law.alpha_D
    rows = {name: (float(f(fitted.law)), *map(float, spread.of(f))) for name, f in of.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "low", "high"])


def unseen(laws: Mapping[str, Any], found: pd.DataFrame, hidden: Mapping[str, Any]) -> pd.DataFrame:
    """Fit laws of size and data without some of the points and say how far off they are there, percent.

    Parameters
    ----------
    laws
        Classes of laws of ``N`` and ``D``, which is the column ``U``, by name.
    found
        Columns ``N``, ``U`` and ``L``, as `stopped_early` gives them.
    hidden
        Boolean masks of the points that are hidden, by name.

    Returns
    -------
    DataFrame
        One row per mask, one column per law: root mean square of ``100 (predicted / L - 1)``.

    Examples
    --------
    >>> from scalinglab.laws import EnoughDataLaw, SizeDataLaw
    >>> law = SizeDataLaw(N_c=4e5, D_c=4e6, alpha_N=0.13, alpha_D=0.16)
    >>> N, U = (x.ravel() for x in np.meshgrid([1e4, 1e5, 1e6], [1e5, 1e6, 1e7]))
    >>> table = pd.DataFrame({"N": N, "U": U, "L": law(N=N, D=U)})
    >>> unseen({"joint": SizeDataLaw}, table, {"largest": N == 1e6}).round(3).loc["largest", "joint"] < 0.01
    np.True_
    """
    rows: dict[str, dict[str, float]] = {}
    for name, out in hidden.items():
        kept, rest = found[~out], found[out]
        rows[name] = {}
        for form, Law in laws.items():
            guess = fit_law(Law, kept, columns={"D": "U"}).law(N=rest["N"], D=rest["U"])
            rows[name][form] = float(100 * np.sqrt(((guess / rest["L"] - 1) ** 2).mean()))
    return pd.DataFrame.from_dict(rows, orient="index")
