"""The finished parts of a run, in a folder, so that a run that was killed goes on with the next part.

A part is the outcome for some thousand rows. It is written by the process that scores it, under a temporary name first.
`run.json` says what the parts were made of: with another input, bundle or option, they are removed.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from cd4ml.batch.scorer import Scored, Violation
from cd4ml.errors import UserError
from cd4ml.files.atomic import replacing, write_text
from cd4ml.terminal.output import report

_VIOLATIONS = b"violations"


@dataclass(frozen=True)
class Parts:
    """The parts in a folder, by number."""

    folder: Path

    def has(self, number: int) -> bool:
        """Return whether a part is finished, and whole: a machine that stopped may have left it shorter than it was."""
        if not self._answers(number).exists():
            return False
        try:
            self.read(number)
        except (pa.ArrowException, OSError):
            return False
        return True

    def write(self, number: int, scored: Scored) -> None:
        """Write a part."""
        _write(scored.rejected, self._rejected(number))
        answers = scored.answers.replace_schema_metadata({_VIOLATIONS: msgspec.json.encode(scored.violations)})
        _write(answers, self._answers(number))  # last, since it shows that the part is finished

    def read(self, number: int) -> Scored:
        """Return a part that is finished."""
        answers = _read(self._answers(number))
        violations = msgspec.json.decode((answers.schema.metadata or {})[_VIOLATIONS], type=list[Violation])
        return Scored(answers, _read(self._rejected(number)), violations)

    def keep_only_if(self, made_of: dict[str, Any]) -> None:
        """Remove the parts, unless they were made of just this."""
        record = self.folder / "run.json"
        existing = [path for path in self.folder.iterdir() if path.suffix in (".answers", ".rejected")]
        if _content(record) == made_of:
            if finished := sum(path.suffix == ".answers" for path in existing):
                report(f"going on after a run that did not end: {finished} parts are finished")
            return
        if existing:
            report("starting anew: the input, the bundle or an option is another one than before")
        record.unlink(missing_ok=True)
        for path in existing:
            path.unlink()
        write_text(record, json.dumps(made_of, indent=1))

    def _answers(self, number: int) -> Path:
        return self.folder / f"{number:09}.answers"

    def _rejected(self, number: int) -> Path:
        return self.folder / f"{number:09}.rejected"


def _content(record: Path) -> Any:
    """Return what a JSON file holds; None if there is none, or if it is not whole."""
    try:
        return json.loads(record.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _write(table: pa.Table, path: Path) -> None:
    # a file holds one dictionary of each column, and the pieces of a table may have others
    options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
    with (
        replacing(path) as temporary,
        pa.OSFile(str(temporary), "wb") as file,
        pa.ipc.new_file(file, table.schema, options=options) as writer,
    ):
        writer.write_table(table)


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path), "rb") as file:
        return pa.ipc.open_file(file).read_all()


@contextlib.contextmanager
def working_folder(folder: Path, target: str, restart: bool) -> Iterator[Path]:
    """Yield the folder in which a run keeps what is unfinished; remove it after the block.

    If the block fails and parts are finished, it is kept.

    Args:
        folder: the folder; it is made if it does not exist.
        target: what the run writes, for messages.
        restart: remove what an earlier run has left.

    Raises:
        UserError: another run uses it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        _lock(lock, target)
        if restart:
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        try:
            yield folder
        except BaseException:
            if not any(path.suffix == ".answers" or path.name.startswith("query-") for path in folder.glob("*")):
                shutil.rmtree(folder, ignore_errors=True)  # nothing is finished yet
            raise
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _lock(folder: int, target: str) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(f"another run writes {target}; wait until it ends, or stop it") from None
