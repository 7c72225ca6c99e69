"""Many configurations to rows, in parallel, each finished run safe in a file of its own."""

import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pandas as pd
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from tqdm.auto import tqdm

from scalinglab import checkpoint as saved
from scalinglab import files
from scalinglab.model import GPT
from scalinglab.train import TrainConfig, resolve


class Job(Protocol):
    """What a sweep can run: anything that has a name, knows its code and cost, and gives a row."""

    @property
    def id(self) -> str:
        """Hash of all that decides the row: the name of its file."""

    @property
    def code(self) -> str:
        """Hash of the code that decides its numbers."""

    def describe(self) -> dict:
        """The row as far as it is known before: ``id``, ``code``, ``D`` tokens, ``C`` FLOPs, the settings."""

    def run(self, **measured: Any) -> Any:
        """Make the row; gives ``row``, ``curve`` (a table) and ``position_loss``."""


KILLS = 3
"""Times that a run may lose its process, without a checkpoint in between, before it counts as failed."""

PER_STEP, PER_RUN = 1e8, 2.3e11
"""What a step and a run take besides their FLOPs, in FLOPs: 2 ms and 5 s at 47 GFLOP/s."""

ALONE = threading.Lock()
"""Runs of one process take turns, if a backend has threads: they share PyTorch's generator and settings."""


def sweep(
    configs: Sequence[Job],
    *,
    store: str | os.PathLike,
    n_jobs: int = 2,
    evaluations: int = 8,
    spacing: float = 2.0,
    noise_windows: int = 0,
    texts: Sequence[str] = (),
    measure: Callable[[GPT], dict] | None = None,
    keep: str | os.PathLike | None = None,
    redo_stale: bool = False,
    progress: bool = False,
) -> pd.DataFrame:
    """Train every configuration that ``store`` does not hold yet; return the rows of all.

    Precision ``"auto"`` is settled once, on the costliest configuration, before anything is named.
    Each finished run is one file ``<id>.json``, written beside its place and renamed there: a
    sweep that is stopped goes on where it was, and two sweeps into one store lose nothing (at
    worst both train the same run). A run that fails leaves a row whose ``error`` says why, and the
    sweep goes on. A run whose process is killed, as when memory runs out, is tried again by
    itself; at the third time it has failed. A file that is damaged is made again.

    Parameters
    ----------
    configs
        The runs.
    store
        Folder of finished runs; made if it is not there. On a cluster all machines must see it
        under this path, for the workers write to it. One store, one choice of what is measured.
    n_jobs
        Runs at a time, each in a process of one thread; 1: in this process. Inside
        ``joblib.parallel_config(backend="dask")`` the runs go to the cluster instead.
    evaluations, spacing, noise_windows, texts, measure, keep
        What is measured and kept of each run, as in `train.train`; other jobs measure what is theirs.
    redo_stale
        Train again what older code has trained.
    progress
        Show a bar: runs done, tokens per second of all together, time left.

    Returns
    -------
    DataFrame
        One row per configuration, in their order.

    Raises
    ------
    OSError
        The store cannot be made or written, found before any training starts; or its disk is full:
        the runs that are finished are kept, and the same call goes on from there.
    """
    store = Path(store).resolve()
    for folder in [store] if keep is None else [store, Path(keep)]:
        files.writable(folder)  # better found now than after the first run
    configs = settled(configs)
    runs = {config.id: config for config in configs}
    waiting = [config for config in runs.values() if not present(store, config, redo_stale)]
    measured = {
        "evaluations": evaluations,
        "spacing": spacing,
        "noise_windows": noise_windows,
        "texts": tuple(texts),
        "measure": measure,
        "keep": keep,
    }
    work = partial(finish, store=store, measured=measured, redo_stale=redo_stale, token=uuid4().hex[:8])
    rows = trained(waiting, work, n_jobs)
    weights, tokens, begin = {config.id: cost(config) for config in waiting}, 0, time.perf_counter()
    there = len(runs) - len(waiting)
    bar_format = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"  # time goes by cost
    with tqdm(total=sum(weights.values()), disable=not progress, bar_format=bar_format) as bar:
        bar.set_postfix_str(f"{there}/{len(runs)} runs")
        for done, row in enumerate(rows, start=there + 1):
            tokens += row["D"]
            speed = tqdm.format_sizeof(tokens / (time.perf_counter() - begin))
            bar.set_postfix_str(f"{done}/{len(runs)} runs, {speed} tokens/s", refresh=False)
            bar.update(weights[row["id"]])
    return pd.DataFrame([read(store, config)["row"] for config in configs])


