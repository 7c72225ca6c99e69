"""What the loss of size and data leaves out: repetition, inference, bits, words, bends."""

from typing import ClassVar, NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from scalinglab.laws.chinchilla import Chinchilla
from scalinglab.laws.law import law, parameter, published


@law
class RepeatedDataLaw:
    r"""``L = E + A / N_eff**alpha + B / D_eff**beta``: repeated tokens are worth less and less.

    .. math:: D' = U\left(1 + R_D^*\left(1 - e^{-R_D/R_D^*}\right)\right), \qquad R_D = D/U - 1

    and the same for ``N'`` with ``U_N``, the best size for ``U`` tokens, as long as it is
    exceeded. ``N`` parameters, ``D`` tokens seen, ``U`` different tokens among them.
    Source: Muennighoff et al. 2023 (arXiv:2305.16264), equations 5 and 6.

    Examples
    --------
    >>> round(float(MUENNIGHOFF_2023(N=1e9, D=4 * 2e10, U=2e10)), 5)
    2.43602
    """

    formula: ClassVar[str] = (
        r"L = E + \frac{A}{N'^{\alpha}} + \frac{B}{D'^{\beta}},\quad "
        r"D' = U\left[1 + R_D^*\left(1 - e^{(1 - D/U)/R_D^*}\right)\right],\quad "
        r"N' = U_N\left[1 + R_N^*\left(1 - e^{(1 - N/U_N)/R_N^*}\right)\right]"
    )
    chapter: ClassVar[str] = "11_beyond"

    E: float = parameter("log", 0.3, 3.0, "nats/token", "loss that no size and no data remove")
    A: float = parameter("log", 1.0, 1e6, "", "scale of the price of a finite model")
    B: float = parameter("log", 1.0, 1e6, "", "scale of the price of finite data")
    alpha: float = parameter("log", 0.05, 1.5, "", "exponent in model size")
    beta: float = parameter("log", 0.05, 1.5, "", "exponent in data")
    R_D: float = parameter("log", 1.0, 100.0, "epochs", "repetitions after which a token is worth 1/e")
    R_N: float = parameter("log", 1.0, 100.0, "", "the same for parameters in excess")

    def __call__(self, *, N, D, U):
        """Loss in nats per token of ``N`` parameters, ``D`` tokens seen, ``U`` of them different."""
        N_eff = self.effective_size(N=N, U=U)
        D_eff = self.effective_tokens(D=D, U=U)
        return self.E + self.A / N_eff**self.alpha + self.B / D_eff**self.beta

    def effective_tokens(self, *, D, U):
        """Fresh tokens that ``D`` tokens over ``U`` different ones are worth.

        Examples
        --------
        >>> round(float(MUENNIGHOFF_2023.effective_tokens(D=4 * 2e10, U=2e10)) / 1e9, 1)
        74.5
        """
        return effective_tokens(D=D, U=np.minimum(U, D), R_D=self.R_D)

    def effective_size(self, *, N, U):
        """Parameters that ``N`` are worth when only ``U`` different tokens are there."""
        best = self.best_size(U=U)
        U_N = np.where(np.real(N) < np.real(best), N, best)
        return U_N * (1 + self.R_N * (1 - np.exp((1 - N / U_N) / self.R_N)))

    def best_size(self, *, U):
        """Parameters for which ``U`` tokens, seen once, are the best data.

        Examples
        --------
        >>> round(float(MUENNIGHOFF_2023.best_size(U=2e10)) / 1e9, 5)
        1.01973
        """
        base = Chinchilla(E=self.E, A=self.A, B=self.B, alpha=self.alpha, beta=self.beta)
        return base.G * (U * base.G) ** (base.a / base.b)


def effective_tokens(*, D, U, R_D):
    """``U (1 + R_D (1 - exp((1 - D/U) / R_D)))``: fresh tokens that ``D`` over ``U`` are worth.

    The part of :class:`RepeatedDataLaw` that needs no other constant; ``D`` at least ``U``.

    Examples
    --------
    >>> round(float(effective_tokens(D=4.0, U=1.0, R_D=15.387756)), 2)
    3.73
    """
    return U * (1 + R_D * (1 - np.exp((1 - D / U) / R_D)))


