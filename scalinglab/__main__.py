"""The command line: fit a table of runs, plan a run, look up laws, train, sweep."""

import json
import math
import operator
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from scalinglab import columns, laws, planning, runs
from scalinglab.console import advise, exclusive, finite, plain, say, show
from scalinglab.files import replace, replace_text
from scalinglab.fit import Fit, Intervals, bootstrap, fit_law

app = typer.Typer(add_completion=False, no_args_is_help=False, pretty_exceptions_enable=False)


UNITS = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
"""Letters that an amount may end with."""


def amount(text: str | float) -> float:
    """Read an amount, also as ``5T``, ``70B``, ``2M`` or ``1_000``.

    Examples
    --------
    >>> amount("5T"), amount("1e21")
    (5000000000000.0, 1e+21)
    """
    digits, unit = str(text).strip(), 1.0
    if digits[-1:].upper() in UNITS:
        digits, unit = digits[:-1], UNITS[digits[-1:].upper()]
    try:
        return float(digits) * unit
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no amount; write 5e12 or 5T") from error


def _amount(help: str) -> Any:
    return typer.Option(help=help, parser=amount, metavar="NUMBER")


@app.callback(invoke_without_command=True)
def greet(context: typer.Context) -> None:
    """Scaling laws of language models: fit them, plan with them, train for them."""
    if context.invoked_subcommand is None:
        say(
            "scalinglab: scaling laws of language models. Three things to try:\n\n"
            "  python -m scalinglab plan --flops 1e21 --law besiroglu\n"
            "      how large a model, how many tokens, which loss; and what other papers would say\n"
            "  python -m scalinglab fit runs.csv --law chinchilla --bootstrap 1000\n"
            "      your own runs fitted, with intervals\n"
            "  python -m scalinglab train --D 2e5\n"
            "      a small GPT trained on this machine, in a minute\n\n"
            "All commands: python -m scalinglab --help"
        )


@app.command()
@advise
def fit(
    file: Annotated[Path, typer.Argument(metavar="RUNS", help="table of runs: .csv, .parquet, .json")],
    law: Annotated[
        str, typer.Option(help="law to fit, as `python -m scalinglab laws` lists it")
    ] = "chinchilla",
    bootstrap_: Annotated[int, typer.Option("--bootstrap", help="resampled tables; 0: no intervals")] = 1000,
    columns_: Annotated[
        str, typer.Option("--columns", help=f"the file's names and units: {columns.EXAMPLE}, D=tokens*1e9")
    ] = "",
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="leave out rows that lack a needed value")
    ] = False,
    delta: Annotated[float, typer.Option(help="residual at which the Huber loss turns linear")] = 1e-3,
    level: Annotated[float, typer.Option(help="of the intervals")] = 0.95,
    seed: Annotated[int, typer.Option(help="of the resampling")] = 0,
    plot: Annotated[Path | None, typer.Option(help="draw measured against fitted: .png, .svg, .pdf")] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", help="write parameters, intervals and draws")
    ] = None,
) -> None:
    """Fit a law to a table of runs, with intervals and warnings."""
    for path in filter(None, (plot, json_)):
        need_folder(path)
    Law = law_class(law)
    table = read_runs(file, Law, columns_, drop_missing=drop_missing)
    try:
        fitted = fit_law(Law, table, delta=delta)
    except ValueError as error:
        raise ValueError(f"{file}: {error}" + (f" ({columns_})" if columns_ else "")) from error
    sure = bootstrap_ and fitted.status != "few"
    spread = bootstrap(fitted, table, n=bootstrap_, seed=seed, level=level) if sure else None
    show(parameter_table(fitted, spread), title=f"{Law.__name__}: {plain(Law.formula)}")
    say(f"{fitted.n} runs, objective {fitted.objective:.6g}, status {fitted.status}")
    warnings = dict.fromkeys(fitted.warnings + (spread.warnings if spread else ()))
    for warning in warnings:
        say(f"warning: {warning}")
    if bootstrap_ and not sure:
        say("no intervals: so few different runs do not tell how large their noise is")
    if json_:
        replace_text(json_, json.dumps(finite(fit_record(fitted, spread, file))))
        say(f"wrote {json_}")
    if plot:
        draw_fit(fitted, table, plot)
        say(f"wrote {plot}")