def trained(configs: Sequence[Job], work: partial[dict], n_jobs: int) -> Iterator[dict]:
    """Yield rows as runs finish; what was under way when a process was killed is tried again, alone.

    Raises
    ------
    BrokenProcessPool
        Processes are killed before they begin a run.
    """
    if not configs:
        return
    outlast_losses()
    seen = set()
    # A run is a task of its own, and all are handed out at once: workers may join a cluster later.
    parallel = Parallel(n_jobs=n_jobs, batch_size=1, pre_dispatch="all", return_as="generator_unordered")
    try:
        for row in parallel(delayed(work)(config) for config in configs):
            seen.add(row["id"])
            yield row
    except BrokenProcessPool:  # loky: when one process is killed, the others are stopped as well
        left = [config for config in configs if config.id not in seen]
        store, token = work.keywords["store"], work.keywords["token"]
        begun = [config for config in left if tries(store, config, token).exists()]
        if not begun:
            raise
        for config in begun:
            yield from trained([config], work, n_jobs)
        yield from trained([config for config in left if config not in begun], work, n_jobs)


def outlast_losses() -> None:
    """On a Dask cluster, let a task lose any number of workers: runs count their own losses, in `begin`.

    Dask gives up a task that lost four workers, also while it only queued there, and joblib 1.6 then
    waits for it for ever.
    """
    backend, _ = get_active_backend()

    def lift(dask_scheduler: Any) -> None:
        dask_scheduler.allowed_failures = math.inf

    if client := getattr(backend, "client", None):
        client.run_on_scheduler(lift)


def configurations(settings: Iterable[Mapping[str, Any]]) -> tuple[TrainConfig, ...]:
    """Make configurations from settings; if some are impossible, name them all at once.

    Raises
    ------
    ValueError
        One line for each impossible setting: its place, what is wrong, the remedy.

    Examples
    --------
    >>> configurations([{"d_model": 32}, {"d_model": 30, "n_head": 4}, {"D": 10}])
    Traceback (most recent call last):
      ...
    ValueError: 2 of 3 runs are impossible, none was started:
      run 1: d_model=30 is not divisible by n_head=4; choose a divisor of 30
      run 2: D=10 is impossible; a run needs at least one batch of B=512 tokens
    """
    made, wrong, asked = [], [], 0
    for place, setting in enumerate(settings):
        asked += 1
        try:
            made.append(TrainConfig(**setting))
        except (KeyError, TypeError, ValueError) as error:
            wrong.append(f"  run {place}: {error.args[0]}")
    if wrong:
        head = f"{len(wrong)} of {asked} runs are impossible, none was started:"
        raise ValueError("\n".join([head, *wrong]))
    return tuple(made)


def cost(config: Job) -> float:
    """Say how long a run takes, in the FLOPs that its time would do: what it computes, its steps, its start.

    Small models wait for their steps rather than for their arithmetic. ``PER_STEP`` and ``PER_RUN``
    were read off the recorded bowls, one thread a run; a test holds them to it.
    """
    told = config.describe()
    return told["C"] + PER_STEP * told.get("S", 0) + PER_RUN


def share(configs: Sequence[Job], part: str) -> list[Job]:
    """Pick one member's share of a sweep, all shares of about the same time.

    Parameters
    ----------
    configs
        The whole sweep.
    part
        ``"7/30"``: the seventh of thirty shares. Together the thirty are the sweep.

    Raises
    ------
    ValueError
        ``part`` is no such text, or names a share that does not exist.
    """
    try:
        i, n = map(int, part.split("/"))
    except ValueError as error:
        raise ValueError(f"part {part!r} is no share; write 7/30 for the seventh of thirty") from error
    if not 1 <= i <= n:
        raise ValueError(f"part {part!r} does not exist; shares run from 1/{n} to {n}/{n}")
    load, shares = [0.0] * n, [[] for _ in range(n)]  # type: list[float], list[list[Job]]
    for config in sorted(configs, key=lambda config: (-cost(config), config.id)):
        least = load.index(min(load))
        load[least] += cost(config)
        shares[least].append(config)
    return shares[i - 1]


def present(store: str | os.PathLike, config: Job, redo_stale: bool = False) -> bool:
    """Say whether the store holds a whole run (with ``redo_stale``: one made by the present code)."""
    try:
        row = read(store, config)["row"]
    except (FileNotFoundError, ValueError):
        return False
    return not redo_stale or row["code"] == config.code


def stale(store: str | os.PathLike, configs: Sequence[Job]) -> list[str]:
    """Name the runs in the store that older code has made."""
    return [c.id for c in configs if present(store, c) and not present(store, c, redo_stale=True)]


