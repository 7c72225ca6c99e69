"""A model is scored on every text."""

import torch

from scalinglab import corpus, experiments, shift
from scalinglab.counting import Shape
from scalinglab.model import GPT


def test_every_text_of_the_package_is_scored_once():
    assert sorted(shift.TEXTS) == sorted(corpus.SPLITS)


def test_columns_are_the_texts(monkeypatch):
    monkeypatch.setattr(shift, "BYTES", 2048)
    model = GPT(
        Shape(V=256, n_layer=1, d_model=8, n_head=2, n_ctx=16), generator=torch.Generator().manual_seed(0)
    )
    found = shift.measure(model)
    assert list(found) == [f"L_{name}" for name in shift.TEXTS]
    assert all(loss > 0 for loss in found.values())


def test_every_text_that_is_trained_on_is_scored():
    assert {config.corpus for config in experiments.load("shift").configs} <= set(shift.TEXTS)
