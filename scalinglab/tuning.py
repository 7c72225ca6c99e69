"""The best learning rate and batch over many sizes and lengths: cells, trends, and what a miss costs."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from scalinglab.bowl import Bowl, bowl
from scalinglab.runs import check


def by_length(runs: pd.DataFrame) -> pd.DataFrame:
    """Round ``D`` to two digits: batches that do not divide a length leave some tokens over.

    Examples
    --------
    >>> by_length(pd.DataFrame({"D": [499_712, 499_968, 2_000_000]}))["D"].tolist()
    [500000.0, 500000.0, 2000000.0]
    """
    D = runs["D"].astype(float)
    unit = 10 ** (np.floor(np.log10(D)) - 1)
    return runs.assign(D=(D / unit).round() * unit)


def bowls(runs: pd.DataFrame, *, n: int = 1000) -> dict[tuple[float, float], Bowl]:
    """Fit a bowl of learning rate and batch to every size and length: by ``(N, D)``.

    The draws of a bowl's lowest point that leave its grid are left out, as is a bowl in
    :func:`rate_and_batch` whose own lowest point does.

    Parameters
    ----------
    runs
        Columns ``N``, ``D``, ``lr``, ``B``, ``L``; lengths as :func:`by_length` rounds them.
    n
        Resampled bowls.
    """
    found = {}
    for (N, D), cell in runs.groupby(["N", "D"]):
        one = bowl(cell, n=n)
        held = [one.draws[name].between(cell[name].min(), cell[name].max()) for name in one.draws]
        found[N, D] = dataclasses.replace(one, draws=one.draws[np.all(held, axis=0)])
    return found


def rate_and_batch(
    found: Mapping[tuple[float, float], Bowl], *, at: Mapping[str, float], n: int = 1000
) -> dict[str, "Trend"]:
    """Fit powers of ``N`` and ``D`` through the lowest points inside their grids: a law of rate and batch.

    Parameters
    ----------
    found
        As :func:`bowls` gives them, with draws.
    at
        Where the prefactors are told.
    n
        Draws for the intervals: in each, every bowl gives one of its resampled lowest points.

    Returns
    -------
    dict
        ``"lr"`` and ``"B"``.
    """
    inside = {cell: one for cell, one in found.items() if one.inside}
    laws = {}
    for y in ("lr", "B"):
        points = pd.DataFrame(
            [(*cell, one.optimum[y]) for cell, one in inside.items()], columns=["N", "D", y]
        )
        draws = [one.draws[y].to_numpy() for one in inside.values()]
        laws[y] = trend(points, y, at=at, draws=draws, n=n)
    return laws


def best_along(
    runs: pd.DataFrame, *, by: Sequence[str] = ("N", "D", "B"), axis: str = "lr", factor: float = 2.0
) -> pd.DataFrame:
    """Find the lowest point along one axis with everything else held: the best rate of each batch.

    Parameters
    ----------
    runs
        Columns ``by``, ``axis`` and ``L``.
    by
        What is held.
    axis
        What was varied.
    factor
        A parabola of ``ln L`` in ``ln axis`` goes through the runs up to this factor from the lowest.

    Returns
    -------
    DataFrame
        Columns ``by`` and ``axis``; left out are groups whose lowest run is the first or the last.

    Examples
    --------
    >>> line = pd.DataFrame({"B": 256, "lr": [1e-3, 2e-3, 4e-3], "L": [1.10, 1.00, 1.10]})
    >>> best_along(line, by=["B"])["lr"].round(6).tolist()
    [0.002]
    """
    check(runs, needs=[*by, axis, "L"])
    rows = []
    for held, part in runs.groupby(list(by)):
        line = part.groupby(axis)["L"].mean()
        lowest = line.idxmin()
        if lowest in (line.index[0], line.index[-1]):
            continue
        z = np.log(line.index.to_numpy(dtype=float) / lowest)
        near = np.abs(z) < np.log(factor) + 1e-3
        curve = np.polyfit(z[near], np.log(line[near]), 2)
        rows.append((*held, float(lowest * np.exp(-curve[1] / (2 * curve[0])))))
    return pd.DataFrame(rows, columns=[*by, axis])


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Trend:
    """Powers through the bottoms of many bowls, ``y = k * (x1 / m1)**p1 * (x2 / m2)**p2``.

    Attributes
    ----------
    exponents
        By name of the column.
    k
        Value at the point ``at``.
    at
        The point, by name of the column.
    low, high
        Ends of the intervals of the exponents and of ``k``.
    draws
        One row per draw: exponents and ``k``.
    scatter
        Standard deviation of ``ln y`` around the trend; NaN where no point is left over.
    """

    exponents: dict[str, float]
    k: float
    at: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    draws: pd.DataFrame
    scatter: float

    def __call__(self, **x):
        """Value of the trend (scalars or arrays)."""
        return self.k * np.prod(
            [(x[name] / self.at[name]) ** p for name, p in self.exponents.items()], axis=0
        )

    def of(self, name: str) -> tuple[float, float, float]:
        """Give one exponent and the ends of its interval."""
        return self.exponents[name], self.low[name], self.high[name]

    def numbers(self, name: str) -> dict[str, float]:
        """Give all exponents and ends of intervals flat: ``name-N``, ``name-N-low``, ``name-N-high``, ..."""
        ends = zip(("", "-low", "-high"), (self.exponents, self.low, self.high), strict=True)
        return {f"{name}-{x}{end}": values[x] for end, values in ends for x in self.exponents}

    def along(self, weights: Mapping[str, float], *, level: float = 0.95) -> tuple[float, float, float]:
        """Sum of exponents with weights, and its interval: ``{"N": 1, "D": 1}`` for D in step with N."""
        drawn = sum(w * self.draws[name] for name, w in weights.items())
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return float(sum(w * self.exponents[name] for name, w in weights.items())), float(low), float(high)


def trend(
    points: pd.DataFrame,
    y: str,
    x: Sequence[str] = ("N", "D"),
    *,
    at: Mapping[str, float],
    draws: Sequence[np.ndarray] | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Trend:
    """Fit powers of ``x`` to ``y`` by least squares of the logarithms.

    Parameters
    ----------
    points
        One row per cell, columns ``x`` and ``y``.
    y, x
        What is explained, and by what.
    at
        Where the prefactor is told.
    draws
        For each row, draws of its ``y``, such as those of a bowl: the intervals then come from redrawing
        every point. Without them, points are drawn with replacement.
    n, seed, level
        Draws, their seed, level of the intervals.

    Examples
    --------
    >>> table = pd.DataFrame({"N": [1e3, 1e4, 1e3, 1e4], "D": [1e6, 1e6, 4e6, 4e6]})
    >>> table["lr"] = 0.01 * (table["N"] / 1e3) ** -0.5 * (table["D"] / 1e6) ** 0.25
    >>> found = trend(table, "lr", at={"N": 1e3, "D": 1e6}, n=0)
    >>> round(found.k, 6), round(found.exponents["N"], 6), round(found.exponents["D"], 6)
    (0.01, -0.5, 0.25)
    """
    check(points, needs=[*x, y])
    names = [*x, "k"]
    Z = np.log(points[list(x)].to_numpy(dtype=float) / [at[name] for name in x])
    X, target = np.column_stack([Z, np.ones(len(Z))]), np.log(points[y].to_numpy(dtype=float))
    if np.linalg.matrix_rank(X) < X.shape[1]:
        raise ValueError(f"{len(points)} points do not tell {', '.join(x)} apart; take more cells")
    best = np.linalg.lstsq(X, target, rcond=None)[0]
    rng = np.random.default_rng(seed)
    drawn: list[np.ndarray] = []
    while len(drawn) < n:
        if draws is not None:
            drawn.append(np.linalg.lstsq(X, np.log([rng.choice(d) for d in draws]), rcond=None)[0])
            continue
        rows = rng.integers(len(X), size=len(X))
        if np.linalg.matrix_rank(X[rows]) == X.shape[1]:
            drawn.append(np.linalg.lstsq(X[rows], target[rows], rcond=None)[0])
    table = pd.DataFrame(np.reshape(drawn, (n, len(names))), columns=names)
    table["k"] = np.exp(table["k"])
    low, high = (table.quantile(q).to_dict() if n else {} for q in ((1 - level) / 2, (1 + level) / 2))
    spare, r = len(X) - X.shape[1], target - X @ best
    return Trend(
        exponents=dict(zip(x, map(float, best[:-1]), strict=True)),
        k=float(np.exp(best[-1])),
        at=dict(at),
        low=low,
        high=high,
        draws=table,
        scatter=float(np.sqrt(r @ r / spare)) if spare else np.nan,
    )


def missed(cell: pd.DataFrame, *, factors: Sequence[float] = (0.25, 0.5, 2.0, 4.0)) -> dict[float, float]:
    """Look up what a rate costs that is off by a factor: runs beside the best one, at its batch.

    Parameters
    ----------
    cell
        Runs of one size and length: columns ``lr``, ``B``, ``L``.
    factors
        Of the best run's rate; the run whose rate is nearest, within a tenth, counts.

    Returns
    -------
    dict
        Loss in excess of the best run's, as a share of it; NaN where there is no such run.

    Examples
    --------
    >>> line = pd.DataFrame({"B": 256, "lr": [1e-3, 2e-3, 4e-3], "L": [1.02, 1.00, 1.03]})
    >>> {factor: round(cost, 3) for factor, cost in missed(line).items()}
    {0.25: nan, 0.5: 0.02, 2.0: 0.03, 4.0: nan}
    """
    check(cell, needs=["lr", "B", "L"])
    best = cell.loc[cell["L"].idxmin()]
    line = cell[cell["B"] == best["B"]].groupby("lr")["L"].mean()
    far = np.abs(np.log(line.index.to_numpy(dtype=float)[:, None] / (best["lr"] * np.asarray(factors))))
    found = line.to_numpy()[far.argmin(axis=0)] / best["L"] - 1
    return {
        f: float(cost) if off < 0.1 else np.nan
        for f, cost, off in zip(factors, found, far.min(axis=0), strict=True)
    }


def cost(cells: pd.DataFrame, *, lr: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Loss in excess of the best, by each cell's own bowl, at a rate and batch for each.

    Parameters
    ----------
    cells
        As `replication.step_law_tuning` gives them: columns ``lr``, ``B``, ``rr``, ``rb``, ``bb``.
    lr, B
        One value a row, or one for all.

    Examples
    --------
    >>> cells = pd.DataFrame({"lr": [1e-3], "B": [1e5], "rr": [0.02], "rb": [0.0], "bb": [0.01]})
    >>> cost(cells, lr=2e-3, B=1e5).round(4).tolist()
    [0.0048]
    """
    z, w = np.log(lr / cells["lr"]), np.log(B / cells["B"])
    return np.expm1(0.5 * (cells["rr"] * z**2 + 2 * cells["rb"] * z * w + cells["bb"] * w**2))


