"""Figures of the capstone: forecasts beside runs, and the scores of a class."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalinglab.capstone import Forecast
from scalinglab.plots import BLUE, GREEN, GREY, INK, ORANGE, loglog
from scalinglab.vega import alt

COLOURS = {"Chinchilla": ORANGE, "Kaplan": GREEN, "both": BLUE, "line": GREY}
"""Of the forecasters, the same everywhere."""


def told(ax: Axes, table: pd.DataFrame, said: Mapping[str, Forecast], *, C: float) -> None:
    """Draw the runs of a sweep, and beside them at the full budget what each forecaster says.

    Parameters
    ----------
    ax
        Where to draw.
    table
        Columns ``budget`` and ``L``.
    said
        Forecasts by forecaster, of `COLOURS`.
    C
        Full budget, FLOPs.
    """
    ax.plot(table["budget"], table["L"], "o", color=INK, ms=4, label="sweep")
    places = C * np.geomspace(0.75, 1.75, len(said))
    for (name, forecast), x in zip(said.items(), places, strict=True):
        arms = [[forecast.point - forecast.low], [forecast.high - forecast.point]]
        ax.errorbar(x, forecast.point, arms, fmt="o", ms=5, capsize=3, color=COLOURS[name], label=name)
    loglog(ax, "C")
    low, high = ax.get_ylim()
    ax.set_yticks([L for L in (0.8, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4) if low < L < high])
    ax.set_yticks([], minor=True)
    ax.legend(fontsize=8, loc="lower left")


def scores(ax: Axes, scored: pd.DataFrame, *, mine: float | None = None) -> None:
    """Draw the share of the class whose score is at most so high, a line for each forecaster.

    Parameters
    ----------
    ax
        Where to draw.
    scored
        Columns ``by`` and ``score``, as `classmates.score` gives them.
    mine
        A score to be marked, in percent of the loss.
    """
    for name, colour in COLOURS.items():
        values = np.sort(scored.loc[scored["by"] == name, "score"])
        ax.step(values, np.arange(1, len(values) + 1) / len(values), where="post", color=colour, label=name)
    if mine is not None:
        ax.axvline(mine, color=INK, ls="--", lw=1, label="this chapter's")
    ax.set(
        xscale="log",
        ylim=(0, 1.02),
        xlabel="interval score, % of the loss (low is good)",
        ylabel="share of the class",
    )
    ax.legend(fontsize=8, loc="lower right")


def coverage(ax: Axes, found: pd.DataFrame, *, level: float = 0.95) -> None:
    """Draw which share of the intervals held, with Wilson's 95 % interval, by full budget and forecaster.

    Parameters
    ----------
    ax
        Where to draw.
    found
        As `classmates.summary` gives it by ``full`` and ``by``.
    level
        That the intervals claim.
    """
    budgets = list(dict.fromkeys(found.index.get_level_values("full")))
    names = [name for name in COLOURS if name in found.index.get_level_values("by")]
    for shift, name in zip(np.linspace(-0.24, 0.24, len(names)), names, strict=True):
        part = found.xs(name, level="by").loc[budgets]
        arms = [part["held"] - part["low"], part["high"] - part["held"]]
        places = np.arange(len(budgets)) + shift
        ax.errorbar(places, part["held"], arms, fmt="o", ms=5, color=COLOURS[name], label=name)
    ax.axhline(100 * level, color=INK, lw=0.8, ls=":")
    ax.set_xticks(range(len(budgets)), [f"{C:.0e}" for C in budgets])
    ax.set(xlabel="full run, FLOPs", ylabel="intervals that held, %")
    ax.set_ylim(min(50, float(found["low"].min()) - 5), 104)
    ax.legend(fontsize=8, loc="lower left", ncols=2)


def class_chart(scored: pd.DataFrame) -> alt.LayerChart:
    """Forecasts of a class, a bar each, and what to choose: the forecaster, and the largest reach.

    Parameters
    ----------
    scored
        One full budget of `classmates.score`: columns ``mate``, ``by``, ``reach``, ``off``, ``low``,
        ``high``, ``L``, ``held``, ``score``, ``runs``, ``budgets``.
    """
    reaches = np.sort(scored["reach"].unique())
    names = [name for name in COLOURS if name in set(scored["by"])]
    by = alt.param(name="by", value=names[0], bind=alt.binding_radio(options=names, name="forecast by "))
    labels = [f"{most:.0f}" for most in reaches]
    reach = alt.param(
        name="level",
        value=len(reaches) - 1,
        bind=alt.binding_radio(options=list(range(len(reaches))), labels=labels, name="largest reach "),
    )
    data = scored.assign(
        at=np.searchsorted(reaches, scored["reach"]),
        bottom=100 * np.log(scored["low"] / scored["L"]),
        top=100 * np.log(scored["high"] / scored["L"]),
        kind=np.where(scored["held"], "held", "missed"),
    )
    columns = ["mate", "by", "at", "off", "bottom", "top", "kind", "score", "runs", "budgets", "reach"]
    data = data[columns].round({"off": 2, "bottom": 2, "top": 2, "score": 1, "reach": 1})
    says = []
    for name in names:
        for place, most in enumerate(reaches):
            part = scored[(scored["by"] == name) & (scored["reach"] <= most * 1.001)]
            says.append(
                {
                    "by": name,
                    "at": place,
                    "says": f"reach up to {most:.0f}: {len(part)} designs, "
                    f"{100 * part['held'].mean():.0f} % held, "
                    f"median width {part['width'].median():.0f} %, score {part['score'].median():.0f} %",
                }
            )
    chosen = (
        alt.Chart(data)
        .add_params(by, reach)
        .transform_filter("datum.by == by && datum.at <= level")
        .transform_window(place="row_number()", sort=[alt.SortField("off")])
    )
    x = alt.X("place:Q", title="classmates, by the error of their point", axis=alt.Axis(tickCount=5))
    edge = float(np.ceil(np.quantile(np.abs(data[["bottom", "top"]]), 0.97) / 10) * 10)
    scale = alt.Scale(domain=[-edge, edge], nice=False)
    title = "forecast above the truth, % of the loss"
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=["held", "missed"], range=[BLUE, ORANGE]),
        legend=alt.Legend(orient="bottom-right", title=None),
    )
    seen = ["runs:Q", "budgets:Q", "reach:Q", alt.Tooltip("off:Q", title="off, %"), "score:Q"]
    bars = chosen.mark_rule(clip=True, strokeWidth=2).encode(
        x, alt.Y("bottom:Q", title=title, scale=scale), alt.Y2("top:Q"), colour, tooltip=seen
    )
    dots = chosen.mark_point(filled=True, size=22, opacity=1, clip=True).encode(
        x, alt.Y("off:Q", title=title, scale=scale), colour, tooltip=seen
    )
    zero = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(color=INK).encode(alt.Y("zero:Q", scale=scale))
    text = (
        alt.Chart(pd.DataFrame(says))
        .transform_filter("datum.by == by && datum.at == level")
        .mark_text(align="right", baseline="top", fontSize=12, color=INK)
        .encode(x=alt.value("width"), y=alt.value(4), text="says:N")
    )
    return alt.layer(bars, dots, zero, text).properties(  # type: ignore[return-value]
        width="container", height=320
    )