@law
class OvertrainingLaw:
    r"""``L = E + (a M**eta + b M**-eta) C**-eta``: parallel lines for every ``M = D / N``.

    .. math:: L(C, M) = E + \left(a M^{\eta} + b M^{-\eta}\right) C^{-\eta}, \qquad
              M = D/N, \quad C = 6 N D

    ``N`` parameters, ``D`` tokens. A Chinchilla law with ``alpha = beta = 2 eta``.
    Source: Gadre et al. 2024 (arXiv:2403.08540), equation 4.

    Examples
    --------
    >>> round(GADRE_2024_C4(N=6.9e9, D=138e9), 2)
    2.29
    """

    formula: ClassVar[str] = (
        r"L = E + \left(a M^{\eta} + b M^{-\eta}\right) C^{-\eta},\quad M = D/N,\ C = 6ND"
    )
    chapter: ClassVar[str] = "11_beyond"

    E: float = parameter("log", 0.3, 3.0, "nats/token", "loss that no compute removes")
    a: float = parameter("log", 1.0, 1e5, "", "weight of over-training")
    b: float = parameter("log", 1.0, 1e5, "", "weight of under-training")
    eta: float = parameter("log", 0.02, 0.7, "", "exponent in compute")

    def __call__(self, *, N, D):
        """Loss in nats per token of ``N`` parameters after ``D`` tokens (scalars or arrays)."""
        M, C = D / N, 6.0 * N * D
        return self.E + (self.a * M**self.eta + self.b * M**-self.eta) * C**-self.eta

    def optimum(self, *, C):
        """``N`` and ``D`` of the lowest loss under ``C = 6 N D`` FLOPs: ``M = (b/a)**(1/(2 eta))``."""
        M = (self.b / self.a) ** (1 / (2 * self.eta))
        N = (C / (6 * M)) ** 0.5
        return N, M * N

    def overtrained(self, *, times):
        """``M``, ``times`` the best tokens per parameter, and the factor that it costs in ``L - E``.

        Examples
        --------
        >>> M, cost = GADRE_2024_C4.overtrained(times=10)
        >>> round(M, 1), round(cost, 3)
        (34.3, 1.039)
        """
        M = times * (self.b / self.a) ** (1 / (2 * self.eta))
        return M, (times**self.eta + times**-self.eta) / 2


@law
class DownstreamErrorLaw:
    r"""``error = epsilon - k * exp(-gamma * L)``: average error on tasks, from the loss.

    .. math:: \mathrm{Err}(L) = \epsilon - k\, e^{-\gamma L}

    ``L`` nats per token, ``error`` between 0 and 1, averaged over many tasks.
    Source: Gadre et al. 2024 (arXiv:2403.08540), equation 5.

    Examples
    --------
    >>> round(float(GADRE_2024_ERROR_C4(L=2.42)), 2)
    0.52
    """

    formula: ClassVar[str] = r"\mathrm{Err} = \epsilon - k\, e^{-\gamma L}"
    chapter: ClassVar[str] = "11_beyond"
    predicts: ClassVar[str] = "error"

    epsilon: float = parameter("log", 0.3, 1.0, "", "error of a hopeless model")
    k: float = parameter("log", 0.1, 50.0, "", "scale of the fall")
    gamma: float = parameter("log", 0.1, 5.0, "1/nat", "how fast error follows loss")

    def __call__(self, *, L):
        """Average error at ``L`` nats per token (scalar or array)."""
        return self.epsilon - self.k * np.exp(-self.gamma * L)


class Lifetime(NamedTuple):
    """A model for its whole life: parameters, training tokens, FLOPs of training and use."""

    N: float
    D: float
    C: float


