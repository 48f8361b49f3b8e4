#!/usr/bin/env python3
"""azure/login: the real `az login`, with a secret or with what GitHub says of the job, and the subscription chosen.

az begins with the settings in the folder $STANDIN_AZ, where one is named: they say which cloud is Azure. After the job
the account is cleared.
"""

import json
import os
import shutil
from pathlib import Path

from toolkit import fail, get_input, identity_of_job, phases, run, save_state, set_secret

INCOMPLETE = "Login failed with Error: Using auth-type: SERVICE_PRINCIPAL. Not all values are present."


def main() -> None:
    if creds := get_input("creds"):
        try:
            given = json.loads(creds)
        except ValueError as error:
            fail(f"Login failed with Error: creds is not JSON: {error}")
        client, tenant, subscription = given["clientId"], given["tenantId"], given["subscriptionId"]
        proof = ["--password", given["clientSecret"]]
        set_secret(given["clientSecret"])
    else:
        client, tenant, subscription = (get_input(f"{name}-id") for name in ("client", "tenant", "subscription"))
        proof = ["--federated-token", identity_of_job("api://AzureADTokenExchange")] if client else []
    if not (client and tenant and subscription and all(proof)):
        fail(f"{INCOMPLETE} Ensure 'client-id' and 'tenant-id' are supplied.")
    if settings := os.environ.get("STANDIN_AZ"):
        shutil.copytree(settings, Path.home() / ".azure", dirs_exist_ok=True)
    cloud = run("az", "cloud", "show", "--query", "name", "--output", "tsv").strip() if settings else "azurecloud"
    run("az", "cloud", "set", "--name", cloud)
    run("az", "login", "--service-principal", "--username", client, "--tenant", tenant, *proof, "--output", "none")
    run("az", "account", "set", "--subscription", subscription)
    save_state("cloud", cloud)
    print("Login successful.")


def post() -> None:
    run("az", "account", "clear")


phases(main, post)
