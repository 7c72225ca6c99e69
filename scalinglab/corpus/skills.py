"""Small skills with exact answers: what a language model can be asked, and lines of text that teach it."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
OPENERS, CLOSERS = "([{<", ")]}>"
TESTED = 10
"""One question in so many is for testing only, chosen by its hash."""


@dataclass(frozen=True, kw_only=True)
class Skill:
    """A kind of question whose answer is exact and always of the same length.

    Attributes
    ----------
    name
        What it is called.
    said
        What is asked, in words.
    draw
        Draws a question and its answer.
    length
        Bytes of an answer.
    key
        What two questions share if whoever knows the one knows the other.
    """

    name: str
    said: str
    draw: Callable[[np.random.Generator], tuple[str, str]]
    length: int
    key: Callable[[str], str] = lambda question: question

    def tests(self, question: str) -> bool:
        """Say whether a question is kept for testing: no text that trains a model has it.

        Examples
        --------
        >>> SKILLS["addition"].tests("23+58="), SKILLS["addition"].tests("58+23=")
        (False, False)
        """
        return hashlib.sha256(self.key(question).encode()).digest()[0] % TESTED == 0

    def examples(self, n: int, *, seed: int, test: bool = False) -> list[tuple[str, str]]:
        """Draw ``n`` different questions with their answers, from one side of the split.

        A smaller ``n`` of the same seed gives the first of a larger one.

        Raises
        ------
        ValueError
            There are not so many different questions.
        """
        rng, tries = np.random.default_rng([seed, int(test)]), 0
        found: dict[str, str] = {}
        while len(found) < n:
            question, answer = self.draw(rng)
            if self.tests(question) == test:
                found[question] = answer
            tries += 1
            if tries > 1000 + 400 * n:
                raise ValueError(
                    f"{self.name!r} has about {len(found)} such questions, not n={n}; ask for fewer"
                )
        return list(found.items())


def addition(rng: np.random.Generator) -> tuple[str, str]:
    """Draw two numbers of two digits and their sum in three."""
    a, b = rng.integers(0, 100, 2)
    return f"{a:02d}+{b:02d}=", f"{a + b:03d}"


def copying(rng: np.random.Generator) -> tuple[str, str]:
    """Draw five letters, to be said again."""
    word = "".join(rng.choice(LETTERS, 5))
    return f"{word}>", word


def brackets(rng: np.random.Generator) -> tuple[str, str]:
    """Draw six opened brackets and what closes them, the last one first."""
    kinds = rng.integers(0, 4, 6)
    return "".join(OPENERS[k] for k in kinds) + ":", "".join(CLOSERS[k] for k in reversed(kinds))


def sorting(rng: np.random.Generator) -> tuple[str, str]:
    """Draw five digits and put them in order."""
    digits = [str(d) for d in rng.integers(0, 10, 5)]
    return "".join(digits) + "/", "".join(sorted(digits))


@cache
def words() -> np.ndarray:
    """List the 1000 commonest words of five letters of the main text, without those that are anagrams."""
    from scalinglab.corpus import thaw  # the corpora are made of skills as well

    counts = Counter(re.findall(r"\b[a-z]{5}\b", thaw("sotu")[0].decode()))
    alike = Counter("".join(sorted(word)) for word in counts if counts[word] > 4)
    single = [word for word, _ in counts.most_common() if alike["".join(sorted(word))] == 1]
    return np.array(single[:1000])


def unscrambling(rng: np.random.Generator) -> tuple[str, str]:
    """Draw a word of five letters in disorder."""
    word = str(rng.choice(words()))
    return "".join(rng.permutation(list(word))) + "~", word


SKILLS = {
    skill.name: skill
    for skill in (
        Skill(
            name="addition",
            said="the sum of two numbers below 100",
            draw=addition,
            length=3,
            key=lambda question: "+".join(sorted(question[:-1].split("+"))),
        ),
        Skill(name="copying", said="five random letters once more", draw=copying, length=5),
        Skill(name="brackets", said="what closes six brackets of four kinds", draw=brackets, length=6),
        Skill(
            name="sorting",
            said="five digits in order",
            draw=sorting,
            length=5,
            key=lambda question: "".join(sorted(question)),
        ),
        Skill(
            name="unscrambling",
            said="a common word of five letters from its letters in disorder",
            draw=unscrambling,
            length=5,
            key=lambda question: "".join(sorted(question)),
        ),
    )
}
"""Every skill by name."""


def windows(n: int, T: int, *, seed: int) -> np.ndarray:
    """Fill ``n`` windows of ``T`` bytes with examples to train on, one skill in each, all skills in turn.

    Returns
    -------
    array of uint8, shape (n, T)
        Lines of question and answer; the last line of a window is cut.
    """
    rng, filled = np.random.default_rng(seed), np.empty((n, T), dtype=np.uint8)
    for place in range(n):
        skill = list(SKILLS.values())[place % len(SKILLS)]
        text = ""
        while len(text) < T:
            question, answer = skill.draw(rng)
            if not skill.tests(question):
                text += f"{question}{answer}\n"
        filled[place] = np.frombuffer(text[:T].encode(), dtype=np.uint8)
    return filled


def mixed(text: np.ndarray, share: float, T: int, *, seed: int) -> np.ndarray:
    """Put windows of examples between the windows of a text, at random places.

    Parameters
    ----------
    text
        Bytes.
    share
        Share of the windows that teach skills.
    T
        Bytes of a window; a run with this context sees whole windows.
    seed
        Decides the examples and their places.

    Returns
    -------
    array of uint8
        All of the text but a rest shorter than a window, and the examples.
    """
    prose = text[: len(text) // T * T].reshape(-1, T)
    taught = windows(round(len(prose) * share / (1 - share)), T, seed=seed)
    order = np.random.default_rng([seed, 1]).permutation(len(prose) + len(taught)) < len(taught)
    out = np.empty((len(order), T), dtype=np.uint8)
    out[order], out[~order] = taught, prose
    return out.ravel()
