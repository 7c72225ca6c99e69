"""Kernels that start at once: each is a fork of one process that has imported what all chapters do.

A chapter spends about eight seconds on the start of its kernel and on its imports, and is run
twice.  On systems without a safe fork the kernels are the ordinary ones.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

IMPORTED = (
    "scalinglab.vega",  # before all that imports the slow grammar which it keeps out
    *("ipykernel.kernelapp", "matplotlib.pyplot", "myst_nb", "pandas", "pyarrow.parquet", "scipy.stats"),
    *("torch._dynamo", "scalinglab.charts", "scalinglab.fit", "scalinglab.plots", "scalinglab.train"),
)


@contextlib.contextmanager
def ready() -> Iterator[None]:
    """Let every kernel that is started within the context be such a fork."""
    if sys.platform != "linux":
        yield
        return
    before = os.environ.get("JUPYTER_PATH")
    with tempfile.TemporaryDirectory() as folder:
        door, place = str(Path(folder) / "door"), Path(folder) / "kernels" / "python3"
        spec = {
            "argv": [sys.executable, "-I", "-S", __file__, "attach", door, "-f", "{connection_file}"],
            "display_name": "Python 3",
            "language": "python",
        }
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [folder, before]))
        server = subprocess.Popen(
            [sys.executable, "-P", __file__, "serve", door, *IMPORTED],
            env=os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
            stdout=subprocess.PIPE,
        )
        try:
            if not server.stdout.read(1):  # type: ignore[union-attr]
                sys.exit("No kernel can start: what all chapters import was not imported, as said above.")
            yield
        finally:
            server.kill()
            server.communicate()
            os.environ.pop("JUPYTER_PATH")
            if before is not None:
                os.environ["JUPYTER_PATH"] = before


def serve(door: str, *imported: str) -> None:
    """Import, open the door, say so by one byte, and make a kernel for everyone who comes in."""
    for module in imported:
        importlib.import_module(module)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(door)
        listening.listen()
        os.write(1, b".")
        os.dup2(2, 1)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
        while True:
            caller, _ = listening.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listening.close()
                be_kernel(caller)
                os._exit(0)
            caller.close()


def be_kernel(caller: socket.socket) -> None:
    """Run IPython's kernel in the caller's folder and environment; end when the caller is gone."""
    from ipykernel.kernelapp import IPKernelApp

    def end_with_caller() -> None:
        caller.recv(1)
        os._exit(0)

    with caller.makefile("r", encoding="utf-8") as lines:
        wish = json.loads(lines.readline())
    os.chdir(wish["folder"])
    os.environ.clear()
    os.environ.update(wish["environment"])
    threading.Thread(target=end_with_caller, daemon=True).start()
    kernel = IPKernelApp.instance(parent_handle=os.getppid())
    kernel.initialize(wish["arguments"])
    kernel.start()


def attach(door: str, *arguments: str) -> None:
    """Ask for a kernel and live as long as it does."""
    wish = {"folder": os.getcwd(), "environment": dict(os.environ), "arguments": arguments}
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(door)
        caller.sendall(json.dumps(wish).encode() + b"\n")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        caller.recv(1)


if __name__ == "__main__":
    {"serve": serve, "attach": attach}[sys.argv[1]](*sys.argv[2:])