def law_class(key: str) -> Any:
    """Find a law's class by its key or by that of one of its published instances."""
    found = laws.find(key)
    return found if isinstance(found, type) else type(found)


def read_runs(file: Path, Law: Any, mapping: str, *, drop_missing: bool = False) -> pd.DataFrame:
    """Read a table with the columns that a law needs, in their units."""
    table = runs.read(file)
    if ".csv" in file.suffixes:  # so that what is wrong is found by the file's own lines
        table.index = pd.RangeIndex(2, len(table) + 2, name="line")
    asked = columns.parse(mapping) if mapping else {}
    if asked:
        table = columns.rename(table, asked)
    predicts = Law.predicts if isinstance(Law.predicts, tuple) else (Law.predicts,)
    needed = (*laws.inputs(Law), *predicts)
    missing = [name for name in needed if name not in table]
    if missing:
        raise KeyError(
            f"{file}: {Law.__name__} needs {', '.join(needed)}; there is no {', '.join(missing)}.\n"
            f"columns found: {', '.join(map(str, table.columns))}. "
            f"Map them: --columns {columns.suggest(table, missing=missing)}"
        )
    columns.check_units(table, names=needed, mapping=asked)
    empty = table[list(needed)].isna()
    if not (lacking := empty.any(axis=1)).any():
        return table
    places = [str(place) for place in table.index[lacking]]
    told = f"{table.index.name or 'row'} {', '.join(places[:5])}{', ...' if len(places) > 5 else ''}"
    if not drop_missing:
        own = [asked[name].name if name in asked else name for name in needed if empty[name].any()]
        raise ValueError(
            f"{file}: no number in {' or '.join(map(repr, own))} at {told}; mend the file, or leave such "
            "rows out: --drop-missing"
        )
    say(f"{len(places)} of {len(table)} rows left out, as a number is missing: {told}")
    return table[~lacking]


def parameter_table(fitted: Fit, spread: Intervals | None) -> pd.DataFrame:
    """One row per parameter, then the exponents that follow, with their intervals."""
    rows = []
    for p in laws.parameters(fitted.law):
        ends = (spread.low[p.name], spread.high[p.name]) if spread else (math.nan, math.nan)
        rows.append((p.name, float(getattr(fitted.law, p.name)), *ends, p.meaning))
    for name, meaning in {
        "a": "exponent of the best size in the budget",
        "b": "exponent of the best data in the budget",
    }.items():
        if isinstance(getattr(type(fitted.law), name, None), property):
            band = spread.of(operator.attrgetter(name)) if spread else (math.nan, math.nan)
            rows.append((name, float(getattr(fitted.law, name)), *band, meaning))
    return pd.DataFrame(rows, columns=["parameter", "value", "low", "high", "meaning"])


def fit_record(fitted: Fit, spread: Intervals | None, file: Path) -> dict[str, Any]:
    """Everything about a fit, as JSON can hold it."""
    names = [p.name for p in laws.parameters(fitted.law)]
    key = next(key for key, cls in laws.classes().items() if cls is type(fitted.law))
    return {
        "law": key,
        "runs": str(file),
        "n": fitted.n,
        "parameters": {name: float(getattr(fitted.law, name)) for name in names},
        "low": spread.low if spread else None,
        "high": spread.high if spread else None,
        "level": spread.level if spread else None,
        "largest_C": fitted.largest_C,
        "objective": fitted.objective,
        "status": fitted.status,
        "warnings": [*dict.fromkeys(fitted.warnings + (spread.warnings if spread else ()))],
        "draws": spread.draws.to_dict("list") if spread else None,
    }


