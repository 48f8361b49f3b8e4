#!/usr/bin/env python3
"""actions/attest: asks for the rights the real one needs, and gives the attestation to GitHub's API."""

import json
import os
import re
import urllib.error
import urllib.request
from pathlib import Path

from toolkit import fail, get_input, permission, phases, set_output


def main() -> None:
    for scope in ("id-token", "attestations"):
        if permission(scope) != "write":
            fail(f"Failed to get ID token: missing permission {scope}: write")
    digest, path = get_input("subject-digest"), get_input("subject-path")
    if bool(digest) == bool(path) or (digest and not re.fullmatch("sha256:[0-9a-f]{64}", digest)):
        fail("One of subject-path or subject-digest (sha256:...) must be provided")
    if digest and not get_input("subject-name"):
        fail("subject-name must be provided when using subject-digest")
    statement = {"subject": get_input("subject-name") or path, "digest": digest, "type": get_input("predicate-type")}
    bundle = Path(os.environ["RUNNER_TEMP"], "attestation.json")
    bundle.write_text(json.dumps(statement))
    url = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/attestations"
    headers = {"Authorization": f"Bearer {os.environ['ACTIONS_JOB_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps({"bundle": statement}).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            number = json.load(answer)["id"]
    except urllib.error.HTTPError as error:
        fail(f"Failed to persist attestation: {json.load(error)['message']}")
    set_output("bundle-path", str(bundle))
    set_output("attestation-id", str(number))
    set_output(
        "attestation-url", f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}/attestations/{number}"
    )


phases(main)
