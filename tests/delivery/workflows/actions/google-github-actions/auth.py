#!/usr/bin/env python3
"""google-github-actions/auth: a credentials file in the workspace, variables that name it, and tokens.

Tokens are unsigned and say who asks (`email`), for whom (`aud`) and until when (`exp`): the fake of Google's APIs reads
them. A key says itself what is wrong with it: `"private_key_id": "expired"` or `"revoked"`. The action signs with it,
and asks nobody, so it succeeds with such a key, unless it is to give a token; what is called with the key then fails.
Where $STANDIN_GOOGLE is the address of a stand-in for Google, it is asked for a workload identity's tokens and for
identity tokens, and refuses whom it does not trust. Else $STANDIN_GOOGLE_TRUST says whom a workload identity may
become, JSON of service account -> GitHub environments; without it everyone is trusted.
"""

import json
import os
import secrets
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from toolkit import (
    encode,
    export_variable,
    fail,
    get_boolean,
    get_input,
    identity_of_job,
    phases,
    save_state,
    set_output,
    set_secret,
    subject_of,
)

HOUR = 3600
FAILED = "google-github-actions/auth failed with:"


def main() -> None:
    key, provider = get_input("credentials_json"), get_input("workload_identity_provider")
    if bool(key) == bool(provider):
        fail(f'{FAILED} the workflow must specify exactly one of "workload_identity_provider" or "credentials_json"!')
    credentials, email = from_key(key) if key else from_identity(provider)
    project = get_input("project_id") or str(credentials.get("project_id", "")) or email.split("@")[-1].split(".")[0]
    leave_file(credentials, project)
    leave_tokens(email, str(credentials.get("private_key_id", "")))
    set_output("project_id", project)


def from_key(text: str) -> tuple[dict[str, Any], str]:
    try:
        key = json.loads(text)
        email = str(key["client_email"])
    except (ValueError, KeyError, TypeError) as error:
        fail(f"{FAILED} failed to parse service account key JSON credentials: {error}")
    return key, email


def from_identity(provider: str) -> tuple[dict[str, Any], str]:
    email = get_input("service_account")
    if not provider.startswith("projects/"):
        fail(f"{FAILED} workload_identity_provider is not projects/NUMBER/locations/global/workloadIdentityPools/...")
    audience, proof = f"//iam.googleapis.com/{provider}", identity_of_job(f"https://iam.googleapis.com/{provider}")
    if os.environ.get("STANDIN_GOOGLE"):
        federated = ask("/v1/token", {"audience": audience, "subjectToken": proof})["access_token"]
        ask(f"/v1/projects/-/serviceAccounts/{email}:generateAccessToken", {"lifetime": "3600s"}, federated)
    subject = subject_of(proof)
    trust = json.loads(os.environ.get("STANDIN_GOOGLE_TRUST", "{}"))
    if trust and subject.rpartition(":environment:")[2] not in trust.get(email, []):
        fail(f"{FAILED} Permission 'iam.serviceAccounts.getAccessToken' denied for {subject} on {email}")
    return {"type": "external_account", "audience": audience, "service_account": email}, email


def ask(path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    """Ask the stand-in for Google, as the action asks Google; it fails with what is answered."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(os.environ["STANDIN_GOOGLE"] + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            told: dict[str, Any] = json.load(reply)
    except urllib.error.HTTPError as refused:
        fail(f"{FAILED} {json.load(refused)['error']['message']}")
    return told


def leave_file(credentials: dict[str, Any], project: str) -> None:
    if not get_boolean("create_credentials_file", True):
        return
    file = Path(os.environ["GITHUB_WORKSPACE"], f"gha-creds-{secrets.token_hex(8)}.json")
    file.write_text(json.dumps(credentials))
    file.chmod(0o640)
    set_output("credentials_file_path", str(file))
    if get_boolean("cleanup_credentials", True):
        save_state("credentials", str(file))
    if get_boolean("export_environment_variables", True):
        export_variable("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", str(file))
        export_variable("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        export_variable("GOOGLE_GHA_CREDS_PATH", str(file))
        for name in (
            "CLOUDSDK_CORE_PROJECT",
            "CLOUDSDK_PROJECT",
            "GCLOUD_PROJECT",
            "GCP_PROJECT",
            "GOOGLE_CLOUD_PROJECT",
        ):
            export_variable(name, project)


def leave_tokens(email: str, state: str) -> None:
    """An access token for gcloud, which would else ask Google; and what `token_format` asks for.

    With a key that is expired or revoked, the one has expired, and Google gives no other.
    """
    refused = state in ("expired", "revoked")
    soon = int(time.time()) + (-HOUR if refused else HOUR)
    access = encode({"email": email, "aud": "https://www.googleapis.com/", "exp": soon})
    set_secret(access)
    file = Path(os.environ["RUNNER_TEMP"], f"google-access-token-{secrets.token_hex(4)}")
    file.write_text(access)
    export_variable("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", str(file))
    wanted = get_input("token_format")
    if wanted and refused:
        fail(f"{FAILED} failed to generate {wanted} for {email}: (401) Invalid JWT Signature ({state} key)")
    if wanted == "access_token":
        set_output("access_token", access)
    elif wanted == "id_token":
        audience = get_input("id_token_audience", required=True)
        identity = encode({"email": email, "email_verified": True, "aud": audience, "exp": soon})
        if os.environ.get("STANDIN_GOOGLE"):
            asked = {"audience": audience, "includeEmail": True}
            identity = ask(f"/v1/projects/-/serviceAccounts/{email}:generateIdToken", asked, access)["token"]
        set_secret(identity)
        set_output("id_token", identity)
    elif wanted:
        fail(f"{FAILED} token_format must be one of id_token, access_token")


def post() -> None:
    Path(os.environ["STATE_CREDENTIALS"]).unlink(missing_ok=True)


phases(main, post)