def draw_fit(fitted: Fit, table: pd.DataFrame, path: Path) -> None:
    """Draw measured against fitted values, and the residuals below each other, to a file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    target = type(fitted.law).predicts
    if isinstance(target, tuple):
        raise ValueError(f"a plot shows one prediction; the law gives {', '.join(target)}: leave --plot out")
    measured = table.loc[fitted.residuals.index, target].to_numpy(dtype=float)
    r = fitted.residuals.to_numpy()
    predicted = measured * np.exp(r) if fitted.problem.residual == "log" else measured + r
    left.plot(predicted, measured, "o", ms=4)
    left.axline((predicted.min(),) * 2, slope=1, color="0.4", lw=1)
    left.set(xlabel=f"{target} of the law", ylabel=f"{target} measured", title=type(fitted.law).__name__)
    right.plot(predicted, 100 * (np.exp(-r) - 1), "o", ms=4)
    right.axhline(0, color="0.4", lw=1)
    right.set(xlabel=f"{target} of the law", ylabel="measured above law (%)")
    replace(path, lambda beside: figure.savefig(beside, dpi=150))


@app.command()
@advise
def plan(
    flops: Annotated[float | None, _amount("budget in FLOPs, as 1e21")] = None,
    law: Annotated[str, typer.Option(help="a published law, as `python -m scalinglab laws` lists them")] = "",
    fit_: Annotated[Path | None, typer.Option("--fit", help="your own law: what `fit --json` wrote")] = None,
    gpus: Annotated[float | None, typer.Option(help="devices, in the place of --flops")] = None,
    days: Annotated[float | None, typer.Option(help="of these devices")] = None,
    peak: Annotated[float | None, typer.Option(help="FLOP/s of one device, as 312e12")] = None,
    utilisation: Annotated[float, typer.Option(help="share of the peak that training reaches")] = 0.4,
    unique: Annotated[float | None, _amount("unique tokens that there are, as 5T")] = None,
    inference: Annotated[float | None, _amount("tokens of use in the model's life, as 2T")] = None,
    level: Annotated[float, typer.Option(help="of the intervals")] = 0.95,
) -> None:
    """Split a budget: parameters, tokens, loss; and what other laws would say."""
    C = wanted_budget(flops, gpus=gpus, days=days, peak=peak, utilisation=utilisation)
    chosen, draws, name, largest_C, doubts = chosen_law(law, fit_, unique)
    if unique is not None and "U" not in laws.inputs(chosen):
        raise ValueError(
            f"{name} does not know what repeated tokens are worth: leave --unique out, or take "
            "--law muennighoff-2023"
        )
    best = planning.allocate(chosen, C=C, U=unique)
    ends = planning.intervals(chosen, draws, C=C, U=unique, level=level) if draws is not None else None
    say(f"C = {C:.4g} FLOPs under {name}" + (f"; {chosen.source}" if chosen.source else ""))
    show(plan_table(best, ends, unique))
    say(f"N counts {best.n_convention} parameters" if best.n_convention else "N counts what the runs count")
    for doubt in doubts:
        say(f"warning: the fit says: {doubt}")
    if largest_C and C > 10 * largest_C:
        say(f"warning: {C:.3g} FLOPs is {C / largest_C:.3g} times the largest budget that was fitted")
    if not math.isnan(best.L):
        half, twice = (planning.detour(chosen, C, factor=factor, U=unique).waste for factor in (0.5, 2.0))
        say(f"half the size gives {half:.0%} of the budget away, twice the size {twice:.0%}")
    if inference is not None:
        say(lifetime_line(chosen, best, inference, C))
    title = "\nWhat the published laws say (losses compare within one tokenizer only)"
    others = other_laws(C)
    show(others, title=title if unique is None else f"{title}, were there no end of tokens")
    cost = 6 * others["N"] * others["D"] / C
    for key, times in zip(others["law"][cost > 1.05], cost[cost > 1.05], strict=True):
        say(f"{key}: N and D as the paper gives them, whose 6 N D is {times:.2g} times the budget")


def wanted_budget(flops: float | None, **hardware: Any) -> float:
    """FLOPs as they were given, or from hardware and time."""
    if flops is not None:
        return flops
    missing = [f"--{name}" for name in ("gpus", "days", "peak") if hardware[name] is None]
    if missing:
        raise ValueError(
            "no budget: say --flops 1e21, or --gpus 64 --days 7 --peak 312e12"
            + (f" ({', '.join(missing)} missing)" if len(missing) < 3 else "")
        )
    devices = hardware.pop("gpus")
    return planning.budget(devices=devices, **hardware)


def chosen_law(
    key: str, fitted: Path | None, unique: float | None
) -> tuple[Any, pd.DataFrame | None, str, float | None, list[str]]:
    """The law to plan with, drawn laws, its name, the largest budget behind it, the fit's doubts."""
    if fitted is None:
        key = key or ("besiroglu-2024" if unique is None else "muennighoff-2023")
        found: Any = laws.find(splitting(key))
        if isinstance(found, type):
            raise ValueError(
                f"{key!r} is a law without constants; take a published one, as besiroglu, or fit your "
                "runs: python -m scalinglab fit runs.csv --json fit.json, then plan --fit fit.json"
            )
        return found, planning.recorded_draws(found), key_of(found), None, []
    record = read_record(fitted)
    cls = laws.classes()[record["law"]]
    draws = pd.DataFrame(record["draws"]).dropna() if record["draws"] else None
    return (
        cls(**record["parameters"]),
        draws,
        f"{cls.__name__} fitted to {record['runs']}",
        record.get("largest_C"),
        record.get("warnings", []),
    )


