"""Move .github to the root of a larger repository, where GitHub reads it; its workflows then work in this folder."""

import json
import re
import shutil
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.files.git import path_in_repository, top_folder
from cd4ml.files.text import read_text
from cd4ml.terminal.arguments import Arguments

_SETTINGS = Path(".github")
_FOLDER = re.compile(r"\b(PROJECT|working-directory): \.(?=[ }\n])")
_PATTERN = re.compile(r"^(?:\*(?= )|/(?!\.github/))", re.MULTILINE)  # of CODEOWNERS, but for .github, which is moved
_DEPENDABOTS = re.compile(r"\bdirectory: /(?=[ ,}\n])")


def main(argv: list[str]) -> None:
    """Move the files, and write the project's folder into the workflows; nothing is committed.

    Raises:
        UserError: the project is at the root of its repository, has no .github, or the root has such a file already.
    """
    Arguments("move-workflows").parse_args(argv)
    root, folder = Path(top_folder()), path_in_repository("").rstrip("/")
    if not folder:
        raise UserError("this folder is the root of its repository, so GitHub reads .github where it is")
    files = sorted(path for path in _SETTINGS.rglob("*") if path.is_file())
    if not files:
        raise UserError(f"there is no .github in this folder; is it in {root} already?")
    if taken := [str(path) for path in files if (root / path).exists()]:
        raise UserError(
            f"{root} has {', '.join(taken)} already, so nothing was moved; rename one of them here or there, "
            "or copy its lines into the other and delete it"
        )
    for path in files:
        change = owners_in_folder if path.name == "CODEOWNERS" else in_folder
        write_text(root / path, change(read_text(path, UserError), folder))
    shutil.rmtree(_SETTINGS)
    print(f"moved {len(files)} files to {root / _SETTINGS}, for the project in {folder}")
    print(f"next: git add -A .github {root / _SETTINGS}, and commit")


def in_folder(text: str, folder: str) -> str:
    """Return a workflow's text with the project's folder, from the repository's root, in place of `.`, or of `/`."""
    text = _DEPENDABOTS.sub(lambda _: f"directory: {json.dumps(f'/{folder}', ensure_ascii=False)}", text)
    return _FOLDER.sub(lambda setting: f"{setting[1]}: {json.dumps(folder, ensure_ascii=False)}", text)


def owners_in_folder(text: str, folder: str) -> str:
    """Return a CODEOWNERS whose patterns hold in the project's folder only: a larger repository has other owners."""
    escaped = re.sub(r"(?=[ #\\])", r"\\", folder)
    return _PATTERN.sub(lambda _: f"/{escaped}/", text)
