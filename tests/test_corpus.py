"""The frozen texts: checksum, split, rebuild; byte pairs and their cache."""

import json
import os
import zipfile

import numpy as np
import pytest

from scalinglab import corpus, shift
from scalinglab.corpus import freeze, vocabulary
from scalinglab.corpus.archives import ARCHIVES

TEXTS = tuple(corpus.SPLITS)
FILES = tuple(freeze.RECIPES)
NUMBERED = tuple(name for name in FILES if name != "sotu")
SHARED = {"python": 0.03, "factbook": 0.02, "sotu": 0.02, "sotu_pre1900": 0.02, "sotu_1900": 0.02}
"""Share of held-out passages that may stand in the training part too, where documents copy each other."""
ERAS = ("sotu_1900", "sotu_1946")
"""Texts that are scored and not trained on."""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Give an empty cache folder, and forget what earlier calls hold in memory."""
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / name)
    corpus._byte_pairs.cache_clear()
    yield tmp_path / "scalinglab"
    corpus._byte_pairs.cache_clear()


def test_no_held_out_year_is_trained_on():
    raw, about = corpus.thaw("sotu")
    sotu = corpus.load("sotu")
    held = sum(d["bytes"] for d in about["documents"] if d["year"] % 10 == 5)
    assert (len(sotu.heldout), len(sotu.train)) == (held, len(raw) - held)


@pytest.mark.parametrize("name", NUMBERED)
def test_every_nth_document_is_held_out_and_no_other(name):
    raw, about = corpus.thaw(name)
    text = corpus.load(name)
    n = 4 if name == "moby_dick" else 5
    ends = np.cumsum([d["bytes"] for d in about["documents"]])
    documents = [raw[end - d["bytes"] : end] for end, d in zip(ends, about["documents"], strict=True)]
    assert [d["number"] for d in about["documents"]] == list(range(1, len(documents) + 1))
    assert text.heldout.tobytes() == b"".join(documents[n - 1 :: n])
    assert len(text.train) + len(text.heldout) == len(raw) == about["bytes"]
    assert ("every fourth" if n == 4 else "every fifth") in text.provenance["split"]


@pytest.mark.parametrize("name", TEXTS)
def test_held_out_part_is_large_enough_and_no_larger_than_a_quarter(name):
    text = corpus.load(name)
    assert len(text.heldout) > (shift.BYTES if name in ERAS else 262_144)
    share = len(text.heldout) / (len(text.train) + len(text.heldout))
    assert (0.05 if name in ERAS else 0.1) < share < 0.25


@pytest.mark.parametrize("name", TEXTS)
def test_train_and_held_out_share_no_long_passage(name):
    text = corpus.load(name)
    train = text.train.tobytes()
    places = np.linspace(0, len(text.heldout) - 200, 200).astype(int)
    shared = np.mean([text.heldout[i : i + 200].tobytes() in train for i in places])
    assert shared <= SHARED.get(name, 0)


@pytest.mark.parametrize("name", FILES)
def test_documents_are_whole_texts_in_utf_8(name):
    raw, about = corpus.thaw(name)
    start = 0
    for document in about["documents"]:
        text = raw[start : start + document["bytes"]].decode()
        assert text.endswith("\n\n")
        assert text[0].isprintable()
        start += document["bytes"]
    assert start == len(raw)


@pytest.mark.parametrize("name", FILES)
def test_provenance_names_the_pinned_archive_and_keeps_the_notice(name):
    provenance = corpus.load(name).provenance
    assert provenance["package"] == ARCHIVES[name].package
    assert provenance["package_sha256"] == ARCHIVES[name].sha256
    assert {"title", "origin", "licence", "changes", "sha256", "split"} <= set(provenance)
    assert ("below" in provenance["licence"]) == ("notice" in provenance)
    if name in ("python", "tang", "kjv", "shakespeare"):
        assert "WITHOUT WARRANTY" in provenance["notice"] or "ANY EXPRESS OR IMPLIED" in provenance["notice"]


def test_all_texts_together_stay_small():
    assert sum((corpus.HERE / f"{name}.xz").stat().st_size for name in FILES) < 8_000_000
    assert {path.stem for path in corpus.HERE.glob("*.xz")} == set(FILES)


def test_pre_1900_is_the_beginning_of_the_whole():
    whole, old = corpus.load("sotu"), corpus.load("sotu_pre1900")
    assert np.array_equal(whole.train[: len(old.train)], old.train)
    assert len(old.train) < len(whole.train) / 2


def test_no_editors_mark_is_left():
    text = corpus.load("sotu").decode(corpus.load("sotu").train)
    assert not freeze.EDITORS_MARK.search(text)


def test_a_corpus_is_loaded_once():
    assert corpus.load("kjv") is corpus.load("kjv", V=256) is corpus.load("kjv", vocabulary="sotu")


def test_unknown_corpus_lists_the_known():
    for wrong in ({"name": "tolstoy"}, {"name": "kjv", "vocabulary": "tolstoy"}):
        with pytest.raises(KeyError, match=r"no corpus 'tolstoy'; there are: sotu"):
            corpus.load(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "kjv", "V": 255}, r"V=255 is impossible for corpus 'kjv'; it has V=256 \(bytes\)"),
        ({"name": "kjv", "V": 65_537}, r"V=65537 is impossible .* up to V=65536"),
        ({"name": "laboratory", "V": 256}, r"V=256 is impossible for corpus 'laboratory'; it has V=80"),
        (
            {"name": "kjv", "vocabulary": "laboratory"},
            r"vocabulary='laboratory' is impossible for corpus 'kjv'",
        ),
        ({"name": "laboratory", "vocabulary": "kjv"}, r"vocabulary='kjv' is impossible"),
    ],
)
def test_impossible_vocabulary_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        corpus.load(**wrong)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["flip", "cut"])
def test_damaged_file_is_refused(tmp_path, name, harm):
    packed = bytearray((corpus.HERE / f"{name}.xz").read_bytes())
    if harm == "flip":
        packed[len(packed) // 2] ^= 1
    else:
        packed = packed[: len(packed) // 2]
    (tmp_path / f"{name}.xz").write_bytes(packed)
    (tmp_path / f"{name}.json").write_bytes((corpus.HERE / f"{name}.json").read_bytes())
    with pytest.raises(ValueError, match=rf"{name}\.xz is damaged .* restore it"):
        corpus.thaw(name, tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_other_text_under_the_same_name_is_refused(tmp_path, name):
    freeze.freeze(name, "another text", [], {}, folder=tmp_path)
    (tmp_path / f"{name}.json").write_bytes((corpus.HERE / f"{name}.json").read_bytes())
    with pytest.raises(ValueError, match=r"sha256 .* recorded is"):
        corpus.thaw(name, tmp_path)


def test_the_messages_of_the_package_are_the_frozen_text():
    text, documents = freeze.state_of_the_union()
    raw, about = corpus.thaw("sotu")
    assert text.encode() == raw
    assert (documents, freeze.SOTU) == (about["documents"], about["provenance"])


@pytest.mark.parametrize("name", ["moby_dick", "tang"])
def test_packing_a_frozen_text_again_gives_the_same_bytes(tmp_path, name):
    raw, about = corpus.thaw(name)
    freeze.freeze(name, raw.decode(), about["documents"], about["provenance"], folder=tmp_path)
    for file in (f"{name}.xz", f"{name}.json"):
        assert (tmp_path / file).read_bytes() == (corpus.HERE / file).read_bytes()


def test_absent_and_wrong_archives_are_refused_with_the_command_that_fetches_them(tmp_path):
    for archive in ARCHIVES.values():
        with pytest.raises(FileNotFoundError, match=r"fetch it there with: (pip download|npm pack) "):
            archive.read(tmp_path)
        (tmp_path / archive.file).write_bytes(b"another archive")
        with pytest.raises(ValueError, match=r"pinned is .* delete it and fetch it"):
            archive.read(tmp_path)


def test_recipes_on_archives_made_by_hand():
    verse = [{"book": b, "chapter": c, "verse": v, "text": f"{b} {c}:{v}"} for b, c, v in
             [("Ruth", 1, 1), ("Ruth", 1, 2), ("Ruth", 2, 1), ("Jude", 1, 1)]]  # fmt: skip
    files = {"bible/data/kjv.jsonl": "\n".join(map(json.dumps, verse)).encode(), "LICENSE": b"notice\n"}
    text, documents, provenance = freeze.rebuild("kjv", files)
    assert text == "Ruth\n\nRuth 1:1\nRuth 1:2\n\nRuth 2:1\n\nJude\n\nJude 1:1\n\n"
    assert [(d["number"], d["title"], d["bytes"]) for d in documents] == [(1, "Ruth", 35), (2, "Jude", 16)]
    assert provenance["notice"] == "notice"

    long = "It has a coast. " * 20
    page = {"Introduction": {"Background": {"text": f"<p>{long}</p>short"}},
            "Government": {"Country name": {"conventional short form": {"text": "none"},
                                            "conventional long form": {"text": "Old Republic"}}},
            freeze.LISTS[0]: {"text": "ABC, " * 60}}  # fmt: skip
    twin = page | {"Geography": {"Note": {"text": "An island. " * 30}}}
    raw = {f"data/{code}.json": json.dumps(p).encode() for code, p in (("aa", page), ("ab", twin))}
    text, documents = freeze.factbook(raw)
    assert text.split("\n") == [
        "Old Republic", long.strip(), "", "Old Republic", ("An island. " * 30).strip(), "", "",
    ]  # fmt: skip
    assert len(documents) == 2


def test_a_module_with_a_notice_of_its_own_is_left_out():
    body = b"x = 1\n" * 600
    files = {f"sympy/{c}.py": body for c in "abcdefg"} | {"sympy/a.py": b"# Copyright (C) N. N.\n" + body}
    assert [d["title"] for d in freeze.python_source(files)[1]] == ["sympy/b.py", "sympy/e.py"]


def test_byte_pairs_give_the_text_back(cache):
    pairs, plain = corpus.load("moby_dick", V=512), corpus.load("moby_dick")
    assert pairs.decode(pairs.heldout) == plain.decode(plain.heldout)
    assert np.array_equal(pairs.encode(plain.decode(plain.heldout[:5000]))[:1000], pairs.heldout[:1000])
    assert pairs.train.dtype == np.uint16
    assert max(pairs.train.max(), pairs.heldout.max()) < pairs.V == 512
    assert pairs.bytes_per_token == len(plain.heldout) / len(pairs.heldout) > 1.5
    assert "512 byte pairs" in pairs.provenance["vocabulary"]


def test_a_pair_is_the_commonest_two_neighbours():
    documents = ["aab aab aab", "ac"]
    pairs = vocabulary.learn(documents, 257)
    assert len(pairs.encode("ab")) + len(pairs.encode("aa")) == 3, "one of the two is a token now"
    assert vocabulary.encode(pairs, documents).shape == (len("aab aab aab") - 3 + 2,)


def test_a_text_too_poor_in_pairs_is_refused():
    with pytest.raises(ValueError, match=r"V=1000 is impossible; the text gives only 2\d\d tokens"):
        vocabulary.learn(["the cat"], 1000)


def test_a_text_in_the_vocabulary_of_another(cache):
    own = corpus.load("moby_dick", V=512)
    other = corpus.load("tang", V=512, vocabulary="moby_dick")
    plain = corpus.load("tang")
    assert other.decode(other.heldout) == plain.decode(plain.heldout)
    assert other.vocabulary.tokenizer.to_str() == own.vocabulary.tokenizer.to_str()
    assert other.bytes_per_token == pytest.approx(len(plain.heldout) / len(other.heldout))
    assert other.bytes_per_token < own.bytes_per_token, "pairs of English do not fit Chinese"


def forget():
    corpus._byte_pairs.cache_clear()


def test_the_cache_is_read_and_not_made_again(cache, monkeypatch):
    first = corpus.load("moby_dick", V=300)
    assert [path.suffix for path in cache.iterdir()] == [".npz"]
    forget()
    monkeypatch.setattr(vocabulary, "learn", lambda *_: pytest.fail("learned again"))
    second = corpus.load("moby_dick", V=300)
    assert first is not second
    assert np.array_equal(first.train, second.train)
    assert np.array_equal(first.heldout, second.heldout)
    assert second.decode(second.train[:50]) == first.decode(first.train[:50])


@pytest.mark.parametrize("harm", ["flip a token", "flip the vocabulary", "cut", "empty", "no archive"])
def test_a_damaged_cache_file_is_made_again(tmp_path, harm):
    texts = ["the cat sat on the mat"] * 20
    made = vocabulary.cached(texts, texts[:5], teacher=texts, V=260, name="t", folder=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        end = {i.filename: i.header_offset + len(i.filename) + 30 + i.file_size for i in archive.infolist()}
    raw = bytearray(whole)
    if harm.startswith("flip"):
        raw[end["train.npy" if harm == "flip a token" else "tokenizer.npy"] - 10] ^= 1
    else:
        raw = {"cut": raw[: len(raw) // 2], "empty": b"", "no archive": b"no archive"}[harm]
    path.write_bytes(raw)
    again = vocabulary.cached(texts, texts[:5], teacher=texts, V=260, name="t", folder=tmp_path)
    assert all(np.array_equal(a, b) for a, b in zip(again[1:], made[1:], strict=True))
    assert again[0].tokenizer.to_str() == made[0].tokenizer.to_str()
    assert path.read_bytes() != bytes(raw), "written anew"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


def test_another_text_size_or_teacher_is_another_file(cache):
    texts = ["the cat sat on the mat"] * 3
    for train, V in ((texts, 258), (texts, 259), (texts[:2], 258)):
        vocabulary.cached(train, texts, teacher=train, V=V, name="t", folder=cache)
    pairs = vocabulary.learn(["an ant and an antelope"] * 3, 258)
    vocabulary.cached(texts, texts, teacher=pairs, V=258, name="t", folder=cache)
    assert len(list(cache.iterdir())) == 4


def test_where_nothing_can_be_written_the_text_is_loaded_all_the_same(tmp_path):
    (tmp_path / "file").touch()
    texts = ["the cat sat on the mat"] * 3
    pairs, train, _ = vocabulary.cached(
        texts, texts, teacher=texts, V=258, name="t", folder=tmp_path / "file"
    )
    assert pairs.decode(train) == "".join(texts)
    assert os.listdir(tmp_path) == ["file"]
