"""The verb `smoke-image`: run the image with next to no rights, compare its predictions with the bundle's, and stop it.

The container may write nowhere, has no capability, may gain none, and has half a gigabyte and 256 processes. It has to
end by itself when it is told to. If it does not do all of this, its log is shown.
"""

import subprocess  # the smoke test of this library
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from cd4ml.errors import UserError
from cd4ml.files.temporary import signals_unwind
from cd4ml.image.bundle import read_bundle
from cd4ml.image.engine import ask_engine, image_name, show_log
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments

_RIGHTS = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--memory", "512m", "--pids-limit", "256"),
)
_READY = 60  # seconds in which it has to be ready
_STOPPED = 20  # seconds in which it has to end when it is told to
_PAUSE = 0.3  # seconds between two looks at the container


def main(argv: list[str]) -> None:
    """Run the image, smoke-test it, stop it, and print the result of each check.

    Raises:
        UserError: the image does not run, does not answer as models/bundle does, or does not stop.
    """
    Arguments("smoke-image").parse_args(argv)
    project = read_project()
    read_bundle()
    with signals_unwind(), _container(image_name(project)) as container:
        _compare(container)
        stopped = ask_engine("stop", "-t", str(_STOPPED), container.name)
        print(stopped.stderr, end="", file=sys.stderr)
        if stopped.returncode or container.runs or container.state("ExitCode") != "0":
            container.fail("the container did not end by itself when it was told to stop")
    print("stopped      by itself, with exit code 0")


@dataclass(frozen=True)
class _Container:
    """A container that was started."""

    name: str

    def state(self, field: str) -> str:
        """Return a field of what the engine says of its state; empty if it says nothing."""
        return ask_engine("inspect", "--format", f"{{{{.State.{field}}}}}", self.name).stdout.strip()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.state("Running") == "true"

    def fail(self, what: str) -> NoReturn:
        """Show its log, and say what went wrong.

        Raises:
            UserError: always.
        """
        show_log(self.name)
        ended = f"exit code {self.state('ExitCode')}, out of memory: {self.state('OOMKilled')}"
        raise UserError(f"{what} ({ended}); its log is above")


@contextmanager
def _container(image: str) -> Iterator[_Container]:
    """Start a container of an image, and remove it after the block.

    Raises:
        UserError: it does not start.
    """
    started = ask_engine("run", "--detach", *_RIGHTS, "--publish", "127.0.0.1::8000", image)
    container = _Container(started.stdout.strip())
    print(started.stderr, end="", file=sys.stderr)
    try:
        if started.returncode:
            raise UserError(f"{image} does not run; make image builds it")
        yield container
    finally:
        if container.name:
            ask_engine("rm", "--force", container.name)


def _compare(container: _Container) -> None:
    """Compare the container's predictions with the bundle's; one that has ended is not waited for.

    Raises:
        UserError: it ended, or answers otherwise.
    """
    addresses = ask_engine("port", container.name, "8000/tcp").stdout.splitlines()
    if not addresses or not container.runs:
        container.fail("the container ended at once")
    command = [sys.executable, "-m", "cd4ml", "smoke", "--url", f"http://{addresses[0]}", "--wait", str(_READY)]
    with subprocess.Popen(command) as asking:
        try:
            while asking.poll() is None:
                time.sleep(_PAUSE)
                if asking.poll() is None and not container.runs:
                    asking.terminate()
                    container.fail("the container ended")
        finally:
            asking.terminate()
    if not container.runs:
        container.fail("the container ended")
    if asking.returncode:
        container.fail("the container runs, and did not answer as models/bundle does")
