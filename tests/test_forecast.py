"""Fits to small budgets predict larger ones, and say by how much they missed."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import laws, runs, simulate
from scalinglab.forecast import forecasts, lowest, sizes


@pytest.fixture(scope="module")
def bowls():
    return simulate.bowls_of(laws.BESIROGLU_2024, C=np.geomspace(1e18, 1e21, 7), width=4)


def test_a_fit_of_the_right_form_is_right_at_any_reach(bowls):
    found = forecasts(laws.Chinchilla, bowls, bowls, least=4, n=20)
    assert found["off"].abs().max() < 1e-3
    assert found["reach"].max() == pytest.approx(10**1.5)
    assert found["fit_error"].max() < 1e-5


def test_only_budgets_up_to_the_fitted_one_are_seen(bowls):
    spoilt = bowls.assign(L=bowls["L"] * np.where(bowls["budget"] < 1e20, 1.0, 1.1))
    found = forecasts(laws.Chinchilla, spoilt, bowls, least=4, n=0)
    before = found["fitted"] < 1e20
    assert found.loc[before, "off"].abs().max() < 1e-3 < found.loc[~before, "fit_error"].min()
    assert not found["held"].any()  # no intervals were asked for


def test_too_few_budgets_are_refused(bowls):
    with pytest.raises(ValueError, match="7 budgets, but the first fit is of 8"):
        forecasts(laws.Chinchilla, bowls, bowls, least=8)


def test_the_lowest_size_of_our_own_bowls():
    table = runs.load("isoflop")
    found = lowest(table)
    means = table.groupby(["budget", "N"])["L"].mean()
    assert found["L"].tolist() == means.groupby("budget").min().tolist()
    assert isinstance(found, pd.DataFrame)
    assert found["N"].is_monotonic_increasing


def test_best_sizes_are_forecast_without_error_where_there_is_no_noise(bowls):
    found = sizes(bowls, least=4, n=20)
    assert np.allclose(found["ratio"], 1, atol=1e-3)
    assert len(found) == 3 + 2 + 1
    assert (found["low"] <= found["high"]).all()
