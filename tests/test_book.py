"""The book's form: what every chapter promises, and what the built site must not need."""

import json
import re
from pathlib import Path

import downloads
import pytest
from bs4 import BeautifulSoup
from chapters import ROOT, Chapter, find

from scalinglab import claims, experiments, laws, runs

SITE = ROOT / "_build" / "html"
CHAPTERS = find()
SECTIONS = (
    "The question",
    "The law",
    "Play with it",
    "Run it",
    "Fit it",
    "Check it",
    "Exercises",
    "For teachers",
    "Further reading",
)
TIMED = SECTIONS[:6]
FREE_FORM = ("19_capstone", "20_summary")  # they keep what fits them of the sections
LONGEST_CHAPTER = 350  # lines of source that are not blank, exercises and their solutions apart
MOST_CELLS = 15  # code cells to read outside the exercises
LONGEST_CELL = 12  # lines
LONGEST_SENTENCE = 400  # characters; one sentence stands on a line

CELL = re.compile(r"^```\{code-cell\}.*?\n(.*?)^```$", re.M | re.S)
NOT_IN_A_CHAPTER = re.compile(
    r"[!%]pip |filterwarnings|simplefilter|urllib|requests\.|pooch\.retrieve|"
    r"random\.seed\(|^torch\.manual_seed|time\.sleep",
    re.M,
)
OFF_SITE = re.compile(r"^(https?:)?//")


@pytest.fixture(params=CHAPTERS, ids=lambda chapter: chapter.name)
def chapter(request) -> Chapter:
    return request.param


@pytest.fixture
def source(chapter) -> str:
    return chapter.path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pages() -> dict[Path, BeautifulSoup]:
    """Every page of the built site, parsed."""
    if not SITE.exists():
        pytest.skip("the site is not built: make book")
    paths = (p for p in SITE.rglob("*.html") if not {"_static", "_sources"} & set(p.relative_to(SITE).parts))
    return {path: BeautifulSoup(path.read_text("utf-8"), "html.parser") for path in paths}


def prose(source: str) -> str:
    """The source without code cells, formulas and front matter."""
    text = CELL.sub("", source.partition("---\n")[2].partition("---\n")[2])
    return re.sub(r"\$\$.*?\$\$", "", text, flags=re.S)


def sections(source: str) -> dict[str, str]:
    """The text of each second-level section by its title."""
    parts = re.split(r"^## (.+)$", CELL.sub(lambda m: m[0].replace("\n## ", "\n##"), source), flags=re.M)
    return dict(zip((title.strip() for title in parts[1::2]), parts[2::2], strict=True))


def blocks(source: str, kind: str) -> dict[str, str]:
    """Exercises by their label, plain ones and gated ones alike."""
    plain = re.findall(rf"^(`{{3,}}|:{{3,}})\{{{kind}\}}(.*?)^\1$", source, re.M | re.S)
    gated = re.findall(rf"\{{{kind}-start\}}(.*?)\{{{kind}-end\}}", source, re.S)
    found = [body for _, body in plain] + gated
    if kind == "exercise":
        return {label: body for body in found for label in re.findall(r":label: *(\S+)", body)[:1]}
    return {body.split(maxsplit=1)[0]: body for body in found}


def listed(toc: Path) -> list[str]:
    """The files that the table of contents names."""
    return re.findall(r"(?:file|root): *(\S+)", toc.read_text("utf-8"))


# --- sources ----------------------------------------------------------------------------------


def test_every_chapter_is_in_the_table_of_contents_once():
    files = listed(ROOT / "_toc.yml")
    assert [f for f in files if f.startswith("notebooks/")] == [f"notebooks/{c.name}" for c in CHAPTERS]
    assert [f for f in files if not (ROOT / f"{f}.md").exists()] == []
    assert len(files) == len(set(files))


def test_every_page_is_in_the_table_of_contents():
    written = {f"book/{page.stem}" for page in (ROOT / "book").glob("*.md")}
    assert written - set(listed(ROOT / "_toc.yml")) == set()


def test_every_chapter_is_a_question_of_the_introduction(chapter, source):
    intro = (ROOT / "book" / "intro.md").read_text("utf-8")
    label = re.search(r"^\((ch-[a-z0-9-]+)\)=$", source, re.M)[1]
    card = re.search(rf"\{{grid-item-card\}} {int(chapter.name[:2])} · (.*)\n:link: {label}\n", intro)
    assert card, f"no card of chapter {chapter.name} in book/intro.md"
    assert card[1].endswith("?")
    minutes = re.search(r"^\d+ minutes", source, re.M)[0]
    assert minutes in intro[card.end() :].split(":::")[0], "the card says another time"


