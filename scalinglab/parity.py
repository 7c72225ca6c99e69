"""Multitask sparse parity: one network, many small skills, each needed less often than the one before."""

import hashlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scalinglab.train import cpu, parsed

HELDOUT = 1024
"""Strings of bits on which every task is tested, the same at every step of a run."""

PER_DECADE = 20
"""Tests per factor of ten of the steps, from step 10 on: each step 12 % after the one before."""


@dataclass(frozen=True, kw_only=True)
class ParityConfig:
    """Everything that decides a run: tasks, network, training.

    Attributes
    ----------
    tasks
        Number of tasks; task i is drawn with a probability proportional to ``i**-(1 + alpha)``.
    bits, k
        Bits of the input; how many of them decide a task's answer, the parity of their sum.
    alpha
        Exponent of use minus one.
    width
        Hidden units.
    batch
        Examples per step, all fresh.
    lr, weight_decay
        AdamW's, constant.
    steps
        Of the optimiser.
    seed
        Decides which bits each task asks for, the initial weights, and what is drawn. Runs that
        differ in tasks, bits, k or width share none of it.

    Raises
    ------
    ValueError
        The run is impossible; the message names value and remedy.

    Examples
    --------
    >>> ParityConfig(bits=2)
    Traceback (most recent call last):
      ...
    ValueError: k=3 is impossible; choose between 1 and bits=2
    """

    tasks: int = 100
    bits: int = 32
    k: int = 3
    alpha: float = 0.4
    width: int = 128
    batch: int = 2048
    lr: float = 5e-3
    weight_decay: float = 0.01
    steps: int = 20_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("tasks", "bits", "width", "batch", "steps"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "take 1 or more")
        _require(1 <= self.k <= self.bits, "k", self.k, f"choose between 1 and bits={self.bits}")
        most = math.comb(self.bits, self.k)
        remedy = f"{self.bits} bits have {most} sets of {self.k}, one for each task; take more bits"
        _require(self.tasks <= most, "tasks", self.tasks, remedy)
        _require(self.alpha > 0, "alpha", self.alpha, "take a positive exponent")
        _require(self.lr > 0, "lr", self.lr, "take a positive learning rate")
        _require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "take 0 or more")
        _require(self.seed >= 0, "seed", self.seed, "take 0 or more")

    @property
    def id(self) -> str:
        """Hash of all fields: the name of the run."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def N(self) -> int:
        """Parameters: rows for task code and bits, hidden bias, weights and bias of the answer."""
        return (self.tasks + self.bits + 2) * self.width + 1

    @property
    def code(self) -> str:
        """Hash of the code that decides its numbers: this module."""
        return hashlib.sha256(parsed(Path(__file__)).encode()).hexdigest()[:12]

    def describe(self) -> dict:
        """The row as far as it is known before; ``D`` examples, ``C = 6 N D`` FLOPs, ``N`` all parameters."""
        D = self.steps * self.batch
        counts = {"N": self.N, "N_total": self.N, "S": self.steps, "D": D, "C": 6.0 * self.N * D}
        return {"id": self.id, "code": self.code} | asdict(self) | counts

    def run(self, **_: Any) -> "ParityRun":
        """Train it; the row's loss is the mean under the frequencies of use, nats per answer."""
        begin = time.perf_counter()
        curve = train(self).drop(columns=["id", "N"])
        last = curve[curve["S"] == self.steps]
        row = self.describe() | {"L": float((last["use"] * last["L"]).sum())}
        return ParityRun(row=row | {"seconds": time.perf_counter() - begin}, curve=curve)

    @property
    def use(self) -> np.ndarray:
        """Share of the examples that each task has, shape (tasks,)."""
        weights = np.arange(1, self.tasks + 1) ** -(1.0 + self.alpha)
        return weights / weights.sum()


@dataclass(frozen=True, kw_only=True, eq=False)
class ParityRun:
    """What a run gives: its row, and the losses of all tasks at all tested steps."""

    row: dict
    curve: pd.DataFrame
    position_loss: np.ndarray = field(default_factory=lambda: np.array([]))


def _require(condition: bool, name: str, value: object, remedy: str) -> None:
    if not condition:
        raise ValueError(f"{name}={value} is impossible; {remedy}")


class ParityMLP(nn.Module):
    """One hidden layer of ReLUs on the task's one-hot code beside the bits; one logit.

    The code's product with its weights is a row of theirs, and is looked up instead. A logit and
    the logistic loss are the two-way softmax with one of its two outputs held at 0.
    """

    def __init__(self, config: ParityConfig, generator: torch.Generator) -> None:
        super().__init__()
        h = config.width
        self.code = nn.Parameter(torch.empty(config.tasks, h))
        self.rows = nn.Parameter(torch.empty(config.bits, h))
        self.bias = nn.Parameter(torch.zeros(h))
        self.answer = nn.Parameter(torch.empty(h))
        self.offset = nn.Parameter(torch.zeros(()))
        active = config.bits + 1  # of the code's entries one alone is not 0
        for weights, inputs in ((self.code, active), (self.rows, active), (self.answer, h)):
            nn.init.uniform_(weights, -(inputs**-0.5), inputs**-0.5, generator=generator)

    def forward(self, task: Tensor, x: Tensor) -> Tensor:
        """Logit of an odd parity, (b,), from task ids (b,) and bits as -1 or 1, (b, bits)."""
        hidden = F.relu(torch.addmm(F.embedding(task, self.code) + self.bias, x, self.rows))  # (b, h)
        return torch.addmv(self.offset, hidden, self.answer)


