"""Sphinx extension: write formulas and constants into the cheat sheet, from the package.

Lines ``% law KEY: question | when to use it`` of the page ``book/cheat_sheet`` become cards, so that
the sheet cannot say another number than the code computes with.
"""

import re
from pathlib import Path
from typing import Any

from law_index import UNIT_OF, displayed, escaped
from sphinx.application import Sphinx

from scalinglab import laws

PAGE = "book/cheat_sheet"
LINE = re.compile(r"^% law (\S+): (.+?) \| (.+)$", re.M)


def write(app: Sphinx, docname: str, source: list[str]) -> None:
    """Replace the lines; the page depends on the laws."""
    if docname != PAGE:
        return
    for path in Path(laws.__file__).parent.glob("*.py"):
        app.env.note_dependency(str(path))
    source[0] = LINE.sub(lambda found: card(*found.groups()), source[0])


def card(key: str, question: str, when: str) -> str:
    """One law: the question it answers, its formula, its constants, what N counts, when to use it."""
    law = laws.instances()[key]
    counts = f"; N: {UNIT_OF[law.n_convention]}" if law.n_convention else ""
    return "\n".join(
        [
            f":::{{grid-item-card}} {question}",
            "$$",
            displayed(law.formula),
            "$$",
            f"{constants(law)}{counts} ({escaped(law.source.partition(',')[0])}).",
            "",
            f"*{when}*",
            ":::",
        ]
    )


def constants(law: Any) -> str:
    """Name each parameter, as the formula does, with its value and unit."""
    return ", ".join(
        f"{escaped(symbol(p.name))} = {getattr(law, p.name):.5g}" + (f" {escaped(p.unit)}" if p.unit else "")
        for p in laws.parameters(law)
    )


def symbol(name: str) -> str:
    """Write a parameter's name with Greek letters.

    Examples
    --------
    >>> symbol("alpha_N"), symbol("beta"), symbol("eta"), symbol("B_star")
    ('α_N', 'β', 'η', 'B*')
    """
    for word, letter in (("alpha", "α"), ("beta", "β"), ("gamma", "γ"), ("eta", "η"), ("_star", "*")):
        name = name.replace(word, letter)
    return name


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
