"""The capstone: design a sweep within a share of a budget, foretell the full run, be graded."""

import dataclasses
import hashlib
import math
import os
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scalinglab import counting, runs, sweep
from scalinglab.experiments import BUDGETS, SHAPES, budgeted, shape
from scalinglab.fit import Fit, Intervals, bootstrap, fit_law
from scalinglab.laws import Chinchilla, SizeDataLaw
from scalinglab.train import TrainConfig

FEWEST = 6
"""Runs of a design at least: one more than Chinchilla's law has constants."""


def interval_score(low: Any, high: Any, x: Any, *, level: float = 0.95) -> Any:
    """``(high - low) + 2/a max(low - x, 0) + 2/a max(x - high, 0)`` with ``a = 1 - level``; low is good.

    Parameters
    ----------
    low, high
        Ends of a central interval; scalars or arrays of shape (k,).
    x
        What came out.
    level
        That the interval claims.

    Raises
    ------
    ValueError
        ``low`` lies above ``high``, or ``level`` is not between 0 and 1.

    Notes
    -----
    Source: Gneiting & Raftery 2007 (Journal of the American Statistical Association 102), equation 43.
    Its mean is least for whoever states the quantiles that they believe in: the rule is proper.

    Examples
    --------
    >>> round(interval_score(1.7, 1.9, 1.8), 3), round(interval_score(1.7, 1.9, 1.91), 3)
    (0.2, 0.6)
    """
    low, high, x = (np.asarray(v, dtype=float) for v in (low, high, x))
    if (low > high).any():
        raise ValueError(f"low={low} lies above high={high}; give the lower end first")
    _share("level", level, "0.95 for 95 %")
    score = (high - low) + 2 / (1 - level) * (np.maximum(low - x, 0) + np.maximum(x - high, 0))
    return score if score.ndim else float(score)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """What is asked: the loss of one run of ``budget`` FLOPs, foretold from a sweep of a share of them.

    Attributes
    ----------
    budget
        Exact FLOPs of the full run.
    share
        Of it, on top of it, that the sweep may cost.
    level
        Of the interval that is to be stated.

    Raises
    ------
    ValueError
        A value is out of range.
    """

    budget: float = 1e11
    share: float = 0.25
    level: float = 0.95

    def __post_init__(self) -> None:
        if not (math.isfinite(self.budget) and self.budget >= 1e9):
            raise ValueError(f"budget={self.budget} trains nothing; take exact FLOPs, as 1e11")
        _share("share", self.share, "0.25 for a quarter")
        _share("level", self.level, "0.95 for 95 %")

    @property
    def allowed(self) -> float:
        """FLOPs that the sweep may cost."""
        return self.share * self.budget

    @property
    def sizes(self) -> tuple[str, ...]:
        """Members of the family that the full run may have: those recorded at its budget, or all."""
        return BUDGETS.get(self.budget, tuple(SHAPES))

    def at(self, size: str) -> tuple[float, float]:
        """``N`` and ``D`` of the full run with this size."""
        _known(size, "the full run")
        shape_ = shape(size)
        return counting.parameters(shape_).N, self.budget / counting.flops(shape_).training


