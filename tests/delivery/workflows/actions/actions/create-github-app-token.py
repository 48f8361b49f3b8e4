#!/usr/bin/env python3
"""actions/create-github-app-token: a token of the App, with the rights that the workflow asks for."""

import base64
import json
import os

from toolkit import fail, get_input, phases, set_output, set_secret

ALL = [
    "actions",
    "administration",
    "checks",
    "contents",
    "deployments",
    "issues",
    "pull-requests",
    "statuses",
    "workflows",
]


def main() -> None:
    if not (get_input("client-id") or get_input("app-id")):
        fail("The 'client-id' input must be set to a non-empty string.")
    if "PRIVATE KEY" not in get_input("private-key", required=True):
        fail("The private key is not a PEM key")
    asked = {
        name.removeprefix("INPUT_PERMISSION-").lower(): value
        for name, value in os.environ.items()
        if name.startswith("INPUT_PERMISSION-") and value
    }
    permissions = (asked or dict.fromkeys(ALL, "write")) | {"metadata": "read"}
    holder = {
        "kind": "app",
        "actor": "retrain-app[bot]",
        "repository": os.environ["GITHUB_REPOSITORY"],
        "permissions": permissions,
    }
    token = "ghs_" + base64.urlsafe_b64encode(json.dumps(holder).encode()).decode().rstrip("=")
    set_secret(token)
    set_output("token", token)
    set_output("installation-id", "1")
    set_output("app-slug", "retrain-app")


phases(main)
