"""Figures of the chapter on contexts: loss over position, and over size at given positions."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from scalinglab import laws
from scalinglab.plots import BLUE, GREY, INK, LABELS, ORANGE, compact, loglog, plt, ramp
from scalinglab.vega import alt

POSITION = "T, position: bytes read before the guess"


def over_position(ax: Axes, table: pd.DataFrame, *, law: Callable | None = None) -> None:
    """Draw loss over position, one line per trained context, light for short ones.

    Parameters
    ----------
    ax
        Where to draw.
    table
        From `context.positions`, of one size.
    law
        Called with ``T``; gives the loss: a dashed line.
    """
    mean = table.groupby(["n_ctx", "T"], as_index=False)["L"].mean()
    contexts = np.sort(mean["n_ctx"].unique())
    for n_ctx, colour in zip(contexts, ramp(len(contexts))[::-1], strict=True):
        part = mean[mean["n_ctx"] == n_ctx]
        ax.plot(part["T"], part["L"], "o-", color=colour, ms=3.5, lw=1.3, label=str(n_ctx))
    if law is not None:
        grid = np.geomspace(1, mean["T"].max(), 100)
        ax.plot(grid, law(T=grid), "--", color=INK, lw=1.2, label="law")
    loglog(ax, "T")
    ax.set(xlabel=POSITION)
    ax.legend(title="trained on", fontsize=8)


def over_size(
    ax: Axes, table: pd.DataFrame, *, short: int, long: int, octaves: Sequence[int], floor: float
) -> None:
    """Draw loss over size at given positions: solid for models of a long context, dashed for a short one.

    Parameters
    ----------
    ax
        Where to draw.
    table
        From `context.positions`.
    short, long
        The two trained contexts.
    octaves
        Which positions.
    floor
        Loss of a table of pairs at position 1, nats; drawn dotted.
    """
    mean = table.groupby(["n_ctx", "octave", "N"], as_index=False)["L"].mean()
    colours = plt.colormaps["plasma"](np.linspace(0, 0.85, len(octaves)))
    for octave, colour in zip(octaves, colours, strict=True):
        for n_ctx, how in ((long, "o-"), (short, "s--")):
            part = mean[(mean["octave"] == octave) & (mean["n_ctx"] == n_ctx)]
            label = f"{octave} of {n_ctx}" if len(part) else None
            ax.plot(part["N"], part["L"], how, color=colour, ms=4, lw=1.3, label=label)
    ax.axhline(floor, color=GREY, ls=":", lw=1.2)
    loglog(ax, "N")
    ax.legend(title="position", fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.02))


def position_chart(table: pd.DataFrame) -> alt.LayerChart:
    """Loss over position of one size, one trained context in colour, and a slider for it.

    Parameters
    ----------
    table
        From `context.positions`, of one size.
    """
    mean = table.groupby(["n_ctx", "octave", "T"], as_index=False)["L"].mean()
    contexts = [int(n_ctx) for n_ctx in np.sort(mean["n_ctx"].unique())]
    longest = mean[mean["n_ctx"] == contexts[-1]].set_index("octave")["L"]
    says = []
    for place, n_ctx in enumerate(contexts):
        own = mean[mean["n_ctx"] == n_ctx].set_index("octave")["L"]
        than = "" if n_ctx == contexts[-1] else f" ({contexts[-1]}: {longest[1]:.2f})"
        words = f"context {n_ctx}: {own[1]:.2f} at byte 1{than}, {own.iloc[-1]:.2f} at its end"
        says.append({"at": place, "says": words})
    level = alt.param(
        name="level",
        value=0,
        bind=alt.binding_range(min=0, max=len(contexts) - 1, step=1, name="longer context "),
    )
    data = mean.assign(at=mean["n_ctx"].map({n: i for i, n in enumerate(contexts)})).round(4)
    low, high = float(data["L"].min() * 0.97), float(data["L"].max() * 1.03)
    x = alt.X("T:Q", title=POSITION, scale=alt.Scale(type="log"), axis=alt.Axis(format="~s"))
    y = alt.Y("L:Q", title=LABELS["L"], scale=alt.Scale(domain=[low, high], nice=False))
    pale = alt.Chart(data).mark_line(color="#cccccc").encode(x, y, detail="n_ctx:N")
    chosen = alt.Chart(data).add_params(level).transform_filter("datum.at == level")
    line = chosen.mark_line(color=BLUE).encode(x, y)
    dots = chosen.mark_point(filled=True, color=ORANGE, size=50, opacity=1)
    dots = dots.encode(x, y, tooltip=["n_ctx:Q", "octave:Q", "L:Q"])
    text = alt.Chart(pd.DataFrame(says)).transform_filter("datum.at == level")
    text = text.mark_text(align="left", baseline="top", fontSize=13, color=INK)
    text = text.encode(x=alt.value(8), y=alt.value(4), text="says:N")
    return alt.layer(pale, line, dots, text).properties(  # type: ignore[return-value]
        width="container", height=300
    )


def laws_of_sizes(ax: Axes, table: pd.DataFrame, fits: dict[int, laws.PositionLaw]) -> None:
    """Draw loss over position for each size, with the fitted law as a line.

    Parameters
    ----------
    ax
        Where to draw.
    table
        From `context.positions`, of one trained context.
    fits
        The law of each size ``N``.
    """
    mean = table.groupby(["N", "T"], as_index=False)["L"].mean()
    for (N, law), colour in zip(fits.items(), ramp(len(fits)), strict=True):
        part = mean[mean["N"] == N]
        grid = np.geomspace(1, part["T"].max(), 100)
        ax.plot(part["T"], part["L"], "o", color=colour, ms=4, label=compact(N))
        ax.plot(grid, law(T=grid), color=colour, lw=1.2)
    loglog(ax, "T")
    ax.set(xlabel=POSITION)
    ax.legend(title="N", fontsize=8)
