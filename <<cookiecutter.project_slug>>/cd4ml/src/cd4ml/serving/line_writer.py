"""Write the lines of the service's log, so that no request waits for the log or fails with it."""

import asyncio
import os
import select
from collections.abc import Callable, Iterator, Sequence

_AT_ONCE = 4096  # bytes that a pipe takes whole, or not at all, if it can be written (PIPE_BUF on Linux)


class LineWriter:
    """Writes lines to a file descriptor. What cannot be written is left out and counted.

    The lines of the requests that the event loop answers in one turn are written together, after the answers.

    Args:
        descriptor: where to.
        describe_loss: returns the line that is written when lines can be written again, from the number of the lost.
    """

    def __init__(self, descriptor: int, describe_loss: Callable[[int], bytes]) -> None:
        self._descriptor, self._describe_loss = descriptor, describe_loss
        self._waiting: list[bytes] = []
        self._lost = 0
        self._cut = False  # whether the last line that was written has no end
        self._poll = select.poll() if hasattr(select, "poll") else None  # Windows has none
        if self._poll is not None:
            self._poll.register(descriptor, select.POLLOUT)

    def write_later(self, line: bytes) -> None:
        """Write a line, without its end, when the event loop has answered what it is at."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.flush)
        self._waiting.append(line)

    def flush(self) -> None:
        """Write the lines that wait."""
        lines, self._waiting = self._waiting, []
        self.write(lines)

    def write(self, lines: Sequence[bytes]) -> None:
        """Write lines, without their ends, at once; count those that cannot be written."""
        for block, count in _blocks(lines):
            if not self._put(block):
                self._lost += count
            elif self._lost and self._put(self._describe_loss(self._lost) + b"\n"):
                self._lost = 0

    def _put(self, block: bytes) -> bool:
        """Write a block; return whether it was written whole."""
        text = b"\n" + block if self._cut else block
        sent = 0
        while sent < len(text) and (written := self._write_some(text[sent : sent + _AT_ONCE])):
            sent += written
        if sent:
            self._cut = sent < len(text)
        return sent == len(text)

    def _write_some(self, part: bytes) -> int:
        """Return how many bytes were written: 0 if the disk is full, or the reader has ended, or is too slow."""
        try:
            if self._poll is not None and not self._poll.poll(0):
                return 0
            return os.write(self._descriptor, part)
        except OSError:
            return 0


def _blocks(lines: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield lines with their ends in blocks that a pipe takes whole, and how many each has; a longer line is one."""
    block: list[bytes] = []
    size = 0
    for line in lines:
        if block and size + len(line) + 1 > _AT_ONCE:
            yield b"\n".join([*block, b""]), len(block)
            block, size = [], 0
        block.append(line)
        size += len(line) + 1
    if block:
        yield b"\n".join([*block, b""]), len(block)
