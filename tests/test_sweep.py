"""Sweeps that resume, experiments that are declared, tables that agree with what is trained."""

import dataclasses
import json
import os
import re
import shutil
import time

import joblib
import numpy as np
import pandas as pd
import pytest

from scalinglab import bowl, experiments, fit, runs, sweep, tasks
from scalinglab.train import TrainConfig, train

CONFIGS = [
    TrainConfig(n_layer=1, d_model=8, n_ctx=32, B=256, D=5120, seed=0),
    TrainConfig(n_layer=1, d_model=8, n_ctx=32, B=256, D=5120, seed=1),
    TrainConfig(n_layer=1, d_model=8, n_ctx=32, B=256, D=5120, lr=1e30, clip=float("inf")),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    sweep.sweep(CONFIGS, store=folder, n_jobs=1, evaluations=2)
    return folder


def test_one_row_per_configuration_and_failures_say_why(store):
    table = sweep.sweep(CONFIGS, store=store, n_jobs=1)
    assert list(table["id"]) == [c.id for c in CONFIGS]
    assert table["error"].iloc[2].startswith("FloatingPointError: run")
    assert table["error"].iloc[:2].isna().all()


def test_present_runs_are_not_trained_again(store):
    before = {p.name: p.stat().st_mtime_ns for p in store.iterdir()}
    sweep.sweep(CONFIGS, store=store, n_jobs=1)
    assert before == {p.name: p.stat().st_mtime_ns for p in store.iterdir()}
    assert len(before) == len(CONFIGS), "no half-written file is left"


def test_a_sweep_in_processes_gives_the_same_numbers(store, tmp_path):
    parallel = sweep.sweep(CONFIGS[:2], store=tmp_path, n_jobs=2, evaluations=2)
    serial = sweep.sweep(CONFIGS[:2], store=store)
    assert list(parallel["L"]) == list(serial["L"])
    assert parallel["memory_mb"].between(50, 1024).all(), "a worker stays under 1 GB"


def test_rows_of_older_code_are_named_and_redone(store):
    path = store / f"{CONFIGS[0].id}.json"
    run = json.loads(path.read_text())
    path.write_text(json.dumps(run | {"row": run["row"] | {"code": "old", "L": 9.0}}))
    assert sweep.stale(store, CONFIGS) == [CONFIGS[0].id]
    table = sweep.sweep(CONFIGS[:1], store=store, n_jobs=1, evaluations=2, redo_stale=True)
    assert table["L"].iloc[0] == run["row"]["L"]
    assert sweep.stale(store, CONFIGS) == []


def test_curves_are_joined_with_their_sizes(store):
    curves = sweep.curves(store, CONFIGS[:2])
    assert set(curves.columns) >= {"id", "N", "N_total", "S", "D", "C", "L"}
    assert len(curves) == 4


def test_unwritable_store_is_found_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"file cannot be written: File exists; .* choose another place"):
        sweep.sweep(CONFIGS[:1], store=tmp_path / "file")


def test_full_disk_is_found_before_training(full_disk):
    with pytest.raises(OSError, match=r"disk cannot be written: No space left on device; make room"):
        sweep.sweep(CONFIGS[:1], store=full_disk)
    assert [p.name for p in full_disk.iterdir()] == ["filler"]


def test_disk_that_is_full_after_a_run_keeps_the_earlier_ones(tmp_path, small_files):
    before = sweep.sweep(CONFIGS[:1], store=tmp_path, n_jobs=1, evaluations=1)
    with (
        small_files(512),
        pytest.raises(OSError, match=rf"{CONFIGS[1].id}\.json cannot be written: .*is kept"),
    ):
        sweep.finish(CONFIGS[1], store=tmp_path, measured={"evaluations": 1})
    assert [p.name for p in tmp_path.iterdir()] == [f"{CONFIGS[0].id}.json"]
    assert sweep.sweep(CONFIGS[:1], store=tmp_path, n_jobs=1).equals(before)


