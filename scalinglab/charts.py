"""Interactive charts: one function per kind, an Altair chart with its slider."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from scalinglab import quanta
from scalinglab.elbow import Elbow
from scalinglab.laws.batch import BatchTradeoffLaw
from scalinglab.laws.chinchilla import Chinchilla, embedding_weight, local_exponent
from scalinglab.laws.emergence import ExactMatchLaw, quantization_exponents
from scalinglab.plots import BLUE, GREEN, GREY, INK, LABELS, ORANGE, RED, bowl_lines, compact, glyph
from scalinglab.vega import alt


def temperature_chart(probabilities: np.ndarray, *, k: int = 12) -> alt.Chart:
    """Bars of the likeliest next bytes, and a slider for the temperature of sampling.

    At temperature T the probability of a byte is proportional to ``p ** (1 / T)``.
    """
    temperature = alt.param(
        name="temperature",
        value=1.0,
        bind=alt.binding_range(min=0.1, max=2.0, step=0.05, name="temperature T "),
    )
    table = pd.DataFrame(
        {
            "byte": [f"{glyph(b)}" if 32 <= b < 127 or b == 10 else f"x{b:02X}" for b in range(256)],
            "logp": np.log(np.maximum(probabilities, 1e-30)).round(4),
        }
    )
    return (
        alt.Chart(table)
        .add_params(temperature)
        .transform_calculate(weight="exp(datum.logp / temperature)")
        .transform_joinaggregate(all="sum(weight)")
        .transform_calculate(p="datum.weight / datum.all")
        .transform_window(rank="row_number()", sort=[alt.SortField("p", order="descending")])
        .transform_filter(f"datum.rank <= {k}")
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("p:Q", title="probability of the next byte", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("byte:N", title=None, sort="-x"),
            tooltip=[alt.Tooltip("byte:N"), alt.Tooltip("p:Q", format=".4f")],
        )
        .properties(width="container", height=240)
    )


def floor_chart(runs: pd.DataFrame, x: str, *, reach: float = 1e3) -> alt.LayerChart:
    """Runs, the best power law above a floor E, and a slider for E.

    For each E the law ``L = E + (X_c / X) ** alpha`` is the least-squares line of
    ``ln(L - E)`` on ``ln X``; the chart says its exponent and its root-mean-square error.

    Parameters
    ----------
    runs
        Table with the columns ``x`` and ``L``.
    x
        Column on the horizontal axis.
    reach
        How many times beyond the largest run the line goes.
    """
    X, L = runs[x].to_numpy(float), runs["L"].to_numpy(float)
    floors = np.round(np.arange(0, 0.99 * L.min(), 0.05), 2)
    grid = np.geomspace(X.min(), X.max() * reach, 60)
    lines = []
    for E in floors:
        slope, intercept = np.polyfit(np.log(X), np.log(L - E), 1)
        rms = np.sqrt(np.mean((np.log(E + np.exp(intercept) * X**slope) - np.log(L)) ** 2))
        says = f"E = {E:.2f}: exponent {-slope:.3f}, error {100 * rms:.2f} %"
        for value, loss in zip(grid, E + np.exp(intercept) * grid**slope, strict=True):
            lines.append((E, float(f"{value:.4g}"), float(f"{loss:.4g}"), says))
    table = pd.DataFrame(lines, columns=["E", "x", "L", "says"])
    floor = alt.param(
        name="floor",
        value=0.0,
        bind=alt.binding_range(min=0, max=float(floors[-1]), step=0.05, name="floor E (nats/byte) "),
    )
    low = float(min(table["L"].min(), L.min()) * 0.95)
    log_x = alt.X("x:Q", title=LABELS.get(x, x), scale=alt.Scale(type="log"), axis=alt.Axis(format="~s"))
    log_y = alt.Y(
        "L:Q",
        title=LABELS["L"],
        scale=alt.Scale(type="log", domain=[low, float(L.max() * 1.05)]),
        axis=alt.Axis(values=[0.5, 0.6, 0.8, 1, 1.2, 1.5, 2, 2.5], format="~g"),
    )
    chosen = alt.Chart(table).add_params(floor).transform_filter("abs(datum.E - floor) < 0.01")
    line = chosen.mark_line(color=BLUE, clip=True).encode(log_x, log_y)
    says = chosen.transform_filter(f"datum.x == {table['x'].iloc[0]}").mark_text(
        align="right", baseline="top", fontSize=13, color=INK
    )
    says = says.encode(x=alt.value("width"), y=alt.value(8), text="says:N")
    points = pd.DataFrame({"x": X, "L": L.round(4)})
    dots = (
        alt.Chart(points)
        .mark_point(filled=True, color=INK, size=45)
        .encode(log_x, log_y, tooltip=["x:Q", "L:Q"])
    )
    return alt.layer(line, dots, says).properties(width="container", height=300)  # type: ignore[return-value]


def _lower_loss(n: int) -> alt.Parameter:
    """A slider over ``n`` losses, the highest first."""
    slider = alt.binding_range(min=0, max=n - 1, step=1, name="lower loss ")
    return alt.param(name="level", value=0, bind=slider)


def tradeoff_chart(points: pd.DataFrame, laws: Mapping[float, BatchTradeoffLaw]) -> alt.LayerChart:
    """Steps against tokens to a loss, the hyperbola through them, and a slider for the loss.

    Parameters
    ----------
    points
        Columns ``loss``, ``B``, ``S``, ``E``, as `bowl.steps_to` gives them for several losses.
    laws
        For each loss its `laws.BatchTradeoffLaw`.
    """
    levels = sorted(laws, reverse=True)
    batches = np.geomspace(points["B"].min() / 3, points["B"].max() * 3, 50)
    lines = pd.concat(
        pd.DataFrame(
            {
                "level": place,
                "S": law(B=batches),
                "E": batches * law(B=batches),
                "says": f"to {loss:.2f} nats: at least {law.S_min:,.0f} steps and {compact(law.E_min)} "
                f"tokens; critical batch {law.critical_batch:,.0f} tokens",
            }
        )
        for place, (loss, law) in enumerate((loss, laws[loss]) for loss in levels)
    )
    level = _lower_loss(len(levels))
    edges = {
        name: alt.Scale(type="log", domain=[float(points[name].min() * 0.7), float(points[name].max() * 1.4)])
        for name in ("E", "S")
    }
    x = alt.X("E:Q", title="E, tokens to the loss", scale=edges["E"], axis=alt.Axis(format="~s"))
    y = alt.Y("S:Q", title="S, steps to the loss", scale=edges["S"], axis=alt.Axis(format="~s"))
    chosen = alt.Chart(lines.round(4)).add_params(level).transform_filter("datum.level == level")
    line = chosen.mark_line(color=BLUE, clip=True).encode(x, y, order="E:Q")
    says = chosen.transform_window(row="row_number()").transform_filter("datum.row == 1")
    text = says.mark_text(align="right", baseline="top", fontSize=12, color=INK)
    text = text.encode(x=alt.value("width"), y=alt.value(4), text="says:N")
    measured = points.assign(level=points["loss"].map({loss: i for i, loss in enumerate(levels)}))
    dots = (
        alt.Chart(measured.round(2))
        .transform_filter("datum.level == level")
        .mark_point(filled=True, color=INK, size=45)
        .encode(x, y, tooltip=["B:Q", "S:Q", "E:Q"])
    )
    return alt.layer(line, dots, text).properties(width="container", height=300)  # type: ignore[return-value]


def efficiency_chart(reached: Mapping[float, pd.DataFrame]) -> alt.LayerChart:
    """Tokens and FLOPs to a loss over model size, as multiples of the least, and a slider for the loss.

    Parameters
    ----------
    reached
        For each loss a table with the columns ``N``, ``D``, ``C``, as `surface.spent_to` gives it.
    """
    rows, says = [], []
    for place, loss in enumerate(sorted(reached, reverse=True)):
        table = reached[loss]
        words = []
        for name, column in (("tokens", "D"), ("FLOPs", "C")):
            best = table.loc[table[column].idxmin()]
            words.append(f"fewest {name}: {compact(best['N'])}")
            for size, value in zip(table["N"], table[column], strict=True):
                rows.append(
                    (place, float(size), name, float(value / best[column]), bool(value == best[column]))
                )
        says.append({"level": place, "says": f"to {loss:.2f} nats, {', '.join(words)}"})
    data = pd.DataFrame(rows, columns=["level", "N", "spent", "times", "least"]).round(4)
    level = _lower_loss(len(reached))
    x = alt.X(
        "N:Q",
        title=LABELS["N"],
        scale=alt.Scale(type="log", domain=[float(data["N"].min() / 1.2), float(data["N"].max() * 1.2)]),
        axis=alt.Axis(format="~s", tickCount=6),
    )
    y = alt.Y(
        "times:Q",
        title="to the same loss: times the least",
        scale=alt.Scale(type="log", domain=[0.9, float(data["times"].max() * 1.2)], nice=False),
        axis=alt.Axis(values=[1, 1.5, 2, 3, 5, 10, 20], format="~g"),
    )
    colour = alt.Color(
        "spent:N",
        scale=alt.Scale(domain=["tokens", "FLOPs"], range=[BLUE, ORANGE]),
        legend=alt.Legend(orient="top", title=None),
    )
    chosen = alt.Chart(data).add_params(level).transform_filter("datum.level == level")
    line = chosen.mark_line().encode(x, y, colour)
    dots = chosen.mark_point(filled=True, opacity=1).encode(
        x,
        y,
        colour,
        size=alt.condition("datum.least", alt.value(170), alt.value(40)),
        tooltip=["N:Q", "spent:N", alt.Tooltip("times:Q", format=".2f")],
    )
    text = (
        alt.Chart(pd.DataFrame(says))
        .transform_filter("datum.level == level")
        .mark_text(align="right", baseline="top", fontSize=12, color=INK)
        .encode(x=alt.value("width"), y=alt.value(4), text="says:N")
    )
    return alt.layer(line, dots, text).properties(width="container", height=300)  # type: ignore[return-value]


def bowls_chart(runs: pd.DataFrame, minima: pd.DataFrame) -> alt.LayerChart:
    """Loss over size at fixed budgets, the chosen one in colour, and a slider for the budget.

    Parameters
    ----------
    runs
        Table with the columns ``budget``, ``N``, ``D`` and ``L``.
    minima
        Columns ``C``, ``N``, ``D``, ``L``, as `fit.isoflop` gives them.
    """
    step = np.round(2 * np.log10(np.sort(runs["budget"].unique()))) / 2
    place = dict(zip(np.sort(runs["budget"].unique()), step, strict=True))
    level = alt.param(
        name="level",
        value=float(step[0]),
        bind=alt.binding_range(
            min=float(step[0]), max=float(step[-1]), step=0.5, name="log10 of the budget "
        ),
    )
    edges = [float(runs["N"].min() / 1.3), float(runs["N"].max() * 1.3)]
    x = alt.X("N:Q", title=LABELS["N"], scale=alt.Scale(type="log", domain=edges), axis=alt.Axis(format="~s"))
    y = alt.Y(
        "L:Q",
        title=LABELS["L"],
        scale=alt.Scale(type="log", domain=[float(runs["L"].min() / 1.05), float(runs["L"].max() * 1.1)]),
        axis=alt.Axis(values=[1.2, 1.4, 1.6, 1.8, 2, 2.2], format="~g"),
    )
    lines = bowl_lines(runs)
    lines = lines.assign(at=lines["budget"].map(place), budget=lines["budget"].astype(str)).round(4)
    lowest = minima.assign(at=step)[["at", "N", "D", "L"]]
    lowest["says"] = [
        f"{row.C:.0e} FLOPs: N = {compact(row.N)}, D = {compact(row.D)}, D/N = {row.D / row.N:.0f}"
        for row in minima.itertuples()
    ]
    here = "abs(datum.at - level) < 0.1"
    pale = alt.Chart(lines).mark_line(color="#cccccc").encode(x, y, detail="budget:N")
    bowl = alt.Chart(lines).add_params(level).transform_filter(here).mark_line(color=BLUE).encode(x, y)
    measured = runs.assign(at=runs["budget"].map(place))[["at", "N", "D", "L"]].round(4)
    dots = alt.Chart(measured).transform_filter(here).mark_point(filled=True, color=INK, size=35)
    best = alt.Chart(lowest)
    path = best.mark_line(color=ORANGE, strokeDash=[4, 3], strokeWidth=1.5).encode(x, y)
    best = best.transform_filter(here)
    bottom = best.mark_point(filled=True, color=ORANGE, size=110, opacity=1).encode(x, y)
    text = best.mark_text(align="right", baseline="top", fontSize=12, color=INK)
    text = text.encode(x=alt.value("width"), y=alt.value(4), text="says:N")
    points = dots.encode(x, y, tooltip=["N:Q", "D:Q", "L:Q"])
    return alt.layer(pale, path, bowl, points, bottom, text).properties(  # type: ignore[return-value]
        width="container", height=320
    )


def forecast_chart(found: pd.DataFrame) -> alt.LayerChart:
    """Loss over budget: what fits to small budgets predict, what came out, and a slider for the fit.

    Parameters
    ----------
    found
        As `forecast.forecasts` gives it, with intervals.
    """
    fits = np.sort(found["fitted"].unique())
    step = np.round(2 * np.log10(fits)) / 2
    found = found.assign(at=found["fitted"].map(dict(zip(fits, step, strict=True))))
    found["kind"] = np.where(found["reach"] > 1, "predicted", "fitted")
    level = alt.param(
        name="level",
        value=float(step[0]),
        bind=alt.binding_range(
            min=float(step[0]), max=float(step[-1]), step=0.5, name="log10 of the largest budget fitted "
        ),
    )
    says = []
    for at, part in found.groupby("at"):
        beyond, last = part[part["reach"] > 1], part.loc[part["budget"].idxmax()]
        says.append(
            {
                "at": at,
                "says": f"error {last['fit_error']:.1f} % where fitted, {abs(last['off']):.1f} % at the "
                f"last; {beyond['held'].sum()} of {len(beyond)} held",
            }
        )
    edges = [float(found[["low", "L"]].min().min() * 0.97), float(found[["high", "L"]].max().max() * 1.05)]
    x = alt.X(
        "budget:Q",
        title=LABELS["C"],
        scale=alt.Scale(type="log"),
        axis=alt.Axis(values=[1e11, 1e12, 1e13, 1e14], format=".0e"),
    )
    y = alt.Y(
        "L:Q",
        title=LABELS["L"],
        scale=alt.Scale(type="log", domain=edges, nice=False),
        axis=alt.Axis(values=[1, 1.2, 1.4, 1.6, 1.8, 2], format="~g"),
    )
    here = "abs(datum.at - level) < 0.1"
    columns = ["at", "budget", "L", "predicted", "low", "high", "off", "kind"]
    data = found[columns].astype({"budget": float}).round(dict.fromkeys(columns[2:7], 4))
    chosen = alt.Chart(data).add_params(level).transform_filter(here)
    band = chosen.mark_area(color=BLUE, opacity=0.2).encode(x, alt.Y("low:Q", title=LABELS["L"]), y2="high:Q")
    line = chosen.mark_line(color=BLUE).encode(x, alt.Y("predicted:Q", title=LABELS["L"]))
    dots = chosen.mark_point(filled=True, size=60, opacity=1).encode(
        x,
        y,
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=["fitted", "predicted"], range=[INK, ORANGE]),
            legend=alt.Legend(orient="bottom-left", title=None),
        ),
        tooltip=["budget:Q", "L:Q", "predicted:Q", alt.Tooltip("off:Q", title="off, %")],
    )
    text = (
        alt.Chart(pd.DataFrame(says))
        .transform_filter(here)
        .mark_text(align="right", baseline="top", fontSize=12, color=INK)
        .encode(x=alt.value("width"), y=alt.value(4), text="says:N")
    )
    return alt.layer(band, line, dots, text).properties(  # type: ignore[return-value]
        width="container", height=320
    )


def data_chart(runs: pd.DataFrame, found: pd.DataFrame, law: Callable) -> alt.LayerChart:
    """Loss over size by number of epochs on one amount of text, the law of the best, a slider for the text.

    Parameters
    ----------
    runs
        Columns ``N``, ``U``, ``D``, ``L``: the loss at the end of each run.
    found
        Columns ``N``, ``U``, ``L``, as `overfitting.stopped_early` gives them.
    law
        Called with ``N`` and ``D``, which is the column ``U``; gives the loss.
    """
    amounts = np.sort(found["U"].unique())
    sizes = np.geomspace(found["N"].min(), found["N"].max(), 40)
    lines, says = [], []
    for place, U in enumerate(amounts):
        lines.append(pd.DataFrame({"level": place, "N": sizes, "L": law(N=sizes, D=U)}))
        best = found.loc[found.loc[found["U"] == U, "L"].idxmin()]
        words = f"{compact(U)} bytes: best N {compact(best['N'])}, {best['L']:.2f} nats"
        says.append({"level": place, "says": words})
    slider = alt.binding_range(min=0, max=len(amounts) - 1, step=1, name="more text ")
    level = alt.param(name="level", value=0, bind=slider)
    top = float(found["L"].max() * 1.3)
    edges = [float(sizes[0] / 1.3), float(sizes[-1] * 2.2)]
    x = alt.X("N:Q", title=LABELS["N"], scale=alt.Scale(type="log", domain=edges), axis=alt.Axis(format="~s"))
    y = alt.Y(
        "L:Q",
        title=LABELS["L"],
        scale=alt.Scale(type="log", domain=[float(found["L"].min() / 1.05), top], nice=False),
        axis=alt.Axis(values=[1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.6], format="~g"),
    )
    where = {U: place for place, U in enumerate(amounts)}
    ends = runs.assign(level=runs["U"].map(where), epochs=(runs["D"] / runs["U"]).round().astype(int))
    ends = ends[["level", "epochs", "N", "L"]].round(4)
    inside = ends[ends["L"] < 0.95 * top].sort_values("N").groupby(["level", "epochs"]).tail(1)
    inside = inside.assign(says=inside["epochs"].astype(str) + " x")
    here = "datum.level == level"
    colour = alt.Color("epochs:Q", scale=alt.Scale(type="log", range=[GREY, ORANGE]), legend=None)
    base = alt.Chart(ends).add_params(level).transform_filter(here).encode(x, y, color=colour)
    read = base.mark_line(clip=True).encode(detail="epochs:N")
    dots = base.mark_point(clip=True, filled=True, size=30, opacity=1)
    dots = dots.encode(tooltip=["N:Q", "epochs:Q", "L:Q"])
    names = alt.Chart(inside).transform_filter(here)
    names = names.mark_text(align="left", dx=7, fontSize=11, color=INK).encode(x, y, text="says:N")
    fitted = alt.Chart(pd.concat(lines).round(4)).transform_filter(here)
    fitted = fitted.mark_line(color=BLUE, clip=True, strokeDash=[6, 4]).encode(x, y)
    text = (
        alt.Chart(pd.DataFrame(says))
        .transform_filter(here)
        .mark_text(align="left", baseline="top", fontSize=12, color=INK)
        .encode(x=alt.value(6), y=alt.value(4), text="says:N")
    )
    return alt.layer(read, dots, fitted, names, text).properties(width="container", height=320)  # type: ignore[return-value]


def flops_chart(shapes: pd.DataFrame, *, V: int = 256, n_ctx: int = 128) -> alt.LayerChart:
    """Shares of a token's FLOPs by group, with sliders for the vocabulary and the context.

    The bars of one model add up to 1. Blue and green is what 6ND sees; beside each bar stands
    how many times more the model costs, ``1 + n_ctx / (6 d) + V / (12 n_layer d)``.

    Parameters
    ----------
    shapes
        Table with the columns ``model``, ``n_layer`` and ``d_model``, in the order of the bars;
        the feed-forward layer is four times as wide as the stream.
    V, n_ctx
        Where the sliders stand at first; powers of two.
    """
    groups = {
        "attention matrices": (BLUE, "8 * datum.n_layer * pow(datum.d_model, 2)"),
        "feed-forward": (GREEN, "16 * datum.n_layer * pow(datum.d_model, 2)"),
        "attention scores": (ORANGE, "4 * datum.n_layer * pow(2, log_context) * datum.d_model"),
        "head": (GREY, "2 * datum.d_model * pow(2, log_vocabulary)"),
    }
    sliders = [
        alt.param(
            name=f"log_{name}",
            value=int(np.log2(start)),
            bind=alt.binding_range(min=low, max=17, step=1, name=f"log2 of {name} "),
        )
        for name, start, low in (("vocabulary", V, 6), ("context", n_ctx, 3))
    ]
    names = list(groups)
    parts = [f"datum['{name}']" for name in names]
    counted = (
        alt.Chart(shapes[["model", "n_layer", "d_model"]])
        .add_params(*sliders)
        .transform_calculate(**{name: flops for name, (_, flops) in groups.items()})
        .transform_calculate(all=" + ".join(parts))
        .transform_calculate(says=f"'×' + format(datum.all / ({parts[0]} + {parts[1]}), '.3~r')")
    )
    y = alt.Y("model:N", title=None, sort=shapes["model"].tolist())
    bars = (
        counted.transform_fold(list(groups), as_=["group", "flops"])
        .transform_calculate(share="datum.flops / datum.all", place=f"indexof({names}, datum.group)")
        .mark_bar()
        .encode(
            x=alt.X(
                "share:Q",
                title="share of the FLOPs of a token, and × 6ND",
                scale=alt.Scale(domain=[0, 1.2], nice=False),
                axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".0%"),
            ),
            y=y,
            order=alt.Order("place:Q"),
            color=alt.Color(
                "group:N",
                scale=alt.Scale(domain=names, range=[colour for colour, _ in groups.values()]),
                legend=alt.Legend(orient="top", title=None, columns=2),
            ),
            tooltip=["model:N", "group:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    says = counted.mark_text(align="left", dx=4, fontSize=12, color=INK).encode(
        x=alt.datum(1.0), y=y, text="says:N"
    )
    power = "format(pow(2, log_{}), ',')"
    title = f"'V = ' + {power.format('vocabulary')} + ', context ' + {power.format('context')}"
    return alt.layer(bars, says).properties(  # type: ignore[return-value]
        width="container",
        height=27 * len(shapes),
        title=alt.TitleParams(text=alt.ExprRef(title), anchor="start", fontSize=12, color=INK),
    )


def repeats_chart(worth: pd.DataFrame, *, R_D: float) -> alt.LayerChart:
    """What epochs of the same tokens are worth, measured and by the law, and a slider for ``R_D``.

    Parameters
    ----------
    worth
        Columns ``N``, ``epochs`` and ``worth``, as `repeats.worth` gives them; runs of one size and
        as many epochs are averaged.
    R_D
        Where the slider starts.
    """
    most = float(worth["epochs"].max())
    table = worth.assign(epochs=worth["epochs"].round())
    table = table.groupby(["N", "epochs"], as_index=False)["worth"].mean()
    table["size"] = [f"N = {compact(N)}" for N in table["N"]]
    grid = pd.DataFrame({"epochs": np.geomspace(1, most, 40).round(4)})
    start = R_D % 0.5
    constant = alt.param(
        name="R", value=R_D, bind=alt.binding_range(min=0.5 + start, max=40 + start, step=0.5, name="R_D ")
    )
    low = min(0.9, float(table["worth"].min()) / 1.1)
    marks = [1, 2, 4, 8, 16, 40]
    x = alt.X(
        "epochs:Q",
        title="D / U, epochs seen",
        scale=alt.Scale(type="log", domain=[0.95, most * 1.1], nice=False),
        axis=alt.Axis(values=marks, format="~g"),
    )
    y = alt.Y(
        "worth:Q",
        title="D' / U, worth in fresh epochs",
        scale=alt.Scale(type="log", domain=[low, most * 1.1], nice=False),
        axis=alt.Axis(values=marks, format="~g"),
    )
    same = alt.Chart(grid.assign(worth=grid["epochs"])).mark_line(color=GREY, strokeDash=[4, 3]).encode(x, y)
    base = alt.Chart(grid).add_params(constant)
    line = base.transform_calculate(worth="1 + R * (1 - exp((1 - datum.epochs) / R))").mark_line(color=INK)
    sizes = sorted(table["N"].unique())
    colour = alt.Color(
        "size:N",
        scale=alt.Scale(
            domain=[f"N = {compact(N)}" for N in sizes], range=[BLUE, ORANGE, GREEN][: len(sizes)]
        ),
        legend=alt.Legend(orient="top", title=None),
    )
    dots = (
        alt.Chart(table.round(3))
        .mark_point(filled=True, size=70, opacity=1)
        .encode(x, y, colour, tooltip=["size:N", "epochs:Q", "worth:Q"])
    )
    says = (
        "'R_D = ' + format(R, '.1f') + ': four epochs are worth ' + "
        "format(1 + R * (1 - exp(-3 / R)), '.1f') + ', endless ones ' + format(1 + R, '.1f')"
    )
    text = (
        base.transform_filter("datum.epochs == 1")
        .transform_calculate(says=says)
        .mark_text(align="left", baseline="top", fontSize=12, color=INK)
        .encode(x=alt.value(6), y=alt.value(4), text="says:N")
    )
    return alt.layer(same, line.encode(x, y), dots, text).properties(  # type: ignore[return-value]
        width="container", height=320
    )


def tolerance_chart(path: pd.DataFrame, stops: pd.DataFrame, *, truth: float) -> alt.LayerChart:
    """One descent, step by step, where a solver ends it, and a slider for the solver's tolerance.

    Parameters
    ----------
    path
        Columns ``step`` and ``a``, as `descent.path` gives them.
    stops
        Columns ``reduction`` (``"sum"``, ``"mean"``), ``tolerance`` (10 to the power of
        0, -1, -2, ...), ``steps``, ``a``, ``excess``: where `descent.descend` stops.
    truth
        The true ``a``, a dashed line.
    """
    rows = stops.assign(level=(-np.log10(stops["tolerance"])).round().astype(int))
    deepest = int(rows["level"].max())
    level = alt.param(
        name="level",
        value=0,
        bind=alt.binding_range(min=0, max=deepest, step=1, name="tolerances / 10 to the power "),
    )
    rows["says"] = [
        f"{row.reduction}: stops after {row.steps} steps at a = {row.a:.3f}, "
        f"{100 * row.excess:.{1 if row.excess > 5e-4 else 0}f} % above the minimum"
        for row in rows.itertuples()
    ]
    low, high = float(path["a"].min()), float(path["a"].max())
    x = alt.X("step:Q", title="step of the solver", scale=alt.Scale(domain=[0, int(path["step"].max())]))
    y = alt.Y(
        "a:Q",
        title="a, exponent of the best size",
        scale=alt.Scale(domain=[low - 0.01, high + 0.03], nice=False, zero=False),
    )
    line = alt.Chart(path[["step", "a"]].round(4)).mark_line(color=GREY).encode(x, y)
    rule = alt.Chart(pd.DataFrame({"a": [round(truth, 4)]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(y)
    colour = alt.Color(
        "reduction:N",
        scale=alt.Scale(domain=["mean", "sum"], range=[ORANGE, BLUE]),
        legend=None,
    )
    kept = rows[["reduction", "level", "steps", "a", "says"]].rename(columns={"steps": "step"})
    here = alt.Chart(kept.round(4)).add_params(level).transform_filter("datum.level == level")
    dots = here.mark_point(filled=True, size=130, opacity=1).encode(x, y, colour, tooltip=["says:N"])
    texts = [
        here.transform_filter(f"datum.reduction == '{name}'")
        .mark_text(align="right", baseline="top", fontSize=12, color=ink)
        .encode(x=alt.value("width"), y=alt.value(place), text="says:N")
        for name, ink, place in (("mean", ORANGE, 4), ("sum", BLUE, 20))
    ]
    return alt.layer(line, rule, dots, *texts).properties(  # type: ignore[return-value]
        width="container", height=300
    )


def vocabulary_chart(
    law: Chinchilla, *, aspect: float = 39.0, n_ctx: int = 2048, first: int = 16
) -> alt.LayerChart:
    """Local exponent of the best size, counted without embeddings, and a slider for the vocabulary.

    Parameters
    ----------
    law
        The loss in all parameters and tokens.
    aspect, n_ctx
        Width over depth, and positions in the embedding beside the vocabulary.
    first
        The vocabulary drawn first, as a power of two.
    """
    sizes = np.geomspace(1e3, 1e12, 91)
    rows = []
    for exponent in range(6, 19):
        omega = embedding_weight(V=2**exponent, n_ctx=n_ctx, aspect=aspect)
        g = local_exponent(law, N=sizes, omega=omega)
        says = f"V = {2**exponent:,}: steepest at N = {compact(float(sizes[g.argmax()]))}"
        rows += [
            (exponent, float(f"{N:.4g}"), round(float(a), 4), says) for N, a in zip(sizes, g, strict=True)
        ]
    table = pd.DataFrame(rows, columns=["power", "N", "a", "says"])
    power = alt.param(
        name="power",
        value=first,
        bind=alt.binding_range(min=6, max=18, step=1, name="vocabulary, 2 to the power "),
    )
    x = alt.X(
        "N:Q",
        title="N, parameters without embeddings",
        scale=alt.Scale(type="log", domain=[790, 1e12], nice=False),
        axis=alt.Axis(format="~s", values=[10.0**k for k in range(3, 13)]),
    )
    y = alt.Y(
        "a:Q",
        title="local exponent of the best size",
        scale=alt.Scale(domain=[0.45, 1.0], zero=False, nice=False),
    )
    spans = [(790.0, 1.58e9, "Kaplan's sizes", GREY), (7e7, 1.6e10, "Chinchilla's sizes", GREEN)]
    ranges = pd.DataFrame(
        [(low, high, 0.99 - 0.04 * i, told) for i, (low, high, told, _) in enumerate(spans)],
        columns=["N", "to", "a", "told"],
    )
    colour = alt.Color(
        "told:N",
        scale=alt.Scale(domain=[s[2] for s in spans], range=[s[3] for s in spans]),
        legend=None,
    )
    base = alt.Chart(ranges)
    bars = base.mark_rule(strokeWidth=3).encode(x, alt.X2("to:Q"), y, colour)
    names = base.mark_text(align="left", baseline="top", dx=4, dy=3, fontSize=11).encode(
        x, y, colour, text="told:N"
    )
    both = pd.DataFrame({"a": [0.73, round(law.a, 4)]})
    rules = alt.Chart(both).mark_rule(color=INK, strokeDash=[4, 3]).encode(y)
    here = alt.Chart(table).add_params(power).transform_filter("datum.power == power")
    line = here.mark_line(color=BLUE, strokeWidth=2.5).encode(
        x, y, tooltip=[alt.Tooltip("N:Q", format=".2s"), alt.Tooltip("a:Q", format=".2f")]
    )
    told = (
        here.transform_filter("datum.N < 1001")
        .mark_text(align="right", baseline="bottom", fontSize=12, color=BLUE)
        .encode(x=alt.value("width"), y=alt.value(297), text="says:N")
    )
    return alt.layer(bars, names, rules, line, told).properties(  # type: ignore[return-value]
        width="container", height=300
    )


def rulers_chart(law: ExactMatchLaw, *, tests: int = 400) -> alt.LayerChart:
    """Exact match and share of wrong bytes of the same models over N, and a slider for the answer's length.

    Parameters
    ----------
    law
        Loss of a byte of the answer, as a power of N.
    tests
        Questions: below one right answer in so many, exact match reads as 0 (dashed).
    """
    length = alt.param(
        name="length",
        value=12,
        bind=alt.binding_range(min=1, max=40, step=1, name="bytes of an answer "),
    )
    N = np.geomspace(1e4, 1e8, 120)
    table = pd.DataFrame({"N": N, "nats": (law.N_c / N) ** law.alpha_N})
    kinds = {"all bytes right": "exp(-length * datum.nats)", "one byte right": "exp(-datum.nats)"}
    lines = [
        alt.Chart(table)
        .transform_calculate(share=formula, metric=f"'{name}'")
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("N:Q", title=LABELS["N"], scale=alt.Scale(type="log"), axis=alt.Axis(format="~s")),
            y=alt.Y("share:Q", title="share", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color(
                "metric:N",
                title=None,
                scale=alt.Scale(domain=list(kinds), range=[ORANGE, BLUE]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[alt.Tooltip("N:Q", format=".2s"), alt.Tooltip("share:Q", format=".4f")],
        )
        for name, formula in kinds.items()
    ]
    seen = (
        alt.Chart(pd.DataFrame({"y": [1 / tests]})).mark_rule(strokeDash=[4, 4], color=GREY).encode(y="y:Q")
    )
    chart = alt.layer(*lines, seen).add_params(length)
    return chart.properties(width="container", height=260)  # type: ignore[return-value]


def rate_chart(cell: pd.DataFrame, best: pd.DataFrame) -> alt.LayerChart:
    """Loss over learning rate, one line per batch, the chosen one in colour, and a slider for the batch.

    Parameters
    ----------
    cell
        Runs of one size and length: columns ``lr``, ``B``, ``L``.
    best
        Columns ``B`` and ``lr``: the best rate at each batch, as `tuning.best_along` gives it.
    """
    batches = np.sort(cell["B"].unique())
    place = {batch: i for i, batch in enumerate(batches)}
    level = alt.param(
        name="level",
        value=0,
        bind=alt.binding_range(min=0, max=len(batches) - 1, step=1, name="larger batch "),
    )
    data = cell[["lr", "B", "L"]].assign(at=cell["B"].map(place)).round({"L": 4})
    rates = best.set_index("B")["lr"]
    says = []
    for batch, line in cell.groupby("B"):
        low = line.loc[line["L"].idxmin()]
        other = line.set_index("lr")["L"].to_dict().get(4 * low["lr"], np.nan)
        miss = f"; four times: +{100 * (other / low['L'] - 1):.1f} %" if np.isfinite(other) else ""
        rate = rates.get(batch, low["lr"])
        says.append({"at": place[batch], "lr": rate, "says": f"B = {batch}: best rate {rate:.2g}{miss}"})
    x = alt.X(
        "lr:Q",
        title=LABELS["lr"],
        scale=alt.Scale(type="log", domain=[cell["lr"].min() / 1.2, cell["lr"].max() * 1.2]),
        axis=alt.Axis(values=sorted(float(v) for v in cell["lr"].unique()), format="~g"),
    )
    y = alt.Y(
        "L:Q",
        title=LABELS["L"],
        scale=alt.Scale(domain=[float(cell["L"].min() * 0.99), float(cell["L"].max() * 1.03)], nice=False),
    )
    here = "datum.at == level"
    pale = alt.Chart(data).mark_line(color="#cccccc").encode(x, y, detail="B:N")
    chosen = alt.Chart(data).add_params(level).transform_filter(here)
    line = chosen.mark_line(color=BLUE).encode(x, y)
    dots = chosen.mark_point(filled=True, color=BLUE, size=45, opacity=1).encode(
        x, y, tooltip=["B:Q", "lr:Q", "L:Q"]
    )
    marked = alt.Chart(pd.DataFrame(says)).transform_filter(here)
    rule = marked.mark_rule(color=ORANGE, strokeDash=[4, 3]).encode(x)
    text = marked.mark_text(align="left", baseline="top", fontSize=13, color=INK)
    text = text.encode(x=alt.value(8), y=alt.value(4), text="says:N")
    return alt.layer(pale, line, dots, rule, text).properties(  # type: ignore[return-value]
        width="container", height=300
    )


def steps_chart(
    *,
    alpha: float = 0.4,
    counts: Sequence[int] = (1, 3, 10, 30, 100, 1000, 10_000),
    shown: int = 14,
    first: int = 4,
) -> alt.LayerChart:
    """Skills that are each learned in a sharp step, their mean, and a slider for how many there are.

    Task i is learned after ``100 * i**(1 + alpha)`` steps, in an eighth of a decade; the mean by
    use falls as ``S**-(alpha / (1 + alpha))`` (dashed) until no skill is left.

    Parameters
    ----------
    alpha
        Exponent of use minus one.
    counts
        Numbers of skills, one for each place of the slider.
    shown
        At most so many skills are drawn, evenly in the logarithm of their rank.
    first
        Place of the slider at first.
    """
    S = np.geomspace(30, 1e6, 137)
    means, steps, says = [], [], []
    for level, n in enumerate(counts):
        curves = quanta.simulate(alpha=alpha, tasks=n, S=S, decades=0.125)
        mean = quanta.means(curves)
        means.append(mean[["S", "L"]].assign(level=level))
        ranks = np.unique(np.geomspace(1, n, shown).round().astype(int))
        some = curves[curves["task"].isin(ranks) & (curves["L"] > 0.005)]
        steps.append(some[["S", "task", "L"]].assign(level=level))
        begin, _, end = quanta.falls(S, mean["L"].to_numpy())
        told = f"{n:,} skills: the mean falls from 75 to 25 % in {np.log10(end / begin):.1f} decades"
        says.append({"level": level, "says": told.replace("1 skills", "1 skill") if n == 1 else told})
    theory = quantization_exponents(alpha=alpha)["D"]
    line = pd.DataFrame({"S": [100.0, 1e6]}).assign(L=lambda t: quanta.CHANCE * (t["S"] / 100) ** -theory)
    level_ = alt.param(
        name="level",
        value=first,
        bind=alt.binding_range(min=0, max=len(counts) - 1, step=1, name="more skills "),
    )
    ends = [0.02, 0.9]
    x = alt.X(
        "S:Q",
        title="S, steps",
        scale=alt.Scale(type="log", domain=[30, 1e6], nice=False),
        axis=alt.Axis(format="~s", values=[100.0, 1e3, 1e4, 1e5, 1e6]),
    )
    y = alt.Y(
        "L:Q",
        title="loss (nats/answer)",
        scale=alt.Scale(type="log", domain=ends, nice=False),
        axis=alt.Axis(values=[0.02, 0.05, 0.1, 0.2, 0.5], format="~g"),
    )
    here = "datum.level == level"
    rows = pd.concat(steps, ignore_index=True)
    rows = rows.assign(S=rows["S"].round(), L=rows["L"].round(4), task=rows["task"].astype(str))
    thin = (
        alt.Chart(rows)
        .add_params(level_)
        .transform_filter(here)
        .mark_line(color=BLUE, strokeWidth=1, opacity=0.6, clip=True)
        .encode(x, y, detail="task:N")
    )
    law = alt.Chart(line).mark_line(color=INK, strokeDash=[5, 4], clip=True).encode(x, y)
    kept = pd.concat(means, ignore_index=True)
    kept = kept[kept["L"] > 0.005].assign(S=kept["S"].round(), L=kept["L"].round(4))
    thick = (
        alt.Chart(kept)
        .transform_filter(here)
        .mark_line(color=ORANGE, strokeWidth=4, clip=True)
        .encode(x, y, tooltip=[alt.Tooltip("S:Q", format=".3~s"), alt.Tooltip("L:Q", format=".3f")])
    )
    text = (
        alt.Chart(pd.DataFrame(says))
        .transform_filter(here)
        .mark_text(align="left", baseline="bottom", fontSize=12, color=INK)
        .encode(x=alt.value(6), y=alt.value(296), text="says:N")
    )
    return alt.layer(thin, law, thick, text).properties(  # type: ignore[return-value]
        width="container", height=300
    )


def elbow_chart(tunings: pd.DataFrame, found: Elbow, few: pd.DataFrame) -> alt.LayerChart:
    """Accuracy over loss with a prompt and after fine-tuning, and a slider for the number of examples.

    Parameters
    ----------
    tunings
        Columns ``N``, ``k``, ``L``, ``exact``.
    found
        What `elbow.joint` finds in them.
    few
        The same models with a prompt only: ``L``, ``exact``.
    """
    amounts = [int(k) for k in np.sort(tunings["k"].unique())]
    low, high = float(tunings["L"].min()), float(tunings["L"].max())
    rows = []
    for place, k in enumerate(amounts):
        at, begins, ends = found.at(k)
        corner = found.law.elbow(n_examples=k)
        top = corner - (1 - found.law.chance) / found.law.slope
        says = f"{k:,} examples: elbow at {at:.2f} nats ({begins:.2f} - {ends:.2f})"
        for L in sorted({low, high, *(x for x in (corner, top) if low < x < high)}):
            accuracy = min(1.0, float(found.law(L=L, n_examples=k)))
            rows.append((place, round(float(L), 4), round(accuracy, 4), says))
    lines = pd.DataFrame(rows, columns=["level", "L", "exact", "says"])
    slider = alt.binding_range(min=0, max=len(amounts) - 1, step=1, name="more examples ")
    level = alt.param(name="level", value=len(amounts) - 1, bind=slider)
    scale = alt.Scale(domain=[high + 0.02, low - 0.02], nice=False, zero=False)
    x = alt.X("L:Q", title=LABELS["L"], scale=scale)
    y = alt.Y("exact:Q", title="answers right", scale=alt.Scale(domain=[0, 1]))
    dots = tunings[["L", "exact"]].round(4)
    dots = dots.assign(level=tunings["k"].map(amounts.index), size="N = " + tunings["N"].map(compact))
    sizes = ["N = " + compact(N) for N in np.sort(tunings["N"].unique())]
    shades = alt.Scale(domain=sizes, range=[RED, GREY, GREEN, BLUE][: len(sizes)])
    colour = alt.Color("size:N", title=None, scale=shades, legend=alt.Legend(orient="top"))
    chosen = alt.Chart(lines).add_params(level).transform_filter("datum.level == level")
    line = chosen.mark_line(color=INK, strokeWidth=1.5).encode(x, y, order="L:Q")
    says = chosen.transform_filter(f"datum.L == {round(low, 4)}").mark_text(
        align="left", baseline="top", fontSize=13, color=INK
    )
    says = says.encode(x=alt.value(8), y=alt.value(165), text="says:N")
    here = alt.Chart(dots).transform_filter("datum.level == level")
    points = here.mark_point(filled=True, size=55, opacity=0.9).encode(x, y, colour)
    before = alt.Chart(few[["L", "exact"]].round(4))
    crosses = before.mark_point(shape="cross", filled=True, color=ORANGE, size=45, opacity=1).encode(x, y)
    told = (
        alt.Chart(pd.DataFrame({"says": ["crosses: with a prompt only"]}))
        .mark_text(align="left", baseline="top", fontSize=12, color=ORANGE)
        .encode(x=alt.value(8), y=alt.value(185), text="says:N")
    )
    return alt.layer(line, points, crosses, says, told).properties(  # type: ignore[return-value]
        width="container", height=300
    )


def verdict_chart(distances: pd.DataFrame, *, reach: float = 12.0) -> alt.LayerChart:
    """Every claim as a dot: how far ours is from the paper's; a list picks a part of the book.

    Parameters
    ----------
    distances
        From `claims.distances`, with a column ``part``.
    reach
        Half width of the axis; what lies beyond stands at its end.
    """
    table = distances.assign(
        what=distances["chapter"].astype(str) + " · " + distances["claim"],
        at=distances["distance"].clip(-reach, reach).round(2),
        place=range(len(distances)),
    ).round(4)
    parts = list(dict.fromkeys(table["part"]))
    part = alt.param(
        name="part", value=parts[0], bind=alt.binding_select(options=parts, name="part of the book ")
    )
    shown = alt.Chart(table).transform_filter("datum.part == part")
    axis = alt.Axis(labelLimit=190, labelExpr="split(datum.value, ', ')")
    claim = alt.Y("what:N", title=None, sort=alt.SortField("place"), axis=axis)
    at = alt.X(
        "at:Q",
        title="ours - paper's (half intervals)",
        scale=alt.Scale(domain=[-reach, reach]),
    )
    colour = alt.Color(
        "verdict:N",
        title=None,
        scale=alt.Scale(domain=["agrees", "ours is larger", "ours is smaller"], range=[GREEN, ORANGE, BLUE]),
        legend=alt.Legend(orient="top", direction="vertical"),
    )
    tooltip = [alt.Tooltip(f"{name}:N") for name in ("claim", "paper", "ours", "low", "high", "verdict")]
    band = (
        alt.Chart(pd.DataFrame({"low": [-1], "high": [1]}))
        .mark_rect(color=GREY, opacity=0.25)
        .encode(x=alt.X("low:Q"), x2="high:Q")
    )
    dots = shown.add_params(part).mark_point(filled=True, size=90, opacity=1)
    dots = dots.encode(at, claim, color=colour, shape=alt.Shape("verdict:N", legend=None), tooltip=tooltip)
    return alt.layer(band, dots).properties(
        width="container", height=int(32 * table["part"].value_counts().max())
    )  # type: ignore[return-value]
