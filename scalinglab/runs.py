"""The table of runs: its columns, its checks, how it is read, written and joined."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from scalinglab.files import replace

TABLES = Path(__file__).parent / "tables"

COLUMNS = {
    "N": "non-embedding parameters",
    "N_total": "all parameters",
    "D": "tokens seen in training",
    "C": "training FLOPs, exact: head and attention included",
    "C_6ND": "training FLOPs, approximated as 6 N D with non-embedding N",
    "L": "held-out loss at the last step, nats per token",
}
"""The columns that every table of our own runs has, with their units."""


def check(runs: pd.DataFrame, *, needs: Iterable[str]) -> None:
    """Refuse a table of runs that cannot be fitted, saying where and why.

    Parameters
    ----------
    runs
        One row per run.
    needs
        Columns that must be there, numeric, finite and positive in every row.

    Raises
    ------
    KeyError
        A needed column is missing: the message lists the columns found.
    ValueError
        The table is empty, or a value is not a finite positive number: the message names
        row (by the index, if that has a name, as ``line``), column and value.

    Examples
    --------
    >>> check(pd.DataFrame({"N": [1e3, -2.0], "L": [2.0, 1.9]}), needs=("N", "L"))
    Traceback (most recent call last):
      ...
    ValueError: row 1, column 'N': -2.0 is not positive; drop the row or mend the value (rows count from 0)
    """
    needs = list(needs)
    missing = [name for name in needs if name not in runs.columns]
    if missing:
        raise KeyError(
            f"no column {', '.join(map(repr, missing))} in a table with columns "
            f"{', '.join(map(repr, runs.columns))}; rename columns to what is needed: {', '.join(needs)}"
        )
    if runs.empty:
        raise ValueError(f"the table has no rows; at least one run with {', '.join(needs)} is needed")
    for name in needs:
        values = pd.to_numeric(runs[name], errors="coerce").to_numpy(dtype=float)
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if bad.size:
            row = bad[0]
            value = runs[name].iloc[row]
            wrong = "positive" if np.isfinite(values[row]) else "a finite number"
            more = f" (and {bad.size - 1} more in this column)" if bad.size > 1 else ""
            where = f"{runs.index.name or 'row'} {runs.index[row]}"
            counted = "" if runs.index.name else " (rows count from 0)"
            raise ValueError(
                f"{where}, column {name!r}: {value} is not {wrong}{more}; "
                f"drop the row or mend the value{counted}"
            )


def finished(curves: pd.DataFrame) -> pd.DataFrame:
    """Keep the last point of each run of a table of curves (columns ``id``, ``S``).

    Examples
    --------
    >>> finished(pd.DataFrame({"id": ["a", "a", "b"], "S": [20, 10, 5], "L": [1.5, 2.0, 1.8]}))["L"].tolist()
    [1.8, 1.5]
    """
    return curves.sort_values("S").groupby("id").tail(1)


def read(path: str | os.PathLike, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a table of runs from CSV, Parquet or JSON.

    Parameters
    ----------
    path
        A file whose ending says its format: ``.csv``, ``.csv.gz``, ``.parquet``, ``.json``.
    columns
        Names to give: ``{"N": "params"}`` makes the file's ``params`` the table's ``N``.

    Raises
    ------
    FileNotFoundError, KeyError, ValueError
        No such file; a column to rename is not there; an unknown or broken format.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    csv = partial(pd.read_csv, dtype={"id": str})  # an id may happen to look like a number
    readers = {".csv": csv, ".parquet": pd.read_parquet, ".json": pd.read_json}
    kind = next((s for s in reversed(path.suffixes) if s in readers), None)
    if kind is None:
        raise ValueError(f"{path}: unknown ending; name it .csv, .csv.gz, .parquet or .json")
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty; a table has a line of names, then a line for each run")
    try:
        table = readers[kind](path)
        if path.suffix == ".csv" and (where := cut(path)):
            raise ValueError(f"{where} is cut short: fetch the file again, or delete that row")
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path}: not a readable {kind[1:]} table ({error})") from error
    for new, old in (columns or {}).items():
        if old not in table.columns:
            found = ", ".join(map(repr, table.columns))
            raise KeyError(f"{path}: no column {old!r} to use as {new!r}; its columns are {found}")
    return table.rename(columns={old: new for new, old in (columns or {}).items()})


def cut(path: Path) -> str:
    """Name the row in whose middle a CSV file ends, or nothing: pandas would fill it up with NaN."""
    lines = path.read_text(encoding="utf-8").split("\n")
    short = lines[-1] != "" and lines[-1].count(",") < lines[0].count(",")
    return f"its last row, line {len(lines)}," if short else ""


def load(experiment: str) -> pd.DataFrame:
    """Load a recorded experiment of this package.

    Examples
    --------
    >>> load("no_such_experiment")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
      ...
    KeyError: "no recorded table 'no_such_experiment'; recorded are: ..."
    """
    for ending in (".parquet", ".csv"):
        path = TABLES / f"{experiment}{ending}"
        if path.exists():
            return read(path)
    tables = {path.stem for path in TABLES.iterdir() if path.suffix in (".parquet", ".csv")}
    no_runs = ("bench_", "draws_", "trained_")
    known = sorted(name for name in tables if not name.startswith(no_runs))
    raise KeyError(f"no recorded table {experiment!r}; recorded are: {', '.join(known) or 'none yet'}")


def write(runs: pd.DataFrame, path: str | os.PathLike) -> Path:
    """Write a table beside its place and rename it there, so that no reader sees half of it.

    The ending chooses the format (``.csv`` or ``.parquet``). On any error the file that was
    there before stays as it was.
    """
    path = Path(path)
    if path.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{path}: a table of runs is written as .csv or .parquet")
    if path.suffix == ".csv":
        replace(path, lambda beside: runs.to_csv(beside, index=False))
    else:
        replace(path, lambda beside: runs.to_parquet(beside, index=False))
    return path


def append(runs: pd.DataFrame, more: pd.DataFrame, *, tolerance: float = 0.01) -> pd.DataFrame:
    """Join two tables of runs; a run that stands in both is kept once, as the first table has it.

    Runs are known by their column ``id``. The same run on two machines ends with slightly
    different losses; if they are further apart than ``tolerance`` nats, something is wrong.

    Raises
    ------
    KeyError
        A table has no column ``id`` or ``L``.
    ValueError
        The same run has two losses further apart than that; the message names the runs.
    """
    need_ids(runs, "the first table")
    need_ids(more, "the second table")
    joined = pd.concat([runs, more], ignore_index=True)
    losses = pd.to_numeric(joined["L"], errors="coerce").groupby(joined["id"], sort=False)
    apart = losses.max() - losses.min() > tolerance
    apart |= losses.count().between(1, losses.size() - 1)  # failed in one table, not in the other
    if apart.any():
        raise ValueError(
            f"runs {', '.join(apart.index[apart])} have one loss in the first table and another in the "
            "second; keep one of the two tables' rows"
        )
    return joined.drop_duplicates("id", ignore_index=True)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Joined:
    """What came of many files of runs.

    Attributes
    ----------
    runs
        Each run of the readable files once.
    broken
        What is wrong with each file that is left out.
    apart
        For each file that has other losses than the files before it: which runs, and which file.
    again
        Files all of whose runs had come before.
    """

    runs: pd.DataFrame
    broken: dict[str, str]
    apart: dict[str, str]
    again: tuple[str, ...]


def join(files: Iterable[str]) -> Joined:
    """Join the shares that members of a class send; say of every file that does not join why.

    Parameters
    ----------
    files
        What ``sweep --out`` wrote. Runs are known by their ``id``, and losses compare as in `append`.

    Returns
    -------
    Joined
        The runs of the files that join, and what is wrong with the others.
    """
    merged, owner = pd.DataFrame(columns=["id", "L"]), dict[str, str]()
    broken, apart, again = dict[str, str](), dict[str, str](), list[str]()
    for file in files:
        try:
            table = read_share(file)
        except (KeyError, OSError, ValueError) as error:
            broken[file] = str(error.args[0] if isinstance(error, KeyError) else error)
            continue
        try:
            joined = append(merged if len(merged) else table.iloc[:0], table)
        except ValueError as error:
            others = dict.fromkeys(owner[id] for id in table["id"] if id in owner)
            apart[file] = f"{error} (first: {', '.join(others) or 'the same file'}; second: {file})"
            continue
        if len(joined) == len(merged):
            again.append(file)
        owner = dict.fromkeys(table["id"], file) | owner
        merged = joined
    return Joined(runs=merged, broken=broken, apart=apart, again=tuple(again))


def read_share(path: str | os.PathLike) -> pd.DataFrame:
    """Read what ``sweep --out`` wrote; a row without a loss must have an ``error`` that says why.

    Raises
    ------
    FileNotFoundError, KeyError, ValueError
        As `read`; there is no column ``id`` or ``L``, or no run; the last line has no end; a loss is
        none: the message names line, run and value.
    """
    table = read(path)
    need_ids(table, str(path))
    if Path(path).suffix == ".csv" and not Path(path).read_bytes().endswith(b"\n"):
        raise ValueError(
            f"{path}: its last line has no end, so it may be cut short; let the member send it again, or end "
            "the line if it is whole"
        )
    if table.empty:
        raise ValueError(f"{path}: a line of names and no run; let the member send it again")
    losses = pd.to_numeric(table["L"], errors="coerce")
    failed = table["error"].notna() if "error" in table else pd.Series(False, index=table.index)
    bad = np.flatnonzero(~(np.isfinite(losses) & (losses > 0)) & ~(failed & losses.isna()))
    if bad.size:
        row = table.iloc[bad[0]]
        raise ValueError(
            f"{path}: line {bad[0] + 2}, column 'L': {row['L']} of run {row['id']} is no loss; "
            "let the member run the same command and send the file again, or delete that line"
        )
    return table.assign(L=losses)


def need_ids(table: pd.DataFrame, where: str) -> None:
    """Refuse a table that cannot be joined: no column ``id`` or no ``L``."""
    for name in ("id", "L"):
        if name not in table.columns:
            raise KeyError(
                f"{where}: no column {name!r} in a table with columns {', '.join(map(repr, table.columns))}; "
                "tables are joined by the run's id, as `sweep --out` writes them; give yours a column id"
            )
