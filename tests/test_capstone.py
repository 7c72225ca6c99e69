"""The capstone: tasks, designs, forecasts, scores, the class, and the page that is handed in."""

import re

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from scalinglab import capstone, capstone_plots, classmates, laws, plots, report, runs
from scalinglab.capstone import Design, Forecast, Task

PAIRS = [("1.6k", 1e9), ("3.5k", 1e9), ("1.6k", 2e9), ("3.5k", 2e9), ("3.5k", 4e9), ("6k", 4e9)]
LAW = laws.Chinchilla(E=0.9, A=12, B=250, alpha=0.33, beta=0.48)


def simulated(budgets=(1e10, 1e11, 1e12), sizes=("6k", "25k", "113k"), noise=0.0):
    """Runs whose losses are those of `LAW`."""
    rows = [(C, *Task(budget=C).at(size)) for C in budgets for size in sizes]
    table = pd.DataFrame(rows, columns=["budget", "N", "D"])
    scatter = np.random.default_rng(0).standard_normal(len(table))
    return table.assign(L=LAW(N=table["N"], D=table["D"]) * np.exp(noise * scatter), C=table["budget"])


# --- the score ----------------------------------------------------------------------------------


def test_interval_score_is_width_plus_forty_times_the_miss_at_95_percent():
    assert capstone.interval_score(1.0, 2.0, 1.5) == pytest.approx(1.0)
    assert capstone.interval_score(1.0, 2.0, 2.1) == pytest.approx(1.0 + 40 * 0.1)
    assert capstone.interval_score(1.0, 2.0, 0.9) == pytest.approx(1.0 + 40 * 0.1)
    assert capstone.interval_score([1, 1], [2, 3], [1.5, 4], level=0.5).tolist() == [1, 2 + 4 * 1]


def test_interval_score_is_least_for_the_quantiles_that_are_believed_in():
    """Shorter, longer and shifted intervals all score worse in the mean, and half a pinball loss each end."""
    x = np.random.default_rng(0).standard_normal(200_000)
    low, high = np.quantile(x, [0.025, 0.975])

    def mean(a, b):
        return capstone.interval_score(np.full_like(x, a), np.full_like(x, b), x).mean()

    honest = mean(low, high)
    for factor, shift in ((0.5, 0), (0.8, 0), (1.3, 0), (2, 0), (1, 0.5), (0.05, 0)):
        assert mean(factor * low + shift, factor * high + shift) > honest
    pinball = sum(
        np.where(x < q, (1 - a) * (q - x), a * (x - q)).mean() for q, a in ((low, 0.025), (high, 0.975))
    )
    assert honest == pytest.approx(2 / 0.05 * pinball)


@pytest.mark.parametrize(("low", "high", "level"), [(2, 1, 0.95), (1, 2, 95), (1, 2, 0)])
def test_interval_score_refuses_what_is_no_interval(low, high, level):
    with pytest.raises(ValueError, match=r"low=|level="):
        capstone.interval_score(low, high, 1.5, level=level)


# --- task and design ------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"budget": -1}, {"budget": 1e6}, {"share": 25}, {"level": 95}])
def test_a_task_names_the_value_that_cannot_be(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}=.*; it is a share|trains nothing"):
        Task(**wrong)


def test_the_full_run_spends_the_budget():
    N, D = Task(budget=1e11).at("25k")
    table = runs.load("isoflop")
    row = table[(table["budget"] == 1e11) & (table["N"] == N)].iloc[0]
    assert D == pytest.approx(row["D"], rel=2e-3)
    assert "25k" in Task(budget=1e11).sizes


