"""How sure a fit is: resampled tables, and intervals of whatever follows from the law."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from scalinglab import huber
from scalinglab.laws.law import outputs, parameters

METHODS = ("case", "residual")

BLOCK = 4_000_000
"""Residuals that are resampled at once: what memory holds with ease."""

UNDERCOVERED = {"case": 0, "residual": 240}
"""Most runs at which a 95 % interval held the truth in less than 93 % of simulated tables.

Measured at 40, 80 and 240 runs with Chinchilla's law by tests/bench/bench_coverage.py: resampled
residuals held 88 to 95 %, resampled runs 94 to 99 %, whose intervals are wider.
"""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """An interval, or one for each of several points: ``low, high = band``.

    Attributes
    ----------
    low, high
        Its ends; arrays where there are several points.
    level
        Share of repetitions of the whole experiment in which it should hold the truth.
    warnings
        One sentence for each reason for doubt.
    """

    low: Any
    high: Any
    level: float
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Any]:
        return iter((self.low, self.high))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Intervals:
    """Percentile intervals of a fitted law's parameters, and of what is computed from them.

    Attributes
    ----------
    low, high
        Ends of the interval by the name of the parameter.
    level
        Share of repetitions of the whole experiment in which an interval should hold the truth.
    draws
        One row for each resampled table, one column for each parameter.
    method
        ``"case"`` or ``"residual"``; ``"subsample"`` from :func:`subsample`.
    warnings
        One sentence for each reason for doubt.
    """

    low: dict[str, float]
    high: dict[str, float]
    level: float
    draws: pd.DataFrame
    method: str
    warnings: tuple[str, ...]
    fit: Any = dataclasses.field(repr=False)

    def of(self, function: Callable[[Any], Any]) -> Band:
        """Interval of ``function(law)``, called once with a law whose parameters are (draws, 1).

        Examples
        --------
        The exponent of the best size in the budget: ``intervals.of(lambda law: law.a)``.
        """
        with np.errstate(all="ignore"):
            return self._band(function(self._laws()))

    def predict(self, *, noise: bool = False, **columns: Any) -> Band:
        """Interval of what the law predicts at new points.

        Parameters
        ----------
        noise
            Also count how single runs scatter around the law: a prediction interval for a new run.
        **columns
            The law's columns, scalars or arrays of shape (k,).
        """
        with np.errstate(all="ignore"):
            values = _stack(self._laws()(**{name: np.atleast_1d(x) for name, x in columns.items()}))
            if noise:
                values = self._scatter(values)
        band = self._band(values)
        return dataclasses.replace(band, warnings=band.warnings + self._reach(columns))

    def optimum(self, *, C: float) -> dict[str, Band]:
        """Intervals of the best size ``"N"`` and the best data ``"D"`` for ``C`` FLOPs."""
        law = self._laws()
        if not hasattr(law, "optimum"):
            raise TypeError(
                f"{type(law).__name__} has no closed-form optimum; use planning.allocate on the drawn laws"
            )
        warnings = self._reach({"C": C})
        with np.errstate(all="ignore"):
            bands = [self._band(x) for x in law.optimum(C=C)]
        return {
            name: dataclasses.replace(band, warnings=band.warnings + warnings)
            for name, band in zip(("N", "D"), bands, strict=True)
        }

    def _laws(self) -> Any:
        """The drawn laws as one, with parameters of shape (draws, 1)."""
        return self.fit.problem.law(**{name: self.draws[name].to_numpy()[:, None] for name in self.draws})

    def _band(self, values: Any) -> Band:
        """Middle of the draws of each column of ``values`` (draws, ...)."""
        values = _stack(values)
        lost = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        warnings = self.warnings
        if lost.any():
            warnings += (f"{lost.sum()} of {len(lost)} draws give no number here and are left out",)
            values = values[~lost] if not lost.all() else np.full((1, *values.shape[1:]), np.nan)
        tail = (1 - self.level) / 2
        low, high = (
            end.item() if end.size == 1 else end for end in np.quantile(values, [tail, 1 - tail], axis=0)
        )
        return Band(low=low, high=high, level=self.level, warnings=warnings)

    def _scatter(self, values: np.ndarray) -> np.ndarray:
        """Give each drawn prediction (draws, k) or (draws, outputs, k) the residual of a run."""
        fit = self.fit
        rng = np.random.default_rng(len(values))
        r = _centred(fit)[rng.integers(fit.n, size=(values.shape[0], values.shape[-1]))]
        r = np.moveaxis(r, -1, 1) if values.ndim == 3 else r
        return values - r if fit.problem.residual == "linear" else values * np.exp(-r)

    def _reach(self, columns: dict[str, Any]) -> tuple[str, ...]:
        return self.fit.extrapolation(**columns)


def _stack(values: Any) -> np.ndarray:
    """An array (draws, k), or (draws, outputs, k) from a law that predicts several columns."""
    if isinstance(values, tuple):
        return np.stack(np.broadcast_arrays(*values), axis=1)
    return np.asarray(values, dtype=float)


def bootstrap(
    fit: Any,
    runs: pd.DataFrame,
    *,
    n: int = 1000,
    seed: int | np.random.Generator = 0,
    level: float = 0.95,
    method: str = "case",
) -> Intervals:
    """Fit the law to resampled tables and take the middle ``level`` of each parameter.

    Parameters
    ----------
    fit
        What ``fit_law`` gave for ``runs``.
    runs
        The table that was fitted.
    n
        Number of resampled tables.
    seed
        Seed or generator.
    level
        Of the intervals.
    method
        ``"case"``: runs drawn with replacement; ``"residual"``: the fitted law's predictions
        with residuals drawn with replacement, at the same runs.

    Raises
    ------
    ValueError
        ``runs`` is not what was fitted, or ``n``, ``level`` or ``method`` is out of range.

    Notes
    -----
    Every table is fitted from the fit's own parameters, all of them at once. Runs as cases is
    the default because its 95 % intervals hold the truth at least that often in simulations;
    those of resampled residuals are narrower, and too narrow (:data:`UNDERCOVERED`).

    Examples
    --------
    >>> from scalinglab.fit import bootstrap, fit_law
    >>> from scalinglab.laws import SizeFloorLaw
    >>> rng = np.random.default_rng(1)
    >>> runs = pd.DataFrame({"N": np.geomspace(1e6, 1e10, 40)})
    >>> truth = SizeFloorLaw(E=1.7, N_c=1e8, alpha_N=0.3)
    >>> runs["L"] = truth(N=runs["N"]) * np.exp(0.005 * rng.standard_normal(40))
    >>> intervals = bootstrap(fit_law(SizeFloorLaw, runs), runs, n=200)
    >>> intervals.low["alpha_N"] < truth.alpha_N < intervals.high["alpha_N"]
    True
    >>> low, high = intervals.predict(N=1e10)
    >>> low < truth(N=1e10) < high
    True
    """
    _checked(fit, runs, n, level, method)
    rng = np.random.default_rng(seed)
    problem = fit.problem
    names = [p.name for p in parameters(problem.law)]
    start, block = problem.internal(fit.law), max(1, BLOCK // problem.target.size)
    found = []
    for done in range(0, n, block):
        some = min(block, n - done)
        weights, target = _resample(fit, rng, some, method, level)
        minima, _ = huber.minimise(
            problem,
            np.tile(start, (some, 1)),
            weights=weights,
            target=target,
            iterations=200,
            tolerance=1e-7,
        )
        found.append(minima)
    theta = np.concatenate(found)
    draws = pd.DataFrame(problem.external(theta), columns=names)
    ends = draws.quantile([(1 - level) / 2, (1 + level) / 2]).to_numpy()
    low, high = (dict(zip(names, map(float, end), strict=True)) for end in ends)
    warnings = fit.warnings + _undercovered(fit.n, method)
    return Intervals(low=low, high=high, level=level, draws=draws, method=method, warnings=warnings, fit=fit)


def subsample(
    fit: Any,
    runs: pd.DataFrame,
    *,
    share: float = 0.8,
    n: int = 100,
    seed: int | np.random.Generator = 0,
    level: float = 0.8,
) -> Intervals:
    """Fit the law to random parts of the table, drawn without replacement: an interval of another kind.

    The spread of such fits is ``sqrt((1 - share) / share)`` of the standard error, half of it at
    a share of 0.8.  So the interval shows how much the fit hangs on single runs, and holds the
    truth less often than its level says.

    Parameters
    ----------
    fit
        What ``fit_law`` gave for ``runs``.
    runs
        The table that was fitted.
    share
        Of the runs in each part.
    n
        Number of parts.
    seed
        Seed or generator.
    level
        Middle part of the fits: 0.8 is from the 10th to the 90th percentile.

    Raises
    ------
    ValueError
        As for :func:`bootstrap`, or ``share`` is not between 0 and 1.

    Notes
    -----
    The defaults are those of Hoffmann et al. 2022 (arXiv:2203.15556), table 2.
    """
    _checked(fit, runs, n, level, "case")
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; it is a share of the runs between 0 and 1, as 0.8")
    rng = np.random.default_rng(seed)
    kept = np.arange(fit.n) < round(share * fit.n)
    weights = np.tile(rng.permuted(np.tile(kept, (n, 1)), axis=1), fit.problem.target.size // fit.n)
    start = np.tile(fit.problem.internal(fit.law), (n, 1))
    theta, _ = huber.minimise(
        fit.problem, start, weights=weights.astype(float), iterations=200, tolerance=1e-9
    )
    draws = pd.DataFrame(fit.problem.external(theta), columns=[p.name for p in parameters(fit.problem.law)])
    low, high = (draws.quantile(q).to_dict() for q in ((1 - level) / 2, (1 + level) / 2))
    return Intervals(
        low=low, high=high, level=level, draws=draws, method="subsample", warnings=fit.warnings, fit=fit
    )


def student(level: float, spare: int) -> float:
    """How much wider than the normal law's an interval is whose noise ``spare`` residuals tell.

    The quantile of Student's t over that of the normal distribution.

    Examples
    --------
    >>> round(student(0.95, 4), 2), round(student(0.95, 1000), 2)
    (1.42, 1.0)
    """
    tail = (1 + level) / 2
    return float(stats.t.ppf(tail, max(1, spare)) / stats.norm.ppf(tail))


def wilson(share: Any, n: int, *, level: float = 0.95) -> Band:
    """Give Wilson's interval of a share of ``n`` questions; it holds at 0 and at 1 as well.

    Parameters
    ----------
    share
        Scalar, or array of shape (k,).
    n
        Questions.
    level
        Of the interval.

    Examples
    --------
    >>> low, high = wilson([0.0, 0.5], 400)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.451], [0.01, 0.549])
    """
    p, z = np.asarray(share, dtype=float), stats.norm.ppf((1 + level) / 2)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return Band(low=np.maximum(middle - half, 0.0), high=np.minimum(middle + half, 1.0), level=level)


def _undercovered(n, method):
    if n > UNDERCOVERED[method]:
        return ()
    return (
        f"with {n} runs, 95 % intervals from resampled {method}s hold the truth less than 93 % of the time: "
        "use method='case'",
    )


def _checked(fit, table, n, level, method):
    if len(table) != fit.n:
        raise ValueError(f"the table has {len(table)} rows, the fit {fit.n} runs; pass what was fitted")
    there = [table[fit.mapping[name]].to_numpy(dtype=float) for name in outputs(fit.problem.law)]
    if not np.array_equal(np.concatenate(there), fit.problem.target):
        raise ValueError("this is not the table that was fitted: what the law predicts has other values")
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; it is 'case' or 'residual'")
    if n < 1:
        raise ValueError(f"n is {n}; at least one table must be drawn, better 1000")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it is a share between 0 and 1, as 0.95")


def _resample(fit, rng, n, method, level):
    """Weights (n, k rows) and targets of the drawn tables; ``None`` where they are the table's own."""
    rows, k = fit.n, fit.problem.target.size // fit.n
    if method == "case":
        counts = rng.multinomial(rows, np.full(rows, 1 / rows), size=n)
        return np.tile(counts, k).astype(float), None
    r = np.atleast_2d(_centred(fit).T) * student(level, _spare(fit))
    drawn = r[:, rng.integers(rows, size=(n, rows))]  # (k, n, rows)
    drawn = np.moveaxis(drawn, 0, 1).reshape(n, -1)
    r = np.asarray(fit.residuals).T.ravel()
    if fit.problem.residual == "linear":
        return None, fit.problem.target + r - drawn
    return None, np.exp(np.clip(np.log(fit.problem.target) + r - drawn, -690.0, 690.0))


def _centred(fit):
    """Residuals as the noise of single runs: centred, and widened for the parameters spent on them."""
    r = np.asarray(fit.residuals)
    return (r - np.median(r, axis=0)) * np.sqrt(fit.problem.target.size / _spare(fit))


def _spare(fit):
    """Measurements beyond the number of parameters, at least one."""
    return max(1, fit.problem.target.size - len(parameters(fit.problem.law)))
