"""Many skills: their steps, their mean, and the exponents that a table with known ones gives back."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import quanta

S = np.geomspace(10, 1e5, 400)


def runs_of(widths, seeds, *, alpha=0.4, tasks=30, noise=0.0):
    """Simulated runs; with noise, each has an exponent of its own."""
    rng, tables = np.random.default_rng(0), []
    for width in widths:
        for seed in range(seeds):
            own = alpha * np.exp(noise * rng.standard_normal())
            table = quanta.simulate(alpha=own, tasks=tasks, S=S)
            tables.append(table.assign(id=f"{width}-{seed}", width=width, seed=seed))
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize("n", [0, 1, 17, 99])
def test_expected_loss_is_the_sum_over_the_unlearned(n):
    use = np.arange(1, 101) ** -1.4
    assert quanta.expected_loss(n=n, alpha=0.4, tasks=100) == pytest.approx(
        np.log(2) * use[n:].sum() / use.sum(), rel=1e-9
    )


def test_expected_loss_of_many_tasks_falls_as_the_power():
    n = np.array([100, 1000])
    one, ten = quanta.expected_loss(n=n, alpha=0.8, tasks=10_000_000)
    assert np.log10(one / ten) == pytest.approx(0.8, abs=0.005)


def test_means_weigh_by_use_and_count():
    table = pd.DataFrame(
        {"id": "a", "width": 8, "seed": 0, "S": 10, "task": [1, 2], "use": [0.75, 0.25], "L": [0.1, 0.6]}
    )
    (row,) = quanta.means(table).to_dict("records")
    assert (row["L"], row["n"], row["unlearned"]) == (pytest.approx(0.225), 1, 0.25)


def test_steps_and_sharpness_are_those_simulated():
    table = quanta.simulate(alpha=0.4, tasks=20, S=S, first=50, decades=0.3)
    found = quanta.learned(table)
    assert found["S"].to_numpy() == pytest.approx(50 * np.arange(1, 21) ** 1.4, rel=1e-3)
    assert found["decades"].to_numpy() == pytest.approx(np.full(20, 0.3), abs=1e-3)
    assert found["order"].tolist() == list(range(1, 21))


def test_what_is_not_learned_has_no_step():
    table = quanta.simulate(alpha=0.4, tasks=20, S=np.geomspace(10, 1000, 100), first=50)
    found = quanta.learned(table)
    assert found["S"].notna().sum() == int(20 ** (1 / 1.4))
    assert found["order"].isna().sum() == found["S"].isna().sum()


def test_a_fall_that_comes_back_counts_from_its_last_beginning():
    L = quanta.CHANCE * np.array([1.0, 0.7, 0.9, 0.4, 0.3, 0.1])
    begin, half, end = quanta.falls(np.arange(1.0, 7.0), L)
    assert 3 < begin < half < 4
    assert 5 < end < 6


def test_a_loss_that_is_low_from_the_start_has_no_crossing():
    assert np.isnan(quanta.falls(np.array([1.0, 2.0]), np.array([0.1, 0.1]))).all()


@pytest.mark.parametrize("alpha", [0.2, 0.4, 1.0])
def test_known_exponents_are_found_again(alpha):
    table = quanta.simulate(alpha=alpha, tasks=30, S=S)
    assert quanta.in_number(table, alpha=alpha).value == pytest.approx(alpha, rel=1e-6)
    found = quanta.in_steps(table, alpha=alpha)
    assert found.theory == pytest.approx(alpha / (1 + alpha))
    assert found.value == pytest.approx(found.theory, rel=0.02)


def test_losses_of_learned_and_unlearned_skills_do_not_move_the_exponent():
    table = quanta.simulate(alpha=0.4, tasks=30, S=S)
    table["L"] = 0.02 + 1.1 * table["L"]
    assert quanta.in_number(table, alpha=0.4).value == pytest.approx(0.4, rel=1e-6)


def test_the_exponent_in_width_is_found_again():
    tables = [
        quanta.simulate(alpha=0.4, tasks=30, S=[1.0, w**1.4 + 1e-6], first=1.0).assign(id=f"{w}", width=4 * w)
        for w in (2, 4, 8, 16)
    ]
    found = quanta.in_width(pd.concat(tables), alpha=0.4)
    assert (found.value, found.theory) == (pytest.approx(0.4), 0.4)


def test_one_run_of_each_width_tells_no_interval():
    found = quanta.in_number(runs_of((8, 16), 1), alpha=0.4)
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("measure", [quanta.in_number, quanta.in_steps])
def test_intervals_hold_the_truth_and_repeat(measure):
    table = runs_of((8, 16), 3, noise=0.05)
    found = measure(table, alpha=0.4, draws=100)
    assert found.low < found.theory < found.high
    assert found.low < found.value < found.high
    assert found.high - found.low < 0.4
    again = measure(table, alpha=0.4, draws=100)
    assert (again.low, again.high) == (found.low, found.high)


def test_runs_without_a_skill_between_are_refused():
    table = quanta.simulate(alpha=0.4, tasks=5, S=[1.0, 2.0])
    with pytest.raises(ValueError, match="pass 0 numbers of skills between none and all; take longer"):
        quanta.in_number(table, alpha=0.4)
    with pytest.raises(ValueError, match="no run has a point to fit"):
        quanta.in_steps(table, alpha=0.4)
    with pytest.raises(ValueError, match="0 width has learned a skill; an exponent needs two or more"):
        quanta.in_width(table, alpha=0.4)


def test_a_missing_column_is_named():
    table = quanta.simulate(alpha=0.4, tasks=2, S=[1.0]).drop(columns="use")
    with pytest.raises(KeyError, match=r"no column 'use' in a table with .*; curves of skills need id"):
        quanta.means(table)
