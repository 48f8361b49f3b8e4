"""Steps of tests that release models from the trained repository: release one, train another, look at the origin."""

import json
from collections.abc import Callable
from pathlib import Path

from trained_repository import commit, run, train

Step = Callable[..., dict[str, str]]
FIRST, SECOND = "2024-01-31.aaaaaaa", "2024-02-29.bbbbbbb"
"""The versions of two bundles: the one that the trained repository has, and the one of `train_second`."""
IMAGE = f"registry.example/houses@sha256:{'1' * 64}"
OTHER_IMAGE = f"registry.example/houses@sha256:{'2' * 64}"


def at(branch: str) -> str:
    """The commit of a branch of the origin; empty if there is no such branch."""
    return run("git", "ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]


def live() -> str:
    """The commit of which the origin's log says that it is live; empty if there is no log."""
    entry = at("production")
    if not entry:
        return ""
    run("git", "fetch", "--quiet", "origin", entry)
    commit: str = json.loads(run("git", "show", f"{entry}:release.json"))["commit"]
    return commit


def head() -> str:
    return run("git", "rev-parse", "HEAD")


def write_metadata(version: str) -> None:
    """Write models/release.json for the commit that is checked out."""
    metadata = {"bundle": version, "digest": "d", "commit": head(), "run": None}
    Path("models/release.json").write_text(json.dumps(metadata), encoding="utf-8")


def release(step: Step, image: str = IMAGE, *, fails: bool = False) -> dict[str, str]:
    """Record a release of what is checked out, as cd does after the promotion."""
    write_metadata(json.loads(Path("reports/gate.json").read_text(encoding="utf-8"))["bundle"])
    return step("record-release", IMAGE=image, fails=fails)


def train_second() -> str:
    """Train, commit and push a second model; return the commit."""
    Path("model.py").write_text("two\n", encoding="utf-8")
    train(SECOND)
    second = commit(SECOND)
    run("git", "push", "--quiet", "origin", "HEAD:main")
    return second
