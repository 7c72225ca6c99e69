"""What repetition costs is measured against fresh text, and the exponents of a known law are found."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import overfitting
from scalinglab.laws import SizeDataLaw

LAW = SizeDataLaw(N_c=4e5, D_c=4e6, alpha_N=0.13, alpha_D=0.16)


@pytest.fixture
def runs():
    """Three sizes on fresh text of four lengths, and each repeated four times at a known price."""
    N, D = (x.ravel() for x in np.meshgrid([1e4, 1e5, 1e6], [1e5, 4e5, 1.6e6, 6.4e6]))
    fresh = pd.DataFrame({"N": N, "U": D, "D": D, "L": LAW(N=N, D=D)})
    again = fresh[fresh.D > 1e5].assign(U=lambda t: t.D / 4)
    again["L"] *= 1 + 2 * again.N**0.8 / again.U
    return pd.concat([fresh, again], ignore_index=True).assign(L_best=lambda t: t.L)


def test_the_lowest_loss_counts_over_runs_and_evaluations():
    runs = pd.DataFrame({"N": 1e4, "U": [1e5, 1e5, 1e6], "L": [2.0, 2.3, 1.7], "L_best": [2.0, 1.9, 1.7]})
    found = overfitting.stopped_early(runs.assign(D_best=[1e5, 8e5, 1e6]))
    assert found["L"].tolist() == [1.9, 1.7]
    assert found["epochs"].tolist() == [8.0, 1.0]


def test_the_price_of_repetition_is_over_fresh_text_of_the_same_length(runs):
    found = overfitting.repetition(runs)
    assert len(found) == 9
    assert (found.epochs == 4).all()
    assert np.allclose(found.price, 2 * found.N**0.8 / found.U)


def test_fresh_runs_are_needed_on_both_sides(runs):
    with pytest.raises(ValueError, match="N=10000"):
        overfitting.repetition(runs[runs.U < 6e6])


def test_exponents_come_back_and_stay_in_their_intervals_under_noise(runs):
    exact = overfitting.price_of_size(overfitting.repetition(runs))
    assert (exact.in_N, exact.in_U, exact.p) == pytest.approx((0.8, 1.0, 0.8), rel=1e-6)
    assert exact(N=1e5, U=1e6) == pytest.approx(2 * 1e4 / 1e6)
    prices = overfitting.repetition(runs)
    prices["price"] *= np.exp(0.1 * np.random.default_rng(1).standard_normal(len(prices)))
    found = overfitting.price_of_size(prices)
    assert found.bands["p"].low < 0.8 < found.bands["p"].high


def test_a_price_that_is_no_price_is_refused(runs):
    prices = overfitting.repetition(runs)
    with pytest.raises(ValueError, match="price"):
        overfitting.price_of_size(prices.assign(price=-0.01))


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match="L_best"):
        overfitting.stopped_early(pd.DataFrame({"N": [1.0], "U": [1.0], "D_best": [1.0]}))
