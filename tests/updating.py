"""A template with a history, and a project that was generated from it and follows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.generator import ROOT, copy_generator

SLUG = "<<cookiecutter.project_slug>>"
PATIENCE = 300  # seconds that an update may take on a busy machine
AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """Run git in a folder, and return what it printed."""
    done = subprocess.run(["git", *AUTHOR, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def commit(folder: Path, message: str) -> str:
    """Commit all that is in a folder, and return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@dataclass(frozen=True)
class TemplateRepository:
    """The template in a repository of its own, to which a test adds versions."""

    folder: Path

    @property
    def project(self) -> Path:
        """The folder of the generated project, unrendered."""
        return self.folder / SLUG

    @property
    def version(self) -> str:
        """The version in its pyproject.toml."""
        text = (self.folder / "pyproject.toml").read_text(encoding="utf-8")
        return text.split('\nversion = "')[1].split('"')[0]

    def release(self, version: str) -> str:
        """Commit what is there as a version, with its tag; return the commit."""
        for path in ("pyproject.toml", f"{SLUG}/cd4ml/pyproject.toml"):
            self.replace(
                path,
                f'\nversion = "{self.version if path == "pyproject.toml" else self._library}"',
                f'\nversion = "{version}"',
            )
        lock = self.project / "uv.lock"
        text = lock.read_text(encoding="utf-8")
        lock.write_text(
            text.replace(f'name = "cd4ml"\nversion = "{self._locked(text)}"', f'name = "cd4ml"\nversion = "{version}"'),
            encoding="utf-8",
        )
        made = commit(self.folder, f"version {version}")
        git(self.folder, "tag", f"v{version}")
        return made

    @property
    def _library(self) -> str:
        return (
            (self.project / "cd4ml/pyproject.toml").read_text(encoding="utf-8").split('\nversion = "')[1].split('"')[0]
        )

    @staticmethod
    def _locked(text: str) -> str:
        return text.split('name = "cd4ml"\nversion = "')[1].split('"')[0]

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace text that a file has."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        """Append text to a file of the generated project."""
        with (self.project / name).open("a", encoding="utf-8") as file:
            file.write(text)


def copy_of_the_template(folder: Path) -> TemplateRepository:
    """Return the template as it lies here, as the first commit of a new repository."""
    copy_generator(folder)
    for name in ("CHANGELOG.md", "update.toml", "uv.lock"):
        shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return TemplateRepository(folder)


def generate(checkout: Path, into: Path, *answers: str) -> Path:
    """Generate a project from a checkout as a user does, in a process of its own, and commit it."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "cookiecutter",
        str(checkout),
        "--no-input",
        "--default-config",
        "-o",
        str(into),
    ]
    done = subprocess.run([*command, *answers], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (project,) = (path.parent for path in into.glob("*/dvc.yaml"))
    commit(project, "a new project")
    return project


@dataclass(frozen=True)
class Follower:
    """A project that was generated from a template repository, in its own."""

    folder: Path
    template: TemplateRepository

    def update(self, *words: str, to: str = "HEAD", check: bool = True) -> str:
        """Update it by the library that the tests run, as `cd4ml update` lets the newer one do; return the output."""
        target = git(self.template.folder, "rev-parse", f"{to}^{{commit}}")
        command = [
            sys.executable,
            "-m",
            "cd4ml.update.carry_out",
            "--template",
            str(self.template.folder),
            "--target",
            target,
        ]
        return self.run(*command, *words, check=check)

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command in its folder, and return what it printed, both streams together."""
        names = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org"}
        config = {"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Ada",
                  "GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "ada@example.org"}  # fmt: skip
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | names | config, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) is check, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def read(self, name: str) -> str:
        """Return the text of one of its files."""
        return (self.folder / name).read_text(encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        """Append text to one of its files."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace text that one of its files has."""
        text = self.read(name)
        assert old in text, f"{name} has no {old!r}"
        (self.folder / name).write_text(text.replace(old, new), encoding="utf-8")

    def state(self) -> tuple[str, str, str]:
        """What git says of it: the commit, the changes, the branches."""
        return (
            git(self.folder, "rev-parse", "HEAD"),
            git(self.folder, "status", "--porcelain"),
            git(self.folder, "branch"),
        )
