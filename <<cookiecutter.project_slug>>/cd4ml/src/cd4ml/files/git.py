"""Run git without asking for a password and without waiting forever: branches, commits, files at a commit, pushes."""

import os
import re
import subprocess  # git and its like, with arguments that the library chooses
from collections.abc import Mapping, Sequence

from cd4ml.errors import UserError
from cd4ml.files.github_token import github_credentials
from cd4ml.files.temporary import temporary_folder

_TIMEOUT = 60  # seconds
_IN_ENGLISH = {"LC_ALL": "C"}  # git's errors, which are parsed here; Python 3.12 in C reads no folder beyond ASCII
_NO_SUCH_BRANCH = 2  # exit code of git ls-remote --exit-code: the remote answered, and has no such branch
PASSWORD_IN_URL = re.compile(r"(?<=://)[^/@\s]+@")

Completed = subprocess.CompletedProcess[str]


class GitError(UserError):
    """Git failed; the message gives the reason in one line."""


def run_git(
    *arguments: str, stdin: str | None = None, environment: Mapping[str, str] | None = None, timeout: int = _TIMEOUT
) -> Completed:
    """Run git for at most `timeout` seconds, and return its exit code and output; `stdin` is the text that it reads."""
    variables = github_credentials(os.environ) | _IN_ENGLISH | dict(environment or {})
    return run_command(["git", *arguments], timeout, variables, stdin)


