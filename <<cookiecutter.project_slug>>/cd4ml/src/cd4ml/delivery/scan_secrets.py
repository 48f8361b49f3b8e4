"""The verb `scan-secrets`: search git's whole history for keys and passwords.

What is none of them, .gitleaksignore names.
"""

import subprocess  # gitleaks, with arguments that the library chooses
import sys

from cd4ml.delivery.actions_io import add_to_summary
from cd4ml.delivery.pinned_tools import GITLEAKS, find_tool
from cd4ml.errors import UserError
from cd4ml.files.git import output_of
from cd4ml.terminal.arguments import Arguments

_FOUND = 3  # the exit code that gitleaks is asked to end with if it found something


def main(argv: list[str]) -> None:
    """Search the history; print and summarise that there is nothing.

    Raises:
        UserError: there is a secret, or a part of the history could not be searched.
    """
    Arguments("scan-secrets").parse_args(argv)
    if output_of("rev-parse", "--is-shallow-repository") != "false":
        raise UserError("only the newest commits are here; git fetch --unshallow brings the others (fetch-depth: 0)")
    gitleaks = find_tool(GITLEAKS)
    sys.stdout.flush()
    command = [gitleaks, "git", "--no-banner", "--redact", "--exit-code", str(_FOUND), "."]
    code = subprocess.run(command, check=False).returncode
    if code == _FOUND:
        raise UserError("revoke what is named above, for it stays in the history; .gitleaksignore names what is none")
    if code:
        raise UserError(f"gitleaks failed (exit code {code}), which is no pass")
    told = f"scan-secrets: none in {output_of('rev-list', '--count', '--all')} commits"
    print(told)
    add_to_summary(told)
