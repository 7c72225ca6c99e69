"""Published measurements refitted: what must agree agrees; disagreement is told as such."""

import math
import os

import pandas as pd
import pytest
from typer.testing import CliRunner

from scalinglab import fit, laws, planning, replication
from scalinglab.__main__ import app
from scalinglab.replication import Comparison

needs_mirror = pytest.mark.skipif(
    not os.environ.get("SCALINGLAB_MIRROR"), reason="SCALINGLAB_MIRROR is not set"
)


@pytest.mark.parametrize(
    ("ours", "how", "verdict"),
    [
        (0.52, {"allowed": 0.03}, "agrees"),
        (0.54, {"allowed": 0.03}, "differs"),
        (0.54, {"low": 0.49, "high": 0.6}, "agrees"),
        (0.54, {"low": 0.51, "high": 0.6}, "differs"),
        (math.nan, {"allowed": 0.03}, "differs"),
        (0.5, {}, "differs"),
    ],
)
def test_verdicts(ours, how, verdict):
    assert Comparison(study="", quantity="a", paper=0.5, ours=ours, **how).verdict == verdict


@needs_mirror
@pytest.mark.parametrize("study", ["besiroglu", "hoffmann", "porian"])
def test_the_papers_own_method_gives_the_papers_numbers(study):
    found = replication.STUDIES[study]()
    assert len(found) == 5
    assert [(each.quantity, each.ours) for each in found if each.verdict == "differs"] == []
    assert all(each.required for each in found)


@needs_mirror
def test_epochs_points_are_240():
    points = replication.chinchilla_points()
    assert len(points) == 240
    assert points["L"].max() < 3.5


@needs_mirror
def test_step_laws_bowls_agree_but_for_the_data_exponent_of_the_rate():
    found = {each.quantity: each for each in replication.step_law(n=300)}
    assert found["lr, exponent of N"].verdict == "agrees"
    assert found["B, exponent of D"].verdict == "agrees"
    assert 0.15 < found["lr, exponent of D"].ours < 0.307


@needs_mirror
def test_a_repeated_token_is_worth_what_muennighoff_says():
    found = {each.quantity: each for each in replication.muennighoff(n=60)}
    for name in ("E", "alpha", "beta", "R_D"):
        assert found[name].verdict == "agrees"


@needs_mirror
def test_the_command_prints_the_table():
    result = CliRunner().invoke(app, ["check-published"])
    assert result.exit_code == 0
    assert "0 differ" in result.stdout
    for study in ("Besiroglu", "Hoffmann", "Porian", "Step Law", "Muennighoff"):
        assert study in result.stdout


def test_a_required_number_that_differs_fails_the_command(monkeypatch):
    wrong = Comparison(study="toy", quantity="a", paper=0.5, ours=0.7, allowed=0.1, required=True)
    monkeypatch.setattr(replication, "STUDIES", {"toy": lambda: [wrong]})
    result = CliRunner().invoke(app, ["check-published"])
    assert result.exit_code == 1
    assert "1 differ" in result.stdout


@needs_mirror
def test_the_recorded_draws_are_made_again():
    """Six digits are kept; a fit ends within its tolerance of the same place on any machine."""
    recorded = planning.recorded_draws(laws.BESIROGLU_2024)
    again = replication.besiroglu_draws()
    assert len(recorded) == 400
    for name in recorded:
        assert recorded[name].tolist() == pytest.approx(again[name].tolist(), rel=1e-3)


def test_the_recorded_draws_have_besiroglus_standard_errors():
    """Besiroglu et al. 2024, section 3: 0.03, 124.58, 1293.23, 0.02, 0.02 for E, A, B, alpha, beta."""
    draws = planning.recorded_draws(laws.BESIROGLU_2024)
    for name, printed in {"E": 0.03, "alpha": 0.02, "beta": 0.02}.items():
        assert draws[name].std() == pytest.approx(printed, abs=0.01)
    for name, printed in {"A": 124.58, "B": 1293.23}.items():
        assert draws[name].std() == pytest.approx(printed, rel=0.25)
    assert planning.recorded_draws(laws.HOFFMANN_2022) is None


