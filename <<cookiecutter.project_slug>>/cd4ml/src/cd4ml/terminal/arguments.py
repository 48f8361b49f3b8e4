"""Parse the arguments of a verb."""

import argparse
from typing import NoReturn

from cd4ml.errors import UserError
from cd4ml.terminal.verbs import VERBS


class Arguments(argparse.ArgumentParser):
    """A parser for the arguments of a verb; an error in them becomes one line, without the usage."""

    def __init__(self, verb: str) -> None:
        entry = VERBS[verb]
        super().__init__(prog=f"cd4ml {verb}", description=entry.purpose, epilog=f"example: {entry.example}")

    def error(self, message: str) -> NoReturn:
        """Reject the arguments.

        Raises:
            UserError: always.
        """
        raise UserError(f"{message}; `{self.prog} --help` lists the arguments")
