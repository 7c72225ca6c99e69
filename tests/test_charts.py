"""Charts hold what they are given, and their first state makes the point."""

import numpy as np
import pandas as pd
import pytest

from scalinglab import charts, counting, elbow, fit, laws, plots


def test_temperature_chart_holds_every_byte():
    chart = charts.temperature_chart(np.full(256, 1 / 256)).to_dict()
    (rows,) = chart["datasets"].values()
    assert len(rows) == 256


def test_floor_chart_recovers_a_law_at_its_floor():
    law = laws.SizeFloorLaw(E=1.0, N_c=1e3, alpha_N=0.3)
    N = np.geomspace(1e3, 1e5, 6)
    chart = charts.floor_chart(pd.DataFrame({"N": N, "L": law(N=N)}), "N").to_dict()
    says = {row["says"] for rows in chart["datasets"].values() for row in rows if "says" in row}
    assert "E = 1.00: exponent 0.300, error 0.00 %" in says


def test_flops_chart_counts_what_the_package_counts():
    shapes = pd.DataFrame([["nano", 2, 8], ["large", 96, 12288]], columns=["model", "n_layer", "d_model"])
    chart = charts.flops_chart(shapes, V=8192, n_ctx=256).to_dict()
    assert {p["name"]: p["value"] for p in chart["params"]} == {"log_vocabulary": 13, "log_context": 8}
    wanted = counting.flops(counting.Shape(V=8192, n_layer=2, d_model=8, n_head=2, n_ctx=256))
    names = {
        "attention matrices": wanted.attention,
        "feed-forward": wanted.feed_forward,
        "attention scores": wanted.scores,
        "head": wanted.head,
    }
    steps = chart["layer"][0]["transform"]
    formulas = {step["as"]: step["calculate"] for step in steps if "calculate" in step}
    for name, flops in names.items():
        python = formulas[name].replace("datum.n_layer", "2").replace("datum.d_model", "8")
        assert eval(python, {"pow": pow, "log_context": 8, "log_vocabulary": 13}) == flops


def test_the_slider_starts_at_the_highest_loss(tradeoffs):
    spec = charts.tradeoff_chart(*tradeoffs).to_dict()
    assert spec["params"][0]["value"] == 0
    says = {
        row["says"]
        for rows in spec["datasets"].values()
        for row in rows
        if row.get("level") == 0 and "says" in row
    }
    assert says == {"to 2.00 nats: at least 500 steps and 1M tokens; critical batch 2,000 tokens"}


def test_efficiency_chart_names_the_cheapest_size_by_tokens_and_by_flops():
    reached = {
        2.0: pd.DataFrame({"N": [1e3, 1e4, 1e5], "D": [9e5, 3e5, 2e5], "C": [9e9, 4e9, 6e9]}),
        1.8: pd.DataFrame({"N": [1e4, 1e5], "D": [9e5, 4e5], "C": [2e10, 1e10]}),
    }
    chart = charts.efficiency_chart(reached).to_dict()
    assert [(p["name"], p["value"]) for p in chart["params"]] == [("level", 0)]
    rows = [row for data in chart["datasets"].values() for row in data]
    least = {(r["level"], r["spent"]): r["N"] for r in rows if r.get("least")}
    assert least == {(0, "tokens"): 1e5, (0, "FLOPs"): 1e4, (1, "tokens"): 1e5, (1, "FLOPs"): 1e5}
    assert min(r["times"] for r in rows if "times" in r) == 1
    assert "to 2.00 nats, fewest tokens: 100k, fewest FLOPs: 10k" in {r.get("says") for r in rows}


def test_bowls_chart_names_the_best_split_of_every_budget():
    size, budget = np.meshgrid(np.geomspace(0.2, 5, 7), [1e18, 3e18, 1e19])
    table = pd.DataFrame({"budget": budget.ravel()})
    table["N"] = size.ravel() * laws.BESIROGLU_2024.optimum(C=table["budget"])[0]
    table["D"] = table["budget"] / (6 * table["N"])
    table["L"] = laws.BESIROGLU_2024(N=table["N"], D=table["D"])
    found = fit.isoflop(table, n=0).minima
    lines = plots.bowl_lines(table)
    assert np.allclose(lines.groupby("budget").L.min(), found["L"], rtol=1e-4)
    chart = charts.bowls_chart(table, found).to_dict()
    assert {p["name"]: p["value"] for p in chart["params"]} == {"level": 18.0}
    says = {row["says"] for rows in chart["datasets"].values() for row in rows if "says" in row}
    N, D = laws.BESIROGLU_2024.optimum(C=1e18)
    assert len(says) == 3
    assert any(f"D/N = {D / N:.0f}" in text and text.startswith("1e+18") for text in says)


