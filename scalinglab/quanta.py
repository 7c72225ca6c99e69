"""Many small skills in a table of losses: when each is learned, how sharply, and the law of their mean."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from scalinglab.intervals import student
from scalinglab.laws.emergence import quantization_exponents, unlearned_use

CHANCE = math.log(2)
"""Loss of a guess between two answers, nats."""

LEARNED, BEGUN, DONE = 0.5, 0.75, 0.25
"""Shares of `CHANCE` below which a skill counts as learned, its step as begun, and as done."""

COLUMNS = ("id", "width", "seed", "S", "task", "use", "L")
"""What a table of curves has: one row per run, tested step ``S`` and task; `parity.train` makes it."""


@dataclass(frozen=True, kw_only=True)
class Exponent:
    """A measured exponent beside the one that theory gives.

    Attributes
    ----------
    value
        Of all runs together.
    low, high
        Ends of its interval; NaN where no width has two runs, which could not tell it.
    theory
        What it should be.
    level
        Of the interval.
    draws
        Resampled values, widened as the interval is.
    """

    value: float
    low: float
    high: float
    theory: float
    level: float
    draws: np.ndarray


def means(curves: pd.DataFrame) -> pd.DataFrame:
    """``L = sum_i p_i L_i``: mean loss under the frequencies of use, and number of skills learned.

    Parameters
    ----------
    curves
        Table with the columns `COLUMNS`.

    Returns
    -------
    DataFrame
        One row per run and step: ``id``, ``width``, ``seed``, ``S``, ``L`` (nats), ``n`` (skills with
        a loss below half of ln 2), ``unlearned`` (share of uses that the others have).

    Raises
    ------
    KeyError
        A column is missing.

    Examples
    --------
    >>> table = simulate(alpha=0.4, tasks=10, S=[100, 1000])
    >>> means(table)[["S", "n", "L"]].round(3).values.tolist()
    [[100.0, 1.0, 0.368], [1000.0, 5.0, 0.094]]
    """
    _check(curves)
    learned = curves["L"] < LEARNED * CHANCE
    parts = curves.assign(L=curves["use"] * curves["L"], n=learned.astype(int))
    parts["unlearned"] = curves["use"].where(~learned, 0.0)
    return parts.groupby(["id", "width", "seed", "S"], as_index=False, sort=False)[
        ["L", "n", "unlearned"]
    ].sum()


def learned(curves: pd.DataFrame) -> pd.DataFrame:
    """Find the step at which each skill is learned, and how long its fall takes.

    Parameters
    ----------
    curves
        Table with the columns `COLUMNS`.

    Returns
    -------
    DataFrame
        One row per run and task: ``id``, ``width``, ``seed``, ``task``, ``use``; ``begin``, ``S`` and
        ``end``, the steps at which its loss falls below 75, 50 and 25 % of ln 2, interpolated in
        ln S between tests; ``decades`` from begin to end; ``order`` in which the run's skills
        were learned, from 1. NaN where it does not come to that.

    Raises
    ------
    KeyError
        A column is missing.

    Examples
    --------
    >>> table = simulate(alpha=0.4, tasks=3, decades=0.2, S=np.geomspace(10, 1000, 200))
    >>> learned(table)[["S", "decades", "order"]].round(2).values.tolist()
    [[100.0, 0.2, 1.0], [263.9, 0.2, 2.0], [465.55, 0.2, 3.0]]
    """
    _check(curves)
    rows = []
    for (id_, width, seed, task, use), own in curves.groupby(
        ["id", "width", "seed", "task", "use"], sort=False
    ):
        own = own.sort_values("S")
        begin, half, end = falls(own["S"].to_numpy(dtype=float), own["L"].to_numpy(dtype=float))
        rows.append((id_, width, seed, task, use, begin, half, end))
    names = ["id", "width", "seed", "task", "use", "begin", "S", "end"]
    found = pd.DataFrame(rows, columns=names)
    found["decades"] = np.log10(found["end"] / found["begin"])
    return found.assign(order=found.groupby("id")["S"].rank(method="first"))


def falls(S: np.ndarray, L: np.ndarray) -> tuple[float, float, float]:
    """Steps at which a loss falls below 75, 50 and 25 % of chance, NaN where it does not.

    The half is its first crossing; the three quarters are the last before, the quarter the first after.

    Parameters
    ----------
    S, L
        Steps, rising, and the losses there, nats; also the mean of many skills.

    Examples
    --------
    >>> [round(step) for step in falls(np.array([10.0, 100, 1000]), CHANCE * np.array([1.0, 0.5, 0.0]))]
    [32, 100, 316]
    """
    below = np.flatnonzero(LEARNED * CHANCE >= L)
    if not below.size:
        return math.nan, math.nan, math.nan
    at = below[0]
    above = np.flatnonzero(BEGUN * CHANCE < L[:at])
    after = np.flatnonzero(DONE * CHANCE >= L[at:])
    begin = _cross(S, L, above[-1] + 1, BEGUN) if above.size else math.nan
    end = _cross(S, L, at + after[0], DONE) if after.size else math.nan
    return begin, _cross(S, L, at, LEARNED), end


def _cross(S: np.ndarray, L: np.ndarray, place: int, share: float) -> float:
    """Where a loss crosses a share of chance between the tests ``place - 1`` and ``place``."""
    if place == 0:
        return math.nan
    part = (L[place - 1] - share * CHANCE) / (L[place - 1] - L[place])
    return float(S[place - 1] * (S[place] / S[place - 1]) ** part)


def expected_loss(*, n: object, alpha: float, tasks: int) -> np.ndarray:
    """``ln 2 * sum_{i > n} p_i``: the mean loss when the n most used of ``tasks`` skills are perfect.

    For many tasks it falls as ``n**-alpha``; with few it bends down, for no skill waits beyond the last.
    Source: Michaud et al. 2023 (arXiv:2303.13506), section 2.

    Examples
    --------
    >>> expected_loss(n=[0, 10, 100], alpha=0.4, tasks=100).round(3).tolist()
    [0.693, 0.148, 0.0]
    """
    return CHANCE * unlearned_use(n=n, alpha=alpha, n_skills=tasks)


def by_number(curves: pd.DataFrame) -> pd.DataFrame:
    """Give the mean loss of each run at each number of skills learned.

    Parameters
    ----------
    curves
        Table with the columns `COLUMNS`.

    Returns
    -------
    DataFrame
        ``width``, ``id``, ``n`` between no skill and all, and ``L``, the geometric mean over the
        tests at which the run had so many.
    """
    every = means(curves)
    between = every[every["n"].between(1, curves["task"].max() - 1)]
    logs = between.assign(L=np.log(between["L"])).groupby(["width", "id", "n"], as_index=False)["L"].mean()
    return logs.assign(L=np.exp(logs["L"]))


def in_number(
    curves: pd.DataFrame, *, alpha: float, draws: int = 1000, seed: int = 0, level: float = 0.95
) -> Exponent:
    """Fit alpha in ``L = a + (b - a) * sum_{i > n} p_i`` to the mean loss against the number learned.

    ``a`` is the loss of a learned skill, ``b`` that of the others, both free: a network that guesses
    with confidence stays above ln 2. The sum over the tasks that there are stands in the place of
    ``n**-alpha``, which it becomes when they are many. Least squares of the relative residuals
    of the points that `by_number` gives.
    Source: Michaud et al. 2023 (arXiv:2303.13506), section 2.

    Parameters
    ----------
    curves
        Table with the columns `COLUMNS`.
    alpha
        Exponent of use minus one that made the tasks.
    draws, seed, level
        The bootstrap: how many tables, their seed, the level. Runs are resampled within their
        width; tasks are not, for their order is the law.

    Raises
    ------
    KeyError, ValueError
        A column is missing; the runs pass fewer than three numbers between no skill and all.

    Examples
    --------
    >>> table = simulate(alpha=0.4, tasks=50, S=np.geomspace(50, 1e4, 60))
    >>> round(in_number(table, alpha=0.4).value, 6)
    0.4
    """
    tasks, points = int(curves["task"].max()), by_number(curves)
    if (numbers := points["n"].nunique()) < 3:
        raise ValueError(f"the runs pass {numbers} numbers of skills between none and all; take longer ones")

    def estimate(table: pd.DataFrame) -> float:
        n, L = table["n"].to_numpy(), table["L"].to_numpy()

        def squares(exponent: float) -> float:
            u = unlearned_use(n=n, alpha=exponent, n_skills=tasks)
            a, slope = _line(u, L)
            return float((((L - a - slope * u) / L) ** 2).sum())

        found = minimize_scalar(squares, bounds=(1e-3, 3.0), method="bounded", options={"xatol": 1e-8})
        return float(found.x)

    return _with_interval(points, estimate, theory=alpha, draws=draws, seed=seed, level=level)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Intercept, not below 0, and slope of least relative squares."""
    w = y**-2.0
    mean_x, mean_y = np.average(x, weights=w), np.average(y, weights=w)
    spread = (w * (x - mean_x) ** 2).sum()
    slope = (w * (x - mean_x) * (y - mean_y)).sum() / spread if spread else 0.0
    if (intercept := mean_y - slope * mean_x) >= 0:
        return float(intercept), float(slope)
    return 0.0, float((w * x * y).sum() / (w * x**2).sum())


