"""`python -m cd4ml.files.run_dvc`: DVC itself, without its advice on commands that a project does not use.

DVC's own output stays as it is: this leaves out some of its messages and replaces no stream, so progress is live.
"""

import logging
import select
import sys
from typing import Any

_ADVICE = ("\nTo track the changes with git", "\nTo enable auto staging")  # `make train` names git add and git commit
_SENTENCES = (
    "Use `dvc push`",
    "Having any troubles?",
)  # `make push` does more; errors of a project are no errors of DVC


def main(arguments: list[str]) -> int:
    """Run DVC with these arguments; return its exit code."""
    from dvc.cli import main as dvc_main
    from dvc.ui import ui

    for handler in logging.getLogger("dvc").handlers:
        handler.addFilter(_is_wanted)
    console: Any = ui
    write = console.write

    def filtered(*objects: Any, **options: Any) -> None:
        if not any(sentence in str(text) for sentence in _SENTENCES for text in objects):
            write(*objects, **options)

    console.write = filtered  # error_write calls it, too
    try:
        return int(dvc_main(arguments))
    finally:
        console.write = write
        for handler in logging.getLogger("dvc").handlers:
            handler.removeFilter(_is_wanted)


def reader_has_ended() -> bool:
    """Return whether what reads this process's output, such as `head`, has ended."""
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):  # no file: a test or a notebook reads it
        return False
    poll = select.poll()
    poll.register(output, 0)  # errors are reported always
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _is_wanted(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_ADVICE) and not reader_has_ended()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
