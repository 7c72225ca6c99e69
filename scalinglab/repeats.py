"""What repeated tokens are worth: the fresh ones that reach the same loss, and the constant R_D."""

import dataclasses

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator
from scipy.optimize import minimize_scalar

from scalinglab.intervals import Band
from scalinglab.laws.beyond import effective_tokens
from scalinglab.runs import check

LEAST, MOST = 0.05, 1e3
"""Range of ``R_D`` that is searched, in epochs."""


def worth(runs: pd.DataFrame, *, L: str = "L") -> pd.DataFrame:
    """Find for each run that repeats its tokens the fresh tokens that give the same loss.

    Parameters
    ----------
    runs
        One row per run: ``N``, ``D`` tokens seen, ``U`` different ones among them, loss. A run with
        ``D`` at most ``U`` is fresh; each size needs three lengths of those.
    L
        Column with the loss of the repeated runs: ``"L_best"`` stops each at its best evaluation.

    Returns
    -------
    DataFrame
        One row per repeated run: ``N``, ``U``, ``D``, ``epochs``, its loss ``L``, ``fresh`` (loss of
        as many fresh tokens), ``D_eff`` and ``worth``, ``D_eff / U``. Logarithms of fresh lengths
        are interpolated in those of their losses (means over seeds, without a law); beyond the
        shortest and the longest fresh run the line goes on straight.

    Raises
    ------
    KeyError, ValueError
        A column is missing; a size has fewer than three fresh lengths, or their loss rises.

    Examples
    --------
    >>> D = [1e5, 2e5, 4e5, 8e5, 8e5]
    >>> table = pd.DataFrame({"N": 1e4, "D": D, "U": [*D[:4], 1e5], "L": [2.0, 1.8, 1.62, 1.458, 1.62]})
    >>> worth(table)[["epochs", "D_eff", "worth"]].round(2)
       epochs     D_eff  worth
    0     8.0  400000.0    4.0
    """
    check(runs, needs=sorted({"N", "D", "U", "L", L}))
    once = runs["D"] <= 1.001 * runs["U"]
    found = []
    for N, part in runs[~once].groupby("N"):
        lines = _fresh(runs[once & (runs["N"] == N)], N)
        part = part.assign(L=part[L], epochs=part["D"] / part["U"])
        part["fresh"] = np.exp(lines["loss"](np.log(part["D"].to_numpy(dtype=float))))
        part["D_eff"] = np.exp(lines["length"](np.log(part["L"].to_numpy(dtype=float))))
        found.append(part.assign(worth=part["D_eff"] / part["U"]))
    if not found:
        raise ValueError("no run repeats: D is at most U in every row")
    columns = ["N", "U", "D", "epochs", "L", "fresh", "D_eff", "worth"]
    return pd.concat(found).sort_values(["N", "U", "D"], ignore_index=True)[columns]


def _fresh(runs, N):
    """Curves through the fresh runs of one size: log loss of log length, and the way back."""
    means = np.log(runs[["D", "L"]].astype(float)).groupby("D")["L"].mean()
    if len(means) < 3 or not (np.diff(means) < 0).all():
        raise ValueError(
            f"N={N} has {len(means)} fresh lengths with mean ln L {means.round(3).tolist()}; "
            "at least three are needed, and their loss must fall"
        )
    D, L = means.index.to_numpy(), means.to_numpy()
    return {"loss": _straight_beyond(D, L), "length": _straight_beyond(L[::-1], D[::-1])}


