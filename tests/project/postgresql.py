"""A PostgreSQL server of the tests' own: on loopback, with a password, gone when the block ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.project.baked import free_port

PASSWORD = "s3cret-w0rd"
PATIENCE = 60  # seconds for the server to begin


def programs() -> Path | None:
    """Return the folder that holds initdb and postgres, which Debian keeps off the PATH; None: not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@contextmanager
def start() -> Iterator[str]:
    """Start a new, empty server and yield its address: `postgresql://owner:PASSWORD@127.0.0.1:port/postgres`.

    PostgreSQL refuses to run as root: then it runs as the user `postgres`, or `nobody`, in a folder of that user's.
    """
    bin_folder = programs()
    assert bin_folder is not None, "PostgreSQL is not installed"
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    who = _unprivileged()
    user, group = (who.pw_uid, who.pw_gid) if who else (None, None)
    if who:
        os.chown(folder, who.pw_uid, who.pw_gid)
    try:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)  # the folder itself lets nobody in
        options = ["--username=owner", f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        made = subprocess.run(
            [bin_folder / "initdb", "--no-sync", *options, folder / "data"],
            cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE, user=user, group=group,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        port = free_port()
        settings = ["listen_addresses=127.0.0.1", f"port={port}", "unix_socket_directories=", "fsync=off"]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [bin_folder / "postgres", "-D", folder / "data", *(word for one in settings for word in ("-c", one))],
                cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=user, group=group,
            )  # fmt: skip
        try:
            _wait_until_ready(server, folder)
            yield f"postgresql://owner:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            _stop(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd | None:
    """Return whom to run as when we are root; None: ourselves."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path) -> None:
    """Return once the eighth line of postmaster.pid says `ready`, which is what pg_ctl waits for."""
    deadline = time.monotonic() + PATIENCE
    state = folder / "data/postmaster.pid"
    while time.monotonic() < deadline and server.poll() is None:
        lines = state.read_text().splitlines() if state.exists() else []
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return
        time.sleep(0.05)
    raise AssertionError(f"PostgreSQL did not begin:\n{(folder / 'log').read_text()}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)  # "fast": clients are disconnected, what they began is rolled back
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
    server.wait(60)
