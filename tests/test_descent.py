"""A stock solver stops where its tolerances say, on the sum and on the mean."""

import numpy as np
import pytest

from scalinglab import descent, fit, laws, replication


@pytest.fixture(scope="module")
def study():
    return replication.simulated_study()


def test_starts_are_hoffmanns():
    starts = descent.hoffmann_starts()
    assert len(starts) == len(set(starts)) == 4500
    assert {law.alpha for law in starts} == {0, 0.5, 1, 1.5, 2}
    assert min(law.E for law in starts) == pytest.approx(np.exp(-1))


def test_strict_tolerances_lead_to_the_minimum_from_the_sum_and_from_the_mean(study):
    least = fit.fit_law(laws.Chinchilla, study)
    for reduction in ("sum", "mean"):
        found = descent.descend(study, [laws.HOFFMANN_2022], reduction=reduction, tolerance=1e-8)
        assert found["objective"].item() == pytest.approx(least.objective, rel=1e-9)
        assert found["a"].item() == pytest.approx(least.law.a, abs=1e-4)


def test_the_mean_stops_first_and_higher(study):
    summed, mean = (
        descent.descend(study, [laws.HOFFMANN_2022], reduction=reduction).iloc[0]
        for reduction in ("sum", "mean")
    )
    assert mean["steps"] < summed["steps"]
    assert mean["objective"] > 1.2 * summed["objective"]
    assert mean["why"] in ("slope", "fall")


def test_a_path_passes_the_places_where_both_stop(study):
    path = descent.path(study, laws.HOFFMANN_2022)
    assert path["step"].tolist() == list(range(len(path)))
    assert path["a"].iloc[0] == pytest.approx(laws.HOFFMANN_2022.a)
    stop = descent.descend(study, [laws.HOFFMANN_2022]).iloc[0]
    assert path["a"][stop["steps"]] == pytest.approx(stop["a"], abs=1e-9)


def test_the_slope_is_that_of_the_objective(study):
    objective, _ = descent._objective(study, "N", 1e-3, "mean")
    x = np.array([0.5, 6.0, 7.0, 0.33, 0.35])
    each = np.eye(5) * 1e-6
    numeric = [(objective(x + h)[0] - objective(x - h)[0]) / 2e-6 for h in each]
    np.testing.assert_allclose(objective(x)[1], numeric, rtol=1e-4)


def test_an_unknown_reduction_is_refused(study):
    with pytest.raises(ValueError, match="'total'"):
        descent.descend(study, [laws.HOFFMANN_2022], reduction="total")
