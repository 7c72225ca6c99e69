"""Single descents end at the least loss or above it, never below."""

import pytest

from scalinglab import fit, laws, runs, starts


def test_some_starts_arrive_and_others_do_not():
    table = runs.load("isoflop")
    ends = starts.descents(laws.Chinchilla, table, n=8)
    assert ends["times"].is_monotonic_increasing
    assert ends["times"].iloc[0] == pytest.approx(1, abs=1e-3)
    assert ends["times"].min() > 1 - 1e-9
    assert ends["times"].iloc[-1] > 2
    assert ends["E"].iloc[0] == pytest.approx(fit.fit_law(laws.Chinchilla, table).law.E, abs=0.02)
