"""`uv sync` for the jobs of a small GitHub: each environment is made by the real uv once, and linked to after that.

An environment has 33,000 files, and each of a delivery's twenty jobs would make one and remove it again: most of the
time that a delivery takes. Two environments are the same if the arguments, the lock and the project's settings are.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.project.linked_environment import link

DESCRIBED_BY = ("uv.lock", "pyproject.toml", "cd4ml/pyproject.toml")


def main(arguments: list[str]) -> int:
    """Give the project in this folder its environment; return the exit code of the real uv, if that fails."""
    project, pool = Path.cwd(), Path(os.environ["STANDIN_ENVIRONMENTS"])
    kept = pool / name_of(project, arguments) / ".venv"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with (kept.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            done = subprocess.run([os.environ["STANDIN_UV"], *arguments], check=False)
            if done.returncode:
                return done.returncode
            (project / ".venv").rename(kept)
    shutil.rmtree(project / ".venv", ignore_errors=True)
    link(kept, project)
    print(f"the environment is that of an earlier: uv {' '.join(arguments)}")
    return 0


def name_of(project: Path, arguments: list[str]) -> str:
    """Return the name of what these arguments make of this project."""
    described = hashlib.sha256("\0".join(arguments).encode())
    for name in DESCRIBED_BY:
        described.update((project / name).read_bytes())
    return described.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
