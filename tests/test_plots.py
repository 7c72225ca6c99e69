"""Figures draw what they are given; nothing that only plots or fits imports torch."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")

from scalinglab import bowl, fit, laws, plots, simulate

RUNS = pd.DataFrame({"N": [1e3, 1e4, 1e5], "D": [1e6] * 3, "L": [2.0, 1.7, 1.5]})


@pytest.fixture
def ax():
    figure, (panel,) = plots.axes()
    yield panel
    plots.plt.close(figure)


def test_import_does_not_need_torch():
    code = (
        "import sys, scalinglab, scalinglab.fit, scalinglab.laws, scalinglab.plots, scalinglab.planning, "
        "scalinglab.counting, scalinglab.runs, scalinglab.corpus, scalinglab.ngram; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_fitted_goes_through_the_law(ax):
    law = laws.SizeLaw(N_c=1e6, alpha_N=0.1)
    plots.fitted(ax, RUNS, "N", {"law": law}, reach=10)
    inside, beyond = ax.lines[1], ax.lines[2]
    assert np.allclose(inside.get_ydata(), law(N=inside.get_xdata()))
    assert beyond.get_xdata()[-1] == pytest.approx(10 * RUNS.N.max())
    assert beyond.get_linestyle() == "--"


def test_one_line_per_size(ax):
    plots.by_size(ax, pd.concat([RUNS, RUNS.assign(D=2e6)]), "D")
    assert len(ax.lines) == 3
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_bowls_mark_the_lowest_point_of_each_budget(ax):
    def law(N, C):
        return 2 + (np.log(N) - 0.5 * np.log(C)) ** 2

    runs = pd.DataFrame({"N": [1e3, 1e4, 1e5] * 2, "budget": [1e8] * 3 + [1e9] * 3})
    plots.bowls(ax, runs.assign(L=law(runs.N, runs.budget)), law)
    lowest = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert lowest == pytest.approx([1e4, 10**4.5], rel=0.02)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1e8", "1e9"]


def test_residuals_are_percent_of_the_law(ax):
    law = laws.SizeLaw(N_c=1e6, alpha_N=0.1)
    plots.residuals(ax, RUNS.assign(L=1.01 * law(N=RUNS.N)), "N", {"law": law})
    assert np.allclose(ax.lines[0].get_ydata(), 1.0)


def test_likeliest_bytes_come_first(ax):
    p = np.full(256, 0.001)
    p[ord("e")] = 0.7
    plots.next_token(ax, {"model": p}, k=3)
    assert ax.get_yticklabels()[0].get_text() == "e"


def test_each_loss_has_its_hyperbola(ax, tradeoffs):
    points, found = tradeoffs
    plots.tradeoff(ax, points, found)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["2.0", "1.5"]
    E, S = ax.lines[0].get_data()
    assert np.allclose((S / found[2.0].S_min - 1) * (E / found[2.0].E_min - 1), 1)


def test_critical_batches_have_intervals_and_two_laws(ax):
    law = laws.CriticalBatchLaw(B_star=1e4, alpha_B=0.2)
    critical = pd.DataFrame({"N": [1e4] * 3, "L": [2.2, 2.0, 1.8]})
    critical = critical.assign(B=law(L=critical.L), low=100, high=1e4)
    measured = pd.DataFrame({"N": [1e4], "L": [2.1], "B_simple": [300.0]})
    plots.critical_batches(ax, critical, measured, law, laws.KAPLAN_2020_B_CRIT)
    assert ax.xaxis_inverted()
    assert len(ax.containers) == 1


def test_best_size_draws_bottoms_law_and_interval(ax):
    size, budget = np.meshgrid(np.geomspace(0.2, 5, 7), [1e18, 3e18, 1e19])
    table = pd.DataFrame({"budget": budget.ravel()})
    table["N"] = size.ravel() * laws.BESIROGLU_2024.optimum(C=table["budget"])[0]
    table["D"] = table["budget"] / (6 * table["N"])
    table["L"] = laws.BESIROGLU_2024(N=table["N"], D=table["D"])
    found = fit.isoflop(table, n=20)
    plots.best_size(ax, found, y="D")
    bottoms, line = ax.lines
    assert np.allclose(bottoms.get_ydata(), found.minima["D"])
    assert np.allclose(line.get_ydata(), found.law(C=line.get_xdata())[1])
    assert len(ax.collections) == 1


def test_named_models_stand_at_their_budget_and_ratio(ax):
    models = pd.DataFrame({"N": [70e9], "D": [1.4e12]}, index=["Chinchilla"])
    plots.named_models(ax, models, ratio=True)
    assert [float(v[0]) for v in ax.lines[0].get_data()] == pytest.approx([6 * 70e9 * 1.4e12, 20])
    assert ax.texts[0].get_text() == "Chinchilla"


def test_splits_are_those_of_the_laws(ax):
    C = np.array([1e18, 1e21])
    plots.splits(ax, {"refit": laws.BESIROGLU_2024}, C, ratio=True)
    N, D = laws.BESIROGLU_2024.optimum(C=C)
    assert np.allclose(ax.lines[0].get_ydata(), D / N)


def test_wide_axes_label_whole_decades_only(ax):
    plots.loglog(ax, "C", "N")
    ax.set_ylim(1e3, 1e9)
    assert ax.yaxis.get_minor_formatter()(2e5) == ""
    assert ax.yaxis.get_major_formatter()(1e5) == "100k"
    ax.set_ylim(1, 3)
    assert ax.yaxis.get_minor_formatter()(2.0) == "2"


def test_each_fit_has_a_line_of_errors_beyond_it(ax):
    found = pd.DataFrame({"fitted": [1.0] * 3 + [10.0] * 3, "budget": [1.0, 10.0, 100.0] * 2})
    found["reach"], found["off"] = found["budget"] / found["fitted"], [0.0, 3.0, 6.0, 0.0, 0.0, 2.0]
    plots.reach(ax, {"law": found})
    assert [line.get_ydata().tolist() for line in ax.lines] == [[3.0, 6.0], [2.0]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["law"]


def test_a_parabola_leans_away_from_the_best_size(ax):
    bowl = simulate.bowls_of(laws.HOFFMANN_2022, C=[1e21], width=16, sizes=15)
    plots.parabola(ax, bowl)
    true, found = (line.get_xdata()[0] for line in ax.lines[2:4])
    assert found / true == pytest.approx(1.047, abs=2e-3)


def test_misplaced_bottoms_have_a_line_for_each_law_method_and_middle(ax):
    shifts = simulate.misplaced({"Hoffmann": laws.HOFFMANN_2022}, widths=(8, 16))
    plots.misplaced(ax, shifts)
    assert len(ax.lines) == 4
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Hoffmann", "cubics"]


def test_exponents_stand_beside_each_other_by_way_of_counting(ax):
    table = pd.DataFrame({"a": [0.5, 0.7], "low": [0.4, 0.6], "high": [0.6, 0.8]}, index=["all", "N"])
    plots.exponents(ax, {"one": table, "two": table})
    assert [text.get_text() for text in ax.get_yticklabels()] == ["all", "N"]
    assert len(ax.containers) == 2


def test_a_walk_has_a_line_for_each_column(ax):
    plots.walk(ax, pd.DataFrame({"A": [0.8, 0.5], "B": [0.7, 0.5]}, index=["before", "after"]))
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0.8, 0.5], [0.7, 0.5]]


def test_middles_draw_the_larger_size_filled(ax):
    part = pd.DataFrame({"N": [1, 1, 2, 2], "part": [0.5, 0.25] * 2, "excess": [0.1, 0.2, 0.3, 0.4]})
    plots.middles(ax, {"cosine": part})
    small, large = ax.lines
    assert small.get_ydata().tolist() == [20, 10]
    assert (small.get_markerfacecolor(), large.get_markerfacecolor()) == ("none", plots.BLUE)


def test_bends_have_a_line_for_each_vocabulary_that_ends_at_the_old_exponent(ax):
    plots.bends(ax, laws.BESIROGLU_2024, (256, 8192), aspect=16)
    assert [line.get_label() for line in ax.lines] == ["V = 256", "V = 8,192"]
    for line in ax.lines:
        assert line.get_ydata()[-1] == pytest.approx(laws.BESIROGLU_2024.a, abs=0.01)


def test_repeated_worth_has_points_and_a_line_per_size(ax):
    last = pd.DataFrame({"N": [1e4, 1e4, 1e5], "epochs": [2.0, 4.0, 4.0], "worth": [2.0, 3.9, 3.5]})
    known = laws.MUENNIGHOFF_2023
    fits = {N: (lambda epochs: known.effective_tokens(D=epochs, U=1.0)) for N in (1e4, 1e5)}
    plots.repeated_worth(ax, last, fits, paper=known)
    assert len(ax.lines) == 2 + 2 * 2
    assert ax.lines[1].get_ydata()[-1] == pytest.approx(known.effective_tokens(D=4.0, U=1.0))


def test_constants_by_size_keep_their_intervals(ax):
    table = pd.DataFrame({"N": [1e3, 1e4], "R_D": [30.0, 10.0], "low": [20.0, 8.0], "high": [50.0, 12.0]})
    plots.constants_by_size(ax, table, {}, paper=15.4)
    (bars,) = ax.collections
    assert np.allclose([s[:, 1] for s in bars.get_segments()], [[20, 50], [8, 12]])


def test_lines_of_overtraining_are_parallel(ax):
    law = laws.GADRE_2024_C4
    N, M = (x.ravel() for x in np.meshgrid(np.geomspace(1e7, 1e9, 5), [20.0, 320.0]))
    runs = pd.DataFrame({"N": N, "D": M * N, "L": law(N=N, D=M * N)})
    plots.overtraining(ax, runs, law, M=[20, 320])
    slopes = [np.polyfit(*np.log(line.get_data()), 1)[0] for line in ax.lines]
    assert np.allclose(slopes, -law.eta)


def test_exponents_have_a_cloud_for_each_table(ax):
    draws = pd.DataFrame({"alpha": [0.2, 0.3], "beta": [0.25, 0.28]})
    plots.exponent_pairs(ax, {"N": draws, "N_total": draws + 0.1})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["N", "N_total", "equal"]


def test_schedules_leave_out_the_beginning(ax):
    plots.schedules(ax, {"constant": np.linspace(3, 2, 100)})
    assert ax.lines[0].get_xdata()[0] == 5


def test_a_bowl_of_rate_and_batch_has_its_runs_and_its_star(ax):
    lr, B = (x.ravel() for x in np.meshgrid(1e-3 * 2.0 ** np.arange(5), 128.0 * 2.0 ** np.arange(4)))
    rise = 0.03 * np.log(lr / 4e-3) ** 2 + 0.02 * np.log(B / 300) ** 2
    cell = pd.DataFrame({"lr": lr, "B": B, "L": 2 * np.exp(rise)})
    plots.rate_bowl(ax, cell, bowl.bowl(cell, n=20))
    cloud, star = ax.lines
    assert [float(v[0]) for v in star.get_data()] == pytest.approx([4e-3, 300])
    assert len(cloud.get_xdata()) == 20


def test_ridges_are_in_units_of_the_best_rate_and_batch(ax):
    best = pd.DataFrame({"N": 1e4, "D": 1e6, "B": [100.0, 200.0, 400.0], "lr": [1e-3, 2e-3, 2e-3]})
    cells = pd.DataFrame({"N": [1e4], "D": [1e6], "lr": [2e-3], "B": [200.0]})
    plots.ridges(ax, best, cells, slope=1.0, until=1)
    line, law = ax.lines
    assert line.get_xdata().tolist() == [0.5, 1, 2]
    assert line.get_ydata().tolist() == [0.5, 1, 1]
    assert law.get_ydata().max() == pytest.approx(1)


def test_laws_of_the_rate_stand_at_their_exponents_with_intervals_where_there_are_any(ax):
    ends = {
        "N_low": [np.nan, -0.5],
        "N_high": [np.nan, -0.3],
        "D_low": [np.nan, 0.0],
        "D_high": [np.nan, 0.2],
    }
    table = pd.DataFrame({"p_N": [-0.7, -0.4], "p_D": [0.3, 0.1], **ends}, index=["paper", "ours"])
    plots.rate_exponents(ax, table.assign(colour=[plots.ORANGE, plots.BLUE]))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1 paper", "2 ours"]
    bars = ax.containers[1].lines[2]
    assert np.allclose(bars[0].get_segments()[0], [[-0.5, 0.1], [-0.3, 0.1]])


def test_best_steps_have_their_formula_and_its_limits(ax):
    best = pd.DataFrame({"B": [100.0, 400.0], "lr": [0.1, 0.25]})
    plots.best_steps(ax, best, 0.5, 400.0)
    _, law, diagonal, level = ax.lines
    assert np.interp(400, *law.get_data()) == pytest.approx(0.25, rel=1e-3)
    assert diagonal.get_ydata()[0] == pytest.approx(0.5 * 50 / 400)
    assert level.get_ydata()[0] == 0.5
