#!/usr/bin/env python3
"""aws-actions/configure-aws-credentials: variables for every later step, after STS was asked who they are of.

A key that begins with AKIAEXPIRED has expired. STS is the one at $AWS_ENDPOINT_URL: it knows who may take a role.
"""

import json

from toolkit import export_variable, fail, get_input, identity_of_job, phases, run, set_output, set_secret


def main() -> None:
    region, role = get_input("aws-region", required=True), get_input("role-to-assume")
    held = from_role(role, region) if role else from_key()
    settings = {name: value for name, value in held.items() if value} | {"AWS_REGION": region}
    settings["AWS_DEFAULT_REGION"] = region
    told = json.loads(run("aws", "sts", "get-caller-identity", "--output", "json", settings=settings))
    for name in held:
        if held[name]:
            set_secret(held[name])
    for name, value in settings.items():
        export_variable(name, value)
    set_output("aws-account-id", told["Account"])


def from_key() -> dict[str, str]:
    key, secret = get_input("aws-access-key-id"), get_input("aws-secret-access-key")
    if not key or not secret:
        fail("Credentials could not be loaded, please check your action inputs: no provider has any")
    if key.startswith("AKIAEXPIRED"):
        fail("The security token included in the request is invalid.")
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": ""}


def from_role(role: str, region: str) -> dict[str, str]:
    token = identity_of_job("sts.amazonaws.com")
    words = ["--role-arn", role, "--role-session-name", "GitHubActions", "--web-identity-token", token]
    taken = json.loads(
        run("aws", "sts", "assume-role-with-web-identity", *words, "--region", region, "--output", "json")
    )
    held = taken["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": held["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": held["SecretAccessKey"],
        "AWS_SESSION_TOKEN": held["SessionToken"],
    }


phases(main)
