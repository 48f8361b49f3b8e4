"""The command line itself: what it answers without a project."""

import subprocess
import sys


def cd4ml(command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command in which `cd4ml` is the command line."""
    return subprocess.run(
        ["bash", "-c", command.replace("cd4ml", f"{sys.executable} -m cd4ml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_whose_reader_ends_early_prints_no_traceback() -> None:
    result = cd4ml("cd4ml --help | true")

    assert result.stderr == ""


def test_an_unknown_verb_is_an_error_of_one_line() -> None:
    result = cd4ml("cd4ml trian")

    assert result.returncode == 2
    assert result.stderr == "cd4ml: unknown verb 'trian'; cd4ml --help lists the verbs\n"
