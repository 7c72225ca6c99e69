"""Mixtures of experts: the gain of their number at each active size, and the dense model worth as much."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from scalinglab import counting, published
from scalinglab.laws import CLARK_2022
from scalinglab.laws.chinchilla import Chinchilla
from scalinglab.laws.experts import JointExpertsLaw, RoutedExpertsLaw, saturated_experts
from scalinglab.runs import TABLES

GAINS: Path = TABLES / "gains_clark.csv"
"""What :func:`clark_gains` returned, recorded."""

SHARE = 0.3077
"""Parameters that one further expert adds, over the active size: Clark's models from 27 M up, half of whose
layers are routed; 0.38 in the smallest, whose attention is narrow (counted in the released runs)."""

ROUTERS = ("S-Base", "RL-R", "Hash")
"""Clark's three ways to choose an expert: balanced assignment, reinforcement, a hash of the token."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slope:
    """A slope with its interval.

    Attributes
    ----------
    value, low, high
        Estimate and 95 % interval.
    """

    value: float
    low: float
    high: float

    def numbers(self, key: str) -> dict[str, float]:
        """Give the three as a chapter glues them."""
        return {key: self.value, f"{key}-low": self.low, f"{key}-high": self.high}


def line(x, y) -> Slope:
    """Fit the slope of a straight line by least squares, with Student's 95 % interval.

    Examples
    --------
    >>> found = line([0, 1, 2, 3], [0.1, 0.9, 2.1, 2.9])
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.96, 0.717, 1.203)
    """
    found = stats.linregress(x, y)
    value, half = float(found.slope), float(stats.t.ppf(0.975, len(x) - 2) * found.stderr)
    return Slope(value=value, low=value - half, high=value + half)


def with_active(runs: pd.DataFrame) -> pd.DataFrame:
    """Add ``N_active``, the parameters that a token meets (`counting.active`), to a table of runs.

    Examples
    --------
    >>> shape = {"V": 256, "n_layer": 2, "d_model": 32, "n_head": 2, "d_ff": 128, "n_ctx": 128}
    >>> row = pd.DataFrame([{**shape, "n_experts": 4, "top_k": 1, "tie": True}])
    >>> with_active(row)["N_active"].tolist()
    [24736]
    """
    names = [field.name for field in dataclasses.fields(counting.Shape)]
    shapes = [counting.Shape(**row) for row in runs[names].to_dict("records")]
    return runs.assign(N_active=[counting.active(shape) for shape in shapes])


def log_experts(n_experts):
    """``ln E_hat``: the logarithm of experts that still count, with Clark's two constants.

    Parameters
    ----------
    n_experts
        Experts in a routed layer, one per token.
    """
    E_hat = saturated_experts(n_experts=n_experts, E_start=CLARK_2022.E_start, E_max=CLARK_2022.E_max)
    return np.log(E_hat)


def gains(runs: pd.DataFrame, *, N: str = "N_active") -> pd.DataFrame:
    """Fit ``ln L = k + slope ln E_hat`` at each active size: least squares, Student's 95 % interval.

    Parameters
    ----------
    runs
        Columns ``L``, ``n_experts`` and ``N``.
    N
        Column of the active size.

    Returns
    -------
    DataFrame
        Columns ``N``, ``slope``, ``low``, ``high``, ``runs``; a negative slope is a gain.

    Examples
    --------
    >>> E = np.array([1, 4, 16, 64])
    >>> table = pd.DataFrame({"N_active": 1e8, "n_experts": E, "L": CLARK_2022(N=1e8, n_experts=E)})
    >>> gains(table)["slope"].round(4).tolist()
    [-0.036]
    """
    rows = []
    for size, part in runs.groupby(N):
        x, y = log_experts(part["n_experts"].to_numpy()), np.log(part["L"].to_numpy(float))
        slope = line(x, y)
        rows.append({"N": size, "slope": slope.value, "low": slope.low, "high": slope.high, "runs": len(x)})
    return pd.DataFrame(rows)


def shrinking(runs: pd.DataFrame, *, N: str = "N_active") -> Slope:
    """Fit Clark's ``c``: by how much the slope of `gains` rises with each factor of ten in size.

    One fit of ``ln L = k(N) + (b + c log10 N) ln E_hat`` with a constant ``k`` for each size.

    Parameters
    ----------
    runs
        Columns ``L``, ``n_experts`` and ``N``, two sizes at least.
    N
        Column of the active size.

    Examples
    --------
    >>> N, E = (x.ravel() for x in np.meshgrid([1e7, 1e8, 1e9], [1, 4, 16, 64]))
    >>> table = pd.DataFrame({"N_active": N, "n_experts": E, "L": CLARK_2022(N=N, n_experts=E)})
    >>> round(shrinking(table).value, 6)
    0.009
    """
    x, size = log_experts(runs["n_experts"].to_numpy()), runs[N].to_numpy(float)
    at = [size == value for value in np.unique(size)]
    design = np.column_stack([*at, x, x * np.log10(size)]).astype(float)
    y = np.log(runs["L"].to_numpy(float))
    found, *_ = np.linalg.lstsq(design, y, rcond=None)
    spare = len(y) - design.shape[1]
    variance = ((y - design @ found) ** 2).sum() / spare
    half = stats.t.ppf(0.975, spare) * np.sqrt(variance * np.linalg.inv(design.T @ design)[-1, -1])
    return Slope(value=float(found[-1]), low=float(found[-1] - half), high=float(found[-1] + half))


