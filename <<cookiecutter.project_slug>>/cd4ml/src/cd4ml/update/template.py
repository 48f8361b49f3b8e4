"""The template's repository: its versions, and its files at one of them."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cd4ml.files.git import PASSWORD_IN_URL, Completed, failure_reason, output_of, run_git
from cd4ml.update.record import Record, UpdateError

_ABBREVIATIONS = {
    "gh:": "https://github.com/{}.git",
    "gl:": "https://gitlab.com/{}.git",
    "bb:": "https://bitbucket.org/{}.git",
}
_TAG = re.compile(r"v?(\d+(?:\.\d+){1,2})")
_VERSION = re.compile(r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?([a-z]+)[-_.]?(\d*))?")
_KINDS = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "c": -1, "rc": -1, "pre": -1, "preview": -1, "post": 1}
_KNOWN = "update.toml"
_STANDARD = "standard.toml"
_CLONE_TIMEOUT = 300  # seconds


Order = tuple[int, tuple[int, ...], tuple[int, int]]


@dataclass(frozen=True)
class Revision:
    """A commit of the template."""

    commit: str
    version: str

    @property
    def title(self) -> str:
        """The version for a person, with the commit."""
        return f"{self.version} ({self.commit[:7]})"


@dataclass(frozen=True)
class Template:
    """A clone of the template's repository."""

    folder: Path
    known: Mapping[str, Any] = field(default_factory=dict)
    """`update.toml`: versions that have no tag, and questions that were renamed."""

    def newest(self) -> str:
        """Return the commit to update to, if none is named: of the newest version that was released.

        Of a company's fork with a standard it is its default branch: the tags that it took over are commits of the
        template, which lack the standard.

        Raises:
            UpdateError: no version has a tag.
        """
        if self._git("cat-file", "-e", f"HEAD:{_STANDARD}").returncode == 0:
            return self._git("rev-parse", "HEAD").stdout.strip()
        tags = {name: commit for name, commit in self._tags().items() if _TAG.fullmatch(name)}
        if not tags:
            raise UpdateError("the template has no version with a tag; REF=main takes what is on its branch main")
        return tags[max(tags, key=numbers)]

    def released(self) -> dict[str, str]:
        """Return the commits of all released versions: by their tags, or as `update.toml` has them."""
        tagged = {name.removeprefix("v"): commit for name, commit in self._tags().items() if _TAG.fullmatch(name)}
        return dict(sorted((dict(self.known.get("versions", {})) | tagged).items(), key=lambda item: numbers(item[0])))

    def find(self, ref: str) -> str:
        """Return the commit that a version, a tag, a branch or the beginning of a commit's id names.

        Raises:
            UpdateError: it names none.
        """
        for name in (f"refs/tags/{ref}", f"refs/tags/v{ref}", f"refs/remotes/origin/{ref}", f"refs/heads/{ref}", ref):
            found = self._git("rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}")
            if found.returncode == 0:
                return found.stdout.strip()
        if commit := self.released().get(ref.removeprefix("v")):
            return str(commit)
        raise UpdateError(f"the template has no {ref}; its versions: {', '.join(self.released()) or 'none yet'}")

    def has(self, commit: str) -> bool:
        """Return whether the template has a commit."""
        return bool(commit) and self._git("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def revision(self, commit: str) -> Revision:
        """Return a commit with the template's version in it."""
        done = self._git("show", f"{commit}:pyproject.toml")
        version = tomllib.loads(done.stdout).get("project", {}).get("version") if done.returncode == 0 else None
        if not version or self._git("cat-file", "-e", f"{commit}:cookiecutter.json").returncode:
            raise UpdateError(f"{commit[:7]} is no commit of this template: it lacks cookiecutter.json or its version")
        return Revision(commit, str(version))

    def questions(self, commit: str) -> list[str]:
        """Return what the template asks at a commit."""
        return [name for name in json.loads(self._git("show", f"{commit}:cookiecutter.json").stdout) if name[0] != "_"]

    def changelog(self, commit: str) -> str:
        """Return the text of CHANGELOG.md at a commit; empty if there is none."""
        return self._git("show", f"{commit}:CHANGELOG.md").stdout

    def check_out(self, commit: str, folder: Path) -> None:
        """Write the template's files at a commit into a new folder, which is a work tree of the clone.

        Raises:
            UpdateError: git fails.
        """
        done = self._git("worktree", "add", "--quiet", "--detach", str(folder), commit)
        if done.returncode:
            raise UpdateError(f"cannot check out {commit[:7]} of the template: {failure_reason(done)}")

    def forget_checkouts(self) -> None:
        """Remove what git remembers of work trees that are gone."""
        self._git("worktree", "prune")

    def is_elsewhere(self, source: str) -> bool:
        """Return whether the clone was made from another address than a project's record names."""
        origin = self._git("config", "--get", "remote.origin.url").stdout.strip()
        return PASSWORD_IN_URL.sub("", origin) != PASSWORD_IN_URL.sub("", source)

    def is_older(self, commit: str, than: str) -> bool:
        """Return whether one commit is before another in the template's history."""
        return commit != than and self._git("merge-base", "--is-ancestor", commit, than).returncode == 0

    def _tags(self) -> dict[str, str]:
        listed = self._git("for-each-ref", "--format=%(refname:strip=2) %(*objectname) %(objectname)", "refs/tags")
        words = (line.split() for line in listed.stdout.splitlines())
        return {name: commits[0] for name, *commits in words}  # of an annotated tag, the commit that it names

    def _git(self, *arguments: str) -> Completed:
        return run_git("-C", str(self.folder), *arguments)


def with_knowledge(template: Template, commit: str) -> Template:
    """Return the template with what `update.toml` of a commit says."""
    shown = run_git("-C", str(template.folder), "show", f"{commit}:{_KNOWN}")
    return Template(template.folder, tomllib.loads(shown.stdout) if shown.returncode == 0 else {})


def clone(source: str, folder: Path) -> Template:
    """Clone the template's repository.

    Raises:
        UpdateError: git cannot read it.
    """
    address = address_of(source)
    options = ("--quiet", "--no-checkout", "--origin=origin")  # which a user's settings may call otherwise
    done = run_git("clone", *options, address, str(folder), timeout=_CLONE_TIMEOUT)
    if done.returncode:
        shown = PASSWORD_IN_URL.sub("", address)
        raise UpdateError(
            f"cannot read the template at {shown}: {failure_reason(done)}; SOURCE=... names another place"
        )
    return with_knowledge(Template(folder), output_of("-C", str(folder), "rev-parse", "HEAD"))


def address_of(source: str) -> str:
    """Return what git takes for an address as cookiecutter takes it, such as `gh:OWNER/cookiecutter-cd4ml`."""
    for short, pattern in _ABBREVIATIONS.items():
        if source.startswith(short):
            return pattern.format(source.removeprefix(short).removesuffix(".git"))
    return source


def numbers(version: str) -> Order:
    """Return what versions such as v1.2.0, 1.2 and 2.0.0rc1 are ordered by; a pre-release comes before its release."""
    found = _VERSION.match(version.lower())
    if found is None:
        return (0, (), (0, 0))
    epoch, release, kind, number = found.groups()
    parts = tuple(map(int, release.split(".")))
    while parts and not parts[-1]:
        parts = parts[:-1]  # 1.0 is 1.0.0
    return (int(epoch or 0), parts, (_KINDS.get(kind, 0), int(number or 0)))


def check_direction(template: Template, project: Record, target: Revision) -> None:
    """Check that a target is not older than what the project has.

    Raises:
        UpdateError: it is.
    """
    known = template.has(project.commit)
    older = template.is_older(target.commit, project.commit) if known else False
    if older or numbers(target.version) < numbers(project.version):
        raise UpdateError(
            f"{target.title} is older than {project.title}, which this project has: an update goes forward only. "
            "To go back, revert the commit of the update"
        )
