"""The page for instructors: the numbers of its questions computed, its rubric adding up."""

import re

import numpy as np
import pytest
from chapters import ROOT

from scalinglab import counting, laws

PAGE = (ROOT / "book" / "instructors.md").read_text("utf-8")


def said(title: str) -> str:
    """What the page says under a title, up to the next one."""
    _, rest = re.split(rf"^(?:## |:::\{{admonition\}} ){re.escape(title)}.*$", PAGE, flags=re.M)
    return re.split(r"^(?:## |:::$)", rest, flags=re.M)[0]


def test_the_two_tasks_that_show_who_will_struggle():
    power = np.log10(3.0 / 2.7)
    losses = np.array([1.52, 1.55, 1.49, 1.53, 1.51])
    spread = losses.std(ddof=1)
    text = said("What students need")
    for number in (f"{power:.3f}", f"{2.7 * 10**-power:.2f}", f"{losses.mean():.2f}", f"{spread:.3f}"[1:]):
        assert number in text
    assert f"{(losses.mean() - 1.47) / spread:.1f} of them away" in text
    assert 1 / np.sqrt(2 * (len(losses) - 1)) == pytest.approx(1 / 3, abs=0.03), "known to a third"


def test_question_1_the_best_split_is_flat():
    law = laws.Chinchilla(E=1.8, A=480.0, B=2100.0, alpha=0.35, beta=0.37)
    assert f"C^{{{law.a:.3f}}}" in said("1 · A budget")
    N, D = law.optimum(C=1e21)
    slope = [np.log(law(N=N * x, D=D / x) - 1.8) for x in (1 - 1e-4, 1 + 1e-4)]
    assert np.diff(slope)[0] / 2e-4 == pytest.approx(0, abs=1e-6)


def test_question_2_what_6nd_forgets():
    shape = counting.Shape(n_layer=2, d_model=32, n_head=2, V=256, n_ctx=128)
    flops, text = counting.flops(shape), said("2 · Counting")
    for number in (flops.attention + flops.feed_forward, flops.scores, flops.head):
        assert f"= {number}$" in text
    assert 1 - 1 / counting.six_n_d_error(shape) == pytest.approx(0.5, abs=0.01)


def test_questions_5_and_6_in_figures():
    text = said("5 · A jump")
    right, better = 0.8**10, 0.95**10
    for number in (f".8^{{10}} = {right:.3f}", f".95^{{10}} = {better:.2f}", f"= {(1 - right) ** 20:.2f}$"):
        assert number.replace("= 0.", "= .") in text
    worth = 1 + 15.4 * (1 - np.exp(-3 / 15.4))
    assert f"= {worth:.2f}$" in said("6 · Repetition")
    assert f"1 + 15.4 = {1 + 15.4:.1f}$" in said("6 · Repetition")


def test_the_points_of_the_rubric_add_up():
    rubric = said("Grading the capstone")
    total = int(re.search(r"\*\*(\d+) points\*\*", rubric)[1])
    points = [int(row) for row in re.findall(r"^\| [^|]+ \| (\d+) \|", rubric, re.M)]
    assert len(points) == 6
    assert sum(points) == total