def exponents(printed: Mapping[str, tuple[float, float]], fitted: Mapping[str, Trend]) -> pd.DataFrame:
    """Set laws of the rate beside each other by their exponents of size and data, for `plots.rate_exponents`.

    Parameters
    ----------
    printed
        By name ``(p_N, p_D)`` of laws that papers print.
    fitted
        By name trends in ``N`` and ``D``.

    Returns
    -------
    DataFrame
        Columns ``p_N``, ``p_D`` and ``N_low``, ``N_high``, ``D_low``, ``D_high``, NaN without interval.
    """
    rows = {name: dict(zip(("p_N", "p_D"), pair, strict=True)) for name, pair in printed.items()}
    for name, law in fitted.items():
        rows[name] = {f"p_{x}": law.exponents[x] for x in ("N", "D")}
        rows[name] |= {f"{x}_{end}": getattr(law, end)[x] for x in ("N", "D") for end in ("low", "high")}
    return pd.DataFrame.from_dict(rows, orient="index").astype(float)


def told(laws: Mapping[str, Trend]) -> pd.DataFrame:
    """Tell a prefactor and exponents with their intervals, one row per number."""
    rows = []
    for name, law in laws.items():
        rows.append((name, "at the point", law.k, law.low["k"], law.high["k"]))
        rows += [(name, f"exponent of {x}", *law.of(x)) for x in law.exponents]
    return pd.DataFrame(rows, columns=["", "number", "value", "low", "high"]).set_index("")