def test_constants_of_the_first_figure_are_those_of_the_package():
    chart = (ROOT / "book" / "static" / "budget.html").read_text("utf-8")
    spec = json.loads(re.search(r'application/json">(.*?)</script>', chart, re.S)[1])
    typed = {p["name"]: p["value"] for p in spec["params"] if "value" in p}
    law = laws.BESIROGLU_2024
    assert typed["floor"] == law.E
    assert {name: typed[name] for name in ("A", "B", "alpha", "beta")} == {
        name: getattr(law, name) for name in ("A", "B", "alpha", "beta")
    }


def test_sections_are_there_and_in_order(chapter, source):
    found = list(sections(source))
    if chapter.name in FREE_FORM:
        assert found == [title for title in SECTIONS if title in found]
    else:
        assert tuple(found) == SECTIONS


def test_title_has_a_label_that_later_chapters_can_name(chapter, source):
    assert re.search(r"^\(ch-[a-z0-9-]+\)=\n# \S", source, re.M), chapter.name


def test_objectives_say_three_to_five_things_minutes_and_what_is_needed(source):
    found = re.search(r"\{admonition\} You will be able to\n(.*?)^:::", source, re.M | re.S)
    assert found, "no admonition 'You will be able to'"
    assert 3 <= len(re.findall(r"^- ", found[1], re.M)) <= 5
    assert re.search(r"\d+ minutes", found[1])
    assert "need" in found[1]
    assert not re.search(r"^- (understand|know|learn|appreciate)\b", found[1], re.M | re.I)


def test_each_section_and_exercise_states_its_minutes(chapter, source):
    texts = sections(source)
    timed = [title for title in TIMED if title in texts]
    without = [title for title in timed if not re.search(r"^\*[^*]*\bminutes?\b", texts[title], re.M)]
    without += [label for label, text in blocks(source, "exercise").items() if "minutes" not in text]
    assert without == []


def test_three_to_five_exercises_each_solved(chapter, source):
    exercises, solutions = blocks(source, "exercise"), blocks(source, "solution")
    if chapter.name not in FREE_FORM:
        assert 3 <= len(exercises) <= 5
    assert set(exercises) == set(solutions)
    open_ones = [label for label, text in solutions.items() if "dropdown" not in text]
    assert open_ones == [], "solutions stand in a closed dropdown"


def test_takeaway_is_one_quotable_sentence(source):
    boxes = re.findall(r"\{admonition\} Takeaway\n(?::class:[^\n]*\n)?(.*?)^:::", source, re.M | re.S)
    assert boxes, "no admonition 'Takeaway'"
    assert [len(box.strip().splitlines()) for box in boxes] == [1] * len(boxes)


def test_teachers_note_is_folded(chapter, source):
    if "For teachers" in sections(source):
        assert "dropdown" in sections(source)["For teachers"]


def test_claims_are_checked_in_sight(chapter, source):
    if chapter.name in FREE_FORM:
        return
    cells = [cell for cell in CELL.findall(sections(source)["Check it"]) if "remove-cell" not in cell]
    assert any(re.search(r"^\s*assert ", cell, re.M) for cell in cells)


def test_first_cell_imports_only_and_no_cell_downloads_or_silences(chapter):
    cells = [cell.source for cell in chapter.read().cells if cell.cell_type == "code"]
    lines = re.sub(r"\(.*?\)", "", cells[0], flags=re.S).splitlines()
    assert [line for line in lines if line and not line.startswith(("import ", "from ", "#"))] == []
    assert [cell for cell in cells if NOT_IN_A_CHAPTER.search(cell)] == []


def test_chapter_and_cells_are_short(chapter, source):
    solved = sections(source).get("Exercises", "")
    shown = [c for c in chapter.read().cells if c.cell_type == "code" and "remove-cell" not in tags(c)]
    in_exercises = len(CELL.findall(solved))
    lines = [line for line in source.replace(solved, "").splitlines() if line.strip()]
    assert len(lines) <= LONGEST_CHAPTER
    assert len(shown) - in_exercises <= MOST_CELLS
    long_ones = [c.source for c in shown[1:] if len(c.source.splitlines()) > LONGEST_CELL]
    assert long_ones == []


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def test_sentences_have_a_line_of_their_own(source):
    lines = [line for line in prose(source).splitlines() if not line.lstrip().startswith(("|", "-", "#"))]
    too_long = [line for line in lines if len(line) > LONGEST_SENTENCE]
    several = [line for line in lines if re.search(r"[a-z`)*]{2}[.?!] [A-Z][a-z]+ [a-z]", line)]
    several = [line for line in several if not re.search(r"\b(al|vs|Fig|Eqs?|Sec|Tab|cf)\. ", line)]
    assert too_long + several == []


