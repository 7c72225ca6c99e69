"""What the command line says: tables, and advice in place of tracebacks; its lock."""

import contextlib
import functools
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

ADVICE = (LookupError, ValueError, TypeError, OSError, FloatingPointError)
"""What bad input raises in the package: shown as advice, without a traceback."""


def advise(command: Callable[..., None]) -> Callable[..., None]:
    """Show what bad input raises as one or two lines, and leave with exit code 2."""

    @functools.wraps(command)
    def careful(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except ADVICE as error:
            said = error.args[0] if isinstance(error, KeyError) and error.args else error
            Console(stderr=True, soft_wrap=True).print(Text(f"error: {said}"))
            raise typer.Exit(2) from error

    return careful


def say(text: str) -> None:
    """Print a line as it is: a law's formula is not markup."""
    Console(soft_wrap=True).print(Text(text))


def plain(tex: str) -> str:
    r"""Write a law's formula as a terminal can show it.

    Examples
    --------
    >>> plain(r"L = E + \frac{A}{N^{\alpha}} + \left(\frac{D_c}{D}\right)^{\alpha_D/\beta}")
    'L = E + A/N^alpha + (D_c/D)^(alpha_D/beta)'
    """
    text = tex.replace(r"\left", "").replace(r"\right", "").replace(r"\{", "[").replace(r"\}", "]")
    text = re.sub(r"\\(quad|,|;)", " ", text).replace(r"\cdot", "*").replace(r"\hat E", "E_hat")
    inner = r"\{([^{}]*)\}"
    while "{" in text:  # innermost braces first
        before = text
        text = re.sub(rf"\\frac{inner}{inner}", lambda m: f"{bracket(m[1])}/{bracket(m[2])}", text)
        text = re.sub(rf"\\mathrm{inner}", r"\1", text)
        text = re.sub(rf"([\^_]){inner}", lambda m: m[1] + bracket(m[2]), text)
        if text == before:
            text = re.sub(inner, r"\1", text, count=1)
    return re.sub(r" +", " ", text.replace("\\", ""))


def bracket(text: str) -> str:
    """Put a sum, a product or a fraction in brackets; leave a name as it is."""
    return text if re.fullmatch(r"[\w\\^*']+", text) else f"({text})"


def show(table: pd.DataFrame, *, title: str = "") -> None:
    """Print a table, numbers to the right."""
    drawn = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for name in table.columns:
        numeric = pd.api.types.is_numeric_dtype(table[name])
        drawn.add_column(Text(str(name)), justify="right" if numeric else "left", overflow="fold")
    for row in table.itertuples(index=False):
        drawn.add_row(
            *(Text(number(float(x)) if isinstance(x, float | int | np.number) else str(x)) for x in row)
        )
    console = Console()
    console.print(drawn, width=console.width if console.is_terminal else 120)


def number(x: float) -> str:
    """Write a number in four digits, with a power of ten where it is large or small.

    Examples
    --------
    >>> number(2.7783e9), number(0.34781), number(float("nan"))
    ('2.778e+09', '0.3478', '-')
    """
    return "-" if math.isnan(x) else f"{x:.4g}"


@contextlib.contextmanager
def exclusive(lock: Path, *, patience: float = 10.0) -> Iterator[None]:
    """Hold a lock file, waiting for another's to go."""
    until = time.monotonic() + patience
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError as error:
            if time.monotonic() > until:
                raise TimeoutError(
                    f"{lock} has been there for {patience:g} s: another process writes the table, or one "
                    "was stopped while it did; remove the file if none is running"
                ) from error
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink()


def finite(value: Any) -> Any:
    """Replace infinities and NaN by ``None`` in nested lists and mappings: JSON has no word for them.

    Examples
    --------
    >>> finite({"a": [1.0, float("inf")], "b": "text"})
    {'a': [1.0, None], 'b': 'text'}
    """
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
