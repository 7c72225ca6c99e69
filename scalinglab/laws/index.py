"""The index of laws: what there is, under which name, with which constants."""

import difflib
import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

from scalinglab.laws import (
    allocation,
    annealing,
    batch,
    beyond,
    chinchilla,
    emergence,
    experts,
    hyperparameters,
    kaplan,
)
from scalinglab.laws.law import PROVENANCE, Law, inputs, parameters

if TYPE_CHECKING:
    import pandas as pd

PARTS: tuple[ModuleType, ...] = (
    kaplan,
    batch,
    allocation,
    chinchilla,
    emergence,
    hyperparameters,
    experts,
    beyond,
    annealing,
)
"""The modules of laws, in the order of the book."""


def instances() -> dict[str, Law]:
    """Published laws by key: the instance's name in lower case with hyphens.

    Examples
    --------
    >>> instances()["besiroglu-2024"].alpha
    0.3478
    """
    return {
        name.lower().replace("_", "-"): value
        for part in PARTS
        for name, value in vars(part).items()
        if hasattr(type(value), "predicts")
    }


def classes() -> dict[str, type[Law]]:
    """Law classes by key, those without published constants included.

    Examples
    --------
    >>> classes()["size-data-law"].__name__
    'SizeDataLaw'
    """
    return {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower(): value
        for part in PARTS
        for name, value in vars(part).items()
        if isinstance(value, type) and hasattr(value, "predicts") and value.__module__ == part.__name__
    }


def find(key: str) -> Law | type[Law]:
    """Find a published law or a law class by its key or by a beginning of it.

    Case, hyphens and underscores do not count. A beginning that several keys share is
    taken when one of these keys is the beginning of all the others: ``"hoffmann"`` is
    ``hoffmann-2022``, of which ``hoffmann-2022-rounded`` is a variant.

    Raises
    ------
    LookupError
        No key begins so, or several do: the message names them, or the nearest ones.

    Examples
    --------
    >>> find("besiroglu").a > 0.5
    True
    >>> find("chinchilla").__name__
    'Chinchilla'
    >>> find("besirogul")
    Traceback (most recent call last):
      ...
    LookupError: no law is called 'besirogul'; nearest: besiroglu-2024
    """
    laws: dict[str, Law | type[Law]] = {**classes(), **instances()}
    plain = {re.sub(r"[-_ ]", "", name).lower(): name for name in laws}
    wanted = re.sub(r"[-_ ]", "", key).lower()
    if wanted in plain:
        return laws[plain[wanted]]
    matches = sorted((name for name in plain if wanted and name.startswith(wanted)), key=len)
    if matches and all(name.startswith(matches[0]) for name in matches):
        return laws[plain[matches[0]]]
    if matches:
        raise LookupError(
            f"{key!r} begins several laws: {', '.join(plain[m] for m in matches)}; write more of it"
        )
    near = difflib.get_close_matches(wanted, plain, n=3, cutoff=0.5)
    listed = "`python -m scalinglab laws` lists all"
    hint = f"nearest: {', '.join(plain[m] for m in near)}" if near else listed
    raise LookupError(f"no law is called {key!r}; {hint}")


def catalogue() -> "pd.DataFrame":
    """List every published law, one row each; :func:`classes` names those without constants too.

    Returns
    -------
    pandas.DataFrame
        Index ``key`` (as :func:`find` takes it); columns ``law`` (class), ``formula`` (TeX),
        ``parameters`` and ``units`` (dicts by parameter), ``predicts``, ``inputs``,
        ``source``, ``range``, ``tokenizer``, ``n_convention``, ``chapter``.

    Examples
    --------
    >>> catalogue().loc["kaplan-2020-n", "parameters"]
    {'N_c': 88000000000000.0, 'alpha_N': 0.076}
    """
    import pandas as pd

    rows = [{"key": key} | describe(law) for key, law in instances().items()]
    return pd.DataFrame(rows).set_index("key")


def describe(law: Law) -> dict[str, Any]:
    """Formula, parameters, units and provenance of one law, as a row of the catalogue."""
    cls: Any = type(law)
    return {
        "law": cls.__name__,
        "formula": cls.formula,
        "parameters": {p.name: getattr(law, p.name) for p in parameters(law)},
        "units": {p.name: p.unit for p in parameters(law)},
        "predicts": cls.predicts,
        "inputs": inputs(law),
        **{name: getattr(law, name) for name in PROVENANCE},
        "chapter": cls.chapter,
    }
