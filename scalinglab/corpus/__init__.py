"""The texts that the book trains on, as tokens: frozen, checksummed, split by whole documents."""

import hashlib
import json
import lzma
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from scalinglab.corpus.language import LABORATORY
from scalinglab.corpus.skills import SKILLS, mixed
from scalinglab.corpus.vocabulary import BYTES, LARGEST, Vocabulary, cached

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """One text as tokens, with the part that no run trains on.

    Attributes
    ----------
    name
        What `load` was asked for.
    V
        Size of the vocabulary.
    train, heldout
        Token ids, 1-D arrays of ``uint8`` (bytes) or ``uint16``.
    bytes_per_token
        Mean over the held-out part; a loss of L nats per token is
        ``L / (ln 2 * bytes_per_token)`` bits per byte.
    provenance
        Where the text comes from, its licence, its checksum, the split.
    vocabulary
        What turns text into tokens and back.
    """

    name: str
    V: int
    train: np.ndarray
    heldout: np.ndarray
    bytes_per_token: float
    provenance: dict
    vocabulary: Vocabulary = BYTES

    def encode(self, text: str) -> np.ndarray:
        """Turn text into tokens."""
        return self.vocabulary.encode(text)

    def decode(self, tokens: np.ndarray) -> str:
        """Turn tokens back into text; a broken character shows as �."""
        return self.vocabulary.decode(tokens)


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which documents of a frozen file a corpus uses, and which of them it holds out.

    Attributes
    ----------
    file
        Name of the frozen file.
    said
        The rule in words.
    held_out
        Says of a document whether no run trains on it.
    used
        Says of a document whether the corpus has it at all.
    """

    file: str
    said: str
    held_out: Callable[[dict], bool]
    used: Callable[[dict], bool] = lambda document: True


def years_ending_in_5(document: dict) -> bool:
    """Say whether a document belongs to the held-out years."""
    return document["year"] % 10 == 5


def every_fourth(document: dict) -> bool:
    """Say whether a document's number is divisible by 4."""
    return document["number"] % 4 == 0


def every_fifth(document: dict) -> bool:
    """Say whether a document's number is divisible by 5."""
    return document["number"] % 5 == 0


SPLITS = {
    "sotu": Split(file="sotu", said="all years; held out: years ending in 5", held_out=years_ending_in_5),
    "sotu_pre1900": Split(
        file="sotu",
        said="years before 1900; held out: those ending in 5",
        held_out=years_ending_in_5,
        used=lambda document: document["year"] < 1900,
    ),
    "sotu_1900": Split(
        file="sotu",
        said="years from 1900 to 1945; held out: those ending in 5",
        held_out=years_ending_in_5,
        used=lambda document: 1900 <= document["year"] < 1946,
    ),
    "sotu_1946": Split(
        file="sotu",
        said="years from 1946 on; held out: those ending in 5",
        held_out=years_ending_in_5,
        used=lambda document: document["year"] >= 1946,
    ),
    "kjv": Split(file="kjv", said="66 books; held out: every fifth", held_out=every_fifth),
    "shakespeare": Split(
        file="shakespeare",
        said="42 works in alphabetical order of their files; held out: every fifth",
        held_out=every_fifth,
    ),
    "moby_dick": Split(
        file="moby_dick",
        said="etymology, extracts, 135 chapters, epilogue; held out: every fourth",
        held_out=every_fourth,
    ),
    "factbook": Split(
        file="factbook",
        said="256 pages in the order of the package; held out: every fifth",
        held_out=every_fifth,
    ),
    "python": Split(
        file="python",
        said="modules in alphabetical order of their paths; held out: every fifth",
        held_out=every_fifth,
    ),
    "tang": Split(
        file="tang",
        said="50 groups of 125 poems that follow each other; held out: every fifth group",
        held_out=every_fifth,
    ),
}
"""How each text is split; documents are numbered from 1."""


MIXES = {"skills": 0.1, "skills_thin": 0.02}
"""Shares of the windows of the main text's mixtures that teach the skills of `scalinglab.corpus.skills`."""


def names() -> tuple[str, ...]:
    """List the corpora that `load` knows."""
    return (*SPLITS, *MIXES, "laboratory")


def thaw(name: str, folder: Path = HERE) -> tuple[bytes, dict]:
    """Read a frozen text and refuse it if a single bit has changed.

    Returns
    -------
    raw, about
        The bytes, and the description that lies beside them.

    Raises
    ------
    ValueError
        The file does not have the recorded checksum.
    """
    about = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    path = folder / f"{name}.xz"
    remedy = "restore it with: git checkout -- " + f"scalinglab/corpus/{name}.xz"
    try:
        raw = lzma.decompress(path.read_bytes())
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(f"{path} is damaged ({error}); {remedy}") from error
    found = hashlib.sha256(raw).hexdigest()
    if found != about["sha256"]:
        raise ValueError(
            f"{path} has sha256 {found[:16]}..., recorded is {about['sha256'][:16]}...; {remedy}"
        )
    return raw, about


