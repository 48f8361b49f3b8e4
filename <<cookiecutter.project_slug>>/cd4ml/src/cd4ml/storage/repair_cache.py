"""Remove damaged files from DVC's cache, so that they are fetched or made again: `make mend`."""

import hashlib
import re
import subprocess  # dvc, with words of ours alone
import sys
from collections.abc import Iterator
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report

_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{30})(\.dir)?")


def main(argv: list[str]) -> None:
    """Compare every file of DVC's cache with the checksum that is its name; remove those that differ.

    Raises:
        UserError: DVC does not say where its cache is.
    """
    Arguments("repair-cache").parse_args(argv)
    asked = subprocess.run(
        [sys.executable, "-m", "dvc", "cache", "dir"], capture_output=True, check=False, text=True, timeout=60
    )
    if asked.returncode:
        raise UserError(f"DVC does not say where its cache is: {asked.stderr.strip().splitlines()[-1]}")
    files = list((Path(asked.stdout.strip()) / "files/md5").rglob("*"))
    wrong = list(damaged(files))
    for path in wrong:
        path.unlink()
        report(f"removed {path.parent.name}{path.name}, which was damaged")
    if wrong:
        print(
            "next: make pull, which fetches them where there is a remote, then make train, which makes the rest again"
        )
    else:
        print(f"nothing is damaged in DVC's cache ({sum(map(_is_named, files)):,} files)")


def damaged(files: list[Path]) -> Iterator[Path]:
    """Yield the files of a DVC cache whose content has not the MD5 that their name tells."""
    for path in filter(_is_named, files):
        with path.open("rb") as content:
            found = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if found != path.parent.name + path.name.removesuffix(".dir"):
            yield path


def _is_named(path: Path) -> bool:
    return _NAME.fullmatch(f"{path.parent.name}/{path.name}") is not None and path.is_file()