def splitting(key: str) -> str:
    """The key of the one law it begins that can split a budget; as it is, if there is no choice."""
    begun = {name: law for name, law in laws.instances().items() if name.startswith(key.lower())}
    if key.lower() in begun or len(begun) < 2:
        return key
    able = [name for name, law in begun.items() if split(law, C=1e21) is not None]
    if len(able) > 1:
        raise ValueError(f"{key!r} begins several laws that split a budget: {', '.join(able)}; name one")
    return able[0] if able else key


def split(law: Any, *, C: float) -> planning.Allocation | None:
    """The law's split of a budget; None for a law of something else, or without an optimum there."""
    try:
        return planning.allocate(law, C=C)
    except (TypeError, ValueError):
        return None


def read_record(path: Path) -> dict[str, Any]:
    """Read what ``fit --json`` wrote."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        _ = record["law"], record["parameters"], record["draws"], record["runs"]
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: no such file; write it with fit --json") from error
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} was not written by `fit --json` ({error})") from error
    return record


def key_of(law: Any) -> str:
    """The key of a published law."""
    return next(key for key, value in laws.instances().items() if value is law)


def plan_table(
    best: planning.Allocation, ends: planning.AllocationIntervals | None, unique: float | None
) -> pd.DataFrame:
    """One row each for size, data, loss, and what follows from them."""
    rows: list[tuple[Any, ...]] = [
        (words, getattr(best, name), *(getattr(end, name) for end in ((ends.low, ends.high) if ends else ())))
        for name, words in (("N", "N, parameters"), ("D", "D, tokens"), ("L", "L, nats per token"))
    ]
    open_ends = (math.nan, math.nan) if ends else ()
    ratio = open_ends
    if ends and not math.isnan(best.L):  # D = C / (6 N): the smallest size has the most tokens
        ratio = (ends.low.D / ends.high.N, ends.high.D / ends.low.N)
    rows.append(("tokens per parameter", best.D / best.N, *ratio))
    if unique is not None:
        rows.append(("epochs", best.D / unique, *open_ends))
    table = pd.DataFrame(rows)
    table.columns = ["", "best", *(["low", "high"] if ends else [])]
    return table


def lifetime_line(law: Any, best: planning.Allocation, inference: float, C: float) -> str:
    """What the same loss costs at least when the model is also used."""
    if math.isnan(best.L):
        return "the price of use needs a law of the loss, and this one gives the split only"
    if "U" in laws.inputs(law):
        return "the price of use is not worked out where tokens are repeated: leave --unique out"
    life = planning.lifetime(law, L=best.L, D_inference=inference)
    total, training = 6 * best.N * best.D + 2 * best.N * inference, 6 * life.N * life.D
    return (
        f"with {inference:.3g} tokens of use, the same loss is cheapest with N = {life.N:.3g} on "
        f"D = {life.D:.3g} tokens: {life.C:.3g} FLOPs in all, {1 - life.C / total:.0%} less; "
        f"{training:.3g} of them train it, {training / C:.2g} times the budget"
    )


def other_laws(C: float) -> pd.DataFrame:
    """The split of every published law that gives one, smallest model first."""
    rows = [
        (key, best.N, best.D, best.D / best.N, best.L, best.n_convention or "not said")
        for key, law in laws.instances().items()
        if (best := split(law, C=C))
    ]
    names = ["law", "N", "D", "D/N", "L", "N counts"]
    return pd.DataFrame(rows, columns=names).sort_values("N", ignore_index=True)


@app.command(name="laws")
@advise
def laws_(
    key: Annotated[str, typer.Argument(help="a law in full; without it, the list of all")] = "",
) -> None:
    """List the laws, or show one with its constants, units and source."""
    if key:
        show_law(laws.find(key))
        return
    listed = laws.catalogue().reset_index()
    show(listed[["key", "law", "source"]].assign(source=listed["source"].str.split(",").str[0]))
    bare = [key for key, cls in laws.classes().items() if cls.__name__ not in set(listed["law"])]
    say(f"\nclasses without published constants: {', '.join(bare)}")
    say("one in full: python -m scalinglab laws besiroglu")


def show_law(law: Any) -> None:
    """Print a law's formula, parameters and provenance."""
    cls: Any = law if isinstance(law, type) else type(law)
    predicts = cls.predicts if isinstance(cls.predicts, str) else ", ".join(cls.predicts)
    say(f"{cls.__name__}({', '.join(laws.inputs(cls))}) -> {predicts}")
    say(plain(cls.formula))
    rows = [
        (p.name, math.nan if law is cls else float(getattr(law, p.name)), p.unit, p.meaning)
        for p in laws.parameters(cls)
    ]
    show(pd.DataFrame(rows, columns=["parameter", "value", "unit", "meaning"]))
    if law is cls:
        published = [key for key, known in laws.instances().items() if type(known) is cls]
        say(f"published constants: {', '.join(published) or 'none'}" + ("; name one" if published else ""))
    else:
        for name in ("source", "range", "tokenizer", "n_convention"):
            say(f"{name}: {getattr(law, name) or '-'}")


