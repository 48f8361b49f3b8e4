"""One container of an image in the real engine, as a cloud starts one to see whether it comes up."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Mapping

DOCKER = os.environ.get("DOCKER", "docker")
COMES_UP_WITHIN = 120.0  # seconds


class NeverReadyError(Exception):
    """The container did not come up; the message says what the engine or the probe did."""


def docker(*arguments: str, check: bool = True) -> str:
    """Run the engine's client; return what it printed.

    Raises:
        NeverReadyError: it failed, and `check` is set.
    """
    done = subprocess.run([DOCKER, *arguments], capture_output=True, text=True, check=False, timeout=300)
    if check and done.returncode:
        raise NeverReadyError(done.stderr.strip() or done.stdout.strip())
    return done.stdout.strip()


class Container:
    """A running container, reached at `port` on the loopback."""

    def __init__(self, image: str, settings: Mapping[str, str], inside: int, probe: str) -> None:
        """Start it, and wait until `probe` answers with 200 on the port `inside`.

        Raises:
            NeverReadyError: it does not, within two minutes.
        """
        given = [part for name, value in settings.items() for part in ("--env", f"{name}={value}")]
        self.id = docker("run", "--detach", "--publish", f"127.0.0.1::{inside}", *given, local(image))
        try:
            self.port = int(docker("port", self.id, f"{inside}/tcp").splitlines()[0].rsplit(":", 1)[1])
            self._wait(probe)
        except (NeverReadyError, IndexError) as failure:
            self.remove()
            raise NeverReadyError(str(failure)) from None

    def _wait(self, probe: str) -> None:
        until = time.monotonic() + COMES_UP_WITHIN
        while time.monotonic() < until:
            if self._answers(probe):
                return
            if docker("inspect", "--format", "{{.State.Running}}", self.id) != "true":
                break
            time.sleep(0.1)
        raise NeverReadyError(f"{probe} never answered with 200")

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def remove(self) -> None:
        docker("rm", "--force", self.id, check=False)


def local(reference: str) -> str:
    """Return how the engine knows an image: by its name at a registry, or, built here and never pushed, by its id."""
    digest = reference.partition("@")[2]
    known = digest and docker("image", "inspect", "--format", "{{.Id}}", digest, check=False)
    return digest if known else reference