def trend(slopes: pd.DataFrame) -> Slope:
    """Lay a line through the slopes of `gains` over log10 of the size: Clark's ``c`` without the runs.

    Parameters
    ----------
    slopes
        Columns ``N`` and ``slope``, three sizes at least.
    """
    return line(np.log10(slopes["N"]), slopes["slope"])


def trends(slopes: pd.DataFrame) -> dict[str, Slope]:
    """`trend` of each router, in the order of the table.

    Parameters
    ----------
    slopes
        What `clark_gains` gives.
    """
    return {str(router): trend(part) for router, part in slopes.groupby("router", sort=False)}


def dense_worth(L, dense: pd.DataFrame):
    """Size of the dense model with the same loss, by a monotone curve through dense runs in the logarithms.

    Parameters
    ----------
    L
        Losses to match, shape (k,) or scalar.
    dense
        Columns ``N`` and ``L`` of dense models on as many tokens; runs of one size are averaged.

    Returns
    -------
    array
        Sizes; NaN outside the losses of the dense models.

    Examples
    --------
    >>> dense = pd.DataFrame({"N": [1e4, 1e5, 1e6], "L": [2.0, 1.6, 1.3]})
    >>> dense_worth([1.6, 1.0], dense).round().tolist()
    [100000.0, nan]
    """
    means = np.log(dense.groupby("N")["L"].mean().sort_index(ascending=False))
    curve = PchipInterpolator(means.to_numpy(), np.log(means.index.to_numpy(float)), extrapolate=False)
    return np.exp(curve(np.log(np.asarray(L, dtype=float))))


def by_law(
    law: RoutedExpertsLaw, N: Sequence[float] | np.ndarray, *, share: float = SHARE, most: int = 9
) -> pd.DataFrame:
    """Say of mixtures what they hold in all, and which dense model the law gives the same loss.

    Parameters
    ----------
    law
        Clark's.
    N
        Active sizes.
    share
        Parameters of one further expert in all routed layers, over the active size.
    most
        Up to ``2**most`` experts, by doublings.

    Returns
    -------
    DataFrame
        Columns ``N``, ``n_experts``, ``N_all``, ``L``, ``N_dense``, and ``worth``, the last over the first.

    Examples
    --------
    >>> row = by_law(CLARK_2022, [1e9], most=6).iloc[-1]
    >>> [float((row[name] / row["N"]).round(2)) for name in ("N_all", "N_dense")]
    [20.39, 3.14]
    """
    size, E = (x.ravel() for x in np.meshgrid(N, 2 ** np.arange(most + 1), indexing="ij"))
    L = law(N=size, n_experts=E)
    y = np.log10(law.E_start)  # a dense model: solve the law at one expert for N
    dense = 10 ** ((np.log10(L) - law.d - law.b * y) / (law.a + law.c * y))
    columns = {"N": size, "n_experts": E, "N_all": size * (1 + share * (E - 1)), "L": L, "N_dense": dense}
    return pd.DataFrame(columns | {"worth": dense / size})


def bill(runs: pd.DataFrame, dense: pd.DataFrame) -> pd.DataFrame:
    """What each number of experts costs and buys, means over seeds.

    Parameters
    ----------
    runs
        Columns ``N_active``, ``n_experts``, ``N``, ``C``, ``D``, ``L``; one expert is the dense twin.
    dense
        Columns ``N``, ``L`` of dense models on as many tokens.

    Returns
    -------
    DataFrame
        Indexed by ``N_active`` and ``n_experts``: ``N_all`` and ``C`` over those of the twin;
        ``D_each``, tokens for each expert if all get the same; ``L``; ``gain``, by how many percent the loss
        is lower; ``worth``, the size of the dense model with this loss over the active size (`dense_worth`).
    """
    table = runs.groupby(["N_active", "n_experts"])[["N", "C", "D", "L"]].mean()
    active = table.index.get_level_values("N_active").to_numpy()
    twin = table.xs(1, level="n_experts").loc[active].set_axis(table.index)
    return pd.DataFrame(
        {
            "N_all": table["N"] / active,
            "C": table["C"] / twin["C"],
            "D_each": table["D"] / table.index.get_level_values("n_experts"),
            "L": table["L"],
            "gain": 100 * np.log(twin["L"] / table["L"]),
            "worth": dense_worth(table["L"], dense) / active,
        }
    )