def _straight_beyond(x, y):
    """A monotone curve through points, straight outside them."""
    curve = PchipInterpolator(x, y)
    slope = curve.derivative()

    def value(at):
        inside = np.clip(at, x[0], x[-1])
        return curve(inside) + slope(inside) * (at - inside)

    return value


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class WorthFit:
    """``D_eff = U (1 + R_D (1 - exp((1 - D/U) / R_D)))`` through measured worths.

    Attributes
    ----------
    R_D
        Repetitions after which a token is worth 1/e of a new one.
    low, high, level
        Ends of its interval.
    draws
        ``R_D`` of each resampled table.
    residuals
        ``ln(measured / fitted)`` of each repeated run.
    """

    R_D: float
    low: float
    high: float
    level: float
    draws: np.ndarray
    residuals: np.ndarray

    def __call__(self, *, epochs):
        """Epochs of fresh tokens that ``epochs`` of the same are worth."""
        return effective_tokens(D=epochs, U=1.0, R_D=self.R_D)

    def four(self) -> tuple[float, Band]:
        """Worth of four epochs, and its interval.

        Examples
        --------
        >>> draws = np.array([10.0, 15.0, 20.0])
        >>> fit = WorthFit(R_D=15.39, low=10, high=20, level=0.95, draws=draws, residuals=draws)
        >>> round(fit.four()[0], 2)
        3.73
        """
        values = effective_tokens(D=4.0, U=1.0, R_D=self.draws)
        low, high = np.quantile(values, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(self(epochs=4.0)), Band(low=float(low), high=float(high), level=self.level)


def fit_worth(
    runs: pd.DataFrame, *, L: str = "L", n: int = 1000, seed: int = 0, level: float = 0.95
) -> WorthFit:
    """Fit ``R_D`` to the worth of repeated runs: least squares of logarithms, with an interval.

    Parameters
    ----------
    runs, L
        As in :func:`worth`; all sizes share one constant.
    n, seed, level
        Resampled tables, seed, level. Repeated runs are drawn with replacement from all of them,
        fresh ones from those of their size and length, so that the way back stays defined.

    Notes
    -----
    The form is Muennighoff et al. 2023, equation 5, for ``D`` alone: what their law says of
    parameters in excess is part of the worth here.

    Examples
    --------
    >>> D = np.array([1.0, 2.0, 4.0, 8.0, 16.0]) * 1e5
    >>> fresh = pd.DataFrame({"N": 1e4, "D": D, "U": D, "L": D**-0.2})
    >>> again = fresh[1:].assign(U=1e5, L=effective_tokens(D=D[1:], U=1e5, R_D=6.0) ** -0.2)
    >>> round(fit_worth(pd.concat([fresh, again]), n=20).R_D, 3)
    6.0
    """
    found = worth(runs, L=L)
    R_D, residuals = _least(found["epochs"].to_numpy(), found["worth"].to_numpy())
    once = runs["D"] <= 1.001 * runs["U"]
    fresh = {}
    for N in found["N"].unique():
        of_size = runs[once & (runs["N"] == N)].groupby("D")["L"]
        fresh[N] = {np.log(D): np.log(losses.to_numpy(dtype=float)) for D, losses in of_size}
    size, epochs, U, log_L = (found[c].to_numpy() for c in ("N", "epochs", "U", "L"))
    log_L = np.log(log_L.astype(float))
    rng, draws = np.random.default_rng(seed), []
    for _ in range(n):
        again = rng.integers(len(found), size=len(found))
        times = np.empty(len(found))
        for N, losses in fresh.items():
            means = [rng.choice(values, len(values)).mean() for values in losses.values()]
            here = size[again] == N
            line = _straight_beyond(np.sort(means), np.array(list(losses))[::-1])
            times[here] = np.exp(line(log_L[again][here])) / U[again][here]
        draws.append(_least(epochs[again], times)[0])
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return WorthFit(
        R_D=R_D, low=float(low), high=float(high), level=level, draws=np.array(draws), residuals=residuals
    )


def _least(epochs, times):
    """The constant of least squares for worths ``times``, and what it leaves."""
    measured, epochs = np.log(times.astype(float)), epochs.astype(float)

    def left(log_R):
        return measured - np.log(effective_tokens(D=epochs, U=1.0, R_D=np.exp(log_R)))

    grid = np.linspace(np.log(LEAST), np.log(MOST), 60)
    i = int(np.argmin(np.square(left(grid[:, None])).sum(axis=1)))
    around = grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)]
    best = minimize_scalar(lambda x: np.square(left(x)).sum(), bounds=around, method="bounded").x
    return float(np.exp(best)), left(best)
