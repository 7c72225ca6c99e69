"""Write what readers take away: chapters as notebooks that run and read anywhere, the package as a wheel.

A notebook outside the book knows no MyST: numbers, citations and references become words, boxes
become quotations, exercises become headings.
"""

import functools
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import yaml
from chapters import BUILD, ROOT, Chapter, digest, find, package_digest
from deck import papers, short
from downloads import emptied, executed, without_records
from myst_nb.core.variables import format_plain_text
from shelf import glued

WHEELS = BUILD / "wheels"
PACKAGED = ("pyproject.toml", "README.md", "LICENSE")
"""What a wheel is made from, beside the package itself."""

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

ROLE = re.compile(r"\{([a-z:]+)\}`([^`]+)`")
TITLED = re.compile(r"(.*?)\s*<(.+)>$", re.S)
BOX = re.compile(r"^:::\{admonition\} ([^\n]+)\n(?::\w+:[^\n]*\n)*\n?(.*?)^:::$", re.M | re.S)
FENCES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^```\{exercise-start\} *(.*)\n(?::\w+:.*\n)*```$", re.M), r"### Exercise: \1"),
    (re.compile(r"^```\{solution-start\}.*\n(?::\w+:.*\n)*```$", re.M), "**Solution**\n"),
    (re.compile(r"^```\{(?:exercise|solution)-end\}\n```$", re.M), ""),
    (re.compile(r"^\([\w-]+\)=\n", re.M), ""),
)
EQUATION = re.compile(r"^\$\$ \((eq-[\w-]+)\)$", re.M)
FIGURE = re.compile(r"^ *name: (fig-[\w-]+)$", re.M)
HEADING = re.compile(r"^\(([\w-]+)\)=\n#+ (.+)$", re.M)


@functools.cache
def titles() -> dict[str, str]:
    """The title behind each label of the book, and the number behind each figure and formula."""
    found = {}
    for page in [*(ROOT / "book").glob("*.md"), *(chapter.path for chapter in find())]:
        source = page.read_text("utf-8")
        found |= dict(HEADING.findall(source))
        number = page.name[:2].lstrip("0")
        for kind, says in ((EQUATION, "({}.{})"), (FIGURE, "Fig. {}.{}")):
            found |= {name: says.format(number, at) for at, name in enumerate(kind.findall(source), 1)}
    return found


def plain(source: str, numbers: dict[str, str]) -> str:
    r"""Say in plain Markdown what a cell of a chapter says in MyST.

    Examples
    --------
    >>> plain("It is {glue:text}`x:.1f`, says {cite:t}`kaplan2020`.", {"x": "0.4567"})
    'It is 0.5, says Kaplan et al. 2020.'
    >>> print(plain(":::{admonition} Takeaway\n:class: takeaway\nMeasure.\n:::", {}))
    > **Takeaway**
    >
    > Measure.
    """

    def glue(content: str) -> str:
        key, _, form = content.partition(":")
        return format_plain_text(numbers[key], form or "s")

    def cite(content: str) -> str:
        return ", ".join(short(papers()[key.strip()]) for key in content.split(","))

    def refer(content: str) -> str:
        return titles().get(content, content)

    roles: dict[str, Callable[[str], str]] = {
        "glue:text": glue,
        "cite": lambda content: f"({cite(content)})",
        "cite:t": cite,
        "term": str,
        "eq": refer,
        "numref": refer,
        "ref": lambda content: f"*{refer(content)}*",
    }

    def role(found: re.Match[str]) -> str:
        name, content = found[1], found[2]
        if name not in roles:
            return found[0]
        titled = TITLED.match(content)
        return titled[1] if titled else roles[name](content)

    def box(found: re.Match[str]) -> str:
        lines = [f"**{found[1]}**", "", *found[2].strip().splitlines()]
        return "\n".join(f"> {line}".rstrip() for line in lines)

    text = EQUATION.sub(lambda found: f"\\tag{{{titles()[found[1]].strip('()')}}}\n$$", source)
    text = BOX.sub(box, ROLE.sub(role, text))
    for fence, instead in FENCES:
        text = fence.sub(instead, text)
    return text


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


def portable(chapter: Chapter, wheel: str) -> nbformat.NotebookNode:
    """Turn a chapter with its outputs into a notebook that needs nothing of the book."""
    notebook = executed(chapter)
    numbers = glued(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source, numbers)
    return with_install_cell(without_records(notebook), wheel)


def write_for_readers(site: Path) -> None:
    """Write every chapter where the download button of its page points, and the wheel that it needs."""
    folder, wheel = emptied(site / "_sources" / "notebooks"), build_wheel()
    shutil.copy(wheel, site / "_static")
    for chapter in find():
        nbformat.write(portable(chapter, wheel.name), folder / f"{chapter.name}.ipynb")
