"""The site as a reader meets it: on a laptop and a phone, light and dark, with and without a server."""

import functools
import gzip
import json
import re
import time
from pathlib import Path

import pytest
from conftest import DESKTOP, PAGES, PHONE, PICTURES, SCREENSHOTS, SITE, VITALS, WATCH, barriers

from scalinglab import laws, planning

WITH_CHARTS = [page for page in PAGES if 'class="vega-chart"' in (SITE / page).read_text("utf-8")]
CALCULATOR = "book/calculator.html"
LOOKED_AT = ("book/intro", "book/calculator", "notebooks/")


def test_page_loads_whole_and_asks_no_other_site(light):
    assert light.outside == []
    assert light.complaints == []
    assert light.page.title()
    assert light.page.evaluate(PICTURES) == []


def test_page_opens_from_a_disk(phone):
    assert "has-fonts" in phone.page.locator("html").get_attribute("class")
    assert phone.outside == []
    assert phone.complaints == []
    assert phone.page.evaluate(PICTURES) == []


def test_page_is_light_and_stands_still(light, name):
    source = (SITE / name).read_text("utf-8")
    own = {
        SITE / name,
        *((SITE / name).parent / src for src in re.findall(r'<img[^>]*?src="([^":]+)"', source)),
    }
    weight = sum(len(gzip.compress(file.read_bytes())) for file in own if "_static" not in file.parts)
    vitals = {"page": name, "kB": weight / 1e3, **light.page.evaluate("() => vitals")}
    (VITALS / f"{Path(name).stem}.json").write_text(json.dumps(vitals), encoding="utf-8")
    assert vitals["kB"] < 400
    assert vitals["shift"] < 0.1


@pytest.mark.parametrize("seconds", [0.1, 0.6])
def test_letters_that_come_late_move_nothing(browser, address, seconds):
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    context.add_init_script(WATCH)
    page = context.new_page()

    def late(route):
        time.sleep(seconds)
        route.continue_()

    page.route("**/*.woff2", late)
    page.goto(f"{address}/notebooks/09_kaplan_vs_chinchilla.html", wait_until="load")
    page.wait_for_function("() => document.querySelector('mjx-container')")
    page.wait_for_timeout(2000)
    now = set(page.locator("html").get_attribute("class").split())
    assert now & {"has-fonts", "keeps-readers-fonts"}
    assert "waits-for-fonts" not in now
    assert page.evaluate("() => vitals.shift") < 0.1
    context.close()


def test_formulas_are_typeset(light):
    page = light.page
    written = page.locator("span.math, div.math").count()
    assert page.locator("span.math mjx-container, div.math mjx-container").count() >= written
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0


@pytest.mark.pictures
@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_pictures_are_taken_for_looking_at(request, name, look):
    if name.startswith(LOOKED_AT):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        target = SCREENSHOTS / f"{Path(name).stem}_{look}.png"
        request.getfixturevalue(look).page.screenshot(path=target, full_page=True)
        assert target.stat().st_size > 10_000


def test_phone_needs_no_sideways_scroll(phone):
    wide = """() => [...document.querySelectorAll('article *')]
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1
                     && !e.closest('pre, .pst-scrollable-table-container, mjx-container, table, .math, svg'))
        .map(e => e.outerHTML.slice(0, 120))"""
    width = phone.page.evaluate("() => document.scrollingElement.scrollWidth")
    assert width <= PHONE["width"], phone.page.evaluate(wide)[:3]


@pytest.mark.parametrize("look", ["light", "dark"])
def test_axe_finds_no_barrier(request, name, look):
    page = request.getfixturevalue(look).page
    page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
    assert barriers(page, colours=look == "dark") == []  # in the dark all else is as in the light


def test_axe_sees_one_pale_word_and_one_picture_without_a_text(visit, address):
    page = visit(f"{address}/notebooks/05_size_and_data.html").page
    page.evaluate("""() => {
        document.querySelectorAll("article p em")[3].style.color = "#bbb";
        document.querySelectorAll("article img")[1].alt = "";
        document.querySelectorAll("article img")[2].removeAttribute("alt");
    }""")
    assert {"color-contrast", "image-alt"} <= {rule for rule, _, _ in barriers(page)}


