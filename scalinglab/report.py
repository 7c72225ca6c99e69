"""The page that is handed in: design, runs, fit, forecast, truth, score, and the form filled in."""

import dataclasses
import html
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd

import scalinglab
from scalinglab import files
from scalinglab.capstone import Design, Forecast, Grade
from scalinglab.laws.law import parameters

TEMPLATE = Path(__file__).with_suffix(".html")

QUESTIONS = {
    "form": "Which forms of the law did you try, and why do you trust the ones that the forecast uses?",
    "settings": "How were learning rate, batch and schedule chosen, and what was not tuned?",
    "points": "Which runs and which points of their curves were fitted, what was left out, and when was "
    "that decided?",
    "uncertainty": "What does the interval cover, and what does it not cover?",
}
"""What only the author can answer, by the part of the checklist of Li et al. 2025 (arXiv:2502.18969)."""

LEAST = 5
"""Words of an answer at least."""

COUNTED = {
    "N": "parameters without embeddings and head; the table of runs also has D and exact C",
    "D": "bytes of the training text seen in the run; the tokenizer is the byte itself, V = 256",
    "C": "exact training FLOPs, three forward passes, head and attention included; not 6ND",
    "L": "cross-entropy on 262,144 held-out bytes after the last step, nats per byte",
}


def missing(answers: Mapping[str, str]) -> list[str]:
    """Name the questions that have no answer: none, a placeholder, or fewer than five words.

    Examples
    --------
    >>> missing({"form": "Both, because they err to opposite sides.", "points": "todo", "settings": ""})
    ['settings', 'points', 'uncertainty']
    """
    return [key for key in QUESTIONS if len(re.findall(r"\w+", answers.get(key, ""))) < LEAST]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """The page as text, shown in a notebook in a frame of its own."""

    page: str

    def __repr__(self) -> str:
        """Say what it is; the page would fill the screen."""
        return f"Report({len(self.page):,} characters)"

    def _repr_html_(self) -> str:
        return (
            '<iframe title="The report, a page of its own" '
            'style="width:100%;height:32rem;border:1px solid #8888" '
            f'srcdoc="{html.escape(self.page)}"></iframe>'
        )

    def write(self, path: str | os.PathLike) -> Path:
        """Write the page beside its place and rename it there.

        Raises
        ------
        ValueError, OSError
            The name does not end in ``.html``; the place cannot be written.
        """
        path = Path(path)
        if path.suffix != ".html":
            raise ValueError(f"{path}: a report is a page; name it .html")
        files.replace_text(path, self.page)
        return path


def report(
    *,
    design: Design,
    table: pd.DataFrame,
    forecast: Forecast,
    grade: Grade,
    reference: Forecast,
    answers: Mapping[str, str],
    author: str,
    title: str = "One run foretold",
    remark: str = "",
) -> Report:
    """Make the page: it needs no network, follows light and dark, and can be printed.

    Parameters
    ----------
    design, table
        What was planned, and its runs as `capstone.carry_out` gives them.
    forecast, reference
        Yours, and the naive one.
    grade
        What `capstone.grade` says of them.
    answers
        To `QUESTIONS`, in your own words.
    author
        Name or names.
    title
        Of the page.
    remark
        A sentence below the score, such as the place in the class.

    Raises
    ------
    ValueError
        A question is not answered, or there is no author: the message says which and what is asked.
    KeyError
        An answer to a question that nobody asked.
    """
    unknown = set(answers) - set(QUESTIONS)
    if unknown:
        raise KeyError(f"answers to {', '.join(sorted(unknown))}, but asked are {', '.join(QUESTIONS)}")
    if open_ := missing(answers):
        asked = "\n".join(f"  {key}: {QUESTIONS[key]}" for key in open_)
        wait = "1 question waits" if len(open_) == 1 else f"{len(open_)} questions wait"
        raise ValueError(f"{wait} for an answer of {LEAST} words or more:\n{asked}")
    if not author.strip():
        raise ValueError("author is empty; a report has a name on it")
    parts = {
        "title": html.escape(title),
        "author": html.escape(author),
        "version": scalinglab.__version__,
        "task": _task(design),
        "runs": _runs(design, table),
        "fit": _figure(table, forecast, reference, grade, design) + _laws(forecast),
        "forecast": _said(forecast, reference),
        "truth": _truth(grade, remark),
        "form": _form(design, forecast, answers),
    }
    return Report(page=Template(TEMPLATE.read_text(encoding="utf-8")).substitute(parts))


