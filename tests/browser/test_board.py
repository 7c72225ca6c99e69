"""The class's board: files in, the numbers of `fit.isoflop` out, and a word on each file that is wrong."""

import json

import pandas as pd
import pytest
from conftest import PHONE, SCREENSHOTS, SITE, barriers

from scalinglab import experiments, fit, runs, sweep

BOARD = "book/board.html"
MEMBERS = 12


@pytest.fixture(scope="module")
def recorded() -> pd.DataFrame:
    """The recorded class."""
    return runs.load("classroom")


@pytest.fixture
def files(tmp_path, recorded):
    """The recorded runs as the files of twelve members."""
    rows = recorded.set_index("id", drop=False)
    for i in range(1, MEMBERS + 1):
        ids = [config.id for config in sweep.share(experiments.load("classroom").configs, f"{i}/{MEMBERS}")]
        runs.write(rows.loc[ids], tmp_path / f"share_{i:02}.csv")
    return sorted(tmp_path.glob("share_*.csv"))


@pytest.fixture
def board(visit, address):
    """The page, before any file."""
    return visit(f"{address}/{BOARD}").page


def give(page, *paths) -> str:
    """Choose files; what the page says then."""
    page.locator("#board-files").set_input_files([str(path) for path in paths])
    page.wait_for_function("() => !document.getElementById('board-files').files.length")
    return page.locator("#board-says").inner_text()


def shown(page) -> tuple[list[list[float]], float, float]:
    """The bottoms, and a and b."""
    read = "rows => rows.map(r => [...r.cells].map(c => +c.dataset.value))"
    law = page.locator("#board-law")
    a, b = (float(law.get_attribute(f"data-{key}")) for key in "ab")
    return page.locator("#board-minima tr").evaluate_all(read), a, b


def test_before_any_file_it_explains_itself_and_offers_the_recorded_class(board, recorded):
    assert "No file has come yet" in board.locator("#board-says").inner_text()
    assert board.locator("#board-bowls circle.behind").count() == 56
    board.locator("#board-recorded").click()
    assert "the recorded class, not yours: 56 of 56 runs" in board.locator("#board-says").inner_text()
    assert shown(board)[1] == pytest.approx(fit.isoflop(recorded, n=0).a, rel=5e-5)


def test_it_fills_the_screen_with_what_it_says_and_leaves_it(board, files):
    said = give(board, files[0])
    assert not board.locator("#board-tells").is_visible()
    for button in ("Fill the screen", "Leave the full screen"):
        board.get_by_role("button", name=button).click()
        board.wait_for_function("full => !!document.fullscreenElement === full", arg=button[0] == "F")
        assert board.locator("#board-tells").is_visible() == (button[0] == "F")
        assert board.locator("#board-tells").text_content() == said
    assert board.get_by_role("button", name="Fill the screen").is_visible()


@pytest.mark.parametrize("late", [(), (11, 12), (2, 5, 8)])
def test_numbers_are_those_of_isoflop(board, files, late):
    sent = [path for i, path in enumerate(files, start=1) if i not in late]
    give(board, *sent)
    table = pd.concat([runs.read(path) for path in sent])
    for size in ("N", "N_total"):
        board.locator(f"input[value={size}]").check()
        found = fit.isoflop(table, N=size)
        minima, a, b = shown(board)
        assert [row[:4] for row in minima] == [
            pytest.approx(row, rel=5e-5) for row in found.minima[["C", "N", "D", "L"]].to_numpy().tolist()
        ]
        assert [a, b] == pytest.approx([found.a, found.b], rel=5e-5)
        ends = json.loads(board.locator("#board-law").get_attribute("data-ends"))
        wide = found.high["a"] - found.low["a"]
        assert ends == pytest.approx([found.low["a"], found.high["a"]], abs=0.1 * wide)


def test_files_come_one_by_one_and_the_missing_are_named(board, files):
    board.locator("#board-members").fill(str(MEMBERS))
    for path in files[:10]:
        said = give(board, path)
    assert said.startswith("10 files:")
    assert "of 12 shares not all there: 11, 12." in said
    missing = sum(len(runs.read(path)) for path in files[10:])
    assert board.locator("#board-missing-says").inner_text() == f"{missing} runs missing"
    board.locator("#board-missing summary").click()
    first = board.locator("#board-missing-runs li").all_inner_texts()
    assert all("share 11/12" in line or "share 12/12" in line for line in first)
    assert "all 12 shares are there" in give(board, *files[10:])
    assert not board.locator("#board-missing").is_visible()


def test_dropped_anywhere_a_file_is_read(board, files):
    text = files[0].read_text("utf-8")
    board.evaluate(
        """text => { const held = new DataTransfer();
        held.items.add(new File([text], 'share_01.csv'));
        window.dispatchEvent(new DragEvent('drop', {dataTransfer: held, cancelable: true})); }""",
        text,
    )
    board.wait_for_selector("#board-came tr")
    assert board.locator("#board-came tr").inner_text().startswith("share_01.csv")


def test_a_file_sent_twice_counts_once_and_is_said(board, files, tmp_path):
    again = tmp_path / "copy.csv"
    again.write_bytes(files[0].read_bytes() + b"\n")
    give(board, *files[:2])
    said = give(board, files[0], again)
    rows = board.locator("#board-came tr").all_inner_texts()
    assert len(rows) == 3
    assert any("came 2 times, no harm" in row for row in rows)
    assert any("had come before, no harm" in row for row in rows)
    assert f": {sum(len(runs.read(path)) for path in files[:2])} of 56 runs" in said