def count(text: str | int) -> int:
    """Read a whole number, also as ``2e6``, ``2M`` or ``2_000_000``."""
    value = amount(text)
    if not value.is_integer():
        raise typer.BadParameter(f"{text} is not a whole number")
    return int(value)


def _option(name: str, help: str) -> Any:
    return typer.Option(f"--{name.replace('_', '-')}", help=help)


def _count(name: str, help: str) -> Any:
    return typer.Option(f"--{name.replace('_', '-')}", help=help, parser=count, metavar="NUMBER")


@app.command()
@advise
def train(
    corpus: Annotated[str | None, _option("corpus", "text to train on")] = None,
    V: Annotated[int | None, _count("V", "vocabulary; the corpus's")] = None,
    n_layer: Annotated[int | None, _count("n_layer", "blocks")] = None,
    d_model: Annotated[int | None, _count("d_model", "width")] = None,
    n_head: Annotated[int | None, _count("n_head", "heads; must divide the width")] = None,
    d_ff: Annotated[int | None, _count("d_ff", "width of the feed-forward part")] = None,
    n_ctx: Annotated[int | None, _count("n_ctx", "context, tokens")] = None,
    n_experts: Annotated[int | None, _count("n_experts", "experts; 1 is dense")] = None,
    top_k: Annotated[int | None, _count("top_k", "experts per token")] = None,
    tie: Annotated[bool | None, typer.Option("--tie/--untie", help="one matrix for both ends")] = None,
    dropout: Annotated[float | None, _option("dropout", "probability")] = None,
    D: Annotated[int | None, _count("D", "tokens to train on, as 2e6")] = None,
    U: Annotated[int | None, _count("U", "unique tokens; fewer than D repeats them")] = None,
    B: Annotated[int | None, _count("B", "tokens per batch, a multiple of the context")] = None,
    lr: Annotated[float | None, _option("lr", "peak learning rate")] = None,
    warmup_steps: Annotated[int | None, _count("warmup_steps", "steps of warm-up")] = None,
    schedule: Annotated[str | None, _option("schedule", "cooldown, cosine or constant")] = None,
    beta2: Annotated[float | None, _option("beta2", "AdamW's second decay rate")] = None,
    weight_decay: Annotated[float | None, _option("weight_decay", "AdamW's weight decay")] = None,
    clip: Annotated[float | None, _option("clip", "norm at which gradients are clipped")] = None,
    seed: Annotated[int | None, _count("seed", "of weights and order of data")] = None,
    precision: Annotated[str | None, _option("precision", "fp32 or bf16")] = None,
    compile: Annotated[bool | None, typer.Option("--compile/--eager", help="torch.compile")] = None,
    out: Annotated[Path | None, typer.Option(help="append the run's row to this table")] = None,
) -> None:
    """Train one small GPT and print its row of the table of runs."""
    given = {name: value for name, value in locals().items() if name != "out" and value is not None}
    if out is not None:
        known_table(out)  # a table that cannot be added to is better found before the training
    from scalinglab.train import TrainConfig
    from scalinglab.train import train as run_training

    run = run_training(TrainConfig(**given), progress=True)
    row = run.row | {"error": None}
    if D is not None and row["D"] != D:
        say(f"D = {row['D']} of the {D} asked for: {row['S']} whole batches of {row['B']} tokens")
    show(pd.DataFrame({"column": list(row), "value": [*map(readable, row.values())]}))
    if out is not None:
        added = append_row(out, row)
        say(f"added to {out}" if added else f"{out} has this run already: its row there stays as it is")


