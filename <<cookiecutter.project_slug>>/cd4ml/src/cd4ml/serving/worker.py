"""One of several processes that serve: what it has from the supervisor, and how each learns that the other has ended.

Both hold an end of a channel, which closes when either ends, however it ends.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from cd4ml.serving.counts import Share

_LONGEST_STOP = 20  # seconds: open requests and the prediction log have less


@dataclass(frozen=True)
class Worker:
    """What a worker has from the supervisor."""

    listener: socket.socket
    share: Share
    channel: Connection

    @classmethod
    def inherit(cls, text: str, workers: int) -> "Worker":
        """Return what a text names: the descriptors of listener, counts and channel, and the worker's number."""
        listener, counts, channel, number = map(int, text.split(","))
        for descriptor in (listener, counts, channel):
            os.set_inheritable(descriptor, False)
        return cls(socket.socket(fileno=listener), Share(counts, workers, number), Connection(channel))

    def stop_with_supervisor(self) -> None:
        """Let this process stop, by SIGTERM, when the supervisor closes the channel; at once if it takes too long."""
        threading.Thread(target=self._watch, name="supervisor", daemon=True).start()

    def _watch(self) -> None:
        with suppress(EOFError, OSError):
            self.channel.recv()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_LONGEST_STOP)
        os._exit(1)

    def reporting(self, served: str, call: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Return a function that calls `call`, and reports to the supervisor what is served when called first."""
        unsent = [served]

        async def report_and_call() -> None:
            if unsent:
                with suppress(OSError):  # the supervisor has ended
                    self.channel.send(unsent.pop())
            await call()

        return report_and_call