def test_a_simulated_study_scatters_like_the_points():
    study = replication.simulated_study(4000, seed=1)
    off = (study["L"] / laws.BESIROGLU_2024(N=study["N"], D=study["D"]) - 1).abs()
    assert off.median() == pytest.approx(0.0032, abs=0.0003)
    assert study["N"].between(57e6, 16e9).all()


@needs_mirror
def test_the_points_scatter_as_the_study_says():
    points = replication.chinchilla_points()
    residuals = fit.fit_law(laws.Chinchilla, points, N="N_total").residuals
    assert residuals.abs().median() == pytest.approx(0.0032, abs=0.0002)
    assert residuals.std() == pytest.approx(0.0075, abs=0.0003)


def test_without_the_points_a_study_stands_in_and_says_so(monkeypatch):
    monkeypatch.setattr(replication.published, "at_hand", lambda name: False)
    table, told = replication.points_or_study()
    assert len(table) == 240
    assert "simulated" in told


@needs_mirror
def test_with_a_mirror_the_points_are_taken():
    table, told = replication.points_or_study()
    assert table["N"].equals(table["N_total"])
    assert "figure 4" in told


def test_the_recorded_stops_tell_the_story():
    """Best of 4500 on the mean: a = 0.45 and no minimum; on the sum: Besiroglu's refit."""
    stops = pd.read_parquet(replication.STOPS)
    assert stops["reduction"].value_counts().to_dict() == {"sum": 4500, "mean": 4500}
    best = stops.loc[stops.groupby("reduction")["excess"].idxmin()].set_index("reduction")
    assert best.loc["sum", "a"] == pytest.approx(0.5139, abs=1e-3)
    assert best.loc["sum", "excess"] < 1e-6
    assert best.loc["mean", "excess"] > 0.05


def test_parts_of_a_study_hold_the_truth_half_the_time_and_tables_as_often_as_they_say():
    found = replication.held(studies=40, n=100, draws=50)
    assert found["held"].iloc[0] < 0.7 < found["held"].iloc[2]
    assert found["width"].is_monotonic_increasing


def test_without_a_mirror_the_walk_is_the_printed_one(monkeypatch):
    monkeypatch.setattr(replication.published, "at_hand", lambda name: False)
    steps, told = replication.porian_walk()
    assert list(steps.columns) == ["OpenWebText2", "RefinedWeb"]
    assert steps.notna().all(axis=None)
    assert "refit" not in told


@needs_mirror
def test_with_a_mirror_the_walk_has_our_refit():
    steps, told = replication.porian_walk()
    off = steps["RefinedWeb, refitted"] - steps["RefinedWeb"]
    assert off.abs().max() < 0.03
    assert "refit" in told


def test_the_recorded_bowls_of_step_law_give_its_exponents(monkeypatch):
    monkeypatch.setattr(replication.published, "at_hand", lambda name: False)
    cells, ridges, told = replication.step_law_tuning()
    assert (len(cells), cells.runs.sum(), len(ridges)) == (17, 1911, 157)
    assert "recorded" in told
    found = replication.step_law_exponents(cells)
    assert found["lr"].low["N"] < laws.STEP_LAW_2025.p_N < found["lr"].high["N"]
    assert found["B"].low["D"] < laws.STEP_LAW_2025.p_B < found["B"].high["D"]
    assert found["lr"].high["D"] < laws.STEP_LAW_2025.p_D


@needs_mirror
def test_the_recorded_bowls_of_step_law_are_made_again():
    cells, ridges, told = replication.step_law_tuning()
    assert "1911 released runs" in told
    for again, path in ((cells, replication.BOWLS), (ridges, replication.RIDGES)):
        pd.testing.assert_frame_equal(again, pd.read_csv(path), rtol=1e-4, check_dtype=False)
