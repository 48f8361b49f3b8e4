"""Send a request and read the whole answer; repeat what failed for a moment, and only what may be repeated."""

import email.utils
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.client import responses
from typing import Any

import stamina

from cd4ml.http.exchange import Deadline, HttpError, exchange

__all__ = ["Answer", "HttpError", "UnreadyError", "attempts", "request"]

ATTEMPTS = 4
PAUSE = 1.0  # seconds before the second attempt; before each later one twice as long, and up to as much by chance
LIMIT = 60.0  # seconds for a call, all of its attempts and pauses included
NOT_DONE = {429}  # statuses of a server that has not begun
TRANSIENT = NOT_DONE | {408, 425, 500, 502, 503, 504}  # statuses after which another attempt may succeed
_IDEMPOTENT = {"GET", "HEAD", "PUT", "DELETE"}

stamina.instrumentation.set_on_retry_hooks(())  # else it logs what it repeats


@dataclass(frozen=True)
class Answer:
    """A server's answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By name, in any case."""
    content: bytes
    attempts: int = 1
    """How often the request was sent."""

    @property
    def ok(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.status < 300

    @property
    def phrase(self) -> str:
        """The status in words, such as "Bad Gateway"."""
        return responses.get(self.status, str(self.status))

    @property
    def transient(self) -> bool:
        """Whether another attempt may succeed; GitHub answers 403 with a time to wait instead of 429, too."""
        return self.status in TRANSIENT or (self.status == 403 and "Retry-After" in self.headers)

    @property
    def uncertain(self) -> bool:
        """Whether a server with this status may have done what it was asked."""
        return self.status in TRANSIENT - NOT_DONE

    def json(self) -> Any:
        """Return the content as JSON.

        Raises:
            HttpError: it is not JSON.
        """
        try:
            return json.loads(self.content)
        except ValueError:
            raise HttpError(f"the answer is not JSON: {self.content[:60]!r}") from None


class UnreadyError(HttpError):
    """The server answers that it cannot answer now."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the server answers {answer.status}", again=True, sent=answer.uncertain)
        self.answer = answer

    @property
    def pause(self) -> float | None:
        """The seconds after which the server asks to be asked again; None if it says nothing."""
        return _seconds(self.answer.headers.get("Retry-After", ""))


def request(
    method: str,
    address: str,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    credentials: Mapping[str, str] | None = None,
    repeatable: bool | None = None,
    limit: float = LIMIT,
) -> Answer:
    """Send a request, and return the answer, whatever its status: of a status in `TRANSIENT`, the last one.

    Args:
        method: such as GET.
        address: https, or on this machine. It may hold a secret, which no error has.
        content: the body.
        headers: besides those that every request has.
        credentials: headers that no other host gets, if the server redirects.
        repeatable: whether the server may do it twice; by default what HTTP calls idempotent. What has not been sent,
            or was refused before it was begun, is repeated in any case.
        limit: seconds for all of it.

    Raises:
        HttpError: there is no answer.
    """
    may_repeat = method in _IDEMPOTENT if repeatable is None else repeatable
    try:
        with Deadline(limit) as deadline:
            for number, attempt in enumerate(attempts(ATTEMPTS, deadline, may_repeat), 1):
                with (
                    attempt,
                    exchange(
                        method, address, content=content, headers=headers, credentials=credentials, deadline=deadline
                    ) as response,
                ):
                    answer = Answer(response.status_code, response.headers, response.read(), number)
                    if answer.transient:
                        raise UnreadyError(answer)
                    return answer
    except UnreadyError as last:
        return last.answer
    raise AssertionError("unreachable")


def attempts(
    most: int, deadline: Deadline | None = None, repeatable: bool = True
) -> Iterator[AbstractContextManager[None]]:
    """Return contexts for attempts, one after the other with a pause before each, until one raises no HttpError.

    The last error is raised as it is, and so is one after which another attempt makes no sense.
    """

    def pause(failure: Exception) -> bool | float:
        if not isinstance(failure, HttpError) or not failure.again or (failure.sent and not repeatable):
            return False
        asked = failure.pause if isinstance(failure, UnreadyError) else None
        longest = PAUSE * (2 ** (ATTEMPTS - 2) + 1) if asked is None else asked
        if longest > (LIMIT if deadline is None else deadline.left):
            return False
        return True if asked is None else asked

    return iter(stamina.retry_context(pause, most, timeout=None, wait_initial=PAUSE, wait_max=30, wait_jitter=PAUSE))


def _seconds(text: str) -> float | None:
    """Return the seconds that a `Retry-After` names, as a number or as a date."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
