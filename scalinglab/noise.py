"""The gradient noise scale: how large a batch must be before its gradient is mostly signal."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from scalinglab.model import GPT


@dataclass(frozen=True, kw_only=True)
class GradientNoise:
    r"""Unbiased estimates of the squared gradient and of the trace of its noise.

    .. math::
        |G|^2 = \frac{B |G_B|^2 - b |G_b|^2}{B - b}, \qquad
        S = \frac{|G_b|^2 - |G_B|^2}{1/b - 1/B}

    of gradients from small batches b and a large batch B, both in tokens (McCandlish et al.
    2018, arXiv:1812.06162, appendix A.1). Either may come out negative where noise rules.

    Attributes
    ----------
    signal
        :math:`|G|^2`, squared norm of the true gradient.
    noise
        :math:`S = tr(\Sigma)`, variance of the gradient of one token.
    """

    signal: float
    noise: float


def measure(model: GPT, windows: Tensor) -> GradientNoise:
    """Estimate signal and noise of the gradient from windows, each one a small batch.

    Parameters
    ----------
    model
        Left as it is; its gradients must be empty.
    windows
        Token ids, (m, T + 1), m >= 2: b is T tokens, B is m T.

    Raises
    ------
    ValueError
        Fewer than two windows.
    """
    m, T = windows.shape[0], windows.shape[1] - 1
    if m < 2:
        raise ValueError(f"{m} window; noise shows between two or more")
    parameters = [p for p in model.parameters() if p.requires_grad]
    total = [torch.zeros_like(p) for p in parameters]
    small = 0.0
    training = model.training
    model.eval()  # no dropout: its noise is not that of the data
    for window in windows:
        gradients = torch.autograd.grad(model.loss(window[None]).mean(), parameters)
        small += sum(float(g.double().square().sum()) for g in gradients) / m
        for sum_, g in zip(total, gradients, strict=True):
            sum_ += g / m
    model.train(training)
    large = sum(float(g.double().square().sum()) for g in total)
    return estimate(small=small, large=large, b=T, B=m * T)


def estimate(*, small: float, large: float, b: float, B: float) -> GradientNoise:
    """Signal and noise from mean squared norms at two batch sizes.

    Examples
    --------
    A gradient of squared norm 4 and noise 100 per token, seen at 10 and at 1000 tokens:

    >>> found = estimate(small=4 + 100 / 10, large=4 + 100 / 1000, b=10, B=1000)
    >>> round(found.signal, 6), round(found.noise, 6)
    (4.0, 100.0)
    """
    signal = (B * large - b * small) / (B - b)
    noise = (small - large) / (1 / b - 1 / B)
    return GradientNoise(signal=signal, noise=noise)


def noise_scale(curve: pd.DataFrame, *, span: int = 5) -> pd.Series:
    """``B_simple = <S> / <|G|^2>``, tokens: ratio of separate averages over ``span`` points of a curve.

    A ratio of averages, since the average of ratios is biased.

    Parameters
    ----------
    curve
        Columns ``signal`` and ``noise`` in order of training.
    span
        Points averaged, centred; fewer at the ends.

    Returns
    -------
    Series
        NaN where the averaged signal is not positive.
    """
    mean = curve[["signal", "noise"]].rolling(span, center=True, min_periods=1).mean()
    return (mean["noise"] / mean["signal"]).where(mean["signal"] > 0, np.nan)


def one_step(
    model: GPT,
    text: np.ndarray,
    *,
    B: Sequence[int],
    lr: Sequence[float],
    repeats: int = 8,
    judge: int = 64,
    seed: int = 0,
) -> pd.DataFrame:
    """Take one step of plain gradient descent from a model, with many batches and rates, and look.

    Parameters
    ----------
    model
        Left as it is; its gradients must be empty.
    text
        Token ids from which batches and judge are drawn.
    B
        Batches, in tokens: multiples of the model's context.
    lr
        Lengths of the step, times the gradient.
    repeats
        Batches drawn of each size.
    judge
        Windows on which the loss is measured, the same for all steps.
    seed
        Of all that is drawn.

    Returns
    -------
    DataFrame
        Columns ``B``, ``repeat``, ``lr``, ``change`` of the loss, nats per token.

    Raises
    ------
    ValueError
        A batch is no multiple of the context.
    """
    T, rng = model.shape.n_ctx, np.random.default_rng(seed)
    if any(b % T or b < T for b in B):
        raise ValueError(f"B={list(B)} holds a batch that is no multiple of the context, {T}")
    parameters = [p for p in model.parameters() if p.requires_grad]
    training = model.training
    model.eval()

    def windows(n: int) -> Tensor:
        starts = rng.integers(0, len(text) - T - 1, n)
        found = torch.from_numpy(text[starts[:, None] + np.arange(T + 1)].astype(np.int64))
        return found.to(parameters[0].device)

    @torch.no_grad()
    def loss(gradients: Sequence[Tensor], length: float) -> float:
        begin = [p.clone() for p in parameters]
        for p, g in zip(parameters, gradients, strict=True):
            p.sub_(g, alpha=length)
        found = float(model.loss(watched).double().mean())
        for p, old in zip(parameters, begin, strict=True):
            p.copy_(old)
        return found

    watched, rows = windows(judge), []
    before = loss([torch.zeros_like(p) for p in parameters], 0.0)
    for b in B:
        for repeat in range(repeats):
            gradients = torch.autograd.grad(model.loss(windows(b // T)).mean(), parameters)
            rows += [(b, repeat, length, loss(gradients, length) - before) for length in lr]
    model.train(training)
    return pd.DataFrame(rows, columns=["B", "repeat", "lr", "change"])


def best_step(steps: pd.DataFrame) -> pd.DataFrame:
    """Fit ``change = -g lr + h lr**2 / 2`` at each batch: the best rate is ``g / h``.

    Parameters
    ----------
    steps
        As :func:`one_step` gives them.

    Returns
    -------
    DataFrame
        Columns ``B`` and ``lr``, the best one; NaN where the change is not curved upwards.

    Examples
    --------
    >>> steps = pd.DataFrame({"B": 128, "lr": [0.1, 0.2, 0.4], "change": [-0.15, -0.2, 0.0]})
    >>> best_step(steps)["lr"].round(6).tolist()
    [0.2]
    """
    rows = []
    for b, part in steps.groupby("B"):
        lr = part["lr"].to_numpy(dtype=float)
        slope, bend = np.linalg.lstsq(
            np.column_stack([lr, lr**2]), part["change"].to_numpy(dtype=float), rcond=None
        )[0]
        rows.append((b, -slope / (2 * bend) if bend > 0 else np.nan))
    return pd.DataFrame(rows, columns=["B", "lr"])


def step_limits(best: pd.DataFrame) -> tuple[float, float]:
    """Fit ``lr = longest / (1 + B_noise / B)`` to the best steps: ``longest`` and ``B_noise``.

    Source: McCandlish et al. 2018 (arXiv:1812.06162), section 2. Least squares of ``1 / lr``, relative.

    Parameters
    ----------
    best
        As :func:`best_step` gives it.

    Examples
    --------
    >>> best = pd.DataFrame({"B": [100.0, 400.0, 1600.0]})
    >>> longest, B_noise = step_limits(best.assign(lr=0.5 / (1 + 400 / best["B"])))
    >>> round(longest, 6), round(B_noise, 3)
    (0.5, 400.0)
    """
    slope, start = np.polyfit(1 / best["B"], 1 / best["lr"], 1, w=best["lr"])
    return float(1 / start), float(slope / start)
