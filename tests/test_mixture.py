"""Gains of experts are found where they are known."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import mixture
from scalinglab.laws import CLARK_2022, LUDZIEJEWSKI_2025

N, E = (x.ravel() for x in np.meshgrid([1e7, 1e8, 1e9], [1, 1, 4, 4, 16, 16, 64, 64], indexing="ij"))


def simulated(*, noise=0.0, seed=0):
    L = CLARK_2022(N=N, n_experts=E) * np.exp(np.random.default_rng(seed).normal(0, noise, len(N)))
    return pd.DataFrame({"N_active": N, "n_experts": E, "L": L})


def test_the_slope_is_that_of_the_law():
    found = mixture.gains(simulated())
    assert found["slope"].to_numpy() == pytest.approx(CLARK_2022.b + CLARK_2022.c * np.log10(found["N"]))


def test_intervals_of_slopes_and_of_c_hold_the_truth_as_often_as_they_say():
    held, slopes = [], []
    for seed in range(200):
        runs = simulated(noise=0.003, seed=seed)
        c = mixture.shrinking(runs)
        held.append(c.low < CLARK_2022.c < c.high)
        found = mixture.gains(runs)
        truth = CLARK_2022.b + CLARK_2022.c * np.log10(found["N"])
        slopes += list((found["low"] < truth) & (truth < found["high"]))
    assert 0.9 < np.mean(held) < 0.99
    assert 0.92 < np.mean(slopes) < 0.98


def test_a_line_through_exact_slopes_is_c():
    assert mixture.trend(mixture.gains(simulated())).value == pytest.approx(CLARK_2022.c)


def test_released_runs_are_recorded_with_three_routers_and_six_sizes(monkeypatch):
    monkeypatch.delenv("SCALINGLAB_MIRROR", raising=False)
    monkeypatch.setattr(mixture.published, "at_hand", lambda name: False)
    found, told = mixture.clark_gains()
    assert told == "recorded fit of the released runs"
    assert found.groupby("router").size().to_dict() == dict.fromkeys(mixture.ROUTERS, 6)
    base = found[found["router"] == "S-Base"]
    law = CLARK_2022.b + CLARK_2022.c * np.log10(base["N"])
    assert np.allclose(base["slope"], law, atol=0.0025), "the printed law is of these runs"
    assert (found["slope"] < 0).all()


def test_what_is_recorded_is_what_the_released_runs_give():
    if not mixture.published.at_hand("clark_routing"):
        pytest.skip("the released runs are not at hand")
    found, _ = mixture.clark_gains()
    recorded = pd.read_csv(mixture.GAINS)
    pd.testing.assert_frame_equal(found[list(recorded)], recorded, rtol=1e-5)


def test_the_dense_model_of_a_law_has_the_loss_of_the_mixture():
    found = mixture.by_law(CLARK_2022, [2e7, 1e9])
    assert np.allclose(CLARK_2022(N=found["N_dense"], n_experts=1), found["L"])
    assert found.loc[found["n_experts"] == 1, "N_dense"].to_numpy() == pytest.approx([2e7, 1e9])
    assert found["N_all"].max() == pytest.approx(1e9 * (1 + 511 * mixture.SHARE))


def test_dense_worth_is_monotone_and_does_not_extrapolate():
    dense = pd.DataFrame({"N": [1e4, 1e5, 1e6, 1e6], "L": [2.0, 1.6, 1.3, 1.3]})
    found = mixture.dense_worth(np.linspace(1.31, 1.99, 50), dense)
    assert (np.diff(found) < 0).all()
    assert np.isnan(mixture.dense_worth([1.2, 2.1], dense)).all()


def test_the_bill_is_reckoned_against_the_dense_twin():
    runs = pd.DataFrame(
        {
            "N_active": 1e4,
            "n_experts": [1, 1, 4, 4],
            "N": [1e4, 1e4, 3e4, 3e4],
            "C": [1.0, 1.0, 1.02, 1.02],
            "D": 8e5,
            "L": [2.0, 2.0, 1.8, 1.8],
        }
    )
    dense = pd.DataFrame({"N": [1e4, 2e4, 4e4], "L": [2.0, 1.8, 1.62]})
    found = mixture.bill(runs, dense).loc[(1e4, 4)]
    assert found[["N_all", "C", "D_each", "L", "worth"]].tolist() == pytest.approx([3, 1.02, 2e5, 1.8, 2])
    assert found["gain"] == pytest.approx(100 * np.log(2 / 1.8))


def test_numbers_are_those_of_the_bill():
    rows = []
    for size in (1e4, 2e4, 4e4):
        for n, L in ((1, 2.0), (2, 1.9), (4, 1.85)):
            for seed in (0, 1):
                rows.append((size, n, size * n, 1 + n / 100, 1e6, (size / 1e4) ** -0.1 * L, seed, 1.0))
    rows += [(1e4, 4, 4e4, 1.04, 1e6, 1.8, 0, rate) for rate in (0.5, 2.0)]
    names = ["N_active", "n_experts", "N", "C", "D", "L", "seed", "rate"]
    runs = pd.DataFrame(rows, columns=names)
    dense = pd.DataFrame({"N": [1e3, 1e6], "L": [3.0, 1.0]})
    found = mixture.numbers(runs, dense)
    assert found["gain-large"] == pytest.approx(100 * np.log(2 / 1.85))
    assert found["last-small"] == pytest.approx(100 * np.log(1.9 / 1.85))
    assert found["slow-small"] == pytest.approx(100 * np.log(1.85 / 1.8))
    assert "slow-large" not in found
    assert found["apart"] == pytest.approx(0, abs=1e-9)


def test_gains_shrink_at_fixed_tokens_by_both_laws_and_not_in_step_with_size():
    N = np.array([1.3e8, 4e8, 1.3e9])
    for law, tokens in ((CLARK_2022, None), (LUDZIEJEWSKI_2025, 1.3e11)):
        change = mixture.change(law, N=N, D=tokens)
        assert (change < 0).all()
        assert (np.diff(change) > 0).all()
    assert (np.diff(mixture.change(LUDZIEJEWSKI_2025, N=N, D=20 * N)) < 0).all()


def test_a_single_expert_saves_nothing_and_more_save_more():
    saved = [mixture.saved(LUDZIEJEWSKI_2025, C=1e20, n=n) for n in (1, 4, 16)]
    assert saved[0] == pytest.approx(1, abs=1e-6)
    assert saved[0] < saved[1] < saved[2]
