"""Arguments of a verb on the command line."""

import argparse
from typing import NoReturn

from cd4ml.errors import UserError
from cd4ml.terminal.verbs import VERBS


class Arguments(argparse.ArgumentParser):
    """The arguments of a verb; an error in them is reported in one line."""

    def __init__(self, verb: str) -> None:
        known = VERBS[verb]
        super().__init__(prog=f"cd4ml {verb}", description=known.purpose, epilog=f"example: {known.example}")

    def error(self, message: str) -> NoReturn:
        """Reject the arguments.

        Raises:
            UserError: always.
        """
        raise UserError(f"{message}; `{self.prog} --help` lists the arguments")