class Draws:
    """Where a run's tasks, weights and examples come from: independent streams of one seed.

    Attributes
    ----------
    chosen
        Which bits each task asks for, (tasks, k), no two tasks the same.
    weights
        Generator of the initial weights.
    """

    def __init__(self, config: ParityConfig) -> None:
        named = [config.tasks, config.bits, config.k, config.width, config.seed]
        seeds = [int(s) for s in np.random.SeedSequence(named).generate_state(4, np.uint64) >> 1]
        rng, sets = np.random.default_rng(seeds[0]), {}  # type: ignore[var-annotated]
        while len(sets) < config.tasks:
            sets[tuple(sorted(rng.permutation(config.bits)[: config.k].tolist()))] = None
        self.chosen = torch.tensor(list(sets))
        self.use = torch.from_numpy(config.use)
        self.weights, self.examples, self.tests = (torch.Generator().manual_seed(s) for s in seeds[1:])
        self.bits, self.batch = config.bits, config.batch

    def parity(self, x: Tensor, task: Tensor) -> Tensor:
        """Answers 0. or 1., (b,), of tasks (b,) on bits 0 or 1, (b, bits)."""
        return x.gather(1, self.chosen[task]).sum(1).bitwise_and(1).float()

    def batches(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield tasks (b,), bits as -1. or 1. (b, bits), answers (b,), without end."""
        while True:
            task = torch.multinomial(self.use, self.batch, replacement=True, generator=self.examples)
            x = self._strings(self.batch, self.examples)
            yield task, 2.0 * x - 1.0, self.parity(x, task)

    def heldout(self) -> tuple[Tensor, Tensor]:
        """Fresh bits as -1. or 1., (n, bits), and every task's answers to them, (tasks, n)."""
        x = self._strings(HELDOUT, self.tests)
        tasks = range(len(self.chosen))
        return 2.0 * x - 1.0, torch.stack([self.parity(x, torch.full((len(x),), t)) for t in tasks])

    def _strings(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randint(0, 2, (n, self.bits), dtype=torch.uint8, generator=generator)


def marks(steps: int) -> list[int]:
    """Steps after which a run of so many is tested: `PER_DECADE` per factor of ten, and the last.

    A longer run of the same seed has the same steps, and more.

    Examples
    --------
    >>> marks(18)
    [10, 11, 13, 14, 16, 18]
    """
    last = math.ceil(PER_DECADE * math.log10(max(10, steps) / 10))
    grid = {round(10 * 10 ** (j / PER_DECADE)) for j in range(last + 1)}
    return sorted({step for step in grid if step <= steps} | {steps})


@torch.no_grad()
def losses(model: ParityMLP, x: Tensor, answers: Tensor) -> np.ndarray:
    """Loss of every task, nats per answer, (tasks,), on bits (n, bits) with answers (tasks, n)."""
    found = [
        F.binary_cross_entropy_with_logits(model(torch.full((len(x),), t), x), own)
        for t, own in enumerate(answers)
    ]
    return torch.stack(found).numpy()


def train(config: ParityConfig) -> pd.DataFrame:
    """Train one network on fresh examples; test every task at steps evenly spaced in the logarithm.

    Returns
    -------
    DataFrame
        One row for each tested step ``S`` and task: ``id``, ``width``, ``N`` (all parameters),
        ``seed``, ``S``, ``task`` (1 is used most), ``use`` (its share of the examples), ``L``
        (held-out loss, nats per answer; ln 2 is chance). `quanta.means` makes the mean of it.

    Raises
    ------
    FloatingPointError
        The loss is no number any more; the message names the step and the learning rate.

    Notes
    -----
    Tasks and network follow Michaud et al. 2023 (arXiv:2303.13506), who have 500 tasks on 100 bits.
    The tests' bits are drawn apart from those of the training. Of 2**32 strings, 80 million examples
    meet about 20 of the 1024 that are tested, once and in some task: too few to show.

    Examples
    --------
    >>> table = train(ParityConfig(tasks=2, bits=4, k=1, width=8, batch=64, steps=200, lr=0.01))
    >>> last = table[table["S"] == 200]
    >>> bool((last["L"] < 0.1).all())
    True
    """
    draws = Draws(config)
    model = ParityMLP(config, draws.weights)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
    )
    x, answers = draws.heldout()
    at = marks(config.steps)
    found: list[np.ndarray] = []
    with cpu(1):
        for step, (task, bits, answer) in zip(range(1, config.steps + 1), draws.batches(), strict=False):
            loss = F.binary_cross_entropy_with_logits(model(task, bits), answer)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if step == at[len(found)]:
                found.append(losses(model, x, answers))
                if not np.isfinite(found[-1]).all():
                    raise FloatingPointError(
                        f"the loss is no number at step {step} with lr={config.lr}; take a smaller lr"
                    )
    return _table(config, at, found)


def _table(config: ParityConfig, at: Sequence[int], found: Sequence[np.ndarray]) -> pd.DataFrame:
    steps, tasks = len(at), config.tasks
    return pd.DataFrame(
        {
            "id": config.id,
            "width": config.width,
            "N": config.N,
            "seed": config.seed,
            "S": np.repeat(at, tasks),
            "task": np.tile(np.arange(1, tasks + 1), steps),
            "use": np.tile(config.use, steps),
            "L": np.concatenate(found),
        }
    )


LIVE = ParityConfig(tasks=20, batch=1024, lr=0.01, steps=6000)
"""A run of about 10 s on one thread, in which most of 20 tasks are learned."""