def output_of(*arguments: str, stdin: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run git, and return what it prints; `environment` is added to the variables of this process.

    Raises:
        GitError: it fails.
    """
    done = run_git(*arguments, stdin=stdin, environment=environment)
    if done.returncode:
        raise GitError(f"git {_verb(arguments)}: {failure_reason(done)}")
    return done.stdout.strip()


def _verb(arguments: Sequence[str]) -> str:
    """Return the first of git's arguments that is no option of git itself."""
    with_value = {"-c", "-C", "--git-dir", "--work-tree"}
    return next(
        word
        for before, word in zip(("", *arguments), arguments, strict=False)
        if word not in with_value and before not in with_value
    )


def run_command(
    command: list[str], timeout: int, environment: Mapping[str, str] | None = None, stdin: str | None = None
) -> Completed:
    """Run a command that must not ask for a password, and stop it after `timeout` seconds.

    `environment` is added to the variables of this process. A command that was stopped counts as failed.
    """
    no_prompt = {"GIT_TERMINAL_PROMPT": "0", "GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    variables = no_prompt | os.environ | dict(environment or {})
    try:
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=timeout,
            env=variables,
            encoding="utf-8",  # as git writes it, whatever the locale
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer in {timeout} seconds")


def failure_reason(done: Completed) -> str:
    """Return the first line of a failed command's error output that gives a reason, without credentials."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("fatal:", "error:"))]
    reason = [*errors, *lines, "no reason given"][0]
    return PASSWORD_IN_URL.sub("", re.sub(r"^(fatal|error):\s*", "", reason, flags=re.IGNORECASE)).rstrip(".")[:200]


def remote_name() -> str | None:
    """Return the name of git's remote: `origin`, or the only one; None if there is no remote.

    Raises:
        GitError: there are several, and none is called origin.
    """
    remotes = run_git("remote").stdout.split()
    if "origin" in remotes or len(remotes) < 2:
        return "origin" if "origin" in remotes else next(iter(remotes), None)
    raise GitError(
        f"git has the remotes {', '.join(remotes)}, and none is called origin; "
        f"rename one, such as git remote rename {remotes[0]} origin"
    )


def remote_default_branch(remote: str) -> str | None:
    """Return the branch that the remote's HEAD names; None if it names none that exists.

    Raises:
        GitError: the remote does not answer.
    """
    listed = _listed(remote, "--symref", remote, "HEAD")
    named = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", listed, flags=re.MULTILINE)
    return named[1] if named else None


def remote_branches(remote: str) -> list[str]:
    """Return the names of the remote's branches.

    Raises:
        GitError: the remote does not answer.
    """
    return re.findall(r"\trefs/heads/(\S+)$", _listed(remote, "--heads", remote), flags=re.MULTILINE)


def _listed(remote: str, *arguments: str) -> str:
    listed = run_git("ls-remote", *arguments)
    if listed.returncode:
        raise GitError(f"cannot read the branches of {remote}: {failure_reason(listed)}")
    return listed.stdout


def branch_commit(remote: str | None, branch: str, depth: int = 1) -> str | None:
    """Return the newest commit of a branch, fetched from `remote`; without a remote, of the local branch.

    None if there is no such branch. Into a shallow clone, only that commit and those before it are fetched, `depth` in
    all.

    Raises:
        GitError: the remote does not answer.
    """
    if remote is None:
        local = run_git("rev-parse", "--quiet", "--verify", f"refs/heads/{branch}")
        return local.stdout.strip() or None
    listed = run_git("ls-remote", "--exit-code", "--heads", remote, f"refs/heads/{branch}")
    if listed.returncode == _NO_SUCH_BRANCH:
        return None
    if listed.returncode:
        raise GitError(f"cannot read whether {remote} has the branch {branch}: {failure_reason(listed)}")
    is_shallow = run_git("rev-parse", "--is-shallow-repository").stdout.strip() == "true"
    shallow = [f"--depth={depth}"] if is_shallow else []
    tracking = f"refs/remotes/{remote}/{branch}"
    fetched = run_git("fetch", "--quiet", "--no-tags", *shallow, remote, f"+refs/heads/{branch}:{tracking}")
    if fetched.returncode:
        raise GitError(f"cannot fetch {branch} from {remote}: {failure_reason(fetched)}")
    return run_git("rev-parse", "--verify", tracking).stdout.strip()


def top_folder() -> str:
    """Return the folder of the repository that this folder is in: this one, or one above it."""
    return output_of("rev-parse", "--show-toplevel")


def path_in_repository(path: str) -> str:
    """Return a path of this folder as git names it from the root of the repository, which may be a folder above."""
    return output_of("rev-parse", "--show-prefix") + path


def file_at(revision: str, path: str) -> str | None:
    """Return a file's text at a commit; None if the commit has no such file."""
    shown = run_git("show", f"{revision}:./{path}")
    return None if shown.returncode else shown.stdout


def write_tree(entries: str, base: str | None = None, without: Sequence[str] = ()) -> str:
    """Return a tree of these entries, in a commit's tree after some of its paths were removed, or by themselves.

    Args:
        entries: files as `git ls-tree -r -z --full-name` prints them.
        base: the commit.
        without: the paths to remove from it, as git's pathspecs.
    """
    with temporary_folder("index-") as folder:
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        if base is not None:
            output_of("read-tree", base, environment=index)
            everywhere = ("-c", "core.sparseCheckout=false")
            removal = (*everywhere, "rm", "-r", "--quiet", "--cached", "--force", "--ignore-unmatch", "--", *without)
            output_of(*removal, environment=index)
        output_of("update-index", "-z", "--add", "--index-info", stdin=entries, environment=index)
        return output_of("write-tree", environment=index)


def head_commit() -> str:
    """Return the commit that is checked out.

    Raises:
        GitError: there is no commit yet.
    """
    return output_of("rev-parse", "--verify", "HEAD")


def is_ancestor(ancestor: str, descendant: str) -> bool:
    """Return whether one commit is an ancestor of another, or the same commit.

    Raises:
        GitError: the clone is too shallow to tell.
    """
    compared = run_git("merge-base", "--is-ancestor", ancestor, descendant)
    if compared.returncode > 1:
        raise GitError(
            f"cannot compare {descendant[:7]} and {ancestor[:7]}: {failure_reason(compared)}; is the clone shallow?"
        )
    return compared.returncode == 0


def push_branch(remote: str, commit: str, branch: str, *, expected: str | None = None, force: bool = False) -> None:
    """Move a branch of a remote to a commit, or create it; an empty commit deletes it.

    Args:
        remote: the remote's name.
        commit: the commit that the branch is to be at.
        branch: the branch's name.
        expected: if `force`: the commit that the branch must be at now; None: it must not exist.
        force: allow a move to a commit that is not a descendant, if the branch is at `expected`.

    Raises:
        GitError: somebody else changed the branch, or the remote rejects the push.
    """
    lease = [f"--force-with-lease=refs/heads/{branch}:{expected or ''}"] if force else []
    done = run_git("push", "--quiet", "--no-verify", *lease, remote, f"{commit}:refs/heads/{branch}")
    if done.returncode == 0:
        return
    if re.search(r"stale info|non-fast-forward|fetch first|already exists", done.stderr):
        raise GitError(f"somebody else changed {branch} at the same time; read its new commits, then run this again")
    if re.search(r"refusing to allow .* workflow", done.stderr):
        raise GitError(
            f"GitHub lets no workflow move {branch} to a commit that changes workflows; a person may: run git push "
            f"{' '.join(lease)}{' ' if lease else ''}{remote} {commit or ''}:refs/heads/{branch}, then run this again"
        )
    if re.search(r"\b403\b|[Pp]ermission|denied", done.stderr):
        raise GitError(f"{remote} rejects the push to {branch}: the token lacks the permission `contents: write`")
    raise GitError(f"cannot push {branch} to {remote}: {_rejection_reason(done)}")


def _rejection_reason(done: Completed) -> str:
    """Return why a push failed: the lines that the remote itself sent, or else git's own reason."""
    lines = [line.removeprefix("remote:").strip() for line in done.stderr.splitlines() if line.startswith("remote:")]
    return PASSWORD_IN_URL.sub("", " ".join(line for line in lines if line))[:200] or failure_reason(done)
