"""The students' edition: no solution is left, every exercise with code checks itself."""

import json
import re

import nbformat
import pytest
import student
from bs4 import BeautifulSoup
from chapters import ROOT, find

CHAPTERS = find()
SITE = ROOT / "_build" / "student" / "_build" / "html"
DISTINCT = 60  # characters of a solution that are looked for


@pytest.fixture(params=CHAPTERS, ids=lambda chapter: chapter.name)
def source(request) -> str:
    return request.param.path.read_text(encoding="utf-8")


def told(source: str) -> list[str]:
    """Lines of solutions and of teachers' notes that stand nowhere else in a chapter."""
    parts = [found[0] for found in student.SOLUTION.finditer(source)] + student.TEACHERS.findall(source)
    kept = student.without_solutions(source)
    lines = [line.strip() for part in parts for line in part.splitlines()]
    return [line for line in lines if len(line) > DISTINCT and line not in kept]


def test_nothing_of_a_solution_is_left(source):
    stripped = student.without_solutions(source)
    assert not student.UNSOLVED.search(stripped)
    assert "exercise-start" in stripped
    assert told(source)


def test_every_exercise_with_a_stub_checks_itself(source):
    for exercise in student.EXERCISE.findall(student.without_solutions(source)):
        if cells := student.CELL.findall(exercise):
            assert cells[-1].startswith(student.CHECKED), student.LABEL.search(exercise)[1]
            compile(cells[-1], "check", "exec")


def test_a_check_reminds_names_the_wrong_value_or_praises(capsys):
    stub = "```{code-cell} ipython3\nratio = None  # your code here\n```\n"
    solved = "```{code-cell} ipython3\nratio = 6 / 2\nhelper = 1\nassert ratio == 3\nassert helper\n```\n"
    code = student.check(stub, solved, set())
    assert "helper" not in code
    exec(code, {"ratio": None})
    assert capsys.readouterr().out == "Not answered yet.\n"
    with pytest.raises(AssertionError, match="ratio is 2"):
        exec(code, {"ratio": 2})
    exec(code, {"ratio": 3})
    assert capsys.readouterr().out == "As it should be.\n"


def test_a_check_leaves_out_what_the_solution_means_otherwise():
    stub = "```{code-cell} ipython3\nratio = None  # your code here\n```\n"
    solved = "```{code-cell} ipython3\noff = [3]\nratio = 3\nassert ratio == off[0]\nassert ratio > 2\n```\n"
    code = student.check(stub, solved, {"off"})
    assert "off" not in code
    assert "ratio > 2" in code


@pytest.mark.parametrize(("stated", "taken"), [("ratio > 2", "1000000000.0"), ("2 < ratio < 4", "")])
def test_a_check_that_takes_nonsense_is_found(stated, taken):
    stub = "```{code-cell} ipython3\nratio = None\n```\n"
    exercise = f"```{{exercise-start}}\n:label: ex-one\n```\n{stub}```{{exercise-end}}\n```\n"
    solved = f"```{{code-cell}} ipython3\nratio = 3\nassert {stated}\n```\n"
    source = f"{exercise}```{{solution-start}} ex-one\n```\n{solved}```{{solution-end}}\n```\n"
    cells = [nbformat.v4.new_code_cell(code) for code in student.CELL.findall(source)]
    notebook = student.with_nonsense(nbformat.v4.new_notebook(cells=cells), source)
    assert [cell.source for cell in notebook.cells[:2]] == student.CELL.findall(source)
    [_, _, trial] = notebook.cells
    if taken:
        with pytest.raises(AssertionError, match=f"the check of ex-one takes {taken} for an answer"):
            exec(trial.source, {"ratio": 3})
    else:
        exec(trial.source, {"ratio": 3})


def test_a_block_that_is_not_closed_is_refused():
    with pytest.raises(ValueError, match=r"line 2 .* close its block"):
        student.without_solutions("# A chapter\n```{solution-start} ex-one\n```\nthe answer\n")


def test_what_a_student_wrote_is_kept_when_the_edition_is_set_again(tmp_path, monkeypatch, capsys):
    edition = tmp_path / "student"
    for name, said in (("01_one.md", "as it was set"), ("02_two.md", "slope = 3")):
        (edition / "notebooks").mkdir(parents=True, exist_ok=True)
        (edition / "notebooks" / name).write_text(said, encoding="utf-8")
    (edition / "_build").mkdir()
    written = {"01_one.md": "as it was set", "02_two.md": "slope = None"}
    (edition / "_build" / "written.json").write_text(json.dumps(written), encoding="utf-8")
    monkeypatch.setattr(student, "EDITION", edition)
    monkeypatch.setattr(student, "ANSWERS", tmp_path / "answers")
    monkeypatch.setattr(student, "ROOT", tmp_path)
    student.save_answers()
    [kept] = (tmp_path / "answers").iterdir()
    assert kept.read_text("utf-8") == "slope = 3"
    assert capsys.readouterr().out.startswith("02_two.md was worked in: kept as answers")


def test_the_page_on_setting_up_of_the_edition_speaks_of_no_other():
    source = (ROOT / "book" / "setup.md").read_text("utf-8")
    assert student.FULL_BOOK in source
    assert "## Teach" not in student.TEACHERS.sub("", source)


@pytest.mark.parametrize(
    ("name", "said", "kept"),
    [("README.md", "Teachers begin", "make help"), ("book/intro.md", "} Teach", "} Run")],
)
def test_what_is_said_to_teachers_and_no_more_is_left_out(name, said, kept):
    source = (ROOT / name).read_text("utf-8")
    assert said in source
    left = student.FOR_TEACHERS.sub("", source)
    assert said not in left
    assert kept in left
    assert len(source) - len(left) < 500


def test_the_edition_that_was_set_tells_no_solution():
    if not SITE.exists():
        pytest.skip("the students' edition is not set: make student")
    texts = {
        path.relative_to(SITE): path.read_text("utf-8")
        for kind in ("*.html", "*.ipynb", "*.js", "*.md", "*.txt")
        for path in SITE.rglob(kind)
    }
    shown = {
        path: re.sub(r"\s+", " ", BeautifulSoup(text, "html.parser").get_text())
        if path.suffix == ".html"
        else text
        for path, text in texts.items()
    }
    assert len([path for path in texts if path.suffix == ".ipynb"]) == len(CHAPTERS)
    secrets = [re.sub(r"[`*]", "", line) for c in CHAPTERS for line in told(c.path.read_text("utf-8"))]
    plain = [line for line in secrets if not re.search(r"[\\{}$]", line)]
    assert len(plain) > 200
    leaks = [(str(path), line) for line in plain for path, text in shown.items() if line in text]
    assert leaks == []
    assert [str(path) for path, text in texts.items() if "solution-start" in text] == []
