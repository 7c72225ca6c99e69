"""The loss of a model on texts that it was not trained on."""

from scalinglab import corpus
from scalinglab.model import GPT
from scalinglab.train import evaluate

TEXTS = (
    "sotu",
    "sotu_pre1900",
    "sotu_1900",
    "sotu_1946",
    "kjv",
    "moby_dick",
    "shakespeare",
    "factbook",
    "python",
    "tang",
)
"""The texts on whose held-out parts every model is scored."""

BYTES = 131_072
"""Held-out bytes of each text that a model reads."""


def measure(model: GPT) -> dict[str, float]:
    """Score a model of bytes on every text, nats per byte: columns ``L_<text>``."""
    return {f"L_{name}": float(evaluate(model, corpus.load(name).heldout, n=BYTES).mean()) for name in TEXTS}
