"""Two workers beside one: the same runs swept by each in turn, whole wall time.  Run by ``make bench``."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import pandas as pd

from scalinglab import runs, sweep
from scalinglab.experiments import SHAPES

RUNS = 8


def timed(n_jobs, D):
    """Seconds that a sweep takes into an empty store, and its rows."""
    configs = sweep.configurations(
        {**SHAPES["113k"], "D": D, "B": 512, "lr": 2e-3, "seed": seed} for seed in range(RUNS)
    )
    with tempfile.TemporaryDirectory() as store:
        start = time.perf_counter()
        rows = sweep.sweep(configs, store=store, n_jobs=n_jobs, progress=False)
        return time.perf_counter() - start, rows


def main():
    """Run all of it; about six minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=600_000, help="of each run")
    parser.add_argument("--record", type=Path, help="write the table to this CSV, for the book")
    options = parser.parse_args()
    seconds, memory = {1: [], 2: []}, {}
    for _ in range(options.rounds):
        for n_jobs, times in seconds.items():
            took, rows = timed(n_jobs, options.tokens)
            times.append(took)
            memory[n_jobs] = rows["memory_mb"].max()
    gain = statistics.median(one / two for one, two in zip(*seconds.values(), strict=True))
    table = pd.DataFrame(
        {
            "workers": n_jobs,
            "runs": RUNS,
            "tokens each": options.tokens,
            "seconds, median": f"{statistics.median(times):.0f}",
            "times one worker": f"{1 if n_jobs == 1 else gain:.2f}",
            "memory of a worker, MB": f"{memory[n_jobs]:.0f}",
        }
        for n_jobs, times in seconds.items()
    )
    print(table.to_string(index=False))
    if options.record:
        runs.write(table, options.record)


if __name__ == "__main__":
    main()
