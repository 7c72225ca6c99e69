"""One function per kind of figure, on axes of the caller's or its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from scalinglab.bowl import Bowl
from scalinglab.envelope import EnvelopeFit
from scalinglab.frontier import IsoFlopFit
from scalinglab.laws.chinchilla import Chinchilla, embedding_weight, local_exponent

INK, BLUE, ORANGE, GREEN, RED, GREY = "#222222", "#0072b2", "#d55e00", "#009e73", "#cc3311", "#999999"
"""Colours that colour-blind readers tell apart (Okabe and Ito), the same thing the same everywhere."""

STYLE = {
    "figure.dpi": 110,
    "savefig.dpi": 220,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "font.size": 10,
}

LABELS = {
    "N": "N, non-embedding parameters",
    "N_total": "N_total, all parameters",
    "D": "D, tokens seen",
    "U": "U, different tokens",
    "C": "C, training FLOPs (exact)",
    "C_6ND": "6ND, training FLOPs (approximate)",
    "S": "S, optimiser steps",
    "B": "B, tokens per batch",
    "L": "L, held-out loss (nats/byte)",
    "lr": "peak learning rate",
}
"""Axis labels of the table's columns, with units."""


def axes(n: int = 1, *, width: float = 3.7, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """Open a figure with ``n`` panels side by side in the book's style."""
    with plt.rc_context(STYLE):  # type: ignore[arg-type]
        figure, panels = plt.subplots(1, n, figsize=(width * n if n > 1 else 6.4, height), squeeze=False)
        interactive = plt.isinteractive()
    plt.interactive(interactive)  # the first figure switches a notebook's drawing on; leaving rc undoes it
    return figure, list(panels[0])


def ramp(number: int) -> np.ndarray:
    """Give ``number`` colours from dark to light, shape (number, 4), none too pale for a line on white."""
    return plt.colormaps["viridis"](np.linspace(0, 0.78, number))


def loglog(ax: Axes, x: str, y: str = "L") -> None:
    """Set logarithmic axes, labelled with the names and units of two columns."""
    ax.set(xscale="log", yscale="log", xlabel=LABELS.get(x, x), ylabel=LABELS.get(y, y))
    ax.xaxis.set_minor_formatter(plt.NullFormatter())
    ax.yaxis.set_major_formatter(plt.FuncFormatter(lambda v, _: compact(v) if v >= 1e4 else f"{v:g}"))

    def between(value: float, place: int) -> str:
        low, high = ax.get_ylim()
        return _sparse(value, place) if high < 30 * low else ""

    ax.yaxis.set_minor_formatter(plt.FuncFormatter(between))


def _sparse(value: float, _: int) -> str:
    """Label minor ticks of a short logarithmic axis at 1.2, 1.4, 1.6, 2, 2.5, 3, 4 only."""
    mantissa = value / 10 ** np.floor(np.log10(value))
    near = np.isclose(mantissa, (1.2, 1.4, 1.6, 2, 2.5, 3, 4, 5))
    return f"{value:g}" if near.any() else ""


def by_size(ax: Axes, runs: pd.DataFrame, x: str, y: str = "L", *, size: str = "N") -> None:
    """Draw one line per model size, dark for small and light for large, as Kaplan's figure 2 does."""
    sizes = np.sort(runs[size].unique())
    norm = LogNorm(sizes.min() / 1.5, sizes.max() * 2.5)
    for n in sizes:
        of_size = runs[runs[size] == n].sort_values(x)
        colour = plt.colormaps["viridis"](norm(n))
        ax.plot(of_size[x], of_size[y], "o-", color=colour, ms=3.5, lw=1.4, label=compact(n))
    loglog(ax, x, y)
    ax.legend(title=size, fontsize=8)


def slices(ax: Axes, points: pd.DataFrame, law: Callable, x: str, *, by: str) -> None:
    """Draw loss over one column as dots, one colour per value of another, with a law of ``N`` and ``D``.

    Parameters
    ----------
    ax
        Where to draw.
    points
        Columns ``N``, ``U``, ``L``.
    law
        Called with ``N`` and ``D``, which is the column ``U``; gives the loss.
    x, by
        ``"N"`` and ``"U"`` or the other way round.
    """
    values = np.sort(points[by].unique())
    grid = np.geomspace(points[x].min(), points[x].max(), 80)
    for value, colour in zip(values, ramp(len(values)), strict=True):
        part = points[points[by] == value]
        columns = {x: grid, by: np.full_like(grid, value)}
        ax.plot(part[x], part["L"], "o", color=colour, ms=4, label=compact(value))
        ax.plot(grid, law(N=columns["N"], D=columns["U"]), color=colour, lw=1.2)
    loglog(ax, x)
    ax.set_ylim(top=1.45 * points["L"].max())
    ax.legend(title=by, fontsize=7, title_fontsize=8, ncols=2, loc="upper right")


def bowls(ax: Axes, runs: pd.DataFrame, law: Callable, *, size: str = "N") -> None:
    """Draw loss over size, one colour per budget, with a law ``law(N=, C=)`` through the runs.

    A ring marks the law's lowest point at each budget.

    Parameters
    ----------
    ax
        Where to draw.
    runs
        Table with the columns ``budget``, ``size`` and ``L``.
    law
        Called with sizes and a budget; gives the loss.
    size
        Column on the horizontal axis.
    """
    budgets = np.sort(runs["budget"].unique())
    for budget, colour in zip(budgets, ramp(len(budgets)), strict=True):
        of_budget = runs[runs["budget"] == budget]
        sizes = np.geomspace(of_budget[size].min(), of_budget[size].max(), 200)
        losses = law(N=sizes, C=budget)
        exponent = int(np.floor(np.log10(budget)))
        ax.plot(of_budget[size], of_budget["L"], ".", color=colour, ms=5)
        ax.plot(sizes, losses, color=colour, lw=1.2, label=f"{budget / 10.0**exponent:g}e{exponent}")
        ax.plot(sizes[losses.argmin()], losses.min(), "o", color=colour, mfc="none", ms=9)
    loglog(ax, size)
    ax.legend(title="C, FLOPs", fontsize=7, title_fontsize=8)


def fitted(
    ax: Axes,
    runs: pd.DataFrame,
    x: str,
    laws: Mapping[str, Callable],
    *,
    reach: float = 1.0,
    colours: Sequence[str] = (BLUE, ORANGE, GREEN),
) -> None:
    """Draw runs and fitted one-variable laws, solid where there are runs and dashed beyond.

    Parameters
    ----------
    ax
        Where to draw.
    runs
        Table with the columns ``x`` and ``L``.
    x
        The column that the laws are called with.
    laws
        Laws by label.
    reach
        How many times beyond the largest run the dashed line goes.
    colours
        One per law.
    """
    ax.plot(runs[x], runs["L"], "o", color=INK, ms=4.5, zorder=3, label="runs")
    low, high = runs[x].min(), runs[x].max()
    for (label, law), colour in zip(laws.items(), colours, strict=False):
        inside = np.geomspace(low / 1.2, high, 100)
        ax.plot(inside, law(**{x: inside}), color=colour, label=label)
        if reach > 1:
            beyond = np.geomspace(high, high * reach, 100)
            ax.plot(beyond, law(**{x: beyond}), "--", color=colour)
    loglog(ax, x)
    ax.legend(fontsize=8)


def residuals(ax: Axes, runs: pd.DataFrame, x: str, laws: Mapping[str, Callable]) -> None:
    """Draw relative residuals, percent, of one-variable laws over a column."""
    for (label, law), colour in zip(laws.items(), (BLUE, ORANGE, GREEN), strict=False):
        ordered = runs.sort_values(x)
        off = 100 * (ordered["L"] / law(**{x: ordered[x].to_numpy(float)}) - 1)
        ax.plot(ordered[x], off, "o-", color=colour, ms=4, lw=0.8, label=label)
    ax.axhline(0, color=INK, lw=0.8)
    ax.set_xscale("log")
    ax.xaxis.set_minor_formatter(plt.NullFormatter())
    ax.set(xlabel=LABELS.get(x, x), ylabel="measured above law (%)")
    ax.legend(fontsize=8)


def next_token(ax: Axes, probabilities: Mapping[str, np.ndarray], *, k: int = 10) -> None:
    """Draw the ``k`` likeliest next bytes under one or two models, the first one deciding the order.

    Parameters
    ----------
    ax
        Where to draw.
    probabilities
        Distributions over 256 bytes by label.
    k
        Number of bytes.
    """
    first = next(iter(probabilities.values()))
    top = np.argsort(first)[::-1][:k]
    place, height = np.arange(k), 0.8 / len(probabilities)
    for row, ((label, p), colour) in enumerate(zip(probabilities.items(), (BLUE, GREY), strict=False)):
        ax.barh(place + row * height, p[top], height, color=colour, label=label)
    ax.set_yticks(place + (len(probabilities) - 1) * height / 2, [glyph(b) for b in top], family="monospace")
    ax.invert_yaxis()
    ax.set(xlabel="probability of the next byte", xlim=(0, 1))
    ax.grid(axis="y", visible=False)
    ax.legend(fontsize=8, loc="lower right")


def against_counts(ax: Axes, counts: pd.DataFrame, models: pd.DataFrame) -> None:
    """Draw loss over stored numbers: n-grams with their counts, networks with their parameters.

    Parameters
    ----------
    ax
        Where to draw.
    counts, models
        Tables with the columns ``stored``, ``L`` and ``name``.
    """
    ax.plot(counts["stored"], counts["L"], "s--", color=GREY, ms=5, label="n-gram: stored counts")
    ax.plot(models["stored"], models["L"], "o", color=BLUE, ms=7, label="GPT: parameters (all)")
    for _, row in pd.concat([counts, models]).iterrows():
        ax.annotate(
            row["name"], (row["stored"], row["L"]), xytext=(6, 5), textcoords="offset points", fontsize=8
        )
    ax.set(xscale="log", xlabel="numbers stored", ylabel=LABELS["L"])
    ax.legend(fontsize=8)


def tradeoff(ax: Axes, points: pd.DataFrame, laws: Mapping[float, Callable]) -> None:
    """Draw steps against tokens to each of several losses, and the hyperbolas through them.

    Parameters
    ----------
    ax
        Where to draw.
    points
        Columns ``loss``, ``B``, ``S``, ``E``, as `bowl.steps_to` gives them for several losses.
    laws
        For each loss its `laws.BatchTradeoffLaw`.
    """
    batches = np.geomspace(points["B"].min() / 2, points["B"].max() * 2, 60)
    for loss, colour in zip(sorted(laws, reverse=True), ramp(len(laws)), strict=True):
        steps, reached = laws[loss](B=batches), points[points["loss"] == loss]
        ax.plot(batches * steps, steps, color=colour, lw=1.2)
        ax.plot(reached["E"], reached["S"], "o", color=colour, ms=4, label=f"{loss:.1f}")
    loglog(ax, "E, tokens to the loss", "S, steps to the loss")
    ax.legend(title="L (nats)", fontsize=8)


def critical_batches(
    ax: Axes, critical: pd.DataFrame, measured: pd.DataFrame, law: Callable, other: Callable
) -> None:
    """Draw critical batches with their intervals, and gradient noise scales, against the loss.

    Parameters
    ----------
    ax
        Where to draw.
    critical
        Columns ``N``, ``L``, ``B``, ``low``, ``high``.
    measured
        Columns ``N``, ``L``, ``B_simple``.
    law
        Batch as a function of ``L``, fitted to ``critical``.
    other
        A law whose slope is to be compared; drawn through the middle of the points.
    """
    for (N, part), colour in zip(critical.groupby("N"), (ORANGE, BLUE), strict=False):
        reach = np.abs(part[["low", "high"]].sub(part["B"], axis=0)).to_numpy().T
        ax.errorbar(
            part["L"], part["B"], reach, fmt="o", color=colour, ms=4, capsize=2, label=f"N = {compact(N)}"
        )
        scale = measured[measured["N"] == N]
        ax.plot(scale["L"], scale["B_simple"], ".", color=colour, ms=3, alpha=0.6)
    losses = np.geomspace(critical["L"].min(), critical["L"].max(), 50)
    middle = float(np.exp(np.log(critical["L"]).mean()))
    ax.plot(losses, law(L=losses), color=INK, lw=1.2, label="law")
    ax.plot(
        losses, other(L=losses) * law(L=middle) / other(L=middle), "--", color=GREY, label="Kaplan's slope"
    )
    loglog(ax, "L", "critical batch, tokens")
    ax.set_xticks(np.arange(np.ceil(5 * losses[0]), 5 * losses[-1] + 0.5) / 5)
    ax.xaxis.set_major_formatter(plt.FuncFormatter(lambda value, _: f"{value:g}"))
    ax.invert_xaxis()
    ax.legend(fontsize=8)


def glyph(byte: int) -> str:
    """Show a byte as one visible sign.

    Examples
    --------
    >>> glyph(32), glyph(10), glyph(65), glyph(226)
    ('␣', '↵', 'A', 'xE2')
    """
    return {32: "␣", 10: "↵"}.get(int(byte)) or (chr(byte) if 32 < byte < 127 else f"x{byte:02X}")


def compact(value: float) -> str:
    """Write a number with a suffix and two or three digits.

    Examples
    --------
    >>> compact(24736), compact(1_500_000), compact(680), compact(999_936)
    ('24.7k', '1.5M', '680', '1M')
    """
    value = float(f"{value:.3g}")
    for size, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def best_size(
    ax: Axes, found: IsoFlopFit | EnvelopeFit, *, colour: str = BLUE, label: str = "", y: str = "N"
) -> None:
    """Draw the best size (or data) at each budget, the power law through it, and its interval.

    Parameters
    ----------
    ax
        Where to draw.
    found
        What `fit.isoflop` or `fit.envelope` gave.
    colour, label
        Of the line.
    y
        ``"N"`` or ``"D"``.
    """
    measured = found.minima if isinstance(found, IsoFlopFit) else found.points
    few = len(measured) < 100
    ax.plot(measured["C"], measured[y], "o" if few else ".", color=colour, ms=5 if few else 2)
    C = np.geomspace(measured["C"].min(), measured["C"].max(), 50)
    k, exponent = ("k_N", "a") if y == "N" else ("k_D", "b")
    ax.plot(C, getattr(found.law, k) * C ** getattr(found.law, exponent), color=colour, label=label or None)
    if len(found.draws):
        many = found.draws[k].to_numpy()[:, None] * C ** found.draws[exponent].to_numpy()[:, None]
        tail = (1 - found.level) / 2
        ax.fill_between(C, *np.quantile(many, [tail, 1 - tail], axis=0), color=colour, alpha=0.15, lw=0)
    loglog(ax, "C", y)


def training_curves(ax: Axes, curves: pd.DataFrame, front: pd.DataFrame) -> None:
    """Draw loss over FLOPs so far: each run in grey with its end as a dot, their lower envelope.

    Parameters
    ----------
    ax
        Where to draw.
    curves
        One row per point, with the columns ``id``, ``C``, ``L``.
    front
        The ``points`` of `fit.envelope`.
    """
    for _, curve in curves.groupby("id"):
        ax.plot(curve["C"], curve["L"], color=GREY, lw=0.5)
        ax.plot(curve["C"].iloc[-1], curve["L"].iloc[-1], ".", color=INK, ms=4)
    ax.plot(front["C"], front["L"], color=ORANGE, lw=1.5)
    loglog(ax, "C")


def splits(ax: Axes, laws: Mapping[str, Any], C: np.ndarray, *, ratio: bool = False) -> None:
    """Draw the best size by each law over a budget, or the tokens per parameter that go with it.

    Parameters
    ----------
    ax
        Where to draw.
    laws
        Up to five laws with an ``optimum``, by label.
    C
        Budgets, shape (k,).
    ratio
        Draw ``D / N`` instead of ``N``.
    """
    looks = zip(laws.items(), (BLUE, ORANGE, GREEN, RED, GREY), ("-", "--", "-.", ":", "-"), strict=False)
    for (label, law), colour, dash in looks:
        N, D = law.optimum(C=C)
        ax.plot(C, D / N if ratio else N, dash, color=colour, lw=1.8, label=label)
    loglog(ax, "C, training FLOPs", "tokens per parameter" if ratio else "N")


def named_models(ax: Axes, models: pd.DataFrame, *, ratio: bool = False, left: Sequence[str] = ()) -> None:
    """Draw named models at their ``6 N D``: their size, or their tokens per parameter.

    Parameters
    ----------
    ax
        Where to draw; logarithmic axes are the caller's.
    models
        Columns ``N`` and ``D``, names as the index.
    ratio
        Draw ``D / N`` instead of ``N``.
    left
        Names that stand to the left of their mark.
    """
    x = 6 * models["N"] * models["D"]
    y = models["D"] / models["N"] if ratio else models["N"]
    ax.plot(x, y, "*", color=INK, ms=7, zorder=3)
    for name in models.index:
        side = -1 if name in left else 1
        ax.annotate(
            name,
            (x[name], y[name]),
            xytext=(6 * side, 0),
            textcoords="offset points",
            fontsize=8,
            va="center",
            ha="right" if side < 0 else "left",
            bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.3},
        )