@pytest.mark.parametrize("name", WITH_CHARTS)
def test_each_slider_changes_its_figure_by_keyboard(visit, address, name):
    page = visit(f"{address}/{name}").page
    charts = page.locator(".vega-chart")
    assert charts.count()
    for number in range(charts.count()):
        chart = charts.nth(number)
        for slider in chart.locator("input[type=range]").all():
            before = chart.locator("svg").inner_html()
            slider.focus()
            for _ in range(4):
                page.keyboard.press("ArrowRight")
            if chart.locator("svg").inner_html() == before:  # it stood at its right end
                for _ in range(8):
                    page.keyboard.press("ArrowLeft")
            page.wait_for_timeout(100)
            assert chart.locator("svg").inner_html() != before, slider.get_attribute("name")


def test_a_solution_can_be_reached_and_opened_by_keyboard_alone(visit, address):
    page = visit(f"{address}/notebooks/03_three_power_laws.html").page
    page.keyboard.press("Tab")
    assert "Skip to main content" in page.evaluate("() => document.activeElement.innerText")
    page.keyboard.press("Enter")
    text = page.locator(".solution p:not(.admonition-title)").first
    assert not text.is_visible()
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.closest('.solution') !== null"):
            break
    outline = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) != "none", "the focus can be seen"
    page.keyboard.press("Enter")
    assert text.is_visible()


def test_search_finds_a_word_of_the_glossary(visit, address):
    page = visit(f"{address}/search.html?q=perplexity").page
    page.wait_for_selector("ul.search li a")
    assert page.locator("ul.search li a").count()


