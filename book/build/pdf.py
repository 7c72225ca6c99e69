"""Print the whole book as one PDF, from the pages of the built site.

The pages become one document: links lead within it, solutions and teachers' notes stand at its end.  The
system's Chromium prints it twice, as the first time tells on which page each chapter begins.
"""

import os
import posixpath
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Template
from urllib.parse import urldefrag

import yaml
from bs4 import BeautifulSoup, Tag
from chapters import BUILD, ROOT
from pages import SITE
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader

OUT = BUILD / "scaling-laws.pdf"
FRAME = Path(__file__).with_name("pdf.html")
LEFT_OUT = ("book/figures", "book/calculator", "book/board")
"""Pages that only answer to a reader: their charts stand in the chapters."""
REPEATED = "#exercise-content, #solution-content"
"""Names that the same page gives to several of its parts."""
DROPPED = ".headerlink, script[type='text/x-thebe-config'], button, form, noscript, .calculator"
MARGINS = {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}
WIDTH = 658  # pixels between the margins of A4
SHRINK = """width => document.querySelectorAll('table, mjx-container[display], .vega-view svg').forEach(e => {
    const room = e.parentElement.clientWidth || width;
    if (e.scrollWidth > room + 1 || e.getBoundingClientRect().width > room + 1)
        e.style.zoom = room / Math.max(e.scrollWidth, e.getBoundingClientRect().width);
})"""
"""What is too wide for the paper becomes smaller, so that nothing is cut."""
FOOTER = """<div style="width: 100%; font: 8pt sans-serif; color: #55606d; text-align: center">
    <span class="pageNumber"></span></div>"""


def parts() -> list[tuple[str, list[str]]]:
    """The parts of the book with their pages, as the table of contents lists them."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = [(part["caption"], [page["file"] for page in part["chapters"]]) for part in toc["parts"]]
    kept = [(caption, [name for name in names if name not in LEFT_OUT]) for caption, names in listed]
    return [("", [toc["root"]]), *kept]


class Book:
    """The pages of the site as pieces of one document."""

    def __init__(self) -> None:
        self.parts = parts()
        self.names = {name for _, names in self.parts for name in names}
        self.bodies = {name: self.body(name) for name in self.names}
        self.places = {name: {tag["id"] for tag in body.select("[id]")} for name, body in self.bodies.items()}
        self.solutions = self.moved(".solution", join)
        self.notes = self.moved("#for-teachers", untitle)
        for name, body in self.bodies.items():
            self.settle(name, body)
        for name, body in [*self.solutions, *self.notes]:
            self.settle(name, body)

    def body(self, name: str) -> Tag:
        """Read the text of a page, without what only a screen needs."""
        soup = BeautifulSoup((SITE / f"{name}.html").read_text("utf-8"), "html.parser")
        body = soup.select_one("article > section")
        if body is None:
            sys.exit(f"{name}.html of the site holds no text: run make book")
        for tag in body.select(DROPPED):
            tag.decompose()
        for tag in body.select(REPEATED):
            del tag["id"]
        return body

    def moved(self, which: str, change: Callable[[Tag], None]) -> list[tuple[str, Tag]]:
        """Take pieces out of their chapters, in the order of the book, each below its chapter's title."""
        taken = []
        for name in (name for _, names in self.parts for name in names):
            pieces = self.bodies[name].select(which)
            for tag in pieces:
                change(tag)
                tag.extract()
            if pieces:
                section = parsed(f"<section><h1>{self.bodies[name].h1.decode_contents()}</h1></section>")
                section.extend(pieces)
                taken.append((name, section))
        return taken

    def settle(self, name: str, body: Tag) -> None:
        """Make names unique in the whole document, and let links and pictures find their places."""
        for tag in body.select("[id]"):
            tag["id"] = place(name, tag["id"])
        for tag in body.select("img[src]"):
            tag["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(name), tag["src"]))
        for tag in body.select("a[href]"):
            self.link(name, tag)
        for tag in body.select("details"):
            tag["open"] = ""
        for level in range(5, 0, -1):
            for tag in body.select(f"h{level}"):
                tag.name = f"h{level + 1}"

    def link(self, name: str, tag: Tag) -> None:
        """Lead a link to its place in the document; one that leads to no page of it becomes words."""
        address, anchor = urldefrag(tag["href"])
        if "://" in address or address.startswith("mailto:"):
            return
        target = name
        if address:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), address))
            target = target.removesuffix(".html")
        if target not in self.names:
            tag.unwrap()
        else:
            there = anchor if anchor in self.places[target] else ""
            tag["href"] = f"#{place(target, there)}"

    def chapters(self) -> Iterator[tuple[str, list[tuple[str, Tag]]]]:
        """Every part with its pages; solutions and notes are the last two."""
        for caption, names in self.parts:
            yield caption, [(name, self.bodies[name]) for name in names]
        yield "Solutions", self.solutions
        yield "For teachers", self.notes


