"""Carry out a step: run its commands, or write its file."""

import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import getitem
from pathlib import Path

from cd4ml.deploy.commands import CloudError, Command, parsed
from cd4ml.deploy.set_up.patience import Patience, RefusedError
from cd4ml.deploy.set_up.steps import Document, Kept, PrivateFile, Step


def carry_out(step: Step, patience: Patience) -> bool:
    """Make or mend something, or print how; return whether it was there.

    Raises:
        CloudError: that failed; the message says what to do.
    """
    try:
        existed = _made(step, step.command, patience) if step.command else False
        for command in step.then:
            patience.change(command)
    except RefusedError:
        raise CloudError(step.failure) from None
    if step.file:
        _write(step.file, patience)
    return existed


def _made(step: Step, command: Command, patience: Patience) -> bool:
    """Run the step's first command; return whether what it makes was there."""
    dry_run = patience.effects.dry_run
    if step.into and dry_run:
        print(f"{command.pasted()} > {shlex.quote(str(step.into))}", flush=True)
        return False
    if step.document is None:
        printed = patience.make(command, step.passes, step.may_exist)
    else:
        printed = _with_document(command, step.document, step.passes, patience)
    if printed is None:
        return True
    if step.into:
        _write(PrivateFile(step.into, printed), patience)
    elif step.keeps:
        _keep(step.keeps, command, printed, patience)
    elif not step.tells and printed:
        patience.effects.say(printed)
    return step.tells and not printed and not dry_run


def _with_document(command: Command, document: Document, passes: str, patience: Patience) -> str | None:
    if patience.effects.dry_run:
        print(f"# {document.name}: {document.text}")
        return patience.make(command, passes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, document.name)
        path.write_text(f"{document.text}\n", encoding="utf-8")
        argv = tuple(str(path) if word == document.name else word for word in command.argv)
        return patience.make(replace(command, argv=argv), passes)


def _keep(parts: Sequence[Kept], command: Command, printed: str, patience: Patience) -> None:
    """Write the parts of an answer; with a dry run there is none."""
    if patience.effects.dry_run:
        return
    answer = parsed(command, printed)
    for kept in parts:
        _write(PrivateFile(kept.file, str(reduce(getitem, kept.path, answer))), patience)


def _write(file: PrivateFile, patience: Patience) -> None:
    """Write it whole, or not at all.

    Raises:
        CloudError: it cannot be written.
    """
    if patience.effects.dry_run:
        print(f"# a new {file.path}", flush=True)
        return
    beside = file.path.with_name(f"{file.path.name}.new")
    try:
        file.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.touch(mode=0o600)
        beside.write_text(f"{file.text}\n", encoding="utf-8")
        beside.replace(file.path)
    except OSError as failure:
        raise CloudError(f"{file.path} could not be written: {failure}") from None
