#!/usr/bin/env python3
"""aws-actions/amazon-ecr-login: asks ECR for a password, and writes docker's own file."""

import base64
import json
import os
from pathlib import Path

from toolkit import phases, run, save_state, set_output, set_secret


def config_file() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path(os.environ["HOME"], ".docker"), "config.json")


def main() -> None:
    given = json.loads(run("aws", "ecr", "get-authorization-token", "--output", "json"))["authorizationData"][0]
    registry = given["proxyEndpoint"].removeprefix("https://")
    set_secret(base64.b64decode(given["authorizationToken"]).decode().partition(":")[2])
    file = config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    config = json.loads(file.read_text()) if file.exists() else {}
    config.setdefault("auths", {})[registry] = {"auth": given["authorizationToken"]}
    file.write_text(json.dumps(config))
    set_output("registry", registry)
    save_state("registry", registry)


def post() -> None:
    config = json.loads(config_file().read_text())
    config["auths"].pop(os.environ["STATE_REGISTRY"], None)
    config_file().write_text(json.dumps(config))


phases(main, post)
