"""The token of a GitHub workflow, for git."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlsplit


def github_credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make git send a GitHub workflow's token to GitHub; none outside a workflow.

    They are added to the GIT_CONFIG_* variables that are set already. A checkout does not keep the token. It must not
    be part of a URL or of a program's arguments, which others can read. On a laptop git has its user's credentials.
    Addresses of GitHub by ssh are read by https: a runner has no ssh key, and the token works by https only.
    """
    token = environment.get("GITHUB_TOKEN", "")
    if environment.get("GITHUB_ACTIONS") != "true" or not token:
        return {}
    server = (environment.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
    host = urlsplit(server).hostname
    encoded = b64encode(f"x-access-token:{token}".encode()).decode()
    settings = [
        (f"http.{server}/.extraheader", f"AUTHORIZATION: basic {encoded}"),
        (f"url.{server}/.insteadOf", f"git@{host}:"),
        (f"url.{server}/.insteadOf", f"ssh://git@{host}/"),
    ]
    before = int(environment.get("GIT_CONFIG_COUNT") or 0)
    variables = {"GIT_CONFIG_COUNT": str(before + len(settings))}
    for number, (name, value) in enumerate(settings, before):
        variables |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return variables
