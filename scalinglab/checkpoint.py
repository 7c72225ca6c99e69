"""A training run on disk: model, optimiser, generators and step in one file, written whole or not at all."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor, nn

from scalinglab.files import replace


def save(path: Path, *, model: nn.Module, optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Write everything that a run needs to go on as if it had never stopped.

    Parameters
    ----------
    path
        A ``.safetensors`` file; it is written beside and renamed into place.
    model, optimiser
        Their parameters and moments are stored as tensors, the generators of PyTorch with them.
    state
        What else the run knows, as JSON can hold it: step, curve, the run's id.

    Raises
    ------
    OSError
        The disk is full or the folder not writable; the checkpoint before it stays.
    """
    tensors = {f"model.{name}": p.detach().contiguous() for name, p in model.named_parameters()}
    for place, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{place}.{name}": value.contiguous() for name, value in moments.items()}
    tensors["generator.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["generator.cuda"] = torch.cuda.get_rng_state()
    whole = serialise(tensors, metadata={"state": json.dumps(state)})
    replace(path, lambda beside: Path(beside).write_bytes(whole))


def readable(path: Path) -> bool:
    """Say whether a file is a whole checkpoint."""
    try:
        with safe_open(path, framework="pt") as file:
            _ = json.loads(file.metadata()["state"])["id"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return False
    return True


def load(path: Path, *, model: nn.Module, optimiser: torch.optim.Optimizer, id: str) -> dict[str, Any]:
    """Put a stopped run back: model, optimiser and generators in place, the rest returned.

    Raises
    ------
    ValueError
        The file is damaged, or it belongs to another run than ``id``.
    """
    remedy = "delete it, and the run starts anew"
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no readable checkpoint ({error}); {remedy}") from error
    if state["id"] != id:
        raise ValueError(f"{path} is a checkpoint of run {state['id']}, not of {id}; {remedy}")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(tensors[f"model.{name}"])
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, place, moment = name.split(".")
            moments.setdefault(int(place), {})[moment] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": moments})
    torch.set_rng_state(tensors["generator.cpu"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["generator.cuda"])
    return state


def save_weights(path: Path, model: nn.Module, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a model's parameters and nothing else, beside their place and renamed.

    Raises
    ------
    OSError
        The disk is full or the folder not writable.
    """
    tensors = {name: p.detach().to("cpu", dtype).contiguous() for name, p in model.named_parameters()}
    replace(path, lambda beside: Path(beside).write_bytes(serialise(tensors)))


def load_weights(path: Path, model: nn.Module) -> None:
    """Put parameters that `save_weights` wrote into a model of the same shape.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file; it is damaged, or of another shape.
    """
    try:
        with safe_open(path, framework="pt") as file, torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(file.get_tensor(name))
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} holds no weights of this model ({error}); make it again") from error