def test_every_citation_is_in_the_references():
    known = set(re.findall(r"^@\w+\{([^,\s]+),", (ROOT / "book" / "references.bib").read_text("utf-8"), re.M))
    files = [chapter.path for chapter in CHAPTERS] + list((ROOT / "book").glob("*.md"))
    cited = {
        (path.name, key.strip())
        for path in files
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", path.read_text("utf-8"))
        for key in keys.split(",")
    }
    assert {(name, key) for name, key in cited if key not in known} == set()


def test_further_reading_is_described(chapter, source):
    if "Further reading" not in sections(source):
        return
    items = re.split(r"^- ", sections(source)["Further reading"], flags=re.M)[1:]
    assert 3 <= len(items) <= 12
    assert [item for item in items if "{cite" not in item or len(item.split()) < 6] == []


def test_labels_are_used_once_in_the_whole_book():
    text = "\n".join(chapter.path.read_text("utf-8") for chapter in CHAPTERS)
    labels = re.findall(r"^(?::label: *|\()([\w-]+)(?:\)=)?$", text, re.M)
    labels += re.findall(r"^ {4}name: (\S+)", text, re.M)
    assert sorted({label for label in labels if labels.count(label) > 1}) == []


def test_every_module_of_the_package_is_on_a_page_of_the_package():
    text = "\n".join(page.read_text("utf-8") for page in (ROOT / "book").glob("api*.md"))
    shown = set(re.findall(r"automodule:: scalinglab\.(\S+)", text))
    inner = {"console", "files", "huber", "vega"}  # printing, writing, the fitter's inner loop, an import
    modules = {path.stem for path in (ROOT / "scalinglab").glob("[a-z]*.py")}
    assert modules - shown - inner == set()


COVERED_SECTIONS = ("1", "2", "2.1", "2.2", "2.3", "2.4", "2.5", "3", "4", "summary", "references")
COVERED_FIGURES = ("01", "02", "03", "04", "05", "06", "07", "08", "09", "11", "12")


def test_every_chapter_has_three_to_six_questions_with_folded_answers(chapter, source):
    label = re.search(r"^\((ch-[a-z0-9-]+)\)=$", source, re.M)[1]
    page = (ROOT / "book" / "checks.md").read_text("utf-8")
    own = re.search(
        rf"^## Chapter {int(chapter.name[:2])}\n\n\{{ref\}}`{label}`\n(.*?)(?=^## |\Z)", page, re.M | re.S
    )
    assert own, f"no questions on {chapter.name} in book/checks.md"
    asked = re.findall(r"^:::\{admonition\} .+\n:class: dropdown\n.+\n:::$", own[1], re.M)
    assert 3 <= len(asked) <= 6
    assert len(asked) == own[1].count("{admonition}")


