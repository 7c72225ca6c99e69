"""Figures of many small skills, in the style of `plots`."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes

from scalinglab import skills
from scalinglab.plots import INK, LABELS, ORANGE, compact, loglog

L_LABEL = "held-out loss (nats/answer)"


def skill_curves(ax: Axes, curves: pd.DataFrame) -> None:
    """Draw the loss of every task of one run, dark for the most used, and their mean.

    Parameters
    ----------
    ax
        Where to draw.
    curves
        Table of one run with the columns `skills.COLUMNS`.

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
    mean = skills.means(curves)
    ax.plot(mean["S"], mean["L"], color=ORANGE, lw=2.8, label="mean by use")
    ax.axhline(skills.CHANCE, color=INK, ls=":", lw=0.8)
    ax.set(xscale="log", xlabel=LABELS["S"], ylabel=L_LABEL, ylim=(0, None))
    ax.legend(fontsize=8)


def shade(share: float) -> tuple[float, float, float, float]:
    """Colour at a share of the way from dark to light."""
    return colormaps["viridis"](0.92 * share)


def number_learned(ax: Axes, curves: pd.DataFrame, *, alpha: float) -> None:
    """Draw mean loss over the number of skills learned, one colour per width, with the theory's line.

    The line is ``ln 2`` times the use of the skills not yet learned; dotted, the power ``n**-alpha``
    that it would be if there were skills without end, through the same first point.

    Parameters
    ----------
    ax
        Where to draw.
    curves
        Table with the columns `skills.COLUMNS`.
    alpha
        Exponent of use minus one.
    """
    points, tasks = skills.by_number(curves), int(curves["task"].max())
    widths = np.sort(points["width"].unique())
    for i, width in enumerate(widths):
        own = points[points["width"] == width]
        ax.plot(own["n"], own["L"], "o", color=shade(i / len(widths)), ms=3.5, label=compact(width))
    n = np.arange(1, tasks)
    expected = skills.expected_loss(n=n, alpha=alpha, tasks=tasks)
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
        What `skills.learned` returns.
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