def numbers(runs: pd.DataFrame, dense: pd.DataFrame) -> dict[str, float]:
    """Name what a chapter quotes of the largest number of experts at three sizes: ``"gain-small"`` and so on.

    Parameters
    ----------
    runs
        As `bill` takes them, with a column ``rate``: runs at 1 are the table, seed 0 also at 0.5.
    dense
        As `bill` takes them.

    Returns
    -------
    dict
        ``gain`` and ``worth`` of `bill`; ``last``, the gain by the last doubling; ``slow``, the further gain
        at half the rate in percent, where it was tried; ``apart``, by how much ``worth`` differs between
        seeds at most; ``router``, FLOPs above the twin's in percent at most.
    """
    own, most = runs[runs["rate"] == 1], int(runs["n_experts"].max())
    table = bill(own, dense)
    found: dict[str, float] = {}
    tried = runs[(runs["n_experts"] == most) & (runs["seed"] == 0)]
    rates = tried.pivot_table("L", "N_active", "rate").dropna()
    for name, size in zip(("small", "middle", "large"), table.index.unique("N_active"), strict=True):
        gain = table["gain"][size]
        found |= {f"gain-{name}": gain[most], f"last-{name}": gain[most] - gain[most // 2]}
        found[f"worth-{name}"] = table.loc[(size, most), "worth"]
        if size in rates.index:
            found[f"slow-{name}"] = 100 * np.log(rates.loc[size, 1.0] / rates.loc[size, 0.5])
    ends = own[own["n_experts"] == most]
    worth = pd.Series(dense_worth(ends["L"], dense), index=ends.index) / ends["N_active"]
    found["apart"] = worth.groupby(ends["N_active"]).agg(np.ptp).max()
    return found | {"router": 100 * (table["C"].max() - 1)}


def change(
    law: RoutedExpertsLaw | JointExpertsLaw, *, N: np.ndarray, n: int = 8, D: Any = None
) -> np.ndarray:
    """By how many percent ``n`` experts change the loss of a law, negative where they help.

    Parameters
    ----------
    law
        Clark's, or one that takes tokens as well.
    N
        Active sizes.
    n
        Experts.
    D
        Tokens, for a law that takes them.

    Examples
    --------
    >>> change(CLARK_2022, N=np.array([1e8, 1e9])).round(1).tolist()
    [-5.5, -4.2]
    """
    tokens = {} if D is None else {"D": D}
    mixture, dense = (law(N=N, n_experts=count, **tokens) for count in (n, 1))
    return 100 * np.log(mixture / dense)


def saved(law: JointExpertsLaw, *, C: float, n: int) -> float:
    """Compute a dense model needs for the loss of a mixture, over the mixture's, both at their best split.

    Parameters
    ----------
    law
        A law of active size, tokens and experts.
    C
        FLOPs of the mixture, as ``6 N D`` of active parameters.
    n
        Experts.

    Examples
    --------
    >>> from scalinglab.laws import LUDZIEJEWSKI_2025
    >>> round(saved(LUDZIEJEWSKI_2025, C=1e20, n=8), 2)
    1.71
    """
    mixture, dense = law.at(n_experts=n), law.at(n_experts=1)

    def lowest(of: Chinchilla, log_C: float) -> float:
        N, D = of.optimum(C=10.0**log_C)
        return float(of(N=N, D=D))

    target, start = lowest(mixture, np.log10(C)), float(np.log10(C))
    return float(10 ** (brentq(lambda x: lowest(dense, x) - target, start - 3, start + 3) - start))


def clark_gains() -> tuple[pd.DataFrame, str]:
    """Fit the gains of Clark's released runs where they are at hand, else read the recorded; say which.

    Source: Clark et al. 2022 (arXiv:2202.01169): last losses on the validation set of six sizes with
    2 to 512 experts in every second layer, one per token, three routers, 130 B tokens.

    Returns
    -------
    slopes
        As `gains`, with a column ``router``; the dense model of each size is the case of one expert.
    told
        Where the numbers come from.
    """
    if not published.at_hand("clark_routing"):
        return pd.read_csv(GAINS), "recorded fit of the released runs"
    last = final_losses(published.load("clark_routing"))
    parts = []
    for router in ROUTERS:
        part = last[last["router_type"].isin([router, "Dense"])]
        parts.append(gains(part, N="N").assign(router=router))
    return pd.concat(parts, ignore_index=True), f"fit of {len(last)} released runs"


def final_losses(curves: pd.DataFrame) -> pd.DataFrame:
    """Keep the last loss of each run of ``clark_routing`` with one expert per token in every second layer.

    Parameters
    ----------
    curves
        The published table.
    """
    last = curves.sort_values("step").groupby("hyper_id").tail(1)
    last = last.query("k == 1 and routing_frequency == 0.5 and flop_increase == 1")
    return last.rename(columns={"num_experts": "n_experts"})
