"""End this process if its parent process ends, so that no stage outlives the run that started it."""

import os
import threading
import time

_INTERVAL = 0.5  # seconds


def stop_with_parent() -> None:
    """Start a thread that ends this process if the parent ends; end it now if the parent has ended already."""
    parent = os.getppid()  # before the check below, so that the thread notices a parent that ends after it
    if _is_orphan():
        os._exit(1)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_INTERVAL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="stop with parent").start()


def _is_orphan() -> bool:
    """Return whether the parent ended before this function was called, and another process adopted this one.

    A process that adopts orphans belongs to another session. So does the parent of a session leader, which is no sign.
    """
    session = os.getsid(0)
    if session == os.getpid():
        return False
    try:
        return os.getsid(os.getppid()) != session
    except ProcessLookupError:
        return True
    except PermissionError:  # some systems do not tell the session of a process in another one
        return True
