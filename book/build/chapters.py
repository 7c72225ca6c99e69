"""The chapters: which there are, what each is made from, whether its stored outputs still hold."""

import dataclasses
import functools
import hashlib
import json
import os
import sys
from pathlib import Path

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
RECORDS = BUILD / "execution"
SHIPPED = ("*.py", "*.html", "*.xz", "*.json", "*.csv", "*.parquet", "*.safetensors", "*.txt")


@dataclasses.dataclass(frozen=True)
class Chapter:
    """A chapter's source and what it depends on."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its suffix, such as ``03_three_power_laws``."""
        return self.path.stem

    @property
    def record(self) -> Path:
        """The note that the last execution left; Sphinx re-reads the chapter when it changes."""
        return RECORDS / f"{self.name}.json"

    def read(self) -> nbformat.NotebookNode:
        """Read the source as a notebook; the cells' ids count, so that it is the same each time."""
        notebook = jupytext.read(self.path)
        for number, cell in enumerate(notebook.cells):
            cell.id = f"cell-{number}"
        return notebook

    def imports_package(self) -> bool:
        """Tell whether a code cell names the package, by import or by command."""
        return any("scalinglab" in cell.source for cell in self.read().cells if cell.cell_type == "code")

    def inputs(self) -> str:
        """Digest everything beside its own code on which the chapter's outputs depend.

        The execution cache knows code cells only: without this an edit of the package, of a
        table, or of a locked version would leave old numbers in the book.
        """
        parts = [sys.version.split()[0], digest((ROOT / "requirements.lock",))]
        if self.imports_package():
            parts.append(package_digest())
        if "published" in self.path.read_text("utf-8"):
            parts.append(os.environ.get("SCALINGLAB_MIRROR", ""))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def noted(self) -> dict[str, str]:
        """Return what the last execution noted, nothing if there was none."""
        return json.loads(self.record.read_text("utf-8")) if self.record.exists() else {}


def digest(paths: tuple[Path, ...]) -> str:
    """Hash names and contents of files; a file that is not there counts as empty."""
    total = hashlib.sha256()
    for path in paths:
        content = path.read_bytes() if path.exists() else b""
        total.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    return total.hexdigest()


@functools.cache
def package_digest() -> str:
    """Hash everything that the package ships: code, texts, tables, weights."""
    package = ROOT / "scalinglab"
    files = sorted({path for pattern in SHIPPED for path in package.rglob(pattern)})
    return digest(tuple(files))


def find(only: str = "") -> list[Chapter]:
    """List the chapters in order, or the one whose number or name begins with ``only``."""
    chapters = [Chapter(path) for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.md"))]
    if not only:
        return chapters
    chosen = [chapter for chapter in chapters if chapter.name.startswith(only.zfill(2))]
    if not chosen:
        sys.exit(f"No chapter begins with {only!r}; there are: {', '.join(c.name for c in chapters)}")
    return chosen
