"""Mirage: the break of a broken line is found with its interval, and crossings where they are."""

import numpy as np
import pandas as pd
import pytest

from scalinglab.mirage import broken_line, crossing


@pytest.fixture
def hinge():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"L": rng.uniform(1.1, 2.0, 60)})
    table["y"] = 0.2 + 0.1 * (1.4 - table.L) + 1.4 * np.maximum(1.4 - table.L, 0)
    return table.assign(y=table.y + rng.normal(0, 0.01, len(table)))


def test_a_break_is_found_inside_its_interval(hinge):
    found = broken_line(hinge, "y", n=100)
    for name, truth in {"eta": 1.4, "before": 0.1, "after": 1.5}.items():
        assert found.bands[name].low <= truth <= found.bands[name].high
    assert found.gain > 0.8
    assert found(L=np.array([1.4])) == pytest.approx(0.2, abs=0.02)


def test_a_straight_line_gains_little_from_a_break(hinge):
    straight = hinge.assign(y=1 - hinge.L + np.random.default_rng(1).normal(0, 0.02, len(hinge)))
    found = broken_line(straight, "y", n=50)
    assert found.gain < 0.2
    assert found.before / found.after > 0.5


def test_what_size_adds_at_the_same_loss_is_told_apart(hinge):
    table = hinge.assign(N=np.random.default_rng(2).choice([1e4, 1e5], len(hinge)))
    table["y"] += 0.05 * np.log(table.N)
    found = broken_line(table, "y", sized=True, n=100)
    assert found.bands["size"].low < 0.05 < found.bands["size"].high
    assert found.eta == pytest.approx(1.4, abs=0.03)
    assert broken_line(hinge, "y", n=5).size == 0


def test_too_few_models():
    with pytest.raises(ValueError, match="3 models for two lines of 4 each; measure at least 10"):
        broken_line(pd.DataFrame({"L": [1.0, 2.0, 3.0], "y": 0.0}), "y")


def test_crossings_lie_between_the_models_around_them():
    table = pd.DataFrame(
        {"N": [1, 1, 1, 2, 2, 3], "D": [1, 2, 3, 1, 2, 1], "L": [2.0, 1.5, 1.2, 2.0, 1.8, 1.0]}
    )
    table["y"] = [0.0, 0.4, 0.8, 0.0, 0.1, 0.9]
    found = crossing(table, "y", level=0.6).set_index("N").L
    assert found[1] == pytest.approx(1.35)
    assert found[[2, 3]].isna().all()
