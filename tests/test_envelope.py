"""The lower envelope of training curves."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import laws
from scalinglab.envelope import envelope, overtakes, stand_in

LAW = laws.BESIROGLU_2024


def curves(sizes, *, points=80):
    size, data = np.meshgrid(sizes, np.geomspace(1e8, 1e13, points))
    table = pd.DataFrame({"N": size.ravel(), "D": data.ravel()})
    return table.assign(C=6 * table["N"] * table["D"], L=LAW(N=table["N"], D=table["D"]))


def test_many_sizes_recover_the_exponents():
    found = envelope(curves(np.geomspace(1e7, 1e11, 200)), n=0)
    assert found.a == pytest.approx(LAW.a, abs=0.005)
    assert found.b == pytest.approx(LAW.b, abs=0.005)
    at = found.points[found.points["inside"]]
    np.testing.assert_allclose(at["N"], LAW.optimum(C=at["C"])[0], rtol=0.05)
    np.testing.assert_allclose(at["L"], LAW(N=at["N"], D=at["D"]), rtol=1e-3)


def test_intervals_from_resampled_curves():
    found = envelope(curves(np.geomspace(1e7, 1e11, 20)), n=200)
    assert found.low["a"] < LAW.a < found.high["a"]
    assert len(found.draws) == 200


def test_no_curve_lies_below():
    table = curves(np.geomspace(1e7, 1e11, 20))
    points = envelope(table, n=0).points
    for _, part in table.groupby("N"):
        there = points[points["C"].between(part["C"].min(), part["C"].max())]
        assert (there["L"] <= np.interp(there["C"], part["C"], part["L"]) + 1e-12).all()


def test_runs_are_told_apart_by_id():
    table = curves(np.geomspace(1e7, 1e11, 20))
    better, worse = (
        table.assign(L=table["L"] + above, id=name + table["N"].astype(str))
        for name, above in (("a", 0.0), ("b", 0.1))
    )
    twice = pd.concat([better, worse], ignore_index=True)
    assert envelope(twice, n=0).a == pytest.approx(envelope(table, n=0).a, abs=1e-3)


def test_refusals():
    N, C = (x.ravel() for x in np.meshgrid(np.geomspace(1e8, 1e9, 6), np.geomspace(1e18, 1e21, 9)))
    small_is_best = pd.DataFrame({"N": N, "C": C, "D": C / (6 * N), "L": 2 + N / 1e12})
    with pytest.raises(ValueError, match="curves of 3 sizes"):
        envelope(curves([1e7, 1e8, 1e9]))
    with pytest.raises(ValueError, match="train more sizes"):
        envelope(small_is_best)
    with pytest.raises(ValueError, match="budgets is 1"):
        envelope(curves(np.geomspace(1e7, 1e11, 20)), budgets=1)
    with pytest.raises(KeyError, match="no column 'C'"):
        envelope(curves([1e7, 1e8]).drop(columns="C"))


def test_the_middle_of_a_long_run_is_compared_with_the_end_of_a_short_one():
    runs = pd.DataFrame(
        {
            "id": list("abcd"),
            "N": 1e4,
            "D": [1e6, 2e6, 4e6, 4e6],
            "L": [2.0, 1.9, 1.8, 2.5],
            "schedule": ["cosine"] * 3 + ["constant"],
        }
    )
    curves = pd.DataFrame({"id": list("cccd"), "D": [1e6, 2e6, 4e6, 4e6], "L": [2.2, 2.0, 1.8, 2.5]})
    found = stand_in(runs, curves, schedule="cosine")
    assert found["part"].tolist() == [0.25, 0.5]
    assert found["excess"].tolist() == pytest.approx([0.1, 2.0 / 1.9 - 1])


def test_the_larger_size_takes_the_lead_where_the_curves_cross():
    table = curves([1e8, 1e9])
    lead = overtakes(table)
    small, large = (LAW(N=N, D=lead / (6 * N)) for N in (1e8, 1e9))
    assert small == pytest.approx(large, rel=1e-3)
    assert overtakes(table[table["C"] < lead / 2]) == np.inf
    ahead = table.assign(L=table["L"] * np.where(table["N"] == 1e9, 0.1, 1))
    assert overtakes(ahead) == 0