@dataclasses.dataclass(frozen=True)
class Design:
    """A sweep that is to be carried out.

    Attributes
    ----------
    runs
        Size of the family `experiments.SHAPES` and exact FLOPs of each run; the same pair again is
        trained with the next seed.
    task
        What it is for.

    Raises
    ------
    KeyError, ValueError
        No such size; a run is impossible; too few runs or budgets; the sweep costs more than its share.

    Examples
    --------
    >>> Design([("6k", 8e9)] * 5 + [("6k", 4e9)], Task(share=0.4))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    ValueError: the design costs 4.4e+10 FLOPs, 10 % more than 4e+10, 40 % of 1e+11; leave out a run, ...
    """

    runs: Sequence[tuple[str, float]]
    task: Task = dataclasses.field(default_factory=Task)

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", tuple((str(size), float(C)) for size, C in self.runs))
        for place, (size, C) in enumerate(self.runs):
            _known(size, f"run {place}")
            if not (math.isfinite(C) and C > 0):
                raise ValueError(f"run {place}: {C} FLOPs; take a positive number, as 4e9")
        cost, allowed = self.cost, self.task.allowed  # refuses impossible runs
        if len(self.runs) < FEWEST:
            raise ValueError(
                f"a design of {len(self.runs)} runs; a law has five constants: take at least {FEWEST}"
            )
        if len(set(self.budgets)) < 2:
            raise ValueError(
                f"all runs cost {self.budgets[0]:.3g} FLOPs; for a trend take two budgets or more"
            )
        if cost > allowed:
            raise ValueError(_dear(cost, self.task))

    @property
    def budgets(self) -> tuple[float, ...]:
        """FLOPs of each run."""
        return tuple(C for _, C in self.runs)

    @property
    def configs(self) -> tuple[TrainConfig, ...]:
        """The runs, with learning rate and batch by the nano law (`experiments.NANO_LAW`)."""
        seeds = [self.runs[:place].count(run) for place, run in enumerate(self.runs)]
        return sweep.configurations(
            budgeted(size, C, seed) for (size, C), seed in zip(self.runs, seeds, strict=True)
        )

    @property
    def cost(self) -> float:
        """Exact FLOPs of all runs."""
        return float(sum(config.describe()["C"] for config in self.configs))

    def table(self) -> pd.DataFrame:
        """One row per run: ``budget``, ``N``, ``D``, ``C``, ``lr``, ``B``, ``S``, ``seed``."""
        rows = pd.DataFrame([config.describe() for config in self.configs])
        rows.insert(0, "budget", self.budgets)
        return rows[["budget", "N", "D", "C", "lr", "B", "S", "seed"]]


def _dear(cost: float, task: Task) -> str:
    more, share = 100 * (cost / task.allowed - 1), 100 * task.share
    return (
        f"the design costs {cost:.3g} FLOPs, {more:.0f} % more than {task.allowed:.3g}, {share:.0f} % of "
        f"{task.budget:.0e}; leave out a run, or make some shorter"
    )


def carry_out(
    design: Design, *, store: str | os.PathLike | None = None, n_jobs: int = 1, progress: bool = False
) -> pd.DataFrame:
    """Train the runs of a design; give the table of runs, with a column ``budget``.

    Parameters
    ----------
    design
        The sweep.
    store
        Folder in which finished runs stay, as in `sweep.sweep`; ``None``: nothing is kept.
    n_jobs, progress
        As in `sweep.sweep`.

    Raises
    ------
    RuntimeError
        A run failed; the message says which and why.
    """
    rows = _trained(design.configs, store=store, n_jobs=n_jobs, progress=progress)
    return rows.assign(budget=design.budgets)


def train_full(
    size: str, task: Task | None = None, *, seed: int = 0, store: str | os.PathLike | None = None
) -> pd.Series:
    """Train the run that was foretold; give its row.

    Raises
    ------
    KeyError, RuntimeError
        No such size; the run failed.
    """
    task = task or Task()
    _known(size, "the full run")
    configs = sweep.configurations([budgeted(size, task.budget, seed)])
    return _trained(configs, store=store, n_jobs=1, progress=False).iloc[0]


