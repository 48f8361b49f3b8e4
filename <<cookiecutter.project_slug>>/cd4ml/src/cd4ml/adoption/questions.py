"""Ask a person about what a table leaves unclear; the likeliest answer comes first."""

import sys
from collections.abc import Callable, Sequence

from cd4ml.errors import UserError

Ask = Callable[[str, Sequence[str]], int]
"""`ask(question, answers)` returns the position of an answer; the first one is the likeliest."""


def likeliest(question: str, answers: Sequence[str]) -> int:  # noqa: ARG001 - as Ask has it
    """Ask nobody, and take the first answer."""
    return 0


def in_terminal(question: str, answers: Sequence[str]) -> int:
    """Print a question with its answers, and return the one that a person chooses.

    Raises:
        UserError: the input ends without an answer.
    """
    print(f"\n{question}")
    for number, answer in enumerate(answers, 1):
        print(f"  {number}  {answer}")
    while True:
        try:
            text = input(f"Enter for 1, or a number up to {len(answers)}: ").strip()
        except EOFError:
            raise UserError("the input ended before an answer; nothing was written. YES=1 asks nothing") from None
        if not text:
            return 0
        if text.isdigit() and 1 <= int(text) <= len(answers):
            return int(text) - 1


def asker(yes: bool) -> Ask:
    """Return how to ask: nobody if `yes`, or if there is no terminal."""
    return in_terminal if not yes and sys.stdin.isatty() and sys.stdout.isatty() else likeliest
