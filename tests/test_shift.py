"""A model is scored on every text; lines, prices and stages find what was put in."""

import os

import numpy as np
import pandas as pd
import pytest
import torch

from scalinglab import corpus, experiments, shift
from scalinglab.counting import Shape
from scalinglab.model import GPT

N = np.array([3e3, 1e4, 3e4, 1e5, 3e5])
HOME = 6.0 * N**-0.1

needs_mirror = pytest.mark.skipif(
    not os.environ.get("SCALINGLAB_MIRROR"), reason="SCALINGLAB_MIRROR is not set"
)


def models(away, text="kjv", home=HOME, **columns) -> pd.DataFrame:
    return pd.DataFrame(
        {"id": range(len(home)), "N": N, "corpus": "sotu", "text": text, "home": home, "away": away}
    ).assign(**columns)


# --- measuring --------------------------------------------------------------------------------


def test_every_text_of_the_package_is_scored_once():
    assert sorted(shift.TEXTS) == sorted(corpus.SPLITS)


def test_columns_are_the_texts(monkeypatch):
    monkeypatch.setattr(shift, "BYTES", 2048)
    model = GPT(
        Shape(V=256, n_layer=1, d_model=8, n_head=2, n_ctx=16), generator=torch.Generator().manual_seed(0)
    )
    found = shift.measure(model)
    assert list(found) == [f"L_{name}" for name in shift.TEXTS]
    assert all(loss > 0 for loss in found.values())


def test_every_text_that_is_trained_on_is_scored():
    assert {config.corpus for config in experiments.load("shift").configs} <= set(shift.TEXTS)


def test_pairs_set_every_text_beside_home_in_bits_per_byte():
    rows = pd.DataFrame({"id": ["a", "b"], "corpus": ["kjv", "sotu"], "N": [1e3, 2e3], "seed": 0})
    losses = {"L_kjv": [2.0, 1.5, 3.0], "L_sotu": [4.0, 3.5, 1.0]}
    curves = pd.DataFrame({"id": ["a", "a", "b"], "D": [1e5, 2e5, 4e5], "C": 1e9, **losses})
    found = shift.pairs(rows, curves, texts=("kjv", "sotu"))
    assert len(found) == 6
    own = found[found["corpus"] == found["text"]]
    assert np.array_equal(own["home"], own["away"])
    first = found.query("id == 'a' and text == 'sotu' and done == 0.5").iloc[0]
    assert (first["home"], first["away"]) == pytest.approx((2.0 / np.log(2), 4.0 / np.log(2)))
    assert found.query("id == 'b'")["done"].tolist() == [1.0, 1.0]


# --- lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away", "says", "slope", "power"),
    [
        (HOME + 0.5, "fixed gap", 1.0, None),
        (1.3 * HOME, "fixed ratio", 1.3, 1.0),
        (2.0 * HOME**0.4, "neither", None, 0.4),
        (0.9 * HOME**1.5, "neither", None, 1.5),
    ],
)
def test_lines_tell_a_gap_from_a_ratio(away, says, slope, power):
    found = shift.lines(models(away), n=50).loc["kjv"]
    assert found["says"] == says
    if slope is not None:
        assert found["slope"] == pytest.approx(slope)
    if power is not None:
        assert found["power"] == pytest.approx(power)
    assert found["gap"] == pytest.approx((away - HOME).mean())


def test_between_is_the_power_of_a_fixed_gap():
    found = shift.lines(models(HOME + 0.5), n=20).loc["kjv"]
    assert found["between"] == pytest.approx(found["power"])
    assert found["between"] < 1


def test_intervals_of_lines_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = []
    for seed in range(200):
        noisy = models(np.exp(np.log(1.3 * HOME) + 0.01 * rng.normal(size=len(N))))
        found = shift.lines(noisy, n=200, seed=seed).loc["kjv"]
        held.append(found["power_low"] <= 1 <= found["power_high"])
    assert 0.9 <= np.mean(held) <= 1.0


def test_two_models_are_too_few():
    with pytest.raises(ValueError, match="2 models do not tell how sure a slope is"):
        shift.lines(models(HOME + 0.5).head(2))


def test_exponents_are_those_put_in_and_pairing_narrows_the_difference():
    shared = np.array([0.02, -0.03, 0.01, 0.02, -0.02])  # what a model has on all texts
    home, away = HOME * np.exp(shared), 8.0 * N**-0.07 * np.exp(shared)
    found = shift.exponents(models(away, home=home), n=300).loc["kjv"]
    assert found["extra"] == pytest.approx(-0.03)
    paired, alone = (found[f"{x}_high"] - found[f"{x}_low"] for x in ("extra", "apart"))
    assert paired < 1e-9 < 0.01 < alone
    assert found["apart_low"] < -0.03 < found["apart_high"]


