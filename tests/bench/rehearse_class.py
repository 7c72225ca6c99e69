"""A class run played with real members: processes that train their shares, two of them late.  Run by hand.

One member's file is cut on its way, one sends the same file twice.  About 20 minutes on two idle cores;
what is in the folder is not trained again, and with ``--live`` the costly runs are taken as recorded::

    python tests/bench/rehearse_class.py _build/rehearsal --live 3e10
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from scalinglab import experiments, files, fit, runs, sweep

MEMBERS = 12
LATE = (11, 12)
CUT, TWICE = 3, 5
COMMAND = [sys.executable, "-m", "scalinglab"]


def fill(store: Path, i: int, live: float) -> None:
    """Put the recorded runs of larger budgets than ``live`` into a member's store."""
    files.writable(store)
    recorded = runs.load("classroom").set_index("id", drop=False)
    for config in sweep.share(experiments.load("classroom").configs, f"{i}/{MEMBERS}"):
        row = recorded.loc[config.id]
        if row["budget"] > live and not sweep.present(store, config):
            row = json.loads(row.drop("budget").to_json(double_precision=15))
            files.replace_text(
                store / f"{config.id}.json", json.dumps({"row": row, "curve": {}, "position_loss": []})
            )


def member(folder: Path, i: int, live: float) -> tuple[float, float]:
    """Train a share in a process of one thread, into a store of its own; its seconds, by clock and by CPU."""
    store = folder / f"store_{i}"
    fill(store / "classroom", i, live)
    words = ["--part", f"{i}/{MEMBERS}", "--jobs", "1", "--store", str(store)]
    began = time.perf_counter()
    with (folder / f"member_{i:02}.log").open("w", encoding="utf-8") as log:
        running = subprocess.Popen(
            [*COMMAND, "sweep", "classroom", *words, "--out", str(folder / f"share_{i:02}.csv")],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
        )
        _, status, used = os.wait4(running.pid, 0)
    if status:
        sys.exit(f"member {i} failed; {log.name} says why")
    return time.perf_counter() - began, used.ru_utime + used.ru_stime


def members(folder: Path, who: list[int], options: argparse.Namespace) -> pd.DataFrame:
    """Let some members train; a row for each, with the recorded seconds of its runs beside its own."""
    with ThreadPoolExecutor(options.at_a_time) as pool:
        took = list(pool.map(lambda i: member(folder, i, options.live), who))
    recorded = runs.load("classroom").set_index("id")["seconds"]
    shares = [runs.read(folder / f"share_{i:02}.csv") for i in who]
    return pd.DataFrame(
        {
            "member": who,
            "runs": [len(share) for share in shares],
            "seconds": [clock for clock, _ in took],
            "of CPU": [cpu for _, cpu in took],
            "as recorded": [recorded[share["id"]].sum() for share in shares],
        }
    ).round(1)


def merge(folder: Path, *options: str) -> None:
    """Merge all files that are there, as the teacher does, and print what the command says."""
    files = sorted(str(path) for path in folder.glob("share_*.csv"))
    words = ["--out", str(folder / "class.csv"), "--experiment", "classroom", *options]
    print(f"\n$ runs merge share_*.csv {' '.join(words[2:])}  ({len(files)} files)")
    done = subprocess.run(
        [*COMMAND, "runs", "merge", *files, *words], capture_output=True, text=True, check=False
    )
    print(f"{done.stdout}{done.stderr}exit code {done.returncode}".replace(f"{folder}/", ""), flush=True)


def main() -> None:
    """Play the lesson and hold its table against the recorded one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where stores and files go")
    parser.add_argument("--at-a-time", type=int, default=2, help="members")
    parser.add_argument("--live", type=float, default=float("inf"), help="largest budget that is trained")
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    in_time = [i for i in range(1, MEMBERS + 1) if i not in LATE]
    table = members(folder, in_time, options)
    hurt = folder / f"share_{CUT:02}.csv"
    whole = hurt.read_bytes()
    hurt.write_bytes(whole[: int(0.8 * len(whole))])
    shutil.copy(folder / f"share_{TWICE:02}.csv", folder / f"share_{TWICE:02}_again.csv")
    merge(folder)
    merge(folder, "--skip-broken")
    hurt.write_bytes(whole)  # the member sends it again
    late = members(folder, [*LATE], options)
    merge(folder)
    print(pd.concat([table, late]).to_string(index=False))
    ours, recorded = runs.read(folder / "class.csv"), runs.load("classroom")
    both = ours.merge(recorded, on="id", suffixes=("", "_recorded"))
    apart = (both["L"] - both["L_recorded"]).abs()
    print(f"{len(both)} runs, losses apart from the recorded ones: {apart.max():.2g} at most")
    for name in ("N", "N_total"):
        found, known = fit.isoflop(ours, N=name), fit.isoflop(recorded, N=name)
        print(f"{name}: a = {found.a:.4f}, b = {found.b:.4f}; recorded {known.a:.4f}, {known.b:.4f}")


if __name__ == "__main__":
    main()
