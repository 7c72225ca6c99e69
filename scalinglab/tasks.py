"""Skills of a language model: asked with examples in the prompt, measured in four ways, and fine-tuned."""

import copy
import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pooch
import torch
from scipy.stats import binomtest
from torch import Tensor

from scalinglab import counting, files
from scalinglab.checkpoint import load_weights, save_weights
from scalinglab.corpus.skills import SKILLS, Skill
from scalinglab.model import GPT
from scalinglab.train import TrainConfig, code, cpu, parsed, train

SHIPPED = Path(__file__).parent / "weights"
"""Folder of the few trained models that the chapters load."""

SHOTS = 5
"""Examples with answers before the question that counts."""

TESTS = 400
"""Questions that a model is asked."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a model makes of ``n`` questions that it was never trained on.

    Attributes
    ----------
    exact
        Share of the answers of which every byte is right.
    token
        Share of the bytes of answers that are right, each after the right ones before it.
    logprob
        Mean log probability of a whole answer, nats.
    brier
        Mean over the bytes of the squared distance between the probabilities and the truth: 0 is
        perfect, 2 is certain and wrong.
    n
        Questions.
    """

    exact: float
    token: float
    logprob: float
    brier: float
    n: int

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Wilson's interval for ``exact``."""
        found = binomtest(round(self.exact * self.n), self.n).proportion_ci(level, method="wilson")
        return float(found.low), float(found.high)


def prompts(questions: list, examples: list, *, shots: int = SHOTS, seed: int = 0) -> Tensor:
    """Write each question and its answer after ``shots`` examples drawn anew for it: bytes (n, length)."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, len(examples), (len(questions), shots))
    lines = [
        "\n".join("".join(pair) for pair in [*(examples[place] for place in row), question])
        for row, question in zip(chosen, questions, strict=True)
    ]
    return torch.from_numpy(np.array([list(line.encode()) for line in lines], dtype=np.int64))


@torch.no_grad()
def score(
    model: GPT,
    skill: Skill,
    *,
    n: int = TESTS,
    shots: int = SHOTS,
    examples: list | None = None,
    seed: int = 0,
) -> Score:
    """Ask a model ``n`` questions that no text has taught, each after ``shots`` examples."""
    questions = skill.examples(n, seed=seed, test=True)
    examples = skill.examples(1000, seed=seed) if examples is None else examples
    tokens = prompts(questions, examples, shots=shots, seed=seed)
    device = next(model.parameters()).device
    model.eval()
    parts = [model(part[:, :-1].to(device))[:, -skill.length :] for part in tokens.split(128)]
    share = torch.cat(parts).float().softmax(-1).cpu()  # (n, length, V)
    truth = tokens[:, -skill.length :]
    right = share.argmax(-1) == truth
    p = share.gather(-1, truth[..., None])[..., 0]
    brier = (share**2).sum(-1) - 2 * p + 1
    return Score(
        exact=right.all(-1).double().mean().item(),
        token=right.double().mean().item(),
        logprob=p.clamp_min(1e-30).log().sum(-1).double().mean().item(),
        brier=brier.double().mean().item(),
        n=n,
    )


@torch.no_grad()
def answers(model: GPT, skill: Skill, *, n: int = 6, shots: int = SHOTS, seed: int = 0) -> pd.DataFrame:
    """Let a model answer ``n`` questions: columns ``question``, ``answer`` and what it ``said``."""
    questions = skill.examples(n, seed=seed, test=True)
    asked = prompts(questions, skill.examples(1000, seed=seed), shots=shots, seed=seed)
    said = [
        bytes(model.generate(row[: -skill.length], skill.length, temperature=0)[-skill.length :].tolist())
        for row in asked
    ]
    return pd.DataFrame(questions, columns=["question", "answer"]).assign(
        said=[text.decode("utf-8", "replace") for text in said]
    )


def chance(skill: Skill, *, n: int = 4000, seed: int = 0) -> dict[str, float]:
    """Exact match and share of right bytes of whoever always says the commonest answer, or byte."""
    answers = [skill.draw(rng)[1] for rng in [np.random.default_rng(seed)] for _ in range(n)]
    places = zip(*answers, strict=True)
    return {
        "exact": Counter(answers).most_common(1)[0][1] / n,
        "token": float(np.mean([Counter(place).most_common(1)[0][1] / n for place in places])),
    }


def measure(model: GPT) -> dict[str, float]:
    """Score a model in every skill: columns ``<skill>_exact``, ``_token``, ``_logprob``, ``_brier``."""
    return {
        f"{name}_{metric}": getattr(found, metric)
        for name, skill in SKILLS.items()
        for found in [score(model, skill)]
        for metric in ("exact", "token", "logprob", "brier")
    }


def pretrained(config: TrainConfig) -> GPT:
    """Give a run's trained model: as it ships, as an earlier call kept it, or trained now."""
    model = GPT(config.shape)
    for folder in (SHIPPED, kept()):
        if (path := folder / f"{config.id}.safetensors").exists():
            load_weights(path, model)
            return model
    files.writable(kept())
    return train(config, evaluations=1, keep=kept()).model


def ship(config: TrainConfig) -> Path:
    """Put a trained model's weights into the package, in half precision."""
    path = SHIPPED / f"{config.id}.safetensors"
    save_weights(path, pretrained(config), dtype=torch.float16)
    return path


def kept() -> Path:
    """Name the folder, in the user's cache, in which pre-trained weights are kept."""
    return Path(pooch.os_cache("scalinglab")) / "weights"


