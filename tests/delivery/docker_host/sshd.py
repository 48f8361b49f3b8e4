"""A real OpenSSH server on the loopback, with keys of its own, for as long as a test needs it."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.project.baked import environment, free_port

PATIENCE = 30  # seconds for the server to begin


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    url: str
    key: str
    """The private key of whoever may sign in."""
    known_hosts: str
    log: Path


def program() -> str | None:
    """Return where the server's program is on this machine; it wants to be called by its whole path."""
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin")


@contextmanager
def sshd(folder: Path) -> Iterator[Server]:
    """Run the server until the block ends: only one key may sign in, and finds this machine's engine."""
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True, timeout=60)
    port, user = free_port(), getpass.getuser()
    given = {"PATH": os.environ["PATH"], "DOCKER_HOST": os.environ.get("DOCKER_HOST", "")}
    settings = {
        "ListenAddress": f"127.0.0.1:{port}", "HostKey": folder / "host", "AuthorizedKeysFile": folder / "user.pub",
        "AllowUsers": user, "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no", "UsePAM": "no",
        "PermitRootLogin": "prohibit-password", "StrictModes": "no", "PidFile": "none",
        "SetEnv": " ".join(f"{name}={value}" for name, value in given.items() if value),
    }  # fmt: skip
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    Path("/run/sshd").mkdir(exist_ok=True)  # which it wants to be there, when it is run as root
    log = folder / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [str(program()), "-D", "-e", "-f", folder / "config"], env=environment(), stdin=subprocess.DEVNULL,
            stdout=output, stderr=output,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        known = f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}"
        yield Server(f"ssh://{user}@127.0.0.1:{port}", (folder / "user").read_text(), known, log)
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
