"""Renew the shipped lock file and every pin of the template and of the generated project, test, and show what moved.

`make relock` calls this. CONTRIBUTING.md says what its words do.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.locks import FOLDER, LockError, have, lock, lock_files, relock_both, versions_of, write
from scripts.pins.left import stays
from scripts.pins.lookup import Lookup, NoAnswer, ask, run
from scripts.pins.pin import Pin
from scripts.pins.renew import Renewed, renewed, tracked
from scripts.pins.table import Kept, Move, moved, not_moved

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "build/relock.md"
PEERS = "benchmarks/serving_peers"  # what the service is measured beside, each with a lock file
ALL = datetime.max.replace(tzinfo=UTC)  # everything was released before


def main() -> None:
    """Do what the words say; the exit code is 1 if a pin could not be looked up, or a test fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("lock", "pins"), help="the lock files, or what they do not hold")
    parser.add_argument(
        "--upgrade", choices=("yes", "no"), default="yes", help="no: only the lock files, same versions"
    )
    parser.add_argument("--index", help="the address of the package index to lock against")
    parser.add_argument("--cooldown", type=int, default=7, help="days that a release has to be old")
    words = parser.parse_args()
    index = words.index or standard_index(ROOT)
    if index:
        # read by each uv that is called from here; by its name, uv finds UV_INDEX_COMPANY_USERNAME and _PASSWORD
        os.environ["UV_DEFAULT_INDEX"] = f"company={index}"
    before = datetime.now(UTC) - timedelta(days=words.cooldown) if words.cooldown else ALL
    lookup = Lookup(ask, run, before, lambda: versions_of(ROOT / "uv.lock"))
    try:
        report = relock(ROOT, words.only, lookup if words.upgrade == "yes" else None)
    except LockError as error:
        sys.exit(f"relock: {error}")
    failed = words.upgrade == "yes" and subprocess.run(["make", "test"], cwd=ROOT, check=False).returncode != 0
    text = moved(report.moves).replace(f"{FOLDER}/", "project/")
    text += f"\n{not_moved(report.kept)}" if report.kept else ""
    text += "\n`make test` fails with these\n" if failed else ""
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(text, encoding="utf-8")
    print(text, end="")
    if index != standard_index(ROOT):
        index = re.sub("//[^/@]+@", "//", index)  # a password is nothing to be printed, nor does uv write it
        print(f'uv.lock names {index}; projects install from there with index = "{index}" in standard.toml, [project]')
    sys.exit(1 if report.kept or failed else 0)


def standard_index(root: Path) -> str:
    """Return the package index that a fork's standard.toml names; empty if it names none."""
    path = root / "standard.toml"
    standard = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return str(standard.get("project", {}).get("index", ""))


def relock(root: Path, only: str | None, lookup: Lookup | None) -> Renewed:
    """Renew what is asked for, write it, and return what moved; without `lookup`, nothing but the lock files.

    Raises:
        LockError: the lock files cannot be made; nothing was changed.
    """
    was = {path: versions_of(path) for path in lock_files(root)}
    with all_or_nothing(lock_files(root)) as keep:
        if only != "pins":
            relock_both(root, lookup.before if lookup else None)
        result = Renewed()
        if lookup:
            result = renewed(tracked(root), lookup, lambda pin: is_fixed(pin, only))
            lock_nodes(root, result)
            for path, text in result.texts.items():
                keep(root / path)
                write(root / path, text)
            put_back(root, result.kept, was[root / "uv.lock"])
    if lookup and only != "pins":
        relock_peers(root, result, lookup.before)
    result.moves += [move for path in was for move in moved_in(path.relative_to(root), was[path], versions_of(path))]
    return result


@contextmanager
def all_or_nothing(paths: Iterable[Path]) -> Iterator[Callable[[Path], None]]:
    """Let files be as they were if the block fails; it is given a function that adds a file, before it writes that."""
    old: dict[Path, str] = {}

    def keep(path: Path) -> None:
        old.setdefault(path, path.read_text(encoding="utf-8"))

    for path in paths:
        keep(path)
    try:
        yield keep
    except BaseException:
        for path, text in old.items():
            write(path, text)
        raise


def moved_in(path: Path, was: Mapping[str, str], now: Mapping[str, str]) -> list[Move]:
    """Return what moved in a lock file."""
    return [
        Move(name, was.get(name, "-"), now.get(name, "-"), str(path))
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]


def is_fixed(pin: Pin, only: str | None) -> bool:
    """Return whether a pin stays: for a reason, or because only what follows the lock file is asked for."""
    return stays(pin) or (only == "lock" and pin.subject.source != "lock")


def put_back(root: Path, kept: list[Kept], was: dict[str, str]) -> None:
    """Let the template's own lock file have the versions of pins that have to be the same and could not be renewed."""
    locked = versions_of(root / "uv.lock")
    pinned = [each for each in kept if each.name in was and locked[each.name] != each.version]
    have(root, [f"{each.name}=={each.version}" for each in pinned])


def lock_nodes(root: Path, result: Renewed) -> None:
    """Add the lock file of each package.json that changes; one that npm cannot lock stays as it is."""
    for path in [path for path in result.texts if Path(path).name == "package.json"]:
        name = str(Path(path).with_name("package-lock.json"))
        try:
            result.texts[name] = locked_nodes(result.texts[path], (root / name).read_text(encoding="utf-8"))
        except NoAnswer as reason:
            del result.texts[path]
            result.kept += [Kept(move.name, move.was, str(reason)) for move in result.moves if move.where == path]
            result.moves = [move for move in result.moves if move.where != path]


def locked_nodes(package: str, old: str) -> str:
    """Return the new text of package-lock.json for a package.json.

    Raises:
        NoAnswer: npm cannot.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("package.json", package), ("package-lock.json", old)):
            (Path(folder) / name).write_text(text, encoding="utf-8")
        run(["npm", "install", "--prefix", folder, "--package-lock-only", "--ignore-scripts", "--silent"], "")
        return (Path(folder) / "package-lock.json").read_text(encoding="utf-8")


def relock_peers(root: Path, result: Renewed, before: datetime) -> None:
    """Lock what the service is measured beside; one that cannot be locked keeps its versions, and is reported."""
    for folder in sorted(path.parent for path in root.glob(f"{PEERS}/*/uv.lock")):
        files = {path: path.read_text(encoding="utf-8") for path in (folder / "pyproject.toml", folder / "uv.lock")}
        was = versions_of(folder / "uv.lock")
        try:
            lock(folder, before)
            result.moves += moved_in((folder / "uv.lock").relative_to(root), was, versions_of(folder / "uv.lock"))
        except LockError as error:
            for path, text in files.items():
                write(path, text)
            result.kept.append(Kept(str(folder.relative_to(root)), "as it was", " ".join(str(error).splitlines()[1:3])))


if __name__ == "__main__":
    main()