def bowl_lines(runs: pd.DataFrame, *, N: str = "N") -> pd.DataFrame:
    """Curves through the lowest loss of each size at each budget: cubics of ``ln L`` in ``ln N``.

    They are the curves whose minima `fit.isoflop` takes where a budget has up to seven sizes.

    Parameters
    ----------
    runs
        Table with the columns ``budget``, ``L`` and ``N``, four sizes a budget at least.
    N
        Column of the sizes.

    Returns
    -------
    DataFrame
        Columns ``budget``, ``N``, ``L``; 61 points a budget, from its smallest size to its largest.
    """
    lines = []
    for budget, part in runs.groupby("budget"):
        best = part.groupby(N)["L"].min()
        x = np.log(best.index.to_numpy(float))
        cubic = np.polyfit(x - x.mean(), np.log(best), 3)
        fine = np.linspace(x[0], x[-1], 61)
        loss = np.exp(np.polyval(cubic, fine - x.mean()))
        lines.append(pd.DataFrame({"budget": budget, "N": np.exp(fine), "L": loss}))
    return pd.concat(lines, ignore_index=True)


def stops(ax: Axes, ends: Mapping[str, pd.DataFrame]) -> None:
    """Draw where descents stop: ``excess`` over ``a``, one colour per objective, 1e-6 to 10."""
    for (label, found), ink in zip(ends.items(), (ORANGE, BLUE), strict=False):
        near = found[found["excess"] < 10]
        ax.plot(near["a"], near["excess"].clip(1e-6), ".", color=ink, ms=5, alpha=0.6, label=label)
    ax.set(yscale="log", xlim=(0, 1), ylim=(5e-7, 20), xlabel="a", ylabel="objective above its minimum")
    ax.legend(fontsize=8, loc="lower left")


