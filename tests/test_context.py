"""The loss in octaves of positions is that of each position."""

import numpy as np
import torch

from scalinglab import context
from scalinglab.counting import Shape
from scalinglab.model import GPT


def small():
    shape = Shape(V=16, n_layer=1, d_model=8, n_head=2, n_ctx=16)
    return GPT(shape, generator=torch.Generator().manual_seed(0))


def test_octaves_are_means_of_the_losses_at_their_positions():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 16, 50_000).astype(np.uint8)
    model = small()
    found = context.by_position(model, tokens, n=40_000)
    starts = np.linspace(0, len(tokens) - 17, 2500).astype(int)
    windows = torch.from_numpy(tokens[starts[:, None] + np.arange(17)].astype(np.int64))
    with torch.no_grad():
        each = model.loss(windows).mean(0).numpy()
    assert list(found) == [1, 2, 4, 8, 16]
    for T, loss in found.items():
        assert abs(loss - each[T // 2 : T].mean()) < 0.02


def test_a_context_that_is_no_power_of_two_ends_at_its_last_whole_octave():
    assert context.octaves(100)[-1] == 64


def test_no_position_is_better_than_chance_before_training():
    tokens = np.zeros(2000, dtype=np.uint8)
    model = GPT(Shape(V=16, n_layer=1, d_model=8, n_head=2, n_ctx=8, tie=False))
    found = context.by_position(model, tokens, n=256)
    assert np.allclose(list(found.values()), np.log(16), atol=1e-6)
