"""Figures of shape and of experts draw what they are given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")

from test_mixture import simulated
from test_shape import table

from scalinglab import mixture, plots, shape, shape_plots
from scalinglab.laws import CLARK_2022


@pytest.fixture
def panels():
    figure, panels = plots.axes(3)
    yield panels
    plots.plt.close(figure)


def test_each_panel_varies_one_thing_and_shows_every_seed(panels):
    runs = table(effect=0.06)
    shape_plots.percents(panels, runs, shape.against_base(runs))
    for ax, shapes in zip(panels, (5, 4, 4), strict=True):
        seeds = [line for line in ax.lines if line.get_marker() == "."]
        assert [len(line.get_xdata()) for line in seeds] == [3 * shapes] * 2
        assert len(ax.containers) == 2
    assert len({ax.get_ylim() for ax in panels}) == 1


def test_lines_of_gains_go_through_exact_runs(panels):
    runs = simulated()
    shape_plots.gain_lines(panels[0], runs, mixture.gains(runs), {"Clark": CLARK_2022})
    dots = [line for line in panels[0].lines if line.get_marker() == "o"]
    lines = [line for line in panels[0].lines if line.get_marker() == "None" and line.get_linestyle() == "-"]
    for points, line in zip(dots, lines, strict=False):
        assert np.allclose(np.interp(points.get_xdata(), *line.get_data()), points.get_ydata(), atol=0.05)


def test_slopes_of_three_routers_and_ours(panels):
    theirs, ours = pd.read_csv(mixture.GAINS), mixture.gains(simulated())
    shape_plots.gain_slopes(panels[0], theirs, ours, law=CLARK_2022)
    labels = [text.get_text() for text in panels[0].get_legend().get_texts()]
    assert set(labels) == {*mixture.ROUTERS, "ours", "Clark's law"}
    theirs, ours = (part.assign(M=1e9 / part["N"]) for part in (theirs, ours))
    shape_plots.gain_slopes(panels[1], theirs, ours, x="M")
    assert panels[1].get_xlabel() == "M, tokens per active parameter"
    assert len(panels[1].containers) == 4


def test_totals_have_a_path_for_each_active_size(panels):
    runs = simulated().assign(N=lambda x: x["N_active"] * x["n_experts"])
    dense = runs[runs["n_experts"] == 1]
    shape_plots.totals(panels[0], runs, dense)
    labels = [text.get_text() for text in panels[0].get_legend().get_texts()]
    assert labels[0] == "dense"
    assert len(labels) == 4


def test_experts_chart_starts_with_64_experts_and_their_dense_equal():
    spec = shape_plots.experts_chart(CLARK_2022).to_dict()
    assert {p["name"]: p["value"] for p in spec["params"]} == {"size": 3, "level": 6}
    rows = [row for data in spec["datasets"].values() for row in data if "N_dense" in row]
    (first,) = (row for row in rows if row["size"] == 3 and row["level"] == 6)
    assert first["n_experts"] == 64
    assert CLARK_2022(N=first["N_dense"], n_experts=1) == pytest.approx(first["L"], abs=1e-4)
    assert first["says"] == "64 experts, 31.6M active"
    assert first["held"] == "in all 645M, 20 times as many"
    assert first["worth"] == "worth a dense 176M, 5.6 times"
