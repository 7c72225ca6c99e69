"""Sphinx extension: the first use of each glossary term in a chapter leads to the glossary.

The link carries the definition's first sentence, so that a pointer resting on it says enough.
"""

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx

CHAPTERS = "notebooks/"
GLOSSARY = "book/glossary"
EVERYDAY = {"compute", "coverage", "head", "offset", "reach", "transfer"}
"""Terms that a sentence uses in their everyday sense just as often."""

ELSEWHERE = (
    nodes.Admonition,
    nodes.Titular,
    nodes.reference,
    nodes.pending,
    nodes.literal,
    nodes.math,
    nodes.raw,
    nodes.caption,
    nodes.footnote,
    nodes.table,
)
"""What no link is put into: boxes, titles, other links, code, formulas."""


def spelled(term: str) -> re.Pattern[str]:
    """Match a term as a word, in the singular or the plural, with a capital or without.

    Examples
    --------
    >>> bool(spelled("critical batch size").search("Critical batch sizes grow"))
    True
    >>> bool(spelled("nat").search("a nation"))
    False
    """
    first = f"[{term[0].upper()}{term[0].lower()}]"
    return re.compile(rf"(?<![\w-]){first}{re.escape(term[1:])}s?(?![\w-])")


def terms(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Read the glossary: for each English term the place of its entry and its first sentence."""
    found = {}
    for entry in app.env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        [definition] = entry.findall(nodes.definition)
        says = re.split(r"(?<=[.:;])\s", definition.astext(), maxsplit=1)[0].rstrip(".:;")
        says = re.sub(r"\^\{(\d+)\}", r"^\1", says.replace(r"\times", "×"))  # a tooltip sets no formula
        for term in entry.findall(nodes.term):
            name = term.astext()
            if name.isascii() and name not in EVERYDAY:
                found[name] = (term["ids"][0], says)
    return found


def prose(doctree: nodes.document) -> Iterator[nodes.Text]:
    """Walk over the words of a chapter's own sentences, up to its exercises."""
    for paragraph in doctree.findall(nodes.paragraph):
        above: list[nodes.Node] = [paragraph]
        while above[-1].parent is not None:
            above.append(above[-1].parent)
        if any(isinstance(node, nodes.section) and "exercises" in node["ids"] for node in above):
            return
        if not any(isinstance(node, ELSEWHERE) for node in above):
            for child in paragraph.children:
                words = child.children if isinstance(child, nodes.strong | nodes.emphasis) else [child]
                yield from (word for word in words if isinstance(word, nodes.Text))


def link_first_uses(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn the first use of each term into a link; longer terms come before their parts."""
    if not docname.startswith(CHAPTERS) or GLOSSARY not in app.env.found_docs:
        return
    page, texts = app.builder.get_relative_uri(docname, GLOSSARY), list(prose(doctree))
    by_hand = {link.get("refuri") for link in doctree.findall(nodes.reference)}
    for term, (anchor, says) in sorted(terms(app).items(), key=lambda item: -len(item[0])):
        if f"{page}#{anchor}" in by_hand:
            continue
        pattern = spelled(term)
        for place, text in enumerate(texts):
            if found := pattern.search(text):
                before, after = nodes.Text(text[: found.start()]), nodes.Text(text[found.end() :])
                link = nodes.reference(
                    "", found[0], internal=True, refuri=f"{page}#{anchor}", reftitle=says, classes=["term"]
                )
                text.parent.replace(text, [node for node in (before, link, after) if node.astext()])
                texts[place : place + 1] = [node for node in (before, after) if node.astext()]
                break


def depend_on_glossary(app: Sphinx, docname: str, source: list[str]) -> None:
    """Set a chapter anew when the glossary has changed."""
    if docname.startswith(CHAPTERS):
        app.env.note_dependency(app.env.doc2path(GLOSSARY))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", depend_on_glossary)
    app.connect("doctree-resolved", link_first_uses)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
