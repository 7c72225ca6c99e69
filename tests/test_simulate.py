"""Simulated tables are what their law says, and intervals hold it."""

import numpy as np
import pytest

from scalinglab import fit, laws, simulate

ALIKE = laws.Chinchilla(E=1.87, A=520.8, B=1487.7, alpha=0.3527, beta=0.3527)


def test_bowls_lie_around_the_best_size_and_spend_their_budget():
    table = simulate.bowls_of(laws.HOFFMANN_2022, C=[1e19, 1e20], width=8, off=[1, 3], sizes=5)
    assert np.allclose(6 * table["N"] * table["D"], table["budget"])
    assert (table["N"] / table["best"]).iloc[[0, 2, 4, 7]].tolist() == pytest.approx([1 / 8, 1, 8, 3])
    assert np.allclose(table["L"], laws.HOFFMANN_2022(N=table["N"], D=table["D"]))


@pytest.mark.parametrize(("law", "shift"), [(ALIKE, 1.0), (laws.HOFFMANN_2022, 1.047)])
def test_a_parabola_misses_the_bottom_of_a_lopsided_bowl_only(law, shift):
    table = simulate.bowls_of(law, C=[1e20, 1e21], width=16, sizes=15)
    found = fit.isoflop(table, method="parabola", near=15, n=0)
    assert (found.minima["N"] / law.optimum(C=found.minima["C"])[0]).tolist() == pytest.approx(
        [shift] * 2, abs=2e-3
    )
    assert found.a == pytest.approx(law.a, abs=1e-3)


def test_trials_hold_the_truth_of_the_right_form_and_not_of_another():
    table = simulate.bowls_of(laws.BESIROGLU_2024, C=np.geomspace(1e18, 1e20, 5), width=4)
    far = simulate.bowls_of(laws.BESIROGLU_2024, C=[1e22], width=2, sizes=3)[1:2]
    how = {"runs": table, "targets": far, "noise": 0.002, "tables": 5, "n": 60}
    right = simulate.trials(laws.BESIROGLU_2024, laws.Chinchilla, **how)
    other = laws.SizeDataLaw(N_c=1e12, D_c=1e12, alpha_N=0.2, alpha_D=0.2)
    wrong = simulate.trials(other, laws.Chinchilla, **how)
    assert right["held"].sum() >= 4
    assert wrong["held"].sum() == 0
    assert np.allclose(right["true"], laws.BESIROGLU_2024(N=far["N"], D=far["D"]).iloc[0])
