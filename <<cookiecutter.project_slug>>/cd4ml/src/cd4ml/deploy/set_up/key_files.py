"""The keys that identities sign in with, on their way to GitHub: files that only their owner can read."""

import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cd4ml.deploy.api_keys import keys_folder
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.identities import IDENTITIES, Jobs, environment_flag


@dataclass(frozen=True)
class KeyFiles:
    """In `folder` there is a folder for each identity, and in it a file for each secret, until GitHub has it."""

    folder: Path
    secrets: tuple[str, ...]

    def of(self, who: str) -> Path:
        """Return an identity's folder."""
        return self.folder / who

    def make_folder(self, who: str) -> None:
        """Make it."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        for path in (self.folder, self.of(who)):
            path.mkdir(mode=0o700, exist_ok=True)

    def read(self, who: str, secret: str) -> str:
        """Return a secret on one line, or GitHub could not mask it; empty where not all of the key is here."""
        path = self.of(who) / secret
        is_whole = path.is_file() and not self.lacks(who)
        return path.read_text(encoding="utf-8").replace("\n", "") if is_whole else ""

    def forget(self, who: str) -> None:
        """Remove an identity's folder: once GitHub has a key, it is nowhere else.

        Where a key is lacking, the folder stays: it alone says that the identity's newest key is one that nobody has.
        """
        if not self.lacks(who):
            shutil.rmtree(self.of(who), ignore_errors=True)

    def lacks(self, who: str) -> bool:
        """Return whether a key was to be made for an identity, and is not here: a run was stopped in between."""
        return self.of(who).is_dir() and not all((self.of(who) / secret).is_file() for secret in self.secrets)

    @property
    def is_empty(self) -> bool:
        """Whether GitHub has every key that was made."""
        return not any(path.is_file() for who in IDENTITIES for path in self.of(who).glob("*"))

    def commands(self, jobs: Jobs) -> Iterator[str]:
        """Return the commands that give GitHub what is here, and remove it then."""
        for who in jobs.signing_in:
            if self.lacks(who) or not self.of(who).is_dir():
                continue
            for environment in jobs.environments_of(who):
                for secret in self.secrets:
                    path = self.of(who) / secret
                    if path.is_file():
                        told = " ".join(("gh", "secret", "set", secret, *environment_flag(environment)))
                        yield f"tr -d '\\n' < {shlex.quote(str(path))} | {told}"
            yield f"rm -r {shlex.quote(str(self.of(who)))}"


def key_files(slug: str, secrets: tuple[str, ...], environment: Mapping[str, str]) -> KeyFiles:
    """Return where the keys of a project are kept."""
    return KeyFiles(keys_folder(slug, environment), secrets)


def for_github(files: KeyFiles, jobs: Jobs, credentials: str) -> Iterable[str]:
    """Return what to say where GitHub was not told: how it gets what it needs."""
    lines: Sequence[str] = [*files.commands(jobs)] if credentials == "service-account" else []
    how = f"--credentials {credentials} " if credentials else ""
    return [*lines, f"or set all of it on GitHub: {SCRIPT} bootstrap {how}--set-secrets"]
