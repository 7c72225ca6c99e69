"""Tasks: metrics of models whose answers are known, chance, fine-tuning that learns and repeats itself."""

import dataclasses
import math

import pytest
import torch

from scalinglab import tasks
from scalinglab.checkpoint import save_weights
from scalinglab.corpus.skills import SKILLS
from scalinglab.counting import Shape
from scalinglab.model import GPT
from scalinglab.tasks import Finetuning, Score, chance, finetune, measure, pretrained, prompts, score
from scalinglab.train import TrainConfig

TINY = TrainConfig(corpus="skills", n_layer=1, d_model=16, n_head=2, D=2048, B=256)


class Knowing(torch.nn.Module):
    """Reads the answers off what it is asked: says the byte that comes next with probability p."""

    def __init__(self, windows, p):
        super().__init__()
        self.windows, self.p, self.seen = windows, torch.nn.Parameter(torch.tensor(p)), 0

    def forward(self, tokens):
        window = self.windows[self.seen : self.seen + len(tokens)]
        self.seen += len(tokens)
        rest = torch.full((*tokens.shape, 256), math.log((1 - float(self.p)) / 255))
        return rest.scatter(-1, window[:, 1:, None], math.log(float(self.p)))


def asked(skill, n):
    return prompts(skill.examples(n, seed=0, test=True), skill.examples(1000, seed=0))


@pytest.mark.parametrize("p", [0.9, 0.5])
def test_metrics_of_a_model_that_knows_each_byte_with_probability_p(p):
    skill = SKILLS["addition"]
    found = score(Knowing(asked(skill, 50), p), skill, n=50)
    assert (found.exact, found.token) == (1.0, 1.0)
    assert found.logprob == pytest.approx(3 * math.log(p), rel=1e-5)
    assert found.brier == pytest.approx((1 - p) ** 2 + (1 - p) ** 2 / 255, rel=1e-4)


def test_what_a_model_says_is_what_it_is_scored_on():
    model = GPT(TINY.shape, generator=torch.Generator().manual_seed(1))
    skill = SKILLS["sorting"]
    said = tasks.answers(model, skill, n=20)
    assert (said.said.str.len() >= 1).all()
    assert said.question.tolist() == [question for question, _ in skill.examples(20, seed=0, test=True)]
    assert score(model, skill, n=20).exact == (said.said == said.answer).mean()


def test_metrics_of_a_model_that_knows_nothing():
    skill = SKILLS["copying"]
    found = score(GPT(Shape(V=256, n_layer=1, d_model=16, n_head=2, n_ctx=128, tie=False)), skill, n=40)
    assert found.logprob == pytest.approx(-5 * math.log(256), rel=1e-5)
    assert found.brier == pytest.approx(1 - 1 / 256, rel=1e-4)
    assert found.exact == 0


def test_prompts_end_in_the_question_and_fit_the_context():
    for skill in SKILLS.values():
        questions = skill.examples(5, seed=0, test=True)
        window = prompts(questions, skill.examples(20, seed=0))
        assert window.shape[1] - 1 <= 128
        lines = bytes(window[2].tolist()).decode().split("\n")
        assert len(lines) == tasks.SHOTS + 1
        assert lines[-1] == "".join(questions[2])


def test_interval_is_wilsons():
    low, high = Score(exact=0.25, token=0, logprob=0, brier=0, n=400).interval()
    z, p, n = 1.959964, 0.25, 400
    centre, half = p + z * z / 2 / n, z * math.sqrt(p * (1 - p) / n + z * z / 4 / n**2)
    assert (low, high) == pytest.approx(
        ((centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n))
    )


@pytest.mark.parametrize(("name", "exact", "token"), [("addition", 0.01, 0.25), ("brackets", 4**-6, 0.25)])
def test_chance(name, exact, token):
    found = chance(SKILLS[name])
    assert found["exact"] == pytest.approx(exact, abs=0.006)
    assert found["token"] == pytest.approx(token, abs=0.05)


def test_every_skill_is_measured_in_four_ways():
    found = measure(GPT(TINY.shape))
    assert len(found) == 4 * len(SKILLS)
    assert {"sorting_exact", "copying_token", "addition_logprob", "brackets_brier"} <= set(found)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "kept", lambda: tmp_path)
    return tmp_path


def test_weights_are_trained_once(cache):
    first = pretrained(TINY)
    path = cache / f"{TINY.id}.safetensors"
    assert path.exists()
    save_weights(path, GPT(TINY.shape))
    assert not torch.equal(pretrained(TINY).token.weight, first.token.weight)


def test_shipped_weights_are_those_kept_in_half_precision(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "SHIPPED", tmp_path / "package")
    (tmp_path / "package").mkdir()
    model = pretrained(TINY)
    path = tasks.ship(TINY)
    assert path.stat().st_size < 2.2 * sum(p.numel() for p in model.parameters()) + 2000
    assert torch.allclose(pretrained(TINY).token.weight, model.token.weight, atol=1e-3)


def test_fine_tuning_learns_repeats_itself_and_leaves_the_model(cache):
    job = Finetuning(pretraining=TINY, skill="copying", k=50, steps=30, rows=4, lr=3e-3)
    model = pretrained(TINY)
    before = model.token.weight.clone()
    tuned, best = finetune(model, job, every=10)
    again = job.run().row
    assert torch.equal(model.token.weight, before)
    assert best["best_step"] > 0
    assert best["loss"] < math.log(256)
    assert not torch.equal(tuned.token.weight, before)
    assert again["N"] == 16 * 16 * 12 + 16 * 3
    assert again["pretraining"] == TINY.id
    assert again["exact"] == job.run().row["exact"]


def test_rows_of_answers_only(cache):
    job = Finetuning(pretraining=TINY, skill="addition", k=20, steps=1, rows=1)
    assert job.length == 6 * 10 - 1
    assert job.describe()["D"] == job.length
    assert dataclasses.replace(job, k=10).examples == job.examples[:10]


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"skill": "juggling"}, "take one of addition"),
        ({"k": 5}, "k=5 is impossible; take 10 or more"),
        ({"lr": 0.0}, "take a positive learning rate"),
    ],
)
def test_impossible_fine_tuning(wrong, remedy):
    with pytest.raises(ValueError, match=remedy):
        Finetuning(**{"pretraining": TINY, "skill": "addition", "k": 100} | wrong)