def in_steps(
    curves: pd.DataFrame,
    *,
    alpha: float,
    least: int = 2,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Exponent:
    """``alpha * d ln n / d ln S``: exponent of the loss in steps, by way of the number learned.

    One line for the logarithm of the step at which a run's n-th skill is learned, over ln n, with an
    intercept for each run. If a skill needs a fixed number of its examples, that is
    ``alpha / (1 + alpha)``. Pass widths that are not full: where there is no room for a further
    skill, steps say nothing.

    Parameters
    ----------
    curves, alpha, draws, seed, level
        As for `in_number`.
    least
        First n on the line: the very first skills come while the network warms up.
    """
    found = learned(curves)
    found = found[found["order"] >= least]
    points = found.assign(x=np.log(found["order"]), y=np.log(found["S"]))[["width", "id", "x", "y"]]

    def estimate(table: pd.DataFrame) -> float:
        centred = table[["x", "y"]] - table.groupby("id")[["x", "y"]].transform("mean")
        slope = (centred["x"] * centred["y"]).sum() / (centred["x"] ** 2).sum()
        return float(alpha / slope)

    theory = quantization_exponents(alpha=alpha)["D"]
    return _with_interval(points, estimate, theory=theory, draws=draws, seed=seed, level=level)


def in_width(
    curves: pd.DataFrame, *, alpha: float, draws: int = 1000, seed: int = 0, level: float = 0.95
) -> Exponent:
    """``alpha * d ln n / d ln width``: exponent of the loss in size, by the number learned at the end.

    If the network holds skills in proportion to its width, that is ``alpha``. Pass the widths that
    are full at the end of their runs; a width that is not yet full says nothing of size.

    Parameters
    ----------
    curves, alpha, draws, seed, level
        As for `in_number`.

    Raises
    ------
    KeyError, ValueError
        A column is missing; fewer than two widths learn anything.
    """
    last = means(curves).groupby("id").tail(1).query("n > 0")
    if last["width"].nunique() < 2:
        raise ValueError(
            f"{last['width'].nunique()} width has learned a skill; an exponent needs two or more"
        )
    points = last.assign(x=np.log(last["width"]), y=np.log(last["n"]))[["width", "id", "x", "y"]]

    def estimate(table: pd.DataFrame) -> float:
        return float(alpha * np.polyfit(table["x"], table["y"], 1)[0])

    return _with_interval(points, estimate, theory=alpha, draws=draws, seed=seed, level=level)


def _with_interval(
    points: pd.DataFrame,
    estimate: Callable[[pd.DataFrame], float],
    *,
    theory: float,
    draws: int,
    seed: int,
    level: float,
) -> Exponent:
    """Resample runs within their width, and widen what so few runs tell by Student's factor."""
    if points.empty:
        raise ValueError("no run has a point to fit: no skill was learned, or all were from the start")
    by_run = dict(list(points.groupby("id")))
    groups = [own["id"].unique() for _, own in points.groupby("width")]
    value, spare = estimate(points), len(by_run) - len(groups)
    if spare == 0:
        return Exponent(
            value=value, low=math.nan, high=math.nan, theory=theory, level=level, draws=np.array([])
        )
    rng, found = np.random.default_rng(seed), []
    for _ in range(draws):
        chosen = np.concatenate([rng.choice(group, len(group)) for group in groups])
        found.append(estimate(pd.concat([by_run[id_].assign(id=k) for k, id_ in enumerate(chosen)])))
    wider = student(level, spare) * math.sqrt(len(by_run) / spare)
    spread = value + wider * (np.array(found) - value)
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
    return Exponent(value=value, low=float(low), high=float(high), theory=theory, level=level, draws=spread)


def simulate(
    *, alpha: float, tasks: int, S: Sequence[float] | np.ndarray, first: float = 100.0, decades: float = 0.0
) -> pd.DataFrame:
    """Curves of skills that each need a fixed number of their examples: task i at ``first * i**(1 + alpha)``.

    Parameters
    ----------
    alpha
        Exponent of use minus one.
    tasks
        Their number.
    S
        Steps at which all are tested.
    first
        Step at which the first is learned.
    decades
        How long a fall from 75 to 25 % of chance takes, in factors of ten of the steps; 0: at once.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; width and seed are 0.
    """
    S, task = np.asarray(S, dtype=float), np.arange(1, tasks + 1)
    use = task ** -(1.0 + alpha)
    late = np.log10(S[:, None] / (first * task ** (1.0 + alpha)))  # decades after the step, (S, tasks)
    # A fall is 3/4 and 1/4 of chance half its length before and after the step.
    share = 1 / (1 + 9 ** (late / decades)) if decades else (late < 0).astype(float)
    rows = {"S": np.repeat(S, tasks), "task": np.tile(task, len(S)), "use": np.tile(use / use.sum(), len(S))}
    return pd.DataFrame({"id": "simulated", "width": 0, "seed": 0} | rows | {"L": CHANCE * share.ravel()})


def _check(curves: pd.DataFrame) -> None:
    missing = [name for name in COLUMNS if name not in curves]
    if missing:
        raise KeyError(
            f"no column {', '.join(map(repr, missing))} in a table with columns "
            f"{', '.join(map(repr, curves.columns))}; curves of skills need {', '.join(COLUMNS)}"
        )
