"""What an action uses to speak to the runner, after the names of GitHub's own toolkit."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn


def get_input(name: str, default: str = "", required: bool = False) -> str:
    """Return what the workflow gave under `with:`, else the action's default."""
    value = os.environ.get(f"INPUT_{name.replace(' ', '_').upper()}", "").strip()
    if required and not value:
        fail(f"Input required and not supplied: {name}")
    return value or default


def only_inputs(*names: str) -> None:
    """Fail where the workflow gave an input that the action does not have; GitHub only warns, and ignores it."""
    known = {f"INPUT_{name.upper()}": name for name in names}
    if unknown := sorted(name for name in os.environ if name.startswith("INPUT_") and name not in known):
        fail(f"Unexpected input(s) {', '.join(name.removeprefix('INPUT_').lower() for name in unknown)}")


def get_boolean(name: str, default: bool) -> bool:
    return get_input(name, str(default)).lower() == "true"


def _append(file: str, name: str, value: str) -> None:
    with Path(os.environ[file]).open("a", encoding="utf-8") as lines:
        lines.write(f"{name}={value}\n")


def set_output(name: str, value: str) -> None:
    _append("GITHUB_OUTPUT", name, value)


def export_variable(name: str, value: str) -> None:
    _append("GITHUB_ENV", name, value)


def add_path(folder: Path) -> None:
    """Put a folder before all others on the PATH of every later step."""
    with Path(os.environ["GITHUB_PATH"]).open("a", encoding="utf-8") as lines:
        lines.write(f"{folder}\n")


def save_state(name: str, value: str) -> None:
    """Keep a value for the call after the job; without one there is no such call."""
    _append("GITHUB_STATE", name, value)


def set_secret(value: str) -> None:
    print(f"::add-mask::{value}", flush=True)


def fail(reason: str) -> NoReturn:
    print(f"::error::{reason}", flush=True)
    sys.exit(1)


def permission(scope: str) -> str:
    """Return what this job may do with a scope: none, read or write."""
    return str(json.loads(os.environ["ACTIONS_JOB_PERMISSIONS"]).get(scope, "none"))


def run(*command: str, cwd: Path | None = None, settings: dict[str, str] | None = None) -> str:
    """Run a program, show what it said when it fails, and return what it printed."""
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | (settings or {}), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        fail(f"{command[0]} exited with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def encode(claims: dict[str, Any]) -> str:
    """Return claims as an unsigned token, which the fakes read and nobody else accepts."""
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def identity_of_job(audience: str) -> str:
    """Return the token in which GitHub says who this job is; the step fails where the job may not have one."""
    if "ACTIONS_ID_TOKEN_REQUEST_TOKEN" not in os.environ:
        fail(
            "GitHub Actions did not inject $ACTIONS_ID_TOKEN_REQUEST_TOKEN or $ACTIONS_ID_TOKEN_REQUEST_URL into this "
            "job. This most likely means the GitHub Actions workflow permissions are incorrect (id-token: write)"
        )
    url = f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={audience}"
    headers = {"Authorization": f"Bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            token: str = json.load(answer)["value"]
    except urllib.error.URLError as error:
        fail(f"failed to get a GitHub OIDC token: {error}")
    return token


def subject_of(token: str) -> str:
    """Return whom a token is about."""
    body = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"])


def phases(main: Callable[[], None], post: Callable[[], None] = lambda: None) -> None:
    """Call what the runner asks for: the step itself, or what comes after the job."""
    {"main": main, "post": post}[sys.argv[1]]()