def test_a_design_counts_exactly_and_repeats_with_other_seeds():
    design = Design([*PAIRS, ("6k", 4e9)])
    table = design.table()
    assert design.cost == table["C"].sum() <= sum(C for _, C in design.runs)
    assert table["seed"].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert len({config.id for config in design.configs}) == 7


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([("7k", 1e9), *PAIRS], "run 0: no size '7k'.*1.6k"),
        ([("6k", -1e9), *PAIRS], "run 0: -1000000000.0 FLOPs; take a positive number"),
        ([("788k", 1e8), *PAIRS], "1 of 7 runs are impossible"),
        (PAIRS[:5], "a design of 5 runs.*at least 6"),
        ([("1.6k", 1e9)] * 6, "take two budgets or more"),
        ([*PAIRS, ("6k", 2e10)], r"36 % more than 2.5e\+10.*leave out a run"),
    ],
)
def test_a_design_that_cannot_be_says_why_and_what_to_do(pairs, says):
    with pytest.raises((KeyError, ValueError), match=says):
        Design(pairs)


def test_a_design_is_trained_and_forgets_nothing(tmp_path):
    task = Task(budget=1e9, share=0.9)
    pairs = [("1.6k", 2.5e7), ("1.6k", 5e7), ("3.5k", 5e7)] * 2
    table = capstone.carry_out(Design(pairs, task), store=tmp_path)
    assert table["budget"].tolist() == [2.5e7, 5e7, 5e7] * 2
    assert table["L"].between(1, 6).all()
    assert len(list(tmp_path.glob("*.json"))) == 6
    full = capstone.train_full("1.6k", task, store=tmp_path)
    assert full["C"] == pytest.approx(1e9, rel=0.01)
    assert full["L"] < table["L"].min()


# --- forecasts ------------------------------------------------------------------------------------


def test_a_forecast_recovers_a_law_without_noise():
    task = Task(budget=1e13)
    found = capstone.predict(simulated(), task, Laws=[laws.Chinchilla], n=20)
    N, D = task.at(found.size)
    assert found.point == pytest.approx(LAW(N=N, D=D), rel=1e-4)
    assert found.size == capstone.best_size([LAW], task)


def test_two_forms_give_the_hull_of_their_intervals():
    table, task = simulated(noise=0.01), Task(budget=1e13)
    how = {"size": "197k", "n": 50}
    one = [capstone.predict(table, task, Laws=[Law], **how) for Law in (laws.Chinchilla, laws.SizeDataLaw)]
    both = capstone.predict(table, task, **how)
    assert both.low == pytest.approx(min(f.low for f in one))
    assert both.high == pytest.approx(max(f.high for f in one))
    assert both.point == pytest.approx(np.sqrt(one[0].point * one[1].point))
    assert [type(fit.law).__name__ for fit in both.fits] == ["Chinchilla", "SizeDataLaw"]


def test_the_seal_changes_with_every_number_and_not_with_the_words():
    said = Forecast(size="6k", point=1.8, low=1.7, high=1.9)
    same = Forecast(size="6k", point=1.8, low=1.7, high=1.9, how="by a law")
    other = Forecast(size="6k", point=1.8, low=1.7, high=1.90001)
    assert said.seal == same.seal != other.seal
    assert re.fullmatch("[0-9a-f]{8}", said.seal)


@pytest.mark.parametrize("ends", [(1.9, 1.8), (-1, 1.9), (1.7, float("inf")), (1.85, 1.9)])
def test_a_forecast_is_an_interval_around_its_point(ends):
    with pytest.raises(ValueError, match="state positive losses in this order"):
        Forecast(size="6k", point=1.8, low=ends[0], high=ends[1])


def test_the_naive_forecaster_goes_straight_on():
    table = simulated(sizes=("25k",)).assign(L=[3.0, 2.0, 1.5])
    line = capstone.naive(table, Task(budget=1e13), size="25k")
    assert line.point == pytest.approx(1.5 * 1.5 / 2)
    assert line.high == pytest.approx(1.5)
    assert line.low * line.high == pytest.approx(line.point**2)
    flat = capstone.naive(table.assign(L=[2.0, 1.5, 1.6]), Task(budget=1e13), size="25k")
    assert flat.high / flat.low == pytest.approx(np.exp(0.02))
    with pytest.raises(ValueError, match="a line needs two"):
        capstone.naive(table[:1], size="25k")


