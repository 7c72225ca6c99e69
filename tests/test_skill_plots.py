"""Figures of skills draw what they are given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")

from scalinglab import elbow, plots, skill_plots

AMOUNTS = (100, 600, 4000)
LAW = elbow.moved(few_shot=1.1, most=1.6, alpha=1.0, amounts=AMOUNTS)


@pytest.fixture
def ax():
    figure, (panel,) = plots.axes()
    yield panel
    plots.plt.close(figure)


@pytest.fixture(scope="module")
def table():
    return elbow.simulated(LAW, elbow.TRIED, AMOUNTS, seed=0)


def test_the_law_goes_with_its_dots_and_stops_at_one(ax, table):
    skill_plots.moving_elbow(ax, table, LAW, pd.DataFrame({"L": [1.3], "exact": [0.0]}))
    lines = ax.lines[1::2][:3]
    for k, line in zip(AMOUNTS, lines, strict=True):
        assert np.allclose(line.get_ydata(), np.minimum(1, LAW(L=line.get_xdata(), n_examples=k)))
    assert ax.xaxis_inverted()
    assert ax.get_legend().get_texts()[-1].get_text() == "prompt only"


def test_the_forecast_stands_at_the_prompt(ax, table):
    found = elbow.joint(table, chance=LAW.chance)
    singles = {600: elbow.single(table[table.k == 600], chance=LAW.chance)}
    skill_plots.elbow_law(ax, found, singles, truth=singles[600], least=1.25)
    squares = [line for line in ax.lines if line.get_marker() == "s"]
    assert squares[0].get_xdata().tolist() == [5]
    assert squares[0].get_ydata().tolist() == [found.value]


def test_skills_that_were_not_reached_are_hollow(ax):
    rows = {"found": 1.2, "low": 1.1, "high": 1.3, "true": [1.25, 1.25], "reached": 1.0, "ahead": [2.0, 4.0]}
    one = pd.DataFrame(rows)
    skill_plots.elbow_forecasts(ax, {"a": one, "b": one.assign(true=np.nan)})
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert np.allclose(dots[0].get_ydata(), -0.05)
    assert np.allclose(dots[1].get_ydata(), 0.2)
    assert dots[1].get_markerfacecolor() == "none"


def test_posteriors_stand_in_their_order(ax):
    skill_plots.posteriors(ax, {"all": np.linspace(0, 1, 41), "part": [2.0, 2.0]}, truth=0.5)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["all", "part"]
    assert np.allclose(ax.lines[0].get_xdata(), [0.025, 0.975])
