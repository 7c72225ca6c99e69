"""Pin every version anew, with hashes that hold on Python 3.11 and newer, on any system.

Pins that still fit are kept; ``--upgrade`` takes the newest that pyproject.toml allows.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from environment import BROWSER_LOCK, LOCK, ROOT, pinned, pip, python

UV = "uv==0.13.9"
COURSE = ("book", "test", "lab", "torch-needs")


def compile_lock(out: Path, *arguments: str) -> None:
    """Resolve ``arguments`` for every system at once and write names, versions and hashes."""
    with tempfile.TemporaryDirectory() as folder:
        outside = Path(folder) / "outside.txt"
        outside.write_text("torch\n", encoding="utf-8")
        command = [
            *(str(python()), "-m", "uv", "pip", "compile", *arguments),
            *("--universal", "--python-version", "3.11", "--generate-hashes", "--excludes", str(outside)),
            *("--custom-compile-command", "make lock", "--quiet", "--output-file", str(out)),
        ]
        subprocess.run(command, cwd=ROOT, check=True)
    print(f"{out.relative_to(ROOT)}: {pinned(out)} packages")


if __name__ == "__main__":
    pip(("install", UV))
    groups = [word for group in COURSE for word in ("--group", group)]
    compile_lock(LOCK, "pyproject.toml", "--extra", "cluster", *groups, *sys.argv[1:])
    compile_lock(BROWSER_LOCK, "--group", "pyproject.toml:browser", *sys.argv[1:])
