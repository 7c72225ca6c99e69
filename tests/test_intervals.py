"""The bootstrap against fits of tables that were really resampled, and the intervals drawn from it."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from scalinglab import fit, intervals
from scalinglab.laws import BESIROGLU_2024, Chinchilla, SizeLaw, StepLaw


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(3)
    N, D = np.exp(rng.uniform(np.log([[1e7], [1e9]]), np.log([[1e10], [1e12]]), (2, 60)))
    L = BESIROGLU_2024(N=N, D=D) * np.exp(0.01 * rng.standard_normal(60))
    return pd.DataFrame({"N": N, "D": D, "L": L})


@pytest.fixture(scope="module")
def fitted(runs):
    return fit.fit_law(Chinchilla, runs)


@pytest.fixture(scope="module")
def sure(fitted, runs):
    return fit.bootstrap(fitted, runs, n=200)


def test_cases_are_tables_of_runs_drawn_with_replacement(fitted, runs):
    drawn = fit.bootstrap(fitted, runs, n=4, seed=7).draws
    counts = np.random.default_rng(7).multinomial(60, np.full(60, 1 / 60), size=4)
    for row, count in zip(drawn.itertuples(index=False), counts, strict=True):
        table = runs.loc[runs.index.repeat(count)]
        again = fit.fit_law(Chinchilla, table).law
        np.testing.assert_allclose(row, [again.E, again.A, again.B, again.alpha, again.beta], rtol=1e-3)


def test_residuals_are_redrawn_around_the_law(fitted, runs):
    spread = fit.bootstrap(fitted, runs, n=200, method="residual").draws
    assert spread.median().to_numpy() == pytest.approx(
        [getattr(fitted.law, name) for name in spread.columns], rel=0.1
    )
    assert (spread.std() > 0).all()


def test_the_seed_decides_the_draws(fitted, runs, sure):
    assert fit.bootstrap(fitted, runs, n=200).draws.equals(sure.draws)
    assert not fit.bootstrap(fitted, runs, n=200, seed=1).draws.equals(sure.draws)


def test_a_higher_level_is_a_wider_interval(fitted, runs, sure):
    narrow = fit.bootstrap(fitted, runs, n=200, level=0.5)
    for name in sure.draws:
        assert sure.low[name] < narrow.low[name] < narrow.high[name] < sure.high[name]


def test_what_follows_from_the_law_has_an_interval(sure):
    low, high = sure.of(lambda law: law.a)
    a = sure.draws["beta"] / (sure.draws["alpha"] + sure.draws["beta"])
    np.testing.assert_allclose([low, high], a.quantile([0.025, 0.975]))
    best = sure.optimum(C=1e21)
    assert list(best["N"]) == pytest.approx(list(sure.of(lambda law: law.optimum(C=1e21)[0])))
    assert best["D"].low < best["D"].high


def test_predictions_have_bands_that_noise_widens(sure):
    one = sure.predict(N=1e9, D=1e11)
    assert isinstance(one.low, float)
    many = sure.predict(N=np.array([1e9, 1e10]), D=1e11)
    assert many.low.shape == (2,)
    assert many.low[0] == pytest.approx(one.low)
    noisy = sure.predict(N=1e9, D=1e11, noise=True)
    assert noisy.low < one.low < one.high < noisy.high
    truth = BESIROGLU_2024(N=1e9, D=1e11)
    assert one.low < truth < one.high
    assert np.log(noisy.high / noisy.low) == pytest.approx(4 * 0.01, rel=0.4)


def test_beyond_ten_times_the_largest_budget_it_warns(fitted, sure):
    assert fitted.largest_C < 1e23
    assert sure.predict(N=1e9, D=1e11).warnings == sure.warnings
    assert "times the largest budget" in sure.predict(N=1e12, D=1e14).warnings[-1]
    assert "times the largest budget" in sure.optimum(C=1e26)["N"].warnings[-1]
    assert fitted.extrapolation(C=1e26)
    assert not fitted.extrapolation(N=1e9, D=1e11)


def test_a_law_of_two_columns_keeps_its_pairs_together():
    rng = np.random.default_rng(0)
    law = StepLaw(k_lr=1.79, p_N=-0.713, p_D=0.307, k_B=0.58, p_B=0.571)
    N, D = np.exp(rng.uniform(np.log([[1e7], [1e9]]), np.log([[1e9], [1e11]]), (2, 40)))
    lr, B = law(N=N, D=D)
    noise = np.exp(0.05 * rng.standard_normal((2, 40)))
    table = pd.DataFrame({"N": N, "D": D, "lr": lr * noise[0], "B": B * noise[1]})
    found = fit.fit_law(StepLaw, table)
    assert list(found.residuals.columns) == ["lr", "B"]
    for method in intervals.METHODS:
        sure = fit.bootstrap(found, table, n=100, method=method, level=0.99)
        assert all(sure.low[name] < getattr(law, name) < sure.high[name] for name in sure.low)
        low, high = sure.predict(N=np.array([1e8, 1e9]), D=1e10)
        assert low.shape == high.shape == (2, 2)


def test_a_law_without_a_closed_optimum_says_so(runs):
    found = fit.fit_law(SizeLaw, runs)
    with pytest.raises(TypeError, match="no closed-form optimum"):
        fit.bootstrap(found, runs, n=2).optimum(C=1e20)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"level": 95}, "level is 95"),
        ({"method": "jackknife"}, "method is 'jackknife'"),
    ],
)
def test_options_out_of_range_are_named(fitted, runs, options, message):
    with pytest.raises(ValueError, match=message):
        fit.bootstrap(fitted, runs, **options)


def test_another_table_is_refused(fitted, runs):
    with pytest.raises(ValueError, match="59 rows, the fit 60"):
        fit.bootstrap(fitted, runs.iloc[1:])
    with pytest.raises(ValueError, match="not the table that was fitted"):
        fit.bootstrap(fitted, runs.assign(L=runs["L"] * 2))


def test_parts_of_80_percent_spread_half_as_far_as_tables_drawn_with_replacement(fitted, runs, sure):
    parts = fit.subsample(fitted, runs, n=400)
    assert parts.draws["alpha"].std() / sure.draws["alpha"].std() == pytest.approx(0.5, abs=0.15)
    assert parts.low["alpha"] < fitted.law.alpha < parts.high["alpha"]


def test_a_part_is_a_fit_of_four_fifths_of_the_runs(fitted, runs):
    drawn = fit.subsample(fitted, runs, n=2, seed=5).draws.iloc[0]
    kept = np.random.default_rng(5).permuted(np.tile(np.arange(60) < 48, (2, 1)), axis=1)[0]
    again = fit.fit_law(Chinchilla, runs[kept]).law
    assert drawn["alpha"] == pytest.approx(again.alpha, rel=1e-3)


def test_a_share_of_runs_lies_between_0_and_1(fitted, runs):
    with pytest.raises(ValueError, match=r"share is 80"):
        fit.subsample(fitted, runs, share=80)


def test_wilsons_interval_is_scipys():
    right = np.array([0, 1, 200, 400])
    low, high = intervals.wilson(right / 400, 400, level=0.9)
    for k, below, above in zip(right, low, high, strict=True):
        wanted = binomtest(int(k), 400).proportion_ci(0.9, method="wilson")
        assert (below, above) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
