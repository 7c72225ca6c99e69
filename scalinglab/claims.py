"""What the papers claim and what the recorded runs say: one number each, with its interval and verdict."""

import dataclasses
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from scalinglab import bowl, elbow, laws, mixture, overfitting, quanta, repeats, runs, shape, shift, tuning
from scalinglab.fit import bootstrap, envelope, fit_law, isoflop
from scalinglab.surface import counted, surface


@dataclasses.dataclass(frozen=True, kw_only=True)
class Claim:
    """A number that a paper prints, and ours.

    Attributes
    ----------
    chapter
        Number of the chapter that works it out.
    claim
        What the number is, with its symbol.
    source
        Paper and place.
    paper, ours
        The two values.
    low, high
        95 % interval of ours; where several sizes were measured, the least and the greatest.
    counts
        Which N and which C ours counts, and on which table.
    """

    chapter: int
    claim: str
    source: str
    paper: float
    ours: float
    low: float
    high: float
    counts: str

    @property
    def verdict(self) -> str:
        """``"agrees"`` if the paper's number lies in our interval, else which of the two is larger."""
        if self.low <= self.paper <= self.high:
            return "agrees"
        return "ours is larger" if self.ours > self.paper else "ours is smaller"


def table(claims: Iterable[Claim]) -> pd.DataFrame:
    """One row per claim, rounded to three digits, with its verdict."""
    rows = []
    for claim in claims:
        ends = f"{digits(claim.low)} - {digits(claim.high)}"
        numbers = digits(claim.paper), digits(claim.ours), ends
        rows.append((claim.chapter, claim.claim, claim.source, *numbers, claim.counts, claim.verdict))
    names = ["chapter", "claim", "source", "paper", "ours", "95 % interval", "counted", "verdict"]
    return pd.DataFrame(rows, columns=names)


def digits(value: float) -> str:
    """Three significant digits, without a power of ten between a thousandth and a million.

    Examples
    --------
    >>> digits(0.0764), digits(1.30001), digits(213.4)
    ('0.0764', '1.3', '213')
    """
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e3 or not value else f"{value:.2e}"


def fitted(Law: Any, table: pd.DataFrame, quantity: Callable[[Any], float]) -> dict[str, float]:
    """Fit a law and give a quantity of it with its 95 % interval, runs resampled."""
    found = fit_law(Law, table)
    low, high = bootstrap(found, table).of(quantity)
    return {"ours": float(quantity(found.law)), "low": float(low), "high": float(high)}


def three_power_laws() -> list[Claim]:
    """Kaplan's exponents of size, data and compute, without a floor, on ``first_family``."""
    family = runs.load("first_family").query("seed == 0")
    plenty = family[(family.D > 3.9e6) & (family.D >= 80 * family.N)]
    by_cost = family.sort_values("C")
    rows = (
        ("alpha_N", laws.SizeLaw, plenty, laws.KAPLAN_2020_N, "N without embeddings; D = 4 M"),
        ("alpha_D", laws.DataLaw, family[family.N == family.N.max()], laws.KAPLAN_2020_D, "N = 113 k"),
        (
            "alpha_C",
            laws.ComputeLaw,
            by_cost[by_cost.L == by_cost.L.cummin()],
            laws.KAPLAN_2020_C_MIN,
            "exact C at a fixed batch (Kaplan .057), runs that nothing cheaper beats",
        ),
    )
    return [
        Claim(
            chapter=3,
            claim=f"exponent {name} of the loss",
            source="Kaplan 2020, table 5",
            paper=getattr(published, name),
            counts=f"first_family; {counts}",
            **fitted(Law, table, operator.attrgetter(name)),
        )
        for name, Law, table, published, counts in rows
    ]


