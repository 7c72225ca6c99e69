"""The loss of a model on texts that it was not trained on: fixed gap, fixed ratio, or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scalinglab import corpus, ngram, published
from scalinglab.intervals import student
from scalinglab.runs import TABLES, check

if TYPE_CHECKING:
    from scalinglab.model import GPT

TEXTS = (
    "sotu",
    "sotu_pre1900",
    "sotu_1900",
    "sotu_1946",
    "kjv",
    "moby_dick",
    "shakespeare",
    "factbook",
    "python",
    "tang",
)
"""The texts on whose held-out parts every model is scored."""

BYTES = 131_072
"""Held-out bytes of each text that a model reads."""

CLARK_SETS = ("c4", "curation_corpus", "lambada", "pile", "wikitext103")
"""Test sets of Clark et al. 2022 beside their own validation set; ``pile`` is its EuroParl part."""

CLARK = TABLES / "transfer_clark.csv"
CLARK_STAGES = TABLES / "stages_clark.csv"


def measure(model: GPT) -> dict[str, float]:
    """Score a model of bytes on every text, nats per byte: columns ``L_<text>``."""
    from scalinglab.train import evaluate  # torch, which what was measured can do without

    return {f"L_{name}": float(evaluate(model, corpus.load(name).heldout, n=BYTES).mean()) for name in TEXTS}


def pairs(rows: pd.DataFrame, curves: pd.DataFrame, *, texts: Sequence[str] = TEXTS) -> pd.DataFrame:
    """Set the loss on every text beside the loss at home: one row per run, stage and text, bits per byte.

    Parameters
    ----------
    rows
        One row per run: ``id``, ``corpus``, ``N``, ``seed``.
    curves
        Stages of the runs: ``id``, ``D``, ``C`` and ``L_<text>``, nats per byte.
    texts
        Which.

    Returns
    -------
    DataFrame
        Columns ``id``, ``corpus`` (trained on), ``N``, ``seed``, ``D``, ``C``, ``done`` (share of the run),
        ``text`` (tested on), ``home``, ``away``; where both texts are one, ``away`` is ``home``.
    """
    check(curves, needs=["D", "C", *(f"L_{text}" for text in texts)])
    losses = curves[["id", "D", "C", *(f"L_{text}" for text in texts)]]
    whole = losses.merge(rows[["id", "corpus", "N", "seed"]], on="id", validate="many_to_one")
    whole["done"] = (whole["D"] / whole.groupby("id")["D"].transform("max")).round(3)
    known = ["id", "corpus", "N", "seed", "D", "C", "done"]
    home = pd.concat([part[f"L_{own}"] for own, part in whole.groupby("corpus")]) / np.log(2)
    parts = [whole[known].assign(text=text, home=home, away=whole[f"L_{text}"] / np.log(2)) for text in texts]
    return pd.concat(parts, ignore_index=True)


def at_end(rows: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    """Set losses on other texts that a table of runs has beside its ``L``, bits per byte.

    Parameters
    ----------
    rows
        One row per run: ``L`` and ``L_<text>``, nats per byte.
    texts
        Which.

    Returns
    -------
    DataFrame
        All columns of the table, and ``text``, ``home``, ``away``.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["a"], "L": [np.log(2)], "L_kjv": [2 * np.log(2)]})
    >>> at_end(table, ["kjv"])[["id", "text", "home", "away"]].to_numpy().tolist()
    [['a', 'kjv', 1.0, 2.0]]
    """
    check(rows, needs=["L", *(f"L_{text}" for text in texts)])
    return pd.concat(
        [
            rows.assign(text=text, home=rows["L"] / np.log(2), away=rows[f"L_{text}"] / np.log(2))
            for text in texts
        ],
        ignore_index=True,
    )


def lines(points: pd.DataFrame, *, n: int = 1000, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """Fit ``away = c + slope * home`` and ``ln away = k + power * ln home`` through models, for each text.

    A gap that is the same for all models is a slope of 1, a ratio that is the same is a power of 1.

    Parameters
    ----------
    points
        One row per model and text: ``id``, ``text``, ``home``, ``away``.
    n, seed, level
        Draws, their seed, level of the intervals. What a model's losses are off the lines is drawn with
        replacement, for all texts together, and widened for few models as Student's t is.

    Returns
    -------
    DataFrame
        Index ``text`` in the order of the points; means ``gap`` and ``ratio`` of away and home; ``slope``
        and ``power`` with ``_low``, ``_high``; ``between``, the power that a fixed gap has here;
        ``scatter`` of ``ln away``; ``says``, which of the two is left by the intervals.

    Examples
    --------
    >>> home = np.array([1.2, 1.5, 1.9, 2.4])
    >>> models = pd.DataFrame({"id": range(4), "text": "kjv", "home": home, "away": home + 0.5})
    >>> found = lines(models, n=20).loc["kjv"]
    >>> round(float(found["gap"]), 6), round(float(found["slope"]), 6), found["says"]
    (0.5, 1.0, 'fixed gap')
    """
    check(points, needs=["home", "away"])
    wide = points.pivot_table(index="id", columns="text", values="away")[list(points["text"].unique())]
    home = points.groupby("id")["home"].first()[wide.index].to_numpy()
    away = wide.to_numpy()
    slope, slopes, _ = _straight(home, away, n=n, seed=seed, level=level)
    power, powers, left = _straight(np.log(home), np.log(away), n=n, seed=seed, level=level)
    found = pd.DataFrame(index=wide.columns)
    found["gap"] = (away - home[:, None]).mean(axis=0)
    found["ratio"] = np.exp(np.log(away / home[:, None]).mean(axis=0))
    tails = (1 - level) / 2, (1 + level) / 2
    found["slope"], found["power"] = slope, power
    for name, draws in (("slope", slopes), ("power", powers)):
        found[f"{name}_low"], found[f"{name}_high"] = np.quantile(draws, tails, axis=0)
    gap = found["gap"].to_numpy()
    found["between"] = _least_squares(np.log(home), np.log(home[:, None] + gap))[1]
    found["scatter"] = left
    found["says"] = [_verdict(row) for row in found.itertuples()]
    return found


def _verdict(row) -> str:
    """Which hypothesis the intervals leave, rounding aside."""
    fixed = row.slope_low - 1e-9 <= 1 <= row.slope_high + 1e-9
    same = row.power_low - 1e-9 <= 1 <= row.power_high + 1e-9
    return {(True, False): "fixed gap", (False, True): "fixed ratio", (True, True): "either"}.get(
        (fixed, same), "neither"
    )


def _least_squares(x: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Intercepts and slopes of straight lines, shape (2, texts)."""
    X = np.column_stack([np.ones_like(x), x])
    return np.linalg.lstsq(X, Y, rcond=None)[0]


