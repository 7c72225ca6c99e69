"""The compute frontier from training curves: which size is lowest at which budget."""

import dataclasses

import numpy as np
import pandas as pd

from scalinglab.frontier import ends_of, lines, through
from scalinglab.laws.allocation import AllocationLaw
from scalinglab.runs import check


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class EnvelopeFit:
    """The lower envelope of training curves, and the power laws along it.

    Attributes
    ----------
    points
        One row per budget: ``C``, the ``N``, ``D`` and ``L`` of the curve that is lowest there, and
        ``inside``: whether that curve is neither of the smallest nor of the largest size.
    law
        ``N = k_N C**a``, ``D = k_D C**b`` through the points inside.
    low, high, level, draws
        Intervals from resampled curves.
    warnings
        One sentence for each reason for doubt.
    """

    points: pd.DataFrame
    law: AllocationLaw
    low: dict[str, float]
    high: dict[str, float]
    level: float
    draws: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def a(self) -> float:
        """Exponent of the best size in the budget."""
        return self.law.a

    @property
    def b(self) -> float:
        """Exponent of the best data in the budget."""
        return self.law.b


def envelope(
    curves: pd.DataFrame,
    *,
    N: str = "N",
    C: str = "C",
    D: str = "D",
    L: str = "L",
    id: str = "id",
    budgets: int = 1500,
    n: int = 1000,
    seed: int | np.random.Generator = 0,
    level: float = 0.95,
) -> EnvelopeFit:
    """Find the curve that is lowest at each budget and fit ``N = k_N C**a``: approach 1.

    Parameters
    ----------
    curves
        One row per point of a training curve.
    N, C, D, L
        Columns of parameters, FLOPs so far, tokens so far, loss.
    id
        Column that tells the runs apart; without it every size is one run.
    budgets
        Number of log-spaced budgets, from where two curves begin to where the last two end.
    n, seed, level
        Resampled sets of curves, seed or generator, level of the intervals; ``n=0`` leaves
        them out.

    Returns
    -------
    EnvelopeFit
        Points, law, intervals, warnings.

    Raises
    ------
    KeyError, ValueError
        A column is missing or a value cannot be used; fewer than two sizes lie on the envelope
        inside the range of sizes.

    Notes
    -----
    Losses between two points of a curve are interpolated in ``ln L`` over ``ln C``. Where the
    smallest or the largest size is lowest, a size that was not trained might be lower still:
    such points are drawn and not fitted. A curve whose learning rate has not yet decayed lies
    above what its budget could reach, so runs with schedules of their own length are needed for
    the last word.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), section 3.1.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024
    >>> size, step = np.meshgrid(np.geomspace(1e7, 1e10, 60), np.geomspace(1e2, 1e6, 60))
    >>> table = pd.DataFrame({"N": size.ravel(), "D": 1e6 * step.ravel()})
    >>> table["C"] = 6 * table["N"] * table["D"]
    >>> table["L"] = BESIROGLU_2024(N=table["N"], D=table["D"])
    >>> round(envelope(table, n=0).a, 2), round(BESIROGLU_2024.a, 2)
    (0.51, 0.51)
    """
    check(curves, needs=[N, C, D, L])
    if budgets < 2:
        raise ValueError(f"budgets is {budgets}; an envelope needs two at least, better 1500")
    runs = [part.sort_values(C) for _, part in curves.groupby(id if id in curves else N)]
    sizes = np.array([float(part[N].iloc[0]) for part in runs])
    if len(set(sizes)) < 4:
        raise ValueError(f"curves of {len(set(sizes))} sizes; an envelope needs four at least, better ten")
    grid = _budgets(runs, C, budgets)
    log_L, log_D = (_on(runs, C, column, grid) for column in (L, D))
    points = _lowest(np.exp(grid), sizes, log_L, log_D)
    inside = points[points["inside"]]
    if inside["N"].nunique() < 2:
        raise ValueError(
            f"{inside['N'].nunique()} sizes between the smallest and the largest lie on the envelope; "
            "two are needed: train more sizes, or each for longer"
        )
    draws = _resampled(grid, sizes, log_L, log_D, n, np.random.default_rng(seed))
    low, high = ends_of(draws, level)
    few = inside["N"].nunique()
    return EnvelopeFit(
        points=points,
        law=through(inside),
        low=low,
        high=high,
        level=level,
        draws=draws,
        warnings=(f"only {few} sizes lie on the envelope inside the range of sizes",) if few < 5 else (),
    )


def _budgets(runs: list[pd.DataFrame], C: str, count: int) -> np.ndarray:
    """Logarithms of budgets at which at least two curves have points."""
    starts = np.sort([part[C].iloc[0] for part in runs])
    stops = np.sort([part[C].iloc[-1] for part in runs])
    return np.linspace(np.log(starts[1]), np.log(stops[-2]), count)