def cheapest_lifetime(law: Chinchilla, *, L, D_inference) -> Lifetime:
    """Find the size that reaches loss ``L`` and then serves ``D_inference`` tokens at least cost.

    Parameters
    ----------
    law
        The loss in size and data.
    L
        Loss to reach, in nats per token; above the law's floor.
    D_inference
        Tokens read or written in use over the model's life.

    Returns
    -------
    Lifetime
        ``C = 6 N D + 2 N D_inference`` is the least.

    Raises
    ------
    ValueError
        ``L`` is not above the law's floor.

    Notes
    -----
    Source: Sardana & Frankle 2023 (arXiv:2401.00448), equation 3.

    Examples
    --------
    >>> from scalinglab.laws import HOFFMANN_2022
    >>> L = float(HOFFMANN_2022(N=13e9, D=2.6e11))
    >>> trained, used = (cheapest_lifetime(HOFFMANN_2022, L=L, D_inference=d) for d in (0, 2e12))
    >>> used.N < trained.N and used.D > trained.D
    True
    """
    if not law.E < L:
        raise ValueError(
            f"L={L} is not above the law's floor E={law.E}: no model reaches it; ask for more loss"
        )
    smallest = (law.A / (L - law.E)) ** (1 / law.alpha)

    def plan(log_ratio: float) -> Lifetime:
        N = smallest * (1 + np.exp(log_ratio))
        D = (law.B / (L - law.E - law.A / N**law.alpha)) ** (1 / law.beta)
        return Lifetime(float(N), float(D), float(6 * N * D + 2 * N * D_inference))

    least = minimize_scalar(
        lambda x: np.log(plan(x).C), bounds=(-10, 25), method="bounded", options={"xatol": 1e-9}
    )
    return plan(least.x)


@law
class PrecisionLaw:
    r"""``L = E + A / N_eff**alpha + B / D**beta``: few bits act like few parameters.

    .. math:: N_{eff} = N\left(1 - e^{-P_w/\gamma_w}\right)\left(1 - e^{-P_a/\gamma_a}\right)
              \left(1 - e^{-P_{kv}/\gamma_{kv}}\right)

    ``N`` parameters, ``D`` tokens; ``P_w``, ``P_a``, ``P_kv`` bits of weights, activations and
    key-value cache in training.
    Source: Kumar et al. 2024 (arXiv:2411.04330), equations 3 and 4.

    Examples
    --------
    >>> [round(float(KUMAR_2024.weight_share(P_w=bits)), 4) for bits in (16, 8, 4)]
    [0.9975, 0.9498, 0.7759]
    """

    formula: ClassVar[str] = (
        r"L = E + \frac{A}{N_{eff}^{\alpha}} + \frac{B}{D^{\beta}},\quad "
        r"N_{eff} = N \prod_{x \in \{w,\, a,\, kv\}} \left(1 - e^{-P_x/\gamma_x}\right)"
    )
    chapter: ClassVar[str] = "11_beyond"

    E: float = parameter("log", 0.3, 4.0, "nats/token", "loss that nothing removes")
    A: float = parameter("log", 1.0, 1e6, "", "scale of the price of a finite model")
    B: float = parameter("log", 1.0, 1e6, "", "scale of the price of finite data")
    alpha: float = parameter("log", 0.05, 1.5, "", "exponent in model size")
    beta: float = parameter("log", 0.05, 1.5, "", "exponent in data")
    gamma_w: float = parameter("log", 0.3, 10.0, "bits", "scale of the weights' precision")
    gamma_a: float = parameter("log", 0.3, 10.0, "bits", "scale of the activations' precision")
    gamma_kv: float = parameter("log", 0.3, 10.0, "bits", "scale of the key-value cache's precision")

    def __call__(self, *, N, D, P_w, P_a, P_kv):
        """Loss in nats per token (scalars or arrays)."""
        return self.at(P_w=P_w, P_a=P_a, P_kv=P_kv)(N=N, D=D)

    def at(self, *, P_w=16.0, P_a=16.0, P_kv=16.0) -> Chinchilla:
        """Fix the bits: what is left is a Chinchilla law with a larger ``A``."""
        share = self.weight_share(P_w=P_w) * (1 - np.exp(-P_a / self.gamma_a))
        share = share * (1 - np.exp(-P_kv / self.gamma_kv))
        return Chinchilla(E=self.E, A=self.A / share**self.alpha, B=self.B, alpha=self.alpha, beta=self.beta)

    def weight_share(self, *, P_w):
        """Share of the parameters that weights of ``P_w`` bits are worth."""
        return 1 - np.exp(-P_w / self.gamma_w)


