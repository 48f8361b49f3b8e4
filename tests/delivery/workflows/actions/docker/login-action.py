#!/usr/bin/env python3
"""docker/login-action: asks the registry where there is one on loopback, and writes docker's own file.

What Docker Hub would accept is told by $STANDIN_DOCKERHUB (`user:password`); GHCR accepts a token with packages rights.
"""

import base64
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from toolkit import fail, get_boolean, get_input, phases, save_state


def config_file() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path(os.environ["HOME"], ".docker"), "config.json")


def main() -> None:
    registry = get_input("registry", "docker.io")
    user, password = get_input("username"), get_input("password")
    if not user or not password:
        fail("Username and password required")
    if not accepted(registry, user, password):
        fail(f'Error response from daemon: Get "https://{registry}/v2/": unauthorized: incorrect username or password')
    key = "https://index.docker.io/v1/" if registry == "docker.io" else registry
    auths = base64.b64encode(f"{user}:{password}".encode()).decode()
    rewrite(lambda known: known | {key: {"auth": auths}})
    print("Login Succeeded!")
    if get_boolean("logout", True):
        save_state("registry", key)


def accepted(registry: str, user: str, password: str) -> bool:
    if password.startswith("ghs_") and not rights(password).get("packages"):
        return False  # a job's own token, at GHCR or what stands in for it
    if re.fullmatch(r"(127\.0\.0\.1|localhost)(:\d+)?", registry):
        return registry_answers(registry, user, password)
    if registry == "docker.io":
        return f"{user}:{password}" == os.environ.get("STANDIN_DOCKERHUB", "")
    return True  # a cloud's own registry: the push will say


def rights(token: str) -> dict[str, str]:
    text = token.removeprefix("ghs_")
    permissions: dict[str, str] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["permissions"]
    return permissions


def registry_answers(registry: str, user: str, password: str) -> bool:
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    request = urllib.request.Request(f"http://{registry}/v2/", headers={"Authorization": f"Basic {basic}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status) == 200
    except urllib.error.URLError as error:
        print(error)
        return False


def rewrite(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    file = config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    config = json.loads(file.read_text()) if file.exists() else {}
    config["auths"] = change(config.get("auths", {}))
    file.write_text(json.dumps(config))


def post() -> None:
    rewrite(lambda known: {name: auth for name, auth in known.items() if name != os.environ["STATE_REGISTRY"]})


phases(main, post)
