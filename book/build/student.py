"""Set the students' edition: the same book without solutions and teachers' notes, with checks instead.

Sources are stripped before anything is set from them, so that nothing is left for the search
index, the downloads or the copies of the sources to show.  The outputs are those of the full book.
"""

import ast
import builtins
import json
import os
import re
import shutil
import subprocess
import sys

import downloads
import nbformat
import portable
from chapters import BUILD, ROOT, Chapter, find
from execution import quiet_kernels
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

EDITION = BUILD / "student"
COPIED = ("_config.yml", "_toc.yml", "requirements.lock", "Makefile", *portable.PACKAGED)
ANSWERS = BUILD / "answers"
"""Where chapters go that somebody has worked in when the edition is set again."""

FULL_BOOK = "In the full book the solution follows the exercise, and running it overwrites your answer.\n"
"""What the page on setting up says of another edition."""

OMITTED = ("instructors",)
"""Pages of the book that are for teachers; no other page links to them."""

CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", re.M | re.S)
EXERCISE = re.compile(r"^```\{exercise-start\}.*?^```\{exercise-end\}\n```\n", re.M | re.S)
FOR_TEACHERS = re.compile(
    r"^:::\{grid-item-card\} Teach\n.*?^:::\n|^Teachers begin at [^\n]*\n|^tests/ [^\n]*\n", re.M | re.S
)
"""What the first page and the README say to teachers, and of what an edition has not."""
SOLUTION = re.compile(r"^```\{solution-start\} *(\S+)\n.*?^```\{solution-end\}\n```\n", re.M | re.S)
TEACHERS = re.compile(r"^## (?:For teachers|Teach)\n.*?(?=^## |\Z)", re.M | re.S)
LABEL = re.compile(r":label: *(\S+)")
CHECKED = "# Your answer, checked:"
"""How a check begins."""
NONSENSE = (0, -7, 1e9, 1e-9, "?", [])
"""Answers that no check may take."""
REFUSED = """for wrong in {nonsense!r}:
    try:
        exec({check!r}, globals() | dict.fromkeys({names!r}, wrong))
    except Exception:
        continue
    raise AssertionError(f"the check of {label} takes {{wrong!r}} for an answer")"""
UNSOLVED = re.compile(r"\{solution[}-]|^## For teachers", re.M)


def without_solutions(source: str) -> str:
    """Take solutions and teachers' notes out of a chapter, and put checks behind the exercises."""
    solutions = {found[1]: found[0] for found in SOLUTION.finditer(source)}
    kept = TEACHERS.sub("", SOLUTION.sub("", source))
    known = told_before(kept)

    def with_check(found: re.Match[str]) -> str:
        exercise = found[0]
        lines = check(exercise, solutions.get(LABEL.search(exercise)[1], ""), known)  # type: ignore[index]
        end = "```{exercise-end}\n```\n"
        cell = f"```{{code-cell}} ipython3\n{lines}\n```\n" if lines else ""
        return exercise.removesuffix(end) + cell + end

    stripped = EXERCISE.sub(with_check, kept)
    left = UNSOLVED.search(stripped)
    if left:
        line = stripped[: left.start()].count("\n") + 1
        raise ValueError(f"line {line} of the stripped chapter still holds {left[0]!r}; close its block")
    return stripped


def told_before(source: str) -> set[str]:
    """Names that a chapter defines outside of exercises, solutions and teachers' notes."""
    kept = EXERCISE.sub("", TEACHERS.sub("", SOLUTION.sub("", source)))
    return names("\n".join(CELL.findall(kept)), ast.Store)


def check(exercise: str, solution: str, known: set[str]) -> str:
    r"""Write the check of an exercise: what its solution asserts of the names that the student fills.

    A stub that stands as it is gets a reminder; a wrong answer fails an assert that says which value.

    Examples
    --------
    >>> stub = "```{code-cell} ipython3\nratio = None  # your code here\n```\n"
    >>> solved = "```{code-cell} ipython3\nratio = 6 / 2\nassert ratio == 3\n```\n"
    >>> print(check(stub, solved, set()))
    # Your answer, checked:
    if ratio is None:
        print("Not answered yet.")
    else:
        assert ratio == 3, f"not yet: ratio is {ratio!r}"
        print("As it should be.")
    """
    stated = asserts(exercise, solution, known)
    if not stated:
        return ""
    filled = asked(exercise)
    missing = " or ".join(f"{name} is None" for name in filled)
    told = ", ".join(f"{name} is {{{name}!r}}" for name in filled)
    return "\n".join(
        [
            CHECKED,
            f"if {missing}:",
            '    print("Not answered yet.")',
            "else:",
            *(f"    {text}" if says(text) else f'    {text}, f"not yet: {told}"' for text in stated),
            '    print("As it should be.")',
        ]
    )


