"""A project moves to another platform as docs/delivery.md says, and keeps what its owner has changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from tests.fast.conftest import PLATFORMS
from tests.moving import move, shell


def commit(folder: Path, message: str) -> None:
    shell(f"git add --all && git -c user.name=Ada -c user.email=ada@example.org commit --quiet -m '{message}'", folder)


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != ".git"
    }


@pytest.mark.parametrize(("old", "new"), list(permutations(PLATFORMS, 2)))
def test_the_commands_of_the_docs_bring_the_files_and_keep_what_was_changed(
    combination: Callable[[str], Path], tmp_path: Path, old: str, new: str
) -> None:
    before, after = (combination(f"{platform}-service-account-cloud") for platform in (old, new))
    project = Path(shutil.copytree(before, tmp_path / before.name))
    commit(project, "as generated")
    shell("printf '\\nOur own words.\\n' >> docs/delivery.md && printf 'ours\\n' > docs/ours.md", project)
    commit(project, "ours")

    move(project, before, after)

    wanted = files(after)
    wanted["docs/delivery.md"] += b"\nOur own words.\n"
    wanted["docs/ours.md"] = b"ours\n"
    assert files(project) == wanted
