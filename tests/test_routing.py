"""Routes are those that the layer takes."""

import numpy as np
import pytest
import torch

from scalinglab import routing
from scalinglab.counting import Shape
from scalinglab.model import GPT

MIXTURE = GPT(
    Shape(V=256, n_layer=2, d_model=16, n_head=2, n_ctx=8, n_experts=4),
    generator=torch.Generator().manual_seed(0),
)


def test_each_block_routes_each_token_to_the_expert_with_the_largest_share():
    windows = torch.arange(24).view(3, 8)
    seen = []
    layer = MIXTURE.blocks[0].feed_forward
    hook = layer.register_forward_hook(lambda module, inputs, _: seen.append(inputs[0]))
    first, second = routing.routes(MIXTURE, windows)
    hook.remove()
    assert first.shape == second.shape == (3, 8)
    wanted = layer.router(seen[0]).argmax(-1)
    assert np.array_equal(first, wanted.numpy())


def test_hooks_are_gone_and_the_mode_is_as_before():
    MIXTURE.train()
    routing.routes(MIXTURE, torch.zeros(1, 8, dtype=torch.long))
    assert MIXTURE.training
    assert not MIXTURE.blocks[0].feed_forward.router._forward_hooks


def test_shares_add_up_and_bytes_are_those_of_the_text():
    text = np.frombuffer(b"the same eight letters " * 12, dtype=np.uint8)
    found = routing.favourites(MIXTURE, text, windows=16)
    assert found["share"].sum() == pytest.approx(1)
    assert set(" ".join(found["bytes"]).split()) <= set("␣thesamighlr")
    assert (found["of_it"] <= 1).all()


def test_a_dense_model_has_no_routes():
    dense = GPT(Shape(V=256, n_layer=1, d_model=16, n_head=2, n_ctx=8))
    with pytest.raises(ValueError, match="dense"):
        routing.routes(dense, torch.zeros(1, 8, dtype=torch.long))