def test_a_grade_does_not_depend_on_the_unit_of_the_loss():
    mine, line = (Forecast(size="6k", point=m, low=0.95 * m, high=1.05 * m) for m in (1.8, 1.9))
    bits = [
        Forecast(size="6k", point=f.point / np.log(2), low=f.low / np.log(2), high=f.high / np.log(2))
        for f in (mine, line)
    ]
    a, b = capstone.grade(mine, 1.7, line), capstone.grade(*[bits[0], 1.7 / np.log(2), bits[1]])
    assert (a.score, a.naive, a.off, a.width) == pytest.approx((b.score, b.naive, b.off, b.width))
    assert not a.held
    assert a.ratio == pytest.approx(a.score / a.naive)
    with pytest.raises(ValueError, match="a loss is a positive number"):
        capstone.grade(mine, -1.0, line)


def test_the_best_size_costs_nothing_and_sizes_without_runs_are_refused():
    prices = {size: capstone.price_of_size(size) for size in Task().sizes}
    assert min(prices.values()) == 0
    with pytest.raises(ValueError, match="no recorded run of 788k"):
        capstone.price_of_size("788k")


# --- the class ------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [classmates.SMALL, classmates.LARGE])
def test_designs_of_the_class_keep_the_rules(task):
    pool, rng = classmates.pool(task), np.random.default_rng(0)
    for _ in range(20):
        drawn = classmates.design(pool, task, rng)
        assert 0.79 * task.allowed < drawn["C"].sum() <= task.allowed
        assert len(drawn) >= capstone.FEWEST
        assert not drawn.duplicated(["budget", "N"]).any()
        known = classmates.traits(drawn, task)
        assert known["reach"] >= 1 / task.share
        assert 0 <= known["bowls"] <= known["budgets"]


def test_a_bowl_turns_if_its_lowest_run_has_neighbours():
    table = simulated(budgets=(1e10, 1e11), sizes=("3.5k", "6k", "25k"))
    table["L"] = [2.0, 1.9, 2.1, 1.9, 1.8, 1.7]
    assert classmates.traits(table, Task(budget=1e12))["bowls"] == 1


def test_the_recorded_class_is_what_is_played():
    table = runs.load("capstone_class")
    again = classmates.play([classmates.LARGE], n=1)
    first = table[(table["task"] == 1e13) & (table["mate"] == 0)].reset_index(drop=True)
    pd.testing.assert_frame_equal(first, again, rtol=1e-3, check_dtype=False)
    assert set(table["by"]) == {"Chinchilla", "Kaplan", "both", "line"}


def test_both_forms_hold_whatever_one_of_them_holds():
    scored = classmates.score(runs.load("capstone_class"))
    wide = scored.pivot_table(index=["task", "mate", "full"], columns="by", values="held", aggfunc="first")
    assert (wide["both"] | ~(wide["Chinchilla"] | wide["Kaplan"])).all()
    found = classmates.summary(scored, ["task", "full", "by"])
    assert ((found["low"] <= found["held"]) & (found["held"] <= found["high"])).all()
    assert classmates.summary(scored, ["by"]).index.name == "by"


# --- the page -------------------------------------------------------------------------------------

ANSWERS = {
    "form": "One with a floor & one without, because they err to opposite sides.",
    "settings": "By the nano law of the book, which was not tuned below 6 k.",
    "points": "All runs, their last step only, decided before training <them>.",
    "uncertainty": "Seeds and constants, and the two forms; no third form.",
}


@pytest.fixture(scope="module")
def handed_in():
    design = Design(PAIRS)
    table = design.table()
    table["L"] = LAW(N=table["N"], D=table["D"])
    said = capstone.predict(table, design.task, n=20)
    line = capstone.naive(table, design.task, size=said.size)
    grade = capstone.grade(said, 1.75, line)
    return {"design": design, "table": table, "forecast": said, "reference": line, "grade": grade}


