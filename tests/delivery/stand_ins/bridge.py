"""Servers of this machine's loopback, as the containers of the clouds reach them: through the engine's own network."""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from .containers import docker

_LOOPBACK = re.compile(r"127\.0\.0\.1:(\d+)")


@contextmanager
def from_containers(settings: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield settings in which each address on the loopback is one that containers reach, until the block ends."""
    gateway = _gateway()
    ports = {int(port) for value in settings.values() for port in _LOOPBACK.findall(value)}
    with ExitStack() as stack:
        passed_on = {port: stack.enter_context(_passing_on(gateway, port)) for port in ports}
        yield {
            name: _LOOPBACK.sub(lambda found: f"{gateway}:{passed_on[int(found[1])]}", value)
            for name, value in settings.items()
        }


def _gateway() -> str:
    """Return the machine's address in the engine's network; an engine that was started once only names the subnet."""
    told = json.loads(docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"))[0]
    return str(told.get("Gateway") or next(ipaddress.ip_network(told["Subnet"]).hosts()))


@contextmanager
def _passing_on(host: str, port: int) -> Iterator[int]:
    """Pass connections to a port of `host` on to a port of the loopback; yield the former."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as there:
                back = threading.Thread(target=_copy, args=(there, self.request), daemon=True)
                back.start()
                _copy(self.request, there)
                back.join()

    with socketserver.ThreadingTCPServer((host, 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy what a side sends until it ends, or the other is gone."""
    try:
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