def _task(design: Design) -> str:
    task, cost, largest = design.task, design.cost, max(design.budgets)
    return (
        f"<p>The held-out loss of one run of {task.budget:.3g} exact FLOPs, with a {100 * task.level:.0f} % "
        f"interval, from a sweep that may cost {100 * task.share:.0f} % of that. This one cost {cost:.3g} "
        f"FLOPs, {100 * cost / task.budget:.0f} % of the full run; its largest run has "
        f"{largest:.3g}, so that the forecast reaches {task.budget / largest:.1f} times "
        "beyond.</p>"
    )


def _runs(design: Design, table: pd.DataFrame) -> str:
    columns = {
        "budget": "{:.2e}",
        "N": "{:,.0f}",
        "D": "{:,.0f}",
        "C": "{:.3e}",
        "lr": "{:g}",
        "B": "{:,.0f}",
    }
    columns |= {"S": "{:,.0f}", "seed": "{:.0f}", "L": "{:.4f}"}
    columns = {name: form for name, form in columns.items() if name in table}
    head = "".join(f'<th scope="col" class="number">{name}</th>' for name in columns)
    body = "".join(
        "<tr>"
        + "".join(f'<td class="number">{form.format(row[name])}</td>' for name, form in columns.items())
        + "</tr>"
        for _, row in table.iterrows()
    )
    caption = f"{len(table)} runs of {len(set(design.budgets))} budgets; all were fitted."
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _laws(forecast: Forecast) -> str:
    lines = []
    for fit in forecast.fits:
        constants = ", ".join(f"{p.name} = {getattr(fit.law, p.name):.4g}" for p in parameters(fit.law))
        doubts = "; ".join(fit.warnings) or "none"
        rms = 100 * float(np.sqrt(np.mean(np.square(fit.residuals))))
        lines.append(
            f"<p><strong>{type(fit.law).__name__}</strong>: {constants}. It misses its runs by {rms:.2f} % "
            f"(root mean square); status {fit.status}, doubts: {html.escape(doubts)}.</p>"
        )
    return "".join(lines) or "<p>No law was fitted: the forecast was made by hand.</p>"


def _said(forecast: Forecast, reference: Forecast) -> str:
    return (
        f'<p class="sealed">Size {forecast.size}, loss <strong>{forecast.point:.4f}</strong>, '
        f"{100 * forecast.level:.0f} % interval <strong>{forecast.low:.4f} to {forecast.high:.4f}</strong> "
        f"({html.escape(forecast.how)}). Seal {forecast.seal}.</p>"
        "<p>The seal changes with every digit above; it was to be written down before the full run began.</p>"
        f"<p>Reference, {html.escape(reference.how)}: {reference.point:.4f}, {reference.low:.4f} to "
        f"{reference.high:.4f}.</p>"
    )


def _truth(grade: Grade, remark: str) -> str:
    side = "inside" if grade.held else "outside"
    return (
        f"<p>The full run ended at <strong>{grade.L:.4f}</strong>, {side} the interval; the point was off by "
        f"{grade.off:+.1f} %. The interval is {grade.width:.1f} % wide, and its score is "
        f"<strong>{grade.score:.1f}</strong> (interval score of the logarithm, in percent of the loss; low "
        f"is good), {grade.ratio:.2f} times that of the reference, {grade.naive:.1f}.</p>"
        + (f"<p>{html.escape(remark)}</p>" if remark else "")
    )


def _form(design: Design, forecast: Forecast, answers: Mapping[str, str]) -> str:
    """The checklist; words, and not colour alone, tell what the author wrote."""
    config = design.configs[0]
    forms = ", ".join(type(fit.law).__name__ for fit in forecast.fits) or "none"
    optimiser = (
        f"AdamW, beta2 {config.beta2:g}, weight decay {config.weight_decay:g}, clipping at {config.clip:g}; "
        f"warm-up, then constant, then down to zero over the last fifth; {config.precision}"
    )
    known = {
        "Form of the law": [("machine", forms), ("hand", answers["form"])],
        "Definitions": [("machine", "; ".join(f"{name}: {text}" for name, text in COUNTED.items()))],
        "Hyperparameters": [
            ("machine", f"{optimiser}; rate and batch of each run by a law of N and D (see the table)"),
            ("hand", answers["settings"]),
        ],
        "Which points": [("machine", "the last step of each run"), ("hand", answers["points"])],
        "Loss, optimiser, initialisation of the fit": [
            ("machine", "Huber loss of ln L, delta 0.001, summed; damped least squares; best of 4096 starts")
        ],
        "Uncertainty": [("machine", forecast.how), ("hand", answers["uncertainty"])],
    }
    rows = ""
    for name, entries in known.items():
        cells = "".join(
            f'<p class="{"by-hand" if who == "hand" else ""}"><span class="tag {who}">'
            f"{'author' if who == 'hand' else 'program'}</span> {html.escape(text)}</p>"
            for who, text in entries
        )
        rows += f'<tr><th scope="row">{name}</th><td>{cells}</td></tr>'
    caption = "The checklist of Li and others (2025), answered by the program and by the author."
    return f"<table><caption>{caption}</caption><tbody>{rows}</tbody></table>"


