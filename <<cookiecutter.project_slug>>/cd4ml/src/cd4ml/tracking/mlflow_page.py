"""The verb `mlflow`: MLflow's page over the project's own database; for a server, say where its page is."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from cd4ml.errors import UserError
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report
from cd4ml.tracking.address import VIEW, TrackingAddress
from cd4ml.tracking.local_store import artifacts_of, follow


def main(argv: list[str]) -> None:
    """Serve the page until SIGTERM or SIGINT, or print the address of a server's.

    Raises:
        UserError: nothing was published yet, or the port is in use.
    """
    arguments = Arguments("mlflow")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=5050)
    given = arguments.parse_args(argv)
    where = TrackingAddress.read(os.environ)
    if where.is_web:
        report(f"MLflow's page is at {where.address}")
        return
    if (database := where.database) is None:
        raise UserError(f"{where.address} is no server with a page; run `mlflow server` over it")
    if not database.exists():
        raise UserError(f"nothing was published to {database} yet; run `make train`, or `make track`")
    follow(database)
    _check_port(given.host, given.port)
    report(f"MLflow's page is at http://{given.host}:{given.port}/#/experiments?{VIEW} in a moment; Ctrl-C ends it")
    command = [sys.executable, "-m", "mlflow", "server", "--host", given.host, "--port", str(given.port)]
    command += ["--backend-store-uri", where.uri, "--default-artifact-root", artifacts_of(database)]
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    settings = where.settings() | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    sys.exit(_run(command, os.environ | settings))


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    """Run a server, in a group with its workers, until it ends or we are told to; return 0 where we were."""
    child = subprocess.Popen(command, env=environment, start_new_session=True)

    def end(*_: Any) -> None:
        os.killpg(child.pid, signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return max(child.wait(), 0)


def _check_port(host: str, port: int) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as failure:
        raise UserError(
            f"cannot listen at {host}, port {port}: {failure.strerror}; choose another with HOST and MLFLOW_PORT"
        ) from None