@dataclass(frozen=True, kw_only=True)
class Finetuning:
    """Fine-tune a trained model on a few examples of one skill, and ask it then.

    Attributes
    ----------
    pretraining
        The run that trained the model.
    skill
        Name of the skill.
    k
        Examples. A fifth of them is not trained on and says when the model is at its best.
    subset
        Which examples: a smaller ``k`` of one subset has the first of a larger one.
    steps, rows, lr
        Steps of AdamW, rows of ``SHOTS + 1`` examples in each, peak learning rate; it rises over 20
        steps and falls to 0 in a line.

    Raises
    ------
    ValueError
        The run is impossible; the message names value and remedy.
    """

    pretraining: TrainConfig
    skill: str
    k: int
    subset: int = 0
    steps: int = 400
    rows: int = 16
    lr: float = 1e-3

    def __post_init__(self) -> None:
        if self.skill not in SKILLS:
            raise ValueError(f"skill={self.skill!r} is impossible; take one of {', '.join(SKILLS)}")
        for name, least in (("k", 10), ("steps", 1), ("rows", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}={getattr(self, name)!r} is impossible; take {least} or more")
        if not self.lr > 0:
            raise ValueError(f"lr={self.lr!r} is impossible; take a positive learning rate")

    @property
    def id(self) -> str:
        """Hash of all fields: the name of the run."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def code(self) -> str:
        """Hash of the code that decides its numbers: `train.code` and this module."""
        return hashlib.sha256((code() + parsed(Path(__file__))).encode()).hexdigest()[:12]

    @property
    def length(self) -> int:
        """Bytes of a row of examples."""
        return (SHOTS + 1) * (len("".join(self.examples[0])) + 1) - 1

    @property
    def examples(self) -> list[tuple[str, str]]:
        """The ``k`` examples."""
        return SKILLS[self.skill].examples(self.k, seed=1000 + self.subset)

    def describe(self) -> dict:
        """The row as far as it is known before: ``pretraining`` is the id of the run that made the model."""
        counted = counting.parameters(self.pretraining.shape)
        D = self.steps * self.rows * self.length
        return (
            {"id": self.id, "code": self.code, "pretraining": self.pretraining.id}
            | {name: getattr(self, name) for name in ("skill", "k", "subset", "steps", "rows", "lr")}
            | {"N": counted.N, "N_total": counted.N_total}
            | {"D": D, "C": counting.training_flops(self.pretraining.shape, D=D)}
        )

    def run(self, **_: Any) -> "Finetuned":
        """Fine-tune and ask; begun anew if it was stopped, for it takes seconds."""
        begin = time.perf_counter()
        with cpu(1):
            model, best = finetune(pretrained(self.pretraining), self)
            found = score(model, SKILLS[self.skill], examples=self.examples)
        seconds = time.perf_counter() - begin
        row = self.describe() | best | asdict(found) | {"seconds": seconds}
        return Finetuned(row=row, model=model)


@dataclass(frozen=True, kw_only=True, eq=False)
class Finetuned:
    """What fine-tuning gives: the row, the model at its best, and no curve."""

    row: dict
    model: GPT
    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    position_loss: np.ndarray = field(default_factory=lambda: np.array([]))


def finetune(model: GPT, config: Finetuning, *, every: int = 25) -> tuple[GPT, dict]:
    """Train a copy of a model on examples of a skill, and give it back as it was at its best.

    The loss is that of the bytes of answers. Every so many steps it is taken on the examples that are
    not trained on; where it is lowest the copy is at its best.

    Returns
    -------
    model, best
        The copy; ``best_step``, and ``loss`` there, nats per byte of an answer.
    """
    skill, examples = SKILLS[config.skill], config.examples
    held, taught = examples[: config.k // 5], examples[config.k // 5 :]
    tuned, rng = copy.deepcopy(model), np.random.default_rng(config.subset)
    line = len("".join(taught[0])) + 1
    answers = torch.arange(1, config.length) % line
    answers = (answers >= line - 1 - skill.length) & (answers < line - 1)  # which targets of a row
    optimiser = torch.optim.AdamW(
        tuned.parameters(), lr=config.lr, betas=(0.9, 0.95), weight_decay=0.1, fused=True
    )
    validation = prompts(held, taught, seed=config.subset)[:200]
    best: dict = {"best_step": 0, "loss": math.inf}
    weights = tuned.state_dict()
    for step in range(config.steps + 1):
        if step % every == 0:
            tuned.eval()
            with torch.no_grad():
                loss = tuned.loss(validation)[:, -skill.length :].mean().item()
            if loss < best["loss"]:
                best = {"best_step": step, "loss": loss}
                weights = {name: p.clone() for name, p in tuned.state_dict().items()}
        for group in optimiser.param_groups:
            group["lr"] = config.lr * (1 - step / config.steps) * min(1, (step + 1) / 20)
        asked = [taught[place] for place in rng.integers(0, len(taught), config.rows)]
        window = prompts(asked, taught, seed=int(rng.integers(2**31)))
        tuned.train()
        tuned.loss(window)[:, answers].mean().backward()
        torch.nn.utils.clip_grad_norm_(tuned.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    tuned.load_state_dict(weights)
    return tuned, best


def by_skill(table: pd.DataFrame, keep: Sequence[str] = ("id", "N", "D", "L")) -> pd.DataFrame:
    """Turn the columns that `measure` gives into rows: one per model and skill.

    Parameters
    ----------
    table
        One row per model, with columns ``<skill>_<metric>``.
    keep
        Columns that every row gets.

    Returns
    -------
    DataFrame
        ``keep``, ``skill``, ``length`` of an answer in bytes, and the four metrics of `Score`.
    """
    parts = [
        table[[*keep]].assign(
            skill=name,
            length=skill.length,
            **{m: table[f"{name}_{m}"].to_numpy() for m in ("exact", "token", "logprob", "brier")},
        )
        for name, skill in SKILLS.items()
        if f"{name}_exact" in table
    ]
    return pd.concat(parts, ignore_index=True)
