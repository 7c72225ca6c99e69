"""Plan a training run under any law: the split of a budget, its price of error, of use, of data."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize_scalar

from scalinglab.laws import Lifetime, cheapest_lifetime, instances
from scalinglab.laws.chinchilla import Chinchilla
from scalinglab.laws.kaplan import PF_DAY
from scalinglab.laws.law import inputs, parameters
from scalinglab.runs import TABLES

SMALLEST = 1e7
"""Budgets below this many FLOPs train nothing: such a number was meant in another unit."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Allocation:
    """How to spend a budget.

    Attributes
    ----------
    N, D
        Parameters and tokens.
    L
        Loss that the law promises, nats per token; NaN from a law that gives only the split.
    n_convention
        What ``N`` counts: ``"total"``, ``"non-embedding"``, or ``""`` if the law does not say.
    """

    N: float
    D: float
    L: float
    n_convention: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class AllocationIntervals:
    """Ends of the intervals of a best split: the lowest and highest of each, not of one plan.

    Attributes
    ----------
    low, high
        Ends for ``N``, ``D`` and ``L``.
    level
        Share of the draws that each interval holds.
    """

    low: Allocation
    high: Allocation
    level: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Detour:
    """What a model of another size than the best costs under the same budget.

    Attributes
    ----------
    N, D, L
        The plan: parameters, tokens, loss.
    excess
        Loss above that of the best split, nats per token.
    waste
        Share of the budget with which the best split would have reached the same loss, taken from 1.
    """

    N: float
    D: float
    L: float
    excess: float
    waste: float


def allocate(law: Any, C: float, *, U: float | None = None, closed_form: bool = True) -> Allocation:
    """Split ``C`` FLOPs into the ``N`` and ``D`` of least loss, ``C = 6 N D``.

    Parameters
    ----------
    law
        A law of the loss in ``N`` and ``D`` (in ``U`` too, if that is given), or an allocation
        law, which gives ``N`` and ``D`` of ``C``.
    C
        Budget in FLOPs.
    U
        Unique tokens that there are; for laws of repeated data.
    closed_form
        Use the law's closed form where it has one; otherwise search over ``ln N``.

    Raises
    ------
    TypeError
        The law is called with other columns.
    ValueError
        ``C`` or ``U`` is not a positive number, looks like another unit, or the law has no least
        loss between one parameter and one token.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024, MUENNIGHOFF_2023
    >>> plan = allocate(BESIROGLU_2024, C=1e21)
    >>> round(plan.N / 1e9, 2), round(plan.D / 1e9), round(plan.L, 3), plan.n_convention
    (2.78, 60, 2.306, 'total')
    >>> short = allocate(MUENNIGHOFF_2023, C=1e21, U=1e10)
    >>> round(short.D / 1e10, 1)
    7.2
    """
    _flops(C)
    _suits(law, U)
    if inputs(law) == ("C",):
        N, D = law(C=C)
        return Allocation(N=float(N), D=float(D), L=math.nan, n_convention=law.n_convention)
    if closed_form and U is None and hasattr(law, "optimum"):
        N, D = map(float, law.optimum(C=C))
    else:
        N = float(_best_size(law, C, U)[0])
        D = C / (6 * N)
    L = float(np.squeeze(law(N=N, D=D, **_unique(U))))
    return Allocation(N=N, D=D, L=L, n_convention=law.n_convention)