def with_batch_held(tables: Mapping[str, pd.DataFrame]) -> dict[str, Trend]:
    """Fit powers of ``N``, ``D`` and ``B`` to the best rate at each batch, as :func:`best_along` gives it."""
    at = {"N": 1e6, "D": 1e9, "B": 1e4}
    return {name: trend(table, "lr", list(at), at=at) for name, table in tables.items()}


def bottoms(found: Mapping[tuple[float, float], Bowl]) -> pd.DataFrame:
    """Tell the lowest point of every bowl with its interval, to three digits.

    Parameters
    ----------
    found
        As :func:`bowls` gives them.

    Returns
    -------
    DataFrame
        Columns ``N``, ``D``, ``lr``, ``lr_low``, ``lr_high``, ``B``, ``B_low``, ``B_high``, ``inside``.
    """
    rows = []
    for (N, D), one in found.items():
        row = {"N": N, "D": D}
        for name in ("lr", "B"):
            ends = {name: one.optimum[name], f"{name}_low": one.low[name], f"{name}_high": one.high[name]}
            row |= {key: float(f"{value:.3g}") for key, value in ends.items()}
        rows.append(row | {"inside": one.inside})
    return pd.DataFrame(rows)


def agreement(runs: pd.DataFrame, repeats: pd.DataFrame) -> pd.Series:
    """Find the best rate of every seed; tell the largest over the smallest, by ``(N, D)``.

    Parameters
    ----------
    runs, repeats
        Columns ``N``, ``D``, ``B``, ``lr``, ``seed``, ``L``; of ``runs`` those count that ``repeats``
        has with other seeds. A parabola goes through all rates of a seed.
    """
    beside = repeats[["N", "D", "B", "lr"]].drop_duplicates()
    seeds = pd.concat([repeats, runs]).merge(beside)
    rows = []
    for (N, D, _), part in seeds.groupby(["N", "D", "seed"]):
        bend, tilt, _ = np.polyfit(np.log(part["lr"]), np.log(part["L"]), 2)
        rows.append((N, D, float(np.exp(-tilt / (2 * bend)))))
    rates = pd.DataFrame(rows, columns=["N", "D", "lr"]).groupby(["N", "D"])["lr"]
    return (rates.max() / rates.min()).rename("largest / smallest")