def _straight(x, Y, *, n, seed, level):
    """Slopes of straight lines through models, draws of them, and what is left, for all texts together.

    Shapes: x (models,), Y (models, texts); slopes (texts,), draws (n, texts), left (texts,).
    """
    if len(x) < 3:
        raise ValueError(f"{len(x)} models do not tell how sure a slope is; give three or more")
    spare = len(x) - 2
    best = _least_squares(x, Y)
    X = np.column_stack([np.ones_like(x), x])
    r = Y - X @ best
    wide = r * np.sqrt(len(x) / spare) * student(level, spare)
    chosen = np.random.default_rng(seed).integers(len(x), size=(n, len(x)))
    tilt = np.linalg.pinv(X)[1]  # (models,): slope = tilt @ y
    draws = best[1] + np.einsum("m,dmt->dt", tilt, wide[chosen] - wide.mean(axis=0))
    return best[1], draws, np.sqrt(np.square(r).sum(axis=0) / spare)


def exponents(points: pd.DataFrame, *, n: int = 1000, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    r"""Fit ``L ~ N^-alpha`` to each text and compare with home, model by model and as if models were others.

    ``extra`` is ``alpha - alpha_home``. The losses of one model on all texts are off their laws together,
    so the interval of the difference is narrower than two intervals side by side suggest: ``extra_low``
    and ``extra_high`` draw models, ``apart_low`` and ``apart_high`` draw each text's models by themselves.

    Parameters
    ----------
    points
        One row per model and text, of one training text: ``id``, ``N``, ``text``, ``home``, ``away``.
    n, seed, level
        As for :func:`lines`.

    Returns
    -------
    DataFrame
        Index ``text``; ``alpha``, ``alpha_low``, ``alpha_high`` and ``extra`` with both intervals.
    """
    check(points, needs=["N", "home", "away"])
    wide = points.pivot_table(index="id", columns="text", values="away")[list(points["text"].unique())]
    first = points.groupby("id")[["N", "home"]].first().loc[wide.index]
    Y = np.log(np.column_stack([first["home"], wide]))
    settings = {"n": n, "level": level}
    slopes, draws, _ = _straight(np.log(first["N"].to_numpy()), Y, seed=seed, **settings)
    _, others, _ = _straight(np.log(first["N"].to_numpy()), Y, seed=seed + 1, **settings)
    tails = (1 - level) / 2, (1 + level) / 2
    found = pd.DataFrame({"alpha": -slopes[1:]}, index=wide.columns)
    found["alpha_low"], found["alpha_high"] = np.quantile(-draws[:, 1:], tails, axis=0)
    found["extra"] = slopes[0] - slopes[1:]
    found["extra_low"], found["extra_high"] = np.quantile(draws[:, :1] - draws[:, 1:], tails, axis=0)
    found["apart_low"], found["apart_high"] = np.quantile(others[:, :1] - draws[:, 1:], tails, axis=0)
    return found


def worth(points: pd.DataFrame, *, n: int = 1000, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    r"""Translate the gap of the largest models into factors of size, by the law at home and by that away.

    ``(away / home) ** (1 / alpha)``: with the exponent at home, how many times smaller a model has at home
    the loss that the largest has away; with the exponent away, how many times larger one must be to have
    away what the largest has at home. The second extrapolates, by whatever factor comes out.

    Parameters
    ----------
    points, n, seed, level
        As for :func:`exponents`.

    Returns
    -------
    DataFrame
        Index ``text``; ``smaller`` and ``larger``, each with ``_low`` and ``_high``; infinite where the loss
        does not fall with size.
    """
    at_home = points.drop_duplicates("id")
    at_home = at_home.assign(text="", away=at_home["home"])
    alpha = exponents(points, n=n, seed=seed, level=level)
    home = exponents(at_home, n=n, seed=seed, level=level).loc[""]
    largest = points[points["N"] == points["N"].max()]
    log_ratio = np.log(largest["away"] / largest["home"]).groupby(largest["text"]).mean()[alpha.index]
    found = pd.DataFrame(index=alpha.index)
    for name, law in (("smaller", home), ("larger", alpha)):
        for end, column in (("", "alpha"), ("_low", "alpha_high"), ("_high", "alpha_low")):
            power = pd.Series(law[column], index=alpha.index)
            with np.errstate(over="ignore"):
                found[name + end] = np.exp((log_ratio / power.where(power > 0)).fillna(np.inf))
    return found


def flat(tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Give every number of some tables by its table, row and column, joined by hyphens.

    Examples
    --------
    >>> flat({"old": pd.DataFrame({"slope": [0.8], "says": ["neither"]}, index=["kjv"])})
    {'old-kjv-slope': 0.8}
    """
    found = {}
    for name, table in tables.items():
        for column in table.select_dtypes("number"):
            for row, value in table[column].items():
                place = row if isinstance(row, tuple) else (row,)
                found["-".join(map(str, (name, *place, column)))] = float(value)
    return found


def off_line(
    points: pd.DataFrame, others: pd.DataFrame, by: str, *, n: int = 1000, seed: int = 0, level: float = 0.95
) -> pd.DataFrame:
    """How far other models lie above the line ``ln away`` over ``ln home`` of some, percent, by group.

    Parameters
    ----------
    points
        What the line goes through: ``id``, ``text``, ``home``, ``away``.
    others
        What is held against it, such as earlier stages of the same runs: the same columns and ``by``. Only
        those count whose loss at home lies between the least and the greatest of ``points``.
    by
        Column that makes the groups.
    n, seed, level
        Draws over models, of both tables at once; their seed; level of the intervals.

    Returns
    -------
    DataFrame
        Columns ``text``, ``by``, ``above``, ``low``, ``high`` (percent), ``points``.
    """
    check(points, needs=["home", "away"])
    rows = []
    rng = np.random.default_rng(seed)
    for text, line in points.groupby("text", sort=False):
        inside = others[
            (others["text"] == text) & others["home"].between(line["home"].min(), line["home"].max())
        ]
        if inside.empty:
            continue
        ids = sorted(set(line["id"]) | set(inside["id"]))
        weights = pd.DataFrame(rng.multinomial(len(ids), np.full(len(ids), 1 / len(ids)), n).T, index=ids)
        weights.insert(0, "all", 1)
        of_line, of_rest = (weights.loc[t["id"]].to_numpy(float) for t in (line, inside))
        above = _above(line, inside, of_line)
        for value, places in inside.reset_index(drop=True).groupby(by).groups.items():
            w, r = of_rest[places], above[places]
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = 100 * np.expm1((w * r).sum(axis=0) / w.sum(axis=0))
            low, high = np.nanquantile(mean[1:], [(1 - level) / 2, (1 + level) / 2])
            rows.append((text, value, mean[0], low, high, len(places)))
    return pd.DataFrame(rows, columns=["text", by, "above", "low", "high", "points"])


def _above(line, inside, weights):
    """``ln away`` over what each weighted line says, shape (inside, draws); NaN where it has one point."""
    x, y = np.log(line["home"].to_numpy())[:, None], np.log(line["away"].to_numpy())[:, None]
    total = weights.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mx, my = (weights * x).sum(axis=0) / total, (weights * y).sum(axis=0) / total
        spread = (weights * (x - mx) ** 2).sum(axis=0)
        slope = np.where(spread > 1e-12, (weights * (x - mx) * (y - my)).sum(axis=0) / spread, np.nan)
    at = np.log(inside["home"].to_numpy())[:, None]
    return np.log(inside["away"].to_numpy())[:, None] - my - slope * (at - mx)


def prices(points: pd.DataFrame, *, natives: Mapping[str, str] | None = None) -> pd.DataFrame:
    """What training elsewhere costs on a text: the loss there over that of models trained for it.

    Parameters
    ----------
    points
        Ends of runs: ``corpus``, ``N``, ``text``, ``home``, ``away``.
    natives
        By test text the training text whose models are compared with; without it, every text that some
        models were trained on, with itself.

    Returns
    -------
    DataFrame
        Columns ``corpus``, ``text``, ``N``, ``away``, ``native`` (means over seeds), ``excess`` (bits per
        byte), ``as_good`` (size of a native model with the same loss, along the natives' losses; NaN where
        all of them are better) and ``least`` (the smallest native).
    """
    if natives is None:
        natives = {text: text for text in points["corpus"].unique()}
    means = points.groupby(["corpus", "text", "N"], as_index=False, sort=False)["away"].mean()
    rows = []
    for text, own in natives.items():
        on_text = means[means["text"] == text]
        native = on_text[on_text["corpus"] == own].set_index("N")["away"].sort_index()
        sizes = np.log(native.index.to_numpy(float))
        for other in on_text[on_text["corpus"] != own].itertuples():
            size = np.exp(np.interp(-np.log(other.away), -np.log(native), sizes))
            as_good = float(size) if other.away <= native.max() else np.nan
            rows.append((other.corpus, text, other.N, other.away, native[other.N], as_good, native.index[0]))
    names = ["corpus", "text", "N", "away", "native", "as_good", "least"]
    found = pd.DataFrame(rows, columns=names)
    return found.assign(excess=found["away"] - found["native"])


def price_by_size(found: pd.DataFrame, *, n: int = 1000, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """How the price of training elsewhere changes with size: bits per byte for each factor of ten.

    Parameters
    ----------
    found
        As :func:`prices` gives it.
    n, seed, level
        As for :func:`lines`.

    Returns
    -------
    DataFrame
        Index ``corpus``, ``text``; ``smallest`` and ``largest``, the excess at the ends of the sizes;
        ``per_ten`` with ``_low`` and ``_high``; and ``factor``, with the same, how many times smaller a
        native has the loss of the largest foreign model, by the natives' power law of size.
    """
    rows, settings = {}, {"n": n, "seed": seed, "level": level}
    tails = (1 - level) / 2, (1 + level) / 2
    for key, line in found.groupby(["corpus", "text"], sort=False):
        line = line.sort_values("N")
        excess = line["excess"].to_numpy()
        sizes = np.log10(line["N"].to_numpy(float))
        slope, draws, _ = _straight(sizes, excess[:, None], **settings)
        native = np.log(line["native"].to_numpy())
        power, powers, _ = _straight(sizes * np.log(10), native[:, None], **settings)
        behind = np.log(line["away"].iloc[-1]) - native[-1]
        steep, flat = np.quantile(powers, tails)
        factors = np.exp([-behind / power[0], -behind / steep, -behind / flat])
        rows[key] = (excess[0], excess[-1], slope[0], *np.quantile(draws, tails), *factors)
    names = ["smallest", "largest"]
    names += [f"{x}{end}" for x in ("per_ten", "factor") for end in ("", "_low", "_high")]
    table = pd.DataFrame.from_dict(rows, "index", columns=names)
    table.index = pd.MultiIndex.from_tuples(table.index, names=["corpus", "text"])
    return table


def counted(own: str, *, order: int = 5, pieces: int = 64, texts: Sequence[str] = TEXTS) -> pd.DataFrame:
    """Count n-grams in a text and score them on all, bits per byte: index ``text``, columns 1 to ``order``.

    Parameters
    ----------
    own
        Text whose training part is counted.
    order
        Longest n.
    pieces
        Each text's `BYTES` are read in so many pieces, spread evenly over its held-out part.
    texts
        Which are scored.
    """
    model = ngram.count(corpus.load(own).train, order=order)
    rows = {}
    for text in texts:
        heldout, length = corpus.load(text).heldout, BYTES // pieces
        starts = np.linspace(0, len(heldout) - length, pieces).astype(int)
        rows[text] = np.mean([model.losses(heldout[i : i + length]) for i in starts], axis=0) / np.log(2)
    return pd.DataFrame.from_dict(rows, "index", columns=range(1, order + 1)).rename_axis("text")


def clark_models() -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Losses of Clark's dense models on five other sets, and of their checkpoints; and say where from.

    Source: Clark et al. 2022 (arXiv:2202.01169), released losses (CC BY 4.0), dense models of 27 M to 1.3 B
    parameters without embeddings, one set of FLOPs per token each. Nats per token, not per byte.

    Returns
    -------
    ends
        One row per model and set at the last step: ``id``, ``N``, ``text``, ``home``, ``away``; means over
        seeds.
    stages
        What :func:`off_line` says of checkpoints, by third of the training.
    told
        Where the numbers come from.
    """
    if not published.at_hand("clark_routing"):
        return pd.read_csv(CLARK), pd.read_csv(CLARK_STAGES), "recorded from the released losses"
    table = published.load("clark_routing")
    dense = table[(table["router_type"] == "Dense") & (table["flop_increase"] == 1)].dropna(subset="loss_c4")
    dense = dense.groupby(["N", "step"], as_index=False).mean(numeric_only=True)
    long = pd.concat(
        dense[["N", "step"]].assign(id=dense["N"], text=name, home=dense["L"], away=dense[f"loss_{name}"])
        for name in CLARK_SETS
    )
    long = long[long["step"] > 0].dropna().reset_index(drop=True)  # a set was not scored at every step
    last = long["step"] == long["step"].max()
    ends = long[last].drop(columns="step").reset_index(drop=True)
    early = long[~last].assign(done=lambda t: np.ceil(3 * t["step"] / long["step"].max()) / 3)
    return ends, off_line(ends, early, "done"), "the released losses"