def batch_and_steps() -> list[Claim]:
    """How the critical batch grows as the loss falls, on ``batch``."""
    curves = runs.load("batch_curves").merge(runs.load("batch")[["id", "B", "lr"]], on="id")
    found = []
    for _, part in curves.groupby("N"):
        for loss in np.arange(1.7, 2.25, 0.1):
            reached = bowl.steps_to(part, loss=loss)
            best = reached.loc[reached.groupby("B").S.idxmin()]
            found.append((loss, bowl.critical_batch(best).B_crit))
    critical = pd.DataFrame(found, columns=["L", "B"])
    return [
        Claim(
            chapter=4,
            claim="exponent alpha_B of the critical batch",
            source="Kaplan 2020, table 5",
            paper=laws.KAPLAN_2020_B_CRIT.alpha_B,
            counts="batch; N = 25 and 113 k without embeddings",
            **fitted(laws.CriticalBatchLaw, critical, lambda law: law.alpha_B),
        )
    ]


def size_and_data() -> list[Claim]:
    """The exponents of Kaplan's joint law, and of enough data by both ways, on ``n_d_grid``."""
    tables = [runs.load(name) for name in ("n_d_grid", "fewer_epochs")]
    found = overfitting.stopped_early(pd.concat(tables, ignore_index=True))
    joint = overfitting.joint_exponents(found)
    enough = overfitting.enough_data(found, plenty=4e6)
    published = laws.KAPLAN_2020_ND
    places = {"alpha_N": ("table 2", published.alpha_N), "alpha_D": ("table 2", published.alpha_D)}
    places["p"] = ("equation 4.4", laws.KAPLAN_2020_ENOUGH_DATA.p)
    told = {"p": "enough data D ~ N^p, from the joint law"}
    rows = [
        (
            told.get(name, f"exponent {name} of the joint law"),
            *places[name],
            *joint.loc[name],
            "lowest losses",
        )
        for name in joint.index
    ]
    crossing = f"5 % above plenty, {len(enough.points)} sizes"
    rows.append(("enough data D ~ N^p, measured at 5 %", *places["p"], enough.law.p, *enough.band, crossing))
    least = overfitting.enough_data(found, plenty=4e6, share=0.02)
    crossing = f"2 % above plenty, {len(least.points)} sizes"
    rows.append(("enough data D ~ N^p, measured at 2 %", *places["p"], least.law.p, *least.band, crossing))
    return [
        Claim(
            chapter=5,
            claim=claim,
            source=f"Kaplan 2020, {place}",
            paper=paper,
            ours=float(ours),
            low=float(low),
            high=float(high),
            counts=f"n_d_grid, fewer_epochs; {counts}; N without embeddings, different bytes",
        )
        for claim, place, paper, ours, low, high, counts in rows
    ]


def sample_efficiency() -> list[Claim]:
    """Best size and data, the price of a miss, and where to stop, on ``isoflop``."""
    bowls = runs.load("isoflop")
    budgets = np.sort(bowls["budget"].unique())
    valley = surface(bowls, N="N", C="C")
    a, band = valley.exponent(C=budgets)
    split = isoflop(bowls.groupby(["budget", "N"], as_index=False)[["C", "D", "L"]].mean())
    curve = laws.KAPLAN_2020_NS
    rows = [
        ("best size, N ~ C^a", "table 6", 0.73, a, *band, "isoflop; N without embeddings, exact C"),
        ("best data, D ~ C^b", "table 6", 0.27, split.b, split.low["b"], split.high["b"], "isoflop; exact C"),
    ]
    for ratio, words in ((0.5, "half"), (2.0, "twice")):
        ours, ends = valley.price(ratio=ratio, C=budgets[:-1])
        paper = laws.off_optimum(curve, ratio=ratio)[0]
        told = f"compute at {words} the best size"
        rows.append((told, "equation B.16", paper, ours, *ends, "isoflop; mean of five budgets, exact C"))
    grid = np.geomspace(budgets[0], budgets[-1], 500)
    stops = []
    for N in (13_944, 24_736, 38_600):
        C = np.interp(N, valley.optimum(C=grid), grid)
        stops.append(float(valley(N=N, C=C)) / bowls[bowls.N == N].L.min())
    told = "loss at the cheapest stop over the converged one"
    counts = "isoflop; three sizes, at least, as no run has converged"
    rows.append((told, "equation B.5", 1.1, float(np.mean(stops)), min(stops), max(stops), counts))
    names = ("claim", "source", "paper", "ours", "low", "high", "counts")
    return [
        Claim(chapter=6, **(dict(zip(names, row, strict=True)) | {"source": f"Kaplan 2020, {row[1]}"}))
        for row in rows
    ]


