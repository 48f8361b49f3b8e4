"""Run one tier of the tests, and note how many there were and how long they took: `tier.py NAME PYTEST-ARGUMENT...`.

The notes are in build/tiers.txt, one line a tier; .ci/run prints them at its end.
"""

import sys
import time
from pathlib import Path

import pytest

NOTES = Path(__file__).resolve().parent.parent / "build/tiers.txt"


class Count:
    """A pytest plugin that counts outcomes."""

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Count what was passed, failed and skipped."""
        self.outcomes = {
            name: len(terminalreporter.stats.get(name, [])) for name in ("passed", "failed", "error", "skipped")
        }


def main() -> None:
    """Run the tier, note it, and exit as pytest does."""
    name, *arguments = sys.argv[1:]
    count, start = Count(), time.monotonic()
    code = pytest.main(arguments, plugins=[count])
    outcomes = ", ".join(f"{number} {what}" for what, number in count.outcomes.items() if number)
    NOTES.parent.mkdir(exist_ok=True)
    with NOTES.open("a", encoding="utf-8") as notes:
        notes.write(f"{name:<10}{outcomes}, {time.monotonic() - start:.0f} s\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
