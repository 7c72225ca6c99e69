"""Run every chapter again and compare each output with the one that the book shows.

A number that changed, an error and a cell that runs too long are failures; pictures are not
compared.  ``tests/nbval.cfg`` says what may differ.  Behind each solution the check that students
get meets answers that make no sense, and must take none of them.
"""

import argparse
import subprocess
import sys

import kernels
import nbformat
from chapters import BUILD, ROOT, find
from downloads import emptied, executed
from execution import CELL_TIMEOUT, quiet_kernels
from student import with_nonsense

NBVAL = BUILD / "nbval"


def write_for_tests() -> None:
    """Write every chapter with all that it stored, and with the trials of its checks."""
    folder = emptied(NBVAL)
    for chapter in find():
        notebook = with_nonsense(executed(chapter), chapter.path.read_text("utf-8"))
        nbformat.write(notebook, folder / f"{chapter.name}.ipynb")


def compare(only: str, jobs: str) -> int:
    """Run the chapters that begin with ``only``, ``jobs`` at a time; return pytest's exit code."""
    write_for_tests()
    chapters = find(only)
    print(f"Comparison: {len(chapters)} chapters run again, {jobs} at a time.", flush=True)
    # A chapter's cells share one kernel: whole files go to a worker.
    options = ["-q", "-n", jobs, "--dist", "loadfile", "-p", "no:cacheprovider", "-o", "addopts="]
    nbval = [
        "--nbval",
        f"--nbval-cell-timeout={CELL_TIMEOUT}",
        f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval.cfg'}",
    ]
    files = [str(NBVAL / f"{chapter.name}.ipynb") for chapter in chapters]
    # Warnings of the notebook machinery are not the book's.
    command = [
        sys.executable,
        "-m",
        "pytest",
        *options,
        "-W",
        "default",
        "--disable-warnings",
        *nbval,
        *files,
    ]
    with kernels.ready():
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def main() -> None:
    """Compare all chapters, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapter", nargs="?", default="", help="number or beginning of the name")
    parser.add_argument("--jobs", default="2", help="chapters at a time")
    options = parser.parse_args()
    quiet_kernels()
    sys.exit(compare(options.chapter, options.jobs))


if __name__ == "__main__":
    main()
