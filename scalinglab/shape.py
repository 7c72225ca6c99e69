"""Shape at a fixed number of parameters: what depth, heads and ratio change, beside another seed."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from scalinglab import counting
from scalinglab.fit import isoflop
from scalinglab.mixture import Slope, dense_worth, line

GROUPS = {"heads": "head", "depth": "layer", "ratio": "ratio"}
"""What a group of shapes varies, by the word that the names of its shapes hold."""

BASE = "base"
"""The shape that the others are compared with."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spread:
    """How far shapes differ, and how far seeds do.

    Attributes
    ----------
    between, within
        Standard deviation of ``ln L`` between shapes, beyond what seeds explain, and between
        seeds of one shape; in percent.
    F, p
        Mean square between shapes over that within them, and how often chance alone gives as much.
    shapes, runs
        How many.
    """

    between: float
    within: float
    F: float
    p: float
    shapes: int
    runs: int


def spread(runs: pd.DataFrame, *, by: str = "shape") -> Spread:
    """Analyse the variance of ``ln L`` between shapes and between the seeds of each (one way).

    Parameters
    ----------
    runs
        Columns ``L`` and ``by``: at least two shapes, equally many seeds of each.
    by
        Name of the shape.

    Raises
    ------
    ValueError
        Fewer than two shapes, or not equally many runs (at least two) of each.

    Examples
    --------
    >>> table = pd.DataFrame({"shape": ["a", "a", "b", "b"], "L": np.exp([0.01, 0.03, 0.11, 0.13])})
    >>> found = spread(table)
    >>> round(found.F, 6), round(found.within, 3), round(found.between, 3)
    (50.0, 1.414, 7.0)
    """
    groups = [np.log(part["L"].to_numpy(float)) for _, part in runs.groupby(by)]
    sizes = {len(group) for group in groups}
    if len(groups) < 2 or len(sizes) != 1 or sizes == {1}:
        counts = runs.groupby(by).size().to_dict()
        raise ValueError(f"runs of each shape are {counts}; needed are two shapes or more, as often each")
    k, n = len(groups), len(groups[0])
    within = float(np.mean([group.var(ddof=1) for group in groups]))
    of_means = n * float(np.var([group.mean() for group in groups], ddof=1))
    F = float(of_means / within)
    return Spread(
        between=float(100 * np.sqrt(max(0.0, of_means - within) / n)),
        within=float(100 * np.sqrt(within)),
        F=F,
        p=float(stats.f.sf(F, k - 1, k * (n - 1))),
        shapes=k,
        runs=k * n,
    )


def spreads(runs: pd.DataFrame) -> pd.DataFrame:
    """`spread` of heads, of depth, of the ratio, and of all shapes, at each size.

    Parameters
    ----------
    runs
        Columns ``shape``, ``size``, ``L``; each group counts the base as one of its shapes.

    Returns
    -------
    DataFrame
        One row for each size and group, indexed by both.
    """
    rows = {}
    for size, part in runs.groupby("size"):
        names = part["shape"]
        for group, word in GROUPS.items():
            rows[size, group] = spread(part[names.str.contains(word) | (names == BASE)])
        rows[size, "all"] = spread(part)
    table = pd.DataFrame([dataclasses.asdict(row) for row in rows.values()])
    table.index = pd.MultiIndex.from_tuples(rows, names=["size", "varied"])
    return table


