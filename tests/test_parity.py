"""Sparse parity: what is asked, what is learned, that runs repeat and a sweep goes on."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from scalinglab import experiments, parity, quanta, runs, sweep
from scalinglab.parity import ParityConfig

EASY = ParityConfig(tasks=3, bits=6, k=1, alpha=1.0, width=16, batch=64, lr=0.02, steps=150)


@pytest.fixture(scope="module")
def easy():
    return parity.train(EASY)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"k": 33}, "k=33 is impossible; choose between 1 and bits=32"),
        ({"k": 0}, "k=0 is impossible; choose between 1 and bits=32"),
        ({"tasks": 5, "bits": 4}, "tasks=5 is impossible; 4 bits have 4 sets of 3, .* take more bits"),
        ({"tasks": 0}, "tasks=0 is impossible; take 1 or more"),
        ({"width": 0}, "width=0 is impossible; take 1 or more"),
        ({"alpha": 0.0}, "alpha=0.0 is impossible; take a positive exponent"),
        ({"lr": -1.0}, "lr=-1.0 is impossible; take a positive learning rate"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1 is impossible; take 0 or more"),
        ({"seed": -1}, "seed=-1 is impossible; take 0 or more"),
    ],
)
def test_impossible_runs_name_value_and_remedy(setting, words):
    with pytest.raises(ValueError, match=words):
        ParityConfig(**setting)


def test_use_is_a_power_of_the_rank():
    use = ParityConfig(alpha=0.4).use
    assert use.sum() == pytest.approx(1)
    assert use[0] / use[9] == pytest.approx(10**1.4)


def test_parameters_are_those_of_the_network():
    model = parity.ParityMLP(EASY, torch.Generator())
    assert sum(p.numel() for p in model.parameters()) == EASY.N


def test_looked_up_rows_are_the_product_with_the_code():
    config = ParityConfig(tasks=5, bits=7, width=9)
    draws = parity.Draws(config)
    model = parity.ParityMLP(config, draws.weights)
    task, x, _ = next(draws.batches())
    inputs = torch.cat([F.one_hot(task, 5).float(), x], 1)
    weights = torch.cat([model.code, model.rows])
    by_hand = torch.relu(inputs @ weights + model.bias) @ model.answer + model.offset
    assert torch.allclose(model(task, x), by_hand, atol=1e-6)


def test_answers_are_the_exclusive_or_of_the_chosen_bits():
    draws = parity.Draws(ParityConfig(tasks=20, bits=10))
    assert len({tuple(chosen) for chosen in draws.chosen.tolist()}) == 20
    task, x, answer = next(draws.batches())
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    bits = (x.numpy() > 0)[np.arange(len(x))[:, None], draws.chosen[task].numpy()]
    assert np.array_equal(answer.numpy(), np.logical_xor.reduce(bits, axis=1))


def test_all_sets_of_few_bits_can_be_asked():
    draws = parity.Draws(ParityConfig(tasks=4, bits=4))
    assert sorted(map(tuple, draws.chosen.tolist())) == [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]


def test_tasks_come_as_often_as_their_use_says():
    config = ParityConfig(tasks=10, batch=200_000)
    task, _, _ = next(parity.Draws(config).batches())
    assert np.bincount(task.numpy()) / config.batch == pytest.approx(config.use, rel=0.06)


def test_tested_strings_are_drawn_apart_from_those_of_the_training():
    draws = parity.Draws(ParityConfig())
    tested = {tuple(row) for row in draws.heldout()[0].tolist()}
    stream = draws.batches()
    trained = {tuple(row) for _ in range(10) for row in next(stream)[1].tolist()}
    assert len(tested) == parity.HELDOUT
    assert not tested & trained


def test_an_easy_run_begins_at_chance_and_learns(easy):
    first, last = easy[easy["S"] == easy["S"].min()], easy[easy["S"] == EASY.steps]
    assert first["L"].between(0.4, 1.0).all()
    assert (last["L"] < 0.05).all()
    assert list(easy.columns) == ["id", "width", "N", "seed", "S", "task", "use", "L"]
    assert quanta.means(easy)["n"].iloc[-1] == 3


def test_a_run_repeats_exactly_and_a_longer_one_begins_with_it(easy):
    assert parity.train(EASY).equals(easy)
    longer = parity.train(dataclasses.replace(EASY, steps=200))
    shared = easy[easy["S"] < EASY.steps]
    assert longer["L"].iloc[: len(shared)].tolist() == shared["L"].tolist()


def test_seeds_and_widths_differ():
    chosen = [
        parity.Draws(config).chosen.tolist()
        for config in (ParityConfig(), ParityConfig(seed=1), ParityConfig(width=64))
    ]
    assert chosen[0] != chosen[1] != chosen[2] != chosen[0]


def test_a_loss_that_is_no_number_is_said_with_its_step():
    with pytest.raises(FloatingPointError, match=r"no number at step 1\d with lr=1e\+30; take a smaller lr"):
        parity.train(dataclasses.replace(EASY, lr=1e30))


def test_tests_are_evenly_spaced_in_the_logarithm():
    assert parity.marks(5) == [5]
    at = parity.marks(10_000)
    assert (at[0], at[-1], len(at)) == (10, 10_000, 61)
    assert set(parity.marks(3_000)) - {3_000} < set(at)


def test_a_sweep_runs_parity_like_any_other_job(tmp_path, easy):
    configs = [EASY, dataclasses.replace(EASY, seed=1)]
    table = sweep.sweep(configs, store=tmp_path, n_jobs=1)
    assert table["id"].tolist() == [config.id for config in configs]
    assert (table["L"] < 0.05).all()
    curves = sweep.curves(tmp_path, configs)
    own = curves[curves["id"] == EASY.id][easy.columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, easy, check_dtype=False)


@pytest.mark.skipif(not (runs.TABLES / "parity.parquet").exists(), reason="not recorded yet")
def test_the_recorded_table_is_what_the_code_trains():
    table = runs.load("parity_curves")
    assert (runs.TABLES / "parity_curves.parquet").stat().st_size < 1_000_000
    config = min(experiments.load("parity").configs, key=lambda config: config.N)
    own = table[(table["id"] == config.id) & (table["S"] <= 100)]
    again = parity.train(dataclasses.replace(config, steps=100))
    assert np.allclose(again["L"], own["L"], atol=1e-3)
    assert np.allclose(again["use"], own["use"], rtol=1e-12)  # other processors round powers otherwise
    assert again[["S", "task"]].equals(own[["S", "task"]].reset_index(drop=True))
