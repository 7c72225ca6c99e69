"""A class for the capstone: designs drawn from recorded runs, their forecasts, their scores."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalinglab import capstone, runs
from scalinglab.capstone import FEWEST, Task, best_size, interval_score, naive
from scalinglab.counting import parameters
from scalinglab.experiments import shape
from scalinglab.fit import bootstrap, fit_law
from scalinglab.intervals import wilson
from scalinglab.laws import Chinchilla, SizeDataLaw

FORMS = {"Chinchilla": Chinchilla, "Kaplan": SizeDataLaw}
"""Forms that every classmate fits; the forecast called ``both`` joins their intervals."""

BEYOND = {1e13: ((3e13, "443k"), (1e14, "788k"))}
"""Held-out runs that the class of a budget foretells as well, and their sizes (table ``holdout``)."""

SMALL, LARGE = Task(budget=1e11), Task(budget=1e13)
"""The two tasks of the recorded class: that of the chapter, and one of a hundred times the compute."""


def pool(task: Task) -> pd.DataFrame:
    """Recorded runs that a design for the task may ask for, with learning rate and batch by the nano law.

    Raises
    ------
    ValueError
        No runs are recorded below this budget in such a grid.

    Examples
    --------
    >>> sorted(pool(LARGE)["budget"].unique().tolist())
    [30000000000.0, 100000000000.0, 300000000000.0, 1000000000000.0]
    """
    if task.budget == SMALL.budget:
        found = runs.load("capstone")
    elif task.budget == LARGE.budget:
        found = pd.concat([runs.load("isoflop"), runs.load("classroom")]).drop_duplicates("id")
    else:
        raise ValueError(f"budget={task.budget}; classes are recorded for {SMALL.budget} and {LARGE.budget}")
    columns = ["id", "budget", "N", "D", "C", "L", "seed"]
    return found.loc[found["C"] <= task.allowed, columns].reset_index(drop=True)


def design(table: pd.DataFrame, task: Task, rng: np.random.Generator) -> pd.DataFrame:
    """Draw a design that spends at least 80 % of what is allowed, one seed for each of its runs.

    Two budgets or more; at each a window of one to all neighbouring sizes; `capstone.FEWEST` runs at
    least.

    Examples
    --------
    >>> drawn = design(pool(LARGE), LARGE, np.random.default_rng(0))
    >>> bool(0.8 < drawn["C"].sum() / LARGE.allowed <= 1), len(drawn) >= 6
    (True, True)
    """
    cells = table.groupby("budget")["N"].unique().map(np.sort)
    while True:
        chosen = rng.permutation(len(cells))[: rng.integers(2, len(cells) + 1)]
        pairs = []
        for budget in cells.index[chosen]:
            sizes = cells[budget]
            count = int(rng.integers(1, len(sizes) + 1))
            first = int(rng.integers(0, len(sizes) - count + 1))
            pairs += [(budget, N) for N in sizes[first : first + count]]
        spent = sum(budget for budget, _ in pairs)
        if len(pairs) >= FEWEST and 0.8 * task.allowed <= spent <= task.allowed:
            break
    seeded = table.iloc[rng.permutation(len(table))].drop_duplicates(["budget", "N"])
    return pd.DataFrame(pairs, columns=["budget", "N"]).merge(seeded, on=["budget", "N"])


def traits(drawn: pd.DataFrame, task: Task) -> dict[str, float]:
    """What a design is like.

    Returns
    -------
    dict
        ``runs``; ``budgets``; ``reach``, full budget over the largest; ``sizes`` different ones;
        ``lever``, the largest budget over the smallest; ``bowls``, budgets whose lowest run has a
        neighbour on both sides.
    """
    bowls = 0
    for _, part in drawn.groupby("budget"):
        losses = part.sort_values("N")["L"].to_numpy()
        bowls += 0 < losses.argmin() < len(losses) - 1
    budgets = drawn["budget"]
    return {
        "runs": len(drawn),
        "budgets": budgets.nunique(),
        "reach": task.budget / budgets.max(),
        "lever": budgets.max() / budgets.min(),
        "sizes": drawn["N"].nunique(),
        "bowls": bowls,
    }


def forecasts(
    drawn: pd.DataFrame, task: Task, *, forms: Mapping[str, Any] = FORMS, n: int = 200, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """What one design says of the full run, by each form, by both, and by a straight line.

    Yields
    ------
    dict
        ``full`` budget, ``size``, ``by`` (the forecaster), ``point``, ``low``, ``high``.
    """
    fits = {name: fit_law(Law, drawn) for name, Law in forms.items()}
    spreads = {
        name: bootstrap(found, drawn, n=n, seed=seed, level=task.level) for name, found in fits.items()
    }
    size = best_size([found.law for found in fits.values()], task)
    for full, member in ((task.budget, size), *BEYOND.get(task.budget, ())):
        aim = Task(budget=full, level=task.level)
        N, D = aim.at(member)
        ends = {name: capstone.said(fits[name], spreads[name], N=N, D=D) for name in fits}
        ends["both"] = capstone.joined(ends.values())
        line = naive(drawn, aim, size=member)
        ends["line"] = line.point, line.low, line.high
        for name, (point, low, high) in ends.items():
            yield {"full": full, "size": member, "by": name, "point": point, "low": low, "high": high}


def play(
    tasks: Sequence[Task] = (SMALL, LARGE), *, n: int = 150, draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """Let a class of ``n`` design, fit and foretell; what came out is drawn from the recorded full runs.

    Returns
    -------
    DataFrame
        One row per classmate, full budget and forecaster: ``task`` (its budget), ``mate``, the `traits`
        of the design, what `forecasts` gives, and ``L``. The recorded table ``capstone_class`` is
        ``play()``; it takes some minutes of one core.
    """
    ends = pd.concat([runs.load("isoflop"), runs.load("holdout")])
    rows = []
    for task in tasks:
        table, rng = pool(task), np.random.default_rng([seed, round(np.log10(task.budget))])
        for mate in range(n):
            drawn = design(table, task, rng)
            known = traits(drawn, task)
            for said in forecasts(drawn, task, n=draws, seed=mate):
                there = ends[
                    (ends["budget"] == said["full"]) & (ends["N"] == parameters(shape(said["size"])).N)
                ]
                pick = np.random.default_rng([seed, mate]).integers(len(there))  # one for all forecasters
                rows.append({"task": task.budget, "mate": mate, **known, **said, "L": there["L"].iloc[pick]})
    return pd.DataFrame(rows)


def score(table: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Add ``held``, ``off``, ``width`` and ``score``, in percent of the loss as in `capstone.grade`.

    Examples
    --------
    >>> table = pd.DataFrame({"point": [1.8], "low": [1.7], "high": [1.9], "L": [1.75]})
    >>> score(table).round(1).iloc[0].to_dict()
    {'point': 1.8, 'low': 1.7, 'high': 1.9, 'L': 1.8, 'held': True, 'off': 2.8, 'width': 11.1, 'score': 11.1}
    """
    low, high, L = (100 * np.log(table[name]) for name in ("low", "high", "L"))
    return table.assign(
        held=(low <= L) & (L <= high),
        off=100 * np.log(table["point"]) - L,
        width=high - low,
        score=interval_score(low, high, L, level=level),
    )


