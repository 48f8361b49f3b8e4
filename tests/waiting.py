"""Wait for what another process or thread does."""

import time
from collections.abc import Callable
from typing import Any


def wait_for(condition: Callable[[], Any], what: Callable[[], object], seconds: float = 120) -> Any:
    """Return what a condition returns as soon as that is true.

    Raises:
        AssertionError: with `what` it was instead, after `seconds`.
    """
    until = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < until, what()
        time.sleep(0.2)
    return result
