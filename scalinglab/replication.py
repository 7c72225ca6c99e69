"""Other people's measurements refitted here: what they print, what comes out, whether it agrees."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from scalinglab import descent, huber, published, tuning
from scalinglab.bowl import bowl
from scalinglab.fit import bootstrap, fit_law, isoflop
from scalinglab.laws import (
    BESIROGLU_2024,
    HOFFMANN_2022,
    MUENNIGHOFF_2023,
    PORIAN_2024_STEPS,
    STEP_LAW_2025,
    Chinchilla,
    RepeatedDataLaw,
)
from scalinglab.runs import TABLES


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """One number that a paper prints and what a refit of its data gives.

    Attributes
    ----------
    study
        Paper and what was done.
    quantity
        Name of the number.
    paper, ours
        As printed, as refitted.
    allowed
        Difference that counts as agreement; NaN where the interval decides.
    low, high
        95 % interval of the refit; NaN where a difference decides.
    required
        Whether the package is wrong if the two disagree: same data, same method. Otherwise the
        method differs, and disagreement is a finding.
    """

    study: str
    quantity: str
    paper: float
    ours: float
    allowed: float = math.nan
    low: float = math.nan
    high: float = math.nan
    required: bool = False

    @property
    def verdict(self) -> str:
        """``"agrees"`` or ``"differs"``."""
        near = abs(self.ours - self.paper) <= self.allowed
        return "agrees" if near or self.low <= self.paper <= self.high else "differs"


def compare_all() -> pd.DataFrame:
    """Refit every published table and compare: one row per number, with its verdict.

    Raises
    ------
    FileNotFoundError, ConnectionError
        A table is neither in the mirror nor reachable.
    """
    rows = [found for study in STUDIES.values() for found in study()]
    return pd.DataFrame([dataclasses.asdict(found) | {"verdict": found.verdict} for found in rows])


def chinchilla_points() -> pd.DataFrame:
    """The 240 points of Besiroglu et al. 2024: all of Hoffmann's figure 4 but the five of highest loss."""
    table = published.load("hoffmann_figure_4")
    return table.drop(table.nlargest(5, "L").index)


def besiroglu() -> list[Comparison]:
    """Refit the 240 points: the summed Huber loss at its minimum.

    Source: Besiroglu et al. 2024 (arXiv:2404.10102) and its notebook, which prints the
    logarithms of E, A and B.
    """
    law = fit_law(Chinchilla, chinchilla_points(), N="N_total").law
    printed = {"E": math.exp(0.5973), "A": 477.8, "B": 2143.4, "alpha": 0.34730, "beta": 0.36716}
    return [
        Comparison(
            study="Besiroglu 2024, 240 points",
            quantity=name,
            paper=value,
            ours=getattr(law, name),
            allowed=1e-3 * value,
            required=True,
        )
        for name, value in printed.items()
    ]


def hoffmann() -> list[Comparison]:
    """Stop where Hoffmann et al. stopped: the mean for the sum, a solver's default tolerance.

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), digits of the TeX source; the cause is told
    by Besiroglu et al. 2024 (arXiv:2404.10102).
    """
    stopped = fit_law(
        Chinchilla,
        chinchilla_points(),
        N="N_total",
        reduction="mean",
        solver="lbfgs",
        start=HOFFMANN_2022,
    ).law
    return [
        Comparison(
            study="Hoffmann 2022, mean for sum",
            quantity=name,
            paper=getattr(HOFFMANN_2022, name),
            ours=getattr(stopped, name),
            allowed=1e-3 * getattr(HOFFMANN_2022, name),
            required=True,
        )
        for name in ("E", "A", "B", "alpha", "beta")
    ]


STEPS = {
    "as Kaplan": ("base", "long", "kaplan", "kaplan", "train"),
    "last layer's FLOPs counted": ("base", "long", "kaplan", "standard", "val"),
    "warm-up by size": ("base", "short", "kaplan", "standard", "val"),
    "schedule by budget": ("base", "short", "chinchilla", "standard", "val"),
    "tuned by size": ("tuned", "short", "const", "standard", "val"),
}
"""Porian's five steps from Kaplan to Chinchilla: hparams, warmup, decay, count, split."""


