"""Release a version: `release.py prepare v1.2.3`, on a laptop too, then `release.py publish v1.2.3` in a workflow.

`prepare` compares the tag with the versions in the repository, and puts what is published into build/release: the
example project as an archive, and the notes. `publish` makes the release on GitHub, or brings it up to date.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from scripts.github_api import GitHubError, Repository
from scripts.release_archive import packed
from scripts.release_notes import NotesError, is_prerelease, notes, versions, with_links

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "build/release"
NAME = "OWNER/NAME"
"""Stands in the notes for the repository, which only a workflow knows."""
ADDRESS = f"https://github.com/{NAME}"
LIBRARY = "<<cookiecutter.project_slug>>/cd4ml"


class ReleaseError(Exception):
    """What is to be released does not fit together; the message says what, and what to do."""


def main() -> None:
    """Prepare or publish; what fails is said in one line."""
    try:
        match sys.argv[1:]:
            case ["prepare", tag]:
                prepare(ROOT, tag)
            case ["publish", tag]:
                publish(ROOT / FOLDER, tag, Repository.of_workflow())
            case _:
                sys.exit("usage: release.py prepare | publish TAG, such as v1.2.3")
    except (ReleaseError, NotesError, GitHubError) as error:
        sys.exit(f"release: {error}")


def checked_version(root: Path, tag: str) -> str:
    """Return the version that a tag names.

    Raises:
        ReleaseError: it is not the version in both pyproject.toml and at the top of both changelogs.
        NotesError: a changelog has not its form.
    """
    version = tag.removeprefix("v")
    if f"v{version}" != tag:
        raise ReleaseError(f'"{tag}" is no tag of a release; write v1.2.3, or v1.2.3rc1')
    said = {}
    for folder in (root, root / LIBRARY):
        name = folder.relative_to(root)
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        said[str(name / "pyproject.toml")] = project["version"]
        changelog = (folder / "CHANGELOG.md").read_text(encoding="utf-8")
        said[str(name / "CHANGELOG.md")] = next(iter(versions(changelog)), "nothing")
    if other := [f"{path} has {found}" for path, found in said.items() if found != version]:
        raise ReleaseError(f"the tag is {tag}, but {', '.join(other)}")
    return version


def prepare(root: Path, tag: str) -> None:
    """Write the archive and the notes of a version into build/release.

    Raises:
        ReleaseError: the versions do not agree.
        NotesError: the changelog says nothing of it.
    """
    version = checked_version(root, tag)
    text = notes((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    into = root / FOLDER
    into.mkdir(parents=True, exist_ok=True)
    for old in into.iterdir():
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        project = example(root, Path(folder))
        archive = into / f"{project.name}-{version}.tar.gz"
        archive.write_bytes(packed(project, moment(root)))
    text = with_links(text, f"{ADDRESS}/blob/{tag}/")
    (into / "notes.md").write_text(f"{text}\n{verification(archive)}", encoding="utf-8")
    print(f"wrote {archive.relative_to(root)} and {FOLDER}/notes.md")


def example(root: Path, into: Path) -> Path:
    """Generate the project that has every default in an empty folder, and return where it is.

    Raises:
        ReleaseError: it cannot be generated.
    """
    words = ["--no-input", "--default-config", "--output-dir", str(into)]
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(root), *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"the example could not be generated: {(done.stdout + done.stderr).strip()}")
    (project,) = into.iterdir()
    record = project / ".cd4ml.toml"
    record.write_text(with_one_address(record.read_text(encoding="utf-8")), encoding="utf-8")
    return project


def with_one_address(record: str) -> str:
    """Return the text of `.cd4ml.toml` with the template's address spelled as by https, however this was cloned."""
    spelled = r'(?m)^source = "(?:git@|ssh://git@|https://)([^:/"]+)[:/]([^"]+?)(?:\.git)?/?"$'
    return re.sub(spelled, r'source = "https://\1/\2.git"', record)


def moment(root: Path) -> int:
    """Return the time of the commit in seconds since 1970, so that whoever packs it again gets the same bytes."""
    told = (
        os.environ.get("SOURCE_DATE_EPOCH")
        or subprocess.run(
            ["git", "log", "-1", "--format=%ct"], cwd=root, capture_output=True, text=True, check=True
        ).stdout
    )
    return int(told)


def verification(archive: Path) -> str:
    """Return the lines of the notes that say what the archive is, and how to see who built it."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return (
        f"`{archive.name}` is the project that the defaults generate. SHA-256: `{digest}`. Built by this repository's"
        f" workflow: `gh attestation verify {archive.name} --repo {NAME}`.\n"
    )


def publish(folder: Path, tag: str, repository: Repository) -> None:
    """Make the release of a tag, or bring it up to date: a draft until all of it is there. Idempotent.

    Raises:
        GitHubError: GitHub refuses.
        ReleaseError: there is nothing prepared.
    """
    archives = sorted(folder.glob("*.tar.gz"))
    if not archives:
        raise ReleaseError(f"{FOLDER} is empty; prepare the release first: make release TAG={tag}")
    text = (folder / "notes.md").read_text(encoding="utf-8").replace(NAME, repository.name)
    settings = {"name": tag, "body": text, "prerelease": is_prerelease(tag.removeprefix("v"))}
    release = existing(repository, tag)
    if release is None:
        _, release = repository.ask("POST", "/releases", {"tag_name": tag, "draft": True, **settings})
    for archive in archives:
        upload(repository, release, archive)
    latest = "false" if settings["prerelease"] else "legacy"  # legacy: unless there is one with a higher version
    change = settings | {"draft": False, "make_latest": latest}
    _, release = repository.ask("PATCH", f"/releases/{release['id']}", change)
    print(f"published {release['html_url']}")


def existing(repository: Repository, tag: str) -> dict[str, Any] | None:
    """Return the release of a tag, also if it is a draft that an earlier run left."""
    for page in range(1, 11):
        _, releases = repository.ask("GET", f"/releases?per_page=100&page={page}")
        for release in releases:
            if release["tag_name"] == tag:
                return dict(release)
        if len(releases) < 100:
            return None
    return None


def upload(repository: Repository, release: dict[str, Any], archive: Path) -> None:
    """Add an archive to a release, in place of another one of its name; the same one stays."""
    data = archive.read_bytes()
    for asset in release["assets"]:
        if asset["name"] == archive.name:
            if asset.get("digest") == f"sha256:{hashlib.sha256(data).hexdigest()}":
                return
            repository.ask("DELETE", f"/releases/assets/{asset['id']}")
    address = re.sub(r"\{.*\}$", "", release["upload_url"])
    repository.ask("POST", f"{address}?name={archive.name}", data)


if __name__ == "__main__":
    main()