def interval_widths(ax: Axes, known: Mapping[str, tuple[float, float]], *, target: float) -> None:
    """Draw the width of an interval at a number of runs, and its root of n down to ``target``.

    ``known`` maps labels to pairs of runs and width.
    """
    looks = zip(known.items(), (BLUE, ORANGE, GREEN), ("-", "-", "--"), strict=False)
    for (label, (n, width)), ink, dash in looks:
        reach = np.array([n / 4, n * (width / target) ** 2])
        ax.plot(reach, width * np.sqrt(n / reach), dash, color=ink, label=label)
        ax.plot(n, width, "o", color=ink)
    loglog(ax, "runs", "width of the interval of a")


def group_residuals(ax: Axes, runs: pd.DataFrame, laws: Mapping[str, Callable]) -> None:
    """Draw percent of measured above law in eight groups of ``D``: median, 10th and 90th percentile."""
    group = pd.qcut(runs["D"], 8)
    middle = runs["D"].groupby(group, observed=True).median()
    for i, ((label, law), ink) in enumerate(zip(laws.items(), (RED, ORANGE, BLUE), strict=False)):
        off = (100 * np.log(runs["L"] / law(N=runs["N"], D=runs["D"]))).groupby(group, observed=True)
        low, mid, high = (off.quantile(p) for p in (0.1, 0.5, 0.9))
        ax.errorbar(middle * 1.06**i, mid, (mid - low, high - mid), fmt="o", color=ink, ms=4, label=label)
    ax.set(xscale="log", xlabel=LABELS["D"], ylabel="measured above law (%)")


