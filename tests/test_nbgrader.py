"""The course for nbgrader: what each notebook holds, without nbgrader itself."""

import ast
import re

import assignments
import pytest
import student
from chapters import find

KEYS = {"schema_version", "grade_id", "grade", "solution", "locked", "task"}


@pytest.fixture(scope="module", params=find(), ids=lambda chapter: chapter.name)
def chapter(request):
    return request.param


@pytest.fixture(scope="module")
def cells(chapter):
    """The cells of a chapter's source notebook."""
    return assignments.notebook(chapter).cells


@pytest.fixture(scope="module")
def marked(cells):
    """Those that nbgrader knows, with what it is told of them."""
    return [(cell, cell.metadata["nbgrader"]) for cell in cells if "nbgrader" in cell.metadata]


def test_metadata_is_of_the_third_schema_and_names_are_unique(marked, chapter):
    for _, told in marked:
        assert set(told) == KEYS | ({"points"} if told["grade"] else set())
        assert told["schema_version"] == 3
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", told["grade_id"])
        assert not (told["locked"] and told["solution"])
        assert told["points"] > 0 if told["grade"] else told["locked"] or told["solution"]
    names = [told["grade_id"] for _, told in marked]
    assert len(set(names)) == len(names)


def test_every_exercise_is_there_with_its_minutes_as_points(marked, chapter):
    source = chapter.path.read_text("utf-8")
    points = {told["grade_id"]: told.get("points") for _, told in marked}
    for exercise in assignments.EXERCISE.findall(source):
        name = assignments.label(exercise)
        assert f"{name}-text" in points
        minutes = int(re.search(r"^\*.*?(\d+) minutes", exercise, re.M)[1])
        assert (points.get(f"{name}-check") or points[name]) == minutes
        assert points.get(f"{name}-why") in (None, assignments.WHY)


def test_code_is_checked_by_itself_or_marked_for_a_hand(marked):
    for (cell, told), (check, of_check) in zip(marked, [*marked[1:], (None, {})], strict=True):
        if cell.cell_type == "code" and told["solution"] and not told["grade"]:
            assert of_check["grade_id"] == f"{told['grade_id']}-check"
            assert of_check["locked"]
            assert check.source.count(assignments.HIDDEN[0]) == 1
            stub, _, _ = cell.source.partition(assignments.BEGIN)
            with pytest.raises(AssertionError, match="is not answered"):
                exec(compile(f"{stub}\n{check.source}", "untouched", "exec"), {})


def test_no_solution_stands_outside_its_markers(cells, marked, chapter):
    source = chapter.path.read_text("utf-8")
    told = [found[0] for found in assignments.SOLUTION.finditer(source)]
    told += assignments.TEACHERS.findall(source)
    open_text = "\n".join(outside(cell) for cell in cells)
    kept = assignments.TEACHERS.sub("", assignments.SOLUTION.sub("", source))
    lines = {line.strip() for part in told for line in part.splitlines() if len(line.strip()) > 40}
    secret = [line for line in lines if line not in kept and not line.startswith("assert ")]
    assert secret
    assert [line for line in secret if line in open_text] == []
    assert not re.search(r"\{(?:exercise|solution)-(?:start|end)\}", open_text)


def outside(cell):
    """What stands in a released cell: nothing of an answer but the lines before its solution."""
    if not cell.metadata.get("nbgrader", {}).get("solution"):
        return cell.source
    return cell.source.partition(assignments.BEGIN)[0] if cell.cell_type == "code" else ""


def test_markers_come_in_pairs_and_code_compiles(cells):
    for cell in cells:
        for begin, end in ((assignments.BEGIN, assignments.END), assignments.HIDDEN):
            assert cell.source.count(begin) == cell.source.count(end) <= 1
        if cell.cell_type == "code" and "nbgrader" in cell.metadata:
            ast.parse(student.bare(cell.source))


def test_most_exercises_with_code_are_graded_by_themselves():
    cells = [cell for chapter in find() for cell in assignments.notebook(chapter).cells]
    told = [cell.metadata["nbgrader"] for cell in cells if "nbgrader" in cell.metadata]
    by_itself = sum(each["points"] for each in told if each["grade"] and each["locked"])
    by_hand = sum(each["points"] for each in told if each["grade"] and each["solution"])
    assert by_itself > by_hand / 2
    assert sum(each["grade"] and each["locked"] for each in told) >= 40
