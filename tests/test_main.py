"""The command line, from outside: what it says, what it writes, how it refuses."""

import json
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scalinglab import laws
from scalinglab.__main__ import app, append_row
from scalinglab.console import exclusive

RUNNER = CliRunner()


def call(*words):
    return RUNNER.invoke(app, [str(word) for word in words])


def refused(*words):
    """Call with bad input: exit code 2, at most three lines, no traceback."""
    result = call(*words)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 3
    return result.stderr


@pytest.fixture
def table(tmp_path):
    """A table of 40 runs under Besiroglu's law with 1 % noise, in a stranger's columns."""
    rng = np.random.default_rng(0)
    N = np.exp(rng.uniform(np.log(1e8), np.log(1e10), 40))
    D = np.exp(rng.uniform(np.log(1e9), np.log(3e11), 40))
    L = laws.BESIROGLU_2024(N=N, D=D) * np.exp(0.003 * rng.normal(size=40))
    pd.DataFrame({"params": N, "tokens_B": D / 1e9, "val": L}).to_csv(tmp_path / "runs.csv", index=False)
    return tmp_path / "runs.csv"


MAPPING = "N=params,D=tokens_B*1e9,L=val"


def test_alone_it_shows_three_things_to_try():
    result = call()
    assert result.exit_code == 0
    assert result.stdout.count("python -m scalinglab") == 4


def test_no_torch_outside_of_training():
    code = "import sys, scalinglab.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_fit_prints_writes_and_draws(table, tmp_path):
    record, picture = tmp_path / "fit.json", tmp_path / "fit.png"
    result = call(
        "fit", table, "--law", "chinchilla", "--columns", MAPPING, "--bootstrap", 50,
        "--json", record, "--plot", picture,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "40 runs" in result.stdout
    told = json.loads(record.read_text())
    assert told["law"] == "chinchilla"
    assert told["low"]["alpha"] < told["parameters"]["alpha"] < told["high"]["alpha"]
    assert len(told["draws"]["E"]) == 50
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob(".*"))


def test_a_plan_from_a_fit_has_intervals(table, tmp_path):
    record = tmp_path / "fit.json"
    call("fit", table, "--columns", MAPPING, "--bootstrap", 50, "--json", record)
    result = call("plan", "--flops", "1e21", "--fit", record)
    assert result.exit_code == 0, result.stderr
    for word in ("low", "high", "Chinchilla fitted to", "tokens per parameter", "besiroglu-2024"):
        assert word in result.stdout
    assert "warning" not in result.stdout
    far = call("plan", "--flops", "1e25", "--fit", record)
    assert "times the largest budget that was fitted" in far.stdout


def test_a_published_name_fits_its_class(table):
    result = call("fit", table, "--law", "hoffmann", "--columns", MAPPING, "--bootstrap", 0)
    assert result.exit_code == 0
    assert result.stdout.startswith("Chinchilla:")


def test_unknown_columns_show_those_found(table):
    said = refused("fit", table)
    assert "columns found: params, tokens_B, val" in said
    assert "--columns N=params,D=...,L=..." in said
    assert "no column 'size'" in refused("fit", table, "--columns", "N=size")
    assert "if it counts billions" in refused("fit", table, "--columns", "N=params,D=tokens_B,L=val")


def test_rows_without_a_number_are_named_by_their_lines_and_can_be_left_out(table, tmp_path):
    runs = pd.read_csv(table)
    runs.loc[[3, 7], "val"] = None
    runs.to_csv(table, index=False)
    said = refused("fit", table, "--columns", MAPPING)
    assert f"{table}: no number in 'val' at line 5, 9; mend the file" in said
    told = call("fit", table, "--columns", MAPPING, "--drop-missing", "--bootstrap", 0).stdout
    assert "2 of 40 rows left out, as a number is missing: line 5, 9" in told
    assert "38 runs" in told
    runs.loc[3, "val"] = -1.0
    runs.to_csv(table, index=False)
    said = refused("fit", table, "--columns", MAPPING, "--drop-missing")
    assert f"{table}: line 5, column 'L': -1.0 is not positive" in said
    assert MAPPING in said


def test_two_runs_have_no_intervals(table):
    runs = pd.read_csv(table)
    runs.iloc[:2].to_csv(table, index=False)
    told = call("fit", table, "--columns", MAPPING).stdout
    assert "no intervals: so few different runs" in told
    assert "2 measurements for 5 parameters" in told


