"""Figures of the shift draw what they are given."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")

from scalinglab import plots, shift, shift_plots

N = np.array([3e3, 3e4, 3e5])
HOME = 6.0 * N**-0.1


def models(corpus, text, away):
    return pd.DataFrame({"id": range(3), "corpus": corpus, "N": N, "text": text, "home": HOME, "away": away})


POINTS = pd.concat(
    [
        models("sotu", "sotu", HOME),
        models("sotu", "kjv", HOME + 0.5),
        models("sotu", "python", 2 * HOME),
        models("kjv", "kjv", HOME),
        models("kjv", "sotu", HOME + 0.8),
    ]
)
FAR = POINTS[(POINTS["corpus"] == "sotu") & (POINTS["text"] != "sotu")]


@pytest.fixture
def ax():
    figure, (panel,) = plots.axes()
    yield panel
    plots.plt.close(figure)


def test_labels_are_moved_apart_and_no_further():
    assert np.diff(shift_plots.apart([1.0, 1.0, 1.2, 9.0], 0.5)).min() == pytest.approx(0.5)
    assert shift_plots.apart([3.0, 1.0, 2.0], 0.5).tolist() == [3.0, 1.0, 2.0]


def test_every_text_has_its_line_and_home_is_black(ax):
    shift_plots.over_size(ax, FAR)
    *others, home = ax.lines
    assert len(others) == 2
    assert np.allclose(others[0].get_ydata(), HOME + 0.5)
    assert np.allclose(home.get_ydata(), HOME)
    assert home.get_color() == plots.INK
    assert [text.get_text() for text in ax.texts] == ["Bible", "Python", "at home"]


def test_lines_go_through_ends_and_stages_are_hollow(ax):
    shift_plots.home_and_away(ax, FAR, FAR.assign(home=FAR["home"] + 0.1))
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "none" and line.get_marker() == "o"]
    assert len(hollow) == 2
    ratio = ax.lines[4]  # the second text's line: a fixed ratio
    assert np.allclose(ratio.get_ydata(), 2 * ratio.get_xdata())


def test_powers_beyond_the_edges_are_written(ax):
    shift_plots.powers(ax, shift.lines(FAR, n=50), edges=(0.9, 1.2))
    assert [text.get_text() for text in ax.texts] == ["\N{LEFTWARDS ARROW} 0.8"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Bible", "Python"]


def test_each_pair_has_its_price(ax):
    shift_plots.price_of_shift(ax, shift.prices(POINTS[POINTS["text"] != "python"]))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert set(labels) == {"Bible by all years", "all years by Bible"}
    assert np.allclose(sorted(line.get_ydata()[0] for line in ax.lines[:2]), [0.5, 0.8])


def test_the_chart_starts_where_it_is_asked_to_and_says_gap_and_ratio():
    chart = shift_plots.transfer_chart(POINTS, own="sotu", text="kjv").to_dict()
    assert {p["name"]: p["value"] for p in chart["params"]} == {"own": "sotu", "other": "kjv"}
    rows = [row for rows in chart["datasets"].values() for row in rows]
    said = {(row["corpus"], row["text"]): row["says"] for row in rows if "says" in row}
    assert said["sotu", "kjv"].startswith("gap 0.50 to 0.50 bits/byte")
    assert said["sotu", "python"].endswith("ratio 2.00 to 2.00")
    lines = pd.DataFrame([row for row in rows if "kind" in row])
    kjv = lines[(lines["corpus"] == "sotu") & (lines["text"] == "kjv")]
    measured, gap = (kjv[kjv["kind"] == kind]["L"].tolist() for kind in ("away", "same gap"))
    assert measured == pytest.approx(gap, abs=2e-4)
