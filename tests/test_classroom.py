"""A class run rehearsed: twelve members, two of them late, a broken file, a share sent twice."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from scalinglab import experiments, fit, runs
from scalinglab.__main__ import app
from scalinglab.train import TrainConfig

MEMBERS = 12
LATE = (11, 12)
RECORDED = runs.load("classroom")
IDS = [config.id for config in experiments.load("classroom").configs]


@pytest.fixture(scope="module")
def shares(tmp_path_factory):
    """What twelve members send: the command as they type it, recorded rows in the place of training."""
    folder = tmp_path_factory.mktemp("class")
    measured = RECORDED.drop(columns=["budget", "memory_mb", "error"]).set_index("id", drop=False)

    def recorded(config, **_):
        row = measured.loc[config.id].to_dict()
        return SimpleNamespace(row=row, curve=pd.DataFrame(), position_loss=np.zeros(0))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainConfig, "run", recorded)
        for i in range(1, MEMBERS + 1):
            words = ["--part", f"{i}/{MEMBERS}", "--out", str(folder / f"share_{i:02}.csv")]
            store = ["--store", str(folder / f"store_{i}"), "--jobs", "1"]
            done = CliRunner().invoke(app, ["sweep", "classroom", *words, *store])
            assert done.exit_code == 0, done.stderr
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("share_*.csv"))}


@pytest.fixture
def desk(tmp_path, shares):
    """The teacher's folder: all files but those of the late; `send` puts one there."""

    def send(i, name="", text=None):
        original = shares[f"share_{i:02}.csv"]
        (tmp_path / (name or f"share_{i:02}.csv")).write_text(text if text is not None else original, "utf-8")

    for i in range(1, MEMBERS + 1):
        if i not in LATE:
            send(i)
    return SimpleNamespace(folder=tmp_path, send=send, table=tmp_path / "class.csv")


def merge(desk, *options):
    """The teacher's command over all files that are there."""
    files = sorted(map(str, desk.folder.glob("share_*.csv")))
    words = ["runs", "merge", *files, "--out", str(desk.table), "--experiment", "classroom", *options]
    return CliRunner().invoke(app, words)


def test_all_shares_together_are_the_experiment_once(shares):
    tables = [RECORDED.set_index("id").loc[ids_of(text)] for text in shares.values()]
    assert sorted(id for text in shares.values() for id in ids_of(text)) == sorted(IDS)
    seconds = [table["seconds"].sum() for table in tables]
    assert max(seconds) < 1.2 * np.mean(seconds)


def ids_of(share):
    """The runs of a file, as its text says."""
    return [line.split(",")[0] for line in share.splitlines()[1:]]


def test_the_class_goes_on_without_the_late_and_is_whole_in_the_end(desk, shares):
    said = merge(desk).stdout
    missing = [id for i in LATE for id in ids_of(shares[f"share_{i:02}.csv"])]
    assert f"classroom: {len(missing)} of {len(IDS)} runs are missing" in said
    assert all(f"  {id}  n_layer=" in said for id in missing)
    assert "sweep classroom --part I/N" in said
    assert fit.isoflop(runs.read(desk.table), n=0).a == pytest.approx(0.5, abs=0.1)
    for i in LATE:
        desk.send(i)
    assert f"classroom: 0 of {len(IDS)} runs are missing" in merge(desk).stdout
    whole = runs.read(desk.table)
    assert sorted(whole["id"]) == sorted(IDS)
    for size in ("N", "N_total"):
        ours, recorded = fit.isoflop(whole, N=size, n=0), fit.isoflop(RECORDED, N=size, n=0)
        assert (ours.a, ours.b) == pytest.approx((recorded.a, recorded.b), rel=1e-12)


def spoiled(text, line, column, value):
    """Change one value of a file."""
    lines = [row.split(",") for row in text.splitlines()]
    lines[line - 1][lines[0].index(column)] = value
    return "\n".join(map(",".join, lines)) + "\n"


def test_broken_files_are_all_named_and_nothing_is_lost(desk, shares):
    assert merge(desk).exit_code == 0
    before = desk.table.read_bytes()
    cut, changed = (shares[f"share_{i:02}.csv"] for i in (3, 6))
    desk.send(3, text=cut[: int(0.8 * len(cut))])
    desk.send(6, text=spoiled(changed, 3, "L", "1.5o2"))
    desk.send(9, text="")
    done = merge(desk)
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr
    head, *lines = done.stderr.replace(f"{desk.folder}/", "").strip().splitlines()
    assert head.startswith("error: 3 of 10 files do not join, nothing was written; to go on without: ")
    assert head.endswith("the same with --skip-broken:")
    assert [line.split(":")[0].strip() for line in lines] == ["share_03.csv", "share_06.csv", "share_09.csv"]
    assert "is cut short: fetch the file again, or delete that row" in lines[0]
    assert f"line 3, column 'L': 1.5o2 of run {ids_of(changed)[1]} is no loss; let the member" in lines[1]
    assert "the file is empty" in lines[2]
    assert desk.table.read_bytes() == before
    done = merge(desk, "--skip-broken")
    assert done.exit_code == 0
    assert done.stdout.count("left out: ") == 3
    kept = {id for i in (1, 2, 4, 5, 7, 8, 10) for id in ids_of(shares[f"share_{i:02}.csv"])}
    assert set(runs.read(desk.table)["id"]) == kept
    for i in (3, 6, 9, *LATE):
        desk.send(i)
    assert f"0 of {len(IDS)} runs are missing" in merge(desk).stdout


def test_with_no_readable_file_nothing_is_written_even_when_broken_ones_are_skipped(desk):
    for path in desk.folder.glob("share_*.csv"):
        path.write_text("", "utf-8")
    done = merge(desk, "--skip-broken")
    assert done.exit_code == 2
    assert "10 of 10 files do not join, nothing was written:" in done.stderr
    assert not desk.table.exists()


def test_a_share_sent_twice_does_no_harm_and_is_said(desk, shares):
    desk.send(5, name="share_05 (1).csv")
    said = merge(desk).stdout.replace(f"{desk.folder}/", "")
    assert said.count("no harm") == 1
    assert "share_05.csv: its runs had all come before; no harm" in said
    assert runs.read(desk.table)["id"].is_unique


def test_members_who_disagree_are_named_with_both_files(desk, shares):
    text = shares["share_07.csv"]
    lower = f"{float(text.splitlines()[1].split(',')[text.splitlines()[0].split(',').index('L')]) - 0.02}"
    desk.send(7, name="share_07_again.csv", text=spoiled(text, 2, "L", lower))
    for options in ((), ("--skip-broken",)):
        done = merge(desk, *options)
        assert done.exit_code == 2
        said = done.stderr.replace(f"{desk.folder}/", "")
        assert f"share_07_again.csv does not join: runs {ids_of(text)[0]} have one loss" in said
        assert "(first: share_07.csv; second: share_07_again.csv)" in said
    assert not desk.table.exists()
