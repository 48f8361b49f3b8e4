"""Where a project's files are in its repository, of which it may be one folder."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from cd4ml.delivery.move_workflows import in_folder, owners_in_folder
from cd4ml.files.git import path_in_repository, top_folder

_SETTINGS = ".github/"
_WORKFLOWS = ".github/workflows"


@dataclass(frozen=True)
class Layout:
    """The project's folder in the repository, and where its workflows are."""

    prefix: str
    """The folder, with a slash at its end; empty if it is the root."""
    workflows_at_root: bool
    """Whether `cd4ml move-workflows` moved .github to the root of a larger repository."""

    def in_repository(self, path: str) -> str:
        """Return a path of the project as the repository has it."""
        return path if self.workflows_at_root and path.startswith(_SETTINGS) else self.prefix + path

    def in_project(self, path: str) -> str | None:
        """Return a path of the repository as the project has it; None if it is of no file of the project."""
        if self.workflows_at_root and path.startswith(_SETTINGS):
            return path
        return path.removeprefix(self.prefix) if path.startswith(self.prefix) else None

    def adapt(self, folder: Path) -> None:
        """Write the project's folder into a generated project's workflows, as `cd4ml move-workflows` does."""
        if not self.workflows_at_root:
            return
        for path in sorted((folder / _SETTINGS).rglob("*")):
            if path.is_file():
                change = owners_in_folder if path.name == "CODEOWNERS" else in_folder
                text = change(path.read_text(encoding="utf-8"), self.prefix.rstrip("/"))
                path.write_text(text, encoding="utf-8")


def layout_here() -> Layout:
    """Return the layout of the project in this folder.

    Its workflows are at the root if one there names this folder, whichever the team has deleted or renamed, and none
    that is here works in `.`, as it was generated.
    """
    prefix = path_in_repository("")
    is_moved = prefix.rstrip("/") in _named_folders(Path(top_folder())) and "." not in _named_folders(Path())
    return Layout(prefix, bool(prefix) and is_moved)


def _named_folders(root: Path) -> set[str]:
    """Return the folders that workflows name as their project's."""
    paths = (path for path in Path(root, _WORKFLOWS).glob("*.y*ml") if path.is_file())
    return {_folder(path.read_text(encoding="utf-8", errors="replace")) for path in paths} - {""}


def _folder(workflow: str) -> str:
    """Return the folder that a workflow names as the project's; empty if it names none."""
    try:
        return str(yaml.safe_load(workflow)["env"]["PROJECT"])
    except (yaml.YAMLError, KeyError, TypeError):
        return ""
