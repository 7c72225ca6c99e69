"""What holds for every law: how it is declared, called, differentiated, catalogued, found."""

import dataclasses
import inspect
import math

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from scalinglab import laws

CHAPTERS = {
    "03_three_power_laws",
    "04_batch_and_steps",
    "05_size_and_data",
    "06_sample_efficiency",
    "07_three_approaches",
    "11_beyond",
    "12_sudden_skills",
    "13_mirage",
    "14_forecasting_emergence",
    "15_learning_rate",
    "16_shape_and_experts",
    "17_context_length",
}

COLUMNS = {
    "N": np.array([2e7, 1e9]),
    "D": np.array([4e8, 3e10]),
    "C": np.array([1e17, 1e21]),
    "S": np.array([2e3, 5e5]),
    "B": np.array([1e4, 2e6]),
    "L": np.array([3.1, 1.6]),
    "U": np.array([1e8, 3e10]),
    "T": np.array([2.0, 700.0]),
    "P": np.array([3.0, 8.0]),
    "P_w": np.array([3.0, 8.0]),
    "P_a": np.array([4.0, 16.0]),
    "P_kv": np.array([4.0, 8.0]),
    "n": np.array([3.0, 500.0]),
    "x": np.array([1e3, 1e8]),
    "length": np.array([1.0, 6.0]),
    "n_examples": np.array([20.0, 5000.0]),
    "n_experts": np.array([1.0, 64.0]),
    "granularity": np.array([1.0, 8.0]),
    "S1": np.array([0.1, 4.0]),
    "S2": np.array([0.0, 0.3]),
    "rates": np.array([3e-4, 1e-4]),
}


def specimen(cls):
    """A law of the class: a published one, or the middle of the ranges of starting points."""
    for law in laws.instances().values():
        if type(law) is cls:
            return law
    middle = {
        p.name: math.sqrt(p.low * p.high) if p.scale == "log" else (p.low + p.high) / 2
        for p in laws.parameters(cls)
    }
    return cls(**middle)


def columns(law):
    return {name: COLUMNS[name] for name in laws.inputs(law)}


def answers(value):
    return value if isinstance(value, tuple) else (value,)


every_class = pytest.mark.parametrize("cls", laws.classes().values(), ids=laws.classes())
every_instance = pytest.mark.parametrize("law", laws.instances().values(), ids=laws.instances())


@every_class
def test_a_law_is_frozen_and_takes_keywords_only(cls):
    law = specimen(cls)
    name = laws.parameters(cls)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(law, name, 1.0)
    with pytest.raises(TypeError):
        cls(*[1.0] * len(laws.parameters(cls)))
    kinds = [p.kind for p in list(inspect.signature(cls.__call__).parameters.values())[1:]]
    assert set(kinds) == {inspect.Parameter.KEYWORD_ONLY}


@every_class
def test_a_law_declares_everything_that_the_index_prints(cls):
    assert cls.chapter in CHAPTERS
    assert cls.__doc__.count("Source: ") + cls.__doc__.count("arXiv:") >= 1
    declared = laws.parameters(cls)
    assert {p.name for p in declared} == set(dataclasses.asdict(specimen(cls))) - {
        "source",
        "range",
        "tokenizer",
        "n_convention",
    }
    assert all(p.meaning for p in declared)
    outputs = answers(cls.predicts)
    result = answers(specimen(cls)(**columns(cls)))
    assert len(outputs) == len(result)


@every_class
def test_the_formula_is_valid_tex(cls):
    formula = cls.formula
    assert formula.count("{") == formula.count("}")
    assert formula.count(r"\left") == formula.count(r"\right")
    MathTextParser("path").parse(f"${formula}$")


@every_class
def test_scalars_arrays_and_broadcasting_agree(cls):
    law = specimen(cls)
    together = answers(law(**columns(law)))
    if laws.inputs(law) == ("rates",):
        assert together[0].shape == COLUMNS["rates"].shape
        return
    for i in range(2):
        alone = answers(law(**{name: float(column[i]) for name, column in columns(law).items()}))
        for many, one in zip(together, alone, strict=True):
            assert float(one) == pytest.approx(many[i], rel=1e-12)
    spread = {name: column.reshape(2, *[1] * i) for i, (name, column) in enumerate(columns(law).items())}
    shape = np.broadcast_shapes(*(column.shape for column in spread.values()))
    assert all(np.shape(value) == shape for value in answers(law(**spread)))


@every_class
def test_a_stack_of_parameters_broadcasts_against_the_columns(cls):
    """The fitter calls one law with many candidates at once: parameters (m, 1), columns (n,)."""
    law = specimen(cls)
    names = [p.name for p in laws.parameters(law)]
    factors = np.array([[1.0], [1.01], [0.99]])
    stack = dataclasses.replace(law, **{name: getattr(law, name) * factors for name in names})
    together = answers(stack(**columns(law)))
    for j, factor in enumerate(factors[:, 0]):
        one = dataclasses.replace(law, **{name: getattr(law, name) * factor for name in names})
        for many, single in zip(together, answers(one(**columns(law))), strict=True):
            assert many.shape == (3, 2)
            np.testing.assert_allclose(many[j], single, rtol=1e-12)


