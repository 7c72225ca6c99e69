"""Figures of the part on emergence: skills over training and over the loss of the text."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalinglab.plots import BLUE, GREEN, GREY, INK, LABELS, ORANGE, compact, plt

COLOURS = {"sorting": ORANGE, "brackets": BLUE, "addition": GREEN, "copying": GREY, "unscrambling": INK}
METRICS = {
    "exact": "share of answers all right",
    "token": "share of bytes right",
    "logprob": "log probability of an answer (nats)",
    "brier": "Brier score of a byte",
}


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


def over_loss(ax: Axes, points: pd.DataFrame, metric: str, *, chance: float | None = None) -> None:
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
    """
    sizes = np.sort(points["N"].unique())
    for N, shade in zip(sizes, plt.colormaps["viridis"](np.linspace(0, 0.85, len(sizes))), strict=True):
        part = points[points["N"] == N]
        ax.plot(part["L"], part[metric], "o", ms=5, color=shade, label=f"N = {compact(N)}")
    if chance is not None:
        ax.axhline(chance, color=INK, ls=":", lw=0.8)
    ax.invert_xaxis()
    ax.set(xlabel=f"text's {LABELS['L']}", ylabel=METRICS[metric])
    ax.legend(fontsize=8)
