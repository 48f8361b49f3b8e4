"""The verb `repair-cache`: remove damaged files from DVC's cache, so that they are fetched or made again."""

import hashlib
import re
import subprocess  # dvc, with arguments that the library chooses
from collections.abc import Iterator
from pathlib import Path

from cd4ml.errors import UserError
from cd4ml.files.dvc_command import dvc_command
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import report

_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{30})(\.dir)?")


def main(argv: list[str]) -> None:
    """Compare every file of DVC's cache with the checksum that is its name; remove those that differ.

    Raises:
        UserError: DVC does not print the folder of its cache.
    """
    Arguments("repair-cache").parse_args(argv)
    done = subprocess.run(dvc_command("cache", "dir"), capture_output=True, check=False, text=True, timeout=60)
    if done.returncode:
        raise UserError(f"cannot find DVC's cache: {done.stderr.strip().splitlines()[-1]}")
    files = list((Path(done.stdout.strip()) / "files/md5").rglob("*"))
    damaged = list(damaged_files(files))
    for path in damaged:
        path.unlink()
        report(f"removed {path.parent.name}{path.name}, which was damaged")
    if damaged:
        print("next: make pull, which fetches them if there is a remote, then make train, which makes the others again")
    else:
        print(f"no file in DVC's cache is damaged ({sum(map(_is_object, files)):,} files)")


def damaged_files(files: list[Path]) -> Iterator[Path]:
    """Yield the files of a DVC cache whose content does not have the MD5 checksum in their name."""
    for path in filter(_is_object, files):
        with path.open("rb") as content:
            checksum = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if checksum != path.parent.name + path.name.removesuffix(".dir"):
            yield path


def _is_object(path: Path) -> bool:
    return _NAME.fullmatch(f"{path.parent.name}/{path.name}") is not None and path.is_file()