def test_a_report_holds_everything_and_needs_nothing(handed_in, tmp_path):
    made = report.report(**handed_in, answers=ANSWERS, author="A. Student", remark="Better than half.")
    path = made.write(tmp_path / "report.html")
    page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    text = page.get_text(" ", strip=True)
    said, grade = handed_in["forecast"], handed_in["grade"]
    for part in (said.seal, f"{said.point:.4f}", f"{grade.score:.1f}", f"{grade.L:.4f}", "Better than half."):
        assert part in text
    for answer in ANSWERS.values():
        assert answer in text
    assert not page.find_all(["script", "link", "img", "iframe"])
    assert "http" not in path.read_text("utf-8")
    assert page.html["lang"] == "en"
    assert page.svg["role"] == "img"
    assert all(th.get("scope") for th in page.find_all("th"))
    assert [h.get_text()[0] for h in page.find_all("h2")] == list("123456")
    assert "prefers-color-scheme: dark" in path.read_text("utf-8")
    assert "srcdoc" in made._repr_html_()
    assert len(repr(made)) < 100
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("lazy", ["", "  ", "todo", "as in the book", "..."])
def test_a_report_with_an_open_question_is_refused(handed_in, lazy):
    with pytest.raises(ValueError, match=r"1 questions? waits?.*\n  points: Which runs"):
        report.report(**handed_in, answers=ANSWERS | {"points": lazy}, author="A. Student")


def test_a_report_needs_an_author_known_questions_and_the_name_of_a_page(handed_in, tmp_path):
    with pytest.raises(ValueError, match="author is empty"):
        report.report(**handed_in, answers=ANSWERS, author=" ")
    with pytest.raises(KeyError, match="asked are form"):
        report.report(**handed_in, answers=ANSWERS | {"fun": "It was fun to do it."}, author="A. Student")
    made = report.report(**handed_in, answers=ANSWERS, author="A. Student")
    with pytest.raises(ValueError, match=r"name it \.html"):
        made.write(tmp_path / "report.txt")


# --- figures --------------------------------------------------------------------------------------


def test_forecasts_stand_beside_the_runs(handed_in):
    _, (ax,) = plots.axes()
    said = {"both": handed_in["forecast"], "line": handed_in["reference"]}
    capstone_plots.told(ax, handed_in["table"], said, C=1e11)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["sweep", "both", "line"]
    assert ax.get_ylim()[0] < said["line"].low


def test_scores_and_coverage_are_drawn_for_every_forecaster():
    scored = classmates.score(runs.load("capstone_class"))
    found = classmates.summary(scored, ["full", "by"])
    _, (left, right) = plots.axes(2)
    capstone_plots.coverage(left, found)
    capstone_plots.scores(right, scored[scored["full"] == 1e11], mine=60.0)
    assert left.get_ylim()[0] < found["low"].min()
    assert len(right.get_lines()) == 5
    curve = right.get_lines()[0].get_ydata()
    assert curve[-1] == 1
    assert (np.diff(curve) >= 0).all()


def test_the_chart_says_what_held_among_the_chosen_designs():
    scored = classmates.score(runs.load("capstone_class"))
    small = scored[scored["full"] == 1e11]
    chart = capstone_plots.class_chart(small).to_dict()
    reaches = np.sort(small["reach"].unique())
    assert {p["name"]: p["value"] for p in chart["params"]} == {"by": "Chinchilla", "level": len(reaches) - 1}
    says = {
        (row["by"], row["at"]): row["says"]
        for rows in chart["datasets"].values()
        for row in rows
        if "says" in row
    }
    assert len(says) == 4 * len(reaches)
    one = small[small["by"] == "Chinchilla"]
    assert (
        f"{len(one)} designs, {100 * one['held'].mean():.0f} % held" in says["Chinchilla", len(reaches) - 1]
    )
