"""Figures of the chapter on distribution shift: losses on many texts, lines of gap and of ratio."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalinglab.plots import BLUE, GREEN, GREY, INK, LABELS, ORANGE, loglog, plt, ramp
from scalinglab.vega import alt

BITS = "held-out loss (bits/byte)"

NAMES = {
    "sotu": "all years",
    "sotu_pre1900": "before 1900",
    "sotu_1900": "1900 - 1945",
    "sotu_1946": "from 1946",
    "kjv": "Bible",
    "moby_dick": "Moby Dick",
    "shakespeare": "Shakespeare",
    "factbook": "Factbook",
    "python": "Python",
    "tang": "Tang poems",
    "c4": "C4",
    "curation_corpus": "Curation",
    "lambada": "LAMBADA",
    "pile": "EuroParl",
    "wikitext103": "WikiText",
}
"""What a text is called in a figure."""

NEAR_TO_FAR = (
    "sotu_pre1900",
    "sotu",
    "sotu_1900",
    "sotu_1946",
    "moby_dick",
    "kjv",
    "factbook",
    "shakespeare",
    "python",
    "tang",
)
"""The texts as a table of counts of the addresses before 1900 orders them."""


def shades(texts: Sequence[str]) -> dict[str, tuple]:
    """A colour for each text, dark for near ones and light for far ones, the same in all figures."""
    order = NEAR_TO_FAR if set(texts) <= set(NEAR_TO_FAR) else list(texts)
    colours = dict(zip(order, ramp(len(order)), strict=True))
    return {text: tuple(colours[text]) for text in texts}


def apart(values: Any, least: float) -> np.ndarray:
    """Move numbers as little as needed until neighbours are ``least`` apart.

    Examples
    --------
    >>> apart([0.0, 0.1, 5.0], 1.0).tolist()
    [-0.45, 0.55, 5.0]
    """
    values = np.asarray(values, dtype=float)
    order = np.argsort(values, kind="stable")
    groups = [(float(v), 1) for v in values[order]]  # mean place and number of labels pushed together
    i = 1
    while i < len(groups):
        (a, n), (b, m) = groups[i - 1], groups[i]
        if b - a < least * (n + m) / 2 - 1e-12:
            groups[i - 1 : i + 1] = [((a * n + b * m) / (n + m), n + m)]
            i = max(1, i - 1)
        else:
            i += 1
    placed = np.concatenate([mean + least * (np.arange(n) - (n - 1) / 2) for mean, n in groups])
    result = np.empty(len(values))
    result[order] = placed
    return result


def over_size(ax: Axes, points: pd.DataFrame, *, unit: str = BITS) -> None:
    """Loss over size on every text, in the order of the table, and at home in black; names at the right.

    Parameters
    ----------
    ax
        Where to draw.
    points
        Columns ``N``, ``text``, ``home``, ``away``, of one training text; seeds are averaged.
    unit
        Label of the vertical axis.
    """
    means = points.groupby(["text", "N"], sort=False)[["home", "away"]].mean().reset_index()
    texts = list(means["text"].unique())
    colours = shades(texts)
    home = means.groupby("N")["home"].first()
    ends = []
    for text in texts:
        line = means[means["text"] == text].sort_values("N")
        ax.plot(line["N"], line["away"], "o-", color=colours[text], ms=3.5, lw=1.3)
        ends.append(line["away"].iloc[-1])
    ax.plot(home.index, home, "o-", color=INK, ms=4, lw=2.2)
    loglog(ax, "N", unit)
    ax.set_ylim(bottom=ax.get_ylim()[0] / 1.15)
    low, high = np.log(ax.get_ylim())
    places = np.exp(apart(np.log([*ends, home.iloc[-1]]), (high - low) / 17))
    names = [*(NAMES.get(text, text) for text in texts), "at home"]
    for name, place, colour in zip(names, places, [*colours.values(), INK], strict=True):
        ax.text(1.15 * means["N"].max(), place, name, color=colour, fontsize=8, va="center")


def home_and_away(
    ax: Axes,
    ends: pd.DataFrame,
    early: pd.DataFrame | None = None,
    *,
    unit: str = "bits/byte",
    legend: bool = True,
) -> None:
    """Loss away over loss at home: ends of runs as dots with their lines, earlier stages hollow.

    Parameters
    ----------
    ax
        Where to draw.
    ends, early
        Columns ``text``, ``home``, ``away``. The lines are powers, straight on these axes; thin and dotted
        is what the same ratio for all would be.
    unit
        Of the losses.
    legend
        Name the texts; a panel of `over_size` beside it does so as well.
    """
    texts = list(ends["text"].unique())
    for text, colour in shades(texts).items():
        line = ends[ends["text"] == text]
        x, y = np.log(line["home"]), np.log(line["away"])
        power, k = np.polyfit(x, y, 1)
        grid = np.linspace(x.min(), x.max(), 2)
        ax.plot(np.exp(grid), np.exp(k + power * grid), color=colour, lw=1.3, label=NAMES.get(text, text))
        ax.plot(np.exp(grid), np.exp(grid + y.mean() - x.mean()), ":", color=GREY, lw=1)
        ax.plot(line["home"], line["away"], "o", color=colour, ms=4.5)
        if early is not None:
            part = early[early["text"] == text]
            ax.plot(part["home"], part["away"], "o", mfc="none", color=colour, ms=4.5, mew=0.9)
    loglog(ax, f"loss at home ({unit})", f"loss on the other text ({unit})")
    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_view_interval()
        marks = [v for v in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20) if low <= v <= high]
        axis.set_ticks(marks, [f"{v:g}" for v in marks])
        axis.set_minor_locator(plt.NullLocator())
    if legend:
        ax.legend(fontsize=8, ncols=2)


def powers(ax: Axes, table: pd.DataFrame, *, edges: tuple[float, float] = (-0.6, 1.7)) -> None:
    """Powers of the loss away in the loss at home, with intervals: a fixed ratio, a fixed gap, or neither.

    Parameters
    ----------
    ax
        Where to draw.
    table
        As `shift.lines` gives it. The vertical line is a fixed ratio, the open mark a fixed gap.
    edges
        Ends of the axis; a power beyond is written at its edge.
    """
    colours = {"fixed gap": BLUE, "fixed ratio": ORANGE, "either": GREEN, "neither": INK}
    for place, (_, row) in enumerate(table.iterrows()):
        colour = colours[row["says"]]
        if row["power"] < edges[0]:
            told = f"\N{LEFTWARDS ARROW} {row['power']:.1f}"
            ax.text(edges[0], place, told, color=colour, fontsize=8, va="center")
            continue
        if row["power"] > edges[1]:
            told = f"{row['power']:.1f} \N{RIGHTWARDS ARROW}"
            ax.text(edges[1], place, told, color=colour, fontsize=8, va="center", ha="right")
            continue
        ends = np.clip([row["power_low"], row["power_high"]], *edges)
        ax.plot(ends, [place, place], color=colour, lw=1.6)
        ax.plot(row["power"], place, "o", color=colour, ms=5)
        ax.plot(row["between"], place, "D", color=GREY, mfc="none", ms=6)
    ax.axvline(1, color=INK, lw=0.8, ls=":")
    ax.set_yticks(range(len(table)), [NAMES.get(str(text), str(text)) for text in table.index])
    ax.set(xlim=edges, ylim=(len(table) - 0.5, -0.5), xlabel="power of the loss at home")


def price_of_shift(ax: Axes, prices: pd.DataFrame) -> None:
    """Bits per byte that models trained elsewhere lose to models trained on the text, over size.

    Parameters
    ----------
    ax
        Where to draw.
    prices
        As `shift.prices` gives it.
    """
    pairs = list(prices.groupby(["corpus", "text"], sort=False))
    for ((own, text), line), colour in zip(pairs, (BLUE, ORANGE, GREEN, GREY, INK, "#cc79a7"), strict=False):
        line = line.sort_values("N")
        ax.plot(line["N"], line["excess"], "o-", color=colour, ms=4, label=f"{NAMES[text]} by {NAMES[own]}")
    ax.axhline(0, color=INK, lw=0.8)
    ax.set(xscale="log", xlabel=LABELS["N"], ylabel="worse than a native (bits/byte)")
    ax.xaxis.set_minor_formatter(plt.NullFormatter())
    ax.legend(fontsize=8)


def transfer_chart(points: pd.DataFrame, *, own: str = "sotu_pre1900", text: str = "kjv") -> alt.LayerChart:
    """Loss at home and away over size, a fixed gap and a fixed ratio from the smallest on, and two menus.

    Parameters
    ----------
    points
        Ends of runs: ``corpus``, ``N``, ``text``, ``home``, ``away``, bits per byte; seeds are averaged.
    own, text
        Training and test text that are shown first.
    """
    means = points.groupby(["corpus", "text", "N"], as_index=False, sort=False)[["home", "away"]].mean()
    means = means[means["corpus"] != means["text"]].sort_values("N")
    first = means.groupby(["corpus", "text"])[["home", "away"]].transform("first")
    means["gap"] = means["home"] + first["away"] - first["home"]
    means["ratio"] = means["home"] * first["away"] / first["home"]
    owns = list(points["corpus"].unique())
    texts = [name for name in points["text"].unique() if name in set(means["text"])]
    menus = [
        alt.param(
            name=name,
            value=value,
            bind=menu(options=options, labels=[NAMES.get(o, o) for o in options], name=told),
        )
        for name, value, menu, options, told in (
            ("own", own, alt.binding_radio, owns, "trained on "),
            ("other", text, alt.binding_select, texts, "tested on "),
        )
    ]
    says = []
    for (corpus, name), line in means.groupby(["corpus", "text"]):
        low, high = line.iloc[0], line.iloc[-1]
        gaps = f"gap {low['away'] - low['home']:.2f} to {high['away'] - high['home']:.2f}"
        ratio = f"ratio {low['away'] / low['home']:.2f} to {high['away'] / high['home']:.2f}"
        says.append({"corpus": corpus, "text": name, "says": f"{gaps} bits/byte, {ratio}"})
    kinds = {"home": "at home", "away": "away", "gap": "same gap", "ratio": "same ratio"}
    long = means.melt(["corpus", "text", "N"], list(kinds), "kind", "L")
    long = long.assign(kind=long["kind"].map(kinds), L=long["L"].round(4))
    names = list(kinds.values())
    edges = [float(means["N"].min() / 1.2), float(means["N"].max() * 1.2)]
    x = alt.X(
        "N:Q",
        title=LABELS["N"],
        scale=alt.Scale(type="log", domain=edges, nice=False),
        axis=alt.Axis(format="~s"),
    )
    y = alt.Y("L:Q", title=BITS, scale=alt.Scale(zero=False))
    colour = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=names, range=[INK, ORANGE, BLUE, GREEN]),
        legend=alt.Legend(orient="bottom", symbolType="stroke"),
    )
    dash = alt.StrokeDash(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=names, range=[[1, 0], [1, 0], [6, 4], [2, 3]]),
        legend=alt.Legend(orient="bottom", symbolType="stroke"),
    )
    here = "datum.corpus == own && datum.text == other"
    chosen = alt.Chart(long).add_params(*menus).transform_filter(here)
    drawn = chosen.mark_line(strokeWidth=2).encode(x, y, colour, dash)
    dots = (
        chosen.transform_filter(alt.FieldOneOfPredicate("kind", names[:2]))
        .mark_point(filled=True, size=45, opacity=1)
        .encode(x, y, colour, tooltip=[alt.Tooltip("N:Q", format=".3s"), alt.Tooltip("L:Q", format=".3f")])
    )
    told = alt.Chart(pd.DataFrame(says)).transform_filter(here)
    told = told.mark_text(align="right", baseline="top", fontSize=13, color=INK)
    told = told.encode(x=alt.value("width"), y=alt.value(4), text="says:N")
    return alt.layer(drawn, dots, told).properties(width="container", height=320)  # type: ignore[return-value]
