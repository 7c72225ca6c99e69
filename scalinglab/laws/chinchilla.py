"""Compute-optimal training: Hoffmann et al. 2022 and the papers that checked it."""

from typing import ClassVar

import numpy as np

from scalinglab.laws.law import law, parameter, published


@law
class Chinchilla:
    r"""``L = E + A / N**alpha + B / D**beta``: a floor, a price of size, a price of data.

    .. math:: \hat L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}

    Source: Hoffmann et al. 2022 (arXiv:2203.15556), section 3.3, equations 2 and 10.

    Examples
    --------
    >>> law = Chinchilla(E=1.82, A=482.0, B=2085.4, alpha=0.348, beta=0.366)
    >>> round(float(law(N=70e9, D=1.4e12)), 3)
    1.976
    """

    formula: ClassVar[str] = r"L = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"
    chapter: ClassVar[str] = "07_three_approaches"

    E: float = parameter("log", 0.3, 3.0, "nats/token", "loss that no size and no data remove")
    A: float = parameter("log", 1.0, 1e6, "", "scale of the price of a finite model")
    B: float = parameter("log", 1.0, 1e6, "", "scale of the price of finite data")
    alpha: float = parameter("log", 0.05, 1.5, "", "exponent in model size")
    beta: float = parameter("log", 0.05, 1.5, "", "exponent in data")

    def __call__(self, *, N, D):
        """Loss in nats per token of ``N`` parameters after ``D`` tokens (scalars or arrays)."""
        return self.E + self.A / N**self.alpha + self.B / D**self.beta

    def log_gradient(self, *, N, D):
        """Loss, and the derivative of its logarithm by that of each parameter, in their order.

        Fits use it in place of a complex step, because it is faster.

        Parameters
        ----------
        N, D
            Shape (n,); the law's parameters may be of shape (m, 1).

        Returns
        -------
        tuple of ndarray
            Losses, shape (m, n), and gradients, shape (5, m, n).

        Examples
        --------
        >>> L, gradient = BESIROGLU_2024.log_gradient(N=np.array([70e9]), D=np.array([1.4e12]))
        >>> bool(np.isclose(gradient[0, 0], BESIROGLU_2024.E / L[0]))
        True
        """
        log_N, log_D = np.log(N), np.log(D)
        size = self.A * np.exp(-self.alpha * log_N)
        data = self.B * np.exp(-self.beta * log_D)
        L = self.E + size + data
        gradient = np.empty((5, *L.shape))
        np.divide(self.E, L, out=gradient[0])
        np.divide(size, L, out=gradient[1])
        np.divide(data, L, out=gradient[2])
        np.multiply(gradient[1], -self.alpha * log_N, out=gradient[3])
        np.multiply(gradient[2], -self.beta * log_D, out=gradient[4])
        return L, gradient

    @property
    def a(self):
        """Exponent of the optimal size in the budget, ``beta / (alpha + beta)``."""
        return self.beta / (self.alpha + self.beta)

    @property
    def b(self):
        """Exponent of the optimal data in the budget, ``alpha / (alpha + beta)``."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def G(self):
        """``(alpha A / (beta B))**(1 / (alpha + beta))``, the prefactor of equation 4."""
        return (self.alpha * self.A / (self.beta * self.B)) ** (1 / (self.alpha + self.beta))

    def optimum(self, *, C):
        """``N = G (C/6)**a`` and ``D = (C/6)**b / G``: the lowest loss under ``C = 6 N D`` FLOPs.

        Source: Hoffmann et al. 2022, equation 4.

        Examples
        --------
        >>> N, D = BESIROGLU_2024.optimum(C=5.76e23)
        >>> round(N / 1e9), round(D / 1e12, 2)
        (72, 1.33)
        """
        return self.G * (C / 6) ** self.a, (C / 6) ** self.b / self.G


def total_size(*, N, omega):
    """``N_total = N + omega * N**(1/3)``: all parameters, from the non-embedding ones.

    Width grows as the cube root of size when the shape is kept, and the embedding with it.
    Source: Pearce & Song 2024 (arXiv:2406.12907), section 3.

    Examples
    --------
    >>> round(total_size(N=1e9, omega=PEARCE_2024_OMEGA) / 1e9, 3)
    1.047
    """
    return N + omega * N ** (1 / 3)


def embedding_weight(*, V, n_ctx, aspect):
    """``omega = (V + n_ctx) * (aspect / 12)**(1/3)`` of shapes with ``aspect = d_model / n_layer``.

    From ``N = 12 n_layer d_model**2`` and ``(V + n_ctx) d_model`` embedding parameters.

    Examples
    --------
    >>> round(embedding_weight(V=32_000, n_ctx=2048, aspect=32.6))
    47508
    """
    return (V + n_ctx) * (aspect / 12) ** (1 / 3)


def local_exponent(law: Chinchilla, *, N, omega):
    """Exponent of the best size in the budget, both counted without embeddings, near size ``N``.

    Parameters
    ----------
    law
        The loss in all parameters and tokens.
    N
        Non-embedding parameters (scalar or array).
    omega
        Weight of the embedding, as in :func:`total_size`.

    Returns
    -------
    scalar or array
        ``d ln N / d ln C`` along the minimum of the loss at fixed ``C = 6 N D``: from
        ``beta / (alpha/3 + beta)`` for small models to ``beta / (alpha + beta)`` for large.

    Notes
    -----
    Source: Pearce & Song 2024 (arXiv:2406.12907), section 3: the reason why Kaplan et al.
    saw 0.73 where Hoffmann et al. saw 0.50.

    Examples
    --------
    >>> round(local_exponent(BESIROGLU_2024, N=1e3, omega=PEARCE_2024_OMEGA), 2)
    0.76
    """
    x = N ** (2 / 3)
    curvature = (x + omega / 9) / (x + omega / 3)
    share = (x + omega / 3) / (x + omega)
    return 1 / (1 - curvature / law.beta + (law.alpha + 1) / law.beta * share)


def line_exponent(law: Chinchilla, *, low, high, omega, n=200):
    """Slope of one straight line through the best sizes from ``low`` to ``high``, no embeddings counted.

    Parameters
    ----------
    law
        The loss in all parameters and tokens.
    low, high
        Non-embedding parameters of the smallest and the largest best size.
    omega
        Weight of the embedding, as in :func:`total_size`.
    n
        Sizes on the line, evenly in ``ln N``.

    Notes
    -----
    Least squares of ``ln N`` on ``ln C``, the budgets integrated from :func:`local_exponent`.
    Source: Pearce & Song 2024 (arXiv:2406.12907), section 3, who get 0.74 and 0.78 over Kaplan's
    sizes with the constants of Hoffmann et al. and of Besiroglu et al.

    Examples
    --------
    >>> round(line_exponent(HOFFMANN_2022, low=790, high=1.58e9, omega=PEARCE_2024_OMEGA), 2)
    0.76
    """
    N = np.geomspace(low, high, n)
    steps = 1 / local_exponent(law, N=N, omega=omega)
    log_C = np.append(0.0, np.cumsum((steps[1:] + steps[:-1]) / 2 * np.diff(np.log(N))))
    return float(np.polyfit(log_C, np.log(N), 1)[0])


PEARCE_2024_OMEGA = 47491.0
"""Pearce & Song 2024 (arXiv:2406.12907): weight of the embedding fitted to Chinchilla's shapes."""


