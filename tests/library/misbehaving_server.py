"""A server on this machine that answers as it is told, byte for byte: late, in part, somewhere else, or not at all."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress

Behaviour = Callable[[socket.socket], None]


def answer(status: str, content: bytes = b"[]", *headers: str) -> Behaviour:
    """Answer as a server does, and close the connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers, "", ""]
    return lambda connection: connection.sendall("\r\n".join(lines).encode() + content)


def half_an_answer(connection: socket.socket) -> None:
    """Begin an answer, and close the connection."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1, 2")


def hang(connection: socket.socket) -> None:
    """Send nothing until the client goes."""
    connection.recv(1)


def trickle(connection: socket.socket) -> None:
    """Send a header now and then, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Still: here\r\n")
        time.sleep(0.02)


class Server:
    """A server that behaves in the ways that are given, one for each request; in the last one from then on."""

    def __init__(self, *behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[str] = []
        """What came: the head and the body of each request."""
        self.times: list[float] = []
        self._behaviours = list(behaviours)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._tls = tls
        self.address = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=(self._socket.accept()[0],), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError), self._tls.wrap_socket(connection, True) if self._tls else connection as connection:
            head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            while len(body) < length:
                body += connection.recv(65_536)
            self.times.append(time.monotonic())
            self.requests.append((head + b"\n\n" + body).decode())
            behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
            behaviour(connection)
