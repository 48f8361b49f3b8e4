"""Ctrl-C during a search: it stops a fit at once, and lets the study's database finish what it writes.

A transaction that is cut off keeps its lock on the database, for which the next one waits a minute.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

_HURRY = 2.0  # seconds after Ctrl-C, from which on another one stops whatever is done, such as waiting for a lock
LetThrough = Callable[[], AbstractContextManager[None]]


@contextmanager
def hold_back_ctrl_c() -> Iterator[LetThrough]:
    """Hold Ctrl-C back in the block, but for the blocks of the context manager that is yielded.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; at once in a block that lets it through, otherwise at the next such
            block or at the end. If it is pressed again some seconds later, then at once.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) != signal.default_int_handler:
        yield nullcontext
        return
    pressed: float | None = None
    is_let_through = False

    def press(*_: object) -> None:
        nonlocal pressed
        now = time.monotonic()
        pressed = now if pressed is None else pressed
        if is_let_through or now - pressed > _HURRY:
            raise KeyboardInterrupt

    def stop_if_pressed() -> None:
        if pressed is not None:
            raise KeyboardInterrupt

    @contextmanager
    def let_through() -> Iterator[None]:
        nonlocal is_let_through
        is_let_through = True
        try:
            stop_if_pressed()
            yield
        finally:
            is_let_through = False
            stop_if_pressed()  # an estimator may have caught it, or made another error of it

    signal.signal(signal.SIGINT, press)
    try:
        yield let_through
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    stop_if_pressed()