def three_approaches() -> list[Claim]:
    """The exponents of Hoffmann's second and third approach, on ``isoflop``."""
    table = runs.load("isoflop")
    bowls = isoflop(table, N="N_total")
    return [
        Claim(
            chapter=7,
            claim=f"{words} {name}, from bowls",
            source="Hoffmann 2022, table 2, approach 2",
            paper=paper,
            ours=getattr(bowls, name),
            low=bowls.low[name],
            high=bowls.high[name],
            counts="isoflop; all parameters, exact C",
        )
        for words, name, paper in (
            ("exponent of the best size", "a", 0.49),
            ("exponent of the best data", "b", 0.51),
        )
    ] + [
        Claim(
            chapter=7,
            claim="exponent of the best size a, from the formula",
            source="Hoffmann 2022, table 2, approach 3",
            paper=0.46,
            counts="isoflop; all parameters, exact C",
            **parametric_exponent(table, "a"),
        )
    ]


def kaplan_vs_chinchilla() -> list[Claim]:
    """The exponent of the best size on ``vocabulary``, counted in full and counted Kaplan's way."""
    found = counted(runs.load("vocabulary"), {"full": ("N_total", "C"), "Kaplan": ("N", "C_6ND")})
    rows = (
        ("full", "counted in full", "Hoffmann 2022, table 2, approach 2", 0.49, "all parameters, exact C"),
        ("Kaplan", "counted Kaplan's way", "Kaplan 2020, table 6", 0.73, "N without embeddings, 6ND"),
    )
    return [
        Claim(
            chapter=9,
            claim=f"exponent of the best size a, V = 8192, {words}",
            source=source,
            paper=paper,
            ours=float(found.a[way]),
            low=float(found.low[way]),
            high=float(found.high[way]),
            counts=f"vocabulary, one surface; {counts}",
        )
        for way, words, source, paper, counts in rows
    ]


def beyond() -> list[Claim]:
    """What repeated text is worth, on ``repeat``."""
    table = runs.load("repeat")
    found = [
        Claim(
            chapter=11,
            claim=f"R_D, repetitions until a token is worth 1/e, N = {N / 1e3:.0f} k",
            source="Muennighoff 2023, constants of the code",
            paper=laws.MUENNIGHOFF_2023.R_D,
            ours=fit.R_D,
            low=fit.low,
            high=fit.high,
            counts="repeat; 250 k unique bytes, N without embeddings",
        )
        for N, part in table.groupby("N")
        for fit in [repeats.fit_worth(part)]
    ]
    worth = repeats.worth(table)
    four = worth[worth["epochs"].round() == 4]["worth"]
    paper = float(laws.MUENNIGHOFF_2023.effective_tokens(D=4.0, U=1.0))
    told = "worth of four epochs, in fresh ones"
    counts = "repeat; two sizes, two seeds"
    source = "Muennighoff 2023, equation 5"
    ends = {"low": float(four.min()), "high": float(four.max())}
    found.append(
        Claim(
            chapter=11, claim=told, source=source, paper=paper, ours=float(four.mean()), counts=counts, **ends
        )
    )
    return found


def sudden_skills() -> list[Claim]:
    """The exponents of skills that are used as ``i**-1.4``, on ``parity``; the paper's are its theory's."""
    found = quanta.exponents(runs.load("parity_curves"), alpha=0.4)
    told = {
        "number": ("number learned", "widths with room"),
        "steps": ("steps", "widths with room"),
        "width": ("width", "full widths"),
    }
    return [
        Claim(
            chapter=12,
            claim=f"exponent of the loss of parity in the {words}",
            source="Michaud 2023, section 2 (theory)",
            paper=found[name].theory,
            ours=found[name].value,
            low=found[name].low,
            high=found[name].high,
            counts=f"parity; {which}, 100 tasks, alpha = 0.4",
        )
        for name, (words, which) in told.items()
    ]


