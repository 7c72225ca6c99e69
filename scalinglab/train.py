"""One configuration trained to one row of the table of runs and its curve."""

import ast
import ctypes
import hashlib
import json
import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm.auto import tqdm

from scalinglab import checkpoint as saved
from scalinglab import corpus, counting, noise
from scalinglab.model import GPT

HELDOUT_TOKENS = 262_144
"""Held-out tokens on which a run's loss is measured, spread evenly over the held-out text."""

COOLDOWN = 0.2
"""Share of the steps over which the constant-then-decay schedule decays (Hägele et al. 2024)."""

BALANCE = 0.01
"""Weight of the experts' load-balancing loss (Fedus et al. 2021)."""

MALLOC = {-1: 1 << 30, -2: 1 << 26, -3: 1 << 30}
"""glibc's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD, bytes (malloc.h): see `cpu`."""

SCHEDULES = ("constant", "cooldown", "cosine")
PRECISIONS = ("fp32", "bf16", "auto")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a run: same configuration, same machine, same numbers.

    Attributes
    ----------
    corpus
        Name of a text, one of `corpus.names`.
    V, n_layer, d_model, n_head, d_ff, n_ctx, n_experts, top_k, tie
        The shape, as in `counting.Shape`; ``V`` is the corpus's: 256 for bytes of a text, more for
        byte pairs learned from it, 80 for the laboratory language.
    dropout
        Probability with which activations are dropped while training.
    D
        Tokens to train on; rounded down to whole batches.
    U
        Unique tokens; ``None`` means as many as there are or are needed. ``D > U`` repeats
        them, in a new order every epoch.
    B
        Tokens per batch, a multiple of ``n_ctx``.
    lr
        Peak learning rate of AdamW.
    warmup_steps
        Steps over which the learning rate rises from 0; ``None`` means a fifth of the run, and at
        most 200.
    schedule
        ``"cooldown"``: constant, then down to 0 as ``1 - sqrt`` over the last fifth;
        ``"cosine"``: half a cosine down to a tenth; ``"constant"``.
    beta2, weight_decay, clip
        AdamW's second decay rate, its weight decay (matrices only), the gradient norm at which
        gradients are clipped.
    seed
        Decides initial weights and order of the data.
    precision
        ``"fp32"``; ``"bf16"``: products in bfloat16, weights kept in float32; ``"auto"``: whichever
        is faster here, see `resolve`.
    compile
        Compile the model with torch.compile.

    Raises
    ------
    ValueError, KeyError
        The run is impossible; the message names value and remedy.
    """

    corpus: str = "sotu"
    V: int = 256
    n_layer: int = 2
    d_model: int = 32
    n_head: int = 2
    d_ff: int | None = None
    n_ctx: int = 128
    n_experts: int = 1
    top_k: int = 1
    tie: bool = True
    dropout: float = 0.0
    D: int = 1_000_000
    U: int | None = None
    B: int = 512
    lr: float = 5e-3
    warmup_steps: int | None = None
    schedule: str = "cooldown"
    beta2: float = 0.95
    weight_decay: float = 0.1
    clip: float = 1.0
    seed: int = 0
    precision: str = "fp32"
    compile: bool = False

    def __post_init__(self) -> None:
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        if self.warmup_steps is None:
            object.__setattr__(self, "warmup_steps", min(200, max(1, self.steps // 5)))
        _ = self.shape
        text = corpus.load(self.corpus, V=self.V)
        _require(
            self.B > 0 and self.B % self.n_ctx == 0, "B", self.B, f"take a multiple of n_ctx={self.n_ctx}"
        )
        _require(self.D >= self.B, "D", self.D, f"a run needs at least one batch of B={self.B} tokens")
        available = len(text.train) - 1
        if self.U is None:
            _require(
                available >= self.D,
                "D",
                self.D,
                f"{self.corpus!r} has {available} tokens; to repeat them, say U={available}",
            )
        else:
            _require(
                self.n_ctx <= self.U <= available, "U", self.U, f"choose between {self.n_ctx} and {available}"
            )
        _require(self.lr > 0, "lr", self.lr, "take a positive learning rate")
        _require(0 <= self.dropout < 1, "dropout", self.dropout, "take a probability below 1")
        _require(0 < self.beta2 < 1, "beta2", self.beta2, "take a value between 0 and 1")
        _require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "take 0 or more")
        _require(self.clip > 0, "clip", self.clip, "take a positive norm; inf does not clip")
        _require(
            0 < self.warmup_steps <= self.steps,  # type: ignore[operator]
            "warmup_steps",
            self.warmup_steps,
            f"the run has {self.steps} steps",
        )
        _require(self.schedule in SCHEDULES, "schedule", self.schedule, f"take one of {SCHEDULES}")
        _require(self.precision in PRECISIONS, "precision", self.precision, f"take one of {PRECISIONS}")

    @property
    def steps(self) -> int:
        """Optimiser steps ``S``: whole batches in ``D``."""
        return self.D // self.B

    @property
    def shape(self) -> counting.Shape:
        """The model's shape."""
        return counting.Shape(**{f.name: getattr(self, f.name) for f in fields(counting.Shape)})

    @property
    def id(self) -> str:
        """Hash of all fields: the name of the run."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def code(self) -> str:
        """Hash of the code that decides its numbers."""
        return code()

    def describe(self) -> dict:
        """Name and count the run before it is trained: id, code, fields, S, N, N_total, D, C, C_6ND."""
        counted = counting.parameters(self.shape)
        D = self.steps * self.B
        return (
            {"id": self.id, "code": self.code}
            | asdict(self)
            | {
                "S": self.steps,
                "N": counted.N,
                "N_total": counted.N_total,
                "D": D,
                "C": counting.training_flops(self.shape, D=D),
                "C_6ND": counting.six_n_d(self.shape, D=D),
            }
        )

    def run(self, **measured: Any) -> "Run":
        """Train it, with what `train` takes besides."""
        return train(self, **measured)


def _require(condition: bool, name: str, value: object, remedy: str) -> None:
    if not condition:
        raise ValueError(f"{name}={value!r} is impossible; {remedy}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """What training gives.

    Attributes
    ----------
    row
        The configuration, its counts (N, N_total, D, C, C_6ND) and the held-out losses: ``L``
        at the last step, ``L_best`` the lowest of the curve, after ``D_best`` tokens, in nats per
        token; ``id`` and ``code``; ``seconds`` in all, ``tokens_per_s`` of training alone.
    curve
        Table with S, D, C, L (held-out) at log-spaced steps, the last one included; ``signal``
        and ``noise`` of the gradient if asked for.
    position_loss
        Held-out loss at each position of the context, nats, shape (n_ctx,).
    model
        The trained model.
    """

    row: dict
    curve: pd.DataFrame
    position_loss: np.ndarray
    model: GPT


@cache
def code() -> str:
    """Hash what decides a run's numbers: model, trainer and corpus, comments and docstrings aside."""
    here = Path(__file__).parent
    sources = ("__init__.py", "vocabulary.py", "language.py", "skills.py")
    paths = (here / "model.py", here / "train.py", *(here / "corpus" / name for name in sources))
    return hashlib.sha256("".join(map(parsed, paths)).encode()).hexdigest()[:12]