def with_nonsense(notebook: nbformat.NotebookNode, source: str) -> nbformat.NotebookNode:
    """Put a cell behind each solution of a full chapter that fails if its check takes nonsense."""
    exercises = {LABEL.search(found[0])[1]: found[0] for found in EXERCISE.finditer(source)}  # type: ignore[index]
    known = told_before(source)
    places = [place for place, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    for solution in reversed([*SOLUTION.finditer(source)]):
        exercise = exercises[solution[1]]
        if lines := check(exercise, solution[0], known):
            code = REFUSED.format(check=lines, names=asked(exercise), label=solution[1], nonsense=NONSENSE)
            last = sum(cell.start() < solution.end() for cell in CELL.finditer(source)) - 1
            notebook.cells.insert(places[last] + 1, nbformat.v4.new_code_cell(code))
    return notebook


def says(text: str) -> bool:
    """Tell whether an assert has a message of its own."""
    [node] = ast.parse(text).body
    return isinstance(node, ast.Assert) and node.msg is not None


def asked(exercise: str) -> list[str]:
    """Names that an exercise leaves for the student to fill."""
    stubs = CELL.findall(exercise)
    return sorted(names(stubs[-1], ast.Store)) if stubs else []


def asserts(exercise: str, solution: str, known: set[str]) -> list[str]:
    """Take from a solution what it asserts of the student's names alone, and of names known before."""
    wanted = asked(exercise)
    stubs, solved = "\n".join(CELL.findall(exercise)), "\n".join(CELL.findall(solution))
    # A name that the solution sets anew means something else there than in the chapter.
    visible = known - names(solved, ast.Store) | set(wanted) | names(stubs, ast.Store) | set(dir(builtins))
    return [
        ast.unparse(node)
        for node in ast.parse(bare(solved)).body
        if isinstance(node, ast.Assert)
        and names(ast.unparse(node), ast.Load) <= visible | names(ast.unparse(node), ast.Store)
        and names(ast.unparse(node), ast.Load) & set(wanted)
    ]


def bare(code: str) -> str:
    """Leave out what is not Python in the cells of a chapter: their options and commands."""
    code = "\n".join(line for line in code.splitlines() if not line.startswith((":tags:", "%", "!")))
    return re.sub(r"^---\n.*?^---\n", "", code, flags=re.M | re.S)


def names(code: str, how: type[ast.expr_context]) -> set[str]:
    """Names that code reads (`ast.Load`) or defines (`ast.Store`: also imports and functions)."""
    found = set()
    for node in ast.walk(ast.parse(bare(code))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, how):
            found.add(node.id)
        if how is ast.Store and isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        if how is ast.Store and isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return found


def with_outputs(stripped: nbformat.NotebookNode, full: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Give the cells of a stripped notebook the outputs of the same cells of the full one."""
    cells = iter(cell for cell in full.cells if cell.cell_type == "code")
    for cell in stripped.cells:
        if cell.cell_type == "code" and not cell.source.startswith(CHECKED):
            same = next(other for other in cells if other.source == cell.source)
            cell.outputs, cell.execution_count = same.outputs, same.execution_count
    return stripped


def save_answers() -> None:
    """Keep the chapters of the edition that were changed after it was set."""
    written = EDITION / "_build" / "written.json"
    known = json.loads(written.read_text("utf-8")) if written.exists() else {}
    changed = [p for p in EDITION.glob("notebooks/*.md") if known.get(p.name) != p.read_text("utf-8")]
    for path in changed:
        ANSWERS.mkdir(parents=True, exist_ok=True)
        kept = ANSWERS / f"{path.stem}_{int(path.stat().st_mtime)}.md"
        shutil.copy2(path, kept)
        print(f"{path.name} was worked in: kept as {kept.relative_to(ROOT)}")


def write_sources() -> None:
    """Write the edition's sources, and put the outputs into a cache of its own."""
    save_answers()
    shutil.rmtree(EDITION, ignore_errors=True)
    shutil.copytree(ROOT / "book", EDITION / "book", ignore=shutil.ignore_patterns("slides"))
    setup = EDITION / "book" / "setup.md"
    told = TEACHERS.sub("", setup.read_text("utf-8")).replace("make lab-student", "make lab")
    setup.write_text(told.replace(FULL_BOOK, ""), encoding="utf-8")
    for name in COPIED:
        shutil.copy(ROOT / name, EDITION / name)
    for page in (EDITION / "book" / "intro.md", EDITION / "README.md"):
        page.write_text(FOR_TEACHERS.sub("", page.read_text("utf-8")), encoding="utf-8")
    contents = (EDITION / "_toc.yml").read_text("utf-8")
    for page in OMITTED:
        (EDITION / "book" / f"{page}.md").unlink()
        contents = contents.replace(f"      - file: book/{page}\n", "")
    (EDITION / "_toc.yml").write_text(contents, encoding="utf-8")
    shutil.copytree(ROOT / "scalinglab", EDITION / "scalinglab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(BUILD / "execution", EDITION / "_build" / "execution")
    cache = get_cache(EDITION / "_build" / ".jupyter_cache")
    (EDITION / "notebooks").mkdir()
    for chapter in find():
        copy = Chapter(EDITION / "notebooks" / chapter.path.name)
        copy.path.write_text(without_solutions(chapter.path.read_text("utf-8")), encoding="utf-8")
        notebook = with_outputs(copy.read(), downloads.executed(chapter))
        bundle = CacheBundleIn(notebook, str(copy.path), data={"execution_seconds": 0.0})
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    sources = {path.name: path.read_text("utf-8") for path in (EDITION / "notebooks").glob("*.md")}
    (EDITION / "_build" / "written.json").write_text(json.dumps(sources), encoding="utf-8")


def main() -> None:
    """Write the sources and set the pages."""
    write_sources()
    folder = EDITION / "book" / "build"
    done = subprocess.run(
        [sys.executable, str(folder / "pages.py")],
        cwd=EDITION,
        env=os.environ | {"PYTHONPATH": str(folder)},
        check=False,
    )
    sys.exit(done.returncode)


if __name__ == "__main__":
    quiet_kernels()
    main()