HOFFMANN_2022_SPLITS = (
    ("1, envelope", 0.50, (0.488, 0.502), 0.50, (0.501, 0.512)),
    ("2, bowls", 0.49, (0.462, 0.534), 0.51, (0.483, 0.529)),
    ("3, formula", 0.46, (0.454, 0.455), 0.54, (0.542, 0.543)),
)
"""Table 2 of Hoffmann et al. 2022: approach, a, b, each with the middle 80 % of fits to parts of the runs."""


def splits() -> pd.DataFrame:
    """Set the literature's exponents of the best split beside ours: ``N ~ C^a`` and ``D ~ C^b``.

    Returns
    -------
    DataFrame
        Columns ``study``, ``approach``, ``a``, ``b``, each with its interval (95 %, Hoffmann's 80 %) where
        there is one, and ``counted``.
    """
    rows: list[tuple] = [
        ("Hoffmann 2022, table 2", approach, a, ends, b, others, "all parameters, 6ND")
        for approach, a, ends, b, others in HOFFMANN_2022_SPLITS
    ]
    draws = pd.read_csv(runs.TABLES / "draws_besiroglu-2024.csv")
    low, high = (draws["beta"] / (draws["alpha"] + draws["beta"])).quantile([0.025, 0.975])
    a = laws.BESIROGLU_2024.a
    ends, others = (low, high), (1 - high, 1 - low)
    rows.append(("Besiroglu 2024", "3, refitted", a, ends, 1 - a, others, "all parameters, 6ND"))
    for study, law, counts in (
        ("Porian 2024, last step", laws.PORIAN_2024, "with the head, 6ND"),
        ("DeepSeek 2024, section 3.2", laws.DEEPSEEK_2024, "FLOPs per token, without the head"),
        ("Llama 3 2024, section 3.2.1", laws.LLAMA_3_2024, "not said"),
    ):
        rows.append((study, "2, bowls", law.a, None, law.b, None, counts))
    small, large = runs.load("isoflop"), runs.load("vocabulary")
    for study, approach, found, counts in (
        ("ours, V = 256", "1, envelope", envelope(small, id="N", N="N_total"), "all parameters"),
        ("ours, V = 256", "2, bowls", isoflop(small, N="N_total"), "all parameters"),
        ("ours, V = 8192", "2, bowls", isoflop(large, N="N_total"), "all parameters"),
        ("ours, V = 256", "2, bowls", isoflop(small), "without embeddings"),
        ("ours, V = 8192", "2, bowls", isoflop(large), "without embeddings"),
    ):
        ends, others = ((found.low[x], found.high[x]) for x in "ab")
        rows.append((study, approach, found.a, ends, found.b, others, f"{counts}, exact C"))
    formula = [parametric_exponent(small, x) for x in "ab"]
    ends, others = ((x["low"], x["high"]) for x in formula)
    a, b = (x["ours"] for x in formula)
    rows.append(("ours, V = 256", "3, formula", a, ends, b, others, "all parameters, exact C"))
    return pd.DataFrame(
        [(study, way, spanned(a, e), spanned(b, o), counts) for study, way, a, e, b, o, counts in rows],
        columns=["study", "approach", "a", "b", "counted"],
    )


def spanned(value: float, ends: tuple[float, float] | None) -> str:
    """Write a number with its interval, if there is one.

    Examples
    --------
    >>> spanned(0.5126, (0.466, 0.557)), spanned(0.49, None)
    ('0.513 (0.466 - 0.557)', '0.49')
    """
    return digits(value) if ends is None else f"{digits(value)} ({digits(ends[0])} - {digits(ends[1])})"


def parametric_exponent(table: pd.DataFrame, name: str) -> dict[str, float]:
    """Exponent ``"a"`` or ``"b"`` by Hoffmann's third approach with all parameters and exact FLOPs.

    A token costs ``C / D ~ N^q``: ``a = beta / (alpha + q beta)``, ``b = 1 - q a``.
    """
    by_total = table.assign(N=table["N_total"])
    q = float(np.polyfit(np.log(by_total.N), np.log(by_total.C / by_total.D), 1)[0])
    top = {"a": lambda law: law.beta, "b": lambda law: law.alpha}[name]
    return fitted(laws.Chinchilla, by_total, lambda law: top(law) / (law.alpha + q * law.beta))


