"""Counts against closed forms, printed numbers and PyTorch's own counter."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from scalinglab import counting
from scalinglab.counting import Shape
from scalinglab.model import GPT

SHAPES = [
    Shape(V=256, n_layer=2, d_model=32, n_head=2, n_ctx=16),
    Shape(V=300, n_layer=1, d_model=24, n_head=3, d_ff=40, n_ctx=8, tie=False),
    Shape(V=64, n_layer=3, d_model=16, n_head=4, n_ctx=8, n_experts=4, top_k=2),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_counted_parameters_are_those_of_the_model(shape):
    model = GPT(shape)
    counted = counting.parameters(shape)
    assert sum(p.numel() for p in model.parameters()) == counted.N_total
    assert model.groups() == {name: getattr(counted, name) for name in model.groups()}


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_counted_flops_are_those_that_pytorch_counts(shape):
    model, batch = GPT(shape), 3
    tokens = torch.zeros(batch, shape.n_ctx + 1, dtype=torch.long)
    with (
        FlopCounterMode(display=False) as counter,
        torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH),
    ):
        model.loss(tokens).mean().backward()
    assert counter.get_total_flops() == counting.training_flops(shape, D=batch * shape.n_ctx)


def test_kaplan_equation_2_1():
    """N = 12 n_layer d_model^2 of section 3.2's (48, 1600) and (6, 4288), without gains."""
    for n_layer, d, printed in ((48, 1600, 1_474_560_000), (6, 4288, 1_323_859_968)):
        count = counting.parameters(Shape(V=50257, n_layer=n_layer, d_model=d, n_head=8, n_ctx=1024))
        assert count.attention + count.feed_forward == printed


def test_6nd_is_far_off_at_nano_scale_and_right_for_large_models():
    nano = Shape(V=256, n_layer=2, d_model=8, n_head=2, n_ctx=128)
    large = Shape(V=32000, n_layer=80, d_model=8192, n_head=64, n_ctx=2048)
    assert counting.six_n_d_error(nano) > 4
    assert 1 < counting.six_n_d_error(large) < 1.05


def test_active_experts_cost_and_stored_experts_count():
    one, four = (Shape(V=64, n_layer=2, d_model=16, n_head=2, n_ctx=8, n_experts=n) for n in (1, 4))
    assert counting.flops(one).feed_forward == counting.flops(four).feed_forward
    assert counting.parameters(four).feed_forward == 4 * counting.parameters(one).feed_forward


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_head": 3}, r"d_model=32 is not divisible by n_head=3; choose a divisor of 32"),
        ({"n_layer": 0}, r"n_layer=0 is not a positive whole number"),
        ({"d_model": 32.0}, r"d_model=32.0 is not a positive whole number"),
        ({"top_k": 2}, r"top_k=2 exceeds n_experts=1"),
    ],
)
def test_impossible_shape_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Shape(**({"V": 256, "n_layer": 2, "d_model": 32, "n_head": 2, "n_ctx": 8} | wrong))


def test_a_mixtures_active_parameters_are_its_dense_twins():
    dims = {"V": 256, "n_layer": 2, "d_model": 32, "n_head": 2, "n_ctx": 128}
    dense = counting.parameters(counting.Shape(**dims)).N
    for n in (1, 2, 16):
        assert counting.active(counting.Shape(**dims, n_experts=n)) == dense
    two = counting.active(counting.Shape(**dims, n_experts=16, top_k=2))
    assert two - dense == 2 * 2 * 32 * 128


def test_the_cache_does_not_know_the_heads_unless_they_share():
    def gpt(heads):
        return counting.Shape(V=50_257, n_layer=96, d_model=12_288, n_head=heads, n_ctx=2048)

    assert len({counting.cache(gpt(heads)) for heads in (1, 8, 96)}) == 1
    assert counting.cache(gpt(96)) == 2 * 96 * 12_288 * 2
    assert counting.cache(gpt(96), kv_heads=8) == counting.cache(gpt(96)) / 12
    assert counting.cache(gpt(96), precision=32) == 2 * counting.cache(gpt(96))
    with pytest.raises(ValueError, match="kv_heads=7"):
        counting.cache(gpt(96), kv_heads=7)


def test_scores_grow_with_heads_and_with_the_square_of_the_context():
    def scores(heads, n_ctx):
        return counting.score_memory(
            counting.Shape(V=256, n_layer=2, d_model=32, n_head=heads, n_ctx=n_ctx), precision=32
        )

    assert scores(2, 128) == 2 * 128**2 * 4
    assert scores(8, 128) == 4 * scores(2, 128) == scores(2, 256)
