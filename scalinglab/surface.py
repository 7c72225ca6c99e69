"""Loss as one smooth surface over size and compute: where it is lowest, and what it costs to miss that."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scalinglab.intervals import Band, student
from scalinglab.runs import check

POWERS = tuple((i, j) for j in range(4) for i in range(4 - j))
"""Powers of ``ln N`` and ``ln C`` in the surface: all of the third degree."""

DEAREST = 20.0
"""Prices are sought up to this factor."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """``ln L`` as a polynomial of the third degree in ``ln N`` and ``ln C``.

    Attributes
    ----------
    coefficients
        One row per resampled table, the fit itself first; one column for each of ``POWERS``.
    centre
        ``ln N`` and ``ln C`` at the middle of the runs, where the polynomial begins.
    largest
        ``ln C`` of the dearest run.
    noise
        Standard deviation of ``ln L`` around the surface.
    n
        Runs that it was fitted to.
    level
        Of the intervals.
    """

    coefficients: np.ndarray
    centre: np.ndarray
    largest: float
    noise: float
    n: int
    level: float

    def __call__(self, *, N: Any, C: Any) -> Any:
        """Loss of ``N`` parameters after ``C`` FLOPs (scalars or arrays)."""
        return np.exp(self._height(np.log(np.asarray(N))[None], np.log(np.asarray(C))[None])[0])

    def optimum(self, *, C: Any) -> Any:
        """Size of the lowest loss at ``C`` FLOPs (scalar or array); NaN where the surface has none."""
        return np.exp(self._lowest(np.log(np.atleast_1d(C)))[0]).reshape(np.shape(C))

    def exponent(self, *, C: Any) -> tuple[float, Band]:
        """Exponent of the best size in the budget, least squares over budgets ``C``, and its interval."""
        y = np.log(np.asarray(C, dtype=float))
        slopes = np.polyfit(y, self._lowest(y).T, 1)[0]
        return float(slopes[0]), self._band(slopes)

    def price(self, *, ratio: float, C: Any) -> tuple[float, Band]:
        """Factor on the compute of a model ``ratio`` times the best size for the loss that ``C`` buys.

        The mean over budgets ``C``, and its interval; 1.2 is a fifth more. NaN if no compute
        within the runs' suffices: leave out the largest budget. The measured counterpart of
        `laws.off_optimum`.
        """
        y = np.log(np.atleast_1d(np.asarray(C, dtype=float)))
        sizes, more = self._lowest(y), np.linspace(0.0, np.log(DEAREST), 200)
        above = self._height((sizes + np.log(ratio))[..., None], y[None, :, None] + more)
        above -= self._height(sizes, y[None])[..., None]  # (m, budgets, prices)
        paid = (above < 0) & (y[:, None] + more <= self.largest + 1e-9)
        at = np.clip(np.argmax(paid, axis=-1), 1, None)[..., None]
        before, after = (np.take_along_axis(above, i, -1)[..., 0] for i in (at - 1, at))
        with np.errstate(all="ignore"):
            exact = np.exp(more[at[..., 0]] - more[1] * after / (after - before))
        price = np.where(paid.any(axis=-1), exact, np.nan).mean(axis=1)
        return float(price[0]), self._band(price)

    def _height(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``ln L`` of every table at logarithms that broadcast to (m, ...) or (1, ...)."""
        x, y = x - self.centre[0], y - self.centre[1]
        rest = [1] * (max(x.ndim, y.ndim) - 1)
        c = self.coefficients.T.reshape(len(POWERS), -1, *rest)
        return sum(c[k] * x**i * y**j for k, (i, j) in enumerate(POWERS))

    def _lowest(self, y: np.ndarray) -> np.ndarray:
        """``ln N`` of the minimum over sizes, (m, budgets): a cubic has one at most."""
        y = y - self.centre[1]
        c = np.zeros((4, len(self.coefficients), len(y)))
        for k, (i, j) in enumerate(POWERS):
            c[i] += self.coefficients[:, k, None] * y**j
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.centre[0] - c[1] / (c[2] + np.sqrt(c[2] ** 2 - 3 * c[1] * c[3]))

    def _band(self, values: np.ndarray) -> Band:
        """Middle ``level`` of what the resampled tables say."""
        known = values[1:][np.isfinite(values[1:])]
        ends = (
            np.quantile(known, [(1 - self.level) / 2, (1 + self.level) / 2]) if len(known) else (np.nan,) * 2
        )
        return Band(low=float(ends[0]), high=float(ends[1]), level=self.level)