def reach(ax: Axes, found: Mapping[str, pd.DataFrame], *, allowed: float = 4.0) -> None:
    """Draw the error of forecasts over their reach, one line per fit and one colour per law.

    Parameters
    ----------
    ax
        Where to draw.
    found
        By name of the law, what `forecast.forecasts` gave.
    allowed
        Percent to both sides of zero that are shaded.
    """
    for (name, table), colour in zip(found.items(), (BLUE, ORANGE, GREEN, RED), strict=False):
        beyond = table[table["reach"] > 1.01]
        for i, (_, part) in enumerate(beyond.groupby("fitted")):
            label = None if i else name
            ax.plot(part["reach"], part["off"], ".-", color=colour, lw=1.2, label=label)
    ax.axhspan(-allowed, allowed, color=GREY, alpha=0.2, lw=0)
    ax.set(xscale="log", xlabel="reach in compute", ylabel="predicted above measured L (%)")
    ax.legend(fontsize=8)


def repeated_worth(ax: Axes, worth: pd.DataFrame, fits: Mapping[float, Callable], *, paper: Any) -> None:
    """Draw the worth of repeated tokens over epochs, a law for each size, and a paper's.

    Parameters
    ----------
    ax
        Where to draw.
    worth
        As `repeats.worth` gives it.
    fits
        For each size a fit, called with ``epochs``.
    paper
        A law with ``effective_tokens``, in black.
    """
    epochs = np.geomspace(1, worth["epochs"].max(), 100)
    ax.plot(epochs, epochs, "--", color=GREY, lw=1, label="fresh")
    ax.plot(epochs, paper.effective_tokens(D=epochs, U=1.0), color=INK, lw=1.2, label="paper")
    for (N, fit), colour in zip(fits.items(), (BLUE, ORANGE, GREEN), strict=False):
        of_size = worth[worth["N"] == N]
        ax.plot(of_size["epochs"], of_size["worth"], "o", color=colour, ms=5, label=f"N = {compact(N)}")
        ax.plot(epochs, fit(epochs=epochs), color=colour, lw=1.2)
    ax.set(xscale="log", yscale="log", xlabel="D / U, epochs seen", ylabel="D' / U, worth in fresh epochs")
    _labelled(ax.xaxis, (1, 2, 4, 8, 16, 40))
    _labelled(ax.yaxis, (1, 2, 4, 8, 16, 40))
    ax.legend(fontsize=8)


