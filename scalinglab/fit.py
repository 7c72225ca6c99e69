"""Fit any law to a table of runs, and say how far the fit can be trusted."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.stats import qmc

from scalinglab import diagnosis, huber
from scalinglab.envelope import EnvelopeFit, envelope
from scalinglab.frontier import IsoFlopFit, isoflop
from scalinglab.intervals import METHODS, Band, Intervals, bootstrap, subsample
from scalinglab.laws.law import inputs, outputs, parameters
from scalinglab.runs import check

__all__ = [
    "METHODS",
    "Band",
    "EnvelopeFit",
    "Fit",
    "Intervals",
    "IsoFlopFit",
    "bootstrap",
    "envelope",
    "fit_law",
    "isoflop",
    "subsample",
]

STARTS, REFINED, ROWS = 4096, 48, 500
"""Starts that are ranked, how many of them descend, and on how many rows at most they are ranked."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """A law fitted to a table of runs.

    Attributes
    ----------
    law
        The fitted law, an instance of the class that was asked for.
    objective
        Huber loss of the residuals, summed over the runs (or their mean, if so asked).
    residuals
        ``ln(predicted / measured)`` of each run, or the difference with ``residual="linear"``,
        indexed as the table; a DataFrame for a law that predicts several columns.
    status
        ``"ok"``, or the gravest of what ``warnings`` say: ``"few"`` runs for so many parameters,
        ``"singular"`` (runs leave a combination of parameters open), ``"bound"`` (a parameter
        without effect, or far outside its range), ``"ties"`` (other parameters fit as well).
    warnings
        One sentence for each reason for doubt.
    n
        Number of runs.
    largest_C
        Largest budget in the table, FLOPs; NaN where it is not known.
    problem
        What was minimised: columns, target, delta, kind of residual.
    mapping
        Columns of the table by the law's keywords and predictions.
    """

    law: Any
    objective: float
    residuals: pd.Series | pd.DataFrame
    status: str
    warnings: tuple[str, ...]
    n: int
    largest_C: float
    problem: huber.Problem = dataclasses.field(repr=False)
    mapping: dict[str, str] = dataclasses.field(repr=False)

    def extrapolation(self, **columns: Any) -> tuple[str, ...]:
        """Warn of points beyond 10 times the largest budget; ``C``, or ``6 N D`` of ``N`` and ``D``."""
        C = columns.get("C", 6.0 * columns["N"] * columns["D"] if {"N", "D"} <= set(columns) else np.nan)
        times = np.max(C) / self.largest_C
        if not times > 10:
            return ()
        return (f"{np.max(C):.3g} FLOPs is {times:.3g} times the largest budget of the table: more than 10",)


def fit_law(
    Law: Any,
    runs: pd.DataFrame,
    *,
    N: str = "N",
    C: str = "C",
    columns: Mapping[str, str] | None = None,
    target: str | None = None,
    delta: float = 1e-3,
    residual: str = "log",
    reduction: str = "sum",
    solver: str = "starts",
    start: Any = None,
) -> Fit:
    """Fit a law to a table of runs: least Huber loss of the logarithmic residuals.

    Parameters
    ----------
    Law
        Class of the law, as ``laws.Chinchilla``.
    runs
        One row per run, with the columns that the law is called with and the one it predicts.
    N, C
        Columns that count parameters and FLOPs: ``N="N_total"`` fits in all parameters.
    columns
        Columns for other keywords of the law: ``{"D": "tokens"}``.
    target
        Column that the law should give; by default what the class ``predicts``.
    delta
        Residual at which the loss turns from squares to absolute values.
    residual
        ``"log"`` for positive quantities, ``"linear"`` for such as accuracy.
    reduction
        ``"sum"`` of the runs' losses, or their ``"mean"``: the same minimum, but an objective
        so small that a solver's default tolerance can take any place for it.
    solver
        ``"starts"``: from the best of 4096 starts to the minimum. ``"lbfgs"``: SciPy's L-BFGS-B
        at its default tolerances from ``start``, to show where it stops.
    start
        A law to start from; among others with ``"starts"``, alone with ``"lbfgs"``.

    Returns
    -------
    Fit
        Law, objective, residuals, status, warnings.

    Raises
    ------
    KeyError, ValueError
        A column is missing, the table is empty, or a value cannot be fitted: row, column and
        value are named.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024, Chinchilla
    >>> size, data = np.meshgrid([1e8, 1e9, 1e10], [1e9, 1e10, 1e11])
    >>> table = pd.DataFrame({"N": size.ravel(), "D": data.ravel()})
    >>> table["L"] = BESIROGLU_2024(N=table["N"], D=table["D"])
    >>> fit = fit_law(Chinchilla, table)
    >>> round(fit.law.alpha, 4), fit.status
    (0.3478, 'ok')
    """
    mapping = _mapping(Law, N=N, C=C, columns=columns or {}, target=target)
    problem = _problem(Law, runs, mapping, delta=delta, residual=residual)
    minima, losses = _minima(problem, reduction=reduction, solver=solver, start=start)
    begin = problem.internal(start) if solver == "lbfgs" else None
    doubts = diagnosis.doubts(problem, minima, losses, index=runs.index, begin=begin)
    return Fit(
        law=_instance(problem, minima[0]),
        objective=float(losses[0]) / (len(runs) if reduction == "mean" else 1),
        residuals=_residuals(problem, minima[0], runs, Law),
        status=diagnosis.status(doubts),
        warnings=tuple(text for _, text in doubts),
        n=len(runs),
        largest_C=_largest_C(runs, problem, C),
        problem=problem,
        mapping=mapping,
    )


def _mapping(Law, *, N, C, columns, target):
    """Columns of the table by the law's keywords and by what it predicts."""
    unknown = set(columns) - set(inputs(Law))
    if unknown:
        raise KeyError(
            f"{Law.__name__} is not called with {', '.join(map(repr, sorted(unknown)))}; "
            f"its columns are {', '.join(inputs(Law))}"
        )
    mapping = {name: {"N": N, "C": C}.get(name, name) for name in inputs(Law)} | dict(columns)
    predicts = outputs(Law)
    if target is not None and len(predicts) > 1:
        raise ValueError(
            f"target is {target!r}, but {Law.__name__} predicts {', '.join(predicts)}: rename them"
        )
    return mapping | {name: target or name for name in predicts}


