"""Where runs are published: MLFLOW_TRACKING_URI, or a database in the project's folder. Passwords are never shown."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cd4ml.errors import UserError

LOCAL_DATABASE = "sqlite:///mlflow.db"
PAGE_QUERY = "workflowType=machine_learning"  # without it MLflow's pages show the view for language models
_TIMEOUT = 8.0  # seconds to connect to a server, and again to wait for the first byte of its response
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


class TrackingError(UserError):
    """MLflow cannot be reached, denies access, or rejects a request."""


class OldServerError(TrackingError):
    """The server cannot take a model, now or later: it is older than MLflow 3, or another program."""


@dataclass(frozen=True)
class TrackingAddress:
    """The address of a tracking server, or of a database in place of one."""

    redacted: str
    """The address without user, password and query, for messages."""
    uri: str = field(repr=False)
    """The address for MLflow: of a web server without user and password, of a database with them."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts that must not be shown."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Return the address in MLFLOW_TRACKING_URI, or that of the project's own database if it is not set.

        Raises:
            TrackingError: MLFLOW_TRACKING_URI is not an address.
        """
        uri = environment.get("MLFLOW_TRACKING_URI", "").strip() or LOCAL_DATABASE
        try:
            parts = urlsplit(uri)
            user, password, plain = unquote(parts.username or ""), unquote(parts.password or ""), _without_user(parts)
        except ValueError:
            raise TrackingError("MLFLOW_TRACKING_URI is not an address; write one such as http://mlflow:5000") from None
        web = parts.scheme in ("http", "https")
        redacted = plain._replace(query="", fragment="").geturl() if parts.netloc else uri.partition("?")[0]
        secrets = [parts.netloc.rpartition("@")[0], parts.password or "", password, parts.query]
        secrets += [value for _, value in parse_qsl(parts.query)]
        secrets += [environment.get(name, "") for name in _SECRETS]
        return cls(
            redacted=redacted.rstrip("/") if web else redacted,
            uri=plain.geturl().rstrip("/") if web else uri,
            user=user if web else "",
            password=password if web else "",
            secrets=tuple(sorted({secret for secret in secrets if secret}, key=len, reverse=True)),
        )

    @property
    def key(self) -> str:
        """A short hash of the address, for names of files about this server."""
        return hashlib.sha256(self.redacted.encode()).hexdigest()[:12]

    @property
    def database(self) -> Path | None:
        """The file of an SQLite database; None for any other address."""
        return Path(self.redacted.removeprefix("sqlite:///")) if self.redacted.startswith("sqlite:///") else None

    @property
    def is_web(self) -> bool:
        """Whether it is a web server, which also serves MLflow's pages."""
        return self.redacted.startswith(("http://", "https://"))

    def mlflow_environment(self) -> dict[str, str]:
        """Return the environment variables that MLflow reads when it is first imported.

        With them it sends no telemetry, prints nothing, and stops retrying after seconds instead of minutes.
        """
        variables = {
            "DO_NOT_TRACK": "true",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
            "MLFLOW_LOGGING_LEVEL": "ERROR",
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_UV_AUTO_DETECT": "false",
        }
        if self.user or self.password:
            variables |= {"MLFLOW_TRACKING_USERNAME": self.user, "MLFLOW_TRACKING_PASSWORD": self.password}
        return variables

    def redact(self, text: str) -> str:
        """Return a text, such as an error message, without this address's credentials."""
        text = text.replace(self.uri, self.redacted)
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return re.sub(r"(\w://)[^/\s@]+@", r"\1", text)

    def check_reachable(self) -> None:
        """Check that a server answers at the address; a database in a file is always reachable.

        Sends no password, and takes ten seconds at most: MLflow's own client may retry for minutes.

        Raises:
            TrackingError: no server answers.
        """
        import http.client  # imported late: a run that is published already must be reported at once
        import socket
        import ssl
        import urllib.error
        import urllib.request

        parts = urlsplit(self.uri)
        try:
            if self.is_web:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=_TIMEOUT):  # noqa: S310 - http or https
                    return
            port = parts.port or _PORTS.get(parts.scheme.partition("+")[0])
            if parts.hostname and port:
                socket.create_connection((parts.hostname, port), timeout=_TIMEOUT).close()
        except (urllib.error.HTTPError, http.client.HTTPException):
            return  # a server answers; MLflow's client finds out whether it is MLflow, and grants access
        except OSError as failure:
            if isinstance(getattr(failure, "reason", None), ssl.SSLError):
                return  # a server answers; which certificates are valid is set by MLflow's own variables
            raise TrackingError(f"no server answers at {self.redacted}: {_reason(failure)}") from None


def _without_user(parts: SplitResult) -> SplitResult:
    _ = parts.port  # raises ValueError if it is not a number
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def _reason(failure: OSError) -> str:
    cause = getattr(failure, "reason", failure)
    if isinstance(cause, TimeoutError):
        return f"no answer within {_TIMEOUT:.0f} seconds"
    return str(getattr(cause, "strerror", None) or cause)
