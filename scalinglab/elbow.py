"""The elbow of a skill: the loss below which accuracy leaves chance, and how fine-tuning moves it."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaln

from scalinglab.laws.emergence import EmergenceLaw, ThresholdLaw
from scalinglab.runs import finished

MARGIN = 0.02
"""How far above chance an accuracy may lie and still be called at chance.

Not an interval that contains chance: where chance is one in thousands, one lucky answer among 400
puts Wilson's interval above it.
"""

BELOW = 0.5
"""Nats below the lowest loss at which the search for an elbow ends."""

ABOVE = 0.2
"""Nats above the highest loss at which the search for the elbow of one amount ends."""

SHARED = {"ln_slope": (-0.4, 4.2), "ln_rho": (-6.0, -0.7), "offset": (0.0, 0.15)}
"""Flat priors of what every fit has: slope 0.7 to 70 per nat, scatter, offset of a model in nats."""

MOVED = {"shift": (0.0, 1.5), "ln_alpha": (-1.4, 1.4)}
"""Flat priors of the move: nats from ``n_0`` to the most examples, exponent 0.25 to 4."""

RHO = np.exp(np.linspace(*SHARED["ln_rho"], 25))
"""Over-dispersions between which a fit does not tell."""

NODES = np.polynomial.hermite_e.hermegauss(5)
"""Offsets of a model in standard deviations, and their weights."""

WALKERS, STEPS, KEPT = 40, 900, 500
"""Walkers of the sampler, steps of each, and how many of them count."""

PRUNED = (60, 120, 180, 240)
"""Steps at which the less likely half of the walkers starts again from where the others are."""


def at_chance(exact: Any, *, chance: float, margin: float = MARGIN) -> np.ndarray:
    """Say whether an accuracy is at most ``margin`` above chance.

    Examples
    --------
    >>> at_chance(np.array([0.0, 0.02, 0.05]), chance=0.01).tolist()
    [True, True, False]
    """
    return np.asarray(exact) <= chance + margin


def log_likelihood(right: Any, n: int, *, rho: Any = RHO) -> np.ndarray:
    """Log likelihood of counts of right answers when 1, 2, ..., n - 1 of n are expected.

    The beta-binomial: the chance of a right answer is itself drawn anew for each fine-tuning, with
    mean p and variance ``rho * p * (1 - p)``. Expectations stop one question short of none and of
    all, as no model is surer than that of anything.

    Parameters
    ----------
    right
        Counts, shape (rows,).
    n
        Questions.
    rho
        Over-dispersions, shape (r,).

    Returns
    -------
    array, shape (rows, n - 1, r)
        Without the binomial coefficient, which no parameter moves.

    Examples
    --------
    >>> table = log_likelihood([100], 400, rho=np.array([1e-6]))
    >>> int(table[0, :, 0].argmax()) + 1
    100
    """
    p = (np.arange(1, n) / n)[:, None]
    weight = (1 - np.asarray(rho)) / rho
    a, b = p * weight, (1 - p) * weight
    y = np.asarray(right, dtype=float)[:, None, None]
    return betaln(y + a, n - y + b) - betaln(a, b)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Elbow:
    """Where accuracy leaves chance, with its uncertainty.

    Attributes
    ----------
    law
        The most likely law of those sampled, to be cut off at 1: a `laws.ThresholdLaw` from
        `single`, a `laws.EmergenceLaw` from `joint`.
    value
        The elbow in nats per token, median of the posterior; from `joint` the one at ``n_0`` examples.
    low, high
        Ends of its 95 % interval.
    draws
        The posterior: ``elbow``, ``ln_slope``, ``ln_rho``, ``offset``, from `joint` also ``shift`` and
        ``ln_alpha``, and the log likelihood ``support``.
    open
        Whether one draw in forty lies in the lowest tenth of what was searched: the data do not say
        how low the elbow may be, and ``low`` is an end of the search.
    amounts, n_0
        Examples that the models were fine-tuned on, and how many stand for a prompt.
    """

    law: Any
    value: float
    low: float
    high: float
    draws: pd.DataFrame
    open: bool
    amounts: tuple[int, ...] = ()
    n_0: float = 5

    def at(self, k: float) -> tuple[float, float, float]:
        """Give the elbow after ``k`` examples, and the ends of its interval."""
        return self._middle(self._elbows(k))

    def moved(self, *, fewer: float, more: float) -> tuple[float, float, float]:
        """Give by how many nats more examples move the elbow, and the ends of the interval."""
        return self._middle(self._elbows(more) - self._elbows(fewer))

    def _elbows(self, k):
        alpha = np.exp(self.draws["ln_alpha"])
        powers = [np.log(x) ** alpha for x in (k, self.n_0, max(self.amounts))]
        return self.draws["elbow"] + self.draws["shift"] * (powers[0] - powers[1]) / (powers[2] - powers[1])

    def _middle(self, values):
        low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
        return float(middle), float(low), float(high)


def difference(one: Elbow, other: Elbow) -> tuple[float, float, float]:
    """Give how far the elbow of one lies above that of the other, and the ends of the 95 % interval."""
    draws = [x.draws["elbow"].sample(1000, random_state=0).to_numpy() for x in (one, other)]
    pairs = np.subtract.outer(*draws)
    low, high = np.quantile(pairs, [0.025, 0.975])
    return one.value - other.value, float(low), float(high)


def single(table: pd.DataFrame, *, chance: float, seed: int = 0) -> Elbow:
    """Find the elbow of accuracy over loss, at one amount of examples or with a prompt only.

    Parameters
    ----------
    table
        Columns ``pretraining`` (which model), ``L`` (its loss of text, nats per token), ``exact``
        (share of right answers) and ``n`` (questions).
    chance
        Accuracy of whoever guesses.
    seed
        Of the sampler.

    Notes
    -----
    Searched from `BELOW` under the lowest loss to `ABOVE` over the highest.

    Examples
    --------
    >>> L = np.array([1.8, 1.7, 1.6, 1.5, 1.4, 1.3])
    >>> table = pd.DataFrame({"L": L, "exact": np.clip(3 * (1.6 - L), 0, 1), "n": 400})
    >>> found = single(table.assign(pretraining=range(6)), chance=0.0)
    >>> bool(abs(found.value - 1.6) < 0.03), bool(found.low < 1.6 < found.high)
    (True, True)
    """
    cells, likely = _cells(table)
    draws, bounds = _sample(
        cells, _support(cells, likely, chance, lambda theta: theta[:, :1]), above=ABOVE, seed=seed
    )
    best = draws.loc[draws["support"].idxmax()]
    law = ThresholdLaw(chance=chance, slope=float(np.exp(best["ln_slope"])), eta=float(best["elbow"]))
    return Elbow(law=law, draws=draws, **_summary(draws["elbow"], bounds))


def joint(table: pd.DataFrame, *, chance: float, n_0: float = 5, seed: int = 0) -> Elbow:
    r"""Fit the emergence law to fine-tuned models, and read the few-shot elbow off it.

    .. math:: \mathrm{accuracy} = \min\left[1,\ \mathrm{chance} + \mathrm{slope} \cdot
              \max(E(n) - L, 0)\right], \qquad E(n) = E_0 + k\,(\ln n)^{\alpha}

    Parameters
    ----------
    table
        As for `single`, and ``k``, the examples that a model was fine-tuned on, more than ``n_0``.
    chance
        Accuracy of whoever guesses.
    n_0
        Examples that are taken to be worth as much as a prompt.
    seed
        Of the sampler.

    Raises
    ------
    ValueError
        Fewer than two amounts of examples, or one of at most ``n_0``.

    Notes
    -----
    Every model has an offset: it is so many nats better or worse at the skill than its loss says, in
    all its fine-tunings alike. The offsets are normal and averaged over (5 nodes of Gauss and
    Hermite); what single fine-tunings scatter beside that is the beta-binomial's. The posterior is
    sampled under flat priors (`SHARED`, `MOVED`, elbow from `BELOW` under the lowest loss to the
    highest). Source: Snell et al. 2024 (arXiv:2411.16035), who fit by maximum likelihood, take
    posteriors by MCMC and find the bootstrap alike; the cut at 1, the scatter, the offsets and
    the priors are ours.
    """
    amounts = np.sort(table["k"].unique())
    if len(amounts) < 2 or amounts[0] <= n_0:
        raise ValueError(
            f"amounts of examples k={amounts.tolist()}: at least two are needed, all above n_0={n_0}"
        )
    cells, likely = _cells(table)
    ln_k, ln_most, ln_0 = np.log(cells["k"].to_numpy(float)), np.log(amounts[-1]), np.log(n_0)

    def elbow(theta: np.ndarray) -> np.ndarray:
        alpha = np.exp(theta[:, 5:6])
        share = (ln_k**alpha - ln_0**alpha) / (ln_most**alpha - ln_0**alpha)
        return theta[:, :1] + theta[:, 4:5] * share

    draws, bounds = _sample(cells, _support(cells, likely, chance, elbow), more=MOVED, seed=seed)
    best = draws.loc[draws["support"].idxmax()]
    alpha = np.exp(best["ln_alpha"])
    k = best["shift"] / (ln_most**alpha - ln_0**alpha)
    law = EmergenceLaw(
        chance=chance,
        slope=float(np.exp(best["ln_slope"])),
        E_0=float(best["elbow"] - k * ln_0**alpha),
        k=float(k),
        alpha=float(alpha),
    )
    told = _summary(draws["elbow"], bounds)
    return Elbow(law=law, draws=draws, amounts=tuple(int(x) for x in amounts), n_0=n_0, **told)


def _summary(elbows, bounds):
    """Median, ends, and whether the draws run into the lower end of the search."""
    low, value, high = np.quantile(elbows, [0.025, 0.5, 0.975])
    begins = bounds[0] + 0.1 * BELOW
    return {"value": float(value), "low": float(low), "high": float(high), "open": bool(low < begins)}


def _sample(
    cells: pd.DataFrame,
    support: Callable[[np.ndarray], np.ndarray],
    *,
    more: dict[str, tuple[float, float]] | None = None,
    above: float = 0.0,
    seed: int = 0,
) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Draw from the posterior with walkers that stretch towards and away from each other.

    Half of the walkers move at a time, each along the line to one of the other half (Goodman and
    Weare 2010). They begin at the likeliest of many draws from the prior, and those that stick in a
    lesser place are moved at `PRUNED`, long before the draws that count.
    """
    bounds = (float(cells["L"].min()) - BELOW, float(cells["L"].max()) + above)
    prior = {"elbow": bounds} | SHARED | (more or {})
    low, high = np.array(list(prior.values())).T
    rng = np.random.default_rng(seed)
    crowd = rng.uniform(low, high, (1500, len(low)))
    values = np.concatenate([support(part) for part in np.array_split(crowd, 20)])
    first = np.argsort(-values)[:WALKERS]
    walkers, values = crowd[first], values[first]
    half, kept = WALKERS // 2, []
    for step in range(STEPS):
        if step in PRUNED:
            order = np.argsort(-values)
            first = np.r_[order[:half], order[:half]]
            walkers, values = walkers[first], values[first]
        for moving, others in ((slice(0, half), slice(half, None)), (slice(half, None), slice(0, half))):
            stretch = (1 + rng.random(half)) ** 2 / 2  # between 1/2 and 2, density 1 / sqrt
            anchor = walkers[others][rng.integers(0, half, half)]
            at = anchor + stretch[:, None] * (walkers[moving] - anchor)
            inside = ((at >= low) & (at <= high)).all(1)
            there = np.where(inside, support(np.clip(at, low, high)), -np.inf)
            gain = (len(low) - 1) * np.log(stretch) + there - values[moving]
            taken = np.log(rng.random(half)) < gain
            walkers[moving] = np.where(taken[:, None], at, walkers[moving])
            values[moving] = np.where(taken, there, values[moving])
        if step >= STEPS - KEPT and step % 5 == 0:
            kept.append(np.column_stack([walkers, values]))
    return pd.DataFrame(np.concatenate(kept), columns=[*prior, "support"]), bounds