def forecasting_emergence() -> list[Claim]:
    """Forecasts of the few-shot elbow against what was found, on ``emergence`` and ``finetune``."""
    from scalinglab import tasks  # torch, which no other claim needs

    models, curves = runs.load("emergence").query("corpus == 'skills'"), runs.load("emergence_curves")
    tunings = runs.load("finetune")
    paper = float(np.mean([task.predicted - task.found for task in laws.SNELL_2024_FORECASTS]))
    claims = []
    for skill in tunings["skill"].unique():
        few, rows = elbow.prompted(models, curves, skill), elbow.tuned(models, tunings, skill)
        odds = tasks.chance(tasks.SKILLS[skill])["exact"]
        if elbow.at_chance(few["exact"], chance=odds).all():
            continue  # no model has the skill: nothing to compare with
        known = elbow.still_at_chance(few, rows, chance=odds)
        found, truth = elbow.joint(known, chance=odds), elbow.single(few, chance=odds)
        if truth.high - truth.low > 0.2:
            continue  # accuracy with a prompt does not follow the loss: there is no elbow to foresee
        ours, low, high = elbow.difference(found, truth)
        claims.append(
            Claim(
                chapter=14,
                claim=f"few-shot elbow of {skill}, forecast minus found, nats",
                source="Snell 2024, all data, mean of four tasks",
                paper=paper,
                ours=ours,
                low=low,
                high=high,
                counts=f"emergence, finetune; models at chance; {found.high - found.low:.2f} nats wide",
            )
        )
    return claims


def learning_rate() -> list[Claim]:
    """The exponents of Step Law, and of others where size and data grow together, on ``lr_batch``."""
    table = tuning.by_length(runs.load("lr_batch"))
    ours = tuning.rate_and_batch(tuning.bowls(table), at={"N": 24_736, "D": 2e6})
    held = tuning.with_batch_held({"ours": tuning.best_along(table)})["ours"]
    step, porian = laws.STEP_LAW_2025, laws.PORIAN_2024_RATE
    rate, batch = ours["lr"], ours["B"]
    bowls = "lr_batch; six bowls, N without embeddings, D bytes"
    rows = [
        ("best rate in N, batch tuned", "Li 2025, equation 1", step.p_N, *rate.of("N"), bowls),
        ("best rate in D, batch tuned", "Li 2025, equation 1", step.p_D, *rate.of("D"), bowls),
        ("best batch in D", "Li 2025, equation 1", step.p_B, *batch.of("D"), bowls),
        (
            "best rate in N, D in step with N",
            "Porian 2024, section 3",
            porian.p_lr,
            *rate.along({"N": 1, "D": 1}),
            bowls,
        ),
        (
            "best rate in D, batch held",
            "Bjorck 2024, as table 1 of Li 2025 prints it",
            -0.32,
            *held.of("D"),
            "lr_batch; best rate at each batch of seven cells",
        ),
    ]
    return [
        Claim(
            chapter=15,
            claim=f"exponent of the {words}",
            source=source,
            paper=paper,
            ours=own,
            low=low,
            high=high,
            counts=counts,
        )
        for words, source, paper, own, low, high, counts in rows
    ]


def shape_and_experts() -> list[Claim]:
    """What a percent of loss is worth, and how the gain of experts changes with size, on ``moe``."""
    price = shape.price(shape.fall(runs.load("isoflop")))
    mixed = runs.load("moe")
    c = mixture.shrinking(mixture.with_active(mixed[mixed["rate"] == 1]))
    rows = [
        (
            "compute that makes good 1 % of loss, percent",
            "Kaplan 2020, figure 5",
            22.0,
            price.value,
            price.low,
            price.high,
            "isoflop; line through six bottoms, exact C",
        ),
        (
            "gain of experts: change c of its slope per factor of ten in size",
            "Clark 2022, table 3, S-BASE",
            laws.CLARK_2022.c,
            c.value,
            c.low,
            c.high,
            "moe; active N without embeddings, 6 - 83 k, D fixed",
        ),
    ]
    return [
        Claim(
            chapter=16, claim=claim, source=source, paper=paper, ours=own, low=low, high=high, counts=counts
        )
        for claim, source, paper, own, low, high, counts in rows
    ]


