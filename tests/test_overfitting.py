"""The lowest losses are found, and a known law's exponent of enough data."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import overfitting
from scalinglab.laws import Chinchilla, SizeDataLaw

LAW = SizeDataLaw(N_c=4e5, D_c=4e6, alpha_N=0.13, alpha_D=0.16)


def test_the_lowest_loss_counts_over_runs_and_evaluations():
    runs = pd.DataFrame({"N": 1e4, "U": [1e5, 1e5, 1e6], "L": [2.0, 2.3, 1.7], "L_best": [2.0, 1.9, 1.7]})
    found = overfitting.stopped_early(runs.assign(D_best=[1e5, 8e5, 1e6]))
    assert found["L"].tolist() == [1.9, 1.7]
    assert found["epochs"].tolist() == [8.0, 1.0]


@pytest.fixture
def grid():
    """Five sizes on ten amounts of data, without noise; the last amount is plenty."""
    N, U = (x.ravel() for x in np.meshgrid(np.geomspace(1e4, 1e6, 5), np.geomspace(1e4, 1e10, 150)))
    return pd.DataFrame({"N": N, "U": U, "L": LAW(N=N, D=U)})


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2])
def test_enough_data_is_what_the_joint_law_says(grid, share):
    found = overfitting.enough_data(grid, plenty=9e9, share=share)
    assert found.law.p == pytest.approx(LAW.alpha_N / LAW.alpha_D, rel=0.01)
    assert found.law(N=1e5) == pytest.approx(LAW.enough_data(N=1e5, excess=share), rel=0.02)
    assert len(found.points) == 5


def test_enough_data_holds_the_truth_in_its_interval_under_noise(grid):
    few = grid[grid.U.isin(np.sort(grid.U.unique())[::12])]
    noise = 0.003 * np.random.default_rng(1).standard_normal(len(few))
    found = overfitting.enough_data(few.assign(L=few.L * np.exp(noise)), plenty=1e9)
    assert found.band.low < LAW.alpha_N / LAW.alpha_D < found.band.high


def test_sizes_that_lack_nothing_are_left_out_and_too_few_are_refused(grid):
    small = grid.assign(L=np.where(grid.N < 2e4, 2.0, grid.L))
    assert len(overfitting.enough_data(small, plenty=9e9).points) == 4
    with pytest.raises(ValueError, match="3 sizes reach an excess of"):
        overfitting.enough_data(small[small.N > 5e4], plenty=9e9)


def test_a_size_without_plenty_is_named(grid):
    with pytest.raises(ValueError, match="N=10000"):
        overfitting.excess(grid[(grid.N > 2e4) | (grid.U < 1e9)], plenty=9e9)


def test_joint_exponents_hold_the_truth_in_their_intervals(grid):
    few = grid[grid.U.isin(np.sort(grid.U.unique())[:100:12])]
    noise = 0.005 * np.random.default_rng(2).standard_normal(len(few))
    found = overfitting.joint_exponents(few.assign(L=few.L * np.exp(noise)), n=300)
    truth = pd.Series({"alpha_N": 0.13, "alpha_D": 0.16, "p": 0.13 / 0.16})
    assert (found.low < truth).all()
    assert (truth < found.high).all()


def test_a_law_predicts_its_own_hidden_points_and_the_wrong_one_does_not(grid):
    few = grid[grid.U.isin(np.sort(grid.U.unique())[:100:12])]
    wrong = overfitting.unseen(
        {"joint": SizeDataLaw, "sum": Chinchilla}, few, {"largest": few.N == few.N.max()}
    )
    assert wrong.loc["largest", "joint"] < 0.01
    assert wrong.loc["largest", "sum"] > 1


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match="L_best"):
        overfitting.stopped_early(pd.DataFrame({"N": [1.0], "U": [1.0], "D_best": [1.0]}))
