"""The book on paper: its bookmarks, contents, links, solutions and figures."""

import re

import pypdf
import pytest
from chapters import ROOT, find

FILE = ROOT / "_build" / "scaling-laws.pdf"
TITLE = re.compile(r"^# (.+)$", re.M)

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the book is not printed: make pdf")


@pytest.fixture(scope="module")
def book() -> pypdf.PdfReader:
    return pypdf.PdfReader(FILE)


@pytest.fixture(scope="module")
def texts(book) -> list[str]:
    """The words of every page."""
    return [page.extract_text() for page in book.pages]


@pytest.fixture(scope="module")
def bookmarks(book) -> list[tuple[int, str, int]]:
    """Depth, words and page, counted from 1, of every bookmark."""

    def walk(items, depth=0):
        for item in items:
            if isinstance(item, list):
                yield from walk(item, depth + 1)
            else:
                yield depth, item.title, book.get_destination_page_number(item) + 1

    return list(walk(book.outline))


@pytest.fixture(scope="module")
def parts(bookmarks) -> dict[str, int]:
    """The page on which each part begins."""
    return {title: page for depth, title, page in bookmarks if depth == 0}


@pytest.fixture(scope="module")
def titles() -> list[str]:
    """The chapters' titles, with their numbers."""
    sources = (chapter.path.read_text("utf-8") for chapter in find())
    return [f"{number}. {TITLE.search(source)[1]}" for number, source in enumerate(sources, 1)]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_every_chapter_is_a_bookmark_of_its_part(bookmarks, parts, titles):
    shown = [title for depth, title, page in bookmarks if depth == 1 and page < parts["Look things up"]]
    assert [title for title in titles if title not in shown] == []
    assert set(parts) >= {"Contents", "Kaplan", "Chinchilla", "Emergence", "Other factors", "Solutions"}


def test_contents_name_the_pages_on_which_chapters_begin(texts, bookmarks, parts, titles):
    first = next(page for _, title, page in bookmarks if title == "Before you start")
    contents = squeezed("".join(texts[1 : first - 1]))
    begins = {title: page for _, title, page in reversed(bookmarks)}
    assert [t for t in titles if f"{squeezed(t)}{begins[t]}" not in contents] == []
    assert f"Solutions{parts['Solutions']}" in contents
    for title in titles:
        assert squeezed(title)[:40] in squeezed(texts[begins[title] - 1])


def test_pages_are_numbered(texts):
    assert [number for number, text in enumerate(texts, 1) if not text.rstrip().endswith(str(number))] == []


def test_solutions_and_notes_stand_behind_everything_else(texts, parts):
    assert parts["Look things up"] < parts["Solutions"] < parts["For teachers"] <= len(texts)
    before = "".join(texts[: parts["Solutions"] - 1])
    assert "Timing, misconceptions" not in before
    said = squeezed("a product that everybody can form is the best proof-reader")
    assert said not in squeezed(before).lower()
    assert said in squeezed("".join(texts[parts["Solutions"] - 1 :])).lower()


def test_links_lead_to_places_that_are_there(book):
    places = set(book.named_destinations)
    links = [
        annotation.get_object()
        for page in book.pages
        for annotation in page.get("/Annots", [])
        if annotation.get_object().get("/Subtype") == "/Link"
    ]
    inside = [link["/Dest"] for link in links if "/Dest" in link]
    outside = [link["/A"]["/URI"] for link in links if "/A" in link and "/URI" in link["/A"]]
    assert len(inside) > 1000
    assert {str(place) for place in inside} - places == set()
    assert [address for address in outside if not address.startswith(("http", "mailto:"))] == []


def test_figures_are_pictures_and_no_control_is_printed(book, texts, parts):
    pages = book.pages[parts["Kaplan"] - 1 : parts["Look things up"] - 1]
    pictures = sum(
        entry.get_object()["/Subtype"] == "/Image"
        for page in pages
        for entry in page["/Resources"].get("/XObject", {}).values()
    )
    captions = sum(source.count("\n    caption: ") for source in (c.path.read_text("utf-8") for c in find()))
    assert pictures >= captions > 50
    text = "".join(texts)
    assert "Show code cell source" not in text
    assert "log10 of the budget" not in text, "the words beside a slider"


def test_the_book_is_tagged_for_those_who_listen(book):
    assert book.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert book.trailer["/Root"]["/Lang"] == "en"
    assert book.metadata.title == "Scaling Laws You Can Run"