def summary(scored: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Count, share of intervals that held with Wilson's 95 % interval, and medians, group by group.

    Returns
    -------
    DataFrame
        Columns ``n``, ``held``, ``low``, ``high`` (percent), medians of ``off``, ``width``, ``score``.
    """
    rows = {}
    for key, part in scored.groupby(list(by)):
        share = part["held"].mean()
        low, high = wilson(share, len(part))
        medians = part[["off", "width", "score"]].median()
        rows[key] = {"n": len(part), "held": 100 * share, "low": 100 * low, "high": 100 * high, **medians}
    found = pd.DataFrame.from_dict(rows, orient="index")
    names = list(by)
    one = pd.Index([key[0] for key in rows], name=names[0])
    return found.set_axis(pd.MultiIndex.from_tuples(list(rows), names=names) if len(names) > 1 else one)


TRAITS = ("reach", "budgets", "lever", "runs", "sizes", "bowls")
"""Of a design, as `traits` gives them."""


def matters(
    scored: pd.DataFrame, *, traits: Sequence[str] = TRAITS, n: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Rank correlation (Spearman's) of each trait with the score; positive: more of it, a worse score.

    Parameters
    ----------
    scored
        One row per design: one forecaster at one full budget.
    traits
        Columns.
    n, seed
        Resampled classes behind the 95 % intervals, and their seed.

    Returns
    -------
    DataFrame
        Columns ``r``, ``low``, ``high``, a row for each trait.

    Examples
    --------
    >>> table = pd.DataFrame({"reach": [5, 10, 20, 40], "score": [3.0, 4.0, 9.0, 30.0]})
    >>> matters(table, traits=["reach"], n=20)["r"].tolist()
    [1.0]
    """
    rng = np.random.default_rng(seed)
    columns = [*traits, "score"]
    values = scored[columns].to_numpy(dtype=float)

    def correlations(rows: np.ndarray) -> np.ndarray:
        ranks = pd.DataFrame(rows, columns=columns).rank()
        return ranks[list(traits)].corrwith(ranks["score"]).to_numpy()

    with np.errstate(all="ignore"):
        drawn = [correlations(values[rng.integers(len(values), size=len(values))]) for _ in range(n)]
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return pd.DataFrame({"r": correlations(values), "low": low, "high": high}, index=list(traits))


def rank(scores: pd.Series, mine: float) -> float:
    """Percent of the class whose score is higher, that is worse, than mine.

    Examples
    --------
    >>> rank(pd.Series([1.0, 2.0, 4.0, 8.0]), 3.0)
    50.0
    """
    return float(100 * (scores > mine).mean())