def porian() -> list[Comparison]:
    """Find the exponent of the best size in the budget at each of five steps, on RefinedWeb.

    Source: Porian et al. 2024 (arXiv:2406.19146), the authors' weighted fits as released; like
    them a curve through all points of a budget, and a power law through its minima.
    """
    points, printed = published.load("porian_isoflop"), published.load("porian_fits")
    names = ["hparams", "warmup", "decay", "count", "split"]
    rows = []
    for step, setting in STEPS.items():
        chosen = points[(points[names] == list(setting)).all(axis=1)]
        told = printed[(printed[names] == list(setting)).all(axis=1) & (printed["weights"] == "weighted")]
        found = isoflop(chosen, method="akima", n=0)
        rows.append(
            Comparison(
                study=f"Porian 2024, {step}",
                quantity="a",
                paper=float(told["n_exponent"].iloc[0]),
                ours=found.a,
                allowed=0.03,
                required=True,
            )
        )
    return rows


def step_law(*, n: int = 1000, seed: int = 0) -> list[Comparison]:
    """Find the bowl of learning rate and batch in each of 17 cells (N, D), and power laws through them.

    Source: Li et al. 2025 (arXiv:2503.04715), equation 1. Intervals are from cells drawn with
    replacement.
    """
    table = published.load("step_law_dense")
    bottoms = [(N, D, *bowl(cell, n=0).optimum.values()) for (N, D), cell in table.groupby(["N", "D"])]
    cells = np.log(np.array(bottoms))
    rng = np.random.default_rng(seed)
    draws = np.array([_step_exponents(cells[rng.integers(len(cells), size=len(cells))]) for _ in range(n)])
    ends = np.quantile(draws, [0.025, 0.975], axis=0)
    names = {"p_N": "lr, exponent of N", "p_D": "lr, exponent of D", "p_B": "B, exponent of D"}
    return [
        Comparison(
            study="Step Law 2025, bowls in 17 cells",
            quantity=told,
            paper=getattr(STEP_LAW_2025, name),
            ours=float(ours),
            low=float(low),
            high=float(high),
        )
        for (name, told), ours, low, high in zip(names.items(), _step_exponents(cells), *ends, strict=True)
    ]


def _step_exponents(cells: np.ndarray) -> tuple[float, float, float]:
    """Exponents of ``lr`` in N and D, and of ``B`` in D, of logarithms (cells, 4)."""
    one, N, D, lr, B = (np.ones(len(cells)), *cells.T)
    _, p_N, p_D = np.linalg.lstsq(np.stack([one, N, D], axis=1), lr, rcond=None)[0]
    _, p_B = np.linalg.lstsq(np.stack([one, D], axis=1), B, rcond=None)[0]
    return p_N, p_D, p_B


def muennighoff(*, n: int = 200, seed: int = 0) -> list[Comparison]:
    """Refit repeated data in the paper's two stages: runs of one epoch, then what repetition is worth.

    Source: Muennighoff et al. 2023 (arXiv:2305.16264) and its notebook. The paper ties ``alpha`` to
    ``beta``, and the losses in this table lie about a tenth above the printed law, so prefactors are
    not compared. Left out of the second stage are unique data below 0.4 B tokens and more than
    60 epochs, where losses rise again, which the law cannot do.
    """
    table = published.load("muennighoff")
    once = table[table["epochs"] < 1.001]
    base = fit_law(Chinchilla, once)
    spread = bootstrap(base, once, n=1000)
    rows = [
        Comparison(
            study="Muennighoff 2023, 33 runs of one epoch",
            quantity=name,
            paper=getattr(MUENNIGHOFF_2023, name),
            ours=getattr(base.law, name),
            low=spread.low[name],
            high=spread.high[name],
        )
        for name in ("E", "alpha", "beta")
    ]
    repeated = table[(table["epochs"] <= 60) & (table["U"] >= 3.9e8)]
    ours = _worth_of_repetition(base.law, repeated, start=(15.0, 5.0))
    rng = np.random.default_rng(seed)
    draws = [
        _worth_of_repetition(base.law, repeated.sample(frac=1, replace=True, random_state=rng), start=ours)
        for _ in range(n)
    ]
    ends = np.quantile(draws, [0.025, 0.975], axis=0)
    return rows + [
        Comparison(
            study=f"Muennighoff 2023, {len(repeated)} runs with repetition",
            quantity=name,
            paper=getattr(MUENNIGHOFF_2023, name),
            ours=ours[i],
            low=float(ends[0, i]),
            high=float(ends[1, i]),
        )
        for i, name in enumerate(("R_D", "R_N"))
    ]