def readable(value: Any) -> str:
    """Write a value of a row: whole numbers in full, others in six digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def need_folder(path: Path) -> None:
    """Refuse a file whose folder is not there, before anything is computed for it."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {path.parent}; make it first")


def known_table(path: Path) -> pd.DataFrame | None:
    """Read the table to which a row will be added; none if there is none yet."""
    if path.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{path}: a table of runs is written as .csv or .parquet")
    need_folder(path)
    if not path.exists():
        return None
    table = runs.read(path)
    return runs.append(table, table.iloc[:0])


def append_row(path: Path, row: Mapping[str, Any]) -> bool:
    """Add a row to a table, unless it has that run; two trainings that end at once both get in."""
    lock = path.with_name(f".{path.name}.lock")
    with exclusive(lock):
        table, more = known_table(path), pd.DataFrame([row])
        joined = more if table is None else runs.append(table, more)
        runs.write(joined, path)
    return table is None or len(joined) > len(table)


@app.command()
@advise
def sweep(
    name: Annotated[str, typer.Argument(help="an experiment, or all; without it, the list")] = "",
    store: Annotated[Path, typer.Option(help="folder of finished runs")] = Path("_build/store"),
    jobs: Annotated[int, typer.Option(help="runs at a time")] = 2,
    redo_stale: Annotated[bool, typer.Option(help="train again what older code has trained")] = False,
    part: Annotated[str, typer.Option(help="one member's share, as 7/30")] = "",
    out: Annotated[Path | None, typer.Option(help="also write the rows to this table, to be merged")] = None,
    record: Annotated[bool, typer.Option(help="write the package's recorded table")] = False,
) -> None:
    """Train every run of a named experiment that the store does not hold yet."""
    if not name:
        show_experiments()
        return
    if (part or out) and name == "all":
        raise ValueError("--part and --out are for one experiment; name it in the place of 'all'")
    from scalinglab import experiments, tasks
    from scalinglab import sweep as sweeping

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # terminated, it ends as after Ctrl-C
    for each in [*experiments.EXPERIMENTS] if name == "all" else [name]:
        experiment, folder = experiments.load(each), store / each
        configs = sweeping.share(experiment.configs, part) if part else list(experiment.configs)
        damaged, old = sweeping.damaged(folder, configs), sweeping.stale(folder, configs)
        if damaged:
            say(f"{each}: {named(damaged)} damaged on disk, made again")
        if old and not redo_stale:
            say(f"{each}: {named(old)} made by older code; --redo-stale trains them again")
        try:
            table = sweeping.sweep(
                configs,
                store=folder,
                n_jobs=jobs,
                evaluations=experiment.evaluations,
                spacing=experiment.spacing,
                noise_windows=experiment.noise_windows,
                texts=experiment.texts,
                measure=experiment.measure,
                keep=tasks.kept() if experiment.keep else None,
                redo_stale=redo_stale,
                progress=True,
            )
        except KeyboardInterrupt:
            say(f"\nstopped; what is finished is in {folder}, and the same command goes on from there")
            raise typer.Exit(130) from None
        say(f"{each}: {len(table)} runs in {folder}")
        if "memory_mb" in table and table["memory_mb"].notna().any():
            say(f"  the largest process took {table['memory_mb'].max():.0f} MB")
        for id, error in table.loc[table["error"].notna(), ["id", "error"]].itertuples(index=False):
            say(f"  {id} failed: {error}")
        if out is not None:
            further = pd.DataFrame(experiment.columns, index=[c.id for c in experiment.configs])
            say(f"wrote {runs.write(table.join(further, on='id'), out)}")
        if record:
            say(f"wrote {experiments.record(each, store=folder)}")


