"""Speed of a training step beside nanoGPT's, in turn, one thread.  Run by ``make bench``.

The reference step is written from PyTorch's standard parts as nanoGPT does: LayerNorm without
bias, GELU, fused attention, learned positions, AdamW, clipping, eager; compiled beside it. Ours:
``train.take_step``, in fp32, eager and compiled, and in bf16, compiled. Each has a process of its
own; medians of steps taken in turn, the time to compile said apart, and the share of the
matrix-product peak that this machine was measured to have. With ``--parity`` the held-out losses
of fp32 and bf16 after 2 M tokens, three seeds each.
"""

import argparse
import multiprocessing
import platform
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from scalinglab import corpus, counting, runs
from scalinglab.experiments import SHAPES
from scalinglab.train import TrainConfig, batches, cpu, stepper, train


class ReferenceBlock(nn.Module):
    """nanoGPT's block."""

    def __init__(self, d, n_head):
        super().__init__()
        self.n_head = n_head
        self.norm1, self.norm2 = nn.LayerNorm(d, bias=False), nn.LayerNorm(d, bias=False)
        self.qkv, self.out = nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d, bias=False)
        self.up, self.down = nn.Linear(d, 4 * d, bias=False), nn.Linear(4 * d, d, bias=False)

    def forward(self, x):
        """(B, T, d) to (B, T, d)."""
        B, T, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).split(d, dim=2)
        q, k, v = (y.view(B, T, self.n_head, d // self.n_head).transpose(1, 2) for y in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(B, T, d))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Reference(nn.Module):
    """nanoGPT's model: learned positions, tied head."""

    def __init__(self, shape):
        super().__init__()
        self.token, self.position = (nn.Embedding(n, shape.d_model) for n in (shape.V, shape.n_ctx))
        self.blocks = nn.ModuleList(ReferenceBlock(shape.d_model, shape.n_head) for _ in range(shape.n_layer))
        self.norm = nn.LayerNorm(shape.d_model, bias=False)
        self.head = nn.Linear(shape.d_model, shape.V, bias=False)
        self.head.weight = self.token.weight

    def forward(self, window):
        """Loss of windows (B, T + 1)."""
        x = self.token(window[:, :-1]) + self.position(torch.arange(window.shape[1] - 1))
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1), window[:, 1:].flatten())


def reference_step(config):
    """A function that takes one reference step."""
    torch.manual_seed(0)
    model = Reference(config.shape)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), fused=True)
    loss_of, windows = (torch.compile(model) if config.compile else model), deal(config)

    def step():
        loss = loss_of(next(windows))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return loss.item()

    return step


def deal(config):
    """Batches of the main text."""
    return batches(corpus.load(config.corpus).train, config)


def peak(dtype, n=1024):
    """Matrix-product speed of one thread, FLOP/s, best of several."""
    a, b = torch.randn(n, n, dtype=dtype), torch.randn(n, n, dtype=dtype)
    times = []
    for _ in range(12):
        begin = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - begin)
    return 2 * n**3 / min(times)


KINDS = {
    "reference, eager": (reference_step, {}),
    "reference, compiled": (reference_step, {"compile": True}),
    "ours, fp32": (stepper, {}),
    "ours, fp32, compiled": (stepper, {"compile": True}),
    "ours, bf16, compiled": (stepper, {"compile": True, "precision": "bf16"}),
}
"""Each kind of step: what makes it, and the settings it takes."""


def serve(pipe, kind, size, B):
    """Take a step whenever asked, in a process of its own, and answer how long it took."""
    torch.set_num_threads(1)
    make, settings = KINDS[kind]
    with cpu(1) if make is stepper else nullcontext():
        take = make(TrainConfig(**SHAPES[size], B=B, D=200 * B, lr=1e-3, **settings))
        while pipe.recv():
            begin = time.perf_counter()
            take()
            pipe.send(time.perf_counter() - begin)


def compare(size, B, steps):
    """Take steps of every kind in turn; one row each with tokens/s and the ratio to the reference."""
    processes, pipes = [], {}
    for kind in KINDS:
        pipes[kind], theirs = context.Pipe()
        processes.append(context.Process(target=serve, args=(theirs, kind, size, B), daemon=True))
        processes[-1].start()

    def ask(kind):
        pipes[kind].send(True)
        return pipes[kind].recv()

    compiling = {kind: sum(ask(kind) for _ in range(3)) for kind in KINDS}
    seconds = {kind: [] for kind in KINDS}
    for _ in range(steps):
        for kind in KINDS:
            seconds[kind].append(ask(kind))
    for kind, process in zip(KINDS, processes, strict=True):
        pipes[kind].send(False)
        process.join()
    first = np.array(seconds["reference, eager"])
    shape = TrainConfig(**SHAPES[size]).shape
    for kind, times in seconds.items():
        rate = B / np.median(times)
        dtype = torch.bfloat16 if "bf16" in kind else torch.float32
        yield {
            "N": counting.parameters(shape).N,
            "B": B,
            "step": kind,
            "tokens/s": f"{rate:.3g}",
            "times the reference": f"{np.median(first / np.array(times)):.2f}",
            "share of peak, %": f"{100 * rate * counting.flops(shape).training / PEAK[dtype]:.0f}",
            "first three steps, s": f"{compiling[kind]:.1f}",
        }


def parity():
    """Held-out loss after 2 M tokens at 25 k parameters, three seeds, in both precisions."""
    config = {**SHAPES["25k"], "D": 2_000_000, "B": 512, "lr": 4e-3}
    for precision in ("fp32", "bf16"):
        runs_ = [TrainConfig(**config, precision=precision, seed=seed) for seed in range(3)]
        losses = [train(run, evaluations=1).row["L"] for run in runs_]
        yield {
            "precision": precision,
            "seeds": len(losses),
            "held-out loss, nats/byte": f"{np.mean(losses):.4f}",
            "standard deviation between seeds": f"{np.std(losses, ddof=1):.4f}",
        }


PEAK = {}
context = multiprocessing.get_context("spawn")


def main():
    """Run all of it; about five minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--parity", action="store_true")
    parser.add_argument("--record", type=Path, help="write the table to this CSV, for the book")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.parity:
        rows = list(parity())
        print(pd.DataFrame(rows).to_string(index=False))
        if options.record:
            runs.write(pd.DataFrame(rows), options.record)
        return
    PEAK.update({dtype: peak(dtype) for dtype in (torch.float32, torch.bfloat16)})
    print(platform.processor() or platform.machine(), {str(k): f"{v:.3g} FLOP/s" for k, v in PEAK.items()})
    cases = [(size, B) for size in ("25k", "197k", "788k") for B in (256, 2048)]
    rows = []
    for size, B in cases:
        for row in compare(size, B, options.steps):
            rows.append(row)
            print("  ".join(f"{k} {v}" for k, v in row.items()), flush=True)
    if options.record:
        runs.write(pd.DataFrame(rows), options.record)


if __name__ == "__main__":
    main()
