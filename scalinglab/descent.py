"""Where a stock solver stops on its way down: the fit of Hoffmann et al. as it was run."""

import itertools
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
from scipy.optimize import OptimizeResult, minimize

from scalinglab import huber
from scalinglab.laws import Chinchilla

FTOL, GTOL = 2.220446049250313e-09, 1e-05
"""SciPy's default tolerances of L-BFGS-B: fall of the objective in one step, largest slope."""

FIELDS = ("E", "A", "B", "alpha", "beta")


def hoffmann_starts() -> list[Chinchilla]:
    """List the 4500 places from which Hoffmann et al. started their solver.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), approach 3.

    Examples
    --------
    >>> starts = hoffmann_starts()
    >>> len(starts), starts[0].A
    (4500, 1.0)
    """
    exponents, prefactors = np.linspace(0, 2, 5), np.linspace(0, 25, 6)
    grid = itertools.product(np.linspace(-1, 1, 5), prefactors, prefactors, exponents, exponents)
    return [
        Chinchilla(
            E=float(np.exp(e)), A=float(np.exp(a)), B=float(np.exp(b)), alpha=float(alpha), beta=float(beta)
        )
        for e, a, b, alpha, beta in grid
    ]


def descend(
    runs: pd.DataFrame,
    starts: Iterable[Chinchilla],
    *,
    reduction: str = "sum",
    tolerance: float = 1.0,
    delta: float = 1e-3,
    N: str = "N",
) -> pd.DataFrame:
    """Let L-BFGS-B run from each start until it is content.

    The coordinates are those of the paper: ``ln E``, ``ln A``, ``ln B``, ``alpha``, ``beta``.

    Parameters
    ----------
    runs
        Columns ``N`` (or as named), ``D``, ``L``.
    starts
        Laws to start from.
    reduction
        ``"sum"`` of the runs' Huber losses, or their ``"mean"``.
    tolerance
        Both of SciPy's default tolerances are multiplied by this.
    delta
        Residual at which the loss turns from squares to absolute values.
    N
        Column that counts parameters.

    Returns
    -------
    DataFrame
        One row per start: the law's constants, ``a``, ``objective`` (the sum, whatever was
        minimised), ``steps``, ``why`` it stopped (``"fall"``, ``"slope"`` or ``"other"``), and
        the ``reduction`` and ``tolerance`` that were asked for.

    Examples
    --------
    >>> from scalinglab.laws import BESIROGLU_2024
    >>> size, data = np.meshgrid([1e8, 1e9, 1e10], [1e9, 1e10, 1e11])
    >>> table = pd.DataFrame({"N": size.ravel(), "D": data.ravel()})
    >>> table["L"] = BESIROGLU_2024(N=table["N"], D=table["D"])
    >>> descend(table, [BESIROGLU_2024])["steps"].item()
    0
    """
    objective, divisor = _objective(runs, N, delta, reduction)
    rows = []
    for start in starts:
        found = _solve(objective, start, tolerance)
        why = {"NORM OF PROJECTED": "slope", "RELATIVE REDUCTION": "fall"}
        said = next((word for text, word in why.items() if text in str(found.message)), "other")
        rows.append((*_constants(found.x), found.fun * divisor, found.nit, said))
    table = pd.DataFrame(rows, columns=[*FIELDS, "objective", "steps", "why"])
    table.insert(5, "a", table["beta"] / (table["alpha"] + table["beta"]))
    return table.assign(reduction=reduction, tolerance=tolerance)


def path(
    runs: pd.DataFrame,
    start: Chinchilla,
    *,
    reduction: str = "sum",
    delta: float = 1e-3,
    N: str = "N",
) -> pd.DataFrame:
    """Follow one descent step by step, far beyond the place where the solver would have stopped.

    Parameters
    ----------
    runs, start, reduction, delta, N
        As for `descend`.

    Returns
    -------
    DataFrame
        One row per ``step`` from 0, the start: the constants, ``a``, ``objective`` (the sum).
    """
    objective, divisor = _objective(runs, N, delta, reduction)
    places = [_internal(start)]
    _solve(objective, start, 1e-10, callback=lambda x: places.append(x.copy()))
    rows = [(*_constants(x), objective(x)[0] * divisor) for x in places]
    table = pd.DataFrame(rows, columns=[*FIELDS, "objective"])
    table["a"] = table["beta"] / (table["alpha"] + table["beta"])
    return table.rename_axis("step").reset_index()


def _solve(
    objective: Callable, start: Chinchilla, tolerance: float, callback: Callable | None = None
) -> OptimizeResult:
    options = {"ftol": FTOL * tolerance, "gtol": GTOL * tolerance, "maxiter": 2000, "maxfun": 10_000}
    with np.errstate(all="ignore"):
        return minimize(
            objective, _internal(start), jac=True, method="L-BFGS-B", options=options, callback=callback
        )


def _internal(law: Chinchilla) -> np.ndarray:
    return np.array([np.log(law.E), np.log(law.A), np.log(law.B), law.alpha, law.beta])


def _constants(x: np.ndarray) -> tuple[float, ...]:
    return (*(float(v) for v in np.exp(np.clip(x[:3], -690, 690))), float(x[3]), float(x[4]))


def _objective(runs: pd.DataFrame, N: str, delta: float, reduction: str) -> tuple[Callable, int]:
    """The Huber loss with its slope, and by what the sum was divided."""
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is {reduction!r}; it is 'sum' or 'mean'")
    log_N, log_D, log_L = (np.log(runs[name].to_numpy(dtype=float)) for name in (N, "D", "L"))
    divisor = len(runs) if reduction == "mean" else 1

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        e, a, b, alpha, beta = x
        terms = np.stack([np.full_like(log_N, e), a - alpha * log_N, b - beta * log_D])  # (3, n)
        top = terms.max(axis=0)
        parts = np.exp(terms - top)
        whole = parts.sum(axis=0)
        r = top + np.log(whole) - log_L
        pull = parts / whole * np.clip(r, -delta, delta)
        slope = np.array([*pull.sum(axis=1), -(pull[1] @ log_N), -(pull[2] @ log_D)])
        return float(huber.loss(r[None], delta)[0]) / divisor, slope / divisor

    return objective, divisor