def changed(path, column, value):
    """Change the second run of a file."""
    table = pd.read_csv(path, dtype=str)
    table.loc[1, column] = value
    table.to_csv(path, index=False)


WRONG = {
    "L": {"1.5o2": "is no loss", "": "nothing is no loss", "NaN": "is no loss", "-1": "is no loss"},
    "error": {"FloatingPointError: loss is nan at step 7": "the run failed"},
    "id": {"0123456789abcdef": "is no run of classroom"},
    "N": {"many": "is no number"},
    "budget": {"10000": "is not the 300000000000 of this run"},
}


def test_a_wrong_line_is_named_and_the_rest_is_kept(board, files):
    whole = files[0].read_text("utf-8")
    for column, values in WRONG.items():
        for value, word in values.items():
            changed(files[0], column, value)
            said = give(board, *files)
            problem = board.locator("#board-problems").inner_text()
            assert f"share_01.csv: line 3, column {column}: {value}" in problem
            assert word in problem
            assert "12 files: 55 of 56 runs. 1 file with problems" in said
            files[0].write_text(whole, encoding="utf-8")
            board.locator("#board-clear").click()


BROKEN = {
    "of 38 fields – the line is cut short": lambda text: text[:-60],
    "column budget: ": lambda text: text[:-6],
    "is empty": lambda text: "",
    "is not the head of a table of runs": lambda text: "\x89PNG\r\n\x1a\n" + text,
    "line 1: no column L": lambda text: text.replace(",L,", ",loss,"),
    "line 1: columns stand between semicolons": lambda text: text.replace(",", ";"),
    "it holds no run": lambda text: text.split("\n")[0] + "\n",
}


def test_a_broken_file_is_named_and_a_better_one_takes_its_place(board, files):
    whole = files[3].read_text("utf-8")
    for word, spoil in BROKEN.items():
        files[3].write_text(spoil(whole), encoding="utf-8")
        assert "56 of 56" not in give(board, *files)
        problem = board.locator("#board-problems").inner_text()
        assert "share_04.csv: " in problem
        assert word in problem
        files[3].write_text(whole, encoding="utf-8")
        assert "12 files: 56 of 56 runs." in give(board, files[3])
        assert board.locator("#board-problems").inner_text() == ""
        board.locator("#board-clear").click()


def test_files_that_disagree_are_named_until_one_goes(board, files, tmp_path):
    other = tmp_path / "other.csv"
    table = runs.read(files[0])
    table.loc[0, "L"] += 0.02
    table.loc[1, "L"] += 0.005  # another processor
    runs.write(table, other)
    said = give(board, *files, other)
    assert "55 of 56 runs. 1 run on which files disagree" in said
    problem = board.locator("#board-problems").inner_text()
    for word in (table["id"][0], "in other.csv", "in share_01.csv", "0.01 nats"):
        assert word in problem
    board.locator("button[aria-label='Remove other.csv']").click()
    assert "56 of 56" in board.locator("#board-says").inner_text()


def test_the_written_table_is_what_merge_writes(board, files, tmp_path, recorded):
    give(board, *files)
    with board.expect_download() as download:
        board.locator("#board-write").click()
    assert download.value.suggested_filename == "class.csv"
    download.value.save_as(tmp_path / "class.csv")
    written = runs.read(tmp_path / "class.csv")
    joined = runs.join(map(str, files)).runs.set_index("id").loc[written["id"]].reset_index()
    pd.testing.assert_frame_equal(written, joined[[*written]], check_dtype=False)
    assert fit.isoflop(written, n=0).a == pytest.approx(fit.isoflop(recorded, n=0).a, rel=1e-12)


def test_two_bowls_make_a_line_and_one_does_not(board, recorded, tmp_path):
    lowest = sorted(recorded["budget"].unique())
    one = runs.write(recorded[recorded["budget"] == lowest[0]], tmp_path / "one.csv")
    two = runs.write(recorded[recorded["budget"] == lowest[1]], tmp_path / "two.csv")
    few = recorded[(recorded["budget"] == lowest[2]) & (recorded["N"] > 60_000)]
    give(board, one)
    assert "needs the bottoms of two bowls" in board.locator("#board-law").inner_text()
    give(board, two, runs.write(few, tmp_path / "few.csv"))
    table = pd.concat([runs.read(path) for path in (one, two)] + [few])
    assert shown(board)[1] == pytest.approx(fit.isoflop(table, n=0).a, rel=5e-5)
    assert "no bottom" in board.locator("#board-minima").inner_text()


def test_from_a_disk_by_keyboard_on_a_phone(visit, files):
    seen = visit(f"{SITE.as_uri()}/{BOARD}", size=PHONE)
    page = seen.page
    page.locator("#board-recorded").focus()
    page.keyboard.press("Enter")
    assert "56 of 56 runs" in page.locator("#board-says").inner_text()
    page.locator("input[value=N]").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator("input[value=N_total]").is_checked()
    page.locator("#board-behind").focus()
    page.keyboard.press("Space")
    assert page.locator("circle.behind").count() == 0
    assert page.evaluate("() => document.scrollingElement.scrollWidth") <= PHONE["width"]
    assert "12 files" in give(page, *files)
    assert seen.outside == []
    assert seen.complaints == []


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_barrier_once_files_have_come(visit, address, files, dark):
    page = visit(f"{address}/{BOARD}", dark=dark).page
    changed(files[0], "L", "")
    page.locator("#board-members").fill("12")
    give(page, *files[:11])
    page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    assert barriers(page) == []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"board_files_{'dark' if dark else 'light'}.png", full_page=True)
