"""The loss at each position of a context."""

import numpy as np
import torch

from scalinglab import corpus
from scalinglab.model import GPT

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


@torch.no_grad()
def by_position(model: GPT, tokens: np.ndarray, *, n: int = TOKENS) -> dict[int, float]:
    """Measure the loss in octaves of positions: that of ``T`` is the mean over ``T/2 < position <= T``.

    The model is causal, so what it says at position ``T`` does not depend on what comes after: each
    octave is read in windows that end with it, many short ones or few long ones, spread evenly over the
    text. So each value is the mean of about ``n / 2`` losses, also that of a few positions.

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
