"""Figures of shape and of experts: loss at equal parameters, gains of experts over number and size."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalinglab.laws.experts import RoutedExpertsLaw
from scalinglab.mixture import ROUTERS, SHARE, by_law, log_experts
from scalinglab.plots import BLUE, GREEN, GREY, INK, LABELS, ORANGE, RED, compact, loglog, plt
from scalinglab.shape import BASE, GROUPS
from scalinglab.vega import alt

SIZES = (BLUE, ORANGE, GREEN)
"""Colours of model sizes, the smallest first."""

PANELS = {
    "ratio": ("d_ff", "d_model", "feed-forward ratio $d_{ff} / d$"),
    "depth": ("d_model", "n_layer", "width over depth $d / n_{layer}$"),
    "heads": ("d_model", "n_head", "width of a head $d / n_{head}$"),
}
"""What each group of shapes is drawn over: numerator, denominator, label."""


SLOPES_OVER = {"N": "N active, non-embedding parameters", "M": "M, tokens per active parameter"}
"""What the gain of experts is drawn over."""


def percents(panels: Sequence[Axes], runs: pd.DataFrame, means: pd.DataFrame) -> None:
    """Draw each shape's loss over the base's, as Kaplan's figure 5 does, with seeds and intervals.

    Parameters
    ----------
    panels
        Three: feed-forward ratio, width over depth, width of a head.
    runs
        One row per seed, as `shape.by_size` gives them: a small dot each.
    means
        What `shape.against_base` gives: a large marker with its interval.
    """
    sizes = means.index.get_level_values("size").unique()
    for ax, (group, (over, under, label)) in zip(panels, PANELS.items(), strict=True):
        for size, colour, shift in zip(sizes, SIZES, (0.97, 1.03, 1.0), strict=False):
            own = means.loc[size]
            own = own[own.index.str.contains(GROUPS[group]) | (own.index == BASE)]
            x = (own[over] / own[under] * shift).sort_values()
            own = own.loc[x.index]
            base = np.log(own.loc[BASE, "L"])
            single = runs[(runs["size"] == size) & runs["shape"].isin(own.index)]
            height = 100 * (np.log(single["L"]) - base)
            ax.plot(single["shape"].map(x), height, ".", color=colour, ms=4, alpha=0.5)
            spread = np.abs(own[["low", "high"]].to_numpy().T - own["percent"].to_numpy())
            ax.errorbar(
                x, own["percent"], spread, fmt="o-", color=colour, ms=5, lw=1, capsize=2, label=compact(size)
            )
        ax.axhline(0, color=INK, lw=0.8)
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter(plt.FuncFormatter(lambda v, _: f"{v:g}"))
        ax.set_xlabel(label)
    low = min(ax.get_ylim()[0] for ax in panels)
    high = max(ax.get_ylim()[1] for ax in panels)
    for ax in panels:
        ax.set_ylim(low, high)
    panels[0].set_ylabel("loss above the base (%)")
    panels[-1].legend(title="N", fontsize=8, title_fontsize=8, loc="upper left")


def gain_lines(
    ax: Axes, runs: pd.DataFrame, slopes: pd.DataFrame, laws: Mapping[str, RoutedExpertsLaw]
) -> None:
    """Draw the loss of mixtures over that of their dense twins, over the number of experts.

    Parameters
    ----------
    ax
        Where to draw.
    runs
        Columns ``N_active``, ``n_experts``, ``L``, dense runs among them.
    slopes
        Columns ``N``, ``slope``, as `mixture.gains` gives them: a line each.
    laws
        A published law by its label, drawn in grey at the sizes 20 M and 1 B.
    """
    for (size, part), colour in zip(runs.groupby("N_active"), SIZES, strict=False):
        dense = np.log(part.loc[part["n_experts"] == 1, "L"]).mean()
        ax.plot(part["n_experts"], 100 * (np.log(part["L"]) - dense), "o", color=colour, ms=4)
        E = np.geomspace(1, part["n_experts"].max(), 60)
        x, level = log_experts(part["n_experts"]), np.log(part["L"]).mean()
        slope = slopes.loc[slopes["N"] == size, "slope"].item()
        line = level - dense + slope * (log_experts(E) - x.mean())
        ax.plot(E, 100 * line, color=colour, lw=1.2, label=f"N active {compact(size)}")
    E = np.geomspace(1, runs["n_experts"].max(), 60)
    for label, law in laws.items():
        for N, style in ((2e7, "--"), (1e9, ":")):
            ratio = np.log(law(N=N, n_experts=E) / law(N=N, n_experts=1))
            ax.plot(E, 100 * ratio, style, color=GREY, lw=1.2, label=f"{label}, {compact(N)}")
    ax.axhline(0, color=INK, lw=0.8)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(plt.FuncFormatter(lambda v, _: f"{v:g}"))
    ax.set(xlabel="experts, one per token", ylabel="loss above the dense twin (%)")
    ax.legend(fontsize=7)


def gain_slopes(
    ax: Axes, theirs: pd.DataFrame, ours: pd.DataFrame, *, x: str = "N", law: RoutedExpertsLaw | None = None
) -> None:
    """Draw the slope of ``ln L`` over ``ln E_hat`` against size or tokens per parameter, with intervals.

    Parameters
    ----------
    ax
        Where to draw.
    theirs
        Columns ``router``, ``slope``, ``low``, ``high`` and ``x``, as `mixture.clark_gains` gives them.
    ours
        The same without a router, as `mixture.gains` gives them.
    x
        ``"N"``, active parameters, or ``"M"``, tokens for each of them.
    law
        Clark's, over all sizes, if ``x`` is ``"N"``.
    """
    for router, colour, mark in zip(ROUTERS, (ORANGE, GREEN, GREY), ("o", "s", "^"), strict=True):
        _slopes(ax, theirs[theirs["router"] == router], x, colour, mark, router)
    _slopes(ax, ours, x, BLUE, "o", "ours")
    if law is not None:
        N = np.geomspace(ours["N"].min() / 2, theirs["N"].max() * 2, 50)
        ax.plot(N, law.b + law.c * np.log10(N), "--", color=ORANGE, lw=1, label="Clark's law")
    ax.axhline(0, color=INK, lw=0.8)
    ax.set_xscale("log")
    ax.set(xlabel=SLOPES_OVER[x], ylabel=r"slope of $\ln L$ over $\ln \hat{E}$")
    ax.legend(fontsize=7)


def _slopes(ax: Axes, part: pd.DataFrame, x: str, colour: str, mark: str, label: str) -> None:
    spread = np.abs(part[["low", "high"]].to_numpy().T - part["slope"].to_numpy())
    ax.errorbar(part[x], part["slope"], spread, fmt=mark, color=colour, ms=5, capsize=2, lw=1, label=label)


def totals(ax: Axes, runs: pd.DataFrame, dense: pd.DataFrame) -> None:
    """Draw the loss of mixtures over all their parameters, beside the line of dense models.

    Parameters
    ----------
    ax
        Where to draw.
    runs
        Columns ``N``, ``N_active``, ``n_experts``, ``L``.
    dense
        Columns ``N``, ``L`` of dense models on as many tokens.
    """
    line = dense.groupby("N")["L"].mean()
    ax.plot(line.index, line, "o-", color=INK, ms=3, lw=1, label="dense")
    for (size, part), colour in zip(runs.groupby("N_active"), SIZES, strict=False):
        means = part.groupby("N")["L"].mean()
        ax.plot(part["N"], part["L"], "o", color=colour, ms=4)
        ax.plot(means.index, means, color=colour, lw=1.2, label=f"N active {compact(size)}")
    loglog(ax, "N")
    ax.set_xlabel("N, all experts, non-embedding")
    ax.legend(fontsize=7)


def experts_chart(law: RoutedExpertsLaw, *, share: float = SHARE) -> alt.LayerChart:
    """Loss over parameters: dense models, one mixture with growing number of experts; sliders for both.

    Parameters
    ----------
    law
        Clark's.
    share
        Parameters of one further expert in all routed layers, over the active size.
    """
    sizes = 10 ** np.arange(7.2, 9.15, 0.1)
    table = by_law(law, sizes, share=share)
    steps = int(np.log2(table["n_experts"].max()))
    table["size"] = np.repeat(np.arange(len(sizes)), steps + 1)
    table["level"] = np.log2(table["n_experts"]).astype(int)
    rows = list(table.itertuples())
    table["says"] = [f"{row.n_experts} experts, {compact(row.N)} active" for row in rows]
    table["held"] = [f"in all {compact(row.N_all)}, {row.N_all / row.N:.0f} times as many" for row in rows]
    table["worth"] = [
        f"worth a dense {compact(row.N_dense)}, {row.N_dense / row.N:.1f} times" for row in rows
    ]
    table = table.round({"L": 4}).astype({"N": int, "N_all": int, "N_dense": int})
    larger = alt.binding_range(min=0, max=len(sizes) - 1, step=1, name="larger active size ")
    more = alt.binding_range(min=0, max=steps, step=1, name="double the experts ")
    size, level = alt.param(name="size", value=3, bind=larger), alt.param(name="level", value=6, bind=more)
    scale = alt.Scale(type="log", domain=[1e7, 4e11])
    axis = alt.Axis(format="~s", values=[1e7, 1e8, 1e9, 1e10, 1e11])
    y = alt.Y(
        "L:Q", title=LABELS["L"].replace("byte", "token"), scale=alt.Scale(domain=[1.8, 3.4], nice=False)
    )

    def x(column: str) -> alt.X:
        return alt.X(column, title="parameters without embeddings", scale=scale, axis=axis)

    N = np.geomspace(1e7, 4e11, 60)
    L = law(N=N, n_experts=1)
    dense = pd.DataFrame({"N": N.round(), "L": L.round(4), "beyond": N > 1.4e9})
    line = alt.Chart(dense[dense["N"] < 1.7e9]).mark_line(color=INK, strokeWidth=2).encode(x("N:Q"), y)
    on = (
        alt.Chart(dense[dense["beyond"]])
        .mark_line(color=INK, strokeDash=[5, 4], clip=True)
        .encode(x("N:Q"), y)
    )
    own = alt.Chart(table).add_params(size, level).transform_filter("datum.size == size")
    path = own.mark_line(color=BLUE, strokeWidth=2).encode(x("N_all:Q"), y, order="level:Q")
    tip = ["n_experts:Q", "L:Q"]
    dots = own.mark_point(filled=True, color=BLUE, size=30, opacity=1).encode(x("N_all:Q"), y, tooltip=tip)
    here = own.transform_filter("datum.level == level")
    chosen = here.mark_point(filled=True, color=BLUE, size=130, opacity=1).encode(x("N_all:Q"), y)
    twin = here.mark_point(filled=True, color=RED, size=110, opacity=1).encode(x("N_dense:Q"), y)
    rule = here.mark_rule(color=RED, strokeDash=[4, 3]).encode(x("N_dense:Q"), alt.X2("N_all:Q"), y)
    words = [
        here.mark_text(align="right", baseline="top", fontSize=13, color=colour).encode(
            x=alt.value("width"), y=alt.value(top), text=f"{column}:N"
        )
        for column, colour, top in (("says", INK, 6), ("held", BLUE, 24), ("worth", RED, 42))
    ]
    return alt.layer(line, on, path, rule, dots, chosen, twin, *words).properties(  # type: ignore[return-value]
        width="container", height=300
    )