def parsed(path: Path) -> str:
    """Read what a module does, comments and docstrings aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def train(
    config: TrainConfig,
    *,
    evaluations: int = 8,
    spacing: float = 2.0,
    noise_windows: int = 0,
    texts: Sequence[str] = (),
    measure: Callable[[GPT], dict] | None = None,
    keep: str | os.PathLike | None = None,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_seconds: float = 60.0,
    threads: int = 1,
    progress: bool = False,
) -> Run:
    """Train one model and measure it on the fixed held-out sample.

    Parameters
    ----------
    config
        The run.
    evaluations, spacing
        Points of the curve, each at ``spacing`` times the step of the one before.
    noise_windows
        Windows of fresh training text from which the gradient's signal and noise are estimated
        at each point of the curve (`noise.measure`); 0: none.
    texts
        Other corpora on whose held-out parts the trained model is scored: columns ``L_<name>``.
    measure
        What else is measured of the model at each point of the curve: its columns, its values.
    keep
        Folder in which the trained weights stay, as ``<id>.safetensors``.
    checkpoint, checkpoint_seconds
        File from which the run goes on if it is there, to which it is saved about every so many
        seconds, and which is deleted in the end. A run that was killed and resumed gives the
        numbers of one that was not.
    threads
        CPU threads for PyTorch; one is fastest at nano scale.
    progress
        Show a progress bar.

    Returns
    -------
    Run
        Row, curve and model.

    Raises
    ------
    FloatingPointError
        The loss is no longer finite; the message says at which step and what to lower.
    ValueError
        The checkpoint is damaged or of another run.
    """
    begin = time.perf_counter()
    config = resolve(config)
    text = corpus.load(config.corpus, V=config.V)
    for name in texts:  # refuses now what could not be scored at the end
        corpus.load(name, V=config.V, vocabulary=config.corpus)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with cpu(threads):
        model = build(config, device)
        optimiser = make_optimiser(model, config)
        path = Path(checkpoint) if checkpoint is not None else None
        state: dict = {"id": config.id, "step": 0, "curve": [], "training_seconds": 0.0}
        if path is not None and path.exists():
            state = saved.load(path, model=model, optimiser=optimiser, id=config.id)
        loss_of = torch.compile(model.mean_loss) if config.compile else model.mean_loss
        windows = batches(text.train, config, skip=state["step"])
        stops = set(log_spaced(config.steps, evaluations, spacing))
        position_loss, last_save, last_step = np.array([]), time.perf_counter(), time.perf_counter()
        steps = range(state["step"] + 1, config.steps + 1)
        for step in tqdm(steps, disable=not progress, desc=config.id, unit="step"):
            loss = take_step(model, loss_of, optimiser, next(windows).to(device), config, step)
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"run {config.id}: training loss is {loss} at step {step} of {config.steps}; "
                    f"lower lr={config.lr} or lengthen warmup_steps={config.warmup_steps}"
                )
            if step in stops:
                state["training_seconds"] += time.perf_counter() - last_step
                position_loss = evaluate(model, text.heldout, precision=config.precision)
                state["curve"].append(
                    {"S": step, "L": float(position_loss.mean())}
                    | _gradient_noise(model, text.train, config, step, noise_windows)
                    | (measure(model) if measure else {})
                )
                last_step = time.perf_counter()
            due = time.perf_counter() - last_save >= checkpoint_seconds
            if path is not None and due and step < config.steps:
                state["step"] = step
                saved.save(path, model=model, optimiser=optimiser, state=state)
                last_save = time.perf_counter()
        others = {
            f"L_{name}": score(model, name, vocabulary=config.corpus, precision=config.precision)
            for name in texts
        }
    if keep is not None:
        saved.save_weights(Path(keep) / f"{config.id}.safetensors", model)
    if path is not None:
        path.unlink(missing_ok=True)
    curve = pd.DataFrame(state["curve"])
    curve.insert(1, "D", curve["S"] * config.B)
    curve.insert(2, "C", curve["D"] * float(counting.flops(config.shape).training))
    row = config.describe() | {
        "L": float(curve["L"].iloc[-1]),
        "L_best": float(curve["L"].min()),
        "D_best": int(curve["D"].iloc[curve["L"].argmin()]),
        **others,
        "seconds": time.perf_counter() - begin,
        "tokens_per_s": config.steps * config.B / max(state["training_seconds"], 1e-9),
    }
    return Run(row=row, curve=curve, position_loss=position_loss, model=model)


def build(config: TrainConfig, device: str = "cpu") -> GPT:
    """Make a run's model with its seed's initial weights, and seed what dropout draws from."""
    model = GPT(config.shape, dropout=config.dropout, generator=torch.Generator().manual_seed(config.seed))
    torch.manual_seed(config.seed)  # dropout draws from the global generator
    return model.to(device)


def score(model: GPT, name: str, *, vocabulary: str | None = None, precision: str = "fp32") -> float:
    """Loss of a model on the held-out part of a corpus, nats per token.

    ``vocabulary`` names the corpus that the model was trained on, whose tokens it reads.
    """
    text = corpus.load(name, V=model.shape.V, vocabulary=vocabulary)
    return float(evaluate(model, text.heldout, precision=precision).mean())


def _gradient_noise(model: GPT, tokens: np.ndarray, config: TrainConfig, step: int, n: int) -> dict:
    """Signal and noise of the gradient at a step, from windows that are drawn for it alone."""
    if not n:
        return {}
    T = config.n_ctx
    starts = np.random.default_rng([config.seed, step]).integers(0, len(tokens) - T - 1, n)
    window = torch.from_numpy(tokens[starts[:, None] + np.arange(T + 1)].astype(np.int64))
    return asdict(noise.measure(model, window.to(next(model.parameters()).device)))


def resolve(config: TrainConfig) -> TrainConfig:
    """Settle ``precision="auto"`` by timing on this machine; other configurations as they are.

    On CUDA it is ``"bf16"``, compiled. On a CPU it is whichever takes its steps fastest of fp32,
    fp32 compiled and bf16 compiled: without bf16 matrix units bf16 is slower.
    """
    if config.precision != "auto":
        return config
    fast = replace(config, precision="bf16", compile=True)
    if torch.cuda.is_available():
        return fast
    plain = replace(config, precision="fp32")
    return min(plain, replace(plain, compile=True), fast, key=seconds_per_step)


def seconds_per_step(config: TrainConfig, *, steps: int = 10) -> float:
    """Median time of a training step after a warm-up that compiles, seconds."""
    with cpu(1):
        step, times = stepper(config), []
        for _ in range(steps + 3):
            begin = time.perf_counter()
            step()
            times.append(time.perf_counter() - begin)
    return float(np.median(times[3:]))


def stepper(config: TrainConfig) -> Callable[[], float]:
    """Make a model and return what takes its next training step each time, for measuring speed."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build(config, device)
    optimiser = make_optimiser(model, config)
    loss_of = torch.compile(model.mean_loss) if config.compile else model.mean_loss
    windows = batches(corpus.load(config.corpus, V=config.V).train, config)
    return lambda: take_step(model, loss_of, optimiser, next(windows).to(device), config, 1)


