"""Claims: the paper's numbers are the laws', ours are the chapters', the verdict follows."""

import math

import pytest

from scalinglab import claims, laws


@pytest.fixture(scope="module")
def kaplan():
    return claims.part("Kaplan").set_index("claim")


def claim(**given):
    usual = {"chapter": 1, "claim": "x", "source": "", "counts": "", "paper": 1.0, "ours": 2.0}
    return claims.Claim(**usual | {"low": 1.5, "high": 2.5} | given)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, "ours is larger"),
        ({"paper": 3.0}, "ours is smaller"),
        ({"paper": 2.4}, "agrees"),
        ({"paper": 2.5}, "agrees"),
    ],
)
def test_the_verdict_is_where_the_paper_lies(given, verdict):
    assert claim(**given).verdict == verdict
    assert claims.table([claim(**given)]).verdict.tolist() == [verdict]


def test_the_papers_numbers_are_those_of_the_laws(kaplan):
    assert float(kaplan.paper["exponent alpha_N of the loss"]) == laws.KAPLAN_2020_N.alpha_N
    assert float(kaplan.paper["best size, N ~ C^a"]) == laws.KAPLAN_2020_ALLOCATION.a
    half = laws.off_optimum(laws.KAPLAN_2020_NS, ratio=0.5)[0]
    assert float(kaplan.paper["compute at half the best size"]) == pytest.approx(half, abs=5e-3)


@pytest.mark.parametrize("name", claims.PARTS)
def test_every_claim_has_an_interval_around_its_value(name):
    for chapter in claims.PARTS[name]:
        for found in chapter():
            assert found.low <= found.ours <= found.high, found.claim
            assert math.isfinite(found.high - found.low)
            assert found.source
            assert found.counts


def test_an_unknown_part_names_the_known():
    with pytest.raises(KeyError, match=f"no part 'Kaplen'; there are: {', '.join(claims.PARTS)}"):
        claims.part("Kaplen")


def test_everyones_splits_stand_beside_ours():
    table = claims.splits()
    studies = set(table.study.str.split(",").str[0].str.split().str[0])
    assert studies == {"Hoffmann", "Besiroglu", "Porian", "DeepSeek", "Llama", "ours"}
    assert set(table.approach[table.study == "ours, V = 256"].str[0]) == {"1", "2", "3"}
    printed = table[~table.study.str.startswith("ours")]
    a, b = (printed[x].str.split().str[0].astype(float) for x in "ab")
    assert (a + b).tolist() == pytest.approx([1.0] * len(printed), abs=2e-3)
    assert table[table.study.str.startswith("ours")].a.str.contains(" - ").all()
