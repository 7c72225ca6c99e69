"""Elbow: the fitter finds known truths, its intervals behave, and forecasts use models at chance only."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import betabinom, binom

from scalinglab import elbow
from scalinglab.laws import EmergenceLaw

AMOUNTS = (100, 600, 4000)
LAW = elbow.moved(few_shot=1.1, most=1.6, alpha=1.0, amounts=AMOUNTS)
QUIET = {"offset": 0.002, "rho": 0.001}


@pytest.fixture(scope="module")
def quiet():
    table = elbow.simulated(LAW, elbow.TRIED, AMOUNTS, seed=1, **QUIET)
    return table, elbow.joint(table, chance=LAW.chance)


def test_the_likelihood_is_the_beta_binomial():
    rho, n = np.array([0.05, 0.3]), 40
    table = elbow.log_likelihood([0, 7, 40], n, rho=rho)
    p, weight = 11 / n, (1 - rho) / rho
    wanted = [betabinom(n, p * w, (1 - p) * w).logpmf([0, 7, 40]) for w in weight]
    known = np.array([betabinom(n, 1, 1).logpmf(y) for y in (0, 7, 40)])  # only the coefficient is left out
    coefficient = np.array([binom.logpmf(y, n, 0.5) - n * np.log(0.5) for y in (0, 7, 40)])
    assert np.allclose(known, -np.log(n + 1))
    assert np.allclose(table[:, 10, :] + coefficient[:, None], np.transpose(wanted))


def test_little_scatter_is_nearly_binomial():
    table = elbow.log_likelihood([7], 40, rho=np.array([1e-7]))
    differences = table[0, 9, 0] - table[0, 19, 0]
    assert differences == pytest.approx(binom.logpmf(7, 40, 0.25) - binom.logpmf(7, 40, 0.5), abs=1e-3)


def test_the_truth_is_found_without_scatter(quiet):
    _, found = quiet
    assert found.value == pytest.approx(1.1, abs=0.06)
    assert found.low < 1.1 < found.high
    assert not found.open
    for k in AMOUNTS:
        assert found.at(k)[0] == pytest.approx(float(LAW.elbow(n_examples=k)), abs=0.02)
    assert float(found.law.elbow(n_examples=600)) == pytest.approx(found.at(600)[0], abs=0.03)


def test_the_same_seed_gives_the_same_numbers(quiet):
    table, found = quiet
    again = elbow.joint(table.sample(frac=1, random_state=0), chance=LAW.chance)
    assert again.value == pytest.approx(found.value, abs=0.02)
    assert elbow.joint(table, chance=LAW.chance).draws.equals(found.draws)


def test_the_ceiling_does_not_bend_the_elbow():
    """Accuracies that stay at 1 far beyond the elbow are no reason for a flatter rise."""
    L = np.linspace(1.2, 1.8, 31)
    table = pd.DataFrame({"pretraining": range(31), "L": L, "n": 400})
    found = elbow.single(table.assign(exact=np.clip(10 * (1.6 - L), 0, 1)), chance=0.0)
    assert found.value == pytest.approx(1.6, abs=0.02)
    assert found.law.slope == pytest.approx(10, rel=0.3)


def test_a_skill_that_nobody_has_leaves_the_elbow_open():
    table = pd.DataFrame({"pretraining": range(12), "L": np.linspace(1.2, 1.8, 12), "exact": 0.0, "n": 400})
    found = elbow.single(table, chance=0.001)
    assert found.open
    assert found.high < 1.25


def test_scatter_widens_the_interval(quiet):
    table = elbow.simulated(LAW, elbow.TRIED, AMOUNTS, seed=1, offset=0.04, rho=0.1)
    wide = elbow.joint(table, chance=LAW.chance)
    assert wide.high - wide.low > 1.3 * (quiet[1].high - quiet[1].low)


def test_impossible_tables_are_refused(quiet):
    table, _ = quiet
    with pytest.raises(ValueError, match="at least two are needed, all above n_0=5"):
        elbow.joint(table[table.k == 600], chance=0.0)
    with pytest.raises(ValueError, match="n_0=200"):
        elbow.joint(table, chance=0.0, n_0=200)
    with pytest.raises(ValueError, match="it must be one number"):
        elbow.joint(table.assign(n=np.where(table.k > 200, 400, 100)), chance=0.0)


def test_a_round_knee_lies_above_the_corner():
    sharp, round_ = (
        elbow.simulated(LAW, elbow.TRIED, [600], seed=3, soft=soft, **QUIET) for soft in (0.0, 0.05)
    )
    assert round_.exact.mean() > sharp.exact.mean()


@pytest.fixture
def study():
    """A world in which the best models, never fine-tuned, have the skill with a prompt."""
    every = pd.DataFrame({"L": np.geomspace(1.7, 1.0, 20), "C": np.geomspace(1e11, 1e13, 20), "N": 1, "D": 1})
    every["id"] = [f"{i:02d}" for i in range(20)]
    asked = elbow.simulated(LAW, every.rename(columns={"id": "pretraining"}), [5], subsets=1, **QUIET)
    ends = every.assign(brackets_exact=asked["exact"], S=9)
    curves = pd.concat([ends.assign(S=3, brackets_exact=0.9), ends])
    cheap = every[:18].rename(columns={"id": "pretraining"})
    runs = elbow.simulated(LAW, cheap, AMOUNTS, **QUIET).drop(columns="L").assign(skill="brackets")
    return elbow.prompted(every, curves, "brackets"), elbow.tuned(every, runs, "brackets")


def test_only_models_at_chance_are_fitted(study):
    few, tunings = study
    rows = elbow.still_at_chance(few, tunings, chance=LAW.chance)
    with_prompt = few.set_index("pretraining").exact[rows.pretraining.unique()]
    assert elbow.at_chance(with_prompt, chance=LAW.chance).all()
    assert rows.L.min() > 1.08
    fewer = elbow.still_at_chance(few, tunings, chance=LAW.chance, drop=2)
    assert fewer.pretraining.nunique() == rows.pretraining.nunique() - 2
    assert fewer.L.min() > rows.L.min()


def test_a_forecast_is_held_against_the_truth(study):
    few, tunings = study
    found = elbow.forecast(few, tunings, chance=LAW.chance, drops=(0, 3, 15))
    assert found["drop"].tolist() == [0, 3], "fifteen fewer leave too few models"
    assert found.true.iloc[0] == pytest.approx(1.1, abs=0.02)
    assert (found.low < found.true).all()
    assert (found.high > found.true).all()
    assert found.ahead.is_monotonic_increasing
    assert found.ahead.iloc[0] > 1


def test_without_a_truth_the_best_model_bounds_it(study):
    few, tunings = study
    none = few.assign(exact=0.0)
    found = elbow.forecast(none, tunings, chance=LAW.chance, drops=(0,))
    assert found.true.isna().all()
    assert found.reached.iloc[0] == few.L.min()


def test_a_price_lies_on_the_front():
    models = pd.DataFrame({"C": [1e10, 1e12, 1e11, 1e11], "L": [2.0, 1.62, 1.9, 1.8]})
    assert elbow.price(models, 1.9) == pytest.approx(10**10.5, rel=0.05)
    assert elbow.price(models, 1.5) > 1e12


def test_trials_are_of_their_case():
    found = elbow.trials("as the law says, 0.05 ahead", tables=1)
    assert found.true.tolist() == [1.2]
    assert isinstance(LAW, EmergenceLaw)


def test_places_are_those_of_each_amount_and_open_where_nobody_has_the_skill():
    L = np.array([1.8, 1.7, 1.6, 1.5, 1.4, 1.3])
    table = pd.DataFrame({"pretraining": list("abcdef"), "L": L, "n": 400})
    few = {"s": table.assign(exact=0.0)}
    tunings = pd.concat(
        [table.assign(exact=np.clip(3 * (at - L), 0, 1), k=k) for k, at in ((50, 1.5), (500, 1.7))]
    )
    found = elbow.places(few, {"s": tunings}, chance={"s": 0.0}).set_index("k")
    assert found.off.tolist() == [0, 2, 4]
    assert np.isnan(found.elbow[0])
    assert found.elbow[500] - found.elbow[50] == pytest.approx(0.2, abs=0.05)
    assert (found.low[50:] < found.elbow[50:]).all()
