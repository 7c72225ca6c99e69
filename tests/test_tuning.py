"""Trends through the bottoms of many bowls, and what a wrong learning rate costs."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import laws, runs, tuning
from scalinglab.experiments import NANO_LAW

H = np.array([[0.05, -0.03], [-0.03, 0.04]])
AT = {"N": 1e5, "D": 1e6}


def cell(N, D, *, noise=0.0, seed=0):
    """A grid of rates and batches around the best ones of a known law."""
    rate, batch = 3e-3 * (N / 1e5) ** -0.5 * (D / 1e6) ** 0.2, 400 * (D / 1e6) ** 0.5
    lr, B = (x.ravel() for x in np.meshgrid(rate * 2.0 ** np.arange(-3, 4), batch * 2.0 ** np.arange(-3, 4)))
    z = np.stack([np.log(lr / rate), np.log(B / batch)])
    rise = 0.5 * np.einsum("in,ij,jn->n", z, H, z)
    scatter = noise * np.random.default_rng(seed).normal(size=len(lr))
    return pd.DataFrame({"N": N, "D": D, "lr": lr, "B": B, "L": 2 * np.exp(rise + scatter)})


def study(**given):
    return pd.concat(cell(N, D, **given) for N in (1e4, 1e5, 1e6) for D in (1e6, 4e6))


def test_a_law_of_rate_and_batch_comes_back():
    found = tuning.rate_and_batch(tuning.bowls(study(), n=50), at=AT, n=50)
    assert found["lr"].k == pytest.approx(3e-3, rel=1e-6)
    assert found["lr"].exponents == pytest.approx({"N": -0.5, "D": 0.2}, abs=1e-6)
    assert found["B"].exponents == pytest.approx({"N": 0.0, "D": 0.5}, abs=1e-6)
    assert found["lr"].along({"N": 1, "D": 1})[0] == pytest.approx(-0.3, abs=1e-6)
    assert found["lr"].numbers("x")["x-N-low"] == found["lr"].low["N"]
    assert tuning.told(found)["value"].tolist() == pytest.approx([3e-3, -0.5, 0.2, 400, 0, 0.5], abs=1e-3)


def test_intervals_of_noisy_bowls_hold_the_law():
    hits = 0
    for seed in range(20):
        found = tuning.rate_and_batch(tuning.bowls(study(noise=0.003, seed=seed), n=200), at=AT, n=200)
        hits += found["lr"].low["N"] < -0.5 < found["lr"].high["N"]
        hits += found["lr"].low["D"] < 0.2 < found["lr"].high["D"]
    assert hits >= 34


def test_at_each_batch_the_best_rate_follows_the_tilt():
    best = tuning.best_along(cell(1e5, 1e6), by=["B"])
    slope = np.polyfit(np.log(best.B), np.log(best.lr), 1)[0]
    assert slope == pytest.approx(-H[0, 1] / H[0, 0], abs=1e-6)


def test_a_lowest_run_at_the_edge_is_no_best_rate():
    line = pd.DataFrame({"B": 256, "lr": [1e-3, 2e-3, 4e-3], "L": [1.0, 1.1, 1.2]})
    assert tuning.best_along(line, by=["B"]).empty


def test_cells_that_do_not_tell_size_from_data_are_refused():
    table = pd.DataFrame({"N": [1e4, 1e5, 1e6], "D": [2e5, 2e6, 2e7], "lr": [3e-3, 2e-3, 1e-3]})
    with pytest.raises(ValueError, match="do not tell N, D apart"):
        tuning.trend(table, "lr", at=AT)


def test_a_missed_rate_is_looked_up_beside_the_best_run():
    costs = tuning.missed(cell(1e5, 1e6))
    expected = np.expm1(0.5 * H[0, 0] * np.log(np.array([0.25, 0.5, 2, 4])) ** 2)
    assert list(costs.values()) == pytest.approx(expected.tolist(), rel=1e-6)


def test_cost_is_that_of_the_bowl():
    bottoms = pd.DataFrame({"lr": [3e-3], "B": [400.0], "rr": [H[0, 0]], "rb": [H[0, 1]], "bb": [H[1, 1]]})
    one = tuning.bowls(cell(1e5, 1e6), n=10)[1e5, 1e6]
    assert tuning.cost(bottoms, lr=6e-3, B=800)[0] == pytest.approx(one.cost(lr=6e-3, B=800.0), rel=1e-6)


def test_the_nano_law_is_the_trend_of_its_table():
    grid = tuning.by_length(runs.load("lr_batch"))
    found = tuning.rate_and_batch(tuning.bowls(grid, n=50), at={"N": 24_736, "D": 2e6}, n=50)
    for name, (k, p_N, p_D) in NANO_LAW.items():
        assert found[name].k == pytest.approx(k, rel=0.01)
        assert found[name].exponents == pytest.approx({"N": p_N, "D": p_D}, abs=0.006)


def test_exponents_have_intervals_only_where_they_were_fitted():
    step = laws.STEP_LAW_2025
    fit = tuning.trend(study().drop_duplicates(["N", "D"]).assign(lr=lambda t: t.N**-0.5), "lr", at=AT)
    table = tuning.exponents({"Step Law": (step.p_N, step.p_D)}, {"ours": fit})
    assert table.loc["Step Law"].notna().tolist() == [True, True] + [False] * 4
    assert table.loc["ours", "p_N"] == pytest.approx(-0.5)
    assert table.loc["ours"].notna().all()


def test_rules_are_priced_by_the_bowls_and_carried_without_their_prefactor():
    found = tuning.bowls(study(), n=10)
    cells = tuning.bottoms(found).assign(rr=H[0, 0], rb=H[0, 1], bb=H[1, 1])
    assert cells["inside"].all()

    def true(N, D):
        return 3e-3 * (N / 1e5) ** -0.5 * (D / 1e6) ** 0.2, 400 * (D / 1e6) ** 0.5

    rules = {"true": true, "twice": lambda N, D: (2 * true(N, D)[0], np.nan)}
    table = tuning.judged(rules, cells, found, begin=(1e4, 1e6), end=(1e6, 4e6))
    assert table.loc["true"].tolist() == pytest.approx([1, 0, 0, 1, 0], abs=5e-3)
    cost = 100 * np.expm1(0.5 * H[0, 0] * np.log(2) ** 2)
    assert table.loc["twice"].tolist() == pytest.approx([2, cost, cost, 1, 0], rel=5e-3, abs=1e-2)


def test_sides_split_at_the_best_batch_and_leave_out_short_runs():
    best = pd.DataFrame({"N": 1e4, "D": 1e6, "B": [100.0, 200.0, 240.0, 500.0], "lr": 1e-3})
    cells = pd.DataFrame({"N": [1e4], "D": [1e6], "B": [200.0]})
    small, large = tuning.sides(best, cells)
    assert (small["B"].tolist(), large["B"].tolist()) == ([100, 200], [240])


def test_three_seeds_of_the_recorded_runs_agree_within_a_factor_of_one_and_a_half():
    grid, more = (tuning.by_length(runs.load(name)) for name in ("lr_batch", "lr_repeats"))
    apart = tuning.agreement(grid, more)
    assert len(apart) == 6
    assert 1 < apart.min() < apart.max() < 1.5


def test_misses_have_a_row_for_each_cell():
    table = tuning.misses(study())
    assert table.shape == (6, 4)
    assert table["x4"].tolist() == pytest.approx([100 * np.expm1(0.5 * H[0, 0] * np.log(4) ** 2)] * 6)


def test_with_the_batch_held_the_rate_moves_by_the_tilt():
    held = tuning.with_batch_held({"own": tuning.best_along(study())})["own"]
    tilt = -H[0, 1] / H[0, 0]
    assert held.exponents == pytest.approx({"N": -0.5, "D": 0.2 - 0.5 * tilt, "B": tilt}, abs=1e-6)
