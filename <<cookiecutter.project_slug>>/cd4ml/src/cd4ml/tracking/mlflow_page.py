"""The verb `mlflow`: serve MLflow's page for the project's own database, or print the address of a server's page."""

import os
import signal
import socket
import subprocess  # mlflow, with arguments that the library chooses
import sys
from collections.abc import Mapping
from typing import Any

from cd4ml.errors import UserError
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report
from cd4ml.tracking.address import PAGE_QUERY, TrackingAddress
from cd4ml.tracking.local_store import artifacts_uri, update_artifact_addresses


def main(argv: list[str]) -> None:
    """Serve the page until SIGTERM or SIGINT, or print the address of a server's page.

    Raises:
        UserError: nothing was published yet, or the port is in use.
    """
    arguments = Arguments("mlflow")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=5050)
    options = arguments.parse_args(argv)
    address = TrackingAddress.read(os.environ)
    if address.is_web:
        report(f"MLflow's page is at {address.redacted}")
        return
    if (database := address.database) is None:
        raise UserError(f"{address.redacted} is not a server with a page; run `mlflow server` for it")
    if not database.exists():
        raise UserError(f"nothing was published to {database} yet; run `make train`, or `make track`")
    update_artifact_addresses(database)
    _check_port(options.host, options.port)
    page = f"http://{options.host}:{options.port}/#/experiments?{PAGE_QUERY}"
    report(f"MLflow's page is at {page} in a moment; Ctrl-C ends it")
    command = [sys.executable, "-m", "mlflow", "server", "--host", options.host, "--port", str(options.port)]
    command += ["--backend-store-uri", address.uri, "--default-artifact-root", artifacts_uri(database)]
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    variables = address.mlflow_environment()
    variables |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    sys.exit(_run(command, os.environ | variables))


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    """Run a server and its workers, as one process group, until they end or SIGINT or SIGTERM stops them.

    Returns the exit code; 0 if a signal stopped them.
    """
    child = subprocess.Popen(command, env=environment, start_new_session=True)

    def stop(*_: Any) -> None:
        os.killpg(child.pid, signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
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