def training_flops(*, V, d_model, n_layer, n_head, d_head, d_ff, n_ctx, vocabulary=True):
    """Training FLOPs of one sequence, counted operation by operation.

    Parameters
    ----------
    V, d_model, n_layer, n_head, d_head, d_ff, n_ctx
        The shape; attention is ``n_head * d_head`` wide.
    vocabulary
        Count the embedding and the final logits.

    Returns
    -------
    int
        Three times the forward FLOPs: a backward pass costs two forward ones.

    Notes
    -----
    Source: Hoffmann et al. 2022 (arXiv:2203.15556), appendix F.  The ratios to ``6 N D`` in
    their table A4 come out with ``vocabulary=False`` and ``N`` holding ``d_model**2`` more
    parameters per layer, those of relative positions.

    Examples
    --------
    >>> shape = dict(V=32_000, d_model=640, n_layer=10, n_head=10, d_head=64, d_ff=2560, n_ctx=2048)
    >>> N = 10 * (5 * 640**2 + 2 * 640 * 2560) + 32_000 * 640
    >>> round(training_flops(**shape, vocabulary=False) / (6 * N * 2048), 2)
    1.03
    """
    s, d, width = n_ctx, d_model, n_head * d_head
    attention = 2 * 3 * s * d * width + 2 * s * s * width + 3 * n_head * s * s
    attention += 2 * s * s * width + 2 * s * width * d
    forward = n_layer * (attention + 2 * s * (d * d_ff + d_ff * d))
    if vocabulary:
        forward += 2 * s * V * d + 2 * s * d * V
    return 3 * forward


HOFFMANN_2022 = published(
    Chinchilla(E=1.69337, A=406.401, B=410.723, alpha=0.33917, beta=0.28491),
    source="Hoffmann et al. 2022, arXiv:2203.15556, section 3.3; digits of the TeX source",
    range="N 70 M - 16 B, D 5 - 500 B tokens",
    tokenizer="SentencePiece, 32 k, MassiveText",
    n_convention="total",
)

HOFFMANN_2022_ROUNDED = published(
    Chinchilla(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28),
    source="Hoffmann et al. 2022, arXiv:2203.15556, equation 10 as printed",
    range="N 70 M - 16 B, D 5 - 500 B tokens",
    tokenizer="SentencePiece, 32 k, MassiveText",
    n_convention="total",
)

BESIROGLU_2024 = published(
    Chinchilla(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658),
    source="Besiroglu et al. 2024, arXiv:2404.10102: refit of 240 points read from Hoffmann's figure 4",
    range="N 57 M - 16 B, C 1.4e18 - 1.3e22 FLOP",
    tokenizer="SentencePiece, 32 k, MassiveText",
    n_convention="total",
)