def intervals(
    law: Any, draws: pd.DataFrame, C: float, *, U: float | None = None, level: float = 0.95
) -> AllocationIntervals:
    """Take the middle ``level`` of the best splits under every drawn law.

    Parameters
    ----------
    law
        The fitted law, or its class.
    draws
        One row per law, one column per parameter, as ``bootstrap`` gives them.
    C, U
        As in :func:`allocate`.
    level
        Share of the draws between the ends.

    Raises
    ------
    KeyError
        A parameter of the law has no column in ``draws``.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024
    >>> draws = pd.DataFrame([{"E": 1.8, "A": A, "B": 2085.0, "alpha": 0.348, "beta": 0.366}
    ...                       for A in (450.0, 480.0, 510.0)])
    >>> ends = intervals(BESIROGLU_2024, draws, C=1e21, level=0.5)
    >>> ends.low.N < allocate(BESIROGLU_2024, C=1e21).N < ends.high.N
    True
    """
    _flops(C)
    _suits(law, U)
    cls = law if isinstance(law, type) else type(law)
    names = [p.name for p in parameters(cls)]
    missing = [name for name in names if name not in draws]
    if missing:
        raise KeyError(
            f"draws have no column {', '.join(map(repr, missing))}; {cls.__name__} needs {', '.join(names)}"
        )
    many = cls(**{name: draws[name].to_numpy(dtype=float)[:, None] for name in names})
    if inputs(cls) == ("C",):
        N, D = (np.ravel(x) for x in many(C=C))
        L = np.full(len(N), np.nan)
    else:
        if U is None and hasattr(many, "optimum"):
            N = np.ravel(many.optimum(C=C)[0])
        else:
            N = _best_size(many, C, U)
        D = C / (6 * N)
        L = many(N=N[:, None], D=D[:, None], **_unique(U))[:, 0]
    convention = getattr(law, "n_convention", "")
    low, high = (
        Allocation(
            **{name: float(np.quantile(x, q)) for name, x in {"N": N, "D": D, "L": L}.items()},
            n_convention=convention,
        )
        for q in ((1 - level) / 2, (1 + level) / 2)
    )
    return AllocationIntervals(low=low, high=high, level=level)


def recorded_draws(law: Any) -> pd.DataFrame | None:
    """Give resampled fits of a published law's runs, where the package has a table of them.

    Returns
    -------
    DataFrame or None
        One row per resampled fit, one column per parameter; ``None`` if none are recorded.
    """
    keys = [key for key, value in instances().items() if value is law]
    path = TABLES / f"draws_{keys[0]}.csv" if keys else None
    return pd.read_csv(path) if path and path.exists() else None


def detour(law: Any, C: float, *, factor: float, U: float | None = None) -> Detour:
    """Price a model ``factor`` times as large as the best one under the same ``C`` FLOPs.

    Parameters
    ----------
    law, C, U
        As in :func:`allocate`; the law gives a loss.
    factor
        Size in units of the best size; below 1 is a small model trained longer.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024
    >>> small = detour(BESIROGLU_2024, C=1e21, factor=0.5)
    >>> round(small.excess, 4), round(small.waste, 2)
    (0.0149, 0.16)
    """
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"factor is {factor}; it is a size in units of the best: a positive number, as 0.5")
    best = allocate(law, C, U=U)
    if math.isnan(best.L):
        raise TypeError(f"{type(law).__name__} gives a split and no loss; take a law of the loss in N and D")
    N, D = factor * best.N, C / (6 * factor * best.N)
    L = float(np.squeeze(law(N=N, D=D, **_unique(U))))
    if L <= best.L:
        return Detour(N=N, D=D, L=L, excess=0.0, waste=0.0)

    def gap(log_C: float) -> float:
        return allocate(law, math.exp(log_C), U=U).L - L

    low = math.log(C)
    while gap(low) < 0:
        low -= 1.0
        if math.exp(low) < SMALLEST:
            raise ValueError(
                f"factor is {factor}: the best split reaches its loss of {L:.3g} with fewer than "
                f"{SMALLEST:.0e} FLOPs, below anything that trains; take a factor nearer to 1"
            )
    enough = brentq(gap, low, math.log(C), xtol=1e-10)
    return Detour(N=N, D=D, L=L, excess=L - best.L, waste=1 - math.exp(enough) / C)


def regrets(plans: Mapping[str, Any], C: float, *, truth: Any) -> pd.DataFrame:
    """Price under one law the splits that others advise for ``C`` FLOPs.

    Parameters
    ----------
    plans
        Laws by name.
    C
        Budget in FLOPs.
    truth
        The law that counts.

    Returns
    -------
    DataFrame
        One row per law: its best ``N``, tokens per parameter ``D/N``, and under ``truth`` the
        ``excess`` (nats per token) and ``waste`` (share of the budget) of that split.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024, HOFFMANN_2022
    >>> table = regrets({"Hoffmann": HOFFMANN_2022}, C=5.76e23, truth=BESIROGLU_2024)
    >>> table.round(4).loc["Hoffmann", ["excess", "waste"]].tolist()
    [0.0034, 0.1128]
    """
    best = allocate(truth, C).N
    rows = {}
    for name, law in plans.items():
        plan = allocate(law, C)
        price = detour(truth, C, factor=plan.N / best)
        rows[name] = {"N": plan.N, "D/N": plan.D / plan.N, "excess": price.excess, "waste": price.waste}
    return pd.DataFrame.from_dict(rows, orient="index")