@pytest.mark.parametrize("text", ["", '{"row": {"id"', "[]", '{"row": {}}', "\ufffd"])
def test_damaged_run_is_named_and_made_again(store, tmp_path, text):
    shutil.copytree(store, tmp_path, dirs_exist_ok=True)
    path = tmp_path / f"{CONFIGS[1].id}.json"
    path.write_text(text)
    assert sweep.damaged(tmp_path, CONFIGS) == [CONFIGS[1].id]
    with pytest.raises(ValueError, match=rf"{path.name} is damaged \(.*\); sweep again"):
        sweep.curves(tmp_path, CONFIGS[:2])
    again = sweep.sweep(CONFIGS, store=tmp_path, n_jobs=1, evaluations=2)
    assert list(again["L"].iloc[:2]) == list(sweep.sweep(CONFIGS[:2], store=store, n_jobs=1)["L"])
    assert sweep.damaged(tmp_path, CONFIGS) == []


def test_a_configuration_given_twice_is_trained_once(tmp_path, capsys):
    table = sweep.sweep([CONFIGS[0]] * 2, store=tmp_path, n_jobs=1, evaluations=1, progress=True)
    assert len(set(table["L"])) == 1
    assert "1/1 runs" in capsys.readouterr().err


def test_bar_shows_runs_speed_and_time_left(tmp_path, capsys):
    sweep.sweep(CONFIGS, store=tmp_path, n_jobs=1, evaluations=1, progress=True)
    shown = capsys.readouterr().err
    assert "0/3 runs" in shown
    assert re.search(r"100%\|.*\| \d\d:\d\d<00:00, 3/3 runs, [\d.]+k? tokens/s", shown)
    sweep.sweep(CONFIGS, store=tmp_path, n_jobs=1, evaluations=1, progress=True)
    assert "3/3 runs" in capsys.readouterr().err, "what is there counts"


def test_runs_in_threads_take_turns(tmp_path):
    """Dropout draws from one generator per process."""
    configs = [dataclasses.replace(c, dropout=0.2, lr=5e-3, seed=s) for s, c in enumerate(CONFIGS)]
    with joblib.parallel_config(backend="threading"):
        threads = sweep.sweep(configs, store=tmp_path / "threads", n_jobs=3, evaluations=1)
    serial = sweep.sweep(configs, store=tmp_path / "serial", n_jobs=1, evaluations=1)
    assert list(threads["L"]) == list(serial["L"])


def test_a_run_with_a_damaged_checkpoint_starts_anew(store, tmp_path):
    checkpoint = tmp_path / f".{CONFIGS[0].id}.{CONFIGS[0].code}.safetensors"
    checkpoint.write_bytes(b"cut")
    row = sweep.finish(CONFIGS[0], store=tmp_path, measured={"evaluations": 2})
    assert row["L"] == sweep.read(store, CONFIGS[0])["row"]["L"]
    assert not checkpoint.exists()


def test_a_run_killed_too_often_is_a_failed_one(tmp_path):
    note = sweep.tries(tmp_path, CONFIGS[0], "this")
    note.write_text("x" * sweep.KILLS)
    row = sweep.finish(CONFIGS[0], store=tmp_path, measured={"evaluations": 1}, token="this")
    assert row["error"].startswith("MemoryError: its process was killed 3 times")
    assert [p.name for p in tmp_path.iterdir()] == [f"{CONFIGS[0].id}.json"]


def test_kills_of_another_sweep_or_before_a_checkpoint_do_not_count(tmp_path):
    note, checkpoint = sweep.tries(tmp_path, CONFIGS[0], "other"), tmp_path / "checkpoint"
    note.write_text("x" * sweep.KILLS)
    row = sweep.finish(CONFIGS[0], store=tmp_path, measured={"evaluations": 1}, token="this")
    assert row["error"] is None
    assert [p.name for p in tmp_path.iterdir()] == [f"{CONFIGS[0].id}.json"]
    note.write_text("x" * sweep.KILLS)
    checkpoint.touch()
    os.utime(checkpoint, (time.time() + 5,) * 2)
    sweep.begin(note, checkpoint)
    assert note.read_text() == "x"


@pytest.mark.parametrize("n", [1, 3, 7, 30])
def test_shares_are_the_sweep_and_balanced(n):
    configs = experiments.load("classroom").configs
    shares = [sweep.share(configs, f"{i}/{n}") for i in range(1, n + 1)]
    assert sorted(c.id for part in shares for c in part) == sorted(c.id for c in configs)
    cost = [sum(map(sweep.cost, part)) for part in shares]
    assert max(cost) - min(cost) <= max(map(sweep.cost, configs))


