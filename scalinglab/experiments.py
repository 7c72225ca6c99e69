"""The named sweeps behind every recorded table."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from scalinglab import context, corpus, counting, runs, shift, sweep, tasks
from scalinglab.model import GPT
from scalinglab.parity import ParityConfig, marks
from scalinglab.train import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A declarative grid of runs.

    Attributes
    ----------
    name
        The name of its table.
    purpose
        One paragraph: what the table is for.
    minutes
        Wall time on two cores: half the seconds of the recorded rows (of ``holdout`` the longest run),
        taken with other work going on; an estimate where no table is recorded yet.
    evaluations, spacing, noise_windows, texts, measure
        What is measured of each run, as in `train.train`.
    keep
        Whether the trained weights stay in the user's cache (`tasks.kept`).
    ship
        Those of the runs whose weights go with the package (`tasks.ship`).
    configs
        The runs.
    columns
        Further columns of the table, a value for each run.
    """

    name: str
    purpose: str
    minutes: float
    configs: tuple[sweep.Job, ...]
    evaluations: int = 1
    spacing: float = 2.0
    noise_windows: int = 0
    texts: tuple[str, ...] = ()
    measure: Callable[[GPT], dict] | None = None
    keep: bool = False
    ship: tuple[TrainConfig, ...] = ()
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)


SHAPES: dict[str, dict[str, Any]] = {
    "1.6k": {"n_layer": 2, "d_model": 8, "n_head": 2},
    "3.5k": {"n_layer": 2, "d_model": 12, "n_head": 2},
    "6k": {"n_layer": 2, "d_model": 16, "n_head": 2},
    "9.7k": {"n_layer": 2, "d_model": 20, "n_head": 2},
    "14k": {"n_layer": 2, "d_model": 24, "n_head": 2},
    "25k": {"n_layer": 2, "d_model": 32, "n_head": 2},
    "39k": {"n_layer": 2, "d_model": 40, "n_head": 4},
    "58k": {"n_layer": 3, "d_model": 40, "n_head": 4},
    "83k": {"n_layer": 3, "d_model": 48, "n_head": 4},
    "113k": {"n_layer": 3, "d_model": 56, "n_head": 4},
    "197k": {"n_layer": 4, "d_model": 64, "n_head": 4},
    "308k": {"n_layer": 4, "d_model": 80, "n_head": 4},
    "443k": {"n_layer": 4, "d_model": 96, "n_head": 4},
    "603k": {"n_layer": 4, "d_model": 112, "n_head": 4},
    "788k": {"n_layer": 4, "d_model": 128, "n_head": 4},
}
"""The family of shapes by non-embedding parameters N (rounded)."""


def unique(V: int = 256) -> int:
    """Tokens that the main text has to train on; a run of more repeats them."""
    return len(corpus.load("sotu", V=V).train) - 1


def shape(N: str) -> counting.Shape:
    """The shape of a member of the family, on bytes with a context of 128."""
    return counting.Shape(V=256, n_ctx=128, **SHAPES[N])


NANO_LAW = {"lr": (0.0056, -0.46, 0.14), "B": (473.0, -0.08, 0.74)}
"""Best peak learning rate and batch: value at N = 24 736 and D = 2 M, exponents in N and in D.

Least squares through the lowest points of the bowls in the table ``lr_batch`` (seed 0) that lie inside
their grids: N without embeddings from 6 to 443 k, D of 0.5 and 2 M.
"""


LARGE = 8192
"""Byte pairs of the experiment ``vocabulary``; the main text is 2.3 M such tokens."""

LARGE_FACTORS = {"lr": 4.5, "B": 7.0}
"""By how much more of both suits byte pairs of V = 8192 than the nano law says, B in tokens.

Read off the bowls of the table ``lr_batch_large``.
"""


def tuned(N: float, D: float, *, V: int = 256) -> dict[str, Any]:
    """Peak learning rate (two digits) and batch (whole contexts of 128, at least one) by the nano law.

    Examples
    --------
    >>> tuned(24_736, 2e6)
    {'lr': 0.0056, 'B': 512}
    """
    lr, B = (k * (N / 24_736) ** a * (D / 2e6) ** b for k, a, b in NANO_LAW.values())
    if V == LARGE:
        lr, B = lr * LARGE_FACTORS["lr"], B * LARGE_FACTORS["B"]
    return {"lr": float(f"{lr:.2g}"), "B": 128 * max(1, int(B / 128 + 0.5))}


