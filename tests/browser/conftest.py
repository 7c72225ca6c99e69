"""A browser, the built site over http and from disk, and a record of what each page asked for."""

import dataclasses
import functools
import http.server
import importlib.util
import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
SCREENSHOTS = ROOT / "_build" / "screenshots"
VITALS = ROOT / "_build" / "vitals"
"""What a page weighs and when it stood, one file a page; the end of the tests tells the worst."""

DOCUMENTS = re.findall(r"(?:file|root): *(\S+)", (ROOT / "_toc.yml").read_text("utf-8"))
PAGES = [*(f"{document}.html" for document in DOCUMENTS), "search.html"]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


WATCH = """
window.vitals = {lcp: 0, shift: 0};
new PerformanceObserver(list => list.getEntries().forEach(e => vitals.lcp = e.startTime))
    .observe({type: 'largest-contentful-paint', buffered: true});
new PerformanceObserver(list => list.getEntries().forEach(e => e.hadRecentInput || (vitals.shift += e.value)))
    .observe({type: 'layout-shift', buffered: true});
"""
"""Largest contentful paint in milliseconds, and layout shift, as the browser counts them."""

PICTURES = "() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
"""Pictures that did not come."""


COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of axe-core that colours decide: the slow ones."""

KINDS = """() => {
    const kinds = new Map(), behind = new Map([[null, ""]]);
    for (const e of document.querySelectorAll("*")) {
        const style = getComputedStyle(e);
        const own = (style.backgroundColor === "rgba(0, 0, 0, 0)" ? "" : style.backgroundColor)
            + (style.backgroundImage === "none" ? "" : style.backgroundImage)
            + (style.opacity === "1" ? "" : style.opacity);
        behind.set(e, behind.get(e.parentElement) + (own && "/" + own));
        if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
        kinds.set([e.tagName, style.color, style.fontSize, style.fontWeight, style.textDecorationLine,
                   style.position, behind.get(e)].join(), e);
    }
    return [...kinds.values()];
}"""
"""One element of each kind of text: of these colours, in this size, on these backgrounds."""


def barriers(page: Page, *, colours: bool = False) -> list[tuple[str, str, list[str]]]:
    """What axe-core, which a package carries, finds in the way of a reader: rule, weight, places.

    Colours are judged once for each kind of text, all else on the whole page; ``colours=True``
    judges these alone.
    """
    package = importlib.util.find_spec("axe_playwright_python")
    page.add_script_tag(content=(Path(package.origin).parent / "axe.min.js").read_text("utf-8"))
    found = page.evaluate(
        f"""async rules => (await axe.run(
            {{include: ({KINDS})()}}, {{runOnly: rules, resultTypes: ["violations"]}})).violations""",
        COLOURS,
    )
    if not colours:
        rest = {"rules": {rule: {"enabled": False} for rule in COLOURS}, "resultTypes": ["violations"]}
        found += page.evaluate("async options => (await axe.run(options)).violations", rest)
    return [(v["id"], v["impact"], [n["html"][:160] for n in v["nodes"][:3]]) for v in found]


@dataclasses.dataclass(frozen=True)
class Visit:
    """An open page, the requests that left the site, and what the console complained about."""

    page: Page
    outside: list[str]
    complaints: list[str]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and prints no line for each."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The site's address on a server of our own, stopped in the end."""
    handler = functools.partial(Quiet, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        pytest.exit("no Chromium on the path; on Debian: apt-get install chromium", returncode=3)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def open_page(browser):
    """Open an address and wait until formulas and charts are there; the caller closes the context."""

    def opened(url: str, *, dark: bool = False, size: dict[str, int] = DESKTOP) -> Visit:
        # Without motion: axe would judge the colours of a text that still fades in.
        context = browser.new_context(
            viewport=size, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        context.add_init_script(WATCH)
        page, outside, complaints = context.new_page(), [], []
        home = SITE.parent.as_uri() if url.startswith("file:") else url.split("/", 3)[2]

        def asked(request) -> None:
            if home not in request.url and not request.url.startswith(("data:", "blob:")):
                outside.append(request.url)

        def said(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.goto(url, wait_until="load")
        page.wait_for_function(
            "() => !window.MathJax?.startup || window.MathJax.startup.promise.then(() => true)"
        )
        page.wait_for_function(
            "() => [...document.querySelectorAll('.vega-chart')].every(c => c.dataset.drawn === 'done')"
        )
        return Visit(page, outside, complaints)

    return opened


@pytest.fixture
def visit(open_page):
    """Open pages for one test, which may change them."""
    seen = []

    def opened(url: str, **how) -> Visit:
        seen.append(open_page(url, **how))
        return seen[-1]

    yield opened
    for visited in seen:
        visited.page.context.close()


@pytest.fixture(scope="module", params=PAGES)
def name(request) -> str:
    """Each page of the book in turn, with all tests of one page together."""
    return request.param


def kept(look: str, *, from_disk: bool = False, **how):
    """Make a fixture: the page as seen in one way, opened once for all tests that only look."""

    @pytest.fixture(scope="module", name=look)
    def seen(open_page, address, name):
        visited = open_page(f"{SITE.as_uri() if from_disk else address}/{name}", **how)
        yield visited
        visited.page.context.close()

    return seen


light, phone = kept("light"), kept("phone", size=PHONE, from_disk=True)


@pytest.fixture
def dark(light):
    """The light page, as the system turns dark."""
    light.page.emulate_media(color_scheme="dark")
    light.page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    yield light
    light.page.emulate_media(color_scheme="light")
    light.page.wait_for_function("() => document.documentElement.dataset.theme === 'light'")


class ByPage(LoadScopeScheduling):
    """Give all tests of a page, of a deck and of the printed book to one worker, which opens it once.

    By names, as the marks of ``--dist loadgroup`` do not reach the workers under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        of = re.search(r"\[([^\]]+?)(-(light|dark))?\]$", nodeid)
        if of and (of[1] in PAGES or "test_slides" in nodeid):
            return of[1]
        return "pdf" if "test_pdf" in nodeid else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LoadScopeScheduling:
    """Say in which pieces the tests are given out."""
    return ByPage(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Forget what earlier tests measured, once, before the workers start."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(VITALS, ignore_errors=True)
    VITALS.mkdir(parents=True, exist_ok=True)


def pytest_terminal_summary(terminalreporter) -> None:
    """Tell the heaviest, the slowest and the least steady page."""
    pages = [json.loads(file.read_text("utf-8")) for file in VITALS.glob("*.json")]
    for key, says in (("kB", "compressed"), ("lcp", "ms to the largest paint"), ("shift", "layout shift")):
        if pages:
            worst = max(pages, key=lambda page: page[key])
            terminalreporter.write_line(f"Worst of {len(pages)}: {worst[key]:.4g} {says} ({worst['page']})")
