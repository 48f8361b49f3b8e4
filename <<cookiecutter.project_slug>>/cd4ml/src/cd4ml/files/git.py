"""Ask git: what a branch is at, here and at the remote. It may not ask for a password, nor wait for ever."""

import os
import re
import subprocess  # git, with words of ours alone
from base64 import b64encode
from collections.abc import Mapping

from cd4ml.errors import UserError

_PATIENCE = 60  # seconds
_ABSENT = 2  # git ls-remote --exit-code: the remote answered, and has no such branch
PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")

Done = subprocess.CompletedProcess[str]


class GitError(UserError):
    """Git cannot say, or do, what it was asked for; the message says why in one line."""


def git(*words: str, given: str | None = None) -> Done:
    """Run git and return what became of it; `given` is what it reads."""
    return run(["git", *words], _PATIENCE, credentials(os.environ), given)


def said(*words: str, given: str | None = None) -> str:
    """Return what git prints.

    Raises:
        GitError: it fails.
    """
    done = git(*words, given=given)
    if done.returncode:
        raise GitError(f"git {words[0]}: {reason(done)}")
    return done.stdout.strip()


def run(command: list[str], patience: int, more: Mapping[str, str] | None = None, given: str | None = None) -> Done:
    """Run a command, for `patience` seconds at most, that may not ask for a password."""
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    settings = quiet | os.environ | dict(more or {}) | {"LC_ALL": "C"}  # its reasons are read below, in English
    try:
        return subprocess.run(
            command, input=given, capture_output=True, check=False, text=True, timeout=patience, env=settings
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer in {patience} seconds")


def reason(done: Done) -> str:
    """Return the first line that says why a command failed, without credentials."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = next((line for line in lines if line.lower().startswith(("fatal:", "error:"))), (lines or ["no reason"])[0])
    return PASSWORD.sub("", re.sub(r"^(fatal|error):\s*", "", told, flags=re.IGNORECASE)).rstrip(".")[:200]


def credentials(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings by which git shows a workflow's token to GitHub, beside those that are there.

    A checkout does not keep the token, and it must be neither in an address nor among the arguments of a program,
    which others can read. On a laptop git has its owner's own credentials.
    """
    token = environment.get("GITHUB_TOKEN", "")
    if environment.get("GITHUB_ACTIONS") != "true" or not token:
        return {}
    server = environment.get("GITHUB_SERVER_URL") or "https://github.com"
    shown = b64encode(f"x-access-token:{token}".encode()).decode()
    count = int(environment.get("GIT_CONFIG_COUNT") or 0)
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": f"http.{server.rstrip('/')}/.extraheader",
        f"GIT_CONFIG_VALUE_{count}": f"AUTHORIZATION: basic {shown}",
    }


def remote() -> str | None:
    """Return git's remote: `origin`, or the only one there is.

    Raises:
        GitError: there are several, and none is called origin.
    """
    remotes = git("remote").stdout.split()
    if "origin" in remotes or len(remotes) < 2:
        return "origin" if "origin" in remotes else next(iter(remotes), None)
    raise GitError(f"git has the remotes {', '.join(remotes)}, and none is called origin; name one so")


def tip(remote: str | None, branch: str) -> str | None:
    """Return the commit that a branch is at, fetched from the remote where there is one; None where it is absent.

    Raises:
        GitError: the remote does not answer.
    """
    if remote is None:
        local = git("rev-parse", "--quiet", "--verify", f"refs/heads/{branch}")
        return local.stdout.strip() or None
    asked = git("ls-remote", "--exit-code", "--heads", remote, f"refs/heads/{branch}")
    if asked.returncode == _ABSENT:
        return None
    if asked.returncode:
        raise GitError(f"{remote} did not say whether it has a branch {branch}: {reason(asked)}")
    shallow = ["--depth=1"] if git("rev-parse", "--is-shallow-repository").stdout.strip() == "true" else []
    tracked = f"refs/remotes/{remote}/{branch}"
    got = git("fetch", "--quiet", "--no-tags", *shallow, remote, f"+refs/heads/{branch}:{tracked}")
    if got.returncode:
        raise GitError(f"{branch} could not be fetched from {remote}: {reason(got)}")
    return git("rev-parse", "--verify", tracked).stdout.strip()


def file_at(revision: str, path: str) -> str | None:
    """Return a file's text at a commit; None where the commit holds no such file."""
    shown = git("show", f"{revision}:./{path}")
    return None if shown.returncode else shown.stdout


def head() -> str:
    """Return the commit that is checked out.

    Raises:
        GitError: there is none yet.
    """
    return said("rev-parse", "--verify", "HEAD")


def holds(later: str, earlier: str) -> bool:
    """Return whether a commit has another one among its ancestors, or is the same.

    Raises:
        GitError: the clone is too shallow to tell.
    """
    asked = git("merge-base", "--is-ancestor", earlier, later)
    if asked.returncode > 1:
        raise GitError(f"{later[:7]} and {earlier[:7]} cannot be compared: {reason(asked)}; is the clone shallow?")
    return asked.returncode == 0


def push(remote: str, commit: str, branch: str, *, was: str | None = None, forced: bool = False) -> None:
    """Move a branch of the remote to a commit, an empty one to delete it.

    Args:
        remote: where the branch is.
        commit: what it is to be at.
        branch: its name.
        was: what it must still be at for that; None: it must not be there.
        forced: whether it may be moved to what is no descendant, if it is still at `was`; else only forward.

    Raises:
        GitError: it was moved meanwhile, or the remote refuses.
    """
    lease = [f"--force-with-lease=refs/heads/{branch}:{was or ''}"] if forced else []
    done = git("push", "--quiet", "--no-verify", *lease, remote, f"{commit}:refs/heads/{branch}")
    if done.returncode == 0:
        return
    if re.search(r"stale info|non-fast-forward|fetch first|already exists", done.stderr):
        raise GitError(f"{branch} was moved meanwhile by somebody else; look at what is there, then run this again")
    if re.search(r"refusing to allow .* workflow", done.stderr):
        raise GitError(
            f"GitHub lets no workflow move {branch} to a commit with other workflows; a person may, with git push "
            f"{' '.join(lease)}{' ' if lease else ''}{remote} {commit or ''}:refs/heads/{branch}, then run this again"
        )
    if re.search(r"\b403\b|[Pp]ermission|denied", done.stderr):
        raise GitError(f"{remote} refuses the push to {branch}: the token lacks the permission `contents: write`")
    raise GitError(f"{branch} could not be pushed to {remote}: {_refusal(done)}")


def _refusal(done: Done) -> str:
    """Return why a push failed: what the remote itself says is of more use than git's conclusion."""
    told = [line.removeprefix("remote:").strip() for line in done.stderr.splitlines() if line.startswith("remote:")]
    return PASSWORD.sub("", " ".join(line for line in told if line))[:200] or reason(done)
