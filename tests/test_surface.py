"""The loss as a surface over size and compute."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import laws
from scalinglab.frontier import isoflop
from scalinglab.runs import load
from scalinglab.surface import counted, spent_to, surface

LAW = laws.BESIROGLU_2024
BUDGETS = np.geomspace(1e19, 1e21, 5)


def bowls(noise=0.0, seed=0):
    size, budget = (x.ravel() for x in np.meshgrid(np.geomspace(0.25, 4, 9), BUDGETS))
    table = pd.DataFrame({"C": budget, "N": size * LAW.optimum(C=budget)[0]})
    table["D"] = table["C"] / (6 * table["N"])
    scatter = noise * np.random.default_rng(seed).normal(size=len(table))
    return table.assign(L=LAW(N=table["N"], D=table["D"]) * np.exp(scatter))


def test_a_surface_of_its_own_form_is_recovered():
    table = bowls()
    u = np.log(table["N"]) - 0.5 * np.log(table["C"]) + 1
    found = surface(table.assign(L=np.exp(2 - 0.05 * np.log(table["C"]) + 0.02 * u**2)), n=20)
    assert found.noise < 1e-10
    assert found.exponent(C=BUDGETS)[0] == pytest.approx(0.5, rel=1e-6)
    np.testing.assert_allclose(found.optimum(C=BUDGETS), np.exp(0.5 * np.log(BUDGETS) - 1), rtol=1e-6)
    # 0.02 (v - y / 2)**2 = 0.05 y, for v = ln 2 and the price e**y
    v = np.log(2)
    y = (v + 2.5) * 2 - np.sqrt(((v + 2.5) * 2) ** 2 - 4 * v**2)
    assert found.price(ratio=2, C=BUDGETS[:-1])[0] == pytest.approx(np.exp(y), rel=1e-4)


def test_a_law_is_followed_and_the_truth_is_in_the_interval():
    found = surface(bowls(noise=0.003), n=400)
    a, band = found.exponent(C=BUDGETS)
    assert band.low < LAW.a < band.high
    assert band.low < a < band.high
    assert found.optimum(C=1e20) == pytest.approx(LAW.optimum(C=1e20)[0], rel=0.15)
    assert found.noise == pytest.approx(0.003, rel=0.4)
    best = LAW.optimum(C=1e20)[0]
    assert found(N=best, C=1e20) == pytest.approx(LAW(N=best, D=1e20 / 6 / best), rel=0.01)


def test_it_agrees_with_single_bowls():
    table = bowls()
    assert surface(table, n=2).exponent(C=BUDGETS)[0] == pytest.approx(isoflop(table, n=0).a, abs=0.01)


def test_the_price_is_that_of_the_law():
    exact = surface(bowls(), n=2)
    assert np.isnan(exact.price(ratio=2, C=BUDGETS[-1])[0]), "no run is that dear"
    best, loss = LAW.optimum(C=1e20)[0], LAW(N=LAW.optimum(C=1e20)[0], D=LAW.optimum(C=1e20)[1])
    for ratio in (0.5, 2):
        D = (LAW.B / (loss - LAW.E - LAW.A / (ratio * best) ** LAW.alpha)) ** (1 / LAW.beta)
        assert exact.price(ratio=ratio, C=1e20)[0] == pytest.approx(6 * ratio * best * D / 1e20, rel=0.01)


def test_spent_to_interpolates_a_power_law_exactly():
    table = pd.DataFrame({"N": [1e4] * 3 + [1e5] * 3, "D": [1e5, 1e6, 1e7] * 2})
    table["C"] = 6 * table["N"] * table["D"]
    table["L"] = 30 * table["D"] ** -0.2 * table["N"] ** -0.05
    found = spent_to(table, loss=1.1)
    np.testing.assert_allclose(30 * found["D"] ** -0.2 * found["N"] ** -0.05, 1.1, rtol=1e-9)
    np.testing.assert_allclose(found["C"], 6 * found["N"] * found["D"], rtol=1e-9)
    assert spent_to(table, loss=0.1).empty


def test_refusals():
    with pytest.raises(ValueError, match="11 runs for a surface of 10 coefficients"):
        surface(bowls().head(11))
    with pytest.raises(KeyError, match="C_6ND"):
        surface(bowls(), C="C_6ND")


def test_ways_of_counting_are_what_single_surfaces_say():
    table = load("isoflop")
    found = counted(table, {"exact": ("N", "C"), "all": ("N_total", "C")})
    at = table.groupby("budget")["C"].median().to_numpy()
    a, band = surface(table, N="N_total", C="C").exponent(C=at)
    assert found.loc["all"].tolist() == [a, band.low, band.high]
    assert found.loc["all", "a"] < found.loc["exact", "low"]
