"""Serve in several processes that accept from one socket: start workers, replace those that end, stop all together.

A worker is a new process of the same command: a fork would copy locks that other threads hold. The first is started
alone, so that what is wrong with the settings or the bundle is reported once.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait

from cd4ml.errors import UserError
from cd4ml.serving.key_digests import entry
from cd4ml.serving.service_settings import ServiceSettings

log = logging.getLogger(__name__)

_SOON = 10.0  # seconds after its start in which an end is a sign that the next worker will end, too
_MOST_SOON = 3  # such ends, one after the other, that are made good


@dataclass
class _Process:
    """A worker, from its start to its end."""

    number: int
    process: subprocess.Popen[bytes]
    channel: Connection
    started: float
    early_ends: int
    """How many workers before it, one after the other, ended soon after their start."""
    serves: bool = False


class Supervisor:
    """Starts workers and watches them.

    Args:
        command: returns the command of a worker, given what `Worker.inherit` reads.
        settings: of the service.
        listener: the socket that workers accept from.
        announce: is called once, with what is served, when every worker answers.
    """

    def __init__(
        self,
        command: Callable[[str], list[str]],
        settings: ServiceSettings,
        listener: socket.socket,
        announce: Callable[[str], None],
    ) -> None:
        self._command, self._settings, self._listener, self._announce = command, settings, listener, announce
        self._counts = _memory_file()
        self._environment = {"OMP_NUM_THREADS": "1", **os.environ}  # a processor for each
        if settings.api_keys:  # the environment of this process has them no more
            self._environment["SERVICE_API_KEYS"] = ",".join(map(entry, settings.api_keys))
        self._workers: dict[Connection, _Process] = {}
        self._served: str | None = None
        self._ready = False

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            SystemExit: a worker did not start, and has printed why; or one failed while it stopped.
            UserError: a worker was ended before it served, or workers end again and again, or serve another bundle.
        """
        with _signals() as signals:
            try:
                self._start(0)
                while True:
                    for ready in wait([signals, *self._workers]):
                        if ready is signals:
                            return
                        self._hear(self._workers[ready])  # type: ignore[index]
            finally:
                clean = self._stop()
            if not clean:
                raise SystemExit(1)

    def _start(self, number: int, early_ends: int = 0) -> None:
        ours, theirs = Pipe()
        with theirs:
            inherited = (self._listener.fileno(), self._counts, theirs.fileno())
            process = subprocess.Popen(
                self._command(",".join(map(str, (*inherited, number)))),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                pass_fds=inherited,
                process_group=0,  # Ctrl-C reaches this process only
            )
        self._workers[ours] = _Process(number, process, ours, time.monotonic(), early_ends)

    def _hear(self, worker: _Process) -> None:
        """Receive a worker's report, or learn of its end."""
        try:
            served: str = worker.channel.recv()
        except (EOFError, OSError):
            self._replace(worker)
            return
        worker.serves = True
        if self._served is None:
            self._served = served
            for number in range(1, self._settings.workers):
                self._start(number)
        if served != self._served:
            raise UserError(
                f"{self._settings.bundle} has changed while {self._served} was served: a new worker would serve "
                f"{served}; start the service again"
            )
        if not self._ready and all(each.serves for each in self._workers.values()):
            self._ready = True
            self._announce(served)

    def _replace(self, worker: _Process) -> None:
        del self._workers[worker.channel]
        worker.channel.close()
        code = worker.process.wait()
        if not self._ready:
            if code > 0:
                raise SystemExit(code)
            raise UserError(f"worker {worker.number} {_ended(code)} before the service was ready")
        early = worker.early_ends + 1 if time.monotonic() - worker.started < _SOON else 0
        if early > _MOST_SOON:
            raise UserError(
                f"worker {worker.number} {_ended(code)}, the last of {early} one after the other within {_SOON:.0f} s "
                "of their start; the log says why, or the machine has too little memory for WORKERS"
            )
        log.error("worker %d (process %d) %s; another takes its place", worker.number, worker.process.pid, _ended(code))
        self._start(worker.number, early)

    def _stop(self) -> bool:
        """Let all workers complete their open requests and end; return whether all did."""
        self._listener.close()
        for worker in self._workers.values():
            worker.channel.close()
        clean = True
        for worker in self._workers.values():
            code = worker.process.wait()
            if code not in (0, -signal.SIGTERM):  # which ends a worker that has not begun
                log.error("worker %d %s while it stopped", worker.number, _ended(code))
                clean = False
        return clean


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _memory_file() -> int:
    """Return the descriptor of an empty file in memory, or where there are none, of one that has no name."""
    if sys.platform == "linux":
        return os.memfd_create("counts")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yield a socket that can be read when SIGTERM or SIGINT has come."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(-1)