def batches(tokens: np.ndarray, config: TrainConfig, *, skip: int = 0) -> Iterator[Tensor]:
    """Cut tokens into windows and deal them in random order, each once per epoch.

    A window is ``n_ctx`` tokens and the next one, (n_ctx + 1,). The first ``U`` tokens' worth
    of windows of the shuffled text are the unique ones, so that a smaller ``U`` of the same
    seed is a subset of a larger one. The first ``skip`` batches are left out.

    Yields
    ------
    Tensor
        Token ids, ``int64``, (B / n_ctx, n_ctx + 1).
    """
    T, per_batch = config.n_ctx, config.B // config.n_ctx
    rng = np.random.default_rng(config.seed)
    starts = rng.permutation((len(tokens) - 1) // T) * T
    starts = starts[: (config.U or len(tokens)) // T]
    offsets, queue = np.arange(T + 1), starts
    while True:
        while len(queue) < per_batch:
            queue = np.concatenate([queue, rng.permutation(starts)])
        chosen, queue = queue[:per_batch], queue[per_batch:]
        if skip:
            skip -= 1
            continue
        yield torch.from_numpy(tokens[chosen[:, None] + offsets].astype(np.int64))


def make_optimiser(model: GPT, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; only matrices that multiply activations decay, not embeddings or gains."""
    decayed = [p for n, p in model.blocks.named_parameters() if p.ndim == 2]
    chosen = {id(p) for p in decayed}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, config.beta2), fused=True)


def take_step(model: GPT, loss_of, optimiser, window: Tensor, config: TrainConfig, step: int) -> float:
    """One step of the optimiser on one batch of windows (B/T, T + 1); the loss before it, nats."""
    for group in optimiser.param_groups:
        group["lr"] = config.lr * lr_factor(step, config)
    model.train()
    with torch.autocast(window.device.type, torch.bfloat16, enabled=config.precision == "bf16"):
        loss = loss_of(window)
        total = loss + BALANCE * model.balance() if config.n_experts > 1 else loss
    total.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return loss.item()


def lr_factor(step: int, config: TrainConfig) -> float:
    """Learning rate at ``step`` (1 to S) as a share of its peak.

    Examples
    --------
    >>> run = TrainConfig(D=1_024_000, B=1024, warmup_steps=100)
    >>> [round(lr_factor(step, run), 2) for step in (1, 100, 800, 900, 1000)]
    [0.01, 1.0, 1.0, 0.3, 0.0]
    """
    warmup, steps = config.warmup_steps, config.steps
    assert warmup is not None
    if step < warmup:
        return step / warmup
    if config.schedule == "cooldown":
        decay = max(1, round(COOLDOWN * steps))
        return 1 - math.sqrt(max(0, step - 1 - (steps - decay)) / decay)
    if config.schedule == "cosine":
        done = (step - warmup) / max(1, steps - warmup)
        return 0.1 + 0.45 * (1 + math.cos(math.pi * done))
    return 1.0


@torch.no_grad()
def evaluate(model: GPT, tokens: np.ndarray, *, precision: str = "fp32", n: int | None = None) -> np.ndarray:
    """Loss at each position of the context on ``n`` tokens spread evenly over a text.

    By default `HELDOUT_TOKENS`, or all where a large vocabulary makes fewer of the text.

    Returns
    -------
    array of shape (n_ctx,)
        Mean loss in nats per token; its mean is the held-out loss.

    Raises
    ------
    ValueError
        The text has fewer than ``n`` tokens.
    """
    T = model.shape.n_ctx
    n = min(HELDOUT_TOKENS, len(tokens) - 1) if n is None else n
    if len(tokens) <= n:
        raise ValueError(f"the held-out text has {len(tokens)} tokens, {n} are to be scored; lower n")
    starts = np.linspace(0, len(tokens) - T - 1, n // T).astype(int)
    device = next(model.parameters()).device
    model.eval()
    total = np.zeros(T)
    at_once = max(T, 8192 * 1024 // max(1024, model.shape.V))  # logits of a large vocabulary are large
    for chunk in np.array_split(starts, max(1, n // at_once)):
        window = torch.from_numpy(tokens[chunk[:, None] + np.arange(T + 1)].astype(np.int64))
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            total += model.loss(window.to(device)).double().sum(0).cpu().numpy()
    return total / len(starts)


def log_spaced(steps: int, n: int, ratio: float = 2.0) -> list[int]:
    """At most ``n`` steps up to ``steps``, each ``ratio`` times the one before, rounded down.

    Examples
    --------
    >>> log_spaced(1000, 5)
    [62, 125, 250, 500, 1000]
    """
    return sorted({max(1, int(steps / ratio**k)) for k in range(n)})


@contextmanager
def cpu(threads: int) -> Iterator[None]:
    """Let PyTorch train at the CPU's speed: so many threads, no denormal numbers, memory kept.

    Attention that prefers near tokens gives the far ones shares below 1e-38, and a gradient made
    of such numbers takes twice as long: they are set to 0. And glibc returns every freed array
    of 128 kB to the system, which then clears each page anew at each step: it is told to keep
    them, for as long as the process lives.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    if platform.libc_ver()[0] == "glibc":
        for parameter, value in MALLOC.items():
            ctypes.CDLL(None).mallopt(parameter, value)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_flush_denormal(False)
