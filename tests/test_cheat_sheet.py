"""The cheat sheet: every law on it exists, its constants are the package's."""

import cheat_sheet
import pytest
from chapters import ROOT

from scalinglab import laws

PAGE = (ROOT / "book" / "cheat_sheet.md").read_text("utf-8")
LINES = cheat_sheet.LINE.findall(PAGE)


def test_all_lines_are_read():
    assert len(LINES) == PAGE.count("% law ") >= 10


@pytest.mark.parametrize(("key", "question", "when"), LINES, ids=[line[0] for line in LINES])
def test_a_card_holds_formula_and_constants(key, question, when):
    card = cheat_sheet.card(key, question, when)
    law = laws.instances()[key]
    assert question.endswith("?")
    assert f"{getattr(law, laws.parameters(law)[0].name):.5g}" in card
    assert card.count("$$") == 2
