"""Ctrl-C that Python loses: an exception that a signal raises in a destructor is printed and dropped."""

import signal
import sys
import threading

_SOON = 0.01  # seconds, after which the destructor has ended


def raise_dropped_stops() -> None:
    """Let Ctrl-C, and a signal that unwinds a block, end the run also if it arrives while Python frees an object.

    Python passes what a destructor or a callback of a weak reference raises to `sys.unraisablehook` and goes on. Here
    a `KeyboardInterrupt` or `SystemExit` is raised again a moment later, and again if that is in a destructor, too.
    """
    print_dropped = sys.unraisablehook

    def raise_again(dropped: "sys.UnraisableHookArgs") -> None:
        stop = dropped.exc_value
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or not isinstance(stop, KeyboardInterrupt | SystemExit):
            print_dropped(dropped)
            return
        code = stop.code if isinstance(stop, SystemExit) else None  # not the exception, which holds on to objects

        def stop_now(*_: object) -> None:
            if code is None:
                signal.raise_signal(signal.SIGINT)  # its handler may hold it back for a moment
            else:
                raise SystemExit(code)

        signal.signal(signal.SIGALRM, stop_now)
        signal.setitimer(signal.ITIMER_REAL, _SOON)

    sys.unraisablehook = raise_again
