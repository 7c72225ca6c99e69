"""The slides: every deck resolves, says what is wrong with one that does not, and needs no other site."""

import re

import deck
import pytest
import shelf
import slides
from bs4 import BeautifulSoup
from chapters import find
from execution import CACHE
from jupyter_cache import get_cache

NAMES = slides.ORDER
LECTURE = 45  # minutes
FIGURE = shelf.Figure(
    b"\x89PNG\r\n\x1a\n....IHDR\x00\x00\x02\x00\x00\x00\x01\x00", "Two <lines>", "A caption."
)
KEPT = shelf.Shelf(
    {
        "fig-wide": (3, FIGURE),
        "eq-law": (7, shelf.Formula("L = E + A < B")),
        "takeaway-07": (7, shelf.Takeaway("One sentence with $N$.")),
        "chart-03": (3, shelf.Chart({"description": "A line", "mark": "line"})),
    },
    {"three-alpha": (3, "0.07612"), "three-runs": (3, "36"), "three-name": (3, "'trigram'")},
)


@pytest.fixture
def write(tmp_path):
    """Read a deck from text."""

    def written(text):
        path = tmp_path / "deck.md"
        path.write_text(text, encoding="utf-8")
        return deck.read(path, KEPT)

    return written


def one(body):
    """A deck of one slide."""
    return f"# A title\n\n{body}\n\nNotes: 2 minutes\nSay it.\n"


@pytest.fixture(scope="module")
def decks():
    """The book's decks, if the chapters have been run."""
    cache = get_cache(CACHE)
    for chapter in find():
        try:
            cache.match_cache_notebook(chapter.read())
        except KeyError:
            pytest.skip("the chapters' outputs are not stored: make book")
    kept = shelf.shelf()
    return {name: deck.read(slides.SOURCES / f"{name}.md", kept) for name in NAMES}


# --- the dialect ------------------------------------------------------------------------------


def test_numbers_take_the_format_that_follows_their_key(write):
    body = "{glue:text}`three-alpha:.3f`, {glue:text}`three-runs`, {glue:text}`three-name`"
    (slide,) = write(one(body)).slides
    assert "<p>0.076, 36, trigram</p>" in slide.blocks[1]
    assert slide.chapters == {3}


def test_a_figure_brings_its_words_and_stands_apart_from_the_text(write):
    (slide,) = write(one("![](fig-wide)\n\n- read it")).slides
    assert 'src="static/fig-wide.png" alt="Two &lt;lines&gt;"' in slide.figure
    assert "A caption." in slide.figure
    assert slide.aspect == 2
    assert "figure" not in "".join(slide.blocks)


def test_formulas_takeaways_and_charts_come_by_name(write):
    deck_ = write(one("![](eq-law)\n\nwith $N$\n\n![](takeaway-07)\n\n![](chart-03)"))
    text = "".join(deck_.slides[0].blocks)
    assert r'<div class="math block">\[L = E + A &lt; B\]</div>' in text
    assert r'<span class="math inline">\(N\)</span>' in text
    assert '<div class="takeaway"><p>One sentence' in text
    assert 'class="vega-chart" role="figure" aria-label="A line"' in deck_.slides[0].figure


def test_papers_are_named_in_short_and_listed_at_the_end(write):
    deck_ = write(one("So {cite}`kaplan2020,pearce2024`."))
    assert "Kaplan et al. 2020</a>, <a" in deck_.slides[0].blocks[1]
    assert deck_.cited == ["kaplan2020", "pearce2024"]
    assert "Pearce and Song 2024" in slides.sources(deck_.cited)


def test_slides_notes_and_minutes_are_told_apart(write):
    deck_ = write(one("words") + "\n---\n\n## Second\n\nNotes: 1 minute\n*Softly.*\n")
    assert [slide.title for slide in deck_.slides] == ["A title", "Second"]
    assert deck_.minutes == 3
    assert deck_.slides[1].notes == "<p><em>Softly.</em></p>\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (one("![](fig-wid)"), 3, "there is no thing 'fig-wid'.*do you mean 'fig-wide'"),
        (one("words\n\n![](eq-none)"), 5, "there is no thing 'eq-none'; name it in the chapter"),
        (one("- a\n- {glue:text}`three-alfa:.2f`"), 4, "no number 'three-alfa'; glue it.*'three-alpha'"),
        (one("a\nb {glue:text}`three-alpha:.2q`"), 4, "the format '.2q' of three-alpha"),
        (one("{cite}`nobody1900`"), 3, "no paper 'nobody1900'; add it to book/references.bib"),
        (one("{ref}`ch-one`"), 3, "the role {ref}; slides know"),
        (one("![](fig-wide)\n\n![](chart-03)"), 5, "a second figure, chart-03; one figure a slide"),
        (one("a").replace("# A title", "A title"), 1, "a slide without a title"),
        (one("a") + "\n---\n\n## Second\n\nwords\n", 10, "without notes.*Notes: 3 minutes"),
        (one("a").replace("2 minutes", "a while"), 5, "notes without a time"),
        (one("a\n\nNotes: 1 minute\nb"), 5, "without notes, or"),
    ],
)
def test_what_is_missing_is_named_with_deck_line_and_remedy(write, text, line, says):
    with pytest.raises(deck.SlideError, match=f"book/slides/deck.md, line {line}: .*{says}"):
        write(text)


def test_a_link_in_a_source_is_no_html(write):
    (slide,) = write(one("<script>alert(1)</script>")).slides
    assert "<script>" not in "".join(slide.blocks)


# --- the book's decks -------------------------------------------------------------------------


def test_every_source_is_a_deck():
    assert {path.stem for path in slides.SOURCES.glob("*.md")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_deck_fills_a_lecture(decks, name):
    assert 12 <= len(decks[name].slides) <= 20
    assert decks[name].minutes == LECTURE
    assert all(len(BeautifulSoup(slide.notes, "html.parser").get_text()) > 60 for slide in decks[name].slides)
    assert (
        sum("Bet" in slide.title or "<strong>" in "".join(slide.blocks) for slide in decks[name].slides) > 2
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_deck_has_figures_formulas_a_slider_and_the_chapters_of_its_part(decks, name):
    text = slides.page(decks[name])
    assert text.count('class="vega-chart"') >= 1
    assert '"bind"' in text
    assert text.count("<figure>") >= 4
    assert text.count('<div class="math block">') >= 2
    part = {"kaplan": range(1, 7), "chinchilla": range(7, 12), "emergence": range(12, 15)}
    assert set().union(*(s.chapters for s in decks[name].slides)) <= set(part.get(name, range(15, 21)))


@pytest.mark.parametrize("name", NAMES)
def test_a_deck_loads_nothing_from_another_site_and_has_alt_text(decks, name):
    soup = BeautifulSoup(slides.page(decks[name]), "html.parser")
    loaded = [tag.get("src") or tag["href"] for tag in soup.select("[src], link[href]")]
    assert loaded
    assert [address for address in loaded if re.match(r"(https?:)?//", address)] == []
    assert all(len(image["alt"]) > 20 for image in soup.find_all("img"))
    assert all(tag["aria-label"] for tag in soup.select(".vega-chart"))


@pytest.mark.parametrize("name", NAMES)
def test_no_number_of_a_deck_is_typed_that_a_chapter_glues(name):
    source = (slides.SOURCES / f"{name}.md").read_text("utf-8")
    assert source.count("{glue:text}") > 15
    intervals = re.findall(r"\d+\.\d+ \(\d+\.\d+ - \d+\.\d+\)", source)
    assert intervals == [], "an interval of ours is glued, one of a paper stands in a column of its own"
