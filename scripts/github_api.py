"""Ask GitHub's REST API, where a workflow's environment says that it is. Standard library only."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

_TIMEOUT = 120.0  # seconds without an answer


class GitHubError(Exception):
    """GitHub did not do what it was asked; the message says what and with which status."""


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub, and the token with which it is asked."""

    api: str
    name: str
    """OWNER/NAME"""
    token: str

    @classmethod
    def of_workflow(cls) -> Repository:
        """Return the one that the workflow runs in.

        Raises:
            GitHubError: a variable is missing; this is no workflow.
        """
        try:
            name, token = os.environ["GITHUB_REPOSITORY"], os.environ["GITHUB_TOKEN"]
        except KeyError as missing:
            raise GitHubError(f"{missing.args[0]} is not set; a workflow of GitHub calls this") from None
        return cls(os.environ.get("GITHUB_API_URL", "https://api.github.com"), name, token)

    @property
    def address(self) -> str:
        """Where it is asked."""
        return f"{self.api}/repos/{self.name}"

    def ask(self, method: str, path: str, body: object = None, accept: tuple[int, ...] = ()) -> tuple[int, Any]:
        """Return the status and the JSON of an answer; `path` follows the repository's address, or is an address.

        A body is sent as JSON, or as it is if it is bytes.

        Raises:
            GitHubError: the status is neither one of success nor one of `accept`, or nobody answers.
        """
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        address = path if path.startswith("http") else self.address + path
        request = urllib.request.Request(address, data, method=method)
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("X-GitHub-Api-Version", "2022-11-28")
        request.add_header(
            "Content-Type", "application/octet-stream" if isinstance(body, bytes) else "application/json"
        )
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            if error.code in accept:
                return error.code, None
            raise GitHubError(f"{method} {address} answered {error.code}: {_reason(error.read())}") from None
        except OSError as error:
            raise GitHubError(f"{address}: {getattr(error, 'reason', error)}") from None


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])[:200]
    except (ValueError, KeyError, TypeError):
        return "no reason given"
