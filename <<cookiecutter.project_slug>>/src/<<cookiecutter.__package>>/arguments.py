"""Arguments of a verb on the command line."""

import argparse
from typing import NoReturn

from .errors import UserError


class Arguments(argparse.ArgumentParser):
    """Command-line arguments of a verb; a mistake is said in one line."""

    def __init__(self, verb: str, purpose: str) -> None:
        super().__init__(prog=f"python -m {__package__.partition('.')[0]} {verb}", description=purpose)

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            UserError: always.
        """
        raise UserError(f"{message}; `{self.prog} --help` says what there is")