def test_a_gap_is_worth_a_factor_of_size():
    found = shift.worth(models(1.3 * HOME), n=20).loc["kjv"]
    assert found[["larger", "smaller"]].tolist() == pytest.approx([1.3 ** (1 / 0.1)] * 2)
    slow = shift.worth(models(8.0 * N**-0.05), n=20).loc["kjv"]
    ratio = 8.0 / 6.0 * 3e5**0.05
    assert slow["smaller"] == pytest.approx(ratio ** (1 / 0.1))
    assert slow["larger"] == pytest.approx(ratio ** (1 / 0.05))
    worse = shift.worth(models(8.0 * N**0.01), n=20).loc["kjv"]
    assert worse["larger"] == np.inf


# --- other models -----------------------------------------------------------------------------


def test_stages_on_the_line_are_on_it_and_others_are_found_by_how_much():
    ends = models(1.2 * HOME**0.8)
    early = ends.assign(home=HOME * 1.02, done=0.5)
    early["away"] = 1.2 * early["home"] ** 0.8 * np.where(early["id"] == 9, 1.0, 1.03)
    found = shift.off_line(ends, early, "done", n=50).iloc[0]
    assert found["points"] == len(N) - 1, "the smallest lies outside"
    assert found["above"] == pytest.approx(3.0)
    assert found["low"] == pytest.approx(3.0)


def test_texts_without_points_inside_are_left_out():
    ends = models(1.2 * HOME)
    assert shift.off_line(ends, ends.assign(home=9.0, done=0.5), "done", n=5).empty


def test_prices_are_those_over_natives_and_a_native_as_good_is_found():
    native = models(3.0 * N**-0.1, text="kjv", corpus="kjv", home=3.0 * N**-0.1)
    foreign = models(3.3 * N**-0.1, text="kjv")
    found = shift.prices(pd.concat([native, foreign])).set_index("N")
    assert found["excess"].to_numpy() == pytest.approx(0.3 * N**-0.1)
    assert found.loc[3e5, "as_good"] == pytest.approx(3e5 / 1.1**10)
    assert np.isnan(found.loc[3e3, "as_good"]), "all natives are better"


def test_a_price_can_be_taken_over_models_of_another_text_and_by_size():
    century = models(1.1 * HOME, text="sotu_1946", corpus="sotu")
    early = models(1.1 * HOME + 0.2 + 0.05 * np.log10(N), text="sotu_1946", corpus="sotu_pre1900")
    found = shift.prices(pd.concat([century, early]), natives={"sotu_1946": "sotu"})
    table = shift.price_by_size(found, n=20).loc[("sotu_pre1900", "sotu_1946")]
    assert table["per_ten"] == pytest.approx(0.05)
    assert table["smallest"] == pytest.approx(0.2 + 0.05 * np.log10(N[0]))
    last = found.iloc[-1]
    assert table["factor"] == pytest.approx((last["away"] / last["native"]) ** (1 / 0.1))


def test_counts_are_scored_on_all_texts(monkeypatch):
    monkeypatch.setattr(shift, "BYTES", 4096)
    found = shift.counted("moby_dick", order=3, pieces=8, texts=("moby_dick", "kjv", "python"))
    assert found.shape == (3, 3)
    assert found[3].is_monotonic_increasing, "home, then another book, then code"


# --- published --------------------------------------------------------------------------------


@needs_mirror
def test_the_recorded_losses_are_the_released_ones(monkeypatch):
    ends, stages, told = shift.clark_models()
    assert told == "the released losses"
    monkeypatch.delenv("SCALINGLAB_MIRROR")
    monkeypatch.setattr(shift.published, "at_hand", lambda name: False)
    kept, kept_stages, told = shift.clark_models()
    assert told.startswith("recorded")
    pd.testing.assert_frame_equal(kept, ends, check_dtype=False, atol=1e-6)
    pd.testing.assert_frame_equal(kept_stages, stages, check_dtype=False, atol=1e-6)


def test_clarks_gap_on_c4_grows_and_on_wikitext_it_goes(monkeypatch):
    monkeypatch.setattr(shift.published, "at_hand", lambda name: False)
    ends, _, _ = shift.clark_models()
    gaps = ends.assign(gap=ends["away"] - ends["home"]).pivot_table(index="N", columns="text", values="gap")
    # as the README of the released losses prints them, to two digits
    assert gaps["c4"].round(2).tolist() == [0.28, 0.29, 0.3, 0.31, 0.32]
    assert gaps["wikitext103"].round(2).tolist() == [0.16, 0.13, 0.1, 0.05, 0.01]