def at_rate(setting: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """Change a setting's learning rate by a factor, and round it to two digits.

    Examples
    --------
    >>> at_rate({"lr": 0.0056, "B": 512}, 0.5)
    {'lr': 0.0028, 'B': 512}
    """
    return {**setting, "lr": float(f"{setting['lr'] * factor:.2g}")}


def spending(dims: Mapping[str, Any], C: float, *, V: int = 256, seed: int = 0) -> dict[str, Any]:
    """Settings of a run of the given dimensions that spends C exact FLOPs, by the nano law.

    More than the text has is trained on in repetition.
    """
    shape_ = counting.Shape(V=V, n_ctx=128, **dims)
    D = int(C / counting.flops(shape_).training)
    return {
        **dims,
        "V": V,
        "D": D,
        "U": None if D <= unique(V) else unique(V),
        "seed": seed,
        **tuned(counting.parameters(shape_).N, D, V=V),
    }


def budgeted(N: str, C: float, seed: int = 0) -> dict[str, Any]:
    """Settings of a run on bytes that spends C exact FLOPs on a member of the family."""
    return spending(SHAPES[N], C, seed=seed)


def at_budgets(runs_: Sequence[tuple[float, str, int]]) -> dict[str, Any]:
    """The runs of an experiment from budget, size and seed of each, and their column ``budget``."""
    return {
        "configs": sweep.configurations(budgeted(N, C, seed) for C, N, seed in runs_),
        "columns": {"budget": [C for C, _, _ in runs_]},
    }


def lr_batch() -> Experiment:
    """Learning rate and batch on a grid at three sizes and two lengths, and at one larger size."""
    grid = [
        {**SHAPES[N], "D": D, "B": B, "lr": lr}
        for D in (2_000_000, 500_000)
        for N in ("113k", "25k", "6k")
        for B in (128, 256, 512, 1024)
        for lr in (0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
    ]
    large = [
        {**SHAPES["443k"], "D": 2_000_000, "B": B, "lr": lr}
        for B, rates in (
            (128, (0.001,)),
            (256, (0.0005, 0.001, 0.002, 0.004)),
            (512, (0.0005, 0.001, 0.002, 0.004)),
            (1024, (0.002,)),
        )
        for lr in rates
    ]
    return Experiment(
        name="lr_batch",
        purpose="Where is the best learning rate and batch, how does it move with N and D, and what "
        "does it cost to miss it? Other experiments take both from the law fitted here.",
        minutes=60,
        configs=sweep.configurations(grid + large),
    )


def lr_repeats() -> Experiment:
    """Two more seeds at the best batch of each cell of ``lr_batch``, at three learning rates."""
    best = {
        ("113k", 2_000_000): (256, 0.002),
        ("25k", 2_000_000): (512, 0.004),
        ("6k", 2_000_000): (512, 0.008),
        ("113k", 500_000): (128, 0.002),
        ("25k", 500_000): (128, 0.004),
        ("6k", 500_000): (256, 0.008),
    }
    return Experiment(
        name="lr_repeats",
        purpose="An error bar on the best learning rate: does another seed choose another one?",
        minutes=7,
        configs=sweep.configurations(
            {**SHAPES[N], "D": D, "B": B, "lr": lr * factor, "seed": seed}
            for (N, D), (B, lr) in best.items()
            for factor in (0.5, 1, 2)
            for seed in (1, 2)
        ),
    )


def tuned_lr(N: float) -> float:
    """Peak learning rate at batches of 256 bytes: ``0.004 * (24_736 / N) ** 0.48``, two digits.

    Read off the table ``lr_batch`` at D = 2 M: .008, .004 and .002 at N = 6, 25 and 113 k, each
    the best of six; at D = 0.5 M the same rates are best.
    """
    return float(f"{0.004 * (24_736 / N) ** 0.48:.2g}")


def first_family() -> Experiment:
    """Six sizes, each trained on six amounts of data, every run with its own full schedule."""
    grid = [
        (N, D, 0)
        for N in ("113k", "39k", "25k", "14k", "6k", "1.6k")
        for D in (4_000_000, 2_000_000, 1_000_000, 500_000, 250_000, 125_000)
    ]
    repeats = [(N, 1_000_000, seed) for N in ("25k", "6k") for seed in (1, 2)]
    settings = [
        {**SHAPES[N], "D": D, "B": 256, "lr": tuned_lr(counting.parameters(shape(N)).N), "seed": seed}
        for N, D, seed in grid + repeats
    ]
    return Experiment(
        name="first_family",
        purpose="Kaplan's three laws at the scale of a laptop: loss against size where data are "
        "plentiful, against data at the largest size, against compute along the best of both.",
        minutes=13,
        configs=sweep.configurations(settings),
    )


BUDGETS: dict[float, tuple[str, ...]] = {
    1e13: ("83k", "113k", "197k", "308k", "443k", "603k", "788k"),
    3e12: ("39k", "58k", "83k", "113k", "197k", "308k", "443k"),
    1e12: ("14k", "25k", "39k", "58k", "83k", "113k", "197k"),
    3e11: ("9.7k", "14k", "25k", "39k", "58k", "83k", "113k"),
    1e11: ("3.5k", "6k", "9.7k", "14k", "25k", "39k", "58k"),
    3e10: ("1.6k", "3.5k", "6k", "9.7k", "14k", "25k", "39k"),
}
"""Sizes at each budget of exact FLOPs, about a quarter to four times the best."""


def isoflop() -> Experiment:
    """Six budgets, seven sizes at each, three seeds at the three lowest."""
    runs_ = [
        (C, N, seed)
        for C, sizes in BUDGETS.items()
        for N in sizes
        for seed in (range(3) if C < 1e12 else range(1))
    ]
    return Experiment(
        name="isoflop",
        purpose="Chinchilla's second approach: at a fixed budget of exact FLOPs, which size is best, and "
        "how does it grow with the budget?",
        minutes=29,
        evaluations=8,
        **at_budgets(runs_),
    )


def holdout() -> Experiment:
    """Three and ten times the largest budget of the bowls, at about the best size."""
    runs_ = [(1e14, "788k", 0), (3e13, "443k", 0), (3e13, "443k", 1)]
    return Experiment(
        name="holdout",
        purpose="Runs that no fit has seen: every law of the book predicts them, with an interval, before "
        "it is told what came out.",
        minutes=30,
        evaluations=12,
        **at_budgets(runs_),
    )


def classroom() -> Experiment:
    """Four budgets, seven sizes, two seeds: what a class measures together in one lesson."""
    runs_ = [(C, N, seed) for C, sizes in BUDGETS.items() if C <= 1e12 for N in sizes for seed in range(2)]
    return Experiment(
        name="classroom",
        purpose="The isoFLOP bowls of a class: each member trains a share of less than three minutes, "
        "and together they find how the best size grows with the budget.",
        minutes=10,
        **at_budgets(runs_),
    )


def n_d_grid() -> Experiment:
    """Seven sizes on six amounts of unique data, repeated until it does harm or 11 M tokens are seen."""
    epochs = {
        50_000: (1, 4, 16, 64),
        150_000: (1, 4, 12, 40),
        500_000: (1, 4, 12),
        1_500_000: (1, 3, 7),
        4_500_000: (1, 2),
        unique(): (1,),
    }
    sizes = ("308k", "113k", "39k", "14k", "6k", "3.5k", "1.6k")
    return Experiment(
        name="n_d_grid",
        purpose="Kaplan's L(N, D): loss against size and unique data, where data are repeated and the "
        "best of the evaluations and of the numbers of epochs counts (early stopping).",
        minutes=60,
        configs=sweep.configurations(
            {**SHAPES[N], "D": U * times, "U": U, **tuned(counting.parameters(shape(N)).N, U * times)}
            for U, repeats in epochs.items()
            for times in repeats
            for N in sizes
        ),
        evaluations=5,
    )


def fewer_epochs() -> Experiment:
    """Eight epochs of 50,000 bytes, between the numbers of `n_d_grid`, for the sizes that over-fit there."""
    return Experiment(
        name="fewer_epochs",
        purpose="Are large models on little text worse than small ones, or was the best number of "
        "epochs between two that the grid has?",
        minutes=2,
        configs=sweep.configurations(
            {**SHAPES[N], "D": 400_000, "U": 50_000, **tuned(counting.parameters(shape(N)).N, 400_000)}
            for N in ("308k", "113k", "39k")
        ),
        evaluations=5,
    )


def curves() -> Experiment:
    """Two sizes, four lengths, by two schedules, and a trunk that never cools down."""
    settings = [
        {**SHAPES[N], "D": D, "B": 256, "lr": lr, "warmup_steps": 200, "schedule": schedule}
        for N, lr in (("113k", 0.002), ("25k", 0.004))
        for schedule, lengths in (
            ("cooldown", (4_000_000, 2_000_000, 1_000_000, 500_000)),
            ("cosine", (4_000_000, 2_000_000, 1_000_000, 500_000)),
            ("constant", (4_000_000,)),
        )
        for D in lengths
    ]
    return Experiment(
        name="curves",
        purpose="Does a point in the middle of a long run stand for a short run? Cosines of four "
        "lengths, constant-then-decay branches of the same trunk, and the trunk itself.",
        minutes=10,
        configs=sweep.configurations(settings),
        evaluations=12,
        spacing=2**0.5,
    )


def batch() -> Experiment:
    """Six batches at two learning rates and two sizes, without cooling down, noise measured."""
    trunk = {"warmup_steps": 50, "schedule": "constant"}
    settings = [
        at_rate({**SHAPES[N], "D": D, "B": B, "lr": lr, **trunk}, (B / 512) ** 0.5)
        for N, D, rates in (("113k", 2_000_000, (0.0015, 0.003)), ("25k", 3_000_000, (0.003, 0.006)))
        for lr in rates
        for B in (128, 256, 512, 1024, 2048, 4096)
    ]
    return Experiment(
        name="batch",
        purpose="Steps against tokens to the same loss at batches from 128 to 4096 tokens, and the "
        "gradient's noise scale along training: the critical batch, measured in two ways.",
        minutes=15,
        configs=sweep.configurations(settings),
        evaluations=12,
        spacing=2**0.5,
        noise_windows=64,
    )


def known_entropy() -> Experiment:
    """Five sizes on four lengths of the laboratory language."""
    settings = [
        {**SHAPES[N], "corpus": "laboratory", "V": 80, "D": D, **tuned(counting.parameters(shape(N)).N, D)}
        for D in (10_000_000, 3_000_000, 800_000, 200_000)
        for N in ("197k", "83k", "25k", "6k", "1.6k")
    ]
    return Experiment(
        name="known_entropy",
        purpose="A language whose entropy is known: is the floor that a fit finds the true one, and does "
        "the excess over it fall as a counting learner's does?",
        minutes=8,
        configs=sweep.configurations(settings),
    )


def lr_batch_large() -> Experiment:
    """Learning rate and batch on a grid at two sizes, with byte pairs of V = 8192."""
    cells = (
        ("58k", 3e12, (0.006, 0.012, 0.024), (1024, 2048, 4096)),
        ("14k", 3e11, (0.008, 0.016, 0.032, 0.064), (256, 512, 1024)),
    )
    return Experiment(
        name="lr_batch_large",
        purpose="Do the rate and the batch that suit bytes suit byte pairs? By how much they do not is what "
        "the experiment on vocabularies takes from here.",
        minutes=8,
        configs=sweep.configurations(
            {**spending(SHAPES[N], C, V=LARGE), "lr": lr, "B": B}
            for N, C, rates, batches in cells
            for lr in rates
            for B in batches
        ),
    )


LARGE_BUDGETS: dict[float, tuple[str, ...]] = {
    1e13: ("14k", "25k", "58k", "83k", "113k", "197k"),
    3e12: ("6k", "9.7k", "14k", "25k", "58k", "113k"),
    1e12: ("3.5k", "6k", "9.7k", "14k", "25k", "58k"),
    3e11: ("1.6k", "3.5k", "6k", "9.7k", "14k", "25k"),
}
"""Sizes at each budget of exact FLOPs, most of them spent in the head."""


def vocabulary() -> Experiment:
    """Four budgets, six sizes at each, on byte pairs: the counterpart of ``isoflop``."""
    runs_ = [(C, N) for C, sizes in LARGE_BUDGETS.items() for N in sizes]
    return Experiment(
        name="vocabulary",
        purpose="With a large vocabulary the embedding and the head outweigh the rest of a small model: "
        "how much does the exponent of the best size depend on whether they are counted?",
        minutes=36,
        configs=sweep.configurations(spending(SHAPES[N], C, V=LARGE) for C, N in runs_),
        evaluations=8,
        columns={"budget": [C for C, _ in runs_]},
    )


REPEATED = 250_000
"""Unique bytes of the experiment ``repeat``."""


def repeat() -> Experiment:
    """Two sizes on a quarter of a million bytes, again and again, each with a twin on fresh text."""
    epochs = (40, 16, 8, 4, 2, 1)
    return Experiment(
        name="repeat",
        purpose="What is a token worth that has been seen before? Up to forty epochs of the same text "
        "beside as many tokens of text that is seen once (column ``U``: the unique tokens).",
        minutes=23,
        configs=sweep.configurations(
            {
                **SHAPES[N],
                "D": REPEATED * times,
                "U": REPEATED if again else REPEATED * times,
                "seed": seed,
                **tuned(counting.parameters(shape(N)).N, REPEATED * times),
            }
            for times in epochs
            for N in ("113k", "25k")
            for seed in (0, 1)
            for again in ((True, False) if times > 1 else (True,))
        ),
        evaluations=10,
    )


HEAD_TO_HEAD: dict[str, dict[str, Any]] = {
    "ours": {"n_layer": 4, "d_model": 88, "n_head": 4},
    "Kaplan": {"n_layer": 5, "d_model": 160, "n_head": 4},
}
"""Shapes nearest to what each rule asks for at 3e13 FLOPs: N = 372 k and 1.54 M.

Both rules start at the best size of the lowest budget of ``isoflop``, N_1 = 10.3 k at C_1 = 3e10: Kaplan's
N_1 (C / C_1)^.73 is 1.59 M, ours N_1 (C / C_1)^.517 is 365 k; N without embeddings, exact FLOPs.
"""


def head_to_head() -> Experiment:
    """One budget, a thousand times the lowest, on the size that each of two rules asks for."""
    sides = [(side, seed, 1.0) for side in HEAD_TO_HEAD for seed in (0, 1)]
    sides += [("Kaplan", 0, factor) for factor in (0.5, 2.0)]
    settings = [spending(HEAD_TO_HEAD[side], 3e13, seed=seed) for side, seed, _ in sides]
    return Experiment(
        name="head_to_head",
        purpose="Kaplan's exponent .73 and that of our bowls, both from the best size at 3e10 FLOPs, ask "
        "for two sizes at 3e13: which loss is lower? The larger model lies outside the range of "
        "the nano law, so half and twice its learning rate are tried as well.",
        minutes=25,
        configs=sweep.configurations(
            at_rate(setting, factor) for setting, (_, _, factor) in zip(settings, sides, strict=True)
        ),
        evaluations=12,
        columns={"rule": [side for side, _, _ in sides], "budget": [3e13] * len(sides)},
    )


LENGTHS = (16_000_000, 11_300_000, 8_000_000, 5_600_000, 4_000_000, 2_000_000, 1_000_000)
"""Bytes of the runs of ``emergence``."""


def schooled(N: str, D: int, *, corpus_: str = "skills", seed: int = 0) -> TrainConfig:
    """A run on the main text with a share of its windows teaching skills."""
    available = len(corpus.load(corpus_).train) - 1
    return TrainConfig(
        corpus=corpus_,
        D=D,
        U=None if available >= D else available,
        seed=seed,
        **SHAPES[N],
        **tuned(counting.parameters(shape(N)).N, D),
    )


def emergence() -> Experiment:
    """Four sizes and seven lengths on a text of which a tenth teaches skills; a thinner mix."""
    settings = [(N, D, "skills", 0) for D in LENGTHS for N in ("197k", "113k", "58k", "25k")]
    settings += [("113k", D, "skills", 1) for D in (8_000_000, 4_000_000)]
    settings += [("113k", D, "skills_thin", 0) for D in (16_000_000, 8_000_000)]
    return Experiment(
        name="emergence",
        purpose="Which skills appear in a small language model, at which loss of its text, and do models of "
        "different size and training agree on that loss?",
        minutes=37,
        configs=tuple(schooled(N, D, corpus_=mix, seed=seed) for N, D, mix, seed in settings),
        evaluations=6,
        measure=tasks.measure,
        keep=True,
        ship=tuple(schooled("197k", D) for D in (16_000_000, 8_000_000, 4_000_000)),
    )


FINETUNED = {
    "brackets": ((25, 75, 200, 600, 2000), (0, 1)),
    "sorting": ((50, 150, 400, 1000, 3000), (0, 1)),
    "addition": ((150, 1000, 3000), (0,)),
    "copying": ((150, 1000, 3000), (0,)),
}
"""Examples on which the models of ``emergence`` are fine-tuned, and nested subsets of them, by skill."""


def finetune() -> Experiment:
    """Sixteen models of ``emergence`` up to 8 M bytes, fine-tuned on three to five amounts of four skills."""
    lengths, sizes = (1_000_000, 2_000_000, 4_000_000, 8_000_000), ("197k", "113k", "58k", "25k")
    models = [schooled(N, D) for D in lengths for N in sizes]
    return Experiment(
        name="finetune",
        purpose="By how much does fine-tuning on k examples move the loss at which a skill appears?",
        minutes=34,
        configs=tuple(
            tasks.Finetuning(pretraining=model, skill=skill, k=k, subset=subset)
            for skill, (amounts, subsets) in FINETUNED.items()
            for subset in subsets
            for k in amounts
            for model in models
        ),
    )


def parity() -> Experiment:
    """Five widths, three seeds of a network that learns 100 tasks, each needed less than the one before."""
    widths = (512, 256, 128, 64, 32)
    configs = [ParityConfig(width=width, seed=seed) for width in widths for seed in (0, 1, 2)]
    return Experiment(
        name="parity",
        purpose="Many skills, each learned in a step of its own: is their mean a power law, and with the "
        "exponent that the frequencies of use give?",
        minutes=8,
        configs=tuple(configs),
        evaluations=len(marks(configs[0].steps)),
    )


PLANES: dict[int, dict[str, dict[str, int]]] = {
    24_576: {
        "base": {"n_layer": 2, "d_model": 32, "n_head": 2},
        "1 layer": {"n_layer": 1, "d_model": 46, "n_head": 2},
        "4 layers": {"n_layer": 4, "d_model": 22, "n_head": 2},
        "8 layers": {"n_layer": 8, "d_model": 16, "n_head": 2},
        "1 head": {"n_layer": 2, "d_model": 32, "n_head": 1},
        "4 heads": {"n_layer": 2, "d_model": 32, "n_head": 4},
        "8 heads": {"n_layer": 2, "d_model": 32, "n_head": 8},
        "ratio 1": {"n_layer": 2, "d_model": 46, "n_head": 2},
        "ratio 2": {"n_layer": 2, "d_model": 40, "n_head": 2},
        "ratio 8": {"n_layer": 2, "d_model": 24, "n_head": 2},
        "ratio 16": {"n_layer": 2, "d_model": 18, "n_head": 2},
    },
    98_304: {
        "base": {"n_layer": 2, "d_model": 64, "n_head": 4},
        "1 layer": {"n_layer": 1, "d_model": 92, "n_head": 4},
        "4 layers": {"n_layer": 4, "d_model": 44, "n_head": 4},
        "8 layers": {"n_layer": 8, "d_model": 32, "n_head": 4},
        "1 head": {"n_layer": 2, "d_model": 64, "n_head": 1},
        "2 heads": {"n_layer": 2, "d_model": 64, "n_head": 2},
        "8 heads": {"n_layer": 2, "d_model": 64, "n_head": 8},
        "ratio 1": {"n_layer": 2, "d_model": 92, "n_head": 4},
        "ratio 2": {"n_layer": 2, "d_model": 80, "n_head": 4},
        "ratio 8": {"n_layer": 2, "d_model": 48, "n_head": 4},
        "ratio 16": {"n_layer": 2, "d_model": 36, "n_head": 4},
    },
}
"""Shapes of the experiment ``shape``, by parameters of their matrices and by what differs from the base."""


def matched(dims: Mapping[str, int], parameters: int) -> dict[str, Any]:
    """Add the ``d_ff`` that brings attention and feed-forward to so many parameters.

    Examples
    --------
    >>> matched({"n_layer": 4, "d_model": 22, "n_head": 2}, 24_576)["d_ff"]
    96
    """
    layer, d = parameters / dims["n_layer"], dims["d_model"]
    return {**dims, "d_ff": round((layer - 4 * d * d) / (2 * d))}


def shapes() -> Experiment:
    """Eleven shapes of the same N at two sizes, three seeds; the extremes at other rates."""
    length = {24_576: 1_000_000, 98_304: 2_000_000}
    asked = [(P, name, seed, 1.0) for P in PLANES for name in PLANES[P] for seed in range(3)]
    asked += [
        (P, name, 0, factor)
        for P in PLANES
        for name in ("base", "1 layer", "8 layers", "ratio 16")
        for factor in (0.5, 2.0)
    ]
    settings = [
        at_rate({**matched(PLANES[P][name], P), "D": length[P], "seed": seed, **tuned(P, length[P])}, factor)
        for P, name, seed, factor in asked
    ]
    return Experiment(
        name="shape",
        purpose="At a fixed number of parameters, how much do depth, heads and the width of the feed-forward "
        "layer matter, beside another seed? The extremes also at half and twice the learning rate.",
        minutes=32,
        configs=sweep.configurations(settings),
        texts=("kjv", "shakespeare"),
        columns={
            "shape": [name for _, name, _, _ in asked],
            "rate": [factor for _, _, _, factor in asked],
        },
    )


def moe() -> Experiment:
    """One to sixteen experts, one per token, at three active sizes, two seeds; sixteen at other rates."""
    sizes = ("83k", "25k", "6k")
    asked = [(N, E, seed, 1.0) for N in sizes for E in (16, 8, 4, 2, 1) for seed in (0, 1)]
    asked += [(N, 16, 0, factor) for N in sizes[1:] for factor in (0.5, 2.0)]
    D = 2_000_000
    dense = {N: {**SHAPES[N], "D": D, **tuned(counting.parameters(shape(N)).N, D)} for N in sizes}
    settings = [
        at_rate({**dense[N], "n_experts": n_experts, "seed": seed}, factor)
        for N, n_experts, seed, factor in asked
    ]
    return Experiment(
        name="moe",
        purpose="Each token goes through one of several feed-forward layers: what do parameters buy that "
        "cost no FLOPs, and does a larger model gain less from them?",
        minutes=20,
        configs=sweep.configurations(settings),
        columns={"rate": [factor for _, _, _, factor in asked]},
    )


def contexts() -> Experiment:
    """Seven contexts at three sizes, a second seed at three of them; the loss at each octave of positions."""
    D = 2_000_000
    settings = [
        {**SHAPES[N], "n_ctx": n_ctx, "D": D, "B": 512, "lr": tuned(counting.parameters(shape(N)).N, D)["lr"]}
        | {"seed": seed}
        for N in ("113k", "25k", "6k")
        for n_ctx in (512, 256, 128, 64, 32, 16, 8)
        for seed in ((0, 1) if n_ctx in (8, 128, 512) else (0,))
    ]
    return Experiment(
        name="context",
        purpose="How does the loss fall along the context, and does a model that was trained on short "
        "contexts do better at the positions that it has?",
        minutes=12,
        configs=sweep.configurations(settings),
        evaluations=2,
        measure=context.measure,
    )


def shifts() -> Experiment:
    """Six sizes trained on each of three texts, two of them twice, scored on ten texts along training."""
    D = 3_000_000
    settings = [
        {**SHAPES[N], "corpus": text, "D": D, "seed": seed, **tuned(counting.parameters(shape(N)).N, D)}
        for N in ("308k", "113k", "58k", "25k", "9.7k", "3.5k")
        for text in ("sotu", "sotu_pre1900", "kjv")
        for seed in ((0, 1) if N in ("113k", "25k") else (0,))
    ]
    return Experiment(
        name="shift",
        purpose="Is what a model loses on other texts the same at every size and stage of training? Trained "
        "on addresses of all years, on those before 1900, and the other way round on the Bible.",
        minutes=23,
        configs=sweep.configurations(settings),
        evaluations=4,
        measure=shift.measure,
    )


CAPSTONE: dict[float, tuple[str, ...]] = {
    1.6e10: ("1.6k", "3.5k", "6k", "9.7k", "14k", "25k"),
    8e9: ("1.6k", "3.5k", "6k", "9.7k", "14k", "25k"),
    4e9: ("1.6k", "3.5k", "6k", "9.7k", "14k"),
    2e9: ("1.6k", "3.5k", "6k", "9.7k", "14k"),
    1e9: ("1.6k", "3.5k", "6k", "9.7k", "14k"),
}
"""Sizes at each budget of exact FLOPs that a sweep of the capstone may ask for, in the class at least."""


def capstone() -> Experiment:
    """Five budgets below those of the bowls, five or six sizes at each, three seeds."""
    runs_ = [(C, N, seed) for C, sizes in CAPSTONE.items() for N in sizes for seed in range(3)]
    return Experiment(
        name="capstone",
        purpose="The runs that a class can ask for whose task is to foretell one run of 1e11 FLOPs: "
        "every design of a sweep drawn from them is a classmate.",
        minutes=8,
        **at_budgets(runs_),
    )


EXPERIMENTS: dict[str, Callable[[], Experiment]] = {
    "lr_batch": cache(lr_batch),
    "lr_repeats": cache(lr_repeats),
    "first_family": cache(first_family),
    "isoflop": cache(isoflop),
    "holdout": cache(holdout),
    "classroom": cache(classroom),
    "n_d_grid": cache(n_d_grid),
    "fewer_epochs": cache(fewer_epochs),
    "curves": cache(curves),
    "batch": cache(batch),
    "known_entropy": cache(known_entropy),
    "lr_batch_large": cache(lr_batch_large),
    "vocabulary": cache(vocabulary),
    "repeat": cache(repeat),
    "head_to_head": cache(head_to_head),
    "parity": cache(parity),
    "emergence": cache(emergence),
    "finetune": cache(finetune),
    "shape": cache(shapes),
    "moe": cache(moe),
    "context": cache(contexts),
    "shift": cache(shifts),
    "capstone": cache(capstone),
}
"""Every experiment by name; a grid is built when it is asked for."""


def load(name: str) -> Experiment:
    """Build an experiment's grid.

    Raises
    ------
    KeyError
        No such experiment; the message lists those that exist.
    """
    if name not in EXPERIMENTS:
        raise KeyError(f"no experiment {name!r}; there are: {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]()


def record(name: str, *, store: str | os.PathLike, tables: str | os.PathLike = runs.TABLES) -> Path:
    """Write an experiment's finished runs as the table ``<name>.parquet``; its curves beside it.

    Raises
    ------
    FileNotFoundError
        A run of the grid is not in the store: sweep first.
    """
    experiment, tables = load(name), Path(tables)
    missing = sum(not sweep.present(Path(store), config) for config in experiment.configs)
    if missing:
        raise FileNotFoundError(
            f"{missing} of {len(experiment.configs)} runs of {name!r} are not in {store}; "
            f"run: python -m scalinglab sweep {name} --store {store}"
        )
    rows = pd.DataFrame([sweep.read(store, config)["row"] for config in experiment.configs])
    rows = rows.assign(**experiment.columns)
    for config in experiment.ship:
        tasks.ship(config)
    if experiment.evaluations > 1:
        curves = sweep.curves(store, experiment.configs)
        runs.write(curves, tables / f"{name}_curves.parquet")
    return runs.write(rows, tables / f"{name}.parquet")