def _worth_of_repetition(
    base: Chinchilla, table: pd.DataFrame, *, start: tuple[float, float]
) -> tuple[float, float]:
    """``R_D`` and ``R_N`` of least Huber loss, the other constants held."""
    N, D, U, L = (table[name].to_numpy(dtype=float) for name in ("N", "D", "U", "L"))

    def objective(logs: np.ndarray) -> float:
        R_D, R_N = np.exp(np.clip(logs, -5, 12))
        law = RepeatedDataLaw(
            E=base.E, A=base.A, B=base.B, alpha=base.alpha, beta=base.beta, R_D=R_D, R_N=R_N
        )
        return float(huber.loss(np.log(law(N=N, D=D, U=U) / L)[None], 1e-3)[0])

    R_D, R_N = np.exp(np.clip(minimize(objective, np.log(start), method="Nelder-Mead").x, -5, 12))
    return float(R_D), float(R_N)


STUDIES: dict[str, Callable[[], list[Comparison]]] = {
    "besiroglu": besiroglu,
    "hoffmann": hoffmann,
    "porian": porian,
    "step_law": step_law,
    "muennighoff": muennighoff,
}
"""Every refit by name."""


def besiroglu_draws(*, n: int = 400, seed: int = 0) -> pd.DataFrame:
    """Refit resampled tables of the 240 points: how sure Besiroglu's constants are.

    ``tables/draws_besiroglu-2024.csv`` holds what this returns, to six digits, so that a plan
    under that law has intervals without the points themselves.

    Parameters
    ----------
    n, seed
        Resampled tables, and the seed.
    """
    points = chinchilla_points()
    fit = fit_law(Chinchilla, points, N="N_total")
    return bootstrap(fit, points, n=n, seed=seed).draws


STOPS = TABLES / "stops_hoffmann-starts.parquet"
"""What :func:`stops` returned for the 240 points, recorded."""


def stops() -> pd.DataFrame:
    """Start L-BFGS-B at Hoffmann's 4500 places on the 240 points, on the sum and on the mean.

    ``tables/stops_hoffmann-starts.parquet`` holds what this returns; it takes some minutes.

    Returns
    -------
    DataFrame
        Columns ``reduction``, ``a``, ``excess`` (objective over its least value, less 1),
        ``steps``; rows in the order of the starts, first of the sum, then of the mean.
    """
    points = chinchilla_points().assign(N=lambda table: table["N_total"])
    least = fit_law(Chinchilla, points).objective
    found = []
    for reduction in ("sum", "mean"):
        rows = descent.descend(points, descent.hoffmann_starts(), reduction=reduction)
        rows["excess"] = rows["objective"] / least - 1
        found.append(rows[["reduction", "a", "excess", "steps"]])
    return pd.concat(found, ignore_index=True)


SCATTER = 0.00425
"""Times a Student variable of 3 degrees of freedom: how the 240 points lie around their refit.

Median absolute deviation 0.32 %, standard deviation 0.75 %; reading errors of the figure included.
"""


