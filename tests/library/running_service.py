"""A service in a process of its own, as `cd4ml serve` starts it, and the address that it prints."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-m", "cd4ml"]


@contextmanager
def serving(bundle: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the service of a bundle on a free port; yield the process and its URL."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"],
        env=os.environ | {"MODEL_BUNDLE": str(bundle)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line, process.communicate(timeout=60)
        yield process, printed_url(line)
    finally:
        process.kill()
        process.communicate(timeout=60)


def printed_url(line: str) -> str:
    """Return the service's address in the line that it prints when it accepts requests, without a slash at its end."""
    assert line.startswith("serving "), line
    return line.split()[-1].removesuffix("/docs")