def load(name: str, *, V: int | None = None, vocabulary: str | None = None) -> Corpus:
    """Load a corpus as tokens; a second call gives the same object.

    Parameters
    ----------
    name
        One of `names`.
    V
        Size of the vocabulary; by default the corpus's own: 256 for texts, which are bytes then.
        A larger one is learned as byte pairs, which takes seconds, and kept in the user's cache.
    vocabulary
        The text whose training part the byte pairs are learned from; by default this one. What a
        model trained on another text is scored on must be encoded in that text's vocabulary.

    Raises
    ------
    KeyError
        No such corpus; the message lists those that exist.
    ValueError
        The frozen file is damaged, or the corpus cannot have this vocabulary.

    Examples
    --------
    >>> sotu = load("sotu")
    >>> sotu.V, len(sotu.train), len(sotu.heldout)
    (256, 10887990, 1288859)
    >>> sotu.decode(sotu.train[:15])
    'Fellow-Citizens'
    """
    for asked in (name, vocabulary or name):
        if asked not in names():
            raise KeyError(f"no corpus {asked!r}; there are: {', '.join(names())}")
    if "laboratory" in (name, vocabulary or name):
        _refuse(name != (vocabulary or name), name, f"vocabulary={vocabulary!r}", "its tokens are no bytes")
        _refuse(V not in (None, LABORATORY.V), name, f"V={V}", f"it has V={LABORATORY.V}")
        return _laboratory()
    V = 256 if V is None else V
    _refuse(not 256 <= V <= LARGEST, name, f"V={V}", f"it has V=256 (bytes) or byte pairs up to V={LARGEST}")
    if name in MIXES:
        _refuse(V != 256, name, f"V={V}", "it has V=256 (bytes)")
        return _mix(name)
    return _bytes(name) if V == 256 else _byte_pairs(name, V, vocabulary or name)


def _refuse(condition: bool, name: str, asked: str, reason: str) -> None:
    if condition:
        raise ValueError(f"{asked} is impossible for corpus {name!r}; {reason}")


def _documents(name: str) -> tuple[list[bytes], list[bytes], dict]:
    """Cut a frozen text into its documents to train on and those held out, and say whence it comes."""
    split = SPLITS[name]
    raw, about = thaw(split.file)
    train: list[bytes] = []
    heldout: list[bytes] = []
    start = 0
    for document in about["documents"]:
        stop = start + document["bytes"]
        if split.used(document):
            (heldout if split.held_out(document) else train).append(raw[start:stop])
        start = stop
    return train, heldout, {**about["provenance"], "sha256": about["sha256"], "split": split.said}


@cache
def _bytes(name: str) -> Corpus:
    train, heldout, provenance = _documents(name)
    return Corpus(
        name=name,
        V=256,
        train=np.frombuffer(b"".join(train), dtype=np.uint8),
        heldout=np.frombuffer(b"".join(heldout), dtype=np.uint8),
        bytes_per_token=1.0,
        provenance=provenance,
    )


@cache
def _mix(name: str) -> Corpus:
    """Mix windows of 128 bytes that teach skills into the main text; held out is text alone."""
    text = _bytes("sotu")
    said = f"{MIXES[name]:.0%} of the windows of 128 bytes are examples of {', '.join(SKILLS)}"
    return replace(
        text,
        name=name,
        train=mixed(text.train, MIXES[name], 128, seed=0),
        provenance=text.provenance | {"mixture": said},
    )


@cache
def _byte_pairs(name: str, V: int, source: str) -> Corpus:
    train, heldout, provenance = _documents(name)
    texts = [raw.decode() for raw in train], [raw.decode() for raw in heldout]
    teacher = texts[0] if source == name else _byte_pairs(source, V, source).vocabulary
    pairs, *tokens = cached(*texts, teacher=teacher, V=V, name=f"{name}-{source}-{V}")  # type: ignore[arg-type]
    return Corpus(
        name=name,
        V=V,
        train=tokens[0],
        heldout=tokens[1],
        bytes_per_token=sum(map(len, heldout)) / len(tokens[1]),
        provenance=provenance | {"vocabulary": f"{V} byte pairs, learned from the training part of {source}"},
        vocabulary=pairs,
    )


@cache
def _laboratory() -> Corpus:
    train, heldout = LABORATORY.parts()
    return Corpus(
        name="laboratory",
        V=LABORATORY.V,
        train=train,
        heldout=heldout,
        bytes_per_token=1.0,
        provenance={
            "title": "A laboratory language",
            "licence": "made by this package",
            "split": f"drawn apart: {len(train)} tokens to train on, {len(heldout)} held out",
        },
        vocabulary=LABORATORY,
    )