def simulated_study(n: int = 240, *, seed: int = 0, scatter: float = SCATTER) -> pd.DataFrame:
    """Draw runs like those of Hoffmann's figure 4 from Besiroglu's law: the truth is known.

    Parameters
    ----------
    n
        Number of runs.
    seed
        Of sizes, budgets and scatter.
    scatter
        Scale of the scatter in ``ln L``: independent, Student's t with 3 degrees of freedom.

    Returns
    -------
    DataFrame
        ``N`` (all parameters, 57 M - 16 B), ``D``, ``L``; budgets 1.4e18 - 1.3e22 FLOPs.

    Examples
    --------
    >>> runs = simulated_study(100)
    >>> len(runs), bool((runs.D / runs.N).between(0.5, 2000).all())
    (100, True)
    """
    rng = np.random.default_rng(seed)
    N = np.exp(rng.uniform(np.log(57e6), np.log(16e9), n))
    C = np.exp(rng.uniform(np.log(1.4e18), np.log(1.3e22), n))
    D = np.clip(C / (6 * N), N / 2, 2000 * N)
    L = BESIROGLU_2024(N=N, D=D) * np.exp(scatter * rng.standard_t(3, n))
    return pd.DataFrame({"N": N, "D": D, "L": L})


def held(*, studies: int = 200, n: int = 240, draws: int = 100, seed: int = 0) -> pd.DataFrame:
    """Ask how often intervals of several kinds hold the true ``a``, in simulated studies.

    All studies share the sizes and budgets of :func:`simulated_study` and differ in their scatter.

    Parameters
    ----------
    studies, n
        Number of studies, and of runs in each.
    draws
        Refits per study: parts of 80 %, or tables drawn with replacement.
    seed
        Of all that is drawn.

    Returns
    -------
    DataFrame
        Index: kind of interval. Columns ``held`` (share of the studies), ``width`` (median).
    """
    design = simulated_study(n, seed=seed)
    problem = fit_law(Chinchilla, design).problem
    rng, start = np.random.default_rng(seed), problem.internal(BESIROGLU_2024)
    truth = BESIROGLU_2024(N=design["N"].to_numpy(), D=design["D"].to_numpy())
    kept = np.tile(np.arange(n) < round(0.8 * n), (draws, 1))
    kinds = {
        "80 % of parts of 80 %": ("parts", 0.8),
        "80 % of bootstrap": ("tables", 0.8),
        "95 % of bootstrap": ("tables", 0.95),
    }
    ends = []
    for _ in range(studies):
        target = np.tile(truth * np.exp(SCATTER * rng.standard_t(3, n)), (draws, 1))
        own, _ = huber.minimise(problem, start[None], target=target[:1], tolerance=1e-9)
        weights = {
            "parts": rng.permuted(kept, axis=1).astype(float),
            "tables": rng.multinomial(n, np.full(n, 1 / n), size=draws).astype(float),
        }
        refits = {}
        for kind, w in weights.items():
            begin = np.tile(own, (draws, 1))
            theta, _ = huber.minimise(
                problem, begin, weights=w, target=target, iterations=200, tolerance=1e-7
            )
            alpha, beta = problem.external(theta)[:, 3:].T
            refits[kind] = beta / (alpha + beta)
        tails = [(refits[kind], (1 - level) / 2) for kind, level in kinds.values()]
        ends.append([np.quantile(a, [tail, 1 - tail]) for a, tail in tails])
    low, high = np.moveaxis(np.array(ends), -1, 0)  # (studies, kinds)
    inside = (low <= BESIROGLU_2024.a) & (BESIROGLU_2024.a <= high)
    return pd.DataFrame(
        {"held": inside.mean(axis=0), "width": np.median(high - low, axis=0)}, index=list(kinds)
    )


def points_or_study() -> tuple[pd.DataFrame, str]:
    """Give the 240 published points where they are at hand, else simulated ones; and say which."""
    if published.at_hand("hoffmann_figure_4"):
        points = chinchilla_points().assign(N=lambda table: table["N_total"])
        return points, "240 points of Hoffmann's figure 4, read by Besiroglu and others"
    told = "240 simulated points of the refitted law: the published ones are not at hand"
    return simulated_study(), told


