"""A registry of Azure's: what `az acr login` and docker speak with, before a registry that lets everybody in.

The real Caddy has the name and the certificate; it asks here whether a request may pass, and hands it on.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.delivery.stand_ins.containers import docker
from tests.delivery.stand_ins.listening import Listener, Reply, Request

from . import caddy
from .entra import RefusedError
from .rights import PULL, PUSH
from .server import Azure

CADDYFILE = """{{
    admin off
    auto_https disable_redirects
}}
https://{host} {{
    bind {address}
    tls /certificate/chain.pem /certificate/key.pem
    handle /oauth2/* {{
        reverse_proxy 127.0.0.1:{door}
    }}
    handle {{
        forward_auth 127.0.0.1:{door} {{
            uri /may-pass
        }}
        reverse_proxy {registry}
    }}
}}
"""

# `docker login`, which would have the engine ask the registry: the engine does not know its authority.
LOGIN = """#!/usr/bin/env bash
set -euo pipefail
case $1 in
ps) ;;
login) mkdir -p "$HOME/.docker" && exec skopeo login --authfile "$HOME/.docker/config.json" "${@:2}" >/dev/null ;;
*) echo "this stand-in for docker logs in, and nothing else" >&2 && exit 1 ;;
esac
"""


class Door:
    """Lets in who has a token of the registry's, to pull or push as its roles allow; gives one to whom Entra knows."""

    def __init__(self, azure: Azure, host: str, scope: str) -> None:
        self.entra, self.rights, self.host, self.scope = azure.entra, azure.rights, host, scope
        self._given: dict[str, str] = {}  # whose each token is
        self.listener = Listener(self._answer)

    def _answer(self, request: Request) -> Reply:
        path = urlsplit(request.address).path
        form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
        sent = request.headers.get("Authorization") or ""
        if path == "/may-pass":
            reads = request.headers.get("X-Forwarded-Method") in ("GET", "HEAD")
            who = self._given.get(sent.removeprefix("Bearer "))
            if who and self.rights.has(self.entra.principal_of(who), PULL if reads else PUSH, self.scope):
                return Reply.of({})
            challenge = f'Bearer realm="https://{self.host}/oauth2/token",service="{self.host}"'
            return Reply.of({"errors": [{"code": "UNAUTHORIZED"}]}, 401, WWW_Authenticate=challenge)
        if path == "/oauth2/exchange":
            try:
                who = self.entra.who(f"Bearer {form.get('access_token', '')}")
            except RefusedError as refusal:
                return Reply.of({"errors": [{"code": refusal.code}]}, 401)
            return Reply.of({"refresh_token": self._give(who)})
        if path == "/oauth2/token":
            held = form.get("refresh_token") or base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")[2]
            if held in self._given:
                token = self._give(self._given[held])
                return Reply.of({"access_token": token, "token": token, "expires_in": 3600})
            return Reply.of({"errors": [{"code": "UNAUTHORIZED"}]}, 401)
        return Reply.of({}, 404)

    def _give(self, who: str) -> str:
        token = secrets.token_hex(16)
        self._given[token] = who
        return token


@contextmanager
def guarded(azure: Azure, host: str, scope: str, registry: str, folder: Path) -> Iterator[None]:
    """Let a registry on loopback be found at https://HOST, which has an address of its own, until the block ends.

    `scope` is its address among Azure's resources.
    """
    door, address = Door(azure, host, scope), azure.address_of(host)
    (folder / "certificate").mkdir(parents=True)
    certificate = azure.authority.signs.issue_cert(host)
    certificate.private_key_pem.write_to_path(folder / "certificate/key.pem")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "certificate/chain.pem", append=True)
    told = CADDYFILE.format(host=host, address=address, door=door.listener.port, registry=registry)
    (folder / "Caddyfile").write_text(told)
    mounted = ["--volume", f"{folder}/certificate:/certificate:ro", "--volume", f"{folder}/Caddyfile:/Caddyfile:ro"]
    front = docker(
        "run", "--detach", "--network", "host", *mounted, caddy.image(), "caddy", "run", "--config", "/Caddyfile"
    )
    try:
        yield
    finally:
        docker("rm", "--force", "--volumes", front, check=False)
        door.listener.close()


def login_command(folder: Path) -> Path:
    """Write what stands in for docker where `az acr login` calls it; return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    command = folder / "docker-login"
    command.write_text(LOGIN)
    command.chmod(0o755)
    return command