def test_costs_go_with_the_seconds_of_recorded_runs():
    configs = {config.id: config for config in experiments.load("isoflop").configs}
    table = runs.load("isoflop").set_index("id")
    costs = pd.Series({id: sweep.cost(configs[id]) for id in table.index})
    by_cost, by_flops = (np.log(x / table["seconds"]) for x in (costs, table["C"]))
    assert (by_cost - by_cost.median()).abs().max() < np.log(2)
    assert (by_cost - by_cost.median()).abs().median() < 0.15
    assert (by_flops - by_flops.median()).abs().median() > 0.5


@pytest.mark.parametrize("part", ["7", "a/b", "0/3", "4/3", "1/0", "1/2/3"])
def test_shares_that_do_not_exist(part):
    with pytest.raises(ValueError, match=r"is no share; write 7/30|does not exist; shares run"):
        sweep.share(CONFIGS, part)


def test_unknown_experiment_lists_the_known():
    with pytest.raises(
        KeyError, match="no experiment 'sceond'; there are: lr_batch, lr_repeats, first_family"
    ):
        experiments.load("sceond")


def test_incomplete_experiment_is_not_recorded(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"40 of 40 runs of 'first_family' are not in"):
        experiments.record("first_family", store=tmp_path, tables=tmp_path)
    assert list(tmp_path.iterdir()) == []


RECORDED = [name for name in experiments.EXPERIMENTS if (runs.TABLES / f"{name}.parquet").exists()]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_table_is_the_declared_grid(name):
    table, configs = runs.load(name), experiments.load(name).configs
    assert list(table["id"]) == [c.id for c in configs]
    assert table["error"].isna().all()
    if isinstance(configs[0], TrainConfig):
        runs.check(table, needs=(*runs.COLUMNS, "lr", "B"))
    if "memory_mb" in table:
        limit = 4096 if "V" in table and table["V"].max() > 1024 else 1024  # logits of byte pairs are large
        assert table["memory_mb"].max() < limit, "a worker stays under 1 GB on bytes, 4 GB on byte pairs"


def test_a_recorded_fine_tuning_comes_out_again():
    """From weights that ship, in half precision: within four questions in a hundred."""
    table, kept = runs.load("finetune"), {c.id: c for c in experiments.load("finetune").configs}
    shipped = {path.stem for path in tasks.SHIPPED.glob("*.safetensors")}
    rows = table[table["pretraining"].isin(shipped) & (table["k"] > 300) & (table["skill"] == "brackets")]
    row = rows.iloc[0]
    assert abs(kept[row["id"]].run().row["exact"] - row["exact"]) <= 0.04


def test_a_cheap_recorded_row_comes_out_again():
    """Within three standard deviations between seeds, or 0.01; exactly on the machine that made them."""
    table = runs.load("first_family")
    config = {c.id: c for c in experiments.load("first_family").configs}
    noise = table[table.D.between(9e5, 1.1e6)].groupby("N").L.std().max()
    row = table.loc[table["C"].idxmin()]
    again = train(config[row["id"]], evaluations=1).row["L"]
    assert abs(again - row["L"]) <= max(3 * noise, 0.01)


@pytest.mark.parametrize(("N", "D"), [(N, D) for N in (6224, 24736, 113288) for D in (5e5, 2e6)])
def test_best_learning_rate_lies_inside_its_grid(N, D):
    """At the batch of 256 bytes that first_family uses; and the rate used is within a factor of 2."""
    table = runs.load("lr_batch")
    cell = table[(table.N == N) & (table.D.between(0.95 * D, 1.05 * D)) & (table.B == 256)]
    best = cell.loc[cell["L"].idxmin(), "lr"]
    assert cell["lr"].min() < best < cell["lr"].max()
    assert best / 2 < experiments.tuned_lr(N) * 1.001 < best * 2.001