@law
class QuantizationPenaltyLaw:
    r"""``dL = C_T * D**gamma_D / N**gamma_N * exp(-P / gamma_post)``: rounding a trained model.

    .. math:: \delta = C_T\, \frac{D^{\gamma_D}}{N^{\gamma_N}}\, e^{-P/\gamma_{post}}

    ``N`` parameters trained on ``D`` tokens, their weights then rounded to ``P`` bits; ``dL``
    nats per token. The longer the training, the larger the loss.
    Source: Kumar et al. 2024 (arXiv:2411.04330), equation 2.

    Examples
    --------
    >>> ratio = KUMAR_2024_ROUNDING(N=1e8, D=2e10, P=4) / KUMAR_2024_ROUNDING(N=1e8, D=1e10, P=4)
    >>> round(float(ratio), 2)
    1.42
    """

    formula: ClassVar[str] = r"\delta = C_T\, \frac{D^{\gamma_D}}{N^{\gamma_N}}\, e^{-P/\gamma_{post}}"
    chapter: ClassVar[str] = "11_beyond"
    predicts: ClassVar[str] = "dL"

    C_T: float = parameter("log", 1e-4, 1e2, "nats/token", "scale")
    gamma_D: float = parameter("log", 0.05, 2.0, "", "exponent in data")
    gamma_N: float = parameter("log", 0.05, 2.0, "", "exponent in model size")
    gamma_post: float = parameter("log", 0.1, 5.0, "bits", "scale of the precision")

    def __call__(self, *, N, D, P):
        """Loss added, in nats per token (scalars or arrays)."""
        return self.C_T * D**self.gamma_D / N**self.gamma_N * np.exp(-P / self.gamma_post)


@law
class VocabularyLaw:
    r"""``N = k_N C**a_N``, ``N_V = k_V C**a_V``: parameters for words grow slower than the rest.

    .. math:: N_{nv} = k_N\, C^{a_N}, \qquad N_v = k_V\, C^{a_V}

    ``C`` FLOPs, ``N`` parameters outside the vocabulary, ``N_V = V d`` inside.
    Source: Tao et al. 2024 (arXiv:2407.13623), approach 1.

    Examples
    --------
    >>> N, N_V = TAO_2024(C=1e21)
    >>> round(N / 1e9, 1), round(N_V / 1e9, 2)
    (2.6, 0.11)
    """

    formula: ClassVar[str] = r"N_{nv} = k_N\, C^{a_N},\quad N_v = k_V\, C^{a_V}"
    chapter: ClassVar[str] = "11_beyond"
    predicts: ClassVar[tuple[str, str]] = ("N", "N_V")

    k_N: float = parameter("log", 1e-6, 1e3, "parameters/FLOP^a_N", "size at one FLOP")
    a_N: float = parameter("log", 0.2, 1.0, "", "exponent of the size outside the vocabulary")
    k_V: float = parameter("log", 1e-6, 1e3, "parameters/FLOP^a_V", "vocabulary at one FLOP")
    a_V: float = parameter("log", 0.1, 1.0, "", "exponent of the vocabulary's parameters")

    def __call__(self, *, C):
        """Parameters outside and inside the vocabulary for ``C`` FLOPs (scalar or array)."""
        return self.k_N * C**self.a_N, self.k_V * C**self.a_V


@law
class BrokenLaw:
    r"""``y = a + b x**-c_0 (1 + (x/d_1)**(1/f_1))**(-c_1 f_1)``: a power law with one bend.

    .. math:: y = a + b\, x^{-c_0} \left(1 + \left(\frac{x}{d_1}\right)^{1/f_1}\right)^{-c_1 f_1}

    ``x`` any resource, ``y`` any metric. Before ``d_1`` the exponent is ``c_0``, after it
    ``c_0 + c_1``; a negative ``c_1`` can make the curve rise again.
    Source: Caballero et al. 2022 (arXiv:2210.14891), equation 1 with one break.

    Examples
    --------
    >>> law = BrokenLaw(a=0.0, b=1.0, c_0=0.1, c_1=0.4, d_1=1e6, f_1=0.1)
    >>> round(law(x=1e3) / law(x=1e4), 3), round(law(x=1e8) / law(x=1e9), 3)
    (1.259, 3.162)
    """

    formula: ClassVar[str] = (
        r"y = a + b\, x^{-c_0} \left(1 + \left(\frac{x}{d_1}\right)^{1/f_1}\right)^{-c_1 f_1}"
    )
    chapter: ClassVar[str] = "14_forecasting_emergence"
    predicts: ClassVar[str] = "y"

    a: float = parameter("linear", 0.0, 3.0, "", "limit for endless x")
    b: float = parameter("log", 1e-3, 1e6, "", "scale")
    c_0: float = parameter("linear", 0.0, 1.0, "", "exponent before the break")
    c_1: float = parameter("linear", -1.0, 1.0, "", "change of the exponent at the break")
    d_1: float = parameter("log", 1e2, 1e12, "unit of x", "place of the break")
    f_1: float = parameter("log", 0.05, 2.0, "", "width of the break in ln x")

    def __call__(self, *, x):
        """The metric at ``x`` (scalar or array)."""
        bend = (1 + (x / self.d_1) ** (1 / self.f_1)) ** (-self.c_1 * self.f_1)
        return self.a + self.b * x**-self.c_0 * bend


