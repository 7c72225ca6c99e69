"""The loss at each position of a context: measured, as a table, against the law of position."""

import numpy as np
import pandas as pd
import torch

from scalinglab import corpus
from scalinglab.model import GPT
from scalinglab.runs import finished

TOKENS = 65_536
"""Tokens that are read for each octave of positions."""


def octaves(n_ctx: int) -> list[int]:
    """List the last positions of the octaves up to ``n_ctx``.

    Examples
    --------
    >>> octaves(16)
    [1, 2, 4, 8, 16]
    """
    return [2**k for k in range(n_ctx.bit_length())]


def middle(T: int) -> float:
    """Give the geometric mean of the positions of an octave, ``T/2 < position <= T``.

    Examples
    --------
    >>> [round(middle(T), 2) for T in (1, 2, 8)]
    [1.0, 2.0, 6.4]
    """
    return float(np.exp(np.log(np.arange(T // 2 + 1, T + 1)).mean()))


@torch.no_grad()
def by_position(model: GPT, tokens: np.ndarray, *, n: int = TOKENS) -> dict[int, float]:
    """Measure the loss in octaves of positions: that of ``T`` is the mean over ``T/2 < position <= T``.

    At position ``T`` a model has read ``T`` tokens and guesses the next one; it has nothing that stands
    for the beginning, so there is no position 0. The model is causal, so what it says at position ``T``
    does not depend on what comes after: each octave is read in windows that end with it, many short ones
    or few long ones, spread evenly over the text. So each value is the mean of at least ``n / 2`` losses,
    also that of a few positions.

    Parameters
    ----------
    model
        Any model; positions go up to its context.
    tokens
        The text, 1-D.
    n
        Tokens to read for each octave.

    Returns
    -------
    dict
        From the last position of each octave to its loss, nats per token.
    """
    model.eval()
    device = next(model.parameters()).device
    found = {}
    for T in octaves(model.shape.n_ctx):
        starts = np.linspace(0, len(tokens) - T - 1, n // T).astype(int)
        total = 0.0
        for chunk in np.array_split(starts, max(1, n // 8192)):
            window = torch.from_numpy(tokens[chunk[:, None] + np.arange(T + 1)].astype(np.int64))
            total += model.loss(window.to(device))[:, T // 2 :].double().sum().item()
        found[T] = total / (len(starts) * (T - T // 2))
    return found


def measure(model: GPT) -> dict[str, float]:
    """Measure the loss by position on the main text's held-out part: columns ``L_to_<T>``."""
    text = corpus.load("sotu").heldout
    return {f"L_to_{T}": loss for T, loss in by_position(model, text).items()}


def positions(runs: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Turn what was measured of finished runs into rows: one per run and octave of positions.

    Parameters
    ----------
    runs
        Rows of the table ``context``.
    curves
        Points of ``context_curves``; the last of a run is the finished model.

    Returns
    -------
    DataFrame
        ``id``, ``N``, ``D``, ``C``, ``n_ctx``, ``seed``; ``octave``, its last position; ``T``, its
        `middle`; ``L``, nats per token.
    """
    last = finished(curves)
    columns = [name for name in last if str(name).startswith("L_to_")]
    long = last[["id", *columns]].melt("id", var_name="octave", value_name="L").dropna()
    long["octave"] = long["octave"].str.removeprefix("L_to_").astype(int)
    long["T"] = long["octave"].map(middle)
    kept = runs[["id", "N", "D", "C", "n_ctx", "seed"]]
    order = ["N", "n_ctx", "seed", "octave"]
    return kept.merge(long, on="id", validate="one_to_many").sort_values(order, ignore_index=True)


def trained_for(table: pd.DataFrame, *, short: int, long: int) -> pd.DataFrame:
    """Compare models of two trained contexts at the same positions, seed by seed.

    Parameters
    ----------
    table
        From `positions`.
    short, long
        The two contexts; positions go up to the shorter one.

    Returns
    -------
    DataFrame
        By ``N`` and ``octave``: ``gain``, the loss of the long one minus that of the short one, nats,
        mean over seeds; ``spread``, half the range over seeds.
    """
    sides = [
        table[table["n_ctx"] == n_ctx].set_index(["N", "octave", "seed"])["L"] for n_ctx in (long, short)
    ]
    gain = (sides[0] - sides[1]).dropna().groupby(["N", "octave"])
    return pd.DataFrame({"gain": gain.mean(), "spread": (gain.max() - gain.min()) / 2})