def against_base(runs: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Each shape's mean loss over that of the base, in percent, with its interval.

    The noise is that within all shapes of a size together; a shape is one of several, so that of
    twenty shapes as good as the base one is expected outside its 95 % interval.

    Parameters
    ----------
    runs
        Columns ``size``, ``shape``, ``L``, ``C``, ``N_total`` and the dimensions.
    level
        Of the intervals.

    Returns
    -------
    DataFrame
        Indexed by ``size`` and ``shape``: ``n_layer``, ``d_model``, ``n_head``, ``d_ff``; ``N_total`` and
        ``C`` over those of the base; ``L``; ``percent``, ``low``, ``high`` above the base.
    """
    parts = []
    for size, part in runs.groupby("size"):
        noise, n = spread(part).within, part.groupby("shape").size().iloc[0]
        rows = part.groupby("shape", sort=False)[
            ["n_layer", "d_model", "n_head", "d_ff", "N_total", "C"]
        ].first()
        rows["L"] = np.exp(np.log(part["L"]).groupby(part["shape"]).mean())
        base = rows.loc[BASE]
        rows[["N_total", "C"]] /= base[["N_total", "C"]]
        rows["percent"] = 100 * np.log(rows["L"] / base["L"])
        half = stats.t.ppf((1 + level) / 2, len(rows) * (n - 1)) * noise * np.sqrt(2 / n)
        half = np.where(rows.index == BASE, 0.0, half)
        rows["low"], rows["high"] = rows["percent"] - half, rows["percent"] + half
        parts.append(pd.concat({size: rows}, names=["size"]))
    return pd.concat(parts)


def by_size(runs: pd.DataFrame) -> pd.DataFrame:
    """Add ``size``, the base's N of the plane that a run belongs to; the shapes' own differ by 1 %.

    Parameters
    ----------
    runs
        The table of the experiment ``shape``.
    """
    bases = runs.loc[runs["shape"] == BASE, "N"].unique()
    near = np.abs(np.log(runs["N"].to_numpy()[:, None] / bases)).argmin(axis=1)
    return runs.assign(size=bases[near])


def retuned(runs: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Give the losses of one seed at half, once and twice the rate, for the shapes that have all three.

    Parameters
    ----------
    runs
        Columns ``size``, ``shape``, ``rate``, ``seed``, ``L``.
    seed
        Which.

    Returns
    -------
    DataFrame
        Indexed by ``size`` and ``shape``, a column of ``L`` for each rate; ``percent``: the lowest of the
        three over the base's lowest.
    """
    own = runs[runs["seed"] == seed]
    table = own.pivot_table("L", ["size", "shape"], "rate", sort=False).dropna()
    lowest = table.min(axis=1)
    base = lowest.xs(BASE, level="shape").reindex(lowest.index.get_level_values("size")).to_numpy()
    return table[sorted(table)].assign(percent=100 * np.log(lowest / base))


def as_good_as(means: pd.DataFrame, ladders: Mapping[int, pd.DataFrame]) -> pd.Series:
    """Give the size in a family of one shape that has the same loss (`mixture.dense_worth`).

    Parameters
    ----------
    means
        Column ``L``, indexed by ``size`` and ``shape``.
    ladders
        For each size the runs of a family on as many tokens: columns ``N``, ``L``.
    """
    parts = [
        pd.Series(dense_worth(own["L"].to_numpy(), ladders[size]), index=own.index)
        for size, own in means.groupby("size", sort=False)
    ]
    return pd.concat(parts)


def side_by_side(means: pd.DataFrame) -> pd.DataFrame:
    """Set the sizes of `against_base` beside each other, one digit, blank where a size has no such shape.

    Parameters
    ----------
    means
        Columns to show, indexed by ``size`` and ``shape``.
    """
    table = means.pivot_table(list(means), "shape", "size", sort=False)
    return table.round(1).astype(object).fillna("")


def fall(bowls: pd.DataFrame) -> Slope:
    """Fit the exponent by which the lowest losses fall with compute: a line through the bottoms of bowls.

    Parameters
    ----------
    bowls
        Runs of several sizes at each of several budgets, as `fit.isoflop` takes them.
    """
    minima = isoflop(bowls).minima
    return line(np.log(minima["C"]), -np.log(minima["L"]))


def worth(percent, *, exponent: float):
    """``exp(p / 100 x)``: factor of size or compute that makes good a loss ``percent`` too high.

    Parameters
    ----------
    percent
        Hundred times the difference of ``ln L``; scalar, array or Series.
    exponent
        By which the loss falls with size or with compute, positive.

    Examples
    --------
    >>> round(float(worth(1.0, exponent=0.05)), 2)  # Kaplan et al. 2020, figure 5: 22 % more compute
    1.22
    """
    return np.exp(percent / 100 / exponent)


def price(fall: Slope) -> Slope:
    """Compute that makes good one percent of loss, in percent, by the exponent of the loss in compute.

    Parameters
    ----------
    fall
        The exponent, with its interval.
    """
    ends = (fall.value, fall.high, fall.low)  # a steeper fall makes a percent cheaper
    value, low, high = (100 * (float(worth(1.0, exponent=x)) - 1) for x in ends)
    return Slope(value=value, low=low, high=high)


def numbers(means: pd.DataFrame, spreads: pd.DataFrame) -> dict[str, float]:
    """Name what a chapter quotes of `against_base` and `spreads`: ``"1 layer-small-low"`` and so on.

    Parameters
    ----------
    means, spreads
        Of two sizes, the smaller first.
    """
    found: dict[str, float] = {}
    for name, size in zip(("small", "large"), means.index.unique("size"), strict=True):
        for shape, row in means.loc[size].iterrows():
            found |= {f"{shape}-{name}": row["percent"]}
            found |= {f"{shape}-{name}-{end}": row[end] for end in ("low", "high")}
        found[f"half-{name}"] = (means["high"] - means["percent"])[size].max()
        found[f"within-{name}"] = spreads.loc[(size, "all"), "within"]
        found[f"heads-p-{name}"] = spreads.loc[(size, "heads"), "p"]
    return found


def memory(dims: Mapping[str, int], *, heads: Sequence[int]) -> pd.DataFrame:
    """Count what a number of heads changes: parameters, cache, scores, in 16 bits.

    Parameters
    ----------
    dims
        ``V``, ``n_layer``, ``d_model``, ``n_ctx``.
    heads
        Numbers of heads to compare.

    Examples
    --------
    >>> gpt3 = {"V": 50_257, "n_layer": 96, "d_model": 12_288, "n_ctx": 2048}
    >>> memory(gpt3, heads=(1, 96))["scores, MB per layer"].round(1).tolist()
    [8.4, 805.3]
    """
    rows = {}
    for n in heads:
        shape = counting.Shape(**dims, n_head=n)  # type: ignore[arg-type]
        rows[n] = {
            "N, billion": counting.parameters(shape).N / 1e9,
            "cache, MB per token": counting.cache(shape) / 1e6,
            "if all heads share": counting.cache(shape, kv_heads=1) / 1e6,
            "scores, MB per layer": counting.score_memory(shape) / 1e6,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("heads")
