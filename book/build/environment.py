"""Make the virtual environment: a fresh machine with Python >= 3.11 is all that this needs.

Standard library only: it runs before anything is installed.  With the word ``browser`` it adds
what drives the browser tests.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
BROWSER_LOCK = Path(__file__).with_name("browser.lock")
OLDEST, TESTED = (3, 11), (3, 13)


def python(folder: Path = VENV) -> Path:
    """Name the interpreter of the virtual environment in ``folder``."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pinned(lock: Path) -> int:
    """Count the packages that a lock file pins."""
    lines = lock.read_text("utf-8").splitlines()
    return sum("==" in line and not line.startswith((" ", "#")) for line in lines)


def torch_pin() -> str:
    """Read the pin of torch, which alone stands outside the lock: its builds differ by machine."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return next(name for name in project["dependencies"] if name.startswith("torch=="))


def pip(*commands: tuple[str, ...]) -> None:
    """Run the environment's pip, several commands at a time, and say what failed, if something does."""
    options = ["--disable-pip-version-check", "--no-input", "--quiet"]
    with contextlib.ExitStack() as files:
        running = []
        for name, *arguments in commands:
            complaints = files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            command = [str(python()), "-m", "pip", name, *options, *arguments]
            running.append((subprocess.Popen(command, cwd=ROOT, stderr=complaints), complaints))
        while not all(finished(process, 15 / len(running)) for process, _ in running):
            print(".", end="", flush=True)  # it is slow, not stuck
        for (process, complaints), command in zip(running, commands, strict=True):
            complaints.seek(0)
            if process.returncode:
                sys.stderr.write(complaints.read())
                sys.exit(
                    f"\nInstallation stopped at: pip {' '.join(command)}\n"
                    "No network, or behind a proxy? Set https_proxy, or PIP_INDEX_URL to a mirror of PyPI, "
                    "and run again."
                )


def finished(process: subprocess.Popen, seconds: float) -> bool:
    """Wait for a process, at most so long, and say whether it has ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def check_version() -> None:
    """Stop on a Python that the locked packages do not support."""
    found, wanted = sys.version_info[:2], ".".join(map(str, OLDEST))
    if found < OLDEST:
        sys.exit(
            f"Python {found[0]}.{found[1]} at {sys.executable} is too old: "
            f"the course needs {wanted} or newer.\n"
            "Install one, then name it: make book PYTHON=/path/to/python3.12"
        )
    if found > TESTED:
        newest = ".".join(map(str, TESTED))
        print(f"Note: tried on Python {wanted} to {newest}; this is {found[0]}.{found[1]}.")


def install_course() -> None:
    """Install locked packages, PyTorch and the package itself, announcing each."""
    check_version()
    torch = torch_pin()
    if not python().exists():
        print(f"Making a virtual environment in {VENV.name} with Python {sys.version.split()[0]}.")
        venv.create(VENV, with_pip=True)
    print(
        f"Installing, once, into {VENV.name}:\n"
        f"  {pinned(LOCK)} packages pinned in {LOCK.name}: about 250 MB to fetch, 1.1 GB on disk\n"
        f"  {torch}: CPU build 200 MB to fetch, 0.7 GB on disk; PyPI's build for NVIDIA cards\n"
        "    3 GB and 7 GB (README.md says how to get the small one)\n"
        "It takes 2 to 5 minutes on a fast line.",
        flush=True,
    )
    beside = (("install", "--require-hashes", "-r", str(LOCK)), ("install", "--no-deps", torch))
    package = ("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    for what, commands in (
        (f"the {pinned(LOCK)} pinned packages, and {torch} beside", beside),
        (f"what {torch} needs more, on a machine with an NVIDIA card", (("install", torch),)),
        ("scalinglab, editable", (package,)),
    ):
        started = time.monotonic()
        print(f"  {what} ...", end=" ", flush=True)
        pip(*commands)
        print(f"{time.monotonic() - started:.0f} s", flush=True)


def install_browser() -> None:
    """Install what drives the browser tests; the browser itself comes from the system."""
    print(f"Installing, once: {pinned(BROWSER_LOCK)} packages that drive a browser (50 MB).", flush=True)
    pip(("install", "--require-hashes", "--no-deps", "-r", str(BROWSER_LOCK)))


if __name__ == "__main__":
    install_browser() if sys.argv[1:] == ["browser"] else install_course()