def parsed(text: str) -> Tag:
    """Make a tag from HTML."""
    return BeautifulSoup(text, "html.parser").find()


def join(solution: Tag) -> None:
    """Link a solution with its exercise in both directions."""
    exercise, heading = solution.find_previous("div", class_="exercise"), solution.p
    asked = exercise.p.decode_contents()
    exercise.append(parsed(f'<p class="to-solution"><a href="#{solution["id"]}">Solution</a></p>'))
    heading.clear()
    heading.append(parsed(f'<a href="#{exercise["id"]}">{asked}</a>'))


def untitle(note: Tag) -> None:
    """Drop the heading of a note: in its place it is the chapter's."""
    note.h2.decompose()


def place(name: str, anchor: str) -> str:
    """Name a place in the document: the page's name before its own."""
    return f"{Path(name).name}--{anchor}".replace("/", "-").replace(" ", "-")


def assembled(book: Book) -> tuple[str, list[tuple[str, str, str]]]:
    """Write the document's body, and its contents: kind, place and title of each entry."""
    body, contents = [], []
    for number, (caption, pages) in enumerate(book.chapters()):
        if caption:
            at = f"part--{number}"
            body.append(f'<h1 class="part"><span id="{at}">{caption}</span></h1>')
            contents.append(("part", at, caption))
        gathered = caption in ("Solutions", "For teachers")
        for name, text in pages:
            at = f"{caption.replace(' ', '-')}--{place(name, '')}" if gathered else place(name, "")
            body.append(f'<div class="{"gathered" if gathered else "chapter"}" id="{at}">{text}</div>')
            if not gathered:
                contents.append(("page", at, text.h2.decode_contents()))
    return "".join(body), contents


def listed(contents: list[tuple[str, str, str]], pages: dict[str, int]) -> str:
    """Write the table of contents, with a number of equal width where a page is not known yet."""
    return "".join(
        f'<li class="{kind}"><a href="#{at}"><span>{title}</span> <b>{pages.get(at, 888)}</b></a></li>'
        for kind, at, title in contents
    )


def printed(page: Page, text: str, out: Path) -> None:
    """Set the document and print it, with bookmarks, and with tags for those who listen."""
    source = SITE / "print.html"
    source.write_text(text, encoding="utf-8")
    try:
        page.goto(source.as_uri(), wait_until="load", timeout=300_000)
        page.wait_for_function("() => MathJax.startup.promise.then(() => true)", timeout=600_000)
        drawn = "() => [...document.querySelectorAll('.vega-chart')].every(c => c.dataset.drawn === 'done')"
        page.wait_for_function(drawn, timeout=300_000)
        page.evaluate(SHRINK, WIDTH)
        page.pdf(
            path=out,
            format="A4",
            margin=MARGINS,
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )
    finally:
        source.unlink()


def found(out: Path, contents: list[tuple[str, str, str]]) -> dict[str, int]:
    """Read from a printed document on which page each entry of the contents is."""
    reader = PdfReader(out)
    places = reader.named_destinations
    if lost := [title for _, at, title in contents if f"/{at}" not in places]:
        sys.exit(f"{out.name} has no place named for {lost[0]!r}: its heading is not printed")
    return {at: reader.get_destination_page_number(places[f"/{at}"]) + 1 for _, at, _ in contents}


def write() -> Path:
    """Print the book twice; the second time its contents have numbers."""
    body, contents = assembled(Book())
    frame, beside = Template(FRAME.read_text("utf-8")), OUT.with_suffix(".part.pdf")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not browser:
        sys.exit("No Chromium on the path, which prints the book; on Debian: apt-get install chromium")
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": 930}, color_scheme="light")
        page.emulate_media(media="print", color_scheme="light", reduced_motion="reduce")
        pages: dict[str, int] = {}
        for what in ("counting pages", "printing"):
            started = time.monotonic()
            print(f"PDF: {what} ...", end=" ", flush=True)
            text = frame.substitute(contents=listed(contents, pages), body=body)
            printed(page, text, beside)
            pages = found(beside, contents)
            print(f"{time.monotonic() - started:.0f} s", flush=True)
        chromium.close()
    os.replace(beside, OUT)
    return OUT


if __name__ == "__main__":
    done = write()
    print(f"Read it: {done.as_uri()} ({done.stat().st_size / 1e6:.0f} MB)")
