"""Write the chapters as an nbgrader course, and show on one of them that nbgrader grades it.

A chapter's cells stay as they are; each exercise becomes cells that nbgrader knows: a stub that holds
the solution between markers, a check that is graded by itself, and an answer that is graded by hand.
Points are the minutes that the chapter gives the exercise.
"""

import argparse
import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from chapters import BUILD, Chapter, find
from environment import python
from nbformat.v4 import new_code_cell, new_markdown_cell
from student import CELL, EXERCISE, LABEL, SOLUTION, TEACHERS, asked, asserts, check, names

COURSE = BUILD / "nbgrader" / "course"
ENVIRONMENT = BUILD / "nbgrader" / "env"
GRADER = "nbgrader==0.9.6"
SHOWN = "04"
"""The chapter that is graded to show that it works: recorded tables only, a minute in all."""

WHY = 2
"""Points of the sentence that answers a question beside a piece of code."""

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
TITLE = re.compile(r"^```\{exercise-start\} *(.*)$", re.M)
FENCES = re.compile(r"^```\{(?:exercise|solution)-(?:start|end)\}[^\n]*\n(?::[^\n]*\n)*```\n", re.M)
MINUTES = re.compile(r"^\*.*?(\d+) minutes.*\*$", re.M)

CONFIG = """c = get_config()
c.CourseDirectory.course_id = "scaling-laws"
c.ClearSolutions.code_stub = {"python": ""}  # the cell's own first line says where the answer goes
c.ClearSolutions.text_stub = "*Your answer here.*"
c.ExecutePreprocessor.timeout = 300
"""

READ_SCORES = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook(f"sqlite:///{sys.argv[1]}/gradebook.db") as book:
    rows = [
        {"student": student, "cell": grade.name, "points": grade.max_score, "score": grade.auto_score,
         "by hand": grade.needs_manual_grade}
        for student in sys.argv[3:]
        for grade in book.find_submission_notebook(sys.argv[2], sys.argv[2], student).grades
    ]
print(json.dumps(rows))
"""


def notebook(chapter: Chapter) -> nbformat.NotebookNode:
    """Turn a chapter into a source notebook of nbgrader: no teachers' notes, exercises as graded cells."""
    source = TEACHERS.sub("", chapter.path.read_text("utf-8"))
    solutions = {found[1]: found[0] for found in SOLUTION.finditer(source)}
    source = SOLUTION.sub("", source)
    known = names("\n".join(CELL.findall(EXERCISE.sub("", source))), ast.Store)
    exercises = {label(found): found for found in EXERCISE.findall(source)}
    marked = EXERCISE.sub(lambda found: f"```{{code-cell}} ipython3\n# {label(found[0])}\n```\n", source)
    made = jupytext.reads(marked, fmt="md:myst")
    cells = []
    for cell in made.cells:
        name = cell.source.removeprefix("# ")
        if cell.cell_type == "code" and name in exercises:
            cells += graded(exercises[name], solutions.get(name, ""), known)
        else:
            cells.append(cell)
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    made.cells = cells
    return made


def graded(exercise: str, solution: str, known: set[str]) -> list[nbformat.NotebookNode]:
    """Write an exercise and its solution as cells of nbgrader."""
    name, points = label(exercise), int(MINUTES.search(exercise)[1])  # type: ignore[index]
    text, given = parts(exercise)
    answer, solved = parts(solution)
    code = "\n".join(solved)
    title = TITLE.search(exercise)[1]  # type: ignore[index]
    cells = [noted(new_markdown_cell(f"### Exercise: {title}\n\n{text}"), f"{name}-text", locked=True)]
    cells += [new_code_cell(cell) for cell in given[:-1]]
    if asserts(exercise, solution, known):
        stub = "\n".join([given[-1], BEGIN, code, END])
        cells.append(noted(new_code_cell(stub), name, solution=True))
        answered = [f'assert {each} is not None, "{each} is not answered"' for each in asked(exercise)]
        tests = "\n".join([check(exercise, solution, known), HIDDEN[0], *answered, HIDDEN[1]])
        cells.append(noted(new_code_cell(tests), f"{name}-check", points=points, locked=True))
    elif "code" in kind(exercise):
        stub = "\n".join([*(given[-1:] or ["# your code here"]), BEGIN, code, END])
        cells.append(noted(new_code_cell(stub), name, solution=True, points=points))
    else:
        worked = f"```python\n{code}\n```\n\n{answer}" if code else answer
        return [*cells, noted(new_markdown_cell(worked), name, solution=True, points=points)]
    if answer and "?" in text:
        cells.append(noted(new_markdown_cell(answer), f"{name}-why", solution=True, points=WHY))
    return cells


def noted(
    cell: nbformat.NotebookNode,
    name: str,
    *,
    solution: bool = False,
    locked: bool = False,
    points: float | None = None,
) -> nbformat.NotebookNode:
    """Tell nbgrader what a cell is; one with points is graded, by hand if it is also a solution."""
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": points is not None,
        "solution": solution,
        "locked": locked,
        "task": False,
        **({} if points is None else {"points": points}),
    }
    return cell


def parts(block: str) -> tuple[str, list[str]]:
    """Split an exercise or a solution into its prose and its code cells."""
    inner = jupytext.reads(FENCES.sub("", block), fmt="md:myst").cells
    prose = "\n\n".join(cell.source for cell in inner if cell.cell_type == "markdown")
    return prose, [cell.source for cell in inner if cell.cell_type == "code"]


def label(exercise: str) -> str:
    """The label of an exercise."""
    return LABEL.search(exercise)[1]  # type: ignore[index]


def kind(exercise: str) -> str:
    """What an exercise says it is made with: pencil, code, thought."""
    return MINUTES.search(exercise)[0].lower()  # type: ignore[index]


