"""Parameters, FLOPs and memory of a shape, exactly and by group; 6ND and its error."""

from dataclasses import dataclass

BACKWARD = 3
"""Training costs three forward passes: each product Y = XW returns as X'dY and dY W'."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The numbers that fix a GPT's size.

    Attributes
    ----------
    V
        Size of the vocabulary.
    n_layer, d_model, n_head
        Depth, width, attention heads.
    d_ff
        Width of the feed-forward layer; ``None`` means ``4 * d_model``.
    n_ctx
        Context in tokens.
    n_experts, top_k
        Feed-forward layers per block, and how many of them a token goes through.
    tie
        The head is the token embedding, transposed.

    Raises
    ------
    ValueError
        The shape cannot be built; the message says which numbers do not go together.

    Examples
    --------
    >>> Shape(V=256, n_layer=2, d_model=32, n_head=3, n_ctx=128)
    Traceback (most recent call last):
      ...
    ValueError: d_model=32 is not divisible by n_head=3; choose a divisor of 32
    """

    V: int
    n_layer: int
    d_model: int
    n_head: int
    d_ff: int | None = None
    n_ctx: int
    n_experts: int = 1
    top_k: int = 1
    tie: bool = True

    def __post_init__(self) -> None:
        if self.d_ff is None:
            object.__setattr__(self, "d_ff", 4 * self.d_model)
        for name in ("V", "n_layer", "d_model", "n_head", "d_ff", "n_ctx", "n_experts", "top_k"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}={value!r} is not a positive whole number; a shape needs one")
        if self.d_model % self.n_head:
            raise ValueError(
                f"d_model={self.d_model} is not divisible by n_head={self.n_head}; "
                f"choose a divisor of {self.d_model}"
            )
        if self.top_k > self.n_experts:
            raise ValueError(f"top_k={self.top_k} exceeds n_experts={self.n_experts}; lower top_k")


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Parameters by group; ``N`` leaves out everything that depends on the vocabulary."""

    token_embedding: int
    attention: int
    feed_forward: int
    router: int
    norm: int
    head: int

    @property
    def N(self) -> int:
        """Non-embedding parameters: attention, feed-forward, router and norms."""
        return self.attention + self.feed_forward + self.router + self.norm

    @property
    def N_total(self) -> int:
        """All parameters; a tied head counts once."""
        return self.N + self.token_embedding + self.head


@dataclass(frozen=True, kw_only=True)
class Flops:
    """FLOPs of a forward pass per token by group (a multiply-add is two)."""

    attention: int
    scores: int
    feed_forward: int
    router: int
    head: int

    @property
    def forward(self) -> int:
        """FLOPs per token of the forward pass."""
        return self.attention + self.scores + self.feed_forward + self.router + self.head

    @property
    def training(self) -> int:
        """FLOPs per token of the forward and the backward pass."""
        return BACKWARD * self.forward


def parameters(shape: Shape) -> Parameters:
    """Count a shape's parameters by group.

    Examples
    --------
    >>> count = parameters(Shape(V=256, n_layer=2, d_model=32, n_head=2, n_ctx=128))
    >>> count.attention + count.feed_forward == 12 * 2 * 32**2
    True
    >>> count.N, count.N_total
    (24736, 32928)
    """
    d, layers = shape.d_model, shape.n_layer
    return Parameters(
        token_embedding=shape.V * d,
        attention=layers * 4 * d * d,
        feed_forward=layers * shape.n_experts * 2 * d * shape.d_ff,  # type: ignore[operator]
        router=layers * shape.n_experts * d if shape.n_experts > 1 else 0,
        norm=(2 * layers + 1) * d,
        head=0 if shape.tie else shape.V * d,
    )


def active(shape: Shape) -> int:
    """Count the non-embedding parameters that one token meets, the router apart.

    Of a mixture with one expert per token it is the ``N`` of the dense model of the same
    dimensions, its twin; of a dense model it is ``N``.

    Examples
    --------
    >>> mixture = Shape(V=256, n_layer=2, d_model=32, n_head=2, n_ctx=128, n_experts=16)
    >>> parameters(mixture).N, active(mixture)
    (271520, 24736)
    """
    count = parameters(shape)
    return count.attention + count.norm + count.feed_forward * shape.top_k // shape.n_experts


def cache(shape: Shape, *, kv_heads: int | None = None, precision: float = 16) -> float:
    """Bytes of keys and values that a token leaves for those after it.

    Twice (key and value) ``n_layer * d_model`` numbers: the heads share out the width, so their
    number has no say, unless several heads read the same keys and values.

    Parameters
    ----------
    shape
        The model.
    kv_heads
        Heads that have keys and values of their own; ``None``: all of them.
    precision
        Bits of a number.

    Raises
    ------
    ValueError
        The heads cannot be shared out so.

    Examples
    --------
    >>> gpt3 = Shape(V=50257, n_layer=96, d_model=12288, n_head=96, n_ctx=2048)
    >>> cache(gpt3) / 1e6, cache(gpt3, kv_heads=8) / 1e6
    (4.718592, 0.393216)
    """
    own = shape.n_head if kv_heads is None else kv_heads
    if own < 1 or shape.n_head % own:
        raise ValueError(f"kv_heads={own} does not divide n_head={shape.n_head}; choose a divisor of it")
    return 2 * shape.n_layer * shape.d_model * own / shape.n_head * precision / 8


def score_memory(shape: Shape, *, precision: float = 16) -> float:
    """Bytes of one sequence's attention scores in one layer: ``n_head * n_ctx**2`` numbers.

    What it takes to store them, as plain attention does; a fused kernel computes them piece by
    piece and stores none. Training without one keeps them in every layer for the backward pass.

    Examples
    --------
    >>> gpt3 = Shape(V=50257, n_layer=96, d_model=12288, n_head=96, n_ctx=2048)
    >>> score_memory(gpt3) / 1e6
    805.306368
    """
    return shape.n_head * shape.n_ctx**2 * precision / 8


def flops(shape: Shape) -> Flops:
    """Count the matrix products of one forward pass, FLOPs per token, by group.

    The attention scores count the full square of the context, masked half included: that is
    what is computed, and how Hoffmann et al. 2022 (appendix F) count. Kaplan et al. 2020
    (table 1) count the causal half and leave out the head. Looking up an embedding is free;
    norms and activations, a few per mille, are left out.

    Examples
    --------
    >>> count = flops(Shape(V=256, n_layer=2, d_model=32, n_head=2, n_ctx=128))
    >>> count.forward, count.training
    (98304, 294912)
    """
    d, layers = shape.d_model, shape.n_layer
    return Flops(
        attention=layers * 2 * 4 * d * d,
        scores=layers * 2 * 2 * shape.n_ctx * d,
        feed_forward=layers * shape.top_k * 2 * 2 * d * shape.d_ff,  # type: ignore[operator]
        router=layers * 2 * shape.n_experts * d if shape.n_experts > 1 else 0,
        head=2 * d * shape.V,
    )


def training_flops(shape: Shape, *, D: float) -> float:
    """``C``: exact FLOPs of training ``shape`` on ``D`` tokens."""
    return float(flops(shape).training) * D


def six_n_d(shape: Shape, *, D: float) -> float:
    """``C_6ND = 6 N D`` with non-embedding ``N``: Kaplan's approximation of the FLOPs."""
    return 6.0 * parameters(shape).N * D


def six_n_d_error(shape: Shape) -> float:
    """``C / (6 N D)``: how many times more a shape costs than 6ND says.

    Examples
    --------
    >>> round(six_n_d_error(Shape(V=256, n_layer=2, d_model=32, n_head=2, n_ctx=128)), 2)
    1.99
    >>> gpt3 = Shape(V=50257, n_layer=96, d_model=12288, n_head=96, n_ctx=2048)
    >>> round(six_n_d_error(gpt3), 2)
    1.03
    """
    return training_flops(shape, D=1.0) / six_n_d(shape, D=1.0)
