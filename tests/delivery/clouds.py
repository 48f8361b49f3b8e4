"""Servers on loopback that speak the protocols of S3, Azure Blob Storage and Google Cloud Storage."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT
from tests.project.baked import environment, free_port, stop

Need = Callable[[str, object, str], None]

PATIENCE = 60  # seconds for a server to begin
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="  # Azurite's own


@contextmanager
def s3(need: Need, folder: Path) -> Iterator[dict[str, str]]:
    """Start moto; yield the settings with which programs find it."""
    need("moto", shutil.which("moto_server"), "moto_server is not installed")
    port = free_port()
    with _served(port, folder / "moto.log", sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)):
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "s3cret-of-aws",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def azure(need: Need, folder: Path) -> Iterator[dict[str, str]]:
    """Start Azurite, which .ci/run puts into build/node; yield the settings with which programs find it."""
    program = shutil.which("azurite-blob", path=str(ROOT / "build/node/node_modules/.bin")) or shutil.which(
        "azurite-blob"
    )
    need("azurite", program and shutil.which("node"), "azurite is not installed: make azurite")
    port = free_port()
    options = ["--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(folder), "--silent"]
    with _served(
        port, folder / "azurite.log", str(program), *options, "--skipApiVersionCheck", "--disableTelemetry"
    ):  # fmt: skip
        yield {
            "AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            f"AccountKey={AZURE_KEY};BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        }


@contextmanager
def gcs(need: Need, folder: Path) -> Iterator[dict[str, str]]:
    """Start the emulator of Google Cloud Storage; yield the settings with which programs find it."""
    program = shutil.which("gcp-storage-emulator", path=str(Path(sys.executable).parent))
    need("gcs", program, "gcp-storage-emulator is not installed")
    port = free_port()
    where = ["--host", "127.0.0.1", "--port", str(port)]
    with _served(port, folder / "gcs.log", str(program), "start", *where, "--in-memory"):
        yield {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}


@contextmanager
def _served(port: int, log: Path, *command: str) -> Iterator[None]:
    with log.open("w") as output:
        server = subprocess.Popen(
            command, env=environment(), stdout=output, stderr=output, stdin=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, f"{command[0]} did not begin:\n{log.read_text()}"
            time.sleep(0.1)
        yield
    finally:
        stop(server)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