def test_bad_files_and_names(table, tmp_path):
    assert "no such file" in refused("fit", tmp_path / "none.csv")
    assert "nearest" in refused("fit", table, "--law", "chinchila-law")
    assert "write pairs as" in refused("fit", table, "--columns", "params")
    assert "no such file" in refused("plan", "--flops", 1e21, "--fit", tmp_path / "none.json")
    (tmp_path / "odd.json").write_text("[1, 2]")
    assert "not written by `fit --json`" in refused("plan", "--flops", 1e21, "--fit", tmp_path / "odd.json")


def test_plan_for_besiroglu():
    result = call("plan", "--flops", "1e21", "--law", "besiroglu")
    assert result.exit_code == 0
    for word in ("2.778e+09", "21.59", "total", "hoffmann-2022", "kaplan-2020-allocation"):
        assert word in result.stdout
    assert "kaplan-2020-allocation: N and D as the paper gives them, whose 6 N D is 1.8" in result.stdout


def test_plan_from_hardware_with_scarce_data_and_use():
    result = call("plan", "--gpus", 64, "--days", 7, "--peak", "312e12", "--unique", "1e10")
    assert result.exit_code == 0
    assert "muennighoff-2023" in result.stdout
    assert "epochs" in result.stdout
    used = call("plan", "--flops", "1e21", "--law", "besiroglu", "--inference", "1e13")
    assert "the same loss is cheapest with" in used.stdout


def test_amounts_may_have_a_letter_and_use_is_priced_in_budgets():
    used = call("plan", "--flops", "1e21", "--law", "besiroglu", "--inference", "10T").output
    assert used == call("plan", "--flops", "1e21", "--law", "besiroglu", "--inference", "1e13").output
    assert "times the budget" in " ".join(used.split())
    assert "is no amount; write 5e12 or 5T" in call("plan", "--flops", "5Q").stderr


def test_a_plan_says_what_it_cannot_price():
    scarce = " ".join(call("plan", "--flops", "1e21", "--unique", "10B", "--inference", "1T").output.split())
    assert "not worked out where tokens are repeated: leave --unique out" in scarce
    assert "were there no end of tokens" in scarce
    split = " ".join(
        call("plan", "--flops", "1e21", "--law", "porian-2024", "--inference", "1T").output.split()
    )
    assert "this one gives the split only" in split


def test_plans_that_cannot_be():
    unlimited = refused("plan", "--flops", 1e21, "--law", "besiroglu", "--unique", "1e10")
    assert "leave --unique out, or take --law muennighoff-2023" in unlimited
    assert "no budget" in refused("plan")
    assert "--days, --peak missing" in refused("plan", "--gpus", 8)
    assert "PF-days" in refused("plan", "--flops", 100)
    assert "without constants" in refused("plan", "--flops", 1e21, "--law", "chinchilla")
    assert "no budget can be split" in refused("plan", "--flops", 1e21, "--law", "step-law-2025")
    assert "nearest" in refused("plan", "--flops", 1e21, "--law", "kaplan-2020-s")
    several = refused("plan", "--flops", 1e21, "--law", "kaplan")
    assert "kaplan-2020-allocation" in several
    assert "kaplan-2020-b-crit" not in several, "that splits nothing"


def test_laws_listed_and_in_full():
    listed = call("laws")
    assert listed.exit_code == 0
    assert all(key in listed.stdout for key in laws.instances())
    full = call("laws", "besiroglu")
    assert "L = E + A/N^alpha + B/D^beta" in full.stdout
    assert "2404.10102" in full.stdout
    bare = call("laws", "chinchilla").stdout
    assert "nats/token" in bare
    assert "published constants: hoffmann-2022," in bare
    assert "no law is called" in refused("laws", "xyzzy")


def test_training_options_are_the_fields_of_a_configuration():
    import dataclasses
    import inspect

    from scalinglab.__main__ import train
    from scalinglab.train import TrainConfig

    options = [name for name in inspect.signature(train).parameters if name != "out"]
    assert options == [field.name for field in dataclasses.fields(TrainConfig)]


