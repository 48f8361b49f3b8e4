"""Run a verb of the project's cloud, or one of the shell scripts beside this file, in the project's folder."""

import os
import shutil
import subprocess  # the scripts of this package, and no other
import sys
from pathlib import Path

from cd4ml.deploy import clouds
from cd4ml.errors import UserError
from cd4ml.settings.project import Project, read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.verbs import VERBS

FOLDER = Path(__file__).parent


def main(argv: list[str]) -> None:
    """Run the script that the first argument names, and exit with its exit code; `cloud` is the platform's verbs.

    Raises:
        UserError: bash is not installed, or pyproject.toml names no platform.
    """
    name, *rest = argv
    if {"-h", "--help"} & set(rest):
        Arguments(verb_of(argv)).print_help()
        return
    project = read_project()
    if name == "cloud":
        clouds.run(project, rest)
        return
    if shutil.which("bash") is None:
        raise UserError("bash was not found, and the scripts for images need it: install bash")
    done = subprocess.run(["bash", str(FOLDER / name), *rest], env=os.environ | settings(project), check=False)
    if done.returncode:
        sys.exit(done.returncode)


def verb_of(argv: list[str]) -> str:
    """Return the verb whose arguments begin like these."""
    return next(name for name, verb in VERBS.items() if verb.before and verb.before == tuple(argv[: len(verb.before)]))


def settings(project: Project) -> dict[str, str]:
    """Return the project's settings that the scripts read, as environment variables."""
    return {
        "CD4ML_NAME": project.name,
        "CD4ML_REPOSITORY": project.repository,
        "CD4ML_PYTHON": sys.executable,
        "CD4ML_PREDICTION_LOG": project.prediction_log,
        "CD4ML_LOG_EXTRA": project.log_extra,
        "CD4ML_SIDECAR": clouds.sidecar(project.platform),
    }
