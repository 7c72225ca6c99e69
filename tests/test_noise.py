"""The gradient noise scale against gradients whose noise is known."""

import numpy as np
import pandas as pd
import pytest
import torch

from scalinglab import noise
from scalinglab.counting import Shape
from scalinglab.model import GPT


def test_estimates_are_unbiased():
    """Mean squared norms of sums of noisy gradients: the truth comes back on average."""
    rng = np.random.default_rng(0)
    truth, sigma, d, b, m = 2.0, 3.0, 50, 4, 8
    signals, noises = [], []
    for _ in range(4000):
        g = np.sqrt(truth / d) + sigma * rng.standard_normal((m, d)) / np.sqrt(b)
        found = noise.estimate(small=(g**2).sum(1).mean(), large=(g.mean(0) ** 2).sum(), b=b, B=m * b)
        signals.append(found.signal)
        noises.append(found.noise)
    for found, true in ((signals, truth), (noises, d * sigma**2)):
        assert abs(np.mean(found) - true) < 4 * np.std(found) / np.sqrt(len(found))


@pytest.fixture
def model():
    generator = torch.Generator().manual_seed(0)
    model = GPT(Shape(V=32, n_layer=1, d_model=16, n_head=2, n_ctx=8), generator=generator)
    return model.train()


def windows(n):
    return torch.randint(0, 32, (n, 9), generator=torch.Generator().manual_seed(1))


def test_equal_windows_have_no_noise(model):
    found = noise.measure(model, windows(1).expand(4, 9))
    assert found.noise == pytest.approx(0, abs=1e-4 * found.signal)
    model.loss(windows(1)).mean().backward()
    squared = sum(float(p.grad.square().sum()) for p in model.parameters())
    assert found.signal == pytest.approx(squared, rel=1e-4)


def test_measuring_leaves_the_model_as_it_was(model):
    before = [p.clone() for p in model.parameters()]
    noise.measure(model, windows(4))
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(p, q) for p, q in zip(before, model.parameters(), strict=True))


def test_one_window_shows_no_noise(model):
    with pytest.raises(ValueError, match="1 window; noise shows between two"):
        noise.measure(model, windows(1))


def test_scale_is_a_ratio_of_averages():
    curve = pd.DataFrame({"signal": [1.0, 3.0, -10.0], "noise": [10.0, 30.0, 10.0]})
    assert list(noise.noise_scale(curve, span=1)[:2]) == [10.0, 10.0]
    assert noise.noise_scale(curve, span=3)[0] == pytest.approx(10.0)
    assert np.isnan(noise.noise_scale(curve, span=1)[2])


def test_a_step_along_the_gradient_lowers_the_loss_and_leaves_the_model(model):
    before = [p.detach().clone() for p in model.parameters()]
    text = np.random.default_rng(0).integers(0, 4, 4000)
    steps = noise.one_step(model, text, B=[8, 64], lr=[0.01, 0.1], repeats=3, judge=16)
    assert len(steps) == 2 * 3 * 2
    assert (steps[steps.lr == 0.01].change < 0).all()
    assert all(torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))
    assert model.training
    with pytest.raises(ValueError, match="no multiple of the context"):
        noise.one_step(model, text, B=[12], lr=[0.1])


def test_best_step_is_the_bottom_of_a_parabola_for_each_batch():
    lr = np.tile([0.1, 0.2, 0.4], 2)
    bend = np.repeat([4.0, 2.0], 3)
    steps = pd.DataFrame({"B": np.repeat([8, 64], 3), "lr": lr, "change": -lr + bend * lr**2 / 2})
    assert noise.best_step(steps).lr.tolist() == pytest.approx([0.25, 0.5])
    assert noise.best_step(steps.assign(change=-lr)).lr.isna().all()
