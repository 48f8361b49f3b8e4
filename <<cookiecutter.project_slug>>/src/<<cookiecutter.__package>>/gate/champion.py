"""Find the champion: the bundle that dvc.lock names on `production`, or before the first release on `main`."""

import os
import re
import subprocess  # git and dvc, with words of ours alone
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..bundle import Bundle
from ..errors import BundleError

LIVE, WANTED = "production", "main"
_DVC = [sys.executable, "-m", "dvc"]
_ASKING, _FETCHING = 60, 1800  # seconds
_ABSENT = 2  # git ls-remote --exit-code: the remote answered, and has no such branch
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


class UnknownChampionError(Exception):
    """Who the champion is cannot be told, or it cannot be fetched; the message says why in one line."""


@dataclass(frozen=True)
class Champion:
    """What the challenger must hold against."""

    branch: str
    revision: str
    bundle: Bundle


def find_champion(folder: Path) -> Champion | None:
    """Return the champion, its bundle fetched into `folder`, which must not be there yet; None where there is none.

    A branch is absent only when the remote says so, where git has one: a clone need not know every branch.

    Raises:
        UnknownChampionError: the remote did not answer, or the bundle can be had neither from DVC's cache nor from its
            remote, or is not whole.
    """
    remote = _remote()
    for branch in (LIVE, WANTED):
        revision = _revision(remote, branch)
        if revision is None:
            continue
        named = _bundle_named_at(revision)
        if named is None and branch == LIVE:
            raise UnknownChampionError(f"dvc.lock on {LIVE} names no {paths.BUNDLE}")
        if named is None or (branch == WANTED and named == _bundle_named_here()):
            continue
        _fetch(branch, revision, folder)
        try:
            return Champion(branch, revision, Bundle.load(folder))
        except BundleError as broken:
            said = str(broken).replace(str(folder), "its bundle").partition("; ")[0].partition(": fetch")[0]
            raise UnknownChampionError(f"{branch} at {revision[:7]}: {said}") from None
    return None


def _remote() -> str | None:
    """Return git's remote: `origin`, or the only one there is.

    Raises:
        UnknownChampionError: there are several, and none is called origin.
    """
    remotes = _git("remote").stdout.split()
    if "origin" in remotes or len(remotes) < 2:
        return "origin" if "origin" in remotes else next(iter(remotes), None)
    raise UnknownChampionError(f"git has the remotes {', '.join(remotes)}, and none is called origin; name one so")


def _revision(remote: str | None, branch: str) -> str | None:
    """Return the commit that a branch is at, fetched from the remote where there is one; None where it is absent."""
    if remote is None:
        local = _git("rev-parse", "--quiet", "--verify", f"refs/heads/{branch}")
        return local.stdout.strip() or None
    asked = _git("ls-remote", "--exit-code", "--heads", remote, f"refs/heads/{branch}")
    if asked.returncode == _ABSENT:
        return None
    if asked.returncode:
        raise UnknownChampionError(f"{remote} did not say whether it has a branch {branch}: {_reason(asked)}")
    shallow = ["--depth=1"] if _git("rev-parse", "--is-shallow-repository").stdout.strip() == "true" else []
    tracked = f"refs/remotes/{remote}/{branch}"
    got = _git("fetch", "--quiet", "--no-tags", *shallow, remote, f"+refs/heads/{branch}:{tracked}")
    if got.returncode:
        raise UnknownChampionError(f"{branch} could not be fetched from {remote}: {_reason(got)}")
    return _git("rev-parse", "--verify", tracked).stdout.strip()


def _bundle_named_at(revision: str) -> str | None:
    """Return DVC's digest of the bundle in a commit's dvc.lock; None where it names none."""
    shown = _git("show", f"{revision}:./dvc.lock")
    return None if shown.returncode else _named(shown.stdout)


def _bundle_named_here() -> str | None:
    return _named(Path("dvc.lock").read_text(encoding="utf-8")) if Path("dvc.lock").exists() else None


def _named(lock: str) -> str | None:
    from ruamel.yaml import YAML

    stages: dict[str, Any] = (YAML(typ="safe", pure=True).load(lock) or {}).get("stages", {})
    outputs = [output for stage in stages.values() for output in stage.get("outs", ())]
    return next((output.get("md5") for output in outputs if output["path"] == paths.BUNDLE.as_posix()), None)


def _fetch(branch: str, revision: str, folder: Path) -> None:
    local = Path(".dvc/config.local")  # a remote's credentials, where they are not in the environment
    config = ["--config", str(local)] if local.exists() else []
    command = [
        sys.executable,
        "-m",
        "dvc",
        "get",
        "--quiet",
        ".",
        str(paths.BUNDLE),
        "--rev",
        revision,
        "--out",
        str(folder),
        *config,
    ]
    done = _run(command, _FETCHING)
    if done.returncode:
        raise UnknownChampionError(
            f"the bundle of {branch} at {revision[:7]} is neither in DVC's cache nor to be had from its remote: "
            f"{_reason(done)}"
        )


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return _run(["git", *words], _ASKING)


def _run(command: list[str], patience: int) -> subprocess.CompletedProcess[str]:
    """Run a command that may not ask for a password, nor wait for ever."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    settings = quiet | os.environ | {"LC_ALL": "C"}  # its reasons are read below, in English
    try:
        return subprocess.run(command, capture_output=True, check=False, text=True, timeout=patience, env=settings)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer in {patience} seconds")


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Return the first line that says why, without credentials."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = next((line for line in lines if line.lower().startswith(("fatal:", "error:"))), (lines or ["no reason"])[0])
    return _PASSWORD.sub("", re.sub(r"^(fatal|error):\s*", "", told, flags=re.IGNORECASE)).rstrip(".")[:200]