def test_search_ranks_glossary_then_chapters_and_the_reference_last(visit, address):
    page = visit(f"{address}/search.html?q=isoflop").page
    page.wait_for_function("() => document.querySelector('.search-summary')?.innerText")  # all are listed
    links = page.locator("ul.search li a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    places = [link.partition(".html")[0] for link in links]
    assert places[0] == "book/glossary"
    # A site built anew lists the term as well as its page, one built on an older site the page alone.
    assert next(p for p in places if p != "book/glossary").startswith("notebooks/")
    last = max(i for i, p in enumerate(places) if p.startswith("notebooks/"))
    assert last < min(i for i, p in enumerate(places) if p.startswith("book/api"))


def test_the_reader_can_choose_light_or_dark(visit, address):
    page = visit(f"{address}/book/intro.html").page
    background = "() => getComputedStyle(document.body).backgroundColor"
    colours = {page.evaluate(background)}
    for _ in range(3):
        page.locator("button.theme-switch-button").first.click()
        colours.add(page.evaluate(background))
    assert len(colours) == 2


TYPED = [f"{m}e{e}" for e, m in enumerate((1, 2.5, 5.76, 8, 1.2, 3.8, 7, 1, 4.4, 6.3), start=16)]
TYPED += [
    "64 devices",
    "1e21 unique 1e10",
    "1e22 unique 5B",
    "3e23 unique 1T",
    "1e21 use 1e11",
    "1e23 use 2T",
]
TYPED += ["30000000000", "1_000_000_000_000_000", "5.76E23", "0.1e25"]


def type_in(page, typed: str) -> dict[str, float | None]:
    """Type a budget and what goes with it; what planning is to be asked."""
    page.locator("input[value=flops]").check()
    for field in ("unique", "inference"):
        page.locator(f"#calculator-{field}").fill("")
    if typed == "64 devices":
        page.locator("input[value=hardware]").check()
        return {"C": planning.budget(devices=64, days=7, peak=312e12, utilisation=0.4)}
    budget, _, more = typed.partition(" ")
    page.locator("#calculator-flops").fill(budget)
    asked = {"C": float(budget)}
    if more:
        name, value = more.split()
        page.locator(f"#calculator-{'inference' if name == 'use' else name}").fill(value)
        asked[name] = float(value.replace("B", "e9").replace("T", "e12"))
    return asked


def test_calculator_gives_the_numbers_of_planning(visit, address):
    page = visit(f"{address}/{CALCULATOR}").page
    near = functools.partial(pytest.approx, rel=5e-5, nan_ok=True)
    for typed in TYPED:
        asked = type_in(page, typed)
        C, use = asked["C"], asked.get("use")
        rows = page.locator("#calculator-rows tr")
        read = "rows => rows.map(r => [r.dataset.law, ...[...r.cells].slice(1).map(c => +c.dataset.value)])"
        shown = {key: numbers for key, *numbers in rows.evaluate_all(read)}
        assert len(shown) == (18 if "unique" in asked else 17)
        for key, (N, D, ratio, L, half, *rest) in shown.items():
            law = laws.instances()[key]
            U = asked.get("unique") if key == "muennighoff-2023" else None
            best = planning.allocate(law, C=C, U=U)
            assert [N, D, ratio, L] == near([best.N, best.D, best.D / best.N, best.L]), (typed, key)
            if best.L > 0 and C > 1e12:
                assert half == pytest.approx(planning.detour(law, C, factor=0.5, U=U).waste, abs=5e-5)
            if use and best.L > 0:
                assert rest[-1] == near(planning.lifetime(law, L=best.L, D_inference=use).N), (typed, key)


def test_calculator_shows_the_intervals_of_plan(visit, address):
    page = visit(f"{address}/{CALCULATOR}").page
    law = laws.BESIROGLU_2024
    ends = planning.intervals(law, planning.recorded_draws(law), C=1e21)
    shown = page.locator("tr[data-law=besiroglu-2024] small").all_inner_texts()
    assert shown[1] == f"{ends.low.N / 1e9:.4g} B – {ends.high.N / 1e9:.4g} B"
    assert shown[4] == f"{ends.low.L:.3f} – {ends.high.L:.3f}"


def test_calculator_says_what_use_costs_and_which_law_asks_for_more(visit, address):
    page = visit(f"{address}/{CALCULATOR}").page
    page.locator("#calculator-inference").fill("1e12")
    life = planning.lifetime(
        laws.BESIROGLU_2024, L=planning.allocate(laws.BESIROGLU_2024, C=1e21).L, D_inference=1e12
    )
    said = page.locator("#calculator-says").inner_text()
    assert f"{life.N / 1e9:.4g} B parameters on {life.D / 1e9:.4g} B tokens" in said
    assert f"{6 * life.N * life.D / 1e21:.2g} times the budget" in said
    page.locator("#calculator-law").select_option("muennighoff-2023")
    assert "enter the unique tokens" in page.locator("#calculator-says").inner_text()
    page.locator("#calculator-law").select_option("porian-2024")
    assert page.locator("#calculator-map").inner_text().startswith("No map")
    page.locator("#calculator-unique").fill("much")
    assert page.locator("#calculator-result").is_visible()


def test_calculator_link_carries_the_inputs(visit, address):
    page = visit(f"{address}/{CALCULATOR}").page
    page.locator("#calculator-flops").fill("5.76e23")
    page.locator("#calculator-inference").fill("2T")
    page.locator("#calculator-law").select_option("hoffmann-2022")
    again = visit(page.url).page
    assert again.locator("#calculator-flops").input_value() == "5.76e23"
    said = again.locator("#calculator-says").inner_text()
    assert said == page.locator("#calculator-says").inner_text()
    assert "hoffmann-2022" in said


@pytest.mark.parametrize("typed", ["", "much", "-1", "3", "1e999"])
def test_calculator_says_what_is_wrong_with_a_budget(visit, address, typed):
    page = visit(f"{address}/{CALCULATOR}").page
    page.locator("#calculator-flops").fill(typed)
    assert page.locator("#calculator-flops").get_attribute("aria-invalid") == "true"
    assert page.locator("#calculator-flops-says").inner_text()
    assert not page.locator("#calculator-result").is_visible()
