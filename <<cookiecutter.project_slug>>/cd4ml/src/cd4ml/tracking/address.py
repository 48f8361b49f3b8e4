"""Where runs are published: MLFLOW_TRACKING_URI, or a database in the project's folder. Passwords are never shown."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cd4ml.errors import UserError

LOCAL = "sqlite:///mlflow.db"
VIEW = "workflowType=machine_learning"  # or MLflow's pages begin with what is for language models
_PATIENCE = 8.0  # seconds for a server to take a connection, and again to say its first word
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


class TrackingError(UserError):
    """MLflow cannot be reached, or refuses."""


@dataclass(frozen=True)
class TrackingAddress:
    """A tracking server, or a database that serves as one."""

    address: str
    """For a person, and for MLflow where it is a web server's: without user, password and query."""
    uri: str = field(repr=False)
    """For MLflow: a web server's address, without user and password, or a database's, with them."""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be shown."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Return where the environment says, or the project's own database.

        Raises:
            TrackingError: MLFLOW_TRACKING_URI is no address.
        """
        told = environment.get("MLFLOW_TRACKING_URI", "").strip() or LOCAL
        try:
            parts = urlsplit(told)
            user, password, plain = unquote(parts.username or ""), unquote(parts.password or ""), _without_user(parts)
        except ValueError:
            raise TrackingError("MLFLOW_TRACKING_URI is no address; write one such as http://mlflow:5000") from None
        web = parts.scheme in ("http", "https")
        address = plain._replace(query="", fragment="").geturl() if parts.netloc else told.partition("?")[0]
        secrets = [parts.netloc.rpartition("@")[0], parts.password or "", password, parts.query]
        secrets += [value for _, value in parse_qsl(parts.query)]
        secrets += [environment.get(name, "") for name in _SECRETS]
        return cls(
            address=address.rstrip("/") if web else address,
            uri=plain.geturl().rstrip("/") if web else told,
            user=user if web else "",
            password=password if web else "",
            secrets=tuple(sorted({secret for secret in secrets if secret}, key=len, reverse=True)),
        )

    @property
    def key(self) -> str:
        """A name for a file about this server."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:12]

    @property
    def database(self) -> Path | None:
        """The file of an SQLite database; None for any other."""
        return Path(self.address.removeprefix("sqlite:///")) if self.address.startswith("sqlite:///") else None

    @property
    def is_web(self) -> bool:
        """Whether it is a server with pages to look at."""
        return self.address.startswith(("http://", "https://"))

    def settings(self) -> dict[str, str]:
        """Return what MLflow is told by environment variables, before it is imported.

        It tells its makers nothing, prints nothing, and does not try for minutes.
        """
        settings = {
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
            settings |= {"MLFLOW_TRACKING_USERNAME": self.user, "MLFLOW_TRACKING_PASSWORD": self.password}
        return settings

    def without_secrets(self, text: str) -> str:
        """Return a text, such as an error's, without what must not be shown."""
        text = text.replace(self.uri, self.address)
        for secret in self.secrets:
            text = text.replace(secret, "…")
        return re.sub(r"(\w://)[^/\s@]+@", r"\1", text)

    def knock(self) -> None:
        """Return when somebody answers there; a database in a file always does.

        Asks for nothing, and sends no password. Takes ten seconds at most; what MLflow itself does can take minutes.

        Raises:
            TrackingError: nobody answers.
        """
        import http.client  # these take longer than to find out that nothing is new
        import socket
        import ssl
        import urllib.error
        import urllib.request

        parts = urlsplit(self.uri)
        try:
            if self.is_web:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=_PATIENCE):  # noqa: S310 - http or https
                    return
            port = parts.port or _PORTS.get(parts.scheme.partition("+")[0])
            if parts.hostname and port:
                socket.create_connection((parts.hostname, port), timeout=_PATIENCE).close()
        except (urllib.error.HTTPError, http.client.HTTPException):
            return  # somebody answers; whether it is MLflow, and lets us in, is MLflow's to say
        except OSError as failure:
            if isinstance(getattr(failure, "reason", None), ssl.SSLError):
                return  # so does this one; which certificates are good is MLflow's setting
            raise TrackingError(f"nobody answers at {self.address}: {_reason(failure)}") from None


def _without_user(parts: SplitResult) -> SplitResult:
    _ = parts.port  # raises where it is no number
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def _reason(failure: OSError) -> str:
    cause = getattr(failure, "reason", failure)
    if isinstance(cause, TimeoutError):
        return f"no answer within {_PATIENCE:.0f} seconds"
    return str(getattr(cause, "strerror", None) or cause)