def show_experiments() -> None:
    """List the experiments: runs, exact FLOPs, minutes on two cores, purpose."""
    from scalinglab import experiments

    rows = []
    for name in experiments.EXPERIMENTS:
        one = experiments.load(name)
        rows.append((name, len(one.configs), one.minutes, one.purpose))
    show(pd.DataFrame(rows, columns=["experiment", "runs", "minutes", "what it is for"]))
    say("one of them: python -m scalinglab sweep first_family; those that the store holds are kept")


def named(ids: list[str]) -> str:
    """Count runs and name them."""
    return f"{len(ids)} run{'s' if len(ids) > 1 else ''} ({', '.join(ids)})"


@app.command(name="runs")
@advise
def runs_(
    files: Annotated[list[str], typer.Argument(help="tables to show; or: merge A.csv B.csv --out C.csv")],
    out: Annotated[Path | None, typer.Option(help="where the merged table goes")] = None,
    experiment: Annotated[str, typer.Option(help="say which of its runs are missing")] = "",
    skip_broken: Annotated[bool, typer.Option(help="merge without the files that cannot be read")] = False,
) -> None:
    """Show tables of runs, or merge shares that `sweep --out` wrote: runs merge a.csv b.csv --out c.csv."""
    if files[0] != "merge":
        for file in files:
            summarise(file)
        return
    if len(files) < 3 or out is None:
        raise ValueError(
            "to merge, name two tables or more and where they go: runs merge a.csv b.csv --out c.csv"
        )
    joined = runs.join(files[1:])
    refuse_files(joined, len(files) - 1, skip_broken)
    merged = joined.runs
    runs.write(merged, out)
    for why in joined.broken.values():
        say(f"left out: {why}")
    for file in joined.again:
        say(f"{file}: its runs had all come before; no harm")
    say(f"wrote {len(merged)} runs to {out}")
    if "error" in merged and merged["error"].notna().any():
        say(f"{named([*merged.loc[merged['error'].notna(), 'id']])} failed; column error says why")
    if experiment:
        say_missing(experiment, set(merged["id"]))