def _on(runs: list[pd.DataFrame], C: str, column: str, grid: np.ndarray) -> np.ndarray:
    """Logarithm of a column of every curve at the budgets, (curves, budgets); NaN outside a curve."""
    return np.array(
        [np.interp(grid, np.log(part[C]), np.log(part[column]), left=np.nan, right=np.nan) for part in runs]
    )


def _lowest(C: np.ndarray, sizes: np.ndarray, log_L: np.ndarray, log_D: np.ndarray) -> pd.DataFrame:
    """The lowest curve at every budget."""
    here = np.where(np.isnan(log_L), np.inf, log_L)
    best, at = np.argmin(here, axis=0), np.arange(len(C))
    there = np.isfinite(here[best, at])
    N = sizes[best]
    points = pd.DataFrame({"C": C, "N": N, "D": np.exp(log_D[best, at]), "L": np.exp(here[best, at])})
    points["inside"] = (N > sizes.min()) & (N < sizes.max())
    return points[there].reset_index(drop=True)


def _resampled(
    grid: np.ndarray,
    sizes: np.ndarray,
    log_L: np.ndarray,
    log_D: np.ndarray,
    n: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Power laws along the envelopes of curves drawn with replacement."""
    here = np.where(np.isnan(log_L), np.inf, log_L)
    at, rows = np.arange(len(grid)), []
    for _ in range(n):
        drawn = np.unique(rng.integers(len(sizes), size=len(sizes)))
        best = drawn[np.argmin(here[drawn], axis=0)]
        N = sizes[best]
        inside = (N > sizes[drawn].min()) & (N < sizes[drawn].max()) & np.isfinite(here[best, at])
        rows.append((np.log(N), np.nan_to_num(log_D[best, at]), inside.astype(float)))
    if not rows:
        return pd.DataFrame(columns=["k_N", "a", "k_D", "b"], dtype=float)
    log_N, tokens, weights = (np.array(part) for part in zip(*rows, strict=True))
    return lines(grid, log_N, tokens, weights)


def stand_in(runs: pd.DataFrame, curves: pd.DataFrame, *, schedule: str) -> pd.DataFrame:
    """Compare a point in the middle of a long run with the end of a run of that length.

    Parameters
    ----------
    runs, curves
        Finished runs with ``id``, ``N``, ``D``, ``L``, ``schedule``, and the points of their curves.
    schedule
        Of the runs compared; the longest of each size is the long run.

    Returns
    -------
    DataFrame
        One row per shorter run: ``N``, ``D``, ``part`` of the long run, ``excess`` of the loss in
        its middle over that of the finished short run, as a share.

    Examples
    --------
    >>> runs = pd.DataFrame({"id": ["a", "b"], "N": 1e3, "D": [1e6, 4e6], "L": [2.0, 1.8],
    ...                      "schedule": "cosine"})
    >>> curves = pd.DataFrame({"id": "b", "D": [1e6, 4e6], "L": [2.1, 1.8]})
    >>> stand_in(runs, curves, schedule="cosine").excess.round(3).tolist()
    [0.05]
    """
    check(runs, needs=["N", "D", "L"])
    rows = []
    for N, own in runs[runs["schedule"] == schedule].groupby("N"):
        long = own.loc[own["D"].idxmax()]
        curve = curves[curves["id"] == long["id"]].sort_values("D")
        for short in own[own["D"] < 0.99 * long["D"]].itertuples():
            middle = np.interp(np.log(short.D), np.log(curve["D"]), np.log(curve["L"]))
            rows.append((N, short.D, short.D / long["D"], np.exp(middle) / short.L - 1))
    return pd.DataFrame(rows, columns=["N", "D", "part", "excess"])


def overtakes(points: pd.DataFrame) -> float:
    """Find the budget at which the larger of two sizes becomes the better one.

    Parameters
    ----------
    points
        Columns ``N`` (two sizes), ``C``, ``L``: ends of runs, or points of a curve.

    Returns
    -------
    float
        FLOPs, by interpolation in logarithms where both sizes have points; infinite if the smaller
        is still ahead at the end of that range, zero if the larger is ahead from its beginning.

    Examples
    --------
    >>> C = np.geomspace(1e9, 1e12, 7)
    >>> small = pd.DataFrame({"N": 1e3, "C": C, "L": 10 * C**-0.05})
    >>> large = pd.DataFrame({"N": 1e4, "C": C, "L": 10 * 1e10**0.05 * C**-0.1})
    >>> f"{overtakes(pd.concat([small, large])):.1e}"
    '1.0e+10'
    """
    small, large = (part.sort_values("C") for _, part in points.groupby("N"))
    first = max(small["C"].min(), large["C"].min())
    last = min(small["C"].max(), large["C"].max())
    grid = np.linspace(np.log(first), np.log(last), 2000)
    losses = [np.interp(grid, np.log(part["C"]), np.log(part["L"])) for part in (small, large)]
    behind = np.flatnonzero(losses[1] > losses[0])
    if not len(behind):
        return 0.0
    return np.inf if behind[-1] == len(grid) - 1 else float(np.exp(grid[behind[-1] + 1]))
