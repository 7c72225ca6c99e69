"""The decks as a speaker meets them: from a disk, in the dark, with a slider, with notes, on a phone."""

import pytest
from conftest import PHONE, PICTURES, ROOT, SCREENSHOTS, barriers

SLIDES = ROOT / "_build" / "slides"
NAMES = [path.stem for path in sorted((ROOT / "book" / "slides").glob("*.md"))]
READY = "kind => document.documentElement.dataset.ready === kind"
OVER = """() => {
    const slide = Reveal.getCurrentSlide(), frame = slide.getBoundingClientRect();
    const seen = [...slide.querySelectorAll('*')].filter(e => !e.closest('aside, mjx-assistive-mml, svg *'));
    const inside = slide.querySelector('.inside');
    if (inside && inside.scrollHeight > inside.clientHeight + 1)
        return [slide.querySelector('h1, h2').innerText + ': ' + inside.scrollHeight + ' is too high'];
    return seen.filter(e => {
        const box = e.getBoundingClientRect();
        return box.width && box.height && (box.bottom > frame.bottom + 2 || box.top < frame.top - 2
            || box.right > frame.right + 2 || box.left < frame.left - 2);
    }).map(e => slide.querySelector('h1, h2').innerText + ': ' + e.outerHTML.slice(0, 80));
}"""
SMALL = """() => [...Reveal.getCurrentSlide().querySelectorAll('img')].filter(i => i.clientHeight < 150)
    .map(i => i.alt + ' is ' + i.clientHeight + ' high')"""

pytestmark = pytest.mark.skipif(not SLIDES.exists(), reason="the decks are not set: make slides")


@pytest.fixture(scope="module", params=NAMES)
def deck(request) -> str:
    """The address of each deck in turn."""
    return f"{(SLIDES / request.param).as_uri()}.html"


@pytest.fixture(scope="module", params=["light", "dark"])
def shown(request, open_page, deck):
    """A deck on a screen for a room."""
    visited = open_page(deck, dark=request.param == "dark")
    visited.page.wait_for_function(READY, arg="slides")
    yield visited
    visited.page.context.close()


def test_deck_opens_whole_from_a_disk_and_asks_no_other_site(shown):
    assert shown.outside == []
    assert shown.complaints == []
    assert shown.page.evaluate(PICTURES) == []


def test_formulas_are_typeset(shown):
    page = shown.page
    assert page.locator(".math").count() == page.locator(".math mjx-container").count() > 0
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0


def test_no_slide_is_too_full(shown):
    faults = []
    for number in range(shown.page.evaluate("Reveal.getTotalSlides()")):
        shown.page.evaluate("number => Reveal.slide(number)", number)
        shown.page.wait_for_timeout(100)  # a chart takes the width of its slide
        faults += shown.page.evaluate(OVER) + shown.page.evaluate(SMALL)
    assert faults == []


def test_axe_finds_no_barrier_on_a_slide(shown):
    shown.page.evaluate("Reveal.slide(1)")
    assert barriers(shown.page) == []


def test_a_slider_changes_its_chart_by_keyboard_and_keeps_the_slide(visit, deck):
    page = visit(deck).page
    page.wait_for_function(READY, arg="slides")
    number = page.evaluate(
        "Reveal.getSlides().findIndex(s => s.querySelector('.vega-chart input[type=range]'))"
    )
    page.evaluate("number => Reveal.slide(number)", number)
    page.wait_for_timeout(300)
    chart = page.locator("section.present .vega-chart")
    before = chart.locator("svg").inner_html()
    chart.locator("input[type=range]").first.focus()
    for key in ("ArrowRight", "ArrowLeft"):  # a slider that stands at its right end goes back
        for _ in range(4):
            if chart.locator("svg").inner_html() == before:
                page.keyboard.press(key)
                page.wait_for_timeout(100)
    assert chart.locator("svg").inner_html() != before
    assert page.evaluate("Reveal.getIndices().h") == number


def test_the_speaker_has_the_notes_in_a_window_of_their_own(visit, deck):
    page = visit(deck).page
    page.wait_for_function(READY, arg="slides")
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    notes = popup.value
    assert page.locator("h1").inner_text() in notes.locator("h1").inner_text()
    first = notes.locator("main").inner_text()
    page.keyboard.press("ArrowRight")
    assert len(notes.locator("main").inner_text()) > 100
    assert notes.locator("main").inner_text() != first
    assert "of 45 minutes" in notes.locator("footer").inner_text()


def test_the_reader_of_a_deck_can_choose_light_or_dark(visit, deck):
    page = visit(deck).page
    page.wait_for_function(READY, arg="slides")
    theme = "() => document.documentElement.dataset.theme"
    before = page.evaluate(theme)
    page.keyboard.press("d")
    assert {before, page.evaluate(theme)} == {"light", "dark"}


def test_on_a_phone_a_deck_is_a_page_with_its_notes(visit, deck):
    seen = visit(deck, size=PHONE)
    page = seen.page
    page.wait_for_function(READY, arg="page")
    assert seen.outside == seen.complaints == []
    assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]
    assert page.locator("aside.notes").first.is_visible()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"slides_{deck.rsplit('/', 1)[1]}_phone.png", full_page=True)
    assert barriers(page) == []


def test_the_list_of_decks_leads_to_each(visit):
    seen = visit(f"{SLIDES.as_uri()}/index.html")
    assert seen.outside == seen.complaints == []
    links = seen.page.locator("main li a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert sorted(links) == [f"{name}.html" for name in NAMES]
    assert barriers(seen.page) == []
