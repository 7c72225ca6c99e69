"""Jump or ruler: where a metric breaks away from its level, and whether size adds anything at that loss."""

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
        Value at the break, for the mean ``ln N`` where size counts.
    before, after
        Rise per nat of a loss above and below it.
    size
        Rise per factor of e in size at the same loss; 0 where size was not asked for.
    bands
        95 % intervals of ``eta``, ``before``, ``after``, ``size`` and of the share ``before / after``:
        models resampled.
    gain
        Share of the squared deviations from one straight line that the break removes.
    n
        Models.
    """

    eta: float
    level: float
    before: float
    after: float
    size: float
    bands: dict[str, Band]
    gain: float
    n: int

    def __call__(self, *, L: np.ndarray) -> np.ndarray:
        """Value of the broken line at losses ``L``."""
        away = self.eta - np.asarray(L, dtype=float)
        return self.level + np.where(away > 0, self.after, self.before) * away


def broken_line(
    points: pd.DataFrame, value: str, *, sized: bool = False, n: int = 400, seed: int = 0, edge: int = 4
) -> BrokenLine:
    """Fit two straight lines that meet, by least squares: does a metric have a threshold in the loss?

    Parameters
    ----------
    points
        One row per model: the loss ``L`` of its text, the metric, and ``N`` where size counts.
    value
        The metric's column.
    sized
        Let the size add something at the same loss: a multiple of ``ln N``.
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
    >>> round(found.eta, 1), round(found.after, 1), round(abs(found.before), 1)
    (1.5, 2.0, 0.0)
    """
    L, y = points["L"].to_numpy(dtype=float), points[value].to_numpy(dtype=float)
    if len(L) < 2 * edge + 2:
        raise ValueError(f"{len(L)} models for two lines of {edge} each; measure at least {2 * edge + 2}")
    extra = np.log(points[["N"]].to_numpy(dtype=float)) if sized else np.empty((len(L), 0))
    table = np.column_stack([L, y, extra - extra.mean(axis=0)])
    found, left = _broken(table, edge)
    rng = np.random.default_rng(seed)
    rows = [rng.integers(0, len(table), len(table)) for _ in range(n)]
    drawn = np.array([_broken(table[chosen], edge)[0] for chosen in rows])
    names = ("eta", "level", "before", "after", "size")[: drawn.shape[1]]
    draws = dict(zip(names, drawn.T, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        draws["share"] = draws["before"] / draws["after"]
    straight = np.sum((y - np.polyval(np.polyfit(L, y, 1), L)) ** 2)
    return BrokenLine(
        **({"size": 0.0} | dict(zip(names, map(float, found), strict=True))),
        bands={name: _middle(values) for name, values in draws.items()},
        gain=float(1 - left / straight),
        n=len(table),
    )


def _middle(values: np.ndarray) -> Band:
    low, high = np.quantile(values[np.isfinite(values)], [0.025, 0.975])
    return Band(low=float(low), high=float(high), level=0.95)


def _broken(table: np.ndarray, edge: int) -> tuple[np.ndarray, float]:
    """Best break on a grid of losses: eta, level, slopes before and after, others; squared deviations."""
    L, y, extra = table[:, 0], table[:, 1], table[:, 2:]
    inner = np.sort(L)[edge - 1 : len(L) - edge + 1]
    etas = np.linspace(inner[0], inner[-1], 60)
    away = etas[:, None] - L
    columns = [np.ones_like(away), np.minimum(away, 0), np.maximum(away, 0)]
    columns += [np.broadcast_to(more, away.shape) for more in extra.T]
    X = np.stack(columns, axis=-1)  # (breaks, models, coefficients)
    c = np.linalg.pinv(X, rcond=np.finfo(float).eps * len(L)) @ y
    left = np.sum((y - np.squeeze(X @ c[..., None], -1)) ** 2, axis=1)
    best = left.argmin()
    return np.concatenate([etas[best : best + 1], c[best]]), float(left[best])
