"""Which expert each token goes to in a trained mixture."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from scalinglab.model import GPT, Experts
from scalinglab.plots import glyph


@torch.no_grad()
def routes(model: GPT, windows: Tensor) -> list[np.ndarray]:
    """Give the expert that each token goes to first, for each block: arrays (B, T).

    Parameters
    ----------
    model
        A mixture.
    windows
        Token ids, (B, T).

    Raises
    ------
    ValueError
        The model is dense: there is no router.

    Examples
    --------
    >>> from scalinglab.counting import Shape
    >>> shape = Shape(V=256, n_layer=2, d_model=16, n_head=2, n_ctx=8, n_experts=4)
    >>> chosen = routes(GPT(shape), torch.zeros(3, 8, dtype=torch.long))
    >>> [block.shape for block in chosen]
    [(3, 8), (3, 8)]
    """
    layers = [block.feed_forward for block in model.blocks]
    routers = [layer.router for layer in layers if isinstance(layer, Experts)]
    if not routers:
        raise ValueError("the model is dense and routes nothing; give one with n_experts above 1")
    chosen: list[np.ndarray] = []

    def note(_module, _inputs, scores: Tensor) -> None:  # scores (B T, E)
        chosen.append(scores.argmax(-1).view(windows.shape).numpy())

    hooks = [router.register_forward_hook(note) for router in routers]
    was = model.training
    model.eval()
    try:
        model(windows)
    finally:
        model.train(was)
        for hook in hooks:
            hook.remove()
    return chosen


def favourites(
    model: GPT, text: np.ndarray, *, block: int = 0, windows: int = 64, k: int = 8
) -> pd.DataFrame:
    """Tell for each expert its share of the tokens and which bytes most of it consists of.

    Parameters
    ----------
    model
        A mixture on bytes.
    text
        Token ids; the first ``windows`` contexts of it are read.
    block
        Which block's experts.
    windows
        How many contexts.
    k
        How many bytes are named.

    Returns
    -------
    DataFrame
        One row per expert: ``share`` of all tokens; ``bytes``, the ``k`` most frequent among them;
        ``of_it``, the share of the expert's tokens that these make up.
    """
    T = model.shape.n_ctx
    tokens = np.asarray(text[: windows * T]).astype(np.int64).reshape(windows, T)
    chosen = routes(model, torch.from_numpy(tokens))[block]
    rows = []
    for expert in range(model.shape.n_experts):
        counts = np.bincount(tokens[chosen == expert], minlength=model.shape.V)
        top = np.argsort(-counts, kind="stable")[:k]
        names = " ".join(glyph(i) for i in top if counts[i])
        share = counts.sum() / tokens.size
        rows.append({"share": share, "bytes": names, "of_it": counts[top].sum() / max(1, counts.sum())})
    return pd.DataFrame(rows).rename_axis("expert")