def _labelled(axis: Any, marks: Sequence[float]) -> None:
    """Label a logarithmic axis at a few values only."""
    axis.set_major_locator(plt.FixedLocator(marks))
    axis.set_major_formatter(plt.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(plt.NullLocator())


def constants_by_size(ax: Axes, table: pd.DataFrame, fits: Mapping[float, Any], *, paper: float) -> None:
    """Draw ``R_D`` and its intervals over size: a table of fits, single fits in colour, a paper's value.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Columns ``N``, ``R_D``, ``low``, ``high``.
    fits
        For each size a `repeats.WorthFit`.
    paper
        The horizontal line.
    """
    arms = (table["R_D"] - table["low"], table["high"] - table["R_D"])
    ax.errorbar(table["N"], table["R_D"], arms, fmt="o-", color=GREY, ms=4, lw=1, label="grid")
    for (N, fit), colour in zip(fits.items(), (BLUE, ORANGE, GREEN), strict=False):
        arm = ([fit.R_D - fit.low], [fit.high - fit.R_D])
        ax.errorbar([N * 1.12], [fit.R_D], arm, fmt="o", color=colour, ms=6, label=f"N = {compact(N)}")
    ax.axhline(paper, color=INK, lw=1.2, label="paper")
    loglog(ax, "N", "R_D, epochs")
    ax.set_ylim(top=min(ax.get_ylim()[1], 500))
    ax.legend(fontsize=8)


def overtraining(ax: Axes, runs: pd.DataFrame, law: Any, *, M: Sequence[float]) -> None:
    """Draw loss above the floor over 6 N D, coloured by tokens per parameter, and lines of constant M.

    Parameters
    ----------
    ax
        Where to draw.
    runs
        Table with the columns ``N``, ``D`` and ``L``.
    law
        A `laws.OvertrainingLaw`.
    M
        Tokens per parameter of the lines.
    """
    ratio, budget = runs["D"] / runs["N"], 6 * runs["N"] * runs["D"]
    norm, shade = LogNorm(ratio.min(), ratio.max() * 1.6), plt.colormaps["viridis"]
    ax.scatter(budget, runs["L"] - law.E, c=ratio, norm=norm, cmap=shade, s=14)
    for m in M:
        near = budget[(np.log(ratio / m)).abs() < np.log(2.5)]
        C = np.geomspace(near.min(), near.max(), 50)
        N = (C / (6 * m)) ** 0.5
        ax.plot(C, law(N=N, D=m * N) - law.E, color=shade(norm(m)), label=f"{m:g}")
    loglog(ax, "6 N D, FLOPs (N without embeddings)", "L - E (nats/byte)")
    _labelled(ax.yaxis, (0.4, 0.5, 0.6, 0.8, 1, 1.2, 1.5, 2))
    ax.legend(title="D / N", fontsize=8, title_fontsize=8)


def exponent_pairs(ax: Axes, draws: Mapping[str, pd.DataFrame]) -> None:
    """Draw fitted pairs of ``alpha`` and ``beta``, one cloud per table of draws, and the diagonal.

    Parameters
    ----------
    ax
        Where to draw.
    draws
        By label, columns ``alpha`` and ``beta``.
    """
    for (label, table), colour in zip(draws.items(), (BLUE, ORANGE, GREEN), strict=False):
        ax.plot(table["alpha"], table["beta"], ".", color=colour, ms=3, alpha=0.35)
        ax.plot([], [], "o", color=colour, ms=5, label=label)
    edges = np.concatenate([table[["alpha", "beta"]].to_numpy().ravel() for table in draws.values()])
    low, high = np.quantile(edges, [0.002, 0.998])
    ax.plot([low, high], [low, high], color=INK, lw=1, label="equal")
    ax.set(xlabel="alpha, exponent of size", ylabel="beta, exponent of data")
    ax.legend(fontsize=8)


def schedules(ax: Axes, losses: Mapping[str, np.ndarray]) -> None:
    """Draw loss over steps for several schedules, from a twentieth of the steps on."""
    for (label, loss), colour in zip(losses.items(), (BLUE, ORANGE, GREEN), strict=False):
        begin = len(loss) // 20
        ax.plot(np.arange(begin, len(loss)), loss[begin:], color=colour, label=label)
    ax.set(xlabel="S, steps", ylabel="L (nats/token)")
    ax.legend(fontsize=8)


def parabola(ax: Axes, bowl: pd.DataFrame) -> None:
    """Draw a bowl without noise, the parabola through all its ``ln L``, and the bottoms of both.

    Parameters
    ----------
    ax
        Where to draw.
    bowl
        One budget of `simulate.bowls_of`.
    """
    best = float(bowl["best"].iloc[0])
    z = np.log(bowl["N"] / best)
    curve = np.polyfit(z, np.log(bowl["L"]), 2)
    fine = np.linspace(z.min(), z.max(), 200)
    ax.plot(bowl["N"], bowl["L"], "o-", color=BLUE, ms=4, label="law")
    ax.plot(best * np.exp(fine), np.exp(np.polyval(curve, fine)), "--", color=ORANGE, label="parabola")
    ax.axvline(best, color=BLUE, lw=0.8)
    ax.axvline(best * np.exp(-curve[1] / (2 * curve[0])), color=ORANGE, ls="--", lw=0.8)
    loglog(ax, "N, all parameters", "L (nats/token)")
    ax.legend(fontsize=8)


def misplaced(ax: Axes, shifts: pd.DataFrame) -> None:
    """Draw by how much bottoms are misplaced over the width of the grid.

    Parameters
    ----------
    ax
        Where to draw.
    shifts
        As `simulate.misplaced` gives them; parabolas in colour, cubics in black, grids that are
        off the middle dotted.
    """
    names = list(dict.fromkeys(shifts["law"]))
    colours = dict(zip(names, (BLUE, ORANGE, GREEN, RED), strict=False))
    for (method, off, name), part in shifts.groupby(["method", "off", "law"], sort=False):
        colour = INK if method == "cubic" else colours[name]
        label = ("cubics" if method == "cubic" else name) if off == 1 else None
        if method == "cubic" and name != names[0]:
            label = None
        look = "o-" if off == 1 else "o:"
        ax.plot(part["width"], part["shift"], look, color=colour, ms=4, lw=1.4, label=label)
    widths = shifts["width"].unique()
    ax.set(xscale="log", xlabel="largest size / middle size", ylabel="bottom above best size (%)")
    ax.set_xticks(widths, [f"{width:g}" for width in widths])
    ax.xaxis.set_minor_formatter(plt.NullFormatter())
    ax.legend(fontsize=8)


def exponents(ax: Axes, found: Mapping[str, pd.DataFrame]) -> None:
    """Draw exponents with their intervals, one row per way of counting, one colour per set of runs.

    Parameters
    ----------
    ax
        Where to draw.
    found
        By name of the set: index of ways, columns ``a``, ``low``, ``high``.
    """
    colours = (BLUE, ORANGE, GREEN)
    for i, ((name, table), colour) in enumerate(zip(found.items(), colours, strict=False)):
        y = np.arange(len(table)) + 0.2 * (i - (len(found) - 1) / 2)
        ends = [table["a"] - table["low"], table["high"] - table["a"]]
        ax.errorbar(table["a"], y, xerr=ends, fmt="o", ms=5, color=colour, label=name)
        ax.set_yticks(range(len(table)), list(table.index))
    for a in (0.5, 0.73):
        ax.axvline(a, color=INK, ls=":", lw=0.8)
    ax.invert_yaxis()
    ax.set_xlabel("a, exponent of the best size")


def walk(ax: Axes, steps: pd.DataFrame) -> None:
    """Draw a walk of exponents, one step per row of the table, one line per column.

    Parameters
    ----------
    ax
        Where to draw.
    steps
        Index: what was changed. Columns: one exponent each; NaN is left out.
    """
    styles = zip(steps.columns, (BLUE, GREEN, ORANGE), ("o-", "s-", "x"), strict=False)
    for name, colour, style in styles:
        ax.plot(steps[name].to_numpy(), range(len(steps)), style, color=colour, ms=6, label=name)
    ax.set_yticks(range(len(steps)), list(steps.index))
    ax.invert_yaxis()
    ax.set_xlabel("a, exponent of the best size")


def middles(ax: Axes, parts: Mapping[str, pd.DataFrame]) -> None:
    """Draw the loss in the middle of a long run above that of a finished short one, by schedule.

    Parameters
    ----------
    ax
        Where to draw.
    parts
        By schedule: columns ``N`` (two sizes, the smaller drawn open), ``part``, ``excess``.
    """
    for (name, table), colour in zip(parts.items(), (BLUE, ORANGE), strict=False):
        for N, own in table.groupby("N"):
            face = colour if N == table["N"].max() else "none"
            label = name if face == colour else None
            own = own.sort_values("part")
            ax.plot(own["part"], 100 * own["excess"], "o-", color=colour, mfc=face, ms=5, lw=1, label=label)
    ax.set_xscale("log", base=2)
    ticks = [0.125, 0.25, 0.5]
    ax.set_xticks(ticks, ["1/8", "1/4", "1/2"])
    ax.set(xlabel="part of the long run", ylabel="loss above the short run (%)", ylim=(0, None))


def bends(ax: Axes, law: Chinchilla, vocabularies: Sequence[int], *, aspect: float) -> None:
    """Draw the local exponent of the best size, embeddings not counted, one line per vocabulary.

    Parameters
    ----------
    ax
        Where to draw.
    law
        The loss in all parameters and tokens.
    vocabularies
        Their sizes; positions have no embedding.
    aspect
        Width over depth.
    """
    N = np.geomspace(1e3, 1e10, 200)
    for V, colour in zip(vocabularies, (BLUE, ORANGE, GREEN), strict=False):
        omega = embedding_weight(V=V, n_ctx=0, aspect=aspect)
        ax.plot(N, local_exponent(law, N=N, omega=omega), color=colour, label=f"V = {V:,}")
    ax.set(xscale="log", xlabel=LABELS["N"], ylabel="local exponent")


def rate_bowl(ax: Axes, cell: pd.DataFrame, found: Bowl) -> None:
    """Draw contours of the excess loss over rate and batch, the runs, the optimum and its draws.

    Parameters
    ----------
    ax
        Where to draw.
    cell
        Runs of one size and length: columns ``lr``, ``B``, ``L``; dark dots are low losses.
    found
        Their bowl, with draws.
    """
    lr, B = (np.geomspace(cell[name].min() / 1.3, cell[name].max() * 1.3, 90) for name in ("lr", "B"))
    rate, batch = np.meshgrid(lr, B)
    levels = [0.125, 0.25, 0.5, 1, 2]
    lines = ax.contour(
        rate, batch, 100 * found.cost(lr=rate, B=batch), levels=levels, cmap="viridis", linewidths=1.2
    )
    ax.clabel(lines, fontsize=7, fmt="%g")
    excess = np.log(cell["L"] / found.L).clip(lower=1e-3)
    ax.scatter(cell["lr"], cell["B"], c=excess, norm=LogNorm(1e-3, 0.3), cmap="Greys_r", s=26, ec=INK, lw=0.5)
    ax.plot(found.draws["lr"], found.draws["B"], ".", color=ORANGE, ms=2, alpha=0.15)
    ax.plot(found.optimum["lr"], found.optimum["B"], "*", color=ORANGE, mec=INK, mew=0.6, ms=13)
    ax.set(xscale="log", yscale="log", xlabel=LABELS["lr"], ylabel=LABELS["B"])
    ax.set(xlim=(lr[0], lr[-1]), ylim=(B[0], B[-1]))
    _labelled(ax.xaxis, (0.001, 0.002, 0.004, 0.008, 0.016, 0.032))
    _labelled(ax.yaxis, (128, 256, 512, 1024))


def ridges(
    ax: Axes,
    best: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    slope: float,
    until: float | None = None,
) -> None:
    """Draw the best rate at each batch, in units of the best rate and batch of its cell.

    Parameters
    ----------
    ax
        Where to draw.
    best
        Columns ``N``, ``D``, ``B``, ``lr``.
    cells
        Columns ``N``, ``D``, and ``lr`` and ``B``: the best rate and the best batch.
    slope
        Of a straight line through the middle of the points.
    until
        Where the line ends and runs on level; ``None`` where it does not.
    """
    bottoms = {(cell.N, cell.D): (cell.lr, cell.B) for cell in cells.itertuples()}
    norm = LogNorm(best["N"].min() / 1.5, best["N"].max() * 2.5)
    for (N, D), line in best.groupby(["N", "D"]):
        rate, batch = bottoms[N, D]
        x, y = line["B"] / batch, line["lr"] / rate
        ax.plot(x, y, "o-", color=plt.colormaps["viridis"](norm(N)), ms=3, lw=0.8, alpha=0.8)
    x = best["B"] / [bottoms[cell][1] for cell in zip(best["N"], best["D"], strict=True)]
    reach = np.geomspace(x.min() / 1.2, x.max() * 1.2, 50)
    y = best["lr"] / [bottoms[cell][0] for cell in zip(best["N"], best["D"], strict=True)]
    middle = np.median(y / np.minimum(x, until or np.inf) ** slope)
    ax.plot(reach, middle * np.minimum(reach, until or np.inf) ** slope, color=INK, lw=2)
    ax.set(xscale="log", yscale="log", xlabel="batch / best batch", ylabel="best rate there / best rate")
    _labelled(ax.xaxis, (0.1, 0.2, 0.5, 1, 2, 5, 10, 20))
    _labelled(ax.yaxis, (0.2, 0.5, 1, 2))


def rate_exponents(ax: Axes, table: pd.DataFrame) -> None:
    """Draw laws of the learning rate by their exponents of size and of data, with lines of equal sum.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Names as the index; columns ``p_N``, ``p_D`` and ``colour``, and the ends of the intervals
        ``N_low``, ``N_high``, ``D_low``, ``D_high``, NaN where there are none.
    """
    edges = (-1.02, 0.0), (-0.45, 0.42)
    for total in (-0.6, -0.4, -0.2):
        ax.plot(edges[0], [total - edges[0][0], total - edges[0][1]], ":", color=GREY, lw=0.9)
        ax.annotate(
            f"{total:g}",
            (total - 0.37, 0.37),
            fontsize=7,
            color=GREY,
            ha="center",
            bbox={"fc": "white", "ec": "none", "pad": 0.5},
        )
    ax.axhline(0, color=INK, lw=0.8)
    for place, (name, row) in enumerate(table.iterrows(), start=1):
        arms = [[[row["p_N"] - row["N_low"]], [row["N_high"] - row["p_N"]]]]
        arms += [[[row["p_D"] - row["D_low"]], [row["D_high"] - row["p_D"]]]]
        x, y = np.nan_to_num(arms)
        ax.errorbar(
            row["p_N"],
            row["p_D"],
            xerr=x,
            yerr=y,
            fmt="o",
            color=row["colour"],
            ms=5,
            label=f"{place} {name}",
        )
        side = (-12, -12) if x.any() else (5, 5)
        ax.annotate(str(place), (row["p_N"], row["p_D"]), xytext=side, textcoords="offset points", fontsize=9)
    ax.set(xlim=edges[0], ylim=edges[1], xlabel="exponent of N", ylabel="exponent of D")
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def best_steps(ax: Axes, best: pd.DataFrame, longest: float, B_noise: float) -> None:
    """Draw the best length of a step over the batch, ``longest / (1 + B_noise / B)``, and its two limits.

    Parameters
    ----------
    ax
        Where to draw.
    best
        Columns ``B`` and ``lr``.
    longest, B_noise
        Of the formula.
    """
    B = np.geomspace(best["B"].min() / 2, best["B"].max() * 2, 100)
    ax.plot(best["B"], best["lr"], "o", color=INK)
    ax.plot(B, longest / (1 + B_noise / B), color=BLUE)
    ax.plot(B, longest * B / B_noise, ":", color=GREY)
    ax.axhline(longest, ls=":", color=GREY)
    loglog(ax, "B", "best length of a step")
    ax.set_ylim(best["lr"].min() / 1.5, 1.5 * longest)