def test_tolerance_chart_starts_at_the_solvers_own_tolerances():
    path = pd.DataFrame({"step": [0, 1, 2, 3], "a": [0.45, 0.46, 0.5, 0.51]})
    stops = pd.DataFrame(
        {
            "reduction": ["mean", "sum", "mean", "sum"],
            "tolerance": [1, 1, 0.1, 0.1],
            "steps": [1, 2, 2, 3],
            "a": [0.46, 0.5, 0.5, 0.51],
            "excess": [0.5, 0.1, 0.1, 1e-9],
        }
    )
    chart = charts.tolerance_chart(path, stops, truth=0.512).to_dict()
    assert {p["name"]: p["value"] for p in chart["params"]} == {"level": 0}
    says = {row["says"] for rows in chart["datasets"].values() for row in rows if row.get("level") == 0}
    assert "mean: stops after 1 steps at a = 0.460, 50.0 % above the minimum" in says


def test_forecast_chart_says_how_far_off_the_last_budget_is():
    rows = [(1e11, 1e11, 2.0, 0.01), (1e11, 1e12, 1.5, 10.0), (1e12, 1e11, 2.0, 0.1), (1e12, 1e12, 1.5, 1.0)]
    found = pd.DataFrame(rows, columns=["fitted", "budget", "L", "off"])
    found["reach"], found["fit_error"], found["held"] = found["budget"] / found["fitted"], 0.4, False
    found["predicted"] = found["L"] * (1 + found["off"] / 100)
    found["low"], found["high"] = 0.99 * found["predicted"], 1.01 * found["predicted"]
    chart = charts.forecast_chart(found).to_dict()
    assert {p["name"]: p["value"] for p in chart["params"]} == {"level": 11.0}
    says = {row["at"]: row["says"] for data in chart["datasets"].values() for row in data if "says" in row}
    assert says[11.0] == "error 0.4 % where fitted, 10.0 % at the last; 0 of 1 held"
    kinds = [
        row["kind"]
        for data in chart["datasets"].values()
        for row in data
        if row.get("at") == 11.0 and "kind" in row
    ]
    assert kinds == ["fitted", "predicted"]


def test_repeats_chart_starts_at_the_papers_constant_on_the_sliders_grid():
    rows = [(1e4, 4.001, 3.5), (1e4, 4.0, 3.7), (1e5, 4.0, 3.0)]
    table = pd.DataFrame(rows, columns=["N", "epochs", "worth"])
    chart = charts.repeats_chart(table, R_D=15.4).to_dict()
    (slider,) = chart["params"]
    steps = (slider["value"] - slider["bind"]["min"]) / slider["bind"]["step"]
    assert slider["value"] == 15.4
    assert np.isclose(steps, round(steps))
    dots = [row for rows in chart["datasets"].values() for row in rows if "size" in row]
    assert [(row["size"], row["worth"]) for row in dots] == [("N = 10k", 3.6), ("N = 100k", 3.0)]
    formula = chart["layer"][1]["transform"][0]["calculate"].replace("datum.epochs", "40")
    wanted = laws.MUENNIGHOFF_2023.effective_tokens(D=40.0, U=1.0)
    assert np.isclose(eval(formula, {"exp": np.exp, "R": laws.MUENNIGHOFF_2023.R_D}), wanted)


def test_data_chart_names_the_best_size_and_puts_epochs_beside_their_lines():
    """On little text the line of many epochs leaves the picture, and its name stays inside."""
    N, times = (x.ravel() for x in np.meshgrid([1e4, 1e5, 1e6], [1, 10]))
    few = pd.DataFrame(
        {"N": N, "U": 1e5, "D": 1e5 * times, "L": 2.0 - 0.1 * np.log10(N) + (times > 5) * N / 3e5}
    )
    much = few[few.D == few.U].assign(U=1e7, D=1e7, L=lambda t: t.L / 2)
    table = pd.concat([few, much], ignore_index=True)
    found = table.loc[table.groupby(["N", "U"]).L.idxmin(), ["N", "U", "L"]]
    law = laws.SizeDataLaw(N_c=4e5, D_c=4e6, alpha_N=0.13, alpha_D=0.16)
    spec = charts.data_chart(table, found, law).to_dict()
    rows = [row for rows in spec["datasets"].values() for row in rows if "says" in row and row["level"] == 0]
    assert {row["says"] for row in rows} == {"100k bytes: best N 1M, 1.40 nats", "1 x", "10 x"}
    assert {row["says"]: row["N"] for row in rows if "x" in row["says"]} == {"1 x": 1e6, "10 x": 1e5}