def distribution_shift() -> list[Claim]:
    """Whether the loss away is in a fixed ratio to that at home, and depends on it alone, on ``shift``."""
    points = shift.pairs(runs.load("shift"), runs.load("shift_curves"))
    own = points[(points["corpus"] == "sotu_pre1900") & points["text"].isin(["sotu_1946", "kjv"])]
    done = own["done"] == 1
    found = shift.lines(own[done])
    early = shift.off_line(own[done], own[~done].assign(done=0.0), "done").set_index("text")
    names = {"sotu_1946": "addresses from 1946", "kjv": "the Bible"}
    claims = []
    for text, name in names.items():
        row, stage = found.loc[text], early.loc[text]
        counts = "shift; trained before 1900, N without embeddings, bytes"
        power = {"ours": row["power"], "low": row["power_low"], "high": row["power_high"]}
        off = {"ours": stage["above"], "low": stage["low"], "high": stage["high"]}
        for claim, panel, paper, ours in (
            (f"power of the loss on {name} in that at home (1: parallel)", "left", 1.0, power),
            (f"loss on {name} in mid-training over that of finished models, %", "right", 0.0, off),
        ):
            source = f"Kaplan 2020, figure 8, {panel}"
            claims.append(Claim(chapter=18, claim=claim, source=source, paper=paper, counts=counts, **ours))
    return claims


PARTS: dict[str, tuple[Callable[[], list[Claim]], ...]] = {
    "Kaplan": (three_power_laws, batch_and_steps, size_and_data, sample_efficiency),
    "Chinchilla": (three_approaches, kaplan_vs_chinchilla, beyond),
    "Emergence": (sudden_skills, forecasting_emergence),
    "Other factors": (learning_rate, shape_and_experts, distribution_shift),
}
"""What each part of the book claims, chapter by chapter."""


def fit_part(name: str) -> list[Claim]:
    """Fit all that a part of the book claims, anew from the recorded runs; seconds.

    Raises
    ------
    KeyError
        There is no such part; the message lists those that are.
    """
    if name not in PARTS:
        raise KeyError(f"no part {name!r}; there are: {', '.join(PARTS)}")
    found = [claim for chapter in PARTS[name] for claim in chapter()]
    unsure = [claim.claim for claim in found if not math.isfinite(claim.low + claim.high)]
    if unsure:
        raise FloatingPointError(f"no interval for: {', '.join(unsure)}")
    return found


def part(name: str) -> pd.DataFrame:
    """Make the `table` of what a part of the book claims."""
    return table(fit_part(name))


def distances(claims: Iterable[Claim]) -> pd.DataFrame:
    """Put claims of any unit on one scale: how far ours is from the paper's, in half intervals of ours.

    Returns
    -------
    DataFrame
        One row per claim: ``chapter``, ``claim``, ``paper``, ``ours``, ``low``, ``high``, ``verdict`` and
        ``distance``, which lies between -1 and 1 where the paper's number lies in our interval, is
        positive where ours is larger, and is measured with the side of the interval that faces the paper's.

    Examples
    --------
    >>> one = Claim(
    ...     chapter=1, claim="c", source="s", paper=2.0, ours=5.0, low=4.0, high=9.0, counts="all"
    ... )
    >>> float(distances([one]).distance[0])
    3.0
    """
    rows = []
    for claim in claims:
        side = claim.ours - claim.low if claim.ours > claim.paper else claim.high - claim.ours
        row = dataclasses.asdict(claim) | {"verdict": claim.verdict}
        rows.append(row | {"distance": (claim.ours - claim.paper) / side if side else 0.0})
    return pd.DataFrame(rows).drop(columns=["source", "counts"])