def test_train_adds_its_row(tmp_path):
    out = tmp_path / "runs.csv"
    words = ("train", "--D", "1280", "--d-model", 8, "--n-layer", 1, "--B", 128, "--out", out)
    result = call(*words)
    assert result.exit_code == 0, result.stderr
    assert f"added to {out}" in result.stdout
    first = pd.read_csv(out)
    assert first["D"].tolist() == [1280]
    assert first["L"].between(1, 6).all()
    row = first.iloc[0].to_dict()
    assert append_row(out, row | {"id": "another", "seed": 1})
    assert not append_row(out, row)
    assert pd.read_csv(out)["seed"].tolist() == [0, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["runs.csv"]
    again = call(*("1300" if word == "1280" else word for word in words)).stdout
    assert "D = 1280 of the 1300 asked for: 10 whole batches of 128 tokens" in again


def test_impossible_trainings(tmp_path):
    assert "n_head" in refused("train", "--d-model", 30, "--n-head", 4)
    assert "no folder" in refused("train", "--out", tmp_path / "none" / "runs.csv")
    assert "whole number" in call("train", "--D", "0.5").stderr
    odd = tmp_path / "odd.csv"
    odd.write_text("x\n1\n")
    assert "no column 'id'" in refused("train", "--D", 1280, "--B", 128, "--out", odd)


def test_a_lock_that_stays(tmp_path):
    lock = tmp_path / ".runs.csv.lock"
    lock.touch()
    with pytest.raises(TimeoutError, match="remove the file"), exclusive(lock, patience=0.1):
        pass
    lock.unlink()
    with exclusive(lock):
        assert lock.exists()
    assert not lock.exists()


def test_an_unknown_experiment_lists_the_known():
    assert "first_family" in refused("sweep", "no_such")


def test_a_sweep_of_nothing_lists_the_experiments(toy):
    listed = call("sweep").stdout
    assert "toy" in listed
    assert "a test" in listed


def test_a_sweep_trains_records_and_goes_on(monkeypatch, tmp_path):
    from scalinglab import experiments
    from scalinglab.train import TrainConfig

    toy = experiments.Experiment(
        name="toy",
        purpose="a test",
        minutes=0.1,
        evaluations=1,
        configs=tuple(TrainConfig(D=2560, B=128, d_model=8, n_layer=1, seed=seed) for seed in (0, 1)),
    )
    monkeypatch.setattr(experiments, "EXPERIMENTS", {"toy": lambda: toy})
    for name in ("toy", "all"):
        result = call("sweep", name, "--store", tmp_path, "--jobs", 1)
        assert result.exit_code == 0, result.stderr
        assert "toy: 2 runs" in result.stdout
    assert len(list((tmp_path / "toy").glob("*.json"))) == 2
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


@pytest.fixture
def toy(monkeypatch):
    """An experiment of three tiny runs with a column of its own."""
    from scalinglab import experiments
    from scalinglab.train import TrainConfig

    toy = experiments.Experiment(
        name="toy",
        purpose="a test",
        minutes=0.1,
        configs=tuple(TrainConfig(D=2560, B=128, d_model=8, n_layer=1, seed=seed) for seed in (0, 1, 2)),
        columns={"budget": (1e9, 2e9, 3e9)},
    )
    monkeypatch.setattr(experiments, "EXPERIMENTS", {"toy": lambda: toy})
    return toy


def test_a_sweep_names_what_it_makes_again(toy, tmp_path):
    call("sweep", "toy", "--store", tmp_path, "--jobs", 1)
    old, cut, failed = (tmp_path / "toy" / f"{config.id}.json" for config in toy.configs)
    run = json.loads(old.read_text())
    old.write_text(json.dumps(run | {"row": run["row"] | {"code": "old"}}))
    cut.write_text(cut.read_text()[:100])
    failed.write_text(json.dumps(run | {"row": run["row"] | {"id": failed.stem, "error": "as a test"}}))
    said = call("sweep", "toy", "--store", tmp_path, "--jobs", 1).stdout
    assert f"1 run ({cut.stem}) damaged on disk, made again" in said
    assert f"1 run ({old.stem}) made by older code; --redo-stale" in said
    assert f"{failed.stem} failed: as a test" in said
    assert "the largest process took" in said
    again = call("sweep", "toy", "--store", tmp_path, "--jobs", 1, "--redo-stale").stdout
    assert "older code" not in again
    assert "damaged" not in again


def test_a_class_joins_its_shares(toy, tmp_path):
    shares = [tmp_path / f"share_{i}.csv" for i in (1, 2, 3)]
    for i, share in enumerate(shares, start=1):
        words = ("--store", tmp_path / str(i), "--jobs", 1, "--part", f"{i}/3", "--out", share)
        assert call("sweep", "toy", *words).exit_code == 0
    whole = tmp_path / "class.csv"
    said = call("runs", "merge", *shares[:2], shares[0], "--out", whole, "--experiment", "toy").stdout
    missing = pd.read_csv(shares[2]).iloc[0]
    assert "wrote 2 runs" in said
    assert "toy: 1 of 3 runs are missing" in said
    assert f"{missing['id']}  n_layer=1 d_model=8 D=2560 B=128 lr=0.005 seed={missing['seed']}" in said
    said = call("runs", "merge", whole, shares[2], "--out", whole, "--experiment", "toy").stdout
    assert "0 of 3 runs are missing" in said
    table = pd.read_csv(whole)
    assert sorted(table["id"]) == sorted(config.id for config in toy.configs)
    assert list(table["budget"]) == [1e9 * (1 + seed) for seed in table["seed"]]


def test_shares_that_do_not_join_name_the_file(toy, tmp_path):
    names = [f"{config.id}" for config in toy.configs]
    a, b, c = (tmp_path / f"{name}.csv" for name in "abc")
    pd.DataFrame({"id": names[:2], "L": [3.0, 2.9], "error": [None, None]}).to_csv(a, index=False)
    pd.DataFrame({"id": [names[1], "foreign"], "L": [2.5, 2.0]}).to_csv(b, index=False)
    said = refused("runs", "merge", a, b, "--out", c)
    assert f"{b} does not join: runs {names[1]} have one loss" in said
    b.write_text(b.read_text()[:-7])
    assert f"{b}: not a readable csv table (its last row, line 3, is cut short" in refused(
        "runs", "merge", a, b, "--out", c
    )
    for broken, why in (("id,L\n", "a line of names and no run"), (f"id,L\n{names[1]},2.", "has no end")):
        b.write_text(broken)
        assert why in refused("runs", "merge", a, b, "--out", c)
    assert not c.exists()
    pd.DataFrame({"id": [names[2], "foreign"], "L": [None, 2.0], "error": ["no memory", None]}).to_csv(
        b, index=False
    )
    said = call("runs", "merge", a, b, "--out", c, "--experiment", "toy").stdout
    assert f"1 run ({names[2]}) failed; column error says why" in said
    assert "not of toy: 1 run (foreign)" in said


def test_runs_shown_and_merged(tmp_path):
    a, b, c = (tmp_path / f"{name}.csv" for name in "abc")
    pd.DataFrame({"id": ["x", "y"], "N": [1e3, 2e3], "L": [3.0, 2.9]}).to_csv(a, index=False)
    pd.DataFrame({"id": ["y", "z"], "N": [2e3, 4e3], "L": [2.9, 2.8]}).to_csv(b, index=False)
    assert call("runs", "merge", a, b, "--out", c).exit_code == 0
    assert pd.read_csv(c)["id"].tolist() == ["x", "y", "z"]
    shown = call("runs", a, b)
    assert "2 runs, 3 columns" in shown.stdout
    assert "non-embedding parameters" in shown.stdout
    assert "--out c.csv" in refused("runs", "merge", a, b)
    pd.DataFrame({"id": ["y"], "N": [2e3], "L": [2.5]}).to_csv(b, index=False)
    assert "one loss in the first table" in refused("runs", "merge", a, b, "--out", c)
    assert pd.read_csv(c)["id"].tolist() == ["x", "y", "z"]


def test_a_plan_repeats_the_doubts_of_the_fit_it_rests_on(tmp_path):
    few = pd.DataFrame({"N": [1e8, 1e9, 1e10], "D": [1e10, 2e10, 4e10], "L": [3.0, 2.6, 2.4]})
    few.to_csv(tmp_path / "few.csv", index=False)
    record = tmp_path / "few.json"
    call("fit", tmp_path / "few.csv", "--law", "chinchilla", "--json", record, "--bootstrap", 20)
    said = " ".join(call("plan", "--flops", "1e21", "--fit", record).output.split())
    assert "warning: the fit says: 3 " in said


@pytest.mark.parametrize("option", ["--plot", "--json"])
def test_a_missing_folder_is_refused_before_the_fit(table, tmp_path, option):
    path = tmp_path / "nowhere" / "fit.png"
    said = refused("fit", table, "--columns", MAPPING, option, path)
    assert "there is no folder" in " ".join(said.split())
