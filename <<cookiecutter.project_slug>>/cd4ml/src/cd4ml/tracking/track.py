"""The verb `track`: publish the trained bundle to MLflow, once; if nothing is new, MLflow is not even imported."""

import os
import re
import sys

from cd4ml.errors import UserError
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align, report
from cd4ml.tracking.address import PAGE_QUERY, OldServerError, TrackingAddress, TrackingError
from cd4ml.tracking.lineage import Lineage, is_dirty
from cd4ml.tracking.local_store import update_artifact_addresses
from cd4ml.tracking.receipt import Published, add_to_receipt, publishing_lock, read_receipt
from cd4ml.tracking.run_files import bundle_digest, content_digest, run_files

_ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")


def main(argv: list[str]) -> None:
    """Publish the bundle in models/, and set an alias to it.

    Raises:
        UserError: nothing was trained yet, or MLflow cannot be reached, denies access or rejects a request.
    """
    arguments = Arguments("track")
    arguments.add_argument("--alias", default="challenger", help="the registered model's alias to set to it")
    arguments.add_argument("--check", action="store_true", help="compare with the server, and publish what it lacks")
    options = arguments.parse_args(argv)
    if not _ALIAS.fullmatch(options.alias) or re.fullmatch(r"(?i)latest|v\d+", options.alias):
        raise UserError(f'"{options.alias}" is not an alias; write one such as champion (ALIAS=champion)')
    track(TrackingAddress.read(os.environ), options.alias, check=options.check)


def track_after_training() -> None:
    """Publish the bundle in models/; if MLflow cannot be reached, print that: the training has succeeded anyway.

    Raises:
        UserError: reports/ and models/ do not belong together.
    """
    try:
        track(TrackingAddress.read(os.environ), "challenger")
    except OldServerError as failure:
        print(f"track: not in MLflow: {failure}", file=sys.stderr)
    except (TrackingError, OSError) as failure:
        print(f"track: not in MLflow yet: {failure}; `make track` publishes it later", file=sys.stderr)


def track(address: TrackingAddress, alias: str, *, check: bool = False) -> None:
    """Publish the bundle in models/ and set the alias to it, unless the receipt records that this was done.

    Args:
        address: the server or database.
        alias: the registered model's alias.
        check: ignore the receipt, and compare with the server.

    Raises:
        UserError: nothing was trained yet, or MLflow cannot be reached, denies access or rejects a request.
    """
    digest = bundle_digest()
    files = run_files(digest)
    content = content_digest(digest, files)

    def find_published() -> Published | None:
        published = None if check else read_receipt(address).get(alias)
        if published is None or published.content != content or (published.dirty and not is_dirty()):
            return None
        return published

    if (published := find_published()) is None:
        address.check_reachable()
        with publishing_lock():
            published = find_published()  # another process may have published it meanwhile
            if published is None:
                _publish(address, files, alias)
                return
    project = read_project().name
    report(f"in MLflow already: {project} version {published.version}, {alias}; {_where_to_look(address, published)}")


def _publish(address: TrackingAddress, files: dict[str, bytes], alias: str) -> None:
    from cd4ml.tracking.run_content import read_run_content

    content = read_run_content(files)
    report(f"publishing {content.bundle.version} to MLflow at {address.redacted}")
    prepare_mlflow(address)
    from cd4ml.tracking.server import TrackingServer, translate_errors

    with translate_errors(address):
        server = TrackingServer(address)
        published, done = server.publish(content, Lineage.read(os.environ), alias)
    add_to_receipt(address, alias, published)
    rows = [
        ("run", content.bundle.version, f"{len(content.metrics)} metrics, {len(content.params)} parameters"),
        ("model", f"{server.project} version {published.version}", f"models:/{server.project}@{alias}"),
    ]
    for line in align(rows).splitlines():
        report(line)
    result = f"published: {', '.join(done)}" if done else "nothing was missing"
    report(f"{result}; {_where_to_look(address, published)}")


def prepare_mlflow(address: TrackingAddress) -> None:
    """Set the environment variables that MLflow reads when it is first imported; adapt a database that was moved."""
    for name, value in address.mlflow_environment().items():
        if not (name.startswith("MLFLOW_HTTP_") and name in os.environ):  # the user may set timeouts and retries
            os.environ[name] = value
    if address.database:
        update_artifact_addresses(address.database)


def _where_to_look(address: TrackingAddress, published: Published) -> str:
    if address.is_web:
        return f"{address.redacted}/#/experiments/{published.experiment}/runs/{published.run}?{PAGE_QUERY}"
    return "make mlflow shows it"
