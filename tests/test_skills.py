"""Skills: right answers, a split without leaks, a mixture whose windows are whole."""

import numpy as np
import pytest

from scalinglab import corpus
from scalinglab.corpus.skills import CLOSERS, OPENERS, SKILLS, Skill, mixed, windows

RIGHT = {
    "addition": lambda q: f"{sum(map(int, q[:-1].split('+'))):03d}",
    "copying": lambda q: q[:-1],
    "brackets": lambda q: "".join(CLOSERS[OPENERS.index(b)] for b in reversed(q[:-1])),
    "sorting": lambda q: "".join(sorted(q[:-1])),
}


@pytest.mark.parametrize("name", SKILLS)
def test_answers_are_right_and_of_one_length(name):
    skill = SKILLS[name]
    for question, answer in skill.examples(200, seed=1):
        assert len(answer) == skill.length
        assert answer == RIGHT[name](question) if name in RIGHT else sorted(answer) == sorted(question[:-1])


@pytest.mark.parametrize("name", SKILLS)
def test_no_question_is_on_both_sides(name):
    skill = SKILLS[name]
    train = {skill.key(question) for question, _ in skill.examples(2000, seed=0)}
    test = {skill.key(question) for question, _ in skill.examples(400, seed=0, test=True)}
    assert not train & test


def test_who_knows_one_sum_knows_the_other():
    addition = SKILLS["addition"]
    for a in range(0, 100, 7):
        for b in range(100):
            assert addition.tests(f"{a:02d}+{b:02d}=") == addition.tests(f"{b:02d}+{a:02d}=")


def test_fewer_examples_are_the_first_of_more():
    skill = SKILLS["copying"]
    assert skill.examples(100, seed=3)[:10] == skill.examples(10, seed=3)


def test_more_questions_than_there_are():
    coins = Skill(name="coins", said="a toss", draw=lambda rng: (f"{rng.integers(2)}=", "?"), length=1)
    with pytest.raises(ValueError, match=r"'coins' has about . such questions, not n=3; ask for fewer"):
        coins.examples(3, seed=0)


def test_mixture_keeps_the_text_and_no_test_question():
    text = np.frombuffer(b"0123456789abcdef" * 800, dtype=np.uint8)
    out = mixed(text, 0.2, 128, seed=0).reshape(-1, 128)
    prose = [row for row in out if bytes(row[:16]) == b"0123456789abcdef"]
    assert np.array_equal(np.concatenate(prose), text)
    assert len(out) - len(prose) == round(100 * 0.2 / 0.8)


@pytest.mark.parametrize("row", range(10))
def test_windows_teach_each_skill_in_turn_and_nothing_that_is_tested(row):
    skill = list(SKILLS.values())[row % len(SKILLS)]
    window = bytes(windows(10, 128, seed=0)[row]).decode()
    for line in window.split("\n")[:-1]:
        question, answer = line[: -skill.length], line[-skill.length :]
        assert not skill.tests(question)
        assert skill.name not in RIGHT or answer == RIGHT[skill.name](question)


@pytest.mark.parametrize(("name", "share"), [("skills", 0.1), ("skills_thin", 0.02)])
def test_corpora_of_skills(name, share):
    text, mixture = corpus.load("sotu"), corpus.load(name)
    assert np.array_equal(mixture.heldout, text.heldout)
    assert len(mixture.train) % 128 == 0
    assert len(text.train) / len(mixture.train) == pytest.approx(1 - share, abs=1e-3)
    assert "addition" in mixture.provenance["mixture"]


def test_skills_are_bytes():
    with pytest.raises(ValueError, match="V=512 is impossible for corpus 'skills'"):
        corpus.load("skills", V=512)
