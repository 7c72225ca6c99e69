"""Set the book's pages from the sources and the stored outputs.

The whole site with warnings as errors; or, given a chapter's number, that chapter on its own.
"""

import shutil
import subprocess
import sys
import time
import webbrowser
from pathlib import Path

import portable
import yaml
from chapters import BUILD, ROOT, find
from execution import quiet_kernels

SITE = BUILD / "html"
COMMAND_LINE_TRACE = 'Traceback (most recent call last):\n  File "<string>"'
"""How jupyter-book's own traceback begins, which adds nothing to Sphinx's warnings."""


def build(*options: str) -> None:
    """Run jupyter-book quietly; show all that it said if it fails."""
    started = time.monotonic()
    print("Pages: setting them ...", flush=True)
    jupyter_book = "import scalinglab.vega; from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", jupyter_book, "build", str(ROOT), "--quiet", *options]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        # Sphinx does not repeat the warnings of a page that it has read: let it read all again.
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        said, *_ = done.stdout.split(COMMAND_LINE_TRACE)
        sys.exit(f"{said}\nThe pages were not set: what is wrong stands above.")
    print(f"Pages: done in {time.monotonic() - started:.0f} s", flush=True)


def whole_site() -> Path:
    """Set every page; a warning is an error."""
    build("-W", "-n", "--keep-going")
    portable.write_for_readers(SITE)
    return SITE / "index.html"


def one_chapter(name: str) -> Path:
    """Set one chapter beside the introduction; links to other chapters stay unresolved."""
    chapter, out = find(name)[0], BUILD / "page"
    out.mkdir(parents=True, exist_ok=True)
    toc = out / "_toc.yml"
    contents = {
        "format": "jb-book",
        "root": "book/intro",
        "chapters": [{"file": f"notebooks/{chapter.name}"}],
    }
    toc.write_text(yaml.safe_dump(contents), encoding="utf-8")
    build("--path-output", str(out), "--toc", str(toc))
    return out / "_build" / "html" / "notebooks" / f"{chapter.name}.html"


if __name__ == "__main__":
    quiet_kernels()
    page = one_chapter(sys.argv[1]) if sys.argv[1:] else whole_site()
    print(f"Read it: {page.as_uri()}")
    if sys.argv[1:] and sys.stdout.isatty():
        webbrowser.open(page.as_uri())