def _problem(Law, table, mapping, *, delta, residual):
    """Checked columns of the table, as arrays."""
    if residual not in ("log", "linear"):
        raise ValueError(f"residual is {residual!r}; it is 'log' or 'linear'")
    if not (np.isfinite(delta) and delta > 0):
        raise ValueError(f"delta is {delta}; the Huber loss needs a positive number, as 1e-3")
    used = list(dict.fromkeys(mapping.values()))
    check(_without_harmless_zeros(Law, table, mapping, residual), needs=used)
    columns = {name: table[mapping[name]].to_numpy(dtype=float) for name in inputs(Law)}
    target = np.concatenate([table[mapping[name]].to_numpy(dtype=float) for name in outputs(Law)])
    return huber.Problem(law=Law, columns=columns, target=target, delta=delta, residual=residual)


def _without_harmless_zeros(Law, table, mapping, residual):
    """The table with ones for those values that need not be positive.

    These are finite targets of linear residuals, and zeros in a column where the law takes them.
    """
    table = table.copy()
    for name, column in mapping.items():
        values = pd.to_numeric(table.get(column, pd.Series(dtype=float)), errors="coerce")
        if name in outputs(Law):
            harmless = np.isfinite(values) & (residual == "linear")
        else:
            harmless = (values == 0) & _takes_zero(Law, name)
        if harmless.any():
            table[column] = values.mask(harmless, 1.0)
    return table


def _takes_zero(Law, name):
    """Whether the law gives finite positive numbers where one of its columns is zero."""
    columns = {other: np.full(1, 0.0 if other == name else 2.0) for other in inputs(Law)}
    problem = huber.Problem(law=Law, columns=columns, target=np.ones(1), delta=1.0, residual="log")
    with np.errstate(all="ignore"):
        try:
            predicted = problem.predict(_starts(Law, 8))
        except ValueError:
            return False
    return bool((np.isfinite(predicted) & (predicted > 0)).any())


