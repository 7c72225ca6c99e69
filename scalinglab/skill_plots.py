"""Figures of the part on emergence: skills over training and over the loss of the text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalinglab import quanta
from scalinglab.intervals import wilson
from scalinglab.plots import BLUE, GREEN, GREY, INK, LABELS, ORANGE, compact, loglog, plt, ramp

COLOURS = {"sorting": ORANGE, "brackets": BLUE, "addition": GREEN, "copying": GREY, "unscrambling": INK}
METRICS = {
    "exact": "share of answers all right",
    "token": "share of bytes right",
    "logprob": "log probability of an answer (nats)",
    "brier": "Brier score of a byte",
}

L_LABEL = "held-out loss (nats/answer)"


def two_rulers(ax: Axes, points: pd.DataFrame, skills: Sequence[str]) -> None:
    """Draw exact match (filled) and share of right bytes (open) of skills over the text's loss.

    Parameters
    ----------
    ax
        Where to draw.
    points
        Columns ``skill``, ``L``, ``exact``, ``token``.
    skills
        Which.
    """
    for skill in skills:
        part, colour = points[points["skill"] == skill], COLOURS[skill]
        ax.plot(part["L"], part["exact"], "o", ms=5, color=colour, label=f"{skill}, all right")
        ax.plot(part["L"], part["token"], "o", ms=5, mfc="none", color=colour, label=f"{skill}, bytes")
    ax.invert_xaxis()
    ax.set(xlabel=f"text's {LABELS['L']}", ylabel="share", ylim=(-0.03, 1.03))
    ax.legend(fontsize=8)


def products(ax: Axes, points: pd.DataFrame, *, tests: int) -> None:
    """Draw exact match over the share of right bytes to the power of the length, and where both are equal.

    Parameters
    ----------
    ax
        Where to draw.
    points
        Columns ``skill``, ``exact``, ``token``, ``length``.
    tests
        Questions: no right answer is drawn at half of one.
    """
    least = 0.5 / tests
    for skill, part in points.groupby("skill"):
        x, y = part["token"] ** part["length"], part["exact"]
        ax.plot(x.clip(lower=1e-6), y.clip(lower=least), "o", ms=4, color=COLOURS[skill], label=skill)
    ax.plot([1e-6, 1], [1e-6, 1], "--", color=GREY, lw=1)
    ax.axhline(least, color=GREY, lw=0.8, ls=":")
    ax.set(xscale="log", yscale="log", ylim=(least / 1.5, 1.5))
    ax.set(xlabel="share of right bytes ^ length", ylabel="share of answers all right")
    ax.legend(fontsize=8)


def over_loss(
    ax: Axes, points: pd.DataFrame, metric: str, *, chance: float | None = None, tests: int | None = None
) -> None:
    """Draw one metric of one skill over the text's loss, a colour for each size.

    Parameters
    ----------
    ax
        Where to draw.
    points
        Columns ``N``, ``L`` and the metric.
    metric
        One of `METRICS`.
    chance
        Level of whoever knows only how answers look, as a dotted line.
    tests
        Questions asked: the metric is a share of them, and gets Wilson's 95 % interval.
    """
    sizes = np.sort(points["N"].unique())
    for N, shade in zip(sizes, ramp(len(sizes)), strict=True):
        part = points[points["N"] == N]
        ax.plot(part["L"], part[metric], "o", ms=5, color=shade, label=f"N = {compact(N)}")
        if tests is not None:
            ax.vlines(part["L"], *wilson(part[metric], tests), color=shade, lw=1)
    if chance is not None:
        ax.axhline(chance, color=INK, ls=":", lw=0.8)
    ax.invert_xaxis()
    ax.set(xlabel=f"text's {LABELS['L']}", ylabel=METRICS[metric])
    ax.legend(fontsize=8)


def shares(
    panels: Sequence[Axes],
    points: pd.DataFrame,
    skills: Sequence[str],
    *,
    chance: Mapping[str, float],
    tests: int,
    top: float = 1.0,
) -> None:
    """Draw exact match over the text's loss, a skill in each panel, with intervals and chance.

    Parameters
    ----------
    panels
        One for each skill.
    points
        Columns ``skill``, ``N``, ``L``, ``exact``.
    skills
        Which.
    chance
        By skill.
    tests
        Questions asked of each.
    top
        Upper end of the vertical axes.
    """
    for ax, skill in zip(panels, skills, strict=True):
        over_loss(ax, points[points["skill"] == skill], "exact", chance=chance[skill], tests=tests)
        ax.set(title=skill, ylim=(-0.03 * top, 1.03 * top), xlabel="loss of the text (nats/byte)")
    for ax in panels[1:]:
        ax.set_ylabel("")
        if (legend := ax.get_legend()) is not None:
            legend.remove()


def skill_curves(ax: Axes, curves: pd.DataFrame) -> None:
    """Draw the loss of every task of one run, dark for the most used, and their mean.

    Parameters
    ----------
    ax
        Where to draw.
    curves
        Table of one run with the columns `quanta.COLUMNS`.

    Raises
    ------
    ValueError
        The table has more than one run.
    """
    if (runs := curves["id"].nunique()) != 1:
        raise ValueError(f"curves of {runs} runs; give those of one, as curves[curves['id'] == id]")
    tasks = int(curves["task"].max())
    for task, own in curves.groupby("task"):
        colour = shade(np.log(task) / np.log(max(2, tasks)))
        named = task == 1 or np.log10(task) % 1 == 0 or task == tasks
        ax.plot(own["S"], own["L"], color=colour, lw=0.7, label=f"task {task}" if named else None)
    mean = quanta.means(curves)
    ax.plot(mean["S"], mean["L"], color=ORANGE, lw=2.8, label="mean by use")
    ax.axhline(quanta.CHANCE, color=INK, ls=":", lw=0.8)
    ax.set(xscale="log", xlabel=LABELS["S"], ylabel=L_LABEL, ylim=(0, None))
    ax.legend(fontsize=8)


def shade(share: float) -> tuple[float, float, float, float]:
    """Colour at a share of the way from dark to light."""
    return plt.colormaps["viridis"](0.8 * share)


def number_learned(ax: Axes, curves: pd.DataFrame, *, alpha: float) -> None:
    """Draw mean loss over the number of skills learned, one colour per width, with the theory's line.

    The line is ``ln 2`` times the use of the skills not yet learned; dotted, the power ``n**-alpha``
    that it would be if there were skills without end, through the same first point.

    Parameters
    ----------
    ax
        Where to draw.
    curves
        Table with the columns `quanta.COLUMNS`.
    alpha
        Exponent of use minus one.
    """
    points, tasks = quanta.by_number(curves), int(curves["task"].max())
    widths = np.sort(points["width"].unique())
    for i, width in enumerate(widths):
        own = points[points["width"] == width]
        ax.plot(own["n"], own["L"], "o", color=shade(i / len(widths)), ms=3.5, label=compact(width))
    n = np.arange(1, tasks)
    expected = quanta.expected_loss(n=n, alpha=alpha, tasks=tasks)
    ax.plot(n, expected, color=INK, lw=1.6, label="theory")
    ax.plot(n, expected[0] * n**-alpha, color=INK, ls=":", lw=1.0, label="endless tasks")
    loglog(ax, "n, skills learned", L_LABEL)
    ax.set_ylim(bottom=0.7 * min(points["L"].min(), expected[points["n"].max() - 1]))
    ax.legend(title="width", fontsize=8)


def sharpness(ax: Axes, found: pd.DataFrame, *, mean: float) -> None:
    """Draw how many decades of steps each skill's fall takes, over the step at which it begins.

    Parameters
    ----------
    ax
        Where to draw.
    found
        What `quanta.learned` returns.
    mean
        Decades that the mean loss takes for the same fall.
    """
    done = found.dropna(subset="decades")
    colours = [shade(x) for x in np.log(done["task"]) / np.log(max(2, found["task"].max()))]
    ax.scatter(done["begin"], done["decades"], c=colours, s=12)
    ax.axhline(mean, color=ORANGE, lw=2, label="mean by use")
    ax.set(xscale="log", xlabel="step at which the fall begins", ylabel="decades from 75 to 25 % of chance")
    ax.set_ylim(bottom=0)
    ax.legend(fontsize=8)


def _better_to_the_right(ax: Axes) -> None:
    """Label the axis of the loss of text, the best model at the right."""
    ax.set_xlabel(LABELS["L"])
    if not ax.xaxis_inverted():
        ax.invert_xaxis()


def moving_elbow(ax: Axes, tunings: pd.DataFrame, law: Any, few: pd.DataFrame | None = None) -> None:
    """Accuracy over loss for each amount of examples, and the emergence law through it, cut off at 1.

    Parameters
    ----------
    ax
        Where to draw.
    tunings
        Columns ``N``, ``k``, ``L``, ``exact``; the smallest size is drawn hollow.
    law
        A `laws.EmergenceLaw`.
    few
        Models with a prompt only, drawn as crosses: ``L``, ``exact``.
    """
    amounts = np.sort(tunings["k"].unique())
    L = np.linspace(tunings["L"].min() - 0.02, tunings["L"].max() + 0.02, 300)
    for k, shade in zip(amounts, ramp(len(amounts))[::-1], strict=True):
        part = tunings[tunings["k"] == k]
        small = part["N"] == tunings["N"].min()
        ax.plot(part["L"][~small], part["exact"][~small], "o", c=shade, ms=4, label=f"{k} examples")
        ax.plot(part["L"][small], part["exact"][small], "o", c=shade, ms=5, mfc="none")
        ax.plot(L, np.minimum(1, law(L=L, n_examples=k)), c=shade, lw=1.5)
    if few is not None:
        ax.plot(few["L"], few["exact"], "x", c=INK, ms=5, label="prompt only")
    _better_to_the_right(ax)
    ax.set_ylabel("answers right")
    ax.legend(fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)


def elbow_law(
    ax: Axes, found: Any, singles: Mapping[int, Any], *, truth: Any = None, least: float | None = None
) -> None:
    """The elbow over the examples: one by one, by the law with its band, and the forecast at a prompt.

    Parameters
    ----------
    ax
        Where to draw.
    found
        What `elbow.joint` gives.
    singles
        Amounts of examples and what `elbow.single` gives for each.
    truth
        The few-shot elbow as it was then measured: an `elbow.Elbow`, or None to leave it out.
    least
        Lowest loss of the models that were fitted.
    """
    grid = np.geomspace(found.n_0, 1.3 * max(found.amounts), 60)
    band = np.array([found.at(k) for k in grid])
    ax.fill_between(grid, band[:, 1], band[:, 2], color=BLUE, alpha=0.15, lw=0)
    ax.plot(grid, band[:, 0], c=BLUE, lw=1.5, label="law, 95 % band")
    for k, one in singles.items():
        ax.plot([k, k], [one.low, one.high], c=INK, lw=1)
        ax.plot(k, one.value, "o", c=INK, ms=5, label="one amount" if k == next(iter(singles)) else None)
    ends = [[found.value - found.low], [found.high - found.value]]
    ax.errorbar(found.n_0, found.value, yerr=ends, fmt="s", c=BLUE, ms=7, capsize=4, label="forecast")
    if truth is not None:
        ends = [[truth.value - truth.low], [truth.high - truth.value]]
        at = found.n_0 * 1.25
        ax.errorbar(at, truth.value, yerr=ends, fmt="*", c=ORANGE, ms=12, capsize=4, label="found")
    if least is not None:
        ax.axhline(least, c=GREY, ls="--", lw=1)
        right = ax.get_xlim()[1] if ax.get_xscale() == "log" else grid[-1]
        ax.text(right, least, "best model fitted", ha="right", va="bottom", color=GREY, fontsize=8)
    ax.set(xscale="log", xlabel="examples fine-tuned on", ylabel="elbow (nats/byte)")
    ax.legend(fontsize=8, loc="upper left", frameon=False)


def elbow_forecasts(ax: Axes, tables: Mapping[str, pd.DataFrame], *, margin: float = 0.1) -> None:
    """Forecasts minus truth, in nats, over how far ahead they were in FLOPs.

    Parameters
    ----------
    ax
        Where to draw.
    tables
        For each skill what `elbow.forecast` gives. Where no model leaves chance, the truth is taken to
        be the loss of the best, and drawn hollow: it lies there or lower.
    margin
        What counts as a success, nats.
    """
    ax.axhspan(-margin, margin, color=GREY, alpha=0.15, lw=0)
    ax.axhline(0, c=INK, lw=0.8)
    for place, (skill, table) in enumerate(tables.items()):
        colour = COLOURS[skill]
        goal = table["true"].fillna(table["reached"])
        hollow = bool(table["true"].isna().any())
        x = table["ahead"] * 1.04**place
        ends = np.abs(table[["low", "high"]].sub(table["found"], axis=0).to_numpy().T)
        told = f"{skill}, not reached" if hollow else skill
        ax.errorbar(
            x,
            table["found"] - goal,
            yerr=ends,
            fmt="o",
            c=colour,
            mfc="none" if hollow else colour,
            ms=6,
            capsize=3,
            label=told,
        )
    ax.set(xscale="log", xlabel="FLOPs at the elbow / of the best model fitted")
    ax.set_ylabel("forecast - found (nats/byte)")
    ax.xaxis.set_major_formatter(plt.FuncFormatter(lambda v, _: f"{v:g}"))
    ax.xaxis.set_minor_formatter(plt.FuncFormatter(lambda v, _: f"{v:g}" if round(v, 3) in (2, 3, 5) else ""))
    if len(tables) > 1:
        ax.legend(fontsize=8, loc="lower left", frameon=False)


def posteriors(ax: Axes, draws: Mapping[str, Sequence[float]], *, truth: float | None = None) -> None:
    """Draws of an elbow under several choices, as lines from 2.5 to 97.5 % with their medians.

    Parameters
    ----------
    ax
        Where to draw.
    draws
        Choices by name, the first on top.
    truth
        Drawn as a line, if there is one.
    """
    names = list(draws)
    for place, name in enumerate(names):
        low, middle, high = np.quantile(draws[name], [0.025, 0.5, 0.975])
        ax.plot([low, high], [place, place], c=BLUE, lw=2)
        ax.plot(middle, place, "o", c=BLUE, ms=6)
    if truth is not None:
        ax.axvline(truth, c=ORANGE, lw=1.5)
    ax.set(yticks=range(len(names)), yticklabels=names, xlabel="few-shot elbow (nats/byte)")
    ax.invert_yaxis()