def surface(
    runs: pd.DataFrame,
    *,
    N: str = "N",
    C: str = "C",
    L: str = "L",
    n: int = 1000,
    seed: int | np.random.Generator = 0,
    level: float = 0.95,
) -> Surface:
    """Fit ``ln L`` by least squares as a polynomial of the third degree in ``ln N`` and ``ln C``.

    No law is assumed, budgets need not be equal, and any way of counting will do: it finds
    the best size in the columns that it is given.

    Parameters
    ----------
    runs
        One row per run, each with a schedule of its own.
    N, C, L
        Columns of parameters, FLOPs, loss.
    n, seed, level
        Resampled tables (residuals drawn with replacement), seed or generator, level.

    Raises
    ------
    KeyError, ValueError
        A column is missing, a value cannot be used, or there are too few runs.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024
    >>> size, budget = (x.ravel() for x in np.meshgrid(np.geomspace(0.3, 3, 9), np.geomspace(1e19, 1e21, 9)))
    >>> table = pd.DataFrame({"C": budget, "N": size * BESIROGLU_2024.optimum(C=budget)[0]})
    >>> table["L"] = BESIROGLU_2024(N=table["N"], D=table["C"] / (6 * table["N"]))
    >>> found = surface(table)
    >>> round(found.exponent(C=[1e19, 1e20, 1e21])[0], 2), round(BESIROGLU_2024.a, 2)
    (0.51, 0.51)
    """
    check(runs, needs=[N, C, L])
    X = np.log(runs[[N, C]].to_numpy(dtype=float))
    y = np.log(runs[L].to_numpy(dtype=float))
    spare = len(y) - len(POWERS)
    if spare < 2:
        raise ValueError(f"{len(y)} runs for a surface of {len(POWERS)} coefficients; train more")
    centre = X.mean(axis=0)
    features = np.stack([np.prod((X - centre) ** power, axis=1) for power in POWERS], axis=1)
    solve = np.linalg.pinv(features, rcond=1e-10)
    c = solve @ y
    r = y - features @ c
    wide = r * np.sqrt(len(y) / spare) * student(level, spare)
    drawn = np.random.default_rng(seed).choice(wide, size=(n, len(y)))
    return Surface(
        coefficients=np.vstack([c, c + drawn @ solve.T]),
        centre=centre,
        largest=float(X[:, 1].max()),
        noise=float(np.sqrt(r @ r / spare)),
        n=len(y),
        level=level,
    )


def spent_to(
    runs: pd.DataFrame, *, loss: float, N: str = "N", C: str = "C", D: str = "D", L: str = "L"
) -> pd.DataFrame:
    """Find the tokens and the FLOPs with which each size reaches ``loss``.

    Parameters
    ----------
    runs
        One row per run, each with a schedule of its own; seeds of one size and length are averaged.
    loss
        To reach, nats per token.
    N, C, D, L
        Columns of parameters, FLOPs, tokens, loss.

    Returns
    -------
    DataFrame
        ``N``, ``D``, ``C`` of each size with runs on both sides of the loss; between two runs
        logarithms are interpolated.

    Examples
    --------
    >>> table = pd.DataFrame({"N": 1e4, "D": [1e5, 1e6, 1e7], "L": [3.0, 2.0, 1.5]})
    >>> spent_to(table.assign(C=6e4 * table["D"]), loss=2.0)
             N          D             C
    0  10000.0  1000000.0  6.000000e+10
    """
    check(runs, needs=[N, C, D, L])
    rows = []
    for size, part in np.log(runs[[N, D, C, L]]).groupby(N):
        part = part.groupby(D, as_index=False).mean()
        lowest = np.minimum.accumulate(part[L].to_numpy())
        i = int(np.argmax(lowest <= np.log(loss) + 1e-12))
        if i == 0:
            continue  # reached before the shortest run, or by none
        share = (lowest[i - 1] - np.log(loss)) / (lowest[i - 1] - lowest[i])
        tokens, flops = (np.interp(share, [0, 1], part[x].iloc[i - 1 : i + 1]) for x in (D, C))
        rows.append(np.exp([size, tokens, flops]))
    return pd.DataFrame(rows, columns=["N", "D", "C"])


def counted(runs: pd.DataFrame, ways: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Find the exponent of the best size in the budget, once for each way of counting both.

    Parameters
    ----------
    runs
        One row per run, with the column ``budget``; the exponent is read at the median of each
        budget in the counted FLOPs.
    ways
        By name: the columns that count as parameters and as FLOPs.

    Returns
    -------
    DataFrame
        Index: names of the ways. Columns ``a``, ``low``, ``high`` (95 %).

    Examples
    --------
    >>> from scalinglab.runs import load
    >>> table = counted(load("isoflop"), {"exact": ("N", "C"), "6ND": ("N", "C_6ND")})
    >>> table.round(2).a.tolist()
    [0.54, 0.52]
    """
    rows = {}
    for way, (N, C) in ways.items():
        at = runs.groupby("budget")[C].median().to_numpy()
        a, band = surface(runs, N=N, C=C).exponent(C=at)
        rows[way] = {"a": a, "low": band.low, "high": band.high}
    return pd.DataFrame(rows).T
