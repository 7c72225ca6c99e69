"""Figures of skills draw what they are given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")

from scalinglab import elbow, plots, quanta, skill_plots
from scalinglab.intervals import wilson

CURVES = quanta.simulate(alpha=0.4, tasks=12, S=np.geomspace(10, 1e4, 60), decades=0.2)

AMOUNTS = (100, 600, 4000)
LAW = elbow.moved(few_shot=1.1, most=1.6, alpha=1.0, amounts=AMOUNTS)


@pytest.fixture
def ax():
    figure, (panel,) = plots.axes()
    yield panel
    plots.plt.close(figure)


def test_every_task_has_a_thin_line_and_their_mean_a_thick_one(ax):
    skill_plots.skill_curves(ax, CURVES)
    *thin, mean, chance = ax.lines
    assert len(thin) == 12
    assert max(line.get_linewidth() for line in thin) < mean.get_linewidth()
    assert np.allclose(mean.get_ydata(), quanta.means(CURVES)["L"])
    assert set(chance.get_ydata()) == {quanta.CHANCE}
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["task 1", "task 10", "task 12", "mean by use"]


def test_curves_of_two_runs_are_refused(ax):
    with pytest.raises(ValueError, match="curves of 2 runs; give those of one"):
        skill_plots.skill_curves(ax, pd.concat([CURVES, CURVES.assign(id="other")]))


def test_points_lie_on_the_line_of_the_theory_if_the_steps_are_sharp(ax):
    sharp = quanta.simulate(alpha=0.4, tasks=12, S=np.geomspace(10, 1e4, 60))
    skill_plots.number_learned(ax, sharp, alpha=0.4)
    points, theory, endless = ax.lines
    assert np.allclose(points.get_ydata(), np.interp(points.get_xdata(), *theory.get_data()))
    assert np.polyfit(*np.log(endless.get_data()), 1)[0] == pytest.approx(-0.4)
    assert (theory.get_ydata() <= endless.get_ydata() * (1 + 1e-12)).all()


def test_each_width_has_its_colour(ax):
    skill_plots.number_learned(ax, pd.concat([CURVES, CURVES.assign(id="other", width=8)]), alpha=0.4)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["0", "8", "theory", "endless tasks"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


def test_sharpness_has_a_point_for_each_skill_and_a_line_for_the_mean(ax):
    skill_plots.sharpness(ax, quanta.learned(CURVES), mean=1.5)
    (points,) = ax.collections
    decades = np.asarray(points.get_offsets())[:, 1]
    assert len(decades) > 5
    assert np.allclose(decades, 0.2, atol=0.02)
    assert set(ax.lines[0].get_ydata()) == {1.5}


def test_a_share_over_the_loss_has_wilsons_interval_and_the_level_of_chance(ax):
    points = pd.DataFrame({"N": [1e4, 1e4, 1e5], "L": [1.4, 1.3, 1.2], "exact": [0.0, 0.1, 0.9]})
    skill_plots.over_loss(ax, points, "exact", chance=0.02, tests=400)
    *dots, chance = ax.lines
    assert [len(line.get_xdata()) for line in dots] == [2, 1]
    assert set(chance.get_ydata()) == {0.02}
    (first, second), (third,) = (lines.get_segments() for lines in ax.collections)
    assert first[:, 0].tolist() == [1.4, 1.4]
    for segment, share in ((first, 0.0), (second, 0.1), (third, 0.9)):
        assert np.allclose(segment[:, 1], tuple(wilson(share, 400)))
    assert ax.xaxis_inverted()


def test_each_skill_has_a_panel_and_the_first_alone_names_the_sizes():
    points = pd.DataFrame({"skill": ["a", "b"], "N": [1e4, 1e4], "L": [1.4, 1.3], "exact": [0.0, 0.1]})
    figure, panels = plots.axes(2)
    skill_plots.shares(panels, points, ["a", "b"], chance={"a": 0.1, "b": 0.2}, tests=100, top=0.5)
    assert [ax.get_title() for ax in panels] == ["a", "b"]
    assert [ax.get_legend() is None for ax in panels] == [False, True]
    assert [ax.lines[-1].get_ydata()[0] for ax in panels] == [0.1, 0.2]
    assert panels[0].get_ylim() == pytest.approx((-0.015, 0.515))
    plots.plt.close(figure)


@pytest.fixture(scope="module")
def table():
    return elbow.simulated(LAW, elbow.TRIED, AMOUNTS, seed=0)


def test_the_law_goes_with_its_dots_and_stops_at_one(ax, table):
    sized = table.assign(N=np.where(table.L > 1.6, 10, 20))
    skill_plots.moving_elbow(ax, sized, LAW, pd.DataFrame({"L": [1.3], "exact": [0.0]}))
    lines = ax.lines[2::3]
    assert min(ax.lines[1].get_xdata()) > 1.6 > max(ax.lines[0].get_xdata()), "the smallest apart"
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
    skill_plots.elbow_forecasts(ax, {"sorting": one, "copying": one.assign(true=np.nan)})
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert np.allclose(dots[0].get_ydata(), -0.05)
    assert np.allclose(dots[1].get_ydata(), 0.2)
    assert dots[1].get_markerfacecolor() == "none"


def test_posteriors_stand_in_their_order(ax):
    skill_plots.posteriors(ax, {"all": np.linspace(0, 1, 41), "part": [2.0, 2.0]}, truth=0.5)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["all", "part"]
    assert np.allclose(ax.lines[0].get_xdata(), [0.025, 0.975])