def test_vocabulary_chart_begins_where_the_bend_is_large_and_bends_less_for_bytes():
    chart = charts.vocabulary_chart(laws.BESIROGLU_2024).to_dict()
    assert {p["name"]: p["value"] for p in chart["params"]} == {"power": 16}
    rows = pd.DataFrame([row for data in chart["datasets"].values() for row in data if "power" in row])
    at = rows[rows["N"] == 1e6].set_index("power")["a"]
    assert at[16] > 0.85 > 0.7 > at[8]
    assert rows.loc[rows["N"] == 1e12, "a"].max() < laws.BESIROGLU_2024.a + 0.01


def test_rulers_chart_shows_one_model_by_two_metrics():
    chart = charts.rulers_chart(laws.ExactMatchLaw(N_c=1e5, alpha_N=0.5), tests=200).to_dict()
    assert {p["name"]: p["value"] for p in chart["params"]} == {"length": 12}
    rows = [row for data in chart["datasets"].values() for row in data if "nats" in row]
    formula = chart["layer"][0]["transform"][0]["calculate"].replace("datum.nats", "nats")
    found = [eval(formula, {"exp": np.exp, "length": 5, "nats": row["nats"]}) for row in rows]
    wanted = laws.ExactMatchLaw(N_c=1e5, alpha_N=0.5)(N=np.array([row["N"] for row in rows]), length=5)
    assert np.allclose(found, wanted)


def test_rate_chart_names_the_best_rate_of_each_batch_and_the_price_of_four_times_as_much():
    lr, B = (x.ravel() for x in np.meshgrid([1e-3, 2e-3, 4e-3, 8e-3], [128, 256]))
    L = 2 * np.exp(0.05 * np.log(lr / np.where(B == 128, 1e-3, 2e-3)) ** 2)
    cell = pd.DataFrame({"lr": lr, "B": B, "L": L})
    spec = charts.rate_chart(cell, pd.DataFrame({"B": [256], "lr": [2e-3]})).to_dict()
    says = [row["says"] for data in spec["datasets"].values() for row in data if "says" in row]
    assert says == [
        "B = 128: best rate 0.001; four times: +10.1 %",
        "B = 256: best rate 0.002; four times: +10.1 %",
    ]
    assert spec["params"][0]["value"] == 0


def test_steps_chart_begins_with_a_hundred_sharp_steps_and_a_mean_along_the_theory():
    chart = charts.steps_chart(alpha=0.4).to_dict()
    assert {p["name"]: p["value"] for p in chart["params"]} == {"level": 4}
    rows = pd.DataFrame([row for data in chart["datasets"].values() for row in data if "level" in row])
    told = rows.dropna(subset="says").set_index("level")["says"]
    assert told[0] == "1 skill: the mean falls from 75 to 25 % in 0.1 decades"
    assert told[4].startswith("100 skills: ")
    mean = rows[rows["L"].notna() & rows["task"].isna() & (rows["level"] == 6)]
    mean = mean[mean["S"].between(1e3, 3e4)]
    slope = np.polyfit(np.log(mean["S"]), np.log(mean["L"]), 1)[0]
    assert slope == pytest.approx(-0.4 / 1.4, abs=0.05)  # of ten thousand skills
    thin = rows[rows["task"].notna() & (rows["level"] == 4)]
    assert thin["task"].nunique() <= 14


def test_elbow_chart_starts_with_the_most_examples():
    amounts = (100, 4000)
    law = elbow.moved(few_shot=1.1, most=1.6, alpha=1.0, amounts=amounts)
    table = elbow.simulated(law, elbow.TRIED, amounts, seed=0)
    found = elbow.joint(table, chance=law.chance)
    few = pd.DataFrame({"L": [1.3, 1.5], "exact": [0.0, 0.0]})
    spec = charts.elbow_chart(table.assign(N=1000), found, few).to_dict()
    assert [(p["name"], p["value"]) for p in spec["params"]] == [("level", 1)]
    rows = [row for data in spec["datasets"].values() for row in data]
    says = {row["level"]: row["says"] for row in rows if "level" in row and "says" in row}
    assert says[1].startswith("4,000 examples: elbow at 1.6")
    assert max(row["exact"] for row in rows if "says" in row and "exact" in row) == 1.0


def test_verdict_chart_keeps_far_claims_at_the_end_of_its_axis():
    rows = [
        {"chapter": 3, "claim": "near", "paper": 1.0, "ours": 1.1, "low": 0.9, "high": 1.3, "distance": 0.5},
        {"chapter": 3, "claim": "far", "paper": 1.0, "ours": 9.0, "low": 8.9, "high": 9.1, "distance": 80.0},
    ]
    table = pd.DataFrame(rows).assign(verdict=["agrees", "ours is larger"], part="Kaplan")
    spec = charts.verdict_chart(table).to_dict()
    data = max(spec["datasets"].values(), key=len)
    assert [row["at"] for row in data] == [0.5, 12.0]
    assert [row["ours"] for row in data] == [1.1, 9.0]
    assert spec["params"][0]["value"] == "Kaplan"
