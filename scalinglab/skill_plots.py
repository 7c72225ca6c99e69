"""One function per kind of figure about skills: accuracy over loss, elbows, forecasts of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalinglab.plots import BLUE, GREEN, GREY, INK, LABELS, ORANGE, RED, plt

SKILL_COLOURS = (BLUE, ORANGE, GREEN, RED, "#cc79a7")
"""Colours of several skills in one figure."""


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
        Where.
    tunings
        Columns ``k``, ``L``, ``exact``.
    law
        A `laws.EmergenceLaw`.
    few
        Models with a prompt only, drawn as crosses: ``L``, ``exact``.
    """
    amounts = np.sort(tunings["k"].unique())
    shades = plt.colormaps["viridis"](np.linspace(0.85, 0.0, len(amounts)))
    L = np.linspace(tunings["L"].min() - 0.02, tunings["L"].max() + 0.02, 300)
    for k, shade in zip(amounts, shades, strict=True):
        part = tunings[tunings["k"] == k]
        ax.plot(part["L"], part["exact"], "o", c=shade, ms=4, alpha=0.8, label=f"{k} examples")
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
        Where.
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
        Where.
    tables
        For each skill what `elbow.forecast` gives. Where no model leaves chance, the truth is taken to
        be the loss of the best, and drawn hollow: it lies there or lower.
    margin
        What counts as a success, nats.
    """
    ax.axhspan(-margin, margin, color=GREY, alpha=0.15, lw=0)
    ax.axhline(0, c=INK, lw=0.8)
    for place, ((skill, table), colour) in enumerate(zip(tables.items(), SKILL_COLOURS, strict=False)):
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
    ax.legend(fontsize=8, loc="lower left", frameon=False)


def posteriors(ax: Axes, draws: Mapping[str, Sequence[float]], *, truth: float | None = None) -> None:
    """Draws of an elbow under several choices, as lines from 2.5 to 97.5 % with their medians.

    Parameters
    ----------
    ax
        Where.
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