def _trained(configs, *, store, n_jobs, progress):
    with tempfile.TemporaryDirectory() as folder:
        rows = sweep.sweep(configs, store=store or folder, n_jobs=n_jobs, evaluations=1, progress=progress)
    failed = rows[rows["error"].notna()]
    if len(failed):
        first = failed.iloc[0]
        raise RuntimeError(
            f"{len(failed)} of {len(rows)} runs failed, the first with N={first['N']}: {first['error']}"
        )
    return rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forecast:
    """A size and what its full run will end at, stated before it is trained.

    Attributes
    ----------
    size
        Of the full run.
    point, low, high
        Loss, and the interval that is graded; nats per token.
    level
        That the interval claims.
    how
        Where it comes from, in words.
    fits
        Fitted laws behind it.

    Raises
    ------
    ValueError
        The numbers are not positive and in order.
    """

    size: str
    point: float
    low: float
    high: float
    level: float = 0.95
    how: str = "by hand"
    fits: tuple[Fit, ...] = dataclasses.field(default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        _known(self.size, "the forecast")
        if not 0 < self.low <= self.point <= self.high < math.inf:
            raise ValueError(
                f"low={self.low}, point={self.point}, high={self.high}; state positive losses in this order"
            )
        _share("level", self.level, "0.95 for 95 %")

    @property
    def seal(self) -> str:
        """Eight digits that change with every number of the forecast: write them down before training."""
        said = f"{self.size} {self.point:.6f} {self.low:.6f} {self.high:.6f} {self.level:.4f}"
        return hashlib.sha256(said.encode()).hexdigest()[:8]


def predict(
    table: pd.DataFrame,
    task: Task | None = None,
    *,
    Laws: Sequence[Any] = (Chinchilla, SizeDataLaw),
    size: str | None = None,
    n: int = 400,
    seed: int = 0,
) -> Forecast:
    """Fit laws of ``N`` and ``D`` to a sweep and foretell the full run, with an interval for a single run.

    Parameters
    ----------
    table
        Runs with columns ``N``, ``D``, ``L``.
    task
        What is asked.
    Laws
        Forms to be fitted. With several the point is their mean in the logarithm, and the interval
        goes from the lowest end to the highest: where forms disagree, it says so.
    size
        Of the full run; ``None``: of the task's sizes the one of which the laws expect least.
    n, seed
        Resampled tables behind each interval, and their seed.

    Examples
    --------
    >>> from scalinglab.laws import Chinchilla
    >>> law, task = Chinchilla(E=1.0, A=30, B=300, alpha=0.45, beta=0.5), Task(budget=1e13)
    >>> rows = [Task(budget=C).at(size) for C in (1e11, 1e12) for size in ("6k", "25k", "113k")]
    >>> table = pd.DataFrame(rows, columns=["N", "D"])
    >>> table["L"] = law(N=table["N"], D=table["D"])
    >>> found = predict(table, task, Laws=[Chinchilla], size="197k", n=50)
    >>> N, D = task.at("197k")
    >>> bool(abs(found.point / law(N=N, D=D) - 1) < 1e-3)
    True
    """
    task = task or Task()
    runs.check(table, needs=["N", "D", "L"])
    fits = [fit_law(Law, table) for Law in Laws]
    if size is None:
        size = best_size([found.law for found in fits], task)
    N, D = task.at(size)
    spreads = [bootstrap(found, table, n=n, seed=seed, level=task.level) for found in fits]
    point, low, high = joined(said(*pair, N=N, D=D) for pair in zip(fits, spreads, strict=True))
    names = " and ".join(Law.__name__ for Law in Laws)
    how = f"{names}, {n} resampled tables each" if len(fits) > 1 else f"{names}, {n} resampled tables"
    return Forecast(
        size=size,
        point=point,
        low=low,
        high=high,
        level=task.level,
        how=how,
        fits=tuple(fits),
    )


def said(found: Fit, spread: Intervals, *, N: float, D: float) -> tuple[float, float, float]:
    """Give a fitted law's loss of one further run and the ends of its interval, which holds that loss."""
    point = loss(found.law, N=N, D=D)
    low, high = spread.predict(noise=True, N=N, D=D)
    return point, float(min(low, point)), float(max(high, point))


def joined(parts: Iterable[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Join forecasts: mean of the points in the logarithm, lowest and highest end.

    Examples
    --------
    >>> [round(x, 3) for x in joined([(2.0, 1.9, 2.1), (1.8, 1.7, 1.85)])]
    [1.897, 1.7, 2.1]
    """
    points, lows, highs = zip(*parts, strict=True)
    return float(np.exp(np.mean(np.log(points)))), min(lows), max(highs)


def loss(law: Any, *, N: float, D: float) -> float:
    """Loss by a law whose constants may be of any size: infinite where they are too large."""
    with np.errstate(all="ignore"):
        return float(law(N=np.float64(N), D=np.float64(D)))


def best_size(laws: Sequence[Any], task: Task) -> str:
    """Pick of the task's sizes the one whose full run the laws expect to end lowest (mean of their logs)."""

    def expected(size: str) -> float:
        N, D = task.at(size)
        return float(np.mean([np.log(loss(law, N=N, D=D)) for law in laws]))

    return min(task.sizes, key=expected)


def naive(table: pd.DataFrame, task: Task | None = None, *, size: str) -> Forecast:
    """Foretell without a fit: the lowest losses of the two largest budgets, joined and continued.

    The point goes on as the straight line does, on two logarithmic axes; the interval gives or takes
    the whole fall from the best run of the sweep (and 1 % at least).

    Parameters
    ----------
    table
        Runs with columns ``budget`` and ``L``.
    task, size
        What is asked; the size is that of the forecast it is held against.

    Examples
    --------
    >>> table = pd.DataFrame({"budget": [1e9, 1e9, 1e10], "L": [2.6, 2.5, 2.0]})
    >>> guess = naive(table, Task(budget=1e11), size="6k")
    >>> round(guess.low, 2), round(guess.point, 2), round(guess.high, 2)
    (1.28, 1.6, 2.0)
    """
    task = task or Task()
    runs.check(table, needs=["budget", "L"])
    lowest = np.log(table.groupby("budget")["L"].min())
    if len(lowest) < 2:
        raise ValueError(f"one budget, {lowest.index[0]:.3g} FLOPs; a line needs two")
    (x, y), (x_end, y_end) = zip(np.log(lowest.index[-2:]), lowest.iloc[-2:], strict=True)
    slope = min((y_end - y) / (x_end - x), 0.0)
    fall = max(-slope * (math.log(task.budget) - x_end), 0.01)
    return Forecast(
        size=size,
        point=math.exp(y_end - fall),
        low=math.exp(y_end - 2 * fall),
        high=math.exp(y_end),
        level=task.level,
        how="straight line through the best runs of the two largest budgets",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grade:
    """What a forecast is worth once the truth is known; all but ``L`` in percent of the loss.

    Attributes
    ----------
    L
        What came out, nats per token.
    held
        Whether the interval held it.
    off
        Forecast above what came out.
    width
        Of the interval.
    score
        Interval score of the logarithms; low is good.
    naive
        Interval score of the reference.
    ratio
        ``score / naive``: below 1 the fit was worth its trouble.
    """

    L: float
    held: bool
    off: float
    width: float
    score: float
    naive: float
    ratio: float


def grade(forecast: Forecast, L: float, reference: Forecast) -> Grade:
    """Score a forecast and a reference by the interval score of ``100 ln L``.

    Examples
    --------
    >>> mine = Forecast(size="6k", point=1.8, low=1.7, high=1.9)
    >>> line = Forecast(size="6k", point=1.9, low=1.8, high=2.0)
    >>> found = grade(mine, 1.75, line)
    >>> found.held, round(found.off, 1), round(found.score, 1), round(found.ratio, 2)
    (True, 2.8, 11.1, 0.09)
    """
    if not (math.isfinite(L) and L > 0):
        raise ValueError(f"L={L}; a loss is a positive number")
    score, other = (
        interval_score(*(100 * np.log([f.low, f.high, L])), level=f.level) for f in (forecast, reference)
    )
    return Grade(
        L=float(L),
        held=forecast.low <= L <= forecast.high,
        off=100 * math.log(forecast.point / L),
        width=100 * math.log(forecast.high / forecast.low),
        score=score,
        naive=other,
        ratio=score / other,
    )


def price_of_size(size: str, task: Task | None = None) -> float:
    """Percent of loss that a size costs at the full budget, against the best recorded there.

    Raises
    ------
    ValueError
        The table ``isoflop`` has no runs at this budget, or not of this size.

    Examples
    --------
    >>> price_of_size("25k"), round(price_of_size("6k"), 1)
    (0.0, 2.8)
    """
    task = task or Task()
    table = runs.load("isoflop")
    losses = table[table["budget"] == task.budget].groupby("N")["L"].mean()
    N = task.at(size)[0]
    if N not in losses.index:
        raise ValueError(f"no recorded run of {size} at {task.budget:.0e} FLOPs; there are: {task.sizes}")
    return 100 * math.log(losses[N] / losses.min())


def _known(size: str, where: str) -> None:
    if size not in SHAPES:
        raise KeyError(f"{where}: no size {size!r} in the family; take one of {', '.join(SHAPES)}")


def _share(name: str, value: float, example: str) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name}={value}; it is a share between 0 and 1, as {example}")
