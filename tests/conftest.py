"""What several test modules share: a disk that takes no more, points with a known law."""

import contextlib
import subprocess

import numpy as np
import pandas as pd
import pytest

from scalinglab import laws


@pytest.fixture
def small_files():
    """Make a context in which the system writes no file beyond so many bytes, as if the disk were full."""
    resource = pytest.importorskip("resource")

    @contextlib.contextmanager
    def limit(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit


@pytest.fixture
def full_disk(tmp_path):
    """Give a folder on a disk of its own without a byte left; only an administrator can have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with contextlib.suppress(OSError):
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
        if subprocess.run(mount, check=False, capture_output=True).returncode == 0:
            with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
            yield folder
            subprocess.run(["umount", str(folder)], check=True)
            return
    pytest.skip("no right to mount a disk; small_files stands for it")


@pytest.fixture
def tradeoffs():
    """Points on two hyperbolas of steps against tokens, and their laws by loss."""
    found = {loss: laws.BatchTradeoffLaw(S_min=1e3 / loss, E_min=1e6) for loss in (2.0, 1.5)}
    points = pd.DataFrame({"B": [128.0, 512.0, 2048.0] * 2, "loss": np.repeat([2.0, 1.5], 3)})
    points["S"] = [found[loss](B=B) for B, loss in zip(points.B, points.loss, strict=True)]
    return points.assign(E=points.B * points.S), found
