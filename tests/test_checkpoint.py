"""A run that was killed and resumed is the run that was not."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from scalinglab import checkpoint
from scalinglab.train import TrainConfig, build, make_optimiser, train

RUN = TrainConfig(n_layer=1, d_model=16, n_ctx=32, B=256, D=102_400, U=30_000, dropout=0.1)

SCRIPT = """
import sys
from scalinglab.train import TrainConfig, train
train(eval(sys.argv[1]), evaluations=2, checkpoint=sys.argv[2], checkpoint_seconds=0.0)
"""


def test_killed_at_any_moment_and_resumed_is_bit_for_bit_the_same(tmp_path):
    straight = train(RUN, evaluations=2)
    path = tmp_path / "run.safetensors"
    for delay in (0.0, 0.1):  # seconds after the first, the next checkpoint
        child = subprocess.Popen([sys.executable, "-c", SCRIPT, repr(RUN), str(path)])
        before = path.stat().st_mtime_ns if path.exists() else None
        while not path.exists() or path.stat().st_mtime_ns == before:
            assert child.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        time.sleep(delay)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    resumed = train(RUN, evaluations=2, checkpoint=path)
    assert resumed.row["L"] == straight.row["L"]
    assert resumed.curve.equals(straight.curve)
    assert np.array_equal(resumed.position_loss, straight.position_loss)
    for p, q in zip(resumed.model.parameters(), straight.model.parameters(), strict=True):
        assert torch.equal(p, q)
    assert not path.exists(), "a finished run needs no checkpoint"


def written(folder):
    model = build(RUN)
    optimiser = make_optimiser(model, RUN)
    path = folder / "run.safetensors"
    checkpoint.save(path, model=model, optimiser=optimiser, state={"id": RUN.id, "step": 0, "curve": []})
    return path, model, optimiser


def test_checkpoint_of_another_run_is_refused(tmp_path):
    path, model, optimiser = written(tmp_path)
    with pytest.raises(ValueError, match=rf"is a checkpoint of run {RUN.id}, not of other; delete it"):
        checkpoint.load(path, model=model, optimiser=optimiser, id="other")


def test_truncated_checkpoint_is_refused(tmp_path):
    path, model, optimiser = written(tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"is no readable checkpoint .* delete it"):
        checkpoint.load(path, model=model, optimiser=optimiser, id=RUN.id)


def test_failed_save_keeps_the_old_checkpoint(tmp_path, small_files):
    path, model, optimiser = written(tmp_path)
    before = path.read_bytes()
    with small_files(2048), pytest.raises(OSError, match=r"run\.safetensors cannot be written: .*make room"):
        checkpoint.save(path, model=model, optimiser=optimiser, state={"id": RUN.id})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