@every_class
def test_complex_step_derivatives_equal_finite_differences(cls):
    law = specimen(cls)
    for p in laws.parameters(law):
        value = getattr(law, p.name)
        h = 1e-6 * (abs(value) or 1.0)

        def call(parameter, name=p.name):
            return answers(dataclasses.replace(law, **{name: parameter})(**columns(law)))

        exact = [np.imag(a) / 1e-30 for a in call(value + 1e-30j)]
        for up, down, slope in zip(call(value + h), call(value - h), exact, strict=True):
            difference = (up - down) / (2 * h)
            scale = np.max(np.abs(up)) / (abs(value) or 1.0)
            np.testing.assert_allclose(slope, difference, rtol=1e-5, atol=1e-8 * scale)


@pytest.mark.parametrize("cls", [laws.Chinchilla, laws.OvertrainingLaw, laws.SizeDataLaw])
def test_an_optimum_spends_the_budget_and_cannot_be_bettered(cls):
    law = specimen(cls)
    C = np.array([1e17, 1e20, 1e23])
    N, D = law.optimum(C=C)
    np.testing.assert_allclose(6 * N * D, C, rtol=1e-12)
    best = law(N=N, D=D)
    for factor in (0.99, 1.01):
        assert (law(N=N * factor, D=D / factor) > best).all()


def test_only_closed_forms_and_allocations_have_an_optimum():
    having = {cls.__name__ for cls in laws.classes().values() if hasattr(cls, "optimum")}
    assert having == {"AllocationLaw", "Chinchilla", "OvertrainingLaw", "SizeDataLaw"}


@every_instance
def test_a_published_law_says_where_it_comes_from(law):
    assert "arXiv:" in law.source
    assert law.range
    assert law.tokenizer
    assert law.n_convention in ("total", "non-embedding", "")
    if "N" in laws.inputs(law) or "N" in answers(law.predicts):
        unknown = ("does not say what N counts", "what N counts is not confirmed")
        assert law.n_convention or any(words in law.range for words in unknown)


def test_the_catalogue_lists_every_published_law():
    table = laws.catalogue()
    assert list(table.index) == list(laws.instances())
    assert table.index.is_unique
    assert set(table.columns) == {
        "law", "formula", "parameters", "units", "predicts", "inputs",
        "source", "range", "tokenizer", "n_convention", "chapter",
    }  # fmt: skip
    row = table.loc["kaplan-2020-c-min"]
    assert row["law"] == "ComputeLaw"
    assert row["units"] == {"C_c": "FLOP", "alpha_C": ""}
    assert row["inputs"] == ("C",)


def test_everything_published_is_exported():
    for key, law in laws.instances().items():
        assert getattr(laws, key.upper().replace("-", "_")) is law
    for cls in laws.classes().values():
        assert getattr(laws, cls.__name__) is cls
    assert sorted(laws.__all__) == sorted(set(laws.__all__))


@pytest.mark.parametrize("key", [*laws.instances(), *laws.classes()])
def test_every_key_is_found(key):
    assert laws.find(key) is {**laws.classes(), **laws.instances()}[key]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("besiroglu", laws.BESIROGLU_2024),
        ("BESIROGLU_2024", laws.BESIROGLU_2024),
        ("hoffmann", laws.HOFFMANN_2022),
        ("Chinchilla", laws.Chinchilla),
        ("SizeDataLaw", laws.SizeDataLaw),
        ("muennighoff", laws.MUENNIGHOFF_2023),
        ("deepseek", laws.DEEPSEEK_2024),
    ],
)
def test_a_beginning_is_enough(key, found):
    assert laws.find(key) is found


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("kaplan", "'kaplan' begins several laws: .*kaplan-2020-n"),
        ("bezirogl", "no law is called 'bezirogl'; nearest: besiroglu-2024"),
        ("zzz", "no law is called 'zzz'; .*lists all"),
        ("", "no law is called ''"),
    ],
)
def test_a_wrong_key_names_the_near_ones(key, words):
    with pytest.raises(LookupError, match=words):
        laws.find(key)


@pytest.mark.parametrize(
    ("scale", "low", "high", "words"),
    [
        ("logarithmic", 1.0, 2.0, "'logarithmic'"),
        ("log", 0.0, 1.0, "low > 0"),
        ("linear", 2.0, 1.0, "low < high"),
    ],
)
def test_a_parameter_that_cannot_be_searched_is_refused(scale, low, high, words):
    with pytest.raises(ValueError, match=words):
        laws.parameter(scale, low, high)


def test_laws_are_compared_by_their_parameters():
    same = dataclasses.replace(laws.HOFFMANN_2022, source="elsewhere")
    assert same == laws.HOFFMANN_2022
    assert laws.HOFFMANN_2022 != laws.HOFFMANN_2022_ROUNDED