@law
class FarseerLaw:
    r"""``L = floor(N) + price(N) / D**exponent(N)``: size decides what data bring.

    .. math:: L(N, D) = e^{a_3 N^{\gamma} + b_3} + e^{a_2 N^{\beta} + b_2}\,
              D^{-\exp\left(a_1 N^{\alpha} + b_1\right)}

    ``N`` non-embedding parameters, ``D`` tokens: the exponent of data depends on size, so that
    the best tokens per parameter grow with the budget.
    Source: Li et al. 2025 (Farseer, arXiv:2506.10972), equation 1. Their constants could not be
    confirmed and are not given here.

    Examples
    --------
    >>> exponent, price = dict(a_1=0.1, b_1=-1.5, alpha=0.05), dict(a_2=-0.1, b_2=7.0, beta=0.1)
    >>> law = FarseerLaw(**exponent, **price, a_3=-0.05, b_3=1.0, gamma=0.1)
    >>> bool(law(N=1e9, D=2e10) < law(N=1e9, D=1e10))
    True
    """

    formula: ClassVar[str] = (
        r"L = e^{a_3 N^{\gamma} + b_3} + e^{a_2 N^{\beta} + b_2}\, D^{-\exp\left(a_1 N^{\alpha} + b_1\right)}"
    )
    chapter: ClassVar[str] = "11_beyond"

    a_1: float = parameter("linear", -0.5, 0.5, "", "slope of the data exponent's logarithm")
    b_1: float = parameter("linear", -3.0, 0.5, "", "its level")
    alpha: float = parameter("log", 0.01, 0.5, "", "its exponent in size")
    a_2: float = parameter("linear", -1.0, 0.5, "", "slope of the data price's logarithm")
    b_2: float = parameter("linear", 0.0, 15.0, "", "its level")
    beta: float = parameter("log", 0.01, 0.5, "", "its exponent in size")
    a_3: float = parameter("linear", -1.0, 0.5, "", "slope of the floor's logarithm")
    b_3: float = parameter("linear", -1.0, 3.0, "", "its level")
    gamma: float = parameter("log", 0.01, 0.5, "", "its exponent in size")

    def __call__(self, *, N, D):
        """Loss in nats per token of ``N`` parameters after ``D`` tokens (scalars or arrays)."""
        floor = np.exp(self.a_3 * N**self.gamma + self.b_3)
        exponent = np.exp(self.a_1 * N**self.alpha + self.b_1)
        return floor + np.exp(self.a_2 * N**self.beta + self.b_2 - exponent * np.log(D))


MUENNIGHOFF_2023 = published(
    RepeatedDataLaw(
        E=float(np.exp(0.6254804)),
        A=float(np.exp(6.255414)),
        B=float(np.exp(7.3049974)),
        alpha=0.3526596,
        beta=0.3526596,
        R_D=15.387756,
        R_N=5.309743,
    ),
    source="Muennighoff et al. 2023, arXiv:2305.16264, constants of the authors' notebook "
    "utils/parametric_fit.ipynb: E, A, B are exp of 0.6254804, 6.255414, 7.3049974",
    range="N 7 M - 8.7 B, D to 900 B tokens, 1 - 1500 epochs",
    tokenizer="GPT-2 BPE, 50 257; C4",
    n_convention="total",
)


GADRE_2024_C4 = published(
    OvertrainingLaw(E=1.51, a=141.0, b=190.0, eta=0.121),
    source="Gadre et al. 2024, arXiv:2403.08540, C4 training set, loss on C4; the authors' runs and code "
    "give 1.508, 141.3, 189.5, 0.1212",
    range="fit on N 11 - 411 M at 20 tokens a parameter and 11 M at 320; checked to 6.9 B",
    tokenizer="GPT-NeoX BPE; C4",
    n_convention="total",
)