def damaged(store: str | os.PathLike, configs: Sequence[Job]) -> list[str]:
    """Name the runs in the store whose files are cut or no runs; a sweep makes them again."""
    return [c.id for c in configs if (Path(store) / f"{c.id}.json").exists() and not present(store, c)]


def read(store: str | os.PathLike, config: Job) -> dict:
    """Read a finished run: ``row``, ``curve`` (lists by column), ``position_loss``.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such run in the store; its file is damaged.
    """
    path = Path(store) / f"{config.id}.json"
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        _ = run["row"]["code"], run["curve"], run["position_loss"]
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path} is not there; sweep first, on several machines into a folder that all of them share"
        ) from error
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); sweep again, and it is made anew") from error
    return run


def curves(store: str | os.PathLike, configs: Sequence[Job]) -> pd.DataFrame:
    """Join the curves of finished runs into one table with columns id, N, N_total, S, D, C, L."""
    tables = []
    for config in configs:
        run = read(store, config)
        table = pd.DataFrame(run["curve"])
        for place, name in enumerate(("id", "N", "N_total")):
            table.insert(place, name, run["row"][name])
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def settled(configs: Sequence[Job]) -> list[Job]:
    """Give all configurations of precision ``"auto"`` the one that suits the costliest of them."""
    open_ = [c for c in configs if isinstance(c, TrainConfig) and c.precision == "auto"]
    if not open_:
        return list(configs)
    found = resolve(max(open_, key=lambda config: config.describe()["C"]))
    settled_ = {c: replace(c, precision=found.precision, compile=found.compile) for c in open_}
    return [settled_[c] if isinstance(c, TrainConfig) and c in settled_ else c for c in configs]


def finish(
    config: Job,
    *,
    store: Path,
    measured: Mapping[str, Any],
    redo_stale: bool = False,
    token: str = "",
) -> dict:
    """Train one run, rename its file into the store and return its row; a failure is a row as well.

    A run that was killed goes on from its checkpoint, a hidden file beside the finished runs; one
    that another sweep has finished meanwhile is not trained again. ``token`` names the sweep.
    """
    path, checkpoint = store / f"{config.id}.json", store / f".{config.id}.{config.code}.safetensors"
    with ALONE:
        if present(store, config, redo_stale):
            return read(store, config)["row"]
        try:
            try:
                if not saved.readable(checkpoint):  # damaged on the disk: the run starts anew
                    checkpoint.unlink(missing_ok=True)
                begin(tries(store, config, token), checkpoint)
                asked = measured if isinstance(config, TrainConfig) else {}
                run = config.run(**asked, checkpoint=checkpoint)
                result = {
                    "row": run.row | {"memory_mb": memory_mb(), "error": None},
                    "curve": run.curve.to_dict("list"),
                    "position_loss": run.position_loss.tolist(),
                }
            except (FloatingPointError, MemoryError, RuntimeError) as error:
                why = f"{type(error).__name__}: {error}"
                result = {
                    "row": config.describe() | {"L": None, "memory_mb": memory_mb(), "error": why},
                    "curve": {},
                    "position_loss": [],
                }
            files.replace_text(path, json.dumps(result))
            checkpoint.unlink(missing_ok=True)
        finally:
            for note in store.glob(f".{config.id}.*.tries"):  # also those of sweeps that were killed
                note.unlink(missing_ok=True)
    return result["row"]


def tries(store: Path, config: Job, token: str) -> Path:
    """Where a sweep notes, a byte each, the times that a run was begun and has not ended."""
    return store / f".{config.id}.{token}.tries"


def begin(note: Path, checkpoint: Path) -> None:
    """Note that a run begins; refuse one whose process was killed `KILLS` times without a checkpoint.

    Raises
    ------
    MemoryError
        It was, and memory is the likely reason.
    """
    kills = note.read_bytes() if note.exists() else b""
    if kills and checkpoint.exists() and checkpoint.stat().st_mtime > note.stat().st_mtime:
        kills = b""
    if len(kills) >= KILLS:
        raise MemoryError(
            f"its process was killed {len(kills)} times, as when memory runs out; with more memory or fewer "
            "jobs delete the run's file in the store and sweep again"
        )
    files.replace(note, lambda beside: Path(beside).write_bytes(kills + b"x"))


def memory_mb() -> float | None:
    """Largest memory that this process has had, in megabytes; None where the system does not say."""
    try:  # Linux: what getrusage says there counts the parent's memory at the fork as well
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10