def _figure(
    table: pd.DataFrame, forecast: Forecast, reference: Forecast, grade: Grade, design: Design
) -> str:
    """Loss over FLOPs as an inline drawing: runs, forecast, reference, truth."""
    width, height, left, bottom, top = 640, 330, 62, 46, 14
    budget = design.task.budget
    xs = [math.log10(table["budget"].min()) - 0.15, math.log10(budget) + 0.35]
    losses = [*table["L"], forecast.low, forecast.high, reference.low, reference.high, grade.L]
    ys = [math.log(min(losses)) - 0.03, math.log(max(losses)) + 0.03]

    def x(C: float) -> float:
        return left + (width - left - 10) * (math.log10(C) - xs[0]) / (xs[1] - xs[0])

    def y(L: float) -> float:
        return top + (height - bottom - top) * (ys[1] - math.log(L)) / (ys[1] - ys[0])

    def bar(f: Forecast, kind: str, shift: float) -> str:
        at = x(budget) + shift
        return (
            f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{y(f.low):.1f}" y2="{y(f.high):.1f}"/>'
            f'<circle class="{kind}" cx="{at:.1f}" cy="{y(f.point):.1f}" r="4"/>'
        )

    drawn = []
    for L in np.round(np.arange(0.6, 4.01, 0.2), 1):
        if ys[0] < math.log(L) < ys[1]:
            drawn.append(
                f'<line class="grid" x1="{left}" x2="{width - 10}" y1="{y(L):.1f}" y2="{y(L):.1f}"/>'
            )
            drawn.append(f'<text x="{left - 8}" y="{y(L) + 4:.1f}" text-anchor="end">{L:g}</text>')
    for power in range(math.ceil(xs[0]), math.floor(xs[1]) + 1):
        drawn.append(
            f'<text x="{x(10.0**power):.1f}" y="{height - bottom + 18}" text-anchor="middle">1e{power}</text>'
        )
    drawn.append(
        f'<line class="axis" x1="{left}" x2="{width - 10}" y1="{height - bottom}" y2="{height - bottom}"/>'
    )
    drawn.append(f'<line class="axis" x1="{left}" x2="{left}" y1="{top}" y2="{height - bottom}"/>')
    drawn += [
        f'<circle class="run" cx="{x(C):.1f}" cy="{y(L):.1f}" r="3.5"/>'
        for C, L in zip(table["budget"], table["L"], strict=True)
    ]
    drawn += [bar(reference, "line", 14), bar(forecast, "said", -8)]
    X, Y = x(budget) + 3, y(grade.L)
    drawn.append(f'<path class="truth" d="M{X:.1f} {Y - 7:.1f} l7 7 l-7 7 l-7 -7 z"/>')
    middle = (left + width) / 2
    drawn.append(f'<text x="{middle}" y="{height - 8}" text-anchor="middle">C, training FLOPs (exact)</text>')
    drawn.append(
        f'<text transform="translate(14 {height / 2}) rotate(-90)" text-anchor="middle">L, nats/byte</text>'
    )
    said = (
        f"Loss of {len(table)} runs over their budgets; at {budget:.0e} FLOPs the forecast, "
        f"{forecast.low:.2f} to {forecast.high:.2f}, the reference, {reference.low:.2f} to "
        f"{reference.high:.2f}, and what came out, {grade.L:.2f}."
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{said}">{"".join(drawn)}</svg>'
        '<p class="quiet">Dots: runs of the sweep. Bar with a dot: the forecast and its interval; '
        "dashed: the reference; diamond: what came out.</p>"
    )