def sides(
    best: pd.DataFrame, cells: pd.DataFrame, *, steps: float = 4000
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split best rates into those at batches up to their cell's best one and those beyond.

    Parameters
    ----------
    best
        Columns ``N``, ``D``, ``B``, ``lr``, as :func:`best_along` gives them.
    cells
        Columns ``N``, ``D`` and ``B``, the best batch.
    steps
        Beyond, only runs of at least so many steps count.
    """
    least = best[["N", "D"]].merge(cells[["N", "D", "B"]], how="left", on=["N", "D"])["B"].to_numpy()
    small = (best["B"] <= least).to_numpy()
    return best[small], best[~small & (best["D"] / best["B"] >= steps).to_numpy()]


def judged(
    rules: Mapping[str, Callable],
    cells: pd.DataFrame,
    found: Mapping[tuple[float, float], Bowl],
    *,
    begin: tuple[float, float],
    end: tuple[float, float],
) -> pd.DataFrame:
    """Price rules of rate and batch: as they are on others' cells, carried from one of ours to another.

    Parameters
    ----------
    rules
        By name a function of ``N`` and ``D`` that gives rate and batch; where it gives no batch (NaN),
        the best one is taken.
    cells
        As :func:`cost` takes them.
    found
        As :func:`bowls` gives them.
    begin, end
        Size and length whose best rate is carried, and those where it arrives.

    Returns
    -------
    DataFrame
        Of the cells ``theirs`` (median of rate over best rate), ``cost``, ``worst`` in percent of the loss;
        of our bowl at ``end`` ``ours`` (rate over best rate) and ``our cost``, at the best batch.
    """
    rows = {}
    for name, rule in rules.items():
        lr, B = rule(cells["N"], cells["D"])
        lost = 100 * cost(cells, lr=lr, B=cells["B"] if np.isnan(B).any() else B)
        last = found[end]
        arrived = found[begin].optimum["lr"] * rule(*end)[0] / rule(*begin)[0]
        own = 100 * last.cost(lr=arrived, B=last.optimum["B"])
        off = float(np.median(lr / cells["lr"]))
        rows[name] = (
            off,
            float(np.median(lost)),
            float(np.max(lost)),
            arrived / last.optimum["lr"],
            float(own),
        )
    return pd.DataFrame.from_dict(rows, "index", columns=["theirs", "cost", "worst", "ours", "our cost"])


def misses(runs: pd.DataFrame) -> pd.DataFrame:
    """Tell :func:`missed` of every size and length, percent: columns ``x0.25`` to ``x4``."""
    rows = [missed(cell) for _, cell in runs.groupby(["N", "D"])]
    return 100 * pd.DataFrame(rows).rename(columns=lambda factor: f"x{factor:g}")