def porian_walk() -> tuple[pd.DataFrame, str]:
    """Give Porian's exponents step by step, with our refit where the points are at hand; and say which.

    Returns
    -------
    steps
        Index: what was changed. Columns ``"OpenWebText2"`` and ``"RefinedWeb"`` as the authors
        fitted them, and ``"RefinedWeb, refitted"`` where the points are at hand.
    told
        A title that says what is shown.

    Examples
    --------
    >>> steps, told = porian_walk()
    >>> float(steps["OpenWebText2"].iloc[0])
    0.864
    """
    columns = {
        "OpenWebText2": [step.a_openwebtext2 for step in PORIAN_2024_STEPS],
        "RefinedWeb": [step.a_refinedweb for step in PORIAN_2024_STEPS],
    }
    told = "exponents by Porian and others"
    if published.at_hand("porian_isoflop") and published.at_hand("porian_fits"):
        columns["RefinedWeb, refitted"] = [found.ours for found in porian()]
        told = "exponents by Porian and others, and our refit of their points"
    return pd.DataFrame(columns, index=list(STEPS)), told


BOWLS, RIDGES = TABLES / "bowls_step-law.csv", TABLES / "ridges_step-law.csv"
"""What :func:`step_law_tuning` returned, recorded."""


def step_law_tuning() -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Refit Step Law's 1911 runs where they are at hand, else give what was recorded; and say which.

    Source: Li et al. 2025 (arXiv:2503.04715), the released dense runs; L is a smoothed training loss.

    Returns
    -------
    cells
        One row per cell (N, D): ``runs``; lowest point ``lr``, ``B`` of its bowl; curvature of ``ln L``
        ``rr``, ``rb``, ``bb`` (rate and batch); ``x0.25`` to ``x4``, the cost of a rate that is off;
        ``lowest``, the rate of the lowest run.
    ridges
        Columns ``N``, ``D``, ``B``, ``lr``: the best rate at each batch.
    told
        Where the numbers come from.
    """
    if not published.at_hand("step_law_dense"):
        return pd.read_csv(BOWLS), pd.read_csv(RIDGES), "recorded refit of the released runs"
    table = published.load("step_law_dense")
    rows = []
    for (N, D), cell in table.groupby(["N", "D"]):
        found = bowl(cell, n=0)
        bent = found.curvature.to_numpy()
        row = {"N": N, "D": D, "runs": len(cell), **found.optimum}
        row |= {"rr": bent[0, 0], "rb": bent[0, 1], "bb": bent[1, 1]}
        row |= {f"x{factor:g}": cost for factor, cost in tuning.missed(cell).items()}
        rows.append(row | {"lowest": cell.loc[cell["L"].idxmin(), "lr"]})
    return pd.DataFrame(rows), tuning.best_along(table), "refit of the 1911 released runs"


def step_law_exponents(cells: pd.DataFrame) -> dict[str, tuning.Trend]:
    """Fit powers through the 17 bottoms: ``"lr"`` in N and D, ``"B"`` in D; cells drawn with replacement.

    ``"lowest"`` is as ``"lr"``, through the rates of the lowest runs instead of those of bowls.

    Parameters
    ----------
    cells
        As :func:`step_law_tuning` gives them.

    Examples
    --------
    >>> found = step_law_exponents(pd.read_csv(BOWLS))
    >>> round(found["lr"].exponents["D"], 3), round(found["B"].exponents["D"], 3)
    (0.208, 0.569)
    """
    at = {"N": 1e9, "D": 1e11}
    return {
        "lr": tuning.trend(cells, "lr", at=at),
        "B": tuning.trend(cells, "B", ["D"], at={"D": at["D"]}),
        "lowest": tuning.trend(cells, "lowest", at=at),
    }
