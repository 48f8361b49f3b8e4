"""The scratch copy: the project's code and settings, without its rows, models and reports, and with its own origin.

Nothing that happens in it reaches the project: it has its own git repository and remote, and its own DVC cache.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from datetime import date
from pathlib import Path

from cd4ml.delivery.model_commit import as_bot
from cd4ml.files.git import output_of
from cd4ml.settings import paths
from cd4ml.settings.project import read_project

_LEFT_OUT = ("data", "models", "reports", "build", ".dvc", "dvc.lock")
_DVC_CONFIG = "[core]\n    analytics = false\n[cache]\n    dir = cache\n"  # not the one that a machine may share


def make_scratch(folder: Path) -> Path:
    """Copy the project in the working directory to `folder/project`, with its origin beside it; return the copy."""
    copy, origin, branch = folder / "project", folder / "origin.git", read_project().default_branch or "main"
    for name in _files_of_project():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, target, follow_symlinks=False)
    for name in (paths.RAW.parent, paths.BUNDLE.parent, paths.REPORTS):
        (copy / name).mkdir(exist_ok=True)
    (copy / ".dvc").mkdir()
    (copy / ".dvc/config").write_text(_DVC_CONFIG, encoding="utf-8")
    (copy / ".dvc/.gitignore").write_text("/cache\n/tmp\n", encoding="utf-8")
    output_of("init", "--quiet", "--bare", f"--initial-branch={branch}", str(origin))
    with chdir(copy):
        output_of("init", "--quiet", f"--initial-branch={branch}")
        output_of("remote", "add", "origin", str(origin))
        output_of("add", "--all")
        output_of(*as_bot(), "commit", "--quiet", "--no-verify", "--message", "the project before its first model")
        output_of("push", "--quiet", "origin", "HEAD")
    return copy


def _files_of_project() -> list[Path]:
    """Return the files that git has or would add, without those that a pipeline reads or writes."""
    listed = output_of("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    files = [Path(name) for name in dict.fromkeys(listed) if name and Path(name).parts[0] not in _LEFT_OUT]
    return [path for path in files if path.is_symlink() or path.is_file()]


@contextmanager
def on_day(day: date) -> Iterator[None]:
    """Let git date its commits as if they were made on a day, so that the same replay makes the same commits."""
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{day}T06:00:00+00:00")
    before = {name: os.environ.get(name) for name in dates}
    os.environ.update(dates)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