def refuse_files(joined: runs.Joined, count: int, skip_broken: bool) -> None:
    """Refuse to merge, naming all files that are broken (unless they may be skipped) or disagree."""
    skip = skip_broken and len(joined.broken) < count
    wrong = [] if skip else [*joined.broken.values()]
    wrong += [f"{file} does not join: {why}" for file, why in joined.apart.items()]
    if wrong:
        remedy = "" if joined.apart or skip_broken else "; to go on without: the same with --skip-broken"
        head = f"{len(wrong)} of {count} files do not join, nothing was written{remedy}:"
        raise ValueError("\n".join([head, *(f"  {line}" for line in wrong)]))


def say_missing(experiment: str, found: set[str]) -> None:
    """Say which runs of an experiment are not found, and which of those found are not of it."""
    from scalinglab import experiments

    wanted = {config.id: config for config in experiments.load(experiment).configs}
    missing = [config for id, config in wanted.items() if id not in found]
    say(f"{experiment}: {len(missing)} of {len(wanted)} runs are missing")
    for c in missing:
        telling = ("n_layer", "d_model", "skill", "k", "subset", "D", "B", "lr", "seed")
        say(" ".join([f"  {c.id} ", *(f"{x}={v}" for x, v in c.describe().items() if x in telling)]))
    if missing:
        say(f"a share is trained by: python -m scalinglab sweep {experiment} --part I/N --out I.csv")
    if others := sorted(found - set(wanted)):
        say(f"not of {experiment}: {named(others)}")


def summarise(file: str) -> None:
    """Print a table's size, the range of each column, and its first rows."""
    table = runs.read(file)
    say(f"{file}: {len(table)} runs, {len(table.columns)} columns")
    numeric = table.select_dtypes("number")
    show(
        pd.DataFrame(
            {
                "column": numeric.columns,
                "lowest": numeric.min().to_numpy(dtype=float),
                "highest": numeric.max().to_numpy(dtype=float),
                "different": numeric.nunique().to_numpy(),
                "missing": numeric.isna().sum().to_numpy(),
                "unit": [runs.COLUMNS.get(name, "") for name in numeric.columns],
            }
        )
    )
    texts = [name for name in table.columns if name not in numeric]
    if texts:
        say(f"also: {', '.join(texts)}")


@app.command()
@advise
def claims(
    part: Annotated[str, typer.Argument(help="a part of the book, as Kaplan; without it, all")] = "",
) -> None:
    """Set numbers that papers claim beside what the recorded runs say, fitted anew."""
    from scalinglab import claims as told

    for name in [part] if part else told.PARTS:
        show(told.part(name).drop(columns=["source", "counted"]), title=f"\nPart {name}")


@app.command(name="check-published")
@advise
def check_published() -> None:
    """Refit other people's measurements and compare with what they print."""
    from scalinglab import replication

    table = replication.compare_all()
    wrong = table[table["required"] & (table["verdict"] == "differs")]
    show(table[["study", "quantity", "paper", "ours", "low", "high", "verdict"]])
    agree, required = (table["verdict"] == "agrees").sum(), table["required"].sum()
    say(
        f"{len(table)} numbers: {agree} agree; of the {required} refitted by the paper's own method "
        f"{len(wrong)} differ"
    )
    if len(wrong):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
