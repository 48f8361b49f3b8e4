"""A `docker` that is first on the PATH: it runs the real one, and can end the verb that called it, at one write.

KILL_AT is the number of a write and a moment, such as `2 after`; COUNT_IN is a file that counts the writes.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

PROGRAM = """#!{python}
import os, signal, subprocess, sys

words = sys.argv[3:]  # behind --host URL
reads = words[1:2] == ["ls"] or words[:1] == ["logs"] or (words[:1] == ["cp"] and words[-1] == "-")
number = 0
if not reads:
    with open(os.environ["COUNT_IN"], "a+") as count:
        count.write(" ".join(words[:3]) + "\\n")
        count.seek(0)
        number = len(count.readlines())
kill, _, moment = os.environ.get("KILL_AT", "0 ").partition(" ")
here = not reads and number == int(kill)
if here and moment == "before":
    os.killpg(os.getpgrp(), signal.SIGKILL)
code = subprocess.run(["{docker}", *sys.argv[1:]]).returncode
if here:
    os.killpg(os.getpgrp(), signal.SIGKILL)
sys.exit(code)
"""


def put_docker(folder: Path, real: str) -> None:
    """Write it as `docker` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "docker"
    command.write_text(PROGRAM.format(python=sys.executable, docker=shutil.which(real)), encoding="utf-8")
    command.chmod(0o755)
