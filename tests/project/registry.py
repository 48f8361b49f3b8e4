"""A container registry on this machine that wants a password, and docker's own way of knowing it."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.project.baked import environment, free_port

_USER, _PASSWORD = "robot", "let me in"
_HASH = "$2b$05$p6jKglm3QtQDcg5Oqvu0MOSuMOqvof9UDlOgjmadg.C5tf853WYvu"  # of the password, as htpasswd keeps it


@dataclass(frozen=True)
class Registry:
    """A registry that runs."""

    address: str
    login: Path
    """A folder for DOCKER_CONFIG that holds the password."""

    def digest(self, name: str, tag: str) -> str | None:
        """Return the digest that a tag has there; None where there is no such tag."""
        kinds = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        asked = urllib.request.Request(f"http://{self.address}/v2/{name}/manifests/{tag}", headers={"Accept": kinds})
        asked.add_header("Authorization", f"Basic {_basic()}")
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return str(answer.headers["Docker-Content-Digest"])
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None


@contextmanager
def registry(folder: Path) -> Iterator[Registry]:
    """Run docker-registry, its content in a folder, until the block ends."""
    (folder / "content").mkdir(parents=True)
    (folder / "login").mkdir()
    address = f"127.0.0.1:{free_port()}"
    (folder / "users").write_text(f"{_USER}:{_HASH}\n")
    (folder / "login/config.json").write_text(json.dumps({"auths": {address: {"auth": _basic()}}}))
    settings = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "content")}},
        "http": {"addr": address},
        "auth": {"htpasswd": {"realm": "test", "path": str(folder / "users")}},
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], env=environment(), stdout=log, stderr=log
        )
    try:
        wait_until_it_answers(address, process, folder / "log")
        yield Registry(address, folder / "login")
    finally:
        process.terminate()
        process.wait(60)


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a registry lets in, or asks who we are."""
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"http://{address}/v2/", timeout=10).close()
            return
        except urllib.error.HTTPError as answered:
            if answered.code != 401:
                raise
            return
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def _basic() -> str:
    return base64.b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
