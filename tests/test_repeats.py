"""Worth of repeated tokens: a known constant is found again, and its interval holds it."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import repeats
from scalinglab.laws import MUENNIGHOFF_2023
from scalinglab.laws.beyond import effective_tokens


def table(R_D=6.0, scatter=0.0, seed=0, sizes=(1e4, 1e5)):
    """Fresh and repeated runs, two seeds, whose loss depends on effective tokens alone."""
    rng, rows = np.random.default_rng(seed), []
    for N in sizes:
        for D in 2.5e5 * np.array([1, 2, 4, 8, 16, 40]):
            for U in {D, 2.5e5}:
                for _ in range(2):
                    noise = np.exp(scatter * rng.standard_normal())
                    rows.append((N, D, U, noise * 10 * effective_tokens(D=D, U=U, R_D=R_D) ** -0.15))
    return pd.DataFrame(rows, columns=["N", "D", "U", "L"])


def test_worth_is_that_of_the_law():
    found = repeats.worth(table())
    wanted = effective_tokens(D=found["epochs"].to_numpy(), U=1.0, R_D=6.0)
    assert np.allclose(found["worth"], wanted, rtol=1e-9)
    assert np.allclose(found["D_eff"], found["worth"] * found["U"])
    assert np.allclose(found["fresh"], 10 * found["D"] ** -0.15), "as many tokens, all of them new"


def test_constant_is_found_without_noise():
    assert np.isclose(repeats.fit_worth(table(), n=5).R_D, 6.0, rtol=1e-5)


def test_interval_holds_the_constant_with_noise():
    held = 0
    for seed in range(20):
        found = repeats.fit_worth(table(scatter=0.003, seed=seed), n=100)
        held += found.low < 6.0 < found.high
    assert held >= 17


def test_loss_above_that_of_one_epoch_is_worth_less_than_one():
    runs = table()
    worse = pd.DataFrame({"N": [1e4], "D": [1e7], "U": [2.5e5], "L": [runs["L"].max() * 1.1]})
    found = repeats.worth(pd.concat([runs, worse]))
    assert found["worth"].min() < 1


def test_best_evaluation_can_stand_for_the_last():
    runs = table()
    runs["L_best"] = np.where(runs["D"] > runs["U"], 0.99 * runs["L"], runs["L"])
    last, best = repeats.worth(runs), repeats.worth(runs, L="L_best")
    assert (best["worth"] > last["worth"]).all()


def test_the_paper_says_four_epochs_keep_93_percent():
    fit = repeats.WorthFit(
        R_D=MUENNIGHOFF_2023.R_D, low=1, high=2, level=0.95, draws=np.ones(3), residuals=np.ones(3)
    )
    assert round(fit.four()[0] / 4, 2) == 0.93


def test_a_size_without_fresh_runs_is_named():
    runs = table()
    with pytest.raises(ValueError, match=r"N=10000\.0 has 0 fresh lengths"):
        repeats.worth(runs[(runs["N"] > 1e4) | (runs["D"] > runs["U"])])
    with pytest.raises(ValueError, match="no run repeats"):
        repeats.worth(runs[runs["D"] <= runs["U"]])
