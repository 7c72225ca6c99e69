"""Does the fit of the emergence law find a known few-shot elbow?  Run by ``make bench``.

Tables of fine-tunings are simulated on a grid like that of the experiment ``finetune``, from models
whose truth lies ahead of the best of them; each is fitted as in chapter 14.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglab import elbow, runs


def main():
    """Print and record how often the intervals hold, and by how much the elbows are off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--record", type=Path, help="write the shares to this CSV, for the book")
    options = parser.parse_args()
    rows = []
    for case in elbow.CASES:
        found = elbow.trials(case, tables=options.tables)
        off, held = found["found"] - found["true"], found["held"].mean()
        error = np.sqrt(held * (1 - held) / options.tables)
        rows.append(
            {
                "truth": case,
                "tables": options.tables,
                "held, %": f"{100 * held:.1f} ± {100 * error:.1f}",
                "bias, nats": round(float(off.mean()), 4),
                "within 0.1 nats, %": round(float(100 * (off.abs() < 0.1).mean()), 1),
                "width, nats": round(float((found["high"] - found["low"]).median()), 3),
                "open, %": round(float(100 * found["open"].mean()), 1),
            }
        )
        print(rows[-1], flush=True)
        if options.record:
            runs.write(pd.DataFrame(rows), options.record)


if __name__ == "__main__":
    main()