def _cells(table):
    """One row per model and amount of examples, models together, and the log likelihood of its answers."""
    n = int(table["n"].iloc[0])
    if not (table["n"] == n).all():
        raise ValueError(f"n={sorted(table['n'].unique())} questions in one table; it must be one number")
    keys = ["pretraining", "k"] if "k" in table else ["pretraining"]
    cells = table.groupby(keys, as_index=False)["L"].first()
    who = table.groupby(keys).ngroup().to_numpy()
    likely = np.zeros((len(cells), n - 1, len(RHO)))
    np.add.at(likely, who, log_likelihood(np.rint(table["exact"] * n), n))
    return cells, likely.astype(np.float32)


def _support(cells, likely, chance, elbow):
    """A function that gives the log likelihood of parameters (walkers, parameters)."""
    n, rows, L = likely.shape[1] + 1, np.arange(len(cells)), cells["L"].to_numpy(float)
    begins = np.flatnonzero(~cells["pretraining"].duplicated())
    weights = np.log(NODES[1] / NODES[1].sum())[:, None, None]
    steps = (len(RHO) - 1) / np.diff(SHARED["ln_rho"])

    def support(theta: np.ndarray) -> np.ndarray:
        slope, offset = np.exp(theta[:, 1:2]), theta[:, 3:4]
        level = np.rint((theta[:, 2:3] - SHARED["ln_rho"][0]) * steps).astype(int)
        ahead = elbow(theta) - L  # (walkers, cells)
        shifted = ahead + NODES[0][:, None, None] * offset  # (nodes, walkers, cells)
        place = np.rint((chance + slope * np.maximum(shifted, 0)) * n)
        found = likely[rows, np.clip(place, 1, n - 1).astype(int) - 1, level]
        each = np.add.reduceat(found, begins, axis=2) + weights  # (nodes, walkers, models)
        return np.logaddexp.reduce(each, axis=0).sum(1)

    return support