def write() -> list[str]:
    """Write the course anew and name its chapters."""
    shutil.rmtree(COURSE, ignore_errors=True)
    for chapter in find():
        folder = COURSE / "source" / chapter.name
        folder.mkdir(parents=True)
        nbformat.write(notebook(chapter), folder / f"{chapter.name}.ipynb")
    (COURSE / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    return [chapter.name for chapter in find()]


# --- nbgrader itself, in an environment of its own ------------------------------------------------


def install() -> None:
    """Make an environment with nbgrader that sees the course's own packages as well."""
    done = ENVIRONMENT / "installed"
    if done.exists():
        return
    print(f"Installing {GRADER} and what it needs beside the course (80 MB, a minute) ...", flush=True)
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    own = {"base": str(ENVIRONMENT), "platbase": str(ENVIRONMENT)}
    ours, its = sysconfig.get_path("purelib"), sysconfig.get_path("purelib", "venv", own)
    share = str(Path(sys.prefix, "share", "jupyter"))  # where nbconvert keeps the templates of feedback
    line = f"import os, site; site.addsitedir({ours!r}); os.environ.setdefault('JUPYTER_PATH', {share!r})"
    Path(its, "course.pth").write_text(f"{line}\n", encoding="utf-8")
    pip = [str(python(ENVIRONMENT)), "-m", "pip", "install", "--quiet", "--quiet", GRADER]
    if subprocess.run(pip, check=False).returncode:
        sys.exit(f"{GRADER} was not installed; is there a network? Run again: the course is written already.")
    done.touch()


def nbgrader(*words: str) -> None:
    """Run a command of nbgrader in the course; show what it said if it fails."""
    grader = python(ENVIRONMENT)
    path = f"{grader.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(grader), "-m", "nbgrader", *words],
        cwd=COURSE,
        env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(
            f"{done.stdout}{done.stderr}\nnbgrader {' '.join(words)} failed: what is wrong stands above."
        )


def submit(chapter: str, student: str, *, solved: bool) -> None:
    """Hand in the released notebook, with the solutions filled in or as it came."""
    released = nbformat.read(COURSE / "release" / chapter / f"{chapter}.ipynb", as_version=4)
    source = nbformat.read(COURSE / "source" / chapter / f"{chapter}.ipynb", as_version=4)
    answers = {grade_id(cell): cell.source for cell in source.cells if is_answer(cell)}
    for cell in released.cells:
        if solved and is_answer(cell):
            cell.source = answers[grade_id(cell)]
    folder = COURSE / "submitted" / student / chapter
    folder.mkdir(parents=True)
    nbformat.write(released, folder / f"{chapter}.ipynb")


def is_answer(cell: nbformat.NotebookNode) -> bool:
    """Say whether the student writes into this cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def grade_id(cell: nbformat.NotebookNode) -> str:
    """The name of a cell of nbgrader."""
    return str(cell.metadata["nbgrader"]["grade_id"])


def told(chapter: str) -> list[str]:
    """Name what the release must not hold and does."""
    text = (COURSE / "release" / chapter / f"{chapter}.ipynb").read_text("utf-8")
    source = nbformat.read(COURSE / "source" / chapter / f"{chapter}.ipynb", as_version=4)
    secret = [line for cell in source.cells if is_answer(cell) for line in hidden_lines(cell)]
    plain = [cell.source for cell in source.cells if not is_answer(cell)]
    secret = [line for line in secret if len(line) > 20 and not any(line in other for other in plain)]
    marks = [BEGIN, *HIDDEN, "is not answered"]
    return [each for each in [*marks, *secret] if json.dumps(each)[1:-1] in text]


def hidden_lines(cell: nbformat.NotebookNode) -> list[str]:
    """Lines of an answer that no student is shown before the marks."""
    _, begin, rest = cell.source.partition(BEGIN)
    return [line.strip() for line in (rest.partition(END)[0] if begin else cell.source).splitlines()]


def wrong(row: dict[str, Any]) -> bool:
    """Say whether a mark is not what it must be: all for the solutions, nothing for the stubs."""
    return not row["by hand"] and row["score"] != (row["points"] if row["student"] == "solved" else 0)


def show(chapter: str) -> None:
    """Release a chapter, grade it with the solutions and untouched, and print the marks."""
    students = ("solved", "untouched")
    nbgrader("generate_assignment", chapter, "--force")
    leaks = told(chapter)
    if leaks:
        sys.exit(f"The release of {chapter} tells: {leaks}")
    for student in students:
        submit(chapter, student, solved=student == "solved")
    nbgrader("autograde", chapter, "--force")
    words = [str(python(ENVIRONMENT)), "-c", READ_SCORES, str(COURSE), chapter, *students]
    rows = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    print(f"{'cell':24} {'student':10} points  score")
    for row in sorted(rows, key=lambda row: (row["cell"], row["student"])):
        score = "by hand" if row["by hand"] else f"{row['score']:g}"
        print(f"{row['cell']:24} {row['student']:10} {row['points']:6g}  {score}")
    bad = [row for row in rows if wrong(row)]
    if bad or not any(not row["by hand"] and row["score"] for row in rows):
        sys.exit(f"Not the marks that solutions and stubs must get: {bad}")
    print("As it must be: full marks for the solutions, none for code that was not written.")


def main() -> None:
    """Write the course; grade a chapter if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grade", nargs="?", const=SHOWN, help="a chapter on which to show that it works")
    options = parser.parse_args()
    chapters = write()
    print(f"{len(chapters)} chapters in {COURSE / 'source'}")
    if options.grade:
        install()
        show(find(options.grade)[0].name)


if __name__ == "__main__":
    main()
