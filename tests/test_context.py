"""The loss in octaves of positions is that of each position."""

import numpy as np
import torch

from scalinglab import context, context_plots, laws, plots, runs
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


def recorded():
    return context.positions(runs.load("context"), runs.load("context_curves"))


def test_positions_are_those_of_the_trained_context():
    table = recorded()
    assert (table.groupby("id").octave.max() == table.groupby("id").n_ctx.first()).all()
    assert (table.groupby("id").octave.nunique() == np.log2(table.groupby("id").n_ctx.first()) + 1).all()
    assert table["T"].between(table.octave / 2, table.octave).all()


def test_gain_is_the_difference_of_two_contexts_seed_by_seed():
    table = recorded()
    gain = context.trained_for(table, short=8, long=512)
    one = table[(table.N == 24_736) & (table.octave == 2)].set_index(["n_ctx", "seed"]).L
    each = [one[512, seed] - one[8, seed] for seed in (0, 1)]
    assert gain.loc[(24_736, 2), "gain"] == np.mean(each)
    assert gain.loc[(24_736, 2), "spread"] == np.ptp(each) / 2


def test_figures_draw_every_context_and_every_size():
    table = recorded()
    _, (ax, other) = plots.axes(2)
    one = table[table.N == table.N.max()]
    context_plots.over_position(ax, one, law=laws.KAPLAN_2020_T)
    assert len(ax.lines) == one.n_ctx.nunique() + 1
    context_plots.over_size(other, table, short=8, long=512, octaves=(1, 512), floor=2.35)
    assert [len(line.get_xdata()) for line in other.lines[:3]] == [3, 3, 3]
    spec = context_plots.position_chart(one).to_dict()
    data = max(spec["datasets"].values(), key=len)
    assert {row["n_ctx"] for row in data} == {8, 16, 32, 64, 128, 256, 512}
    _, (ax,) = plots.axes()
    long = table[table.n_ctx == 512]
    context_plots.laws_of_sizes(ax, long, dict.fromkeys(long.N.unique(), laws.KAPLAN_2020_T))
    assert len(ax.lines) == 2 * long.N.nunique()