def lifetime(law: Any, *, L: float, D_inference: float) -> Lifetime:
    """Find the size of least ``6 N D + 2 N D_inference`` FLOPs that reaches loss ``L``.

    Parameters
    ----------
    law
        A law of the loss in ``N`` and ``D``.
    L
        Loss to reach, nats per token.
    D_inference
        Tokens that the model reads and writes in its life.

    Returns
    -------
    Lifetime
        ``N``, training tokens ``D``, and ``C``, the FLOPs of training and use.

    Raises
    ------
    TypeError, ValueError
        The law is called with other columns; no model reaches ``L``.

    Notes
    -----
    Source: Sardana & Frankle 2023 (arXiv:2401.00448), equation 3.

    Examples
    --------
    >>> from scalinglab.laws import HOFFMANN_2022
    >>> L = allocate(HOFFMANN_2022, C=2e22).L
    >>> trained, served = (lifetime(HOFFMANN_2022, L=L, D_inference=d) for d in (0, 2e12))
    >>> served.N < trained.N
    True
    """
    _suits(law, None)
    if inputs(law) == ("C",):
        raise TypeError(f"{type(law).__name__} gives a split and no loss; take a law of the loss in N and D")
    if not (math.isfinite(D_inference) and D_inference >= 0):
        raise ValueError(f"D_inference is {D_inference}; it counts tokens: 0 or a positive number")
    if isinstance(law, Chinchilla):
        return cheapest_lifetime(law, L=L, D_inference=D_inference)
    return _search_lifetime(law, L, D_inference)


def _search_lifetime(law: Any, L: float, D_inference: float) -> Lifetime:
    """The same for a law without algebra: tokens by root, size by search on a grid and between."""

    def cost(log_N: float) -> tuple[float, float]:
        N = math.exp(log_N)
        D = _tokens_for(law, N, L)
        return 6 * N * D + 2 * N * D_inference, D

    with np.errstate(all="ignore"):
        grid = np.linspace(math.log(1e3), math.log(1e16), 131)
        costs = np.array([cost(x)[0] for x in grid])
    if not np.isfinite(costs).any():
        raise ValueError(f"L={L}: no size up to 1e16 reaches it; ask for more loss")
    i = int(np.argmin(costs))
    around = grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]
    least = minimize_scalar(
        lambda x: min(cost(x)[0], 1e300), bounds=around, method="bounded", options={"xatol": 1e-9}
    )
    C, D = cost(least.x)
    return Lifetime(float(math.exp(least.x)), float(D), float(C))


def _tokens_for(law: Any, N: float, L: float) -> float:
    """Tokens after which ``N`` parameters reach ``L``; infinite if they never do."""
    low, high = 0.0, math.log(1e20)

    def gap(log_D: float) -> float:
        return float(law(N=N, D=math.exp(log_D))) - L

    if not gap(high) < 0:
        return math.inf
    return math.exp(brentq(gap, low, high, xtol=1e-12)) if gap(low) > 0 else math.exp(low)


def budget(*, devices: float, days: float, peak: float, utilisation: float) -> float:
    """``C = devices * days * 86400 * peak * utilisation``: FLOPs that hardware gives in a time.

    Parameters
    ----------
    devices, days
        How many, how long.
    peak
        FLOP/s of one device in the precision of the run, measured or from its data sheet
        (dense, not "with sparsity").
    utilisation
        Share of the peak that training reaches, between 0 and 1.

    Raises
    ------
    ValueError
        A value is not positive, ``utilisation`` is a percentage, or ``peak`` looks like TFLOP/s.

    Examples
    --------
    >>> f"{budget(devices=64, days=7, peak=312e12, utilisation=0.4):.2g}"
    '4.8e+21'
    """
    for name, value in {"devices": devices, "days": days, "peak": peak, "utilisation": utilisation}.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} is {value}; take a positive number")
    if utilisation > 1:
        raise ValueError(f"utilisation is {utilisation}; it is a share between 0 and 1, as 0.4 for 40 %")
    if peak < 1e8:
        raise ValueError(f"peak is {peak}; it is in FLOP/s: 312 TFLOP/s are peak=312e12")
    return float(devices * days * 86_400 * peak * utilisation)


