"""Stop when the process that started this one is gone, so that no stage outlives the run it belongs to."""

import os
import threading
import time

_EVERY = 0.5  # seconds


def stop_with_parent() -> None:
    """Watch, from a thread of its own, that the parent lives; end this process at once when it does not."""
    parent = os.getppid()  # asked first: a parent that goes from here on is missed by neither look
    if _is_orphan():
        os._exit(1)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="stop with parent").start()


def _is_orphan() -> bool:
    """Return whether the parent was gone before anyone could watch it, and this process was given to another.

    Whoever takes in orphans is of another session. So is the parent of a session's own leader, and rightly.
    """
    session = os.getsid(0)
    if session == os.getpid():
        return False
    try:
        return os.getsid(os.getppid()) != session
    except ProcessLookupError:
        return True
    except PermissionError:  # some systems do not tell of other sessions
        return True
