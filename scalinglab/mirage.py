"""Jump or ruler: where a metric breaks away from its level, and whether sizes agree on that loss."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scalinglab.intervals import Band


@dataclass(frozen=True, kw_only=True)
class BrokenLine:
    """``y = level + before * (eta - L)`` above the break, ``level + after * (eta - L)`` below it.

    Attributes
    ----------
    eta
        Loss at the break, nats per token.
    level
        Value at the break.
    before, after
        Rise per nat of a loss above and below it.
    ratio
        ``after / before`` would be infinite where nothing rises before: so the share of the rise per nat
        that is there before the break, ``before / after``.
    bands
        95 % intervals of ``eta``, ``before``, ``after``, ``ratio``: models resampled.
    gain
        Share of the squared deviations from one straight line that the break removes.
    n
        Models.
    """

    eta: float
    level: float
    before: float
    after: float
    ratio: float
    bands: dict[str, Band]
    gain: float
    n: int

    def __call__(self, *, L: np.ndarray) -> np.ndarray:
        """Value of the broken line at losses ``L``."""
        away = self.eta - np.asarray(L, dtype=float)
        return self.level + np.where(away > 0, self.after, self.before) * away


def broken_line(
    points: pd.DataFrame, value: str, *, n: int = 400, seed: int = 0, edge: int = 4
) -> BrokenLine:
    """Fit two straight lines that meet, by least squares: does a metric have a threshold in the loss?

    Parameters
    ----------
    points
        One row per model: the loss ``L`` of its text and the metric.
    value
        The metric's column.
    n, seed
        Resampled sets of models, and what draws them.
    edge
        Models that each of the two lines has at least.

    Raises
    ------
    ValueError
        There are too few models.

    Examples
    --------
    >>> points = pd.DataFrame({"L": np.linspace(1, 2, 21)})
    >>> points["y"] = 0.1 + 2 * np.maximum(1.5 - points.L, 0)
    >>> found = broken_line(points, "y", n=50)
    >>> round(found.eta, 2), round(found.after, 2), round(abs(found.before), 2)
    (1.5, 2.0, 0.0)
    """
    table = points[["L", value]].to_numpy(dtype=float)
    if len(table) < 2 * edge + 2:
        raise ValueError(f"{len(table)} models for two lines of {edge} each; measure at least {2 * edge + 2}")
    best = _broken(table, edge)
    rng = np.random.default_rng(seed)
    drawn = np.array([_broken(table[rng.integers(0, len(table), len(table))], edge)[:4] for _ in range(n)])
    eta, before, after = drawn[:, 0], drawn[:, 2], drawn[:, 3]
    ends = {"eta": eta, "before": before, "after": after, "ratio": before / after}
    bands = {
        name: Band(low=low, high=high, level=0.95)
        for name, values in ends.items()
        for low, high in [np.quantile(values[np.isfinite(values)], [0.025, 0.975]).tolist()]
    }
    L, y = table.T
    straight = np.sum((y - np.polyval(np.polyfit(L, y, 1), L)) ** 2)
    return BrokenLine(
        eta=best[0],
        level=best[1],
        before=best[2],
        after=best[3],
        ratio=best[2] / best[3],
        bands=bands,
        gain=float(1 - best[4] / straight),
        n=len(table),
    )


def _broken(table: np.ndarray, edge: int) -> tuple[float, float, float, float, float]:
    """Best break on a grid of losses: eta, level, slopes before and after, squared deviations."""
    L, y = table.T
    inner = np.sort(L)[edge - 1 : len(L) - edge + 1]
    best = (np.nan, np.nan, np.nan, np.nan, np.inf)
    for eta in np.linspace(inner[0], inner[-1], 60):
        away = eta - L
        X = np.stack([np.ones_like(L), np.minimum(away, 0), np.maximum(away, 0)], axis=1)
        c, *_ = np.linalg.lstsq(X, y, rcond=None)
        left = float(np.sum((y - X @ c) ** 2))
        if left < best[4]:
            best = (float(eta), float(c[0]), float(c[1]), float(c[2]), left)
    return best


def crossing(points: pd.DataFrame, value: str, *, level: float, by: str = "N") -> pd.DataFrame:
    """Find the loss at which each group of models first passes a level of a metric.

    Models of a group in the order of their training; between two the metric is taken as straight in the
    loss.

    Parameters
    ----------
    points
        One row per model: ``by``, ``D``, ``L`` and the metric.
    value
        The metric's column; it rises.
    level
        To pass.
    by
        What makes a group.

    Returns
    -------
    DataFrame
        ``by`` and ``L``; NaN where a group does not pass the level, or begins above it.
    """
    rows = []
    for group, part in points.sort_values("D").groupby(by):
        y, L = part[value].to_numpy(), part["L"].to_numpy()
        i = int(np.argmax(y >= level))
        if y[i] < level or i == 0:
            rows.append((group, np.nan))
            continue
        share = (level - y[i - 1]) / (y[i] - y[i - 1])
        rows.append((group, L[i - 1] + share * (L[i] - L[i - 1])))
    return pd.DataFrame(rows, columns=[by, "L"])
