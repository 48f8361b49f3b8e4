"""Fetch the model that is live, or before the first release the one of the default branch: its bundle, its reports."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from cd4ml.delivery.production_log import latest_entries
from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.files.git import file_at, remote_name
from cd4ml.gate.branches import PRODUCTION, branches
from cd4ml.gate.champion import UnknownChampionError, bundle_digest_at, fetch_bundle
from cd4ml.settings import paths

_REPORTS = (paths.METRICS, paths.SLICES)
_ENTRIES = 30  # of the log that a timeline shows


@dataclass(frozen=True)
class LiveModel:
    """The model that is live, fetched into a folder."""

    branch: str
    """The branch that names it: `production`, or the default branch before the first release."""
    revision: str
    bundle: Path

    @property
    def is_released(self) -> bool:
        """Whether it was released."""
        return self.branch == PRODUCTION

    def write_reports(self, folder: Path) -> None:
        """Write its reports into a folder, as far as its commit has them."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in _REPORTS:
            if text := file_at(self.revision, path.as_posix()):
                write_text(folder / path.name, text)


def fetch_live_model(folder: Path) -> LiveModel | None:
    """Fetch the bundle into a folder, which is replaced; None if no branch names one.

    Raises:
        UserError: it cannot be fetched, or git's remote does not answer.
    """
    for branch, revision in branches():
        if bundle_digest_at(revision) is None:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            fetch_bundle(branch, revision, folder)
        except UnknownChampionError as failure:
            raise UserError(str(failure)) from None
        return LiveModel(branch, revision, folder)
    return None


def releases() -> list[tuple[str, str]]:
    """Return when which version went live, by a release or a rollback, the newest first; none before the first release.

    Raises:
        GitError: git's remote does not answer.
    """
    return [(entry.time, entry.event.rpartition(" ")[2]) for entry in latest_entries(remote_name(), _ENTRIES)]
