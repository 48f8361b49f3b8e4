#!/usr/bin/env python3
"""actions/upload-artifact: files go into the run's folder of artifacts, without hidden ones unless asked for."""

import hashlib
import os
import shutil
from pathlib import Path

from toolkit import fail, get_boolean, get_input, phases, set_output


def main() -> None:
    name = get_input("name", "artifact")
    patterns = [line.strip() for line in get_input("path", required=True).splitlines() if line.strip()]
    files = matched(patterns)
    if not files:
        message = f"No files were found with the provided path: {', '.join(patterns)}. No artifacts will be uploaded."
        level = get_input("if-no-files-found", "warn")
        if level == "error":
            fail(message)
        print(message if level == "ignore" else f"::warning::{message}")
        return
    store(name, files, root_of(files, patterns))


def matched(patterns: list[str]) -> list[Path]:
    hidden = get_boolean("include-hidden-files", False)
    wanted = find([pattern for pattern in patterns if not pattern.startswith("!")], hidden)
    return sorted(wanted - find([pattern[1:] for pattern in patterns if pattern.startswith("!")], hidden))


def find(patterns: list[str], hidden: bool) -> set[Path]:
    base = Path.cwd()
    found = [path for pattern in patterns for path in base.glob(pattern.removeprefix("./").rstrip("/"))]
    files = {file for path in found for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()}
    return {file for file in files if hidden or not is_hidden(file, base)}


def is_hidden(file: Path, base: Path) -> bool:
    parts = file.relative_to(base).parts if file.is_relative_to(base) else (file.name,)
    return any(part.startswith(".") for part in parts)


def root_of(files: list[Path], patterns: list[str]) -> Path:
    """The deepest folder that holds every path searched: what is above it is not kept."""
    searched = [Path.cwd() / pattern.split("*")[0] for pattern in patterns if not pattern.startswith("!")]
    if len(searched) == 1:
        return searched[0] if searched[0].is_dir() else files[0].parent
    return Path(os.path.commonpath([str(path if path.is_dir() else path.parent) for path in searched]))


def store(name: str, files: list[Path], root: Path) -> None:
    place = Path(os.environ["ACTIONS_RESULTS_URL"], name)
    if place.exists():
        if not get_boolean("overwrite", False):
            fail("Failed to CreateArtifact: (409) Conflict: the workflow run already has an artifact with this name")
        shutil.rmtree(place)
    for file in files:
        kept = place / file.relative_to(root)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept)
        kept.chmod(0o644)  # the real archive keeps no permissions
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    set_output("artifact-id", str(int(digest[:8], 16)))
    set_output("artifact-digest", digest)
    set_output(
        "artifact-url", f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}/actions/artifacts/{name}"
    )


phases(main)
