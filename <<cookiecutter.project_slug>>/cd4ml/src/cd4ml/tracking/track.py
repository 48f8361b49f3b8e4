"""The verb `track`: publish what was trained, once; say so before MLflow is imported where nothing is new."""

import os
import re
import sys
from typing import TYPE_CHECKING

from cd4ml.errors import UserError
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align, report
from cd4ml.tracking.address import VIEW, TrackingAddress, TrackingError
from cd4ml.tracking.lineage import Lineage, is_dirty
from cd4ml.tracking.local_store import follow
from cd4ml.tracking.receipt import Published, Receipt, alone
from cd4ml.tracking.run_files import bundle_digest, content_digest, run_files

if TYPE_CHECKING:
    from cd4ml.tracking.run_content import Content

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")


def main(argv: list[str]) -> None:
    """Publish the bundle in models/, and set an alias to it.

    Raises:
        UserError: nothing was trained yet, or MLflow cannot be reached, or refuses.
    """
    arguments = Arguments("track")
    arguments.add_argument("--alias", default="challenger", help="the registered model's alias to set to it")
    arguments.add_argument("--check", action="store_true", help="ask the server, and publish again what is missing")
    given = arguments.parse_args(argv)
    if not _ALIAS.fullmatch(given.alias) or re.fullmatch(r"(?i)latest|v\d+", given.alias):
        raise UserError(f'"{given.alias}" is no alias; write one such as champion (ALIAS=champion)')
    track(TrackingAddress.read(os.environ), given.alias, check=given.check)


def track_after_training() -> None:
    """Publish the bundle in models/; if the server is away, say so, since the training stands all the same.

    Raises:
        UserError: reports/ and models/ do not belong together.
    """
    try:
        track(TrackingAddress.read(os.environ), "challenger")
    except (TrackingError, OSError) as failure:
        print(f"track: not in MLflow yet: {failure}; `make track` publishes it later", file=sys.stderr)


def track(where: TrackingAddress, alias: str, *, check: bool = False) -> None:
    """Publish the bundle in models/ and set the alias to it, unless the receipt says that this was done.

    Raises:
        UserError: nothing was trained yet, or MLflow cannot be reached, or refuses.
    """
    digest = bundle_digest()
    files = run_files(digest)
    content = content_digest(digest, files)

    def known() -> Published | None:
        found = None if check else Receipt.of(where).holds(digest, content, alias)
        return None if found and found.dirty and not is_dirty() else found  # now there is a commit to name

    if (there := known()) is None:
        where.knock()
        with alone():
            there = known()  # by another one, while we waited
            if there is None:
                _show(where, alias, *_publish(where, files, alias))
                return
    report(f"in MLflow already: {read_project().name} version {there.version}, {alias}; {_look(where, there)}")


def _publish(where: TrackingAddress, files: dict[str, bytes], alias: str) -> tuple["Content", Published, list[str]]:
    from cd4ml.tracking.run_content import content

    made, receipt = content(files), Receipt.of(where)
    report(f"publishing {made.bundle.version} to MLflow at {where.address}")
    prepare(where)
    from cd4ml.tracking.server import Server, explained

    with explained(where):
        published, done = Server(where).publish(made, Lineage.here(os.environ), alias)
    receipt.with_bundle(made.bundle.manifest.digest, published, alias).write(where)
    return made, published, done


def prepare(where: TrackingAddress) -> None:
    """Set all that MLflow reads when it is first imported, and let a database that was moved find its files."""
    for name, value in where.settings().items():
        if not (name.startswith("MLFLOW_HTTP_") and name in os.environ):  # how patient to be, a user may say
            os.environ[name] = value
    if where.database:
        follow(where.database)


def _show(where: TrackingAddress, alias: str, made: "Content", published: Published, done: list[str]) -> None:
    name = read_project().name
    rows = [
        ("run", made.bundle.version, f"{len(made.metrics)} metrics, {len(made.params)} parameters"),
        ("model", f"{name} version {published.version}", f"models:/{name}@{alias}"),
    ]
    for line in align(rows).splitlines():
        report(line)
    what = f"published: {', '.join(done)}" if done else "all of it was there"
    report(f"{what}; {_look(where, published)}")


def _look(where: TrackingAddress, published: Published) -> str:
    if where.is_web:
        return f"{where.address}/#/experiments/{published.experiment}/runs/{published.run}?{VIEW}"
    return "to look at it: make mlflow"
