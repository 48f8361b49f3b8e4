"""Stop when the process that started this one is gone, so that no stage outlives the run it belongs to."""

import os
import threading
import time

_EVERY = 0.5  # seconds


def stop_with_parent() -> None:
    """Watch, from a thread of its own, that the parent lives; end this process at once when it does not."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="stop with parent").start()