def test_another_seed_chooses_nearly_the_same_rate():
    """The vertex of the parabola through three rates, seed by seed; and the lowest of the three itself."""
    repeats = runs.load("lr_repeats")
    for (N, D, B), rates in repeats.groupby(["N", "D", "B"])["lr"]:
        both = pd.concat([repeats, runs.load("lr_batch").query("seed == 0")])
        cell = both[(both["N"] == N) & (both["D"] == D) & (both["B"] == B) & both["lr"].isin(rates)]
        losses = cell.pivot_table("L", index="lr", columns="seed")
        assert losses.shape == (3, 3)
        best = np.log2(losses.idxmin())
        assert best.max() - best.min() <= 1, "a factor of two at most"
        curves = np.polyfit(np.log(losses.index), losses.to_numpy(), 2)
        vertex = -curves[1] / (2 * curves[0])
        assert np.ptp(vertex) < np.log(1.6), "seeds agree within a factor of 1.6"


def test_the_nano_law_goes_through_the_bowls():
    """Least squares through every bowl whose lowest point lies inside its grid gives its constants."""
    table = runs.load("lr_batch").query("seed == 0")
    rows = []
    for (N, D), cell in table.groupby(["N", table["D"].round(-5)]):
        found = bowl.bowl(cell, n=0)
        if found.inside:
            rows.append((N, D, found.optimum["lr"], found.optimum["B"]))
    best = pd.DataFrame(rows, columns=["N", "D", "lr", "B"])
    assert best["N"].nunique() == 4
    X = np.column_stack([np.ones(len(best)), np.log(best["N"] / 24_736), np.log(best["D"] / 2e6)])
    for name, constants in experiments.NANO_LAW.items():
        fitted = np.linalg.lstsq(X, np.log(best[name]), rcond=None)[0]
        assert np.exp(fitted[0]) == pytest.approx(constants[0], rel=0.05)
        assert fitted[1:] == pytest.approx(constants[1:], abs=0.02)


def test_rate_and_batch_for_byte_pairs_are_those_of_their_bowls():
    for N, cell in runs.load("lr_batch_large").groupby("N"):
        best = bowl.bowl(cell, n=0)
        assert best.inside
        used = experiments.tuned(N, cell["D"].max(), V=experiments.LARGE)
        for name, value in used.items():
            assert best.optimum[name] / 1.5 < value < best.optimum[name] * 1.5


@pytest.mark.parametrize("name", ["isoflop"])
def test_the_nano_law_is_used(name):
    """Inside the sizes of the bowls the law interpolates; beyond it goes at most by a factor of four."""
    table = runs.load(name)
    assert table["N"].max() < 4 * runs.load("lr_batch")["N"].max()
    for (_, row), C in zip(table.iterrows(), experiments.load(name).columns["budget"], strict=True):
        D = int(C / (row["C"] / row["D"]))
        assert {"lr": row["lr"], "B": row["B"]} == experiments.tuned(row["N"], D)


def test_bowls_turn_inside_the_sizes_of_their_budgets():
    """Every budget's best size lies inside the sizes trained, and grows with the budget."""
    found = fit.isoflop(runs.load("isoflop"))
    assert found.minima["inside"].all()
    assert found.minima["N"].is_monotonic_increasing
    assert 0.4 < found.a < 0.65
    assert found.low["a"] < found.a < found.high["a"]


def test_epochs_turn_inside_their_grid_or_end_at_the_limit_of_tokens():
    """Where the largest number of epochs is best, twice as many would read more than the text holds."""
    table = runs.load("n_d_grid")
    best = table.loc[table.groupby(["N", "U"])["L_best"].idxmin()]
    most = table.groupby("U")["D"].max()
    open_ = best[(best["D"] > 0.99 * best["U"].map(most)) & (best["U"] > 4e5)]
    assert (2 * open_["D"] > 0.99 * experiments.unique()).all()
    large = best[(best["U"] < 2e5) & (best["N"] > 1e5)]
    assert (large["D"] < 0.5 * large["U"].map(most)).all(), "the largest over-fit inside the grid"


def test_best_run_beats_the_byte_trigram():
    assert runs.load("first_family")["L"].min() < 1.84


def test_tables_are_small():
    assert all(p.stat().st_size < 1e6 for p in runs.TABLES.iterdir())