def _flops(C: float) -> None:
    """Refuse what is no budget in FLOPs."""
    if isinstance(C, bool) or not isinstance(C, int | float | np.number):
        raise ValueError(f"C is {C!r}; it is one number of FLOPs, as 1e21")
    if not (np.isfinite(C) and C > 0):
        raise ValueError(f"C is {C}; a budget is a positive, finite number of FLOPs, as 1e21")
    if C < SMALLEST:
        raise ValueError(
            f"C is {C} FLOPs, too few to train anything; PF-days are turned into FLOPs by "
            f"scalinglab.PF_DAY: {C} PF-days are C={C * PF_DAY:.3g}"
        )


def _suits(law: Any, U: float | None) -> None:
    """Refuse laws whose best split is not defined by ``N`` and ``D`` (and ``U``) alone."""
    name = law.__name__ if isinstance(law, type) else type(law).__name__
    needs = inputs(law)
    if set(needs) == {"N", "D", "U"}:
        if U is None:
            raise TypeError(f"{name} also needs the unique tokens; pass U=, as U=1e11")
        if not (np.isfinite(U) and U > 0):
            raise ValueError(f"U is {U}; unique tokens are a positive number, as 1e11")
        return
    if U is not None:
        raise TypeError(
            f"{name} is called with {', '.join(needs)} and knows no limit U of unique tokens; "
            "take a RepeatedDataLaw, as MUENNIGHOFF_2023"
        )
    loss = set(needs) == {"N", "D"} and law.predicts == "L"
    split = needs == ("C",) and law.predicts == ("N", "D")
    if not (loss or split):
        raise TypeError(
            f"{name} gives {law.predicts} of {', '.join(needs)}: no budget can be split with it; "
            "take a law of the loss L in N and D, as BESIROGLU_2024"
        )


def _unique(U: float | None) -> dict[str, float]:
    return {} if U is None else {"U": U}


def _best_size(law: Any, C: float, U: float | None) -> np.ndarray:
    """Size (m,) of least loss under ``C = 6 N D`` for one law, or for m drawn ones at once."""

    def loss(log_N: np.ndarray) -> np.ndarray:
        N = np.exp(log_N)
        with np.errstate(all="ignore"):
            L = np.asarray(law(N=N, D=C / (6 * N), **_unique(U)), dtype=float)
        return np.where(np.isfinite(L), L, np.inf)

    return np.exp(_minimise(loss, 0.0, math.log(C / 6), C))


def _minimise(loss: Callable[[np.ndarray], np.ndarray], low: float, high: float, C: float) -> np.ndarray:
    """Zoom from a grid over the whole range, which finds the lowest of several minima."""
    grid = np.linspace(low, high, 513)[None, :]
    values = np.atleast_2d(loss(grid))
    best = np.argmin(values, axis=1)
    if (best == 0).any() or (best == grid.shape[1] - 1).any():
        raise ValueError(
            f"the law has no least loss at C={C:.3g} between one parameter and one token: "
            "its loss falls all the way to an end; check its constants"
        )
    centre, width = grid[0, best], (high - low) / 512
    offsets = np.linspace(-1, 1, 33)[None, :]
    for _ in range(6):
        values = np.atleast_2d(loss(centre[:, None] + width * offsets))
        centre = centre + width * offsets[0, np.argmin(values, axis=1)]
        width /= 8
    return _vertex(loss, centre, 1e-3)


def _vertex(loss: Callable[[np.ndarray], np.ndarray], centre: np.ndarray, step: float) -> np.ndarray:
    """Refine by the parabola through three points: a flat bottom hides the rest in rounding."""
    left, middle, right = (np.atleast_2d(loss(centre[:, None] + x * step))[:, 0] for x in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.where(bend > 0, 0.5 * step * (left - right) / np.where(bend > 0, bend, 1), 0.0)
    return centre + np.clip(shift, -step, step)