def coverage() -> dict[str, list[list[str]]]:
    """Rows of each table of the page of coverage, by its section."""
    page = (ROOT / "book" / "coverage.md").read_text("utf-8")
    parts = re.split(r"^## (.+)$", page, flags=re.M)
    return {
        title: [
            [cell.strip() for cell in row.strip("| ").split(" | ")]
            for row in re.findall(r"^\|.*\|$", text, re.M)[2:]
        ]
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_every_section_and_figure_of_the_source_is_covered():
    rows = coverage()
    sections = {row[0].partition(",")[0] for row in rows["Sections"]}
    assert sections == set(COVERED_SECTIONS)
    of_25 = [row[0] for row in rows["Sections"] if row[0].startswith("2.5")]
    assert len(of_25) == 4  # learning rate, shape, context, shift
    assert tuple(row[0].partition(",")[0] for row in rows["Figures"]) == COVERED_FIGURES
    assert len(rows["Formulas"]) == 7


def test_what_covers_the_source_is_there():
    rows = [row for part in coverage().values() for row in part]
    text = "\n".join(" | ".join(row) for row in rows)
    labels = set(re.findall(r"\{ref\}`(ch-[a-z0-9-]+)`", text))
    assert labels == {
        re.search(r"^\((ch-[a-z0-9-]+)\)=$", c.path.read_text("utf-8"), re.M)[1] for c in CHAPTERS
    }
    figures = set(re.findall(r"\{numref\}`(fig-[a-z0-9-]+)`", text))
    written = "\n".join(c.path.read_text("utf-8") for c in CHAPTERS)
    assert [name for name in figures if f"name: {name}\n" not in written] == []
    tests = set(re.findall(r"`(test_\w+\.py(?:::\w+)?)`", text))
    assert [name for name in tests if not holds(*name.split("::"))] == []
    names = set(re.findall(r"`([a-z][\w-]*)`", text.replace("{ref}`", "").replace("{numref}`", "")))
    known = {*laws.catalogue().index, *experiments.EXPERIMENTS}
    assert {name for name in names if not name.startswith(("ch-", "fig-"))} - known == set()
    used = names & set(experiments.EXPERIMENTS)
    assert [name for name in used if not (runs.TABLES / f"{name}.parquet").exists()] == []


def holds(file: str, function: str = "") -> bool:
    """Whether a test file is there and holds the function."""
    path = ROOT / "tests" / file
    return path.exists() and (not function or f"def {function}(" in path.read_text("utf-8"))


# --- stored outputs ---------------------------------------------------------------------------


@pytest.fixture
def outputs(chapter) -> list:
    """The chapter's code cells with what the last build stored."""
    if not SITE.exists():
        pytest.skip("the site is not built: make book")
    return [cell for cell in downloads.executed(chapter).cells if cell.cell_type == "code"]


CLAIMED = {
    "exponent alpha_N of the loss": "three-n-alpha",
    "exponent alpha_D of the loss": "three-d-alpha",
    "exponent alpha_C of the loss": "three-c-alpha",
    "exponent alpha_B of the critical batch": "four-alpha",
    "exponent alpha_N of the joint law": "five-alpha_N",
    "exponent alpha_D of the joint law": "five-alpha_D",
    "enough data D ~ N^p, from the joint law": "five-p",
    "enough data D ~ N^p, measured at 5 %": "five-m",
    "enough data D ~ N^p, measured at 2 %": "five-two",
    "best size, N ~ C^a": "six-N-C-a",
    "best data, D ~ C^b": "six-single-b",
    "exponent of the best size a, from bowls": "seven-total-a",
    "exponent of the best data b, from bowls": "seven-total-b",
    "R_D, repetitions until a token is worth 1/e, N = 25 k": "eleven-R-small",
    "R_D, repetitions until a token is worth 1/e, N = 113 k": "eleven-R-large",
    "exponent of the best size a, V = 8192, counted in full": "nine-8192-tC-a",
    "exponent of the best size a, V = 8192, counted Kaplan's way": "nine-8192-n6-a",
    "few-shot elbow of sorting, forecast minus found, nats": "fourteen-off-sorting",
    "exponent of the best rate in N, batch tuned": "fifteen-lr-N",
    "exponent of the best rate in D, batch tuned": "fifteen-lr-D",
    "exponent of the best batch in D": "fifteen-B-D",
    "exponent of the best rate in N, D in step with N": "fifteen-step",
    "exponent of the best rate in D, batch held": "fifteen-ours-D",
    "compute that makes good 1 % of loss, percent": "sixteen-price",
    "gain of experts: change c of its slope per factor of ten in size": "sixteen-c",
    "power of the loss on addresses from 1946 in that at home (1: parallel)": "eighteen-old-46-power",
    "power of the loss on the Bible in that at home (1: parallel)": "eighteen-old-kjv-power",
    "loss on addresses from 1946 in mid-training over that of finished models, %": "eighteen-mid-46-above",
    "loss on the Bible in mid-training over that of finished models, %": "eighteen-mid-kjv-above",
    "exponent of the loss of parity in the number learned": "twelve-number",
    "exponent of the loss of parity in the steps": "twelve-steps",
    "exponent of the loss of parity in the width": "twelve-width",
}
"""Key under which a chapter glues what the page of claims fits as well."""


def test_claims_are_the_numbers_of_their_chapters():
    if not SITE.exists():
        pytest.skip("the site is not built: make book")
    glued = {}
    for chapter in CHAPTERS:
        for cell in downloads.executed(chapter).cells:
            for out in cell.get("outputs", []):
                name = out.get("metadata", {}).get("scrapbook", {}).get("name")
                glued[name] = next(iter(out.get("data", {}).values()), None)
    ours = {c.claim: c.ours for part in claims.PARTS.values() for find in part for c in find()}
    assert {claim: float(glued[key]) for claim, key in CLAIMED.items()} == pytest.approx(
        {claim: ours[claim] for claim in CLAIMED}, rel=1e-6
    )


def test_nothing_is_said_on_standard_error(outputs):
    said = [out.text for cell in outputs for out in cell.outputs if out.get("name") == "stderr"]
    errors = [out for cell in outputs for out in cell.outputs if out.output_type == "error"]
    assert said + errors == []


def test_every_glued_number_is_computed_in_its_chapter(source, outputs):
    records = [out.get("metadata", {}).get("scrapbook", {}) for cell in outputs for out in cell.outputs]
    glued = {record["name"] for record in records if "name" in record}
    used = {key.split(":")[0].split("::")[0] for key in re.findall(r"\{glue:\w*\}`([^`]+)`", source)}
    assert used - glued == set()


def test_every_figure_has_alt_text_and_a_caption(outputs):
    without = []
    for cell in outputs:
        if "remove-cell" in tags(cell) or "remove-output" in tags(cell):
            continue
        if any("image/png" in out.get("data", {}) for out in cell.outputs):
            mystnb = cell.metadata.get("mystnb", {})
            alt = mystnb.get("image", {}).get("alt", "")
            if len(alt.split()) < 4 or not mystnb.get("figure", {}).get("caption"):
                without.append(cell.source)
    assert without == []


# --- the built site ---------------------------------------------------------------------------


def test_no_page_needs_another_site(pages):
    wanted = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src", "video": "src"}
    outside = [
        (path.name, tag.name, tag[attribute])
        for path, page in pages.items()
        for name, attribute in wanted.items()
        for tag in page.find_all(name)
        if OFF_SITE.match(tag.get(attribute, ""))
    ]
    imported = [
        (path.name, found)
        for path in SITE.rglob("*.css")
        for found in re.findall(r"url\(['\"]?https?:[^)]*\)|@import[^;]*http[^;]*", path.read_text("utf-8"))
    ]
    inline = [
        (path.name, "inline script")
        for path, page in pages.items()
        for tag in page.find_all("script", src=False)
        if tag.get("type") != "application/json" and re.search(r"(src|import|fetch)\W{1,3}https?:", tag.text)
    ]
    assert outside + imported + inline == []


def test_every_picture_says_what_it_shows(pages):
    silent = [
        (path.name, tag.get("src"))
        for path, page in pages.items()
        for tag in page.select("article img")
        if not tag.get("alt") or re.search(r"\.(png|svg|jpe?g)$", tag["alt"])
    ]
    assert silent == []


def test_every_link_inside_the_site_leads_somewhere(pages):
    names = {path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()}
    broken = []
    for path, page in pages.items():
        for tag in page.find_all("a", href=True):
            target, _, anchor = tag["href"].partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            there = (path.parent / target).resolve() if target else path
            if not there.exists() or (anchor and there in names and anchor not in names[there]):
                broken.append((path.name, tag["href"]))
    assert broken == []


def test_every_chapter_can_be_downloaded_with_its_outputs(chapter, pages):
    page = pages[SITE / "notebooks" / f"{chapter.name}.html"]
    links = {Path(tag["href"]).suffix for tag in page.select("a[href*=_sources]")}
    assert {".ipynb", ".md"} <= links
    written = (SITE / "_sources" / "notebooks" / f"{chapter.name}.ipynb").read_text("utf-8")
    install, *cells = [cell for cell in json.loads(written)["cells"] if cell["cell_type"] == "code"]
    assert any(cell["outputs"] for cell in cells)
    text = "".join(line for cell in json.loads(written)["cells"] for line in cell["source"])
    assert re.findall(r"\{[a-z:]+\}`|^[:`]{3,}\{|^\([\w-]+\)=$", text, re.M) == [], (
        "MyST that nothing else can read"
    )
    [wheel] = re.findall(r'wheel = "(.*)"', "".join(install["source"]))
    assert (SITE / "_static" / wheel).stat().st_size > 1e6
    assert f"_static/{wheel}" in (ROOT / "book" / "setup.md").read_text("utf-8")


def test_a_link_to_a_chapter_previews_its_question(chapter, pages):
    tags = pages[SITE / "notebooks" / f"{chapter.name}.html"].select("meta[property]")
    told = {tag["property"]: tag["content"] for tag in tags}
    assert "?" in told["og:description"]
    assert told["og:description"].split("?")[0] in (ROOT / "book" / "intro.md").read_text("utf-8")
    assert told["og:site_name"] in (ROOT / "README.md").read_text("utf-8")


def test_charts_carry_their_text_and_the_pages_load_vega_only_for_them(pages):
    for page in pages.values():
        charts, scripts = page.select(".vega-chart"), [tag.get("src", "") for tag in page.find_all("script")]
        assert any("vega-bundle" in src for src in scripts) == bool(charts)
        assert all(chart["aria-label"] for chart in charts)
