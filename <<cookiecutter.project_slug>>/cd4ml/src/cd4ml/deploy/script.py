"""Run one of the shell scripts beside this file, in the project's folder."""

import os
import shutil
import subprocess  # the scripts of this package, and no other
import sys
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.settings.project import Project, read_project

FOLDER = Path(__file__).parent


def main(argv: list[str]) -> None:
    """Run the script that the first argument names, `cloud` for the one of the project's platform; exit as it does.

    Raises:
        UserError: bash is not installed, or pyproject.toml does not say which platform.
    """
    name, *rest = argv
    project = read_project()
    script = FOLDER / (f"{project.platform}.sh" if name == "cloud" else name)
    if shutil.which("bash") is None:
        raise UserError("bash was not found, and the scripts for images and clouds need it: install bash")
    done = subprocess.run(["bash", str(script), *rest], env=os.environ | settings(project), check=False)
    if done.returncode:
        sys.exit(done.returncode)


def settings(project: Project) -> dict[str, str]:
    """Return what the scripts have to know of the project, as environment variables."""
    return {
        "CD4ML_NAME": project.name,
        "CD4ML_CREDENTIALS": project.credentials,
        "CD4ML_REPOSITORY": project.repository,
        "CD4ML_PYTHON": sys.executable,
    }
