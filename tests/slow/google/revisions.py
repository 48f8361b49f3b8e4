"""Revisions: for each one a container of its image, as Cloud Run starts an instance to see whether it comes up."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from typing import Any

DOCKER = os.environ.get("DOCKER", "docker")
COMES_UP_WITHIN = 120.0  # seconds


class NeverReadyError(Exception):
    """The container did not come up; the message is the one that Cloud Run gives."""


def _docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run([DOCKER, *arguments], capture_output=True, text=True, check=False, timeout=300)
    if check and done.returncode:
        raise NeverReadyError(done.stderr.strip() or done.stdout.strip())
    return done.stdout.strip()


class Instance:
    """One running container of a revision, reached at `port` on the loopback."""

    def __init__(self, revision: str, template: dict[str, Any], secrets: dict[str, str]) -> None:
        """Start the container that a revision's template describes, and wait until its startup probe succeeds.

        Raises:
            NeverReadyError: it does not.
        """
        container = template["spec"]["containers"][0]
        inside = str(container.get("ports", [{"containerPort": 8080}])[0]["containerPort"])
        settings = {"PORT": inside, "K_REVISION": revision}
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {}).get("secretKeyRef", {})
            settings[variable["name"]] = secrets.get(source["name"], "") if source else variable.get("value", "")
        given = [part for name, value in settings.items() for part in ("--env", f"{name}={value}")]
        self.id = _docker("run", "--detach", "--publish", f"127.0.0.1::{inside}", *given, _local(container["image"]))
        try:
            self.port = int(_docker("port", self.id, f"{inside}/tcp").splitlines()[0].rsplit(":", 1)[1])
            probe = container.get("startupProbe", {}).get("httpGet", {}).get("path", "/")
            self._wait(revision, probe)
        except (NeverReadyError, IndexError):
            self.remove()
            raise NeverReadyError(
                f"Revision '{revision}' is not ready and cannot serve traffic. The user-provided container failed to "
                f"start and listen on the port defined provided by the PORT={inside} environment variable."
            ) from None

    def _wait(self, revision: str, probe: str) -> None:
        until = time.monotonic() + COMES_UP_WITHIN
        while time.monotonic() < until:
            if self._answers(probe):
                return
            if _docker("inspect", "--format", "{{.State.Running}}", self.id) != "true":
                break
            time.sleep(0.1)
        raise NeverReadyError(revision)

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        except http.client.HTTPException:
            return False
        finally:
            connection.close()

    def remove(self) -> None:
        _docker("rm", "--force", self.id, check=False)


def _local(reference: str) -> str:
    """Return how the engine knows an image: by its name at a registry, or, built here and never pushed, by its id."""
    digest = reference.partition("@")[2]
    known = digest and _docker("image", "inspect", "--format", "{{.Id}}", digest, check=False)
    return digest if known else reference
