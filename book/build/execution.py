"""Run the chapters into the execution cache, two at a time, and note what each was made from."""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time

import kernels
import nbclient
from chapters import BUILD, ROOT, Chapter, find
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase

CACHE = BUILD / ".jupyter_cache"
PROFILE = BUILD / "ipython"
CELL_TIMEOUT = 300


def quiet_kernels() -> None:
    """Give every kernel one thread, sharp figures, and nothing to say on standard error.

    The warning "running over TCP without encryption" comes from ipykernel 7 itself, before any
    cell runs; only an IPython profile reaches it.
    """
    folder = PROFILE / "profile_default"
    folder.mkdir(parents=True, exist_ok=True)
    settings = "c.IPKernelApp.log_level = 40\nc.InlineBackend.figure_formats = {'retina'}\n"
    (folder / "ipython_kernel_config.py").write_text(settings, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(PROFILE)
    os.environ["TQDM_DISABLE"] = "1"  # a progress bar is for a person who waits
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


def is_stored(chapter: Chapter, cache: JupyterCacheBase) -> bool:
    """Tell whether the cache holds outputs made by this code, this package, these versions."""
    try:
        record = cache.match_cache_notebook(chapter.read())
    except KeyError:
        return False
    if chapter.noted().get("inputs") == chapter.inputs():
        return True
    cache.remove_cache(record.pk)
    return False


async def run(chapter: Chapter, cache: JupyterCacheBase) -> None:
    """Execute a chapter and put its outputs into the cache.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell raised; nothing is stored.
    """
    inputs, started = chapter.inputs(), time.monotonic()
    notebook = chapter.read()
    client = nbclient.NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        record_timing=False,  # times would stand in the cells' metadata, and the cache's key with them
        resources={"metadata": {"path": str(chapter.path.parent)}},
    )
    await client.async_execute()
    seconds = time.monotonic() - started
    cache.cache_notebook_bundle(
        CacheBundleIn(notebook, str(chapter.path), data={"execution_seconds": seconds}),
        check_validity=False,
        overwrite=True,
    )
    chapter.record.parent.mkdir(parents=True, exist_ok=True)
    note = {"inputs": inputs, "seconds": f"{seconds:.1f}"}
    chapter.record.write_text(json.dumps(note) + "\n", encoding="utf-8")


async def run_all(chapters: list[Chapter], jobs: int) -> list[str]:
    """Execute those chapters whose outputs are not stored; return the names of those that failed."""
    cache = get_cache(CACHE)
    late_ones_first = reversed(chapters)  # the longest are among them
    stale = [chapter for chapter in late_ones_first if not is_stored(chapter, cache)]
    if not stale:
        print(f"Chapters: all {len(chapters)} are up to date.", flush=True)
        return []
    print(f"Chapters: {len(stale)} of {len(chapters)} to run, {jobs} at a time.", flush=True)
    free, failed = asyncio.Semaphore(jobs), []

    async def one(number: int, chapter: Chapter) -> None:
        async with free:
            print(f"  {number} of {len(stale)}: {chapter.name} ...", flush=True)
            started = time.monotonic()
            try:
                await run(chapter, cache)
            except Exception as error:  # the other chapters still run; this one is reported
                failed.append(chapter.name)
                print(f"  {chapter.name} FAILED\n{error}", file=sys.stderr, flush=True)
            else:
                print(f"  {chapter.name} done in {time.monotonic() - started:.0f} s", flush=True)

    with kernels.ready():
        await asyncio.gather(*(one(number, chapter) for number, chapter in enumerate(stale, 1)))
    return failed


def main() -> None:
    """Run all chapters, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapter", nargs="?", default="", help="number or beginning of the name")
    parser.add_argument("--jobs", type=int, default=2, help="chapters at a time")
    options = parser.parse_args()
    os.chdir(ROOT)
    quiet_kernels()
    with contextlib.suppress(KeyboardInterrupt):
        failed = asyncio.run(run_all(find(options.chapter), options.jobs))
        if failed:
            sys.exit(f"Not built: {', '.join(failed)}. The messages above say which cell and why.")


if __name__ == "__main__":
    main()
