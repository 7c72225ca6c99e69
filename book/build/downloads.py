"""Write what readers take away: the chapters as notebooks with their outputs, and the package as a wheel.

Sphinx itself writes the notebooks without outputs when it reads the cache.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import yaml
from chapters import BUILD, ROOT, Chapter, digest, find, package_digest
from execution import CACHE
from jupyter_cache import get_cache

NBVAL = BUILD / "nbval"
WHEELS = BUILD / "wheels"
PACKAGED = ("pyproject.toml", "README.md", "LICENSE")
"""What a wheel is made from, beside the package itself."""

RECORD_TYPE = "application/papermill.record/"
INSTALL = """\
# Installs the course's package where it is missing: on Colab, on a laptop of your own.
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("scalinglab") is None:
    wheel = "{wheel}"
    where = wheel if Path(wheel).exists() else "{address}"
    if not where:
        raise FileNotFoundError(f"{{wheel}} is not in {{Path.cwd()}}: the book's page on setting up has it")
    if sys.platform == "linux" and not shutil.which("nvidia-smi"):  # a tenth of the build for NVIDIA cards
        os.environ.setdefault("PIP_EXTRA_INDEX_URL", "https://download.pytorch.org/whl/cpu")
    package = f"scalinglab[notebook] @ {{Path(where).resolve().as_uri() if where == wheel else where}}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)
"""
"""The first cell of a download."""


def executed(chapter: Chapter) -> nbformat.NotebookNode:
    """Join a chapter's source with its stored outputs."""
    try:
        _, notebook = get_cache(CACHE).merge_match_into_notebook(chapter.read())
    except KeyError:
        sys.exit(f"{chapter.name} has no stored outputs: run book/build/execution.py first")
    return notebook


def without_records(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave out the values that were stored only to be set into the text."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if not any(kind.startswith(RECORD_TYPE) for kind in output.get("data", {}))
            ]
    return notebook


def emptied(folder: Path) -> Path:
    """Make a folder that holds no notebook of an earlier build."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    return folder


def write_for_tests() -> None:
    """Write every chapter with all that it stored, for the comparison."""
    folder = emptied(NBVAL)
    for chapter in find():
        nbformat.write(executed(chapter), folder / f"{chapter.name}.ipynb")


def build_wheel() -> Path:
    """Build the package as a wheel, unless it is there already for this state of the package."""
    settings = digest(tuple(ROOT / name for name in PACKAGED))
    folder = WHEELS / f"{package_digest()[:12]}-{settings[:12]}"
    if not folder.exists():
        shutil.rmtree(WHEELS, ignore_errors=True)
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(ROOT / "scalinglab", Path(copy, "scalinglab"))
            for name in PACKAGED:
                shutil.copy(ROOT / name, copy)
            pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
            subprocess.run([*pip, "--wheel-dir", str(Path(copy, "out")), copy], check=True)
            WHEELS.mkdir(parents=True)
            shutil.move(Path(copy, "out"), folder)
    return next(folder.glob("*.whl"))


def with_install_cell(notebook: nbformat.NotebookNode, wheel: str) -> nbformat.NotebookNode:
    """Put a cell first that installs the package; its address is known once the book is published."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    base = config["html"]["baseurl"]
    source = INSTALL.format(wheel=wheel, address=f"{base.rstrip('/')}/_static/{wheel}" if base else "")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(source, id="install"))
    return notebook


def write_for_readers(site: Path) -> None:
    """Write every chapter where the download button of its page points, and the wheel that it needs."""
    folder, wheel = emptied(site / "_sources" / "notebooks"), build_wheel()
    shutil.copy(wheel, site / "_static")
    for chapter in find():
        notebook = with_install_cell(without_records(executed(chapter)), wheel.name)
        nbformat.write(notebook, folder / f"{chapter.name}.ipynb")