def _minima(problem, *, reduction, solver, start):
    """Minima (m, p), lowest first, and their summed losses (m,)."""
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}; it is 'sum' or 'mean'")
    if solver not in ("starts", "lbfgs"):
        raise ValueError(f"solver is {solver!r}; it is 'starts' or 'lbfgs'")
    if start is not None and type(start) is not problem.law:
        raise TypeError(f"start is a {type(start).__name__}; give a {problem.law.__name__}, the law to fit")
    begin = None if start is None else problem.internal(start)
    if solver == "starts":
        return _search(problem, begin)
    if begin is None:
        raise ValueError("solver='lbfgs' descends from one place; give it as start=, a law")
    divisor = problem.target.size if reduction == "mean" else 1

    def objective(theta):
        value, slope = huber.value_and_gradient(problem, theta)
        return value / divisor, slope / divisor

    found = minimize(objective, begin, jac=True, method="L-BFGS-B")
    return found.x[None], np.array([found.fun * divisor])


def _search(problem, begin):
    """Minima from the best starts, lowest first, with their losses."""
    thin = _thinned(problem)
    best = np.vstack([_best(thin, shape=False), _best(thin, shape=True)])
    if begin is not None:
        best = np.vstack([begin, best])
    for delta, keep in ((0.1, 32), (0.01, 16), (0.0, 12)):  # from afar, absolute values stall
        delta = max(delta, problem.delta)
        best, losses = huber.minimise(thin, best, delta=delta, iterations=30, tolerance=1e-6)
        best = best[np.argsort(losses, kind="stable")[:keep]]
    if thin is not problem:
        best = best[:4]  # the same few minima, found more than once
    minima, losses = huber.minimise(problem, best, iterations=300, tolerance=1e-13)
    order = np.argsort(losses, kind="stable")
    if losses[order[0]] >= problem.delta * huber.UNUSABLE / 2:
        raise ValueError(
            f"{problem.law.__name__} gives no number for some row at any start: "
            "check the units of its columns, or drop rows of extreme values"
        )
    return minima[order], losses[order]


def _thinned(problem):
    """At most ``ROWS`` rows, drawn at random: enough to rank starts."""
    n = len(next(iter(problem.columns.values())))
    return problem if n <= ROWS else problem.rows(np.random.default_rng(0).permutation(n)[:ROWS])


def _best(problem, *, shape):
    """The best starts by their loss, or by their ``shape``: what is left of it at the best scale.

    The second kind serves tables in unusual units.
    """
    starts = _starts(problem.law, STARTS)
    ranks = huber.losses(problem, starts, delta=0.1, centred=shape)
    return starts[np.argsort(ranks, kind="stable")[: REFINED // 3 if shape else REFINED]]


def _starts(Law, number):
    """Evenly spread starting points (number, p) in internal coordinates."""
    declared = parameters(Law)
    cube = qmc.Sobol(len(declared), scramble=False).random(number)
    low, high = (
        np.array([np.log(bound(p)) if p.scale == "log" else bound(p) for p in declared])
        for bound in (lambda p: p.low, lambda p: p.high)
    )
    return low + (high - low) * cube


def _instance(problem, theta):
    """The law with the parameters ``theta`` (p,) as floats."""
    law = problem.at(theta[None])
    return problem.law(**{p.name: float(getattr(law, p.name)[0, 0]) for p in parameters(problem.law)})


def _residuals(problem, theta, table, Law):
    r = problem.residuals(problem.predict(theta[None]), problem.target)[0]
    names = outputs(Law)
    if len(names) == 1:
        return pd.Series(r, index=table.index, name="residual")
    return pd.DataFrame(r.reshape(len(names), -1).T, index=table.index, columns=names)


def _largest_C(table, problem, C):
    """Largest budget of the table: its own column, or 6 N D where it has only these."""
    if C in table:
        return float(pd.to_numeric(table[C], errors="coerce").max())
    if {"N", "D"} <= set(problem.columns):
        with np.errstate(over="ignore"):
            return float((6.0 * problem.columns["N"] * problem.columns["D"]).max())
    return float("nan")
