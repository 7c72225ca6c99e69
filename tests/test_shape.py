"""Shapes are told from seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from scalinglab import experiments, laws, mixture, shape, simulate


def table(*, effect=0.0, seed=0):
    """Two planes of simulated runs: noise of 1 %, one layer worse by ``effect``."""
    rng = np.random.default_rng(seed)
    rows = []
    for P, names in experiments.PLANES.items():
        for name, dims in names.items():
            for run in range(3):
                L = np.exp(0.5 + rng.normal(0, 0.01) + effect * (name == "1 layer"))
                d_ff = experiments.matched(dims, P)["d_ff"]
                rows.append({**dims, "d_ff": d_ff, "shape": name, "seed": run, "rate": 1.0, "N": P, "L": L})
    return shape.by_size(pd.DataFrame(rows).assign(C=1e12, N_total=1e5))


def test_variance_is_analysed_as_scipy_does():
    one = table().query("size == 24_576")
    groups = [np.log(part["L"]) for _, part in one.groupby("shape")]
    wanted = stats.f_oneway(*groups)
    found = shape.spread(one)
    assert (found.F, found.p) == pytest.approx((wanted.statistic, wanted.pvalue))
    assert (found.shapes, found.runs) == (11, 33)


def test_equal_shapes_seem_different_as_often_as_the_level_says():
    p = [shape.spread(table(seed=seed).query("size == 24_576")).p for seed in range(200)]
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.1


def test_an_effect_is_found_where_it_is_and_nowhere_else():
    found = shape.spreads(table(effect=0.06))
    assert (found.xs("depth", level="varied")["p"] < 0.001).all()
    assert (found.xs("heads", level="varied")["p"] > 0.01).all()
    assert found.xs("all", level="varied")["within"].to_numpy() == pytest.approx([1, 1], abs=0.3)
    means = shape.against_base(table(effect=0.06)).xs("1 layer", level="shape")
    assert ((means["low"] < 6) & (means["high"] > 6)).all()


def test_intervals_hold_the_truth_as_often_as_they_say():
    held = []
    for seed in range(60):
        means = shape.against_base(table(seed=seed)).drop("base", level="shape")
        held += list((means["low"] < 0) & (means["high"] > 0))
    assert 0.92 < np.mean(held) < 0.98


def test_uneven_runs_are_refused():
    with pytest.raises(ValueError, match="needed are two shapes or more, as often each"):
        shape.spread(table().query("size == 24_576").iloc[1:])


def test_sizes_are_those_of_the_bases():
    runs = pd.DataFrame({"shape": ["base", "1 layer", "base"], "N": [24_736, 24_900, 98_624]})
    assert shape.by_size(runs)["size"].tolist() == [24_736, 24_736, 98_624]


def test_retuned_shapes_are_held_against_the_best_base():
    rows = [
        ("base", 0.5, 2.0),
        ("base", 1.0, 1.9),
        ("base", 2.0, 1.95),
        ("1 layer", 0.5, 1.92),
        ("1 layer", 1.0, 1.99),
        ("1 layer", 2.0, 2.1),
        ("8 layers", 1.0, 1.8),
    ]
    runs = pd.DataFrame(rows, columns=["shape", "rate", "L"]).assign(size=1, seed=0)
    found = shape.retuned(runs)
    assert found.index.get_level_values("shape").tolist() == ["base", "1 layer"]
    assert found["percent"].tolist() == pytest.approx([0, 100 * np.log(1.92 / 1.9)])


def test_a_shape_is_as_good_as_the_member_of_the_family_with_its_loss():
    ladder = pd.DataFrame({"N": [1e4, 1e5], "L": [2.0, 1.6]})
    means = pd.DataFrame(
        {"L": [1.6, 2.0]}, index=pd.MultiIndex.from_tuples([(7, "a"), (7, "b")], names=["size", "shape"])
    )
    assert shape.as_good_as(means, {7: ladder}).tolist() == pytest.approx([1e5, 1e4])
    assert mixture.dense_worth(1.6, ladder) == pytest.approx(1e5)


def test_sizes_stand_beside_each_other_with_blanks():
    index = pd.MultiIndex.from_tuples([(1, "base"), (1, "4 heads"), (2, "base")], names=["size", "shape"])
    found = shape.side_by_side(pd.DataFrame({"percent": [0.0, 0.44, 0.0]}, index=index))
    assert found.loc["4 heads"].tolist() == [0.4, ""]


def test_the_lowest_losses_fall_by_the_exponent_of_the_law_and_price_a_percent():
    law = laws.Chinchilla(E=1e-9, A=100.0, B=100.0, alpha=0.2, beta=0.2)
    bowls = simulate.bowls_of(law, C=np.geomspace(1e10, 1e13, 6), width=4)
    found = shape.fall(bowls)
    assert found.low <= found.value <= found.high  # all one number up to rounding: the bowls have no noise
    assert found.value == pytest.approx(0.1, abs=0.002)
    assert shape.price(found).value == pytest.approx(100 * (1.01 ** (1 / 0.1) - 1), rel=0.03)


def test_heads_change_only_what_they_cost():
    gpt = {"V": 50_257, "n_layer": 96, "d_model": 12_288, "n_ctx": 2048}
    found = shape.memory(gpt, heads=(1, 8, 96))
    one, eight, many = found.to_numpy()
    assert np.allclose(one[:2], many[:2])
    assert np.allclose(one[2:] / eight[2:], [8, 1 / 8])
    assert np.allclose(one[2:] / many[2:], [96, 1 / 96])


def test_numbers_are_named_by_shape_and_size():
    runs = table(effect=0.06)
    means, spreads = shape.against_base(runs), shape.spreads(runs)
    found = shape.numbers(means, spreads)
    assert found["1 layer-large-low"] == means.loc[(98_304, "1 layer"), "low"]
    assert found["within-small"] == spreads.loc[(24_576, "all"), "within"]
    assert found["half-small"] == pytest.approx(found["1 head-small-high"] - found["1 head-small"])


def test_a_percent_of_loss_is_worth_22_percent_of_compute_by_kaplans_exponent():
    assert shape.worth(1.0, exponent=0.05) == pytest.approx(1.22, abs=0.005)