GADRE_2024_REDPAJAMA = published(
    OvertrainingLaw(E=1.84, a=212.0, b=367.0, eta=0.136),
    source="Gadre et al. 2024, arXiv:2403.08540, RedPajama training set, loss on C4; the authors' runs and "
    "code give 1.837, 212.2, 366.7, 0.1364",
    range="fit on N 11 - 411 M at 20 tokens a parameter and 11 M at 320; checked to 6.9 B",
    tokenizer="GPT-NeoX BPE; RedPajama",
    n_convention="total",
)


GADRE_2024_REFINEDWEB = published(
    OvertrainingLaw(E=1.73, a=157.0, b=246.0, eta=0.127),
    source="Gadre et al. 2024, arXiv:2403.08540, RefinedWeb training set, loss on C4; the authors' runs and "
    "code give 1.734, 157.1, 246.2, 0.1272",
    range="fit on N 11 - 411 M at 20 tokens a parameter and 11 M at 320; checked to 6.9 B",
    tokenizer="GPT-NeoX BPE; RefinedWeb",
    n_convention="total",
)


GADRE_2024_ERROR_C4 = published(
    DownstreamErrorLaw(epsilon=0.850, k=2.08, gamma=0.756),
    source="Gadre et al. 2024, arXiv:2403.08540, C4 training set: top-1 error averaged over 17 tasks against "
    "the loss on C4; the authors' runs and code give the same",
    range="6 models, N 11 M - 1.4 B",
    tokenizer="GPT-NeoX BPE; C4",
)


GADRE_2024_ERROR_REDPAJAMA = published(
    DownstreamErrorLaw(epsilon=0.857, k=2.21, gamma=0.715),
    source="Gadre et al. 2024, arXiv:2403.08540, RedPajama training set: top-1 error averaged over 17 tasks "
    "against the loss on C4; the authors' runs and code give the same",
    range="6 models, N 11 M - 1.4 B",
    tokenizer="GPT-NeoX BPE; RedPajama",
)


GADRE_2024_ERROR_REFINEDWEB = published(
    DownstreamErrorLaw(epsilon=0.865, k=2.21, gamma=0.707),
    source="Gadre et al. 2024, arXiv:2403.08540, RefinedWeb training set: top-1 error averaged over 17 tasks "
    "against the loss on C4; the authors' runs and code give the same",
    range="6 models, N 11 M - 1.4 B",
    tokenizer="GPT-NeoX BPE; RefinedWeb",
)


KUMAR_2024 = published(
    PrecisionLaw(
        E=2.7648,
        A=4.299e3,
        B=1.806e4,
        alpha=0.4965,
        beta=0.4965,
        gamma_w=2.6745,
        gamma_a=2.2102,
        gamma_kv=0.9578,
    ),
    source="Kumar et al. 2024, arXiv:2411.04330, table 2 of appendix K (alpha = beta there); the offsets n "
    "of that fit (0.3037, 1.4072, 2.4185) are left out, as in equation 4",
    range="465 runs, N 30 - 220 M, D 1.5 - 26 B tokens, 3 - 12 bits; checked to 1.7 B",
    tokenizer="OLMo's; Dolma",
    n_convention="non-embedding",
)


KUMAR_2024_ROUNDING = published(
    QuantizationPenaltyLaw(C_T=0.0598, gamma_D=0.5068, gamma_N=0.3439, gamma_post=0.5907),
    source="Kumar et al. 2024, arXiv:2411.04330, table 2 of appendix K; the offset b = 1.1277 of that fit is "
    "left out, as in equation 2",
    range="465 runs, N 30 - 220 M, D 1.5 - 26 B tokens, weights rounded to 3 - 6 bits",
    tokenizer="OLMo's; Dolma",
    n_convention="non-embedding",
)


TAO_2024 = published(
    VocabularyLaw(k_N=0.0834, a_N=0.5, k_V=0.204, a_V=0.416),
    source="Tao et al. 2024, arXiv:2407.13623, approach 1, constants of the authors' code",
    range="N 33 M - 3 B, V 4 - 96 k",
    tokenizer="BPE, 4 - 96 k; SlimPajama",
    n_convention="non-embedding",
)
