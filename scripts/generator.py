"""What cookiecutter reads of this repository, and a copy of it without what tools left there."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

GENERATOR = (
    ".gitattributes",
    ".gitignore",
    "cookiecutter.json",
    "hooks",
    "local_extensions.py",
    "pyproject.toml",
    "scripts/standard.py",
    "templates",
    "<<cookiecutter.project_slug>>",
)
"""All of this repository that generation needs."""

STANDARD = ("standard.toml", "hooks/pre_prompt.py")
"""What a fork adds to set its company's defaults: scripts/standard.py."""

CACHES = ("__pycache__", ".*_cache", ".hypothesis", ".venv")
"""What tools leave in a folder, as patterns of names."""


def copy_generator(folder: Path, standard: bool = False) -> None:
    """Copy what generation needs into a new folder, with a fork's standard or without."""
    folder.mkdir()
    for name in (*GENERATOR, *(STANDARD if standard else ())):
        part, copy = ROOT / name, folder / name
        copy.parent.mkdir(exist_ok=True)
        if part.is_dir():
            shutil.copytree(part, copy, ignore=shutil.ignore_patterns(*CACHES, "pre_prompt.py"))
        else:
            shutil.copy2(part, copy)


def has_standard() -> bool:
    """Return whether this repository is a fork with a standard of its own."""
    return all((ROOT / name).is_file() for name in STANDARD)