def simulated(
    law: EmergenceLaw,
    models: pd.DataFrame,
    amounts: Sequence[int],
    *,
    subsets: int = 2,
    offset: float = 0.02,
    rho: float = 0.03,
    soft: float = 0.0,
    n: int = 400,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw a table of fine-tunings whose law is known.

    Parameters
    ----------
    law
        The truth.
    models
        Columns ``pretraining`` and ``L``.
    amounts
        Numbers of examples.
    subsets
        Fine-tunings of each model on each amount.
    offset
        Standard deviation, in nats, of what all fine-tunings of one model share: it is better or
        worse at the skill than its loss says.
    rho
        Over-dispersion of single fine-tunings.
    soft
        Nats over which the knee is rounded, where the law has a corner.
    n
        Questions.
    seed
        Decides the table.

    Examples
    --------
    >>> law = EmergenceLaw(chance=0.0, slope=5.0, E_0=1.0, k=0.1, alpha=1.0)
    >>> models = pd.DataFrame({"pretraining": ["a", "b"], "L": [1.3, 1.6]})
    >>> simulated(law, models, [20, 2000], subsets=1)[["pretraining", "k", "n"]].values.tolist()
    [['a', 20, 400], ['b', 20, 400], ['a', 2000, 400], ['b', 2000, 400]]
    """
    rng = np.random.default_rng(seed)
    L = models["L"].to_numpy(dtype=float) + offset * rng.standard_normal(len(models))
    weight, rows = (1 - rho) / rho, []
    for k in amounts:
        ahead = law.elbow(n_examples=k) - L
        above = soft * np.logaddexp(0, ahead / soft) if soft else np.maximum(ahead, 0)
        p = np.clip(law.chance + law.slope * above, 1 / n, 1 - 1 / n)
        for subset in range(subsets):
            right = rng.binomial(n, rng.beta(p * weight, (1 - p) * weight))
            rows.append(models[["pretraining", "L"]].assign(k=k, subset=subset, exact=right / n, n=n))
    return pd.concat(rows, ignore_index=True)


def moved(
    *, few_shot: float, most: float, alpha: float, amounts: Sequence[int], slope: float = 6.0, n_0: float = 5
) -> EmergenceLaw:
    """Give the law whose elbow is at ``few_shot`` with ``n_0`` examples and at ``most`` with the most.

    Examples
    --------
    >>> law = moved(few_shot=1.2, most=1.6, alpha=1.0, amounts=[100, 4000])
    >>> [round(float(law.elbow(n_examples=k)), 3) for k in (5, 4000)]
    [1.2, 1.6]
    """
    begin = np.log(n_0) ** alpha
    k = (most - few_shot) / (np.log(max(amounts)) ** alpha - begin)
    return EmergenceLaw(chance=0.001, slope=slope, E_0=few_shot - k * begin, k=k, alpha=alpha)


CASES: dict[str, dict[str, Any]] = {
    "as the law says, 0.05 ahead": {"few_shot": 1.20},
    "as the law says, 0.15 ahead": {"few_shot": 1.10},
    "as the law says, 0.25 ahead": {"few_shot": 1.00},
    "the knee is round, 0.15 ahead": {"few_shot": 1.10, "soft": 0.03},
    "twice the scatter, 0.15 ahead": {"few_shot": 1.10, "offset": 0.04, "rho": 0.1},
}
"""Truths on which the fitter is tried: what is true, and how far ahead of the best model, in nats."""

TRIED = pd.DataFrame({"pretraining": [f"{i:02d}" for i in range(16)], "L": np.geomspace(1.75, 1.25, 16)})
"""Models of the trials: as many as are fine-tuned, losses evenly spaced."""


def trials(case: str, *, tables: int, amounts: Sequence[int] = (100, 250, 600, 1500, 4000)) -> pd.DataFrame:
    """Simulate tables of one of the `CASES`, fit each, and compare the few-shot elbow with the truth.

    Returns
    -------
    DataFrame
        Columns ``table``, ``true``, ``found``, ``low``, ``high``, ``open``, ``held``.
    """
    told = dict(CASES[case])
    true = told.pop("few_shot")
    law = moved(few_shot=true, most=1.6, alpha=1.0, amounts=amounts)
    rows = []
    for seed in range(tables):
        found = joint(simulated(law, TRIED, amounts, seed=seed, **told), chance=law.chance, seed=seed)
        held = found.low <= true <= found.high
        rows.append((seed, true, found.value, found.low, found.high, found.open, held))
    return pd.DataFrame(rows, columns=["table", "true", "found", "low", "high", "open", "held"])


def prompted(models: pd.DataFrame, curves: pd.DataFrame, skill: str, *, n: int = 400) -> pd.DataFrame:
    """Take what finished models do with a prompt from ``emergence``, as `single` wants it.

    Parameters
    ----------
    models
        Rows of the table ``emergence``.
    curves
        Points of ``emergence_curves``; the last of a run is the finished model.
    skill
        Which skill.
    n
        Questions that each model was asked.

    Returns
    -------
    DataFrame
        ``pretraining``, ``N``, ``D``, ``C``, ``L``, ``exact``, ``n``; the worst model first.
    """
    last = finished(curves).set_index("id")
    found = models[["id", "N", "D", "C", "L"]].rename(columns={"id": "pretraining"})
    asked = found.assign(exact=found["pretraining"].map(last[f"{skill}_exact"]), n=n)
    return asked.sort_values("L", ascending=False, ignore_index=True)


def tuned(models: pd.DataFrame, finetunings: pd.DataFrame, skill: str) -> pd.DataFrame:
    """Take the fine-tunings on one skill from the table ``finetune``, each with the loss of its model.

    Returns
    -------
    DataFrame
        ``pretraining``, ``L``, ``C`` of the pre-training, ``k``, ``subset``, ``exact``, ``n``.
    """
    asked = finetunings.loc[finetunings["skill"] == skill, ["pretraining", "k", "subset", "exact", "n"]]
    found = models[["id", "N", "C", "L"]].rename(columns={"id": "pretraining"})
    return asked.merge(found, on="pretraining", validate="many_to_one")


def places(
    few: Mapping[str, pd.DataFrame], tunings: Mapping[str, pd.DataFrame], *, chance: Mapping[str, float]
) -> pd.DataFrame:
    """Find the elbow of each skill with a prompt only and after fine-tuning on each amount, one by one.

    Parameters
    ----------
    few, tunings
        By skill, from `prompted` and `tuned`; of the models with a prompt, those that were fine-tuned count.
    chance
        Accuracy of whoever guesses, by skill.

    Returns
    -------
    DataFrame
        One row per skill and amount ``k`` (0: prompt only): ``elbow``, ``low``, ``high`` of `single`,
        ``models`` in all, each as often as it was fine-tuned, and those ``off`` chance. Where none is,
        there is no elbow: NaN.
    """
    rows = []
    for skill, table in tunings.items():
        prompt = few[skill][few[skill]["pretraining"].isin(table["pretraining"])].assign(k=0)
        for k, part in pd.concat([prompt, table]).groupby("k"):
            off = int((~at_chance(part["exact"], chance=chance[skill])).sum())
            found = single(part, chance=chance[skill]) if off else None
            ends = (found.value, found.low, found.high) if found else (math.nan,) * 3
            rows.append((skill, k, *ends, len(part), off))
    return pd.DataFrame(rows, columns=["skill", "k", "elbow", "low", "high", "models", "off"])


def all_at_chance(few: pd.DataFrame, *, chance: float, drop: int = 0) -> list[str]:
    """List models, the worst first, up to the first that leaves chance; without the ``drop`` best of them.

    Examples
    --------
    >>> few = pd.DataFrame({"pretraining": list("abcd"), "L": [1.6, 1.5, 1.4, 1.3]})
    >>> all_at_chance(few.assign(exact=[0.0, 0.01, 0.5, 0.0]), chance=0.0)
    ['a', 'b']
    """
    ordered = few.sort_values("L", ascending=False)
    out = ~at_chance(ordered["exact"], chance=chance)
    first = int(out.argmax()) if out.any() else len(ordered)
    return ordered["pretraining"].tolist()[: max(first - drop, 0)]


def still_at_chance(
    few: pd.DataFrame, tunings: pd.DataFrame, *, chance: float, drop: int = 0
) -> pd.DataFrame:
    """Keep the fine-tunings of models that are all at chance with a prompt, see `all_at_chance`."""
    known = few[few["pretraining"].isin(tunings["pretraining"])]
    names = all_at_chance(known, chance=chance, drop=drop)
    return tunings[tunings["pretraining"].isin(names)]


def price(models: pd.DataFrame, L: Any) -> Any:
    """FLOPs of the cheapest run that reaches a loss, between runs on a line of the logarithms.

    Parameters
    ----------
    models
        Columns ``C`` and ``L``; runs that a cheaper one beats do not count.
    L
        Losses; below the lowest the last line goes on.

    Examples
    --------
    >>> models = pd.DataFrame({"C": [1e10, 1e11, 1e12, 1e12], "L": [2.0, 1.8, 1.9, 1.62]})
    >>> [f"{C:.0e}" for C in price(models, [2.0, 1.8, 1.62])]
    ['1e+10', '1e+11', '1e+12']
    """
    front = models.sort_values(["C", "L"])
    front = front[front["L"] < front["L"].cummin().shift(fill_value=np.inf)]
    x, y = np.log(front["L"].to_numpy())[::-1], np.log(front["C"].to_numpy())[::-1]  # loss rising
    at = np.log(np.asarray(L, dtype=float))
    slope = (y[1] - y[0]) / (x[1] - x[0])
    return np.exp(np.where(at < x[0], y[0] + slope * (at - x[0]), np.interp(at, x, y)))


def forecast(
    few: pd.DataFrame,
    tunings: pd.DataFrame,
    *,
    chance: float,
    drops: Sequence[int] = (0, 2, 4),
    seed: int = 0,
) -> pd.DataFrame:
    """Foresee the few-shot elbow from models that are all at chance, and then look.

    Parameters
    ----------
    few
        From `prompted`: models with a prompt. Those of ``tunings`` decide who is at chance, all of
        them the truth.
    tunings
        From `tuned`.
    chance
        Accuracy of whoever guesses.
    drops
        Cut-offs: how many of the best models at chance are left out.
    seed
        Of the sampler.

    Returns
    -------
    DataFrame
        One row per cut-off that leaves six models: ``drop``, ``models``, ``least`` (lowest loss among
        them), ``found``, ``low``, ``high``, ``open`` of the forecast; ``true`` with ``true_low`` and
        ``true_high`` from `single`, NaN if no model leaves chance; ``reached``, the lowest loss of
        all models; ``ahead``, how many times the FLOPs of ``least`` the true elbow costs (or, where
        there is none, the best model); ``off``, the forecast minus the truth.
    """
    truth = single(few, chance=chance, seed=seed)
    if at_chance(few["exact"], chance=chance).all():
        true, true_low, true_high = np.nan, np.nan, float(few["L"].min())
    else:
        true, true_low, true_high = truth.value, truth.low, truth.high
    rows = []
    for drop in drops:
        fitted = still_at_chance(few, tunings, chance=chance, drop=drop)
        if (count := fitted["pretraining"].nunique()) < 6:
            continue
        found = joint(fitted, chance=chance, seed=seed)
        least, reached = float(fitted["L"].min()), float(few["L"].min())
        goal = reached if np.isnan(true) else true
        ahead = float(price(few, goal) / price(few, least))
        ends = found.value, found.low, found.high, found.open
        rows.append((drop, count, least, *ends, true, true_low, true_high, reached, ahead))
    names = ["drop", "models", "least", "found", "low", "high", "open", "true", "true_low", "true_high"]
    table = pd.DataFrame(rows, columns=[*names, "reached", "ahead"])
    return table.assign(off=table["found"] - table["true"])
