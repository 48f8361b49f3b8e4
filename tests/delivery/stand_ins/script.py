"""`cd4ml cloud`, run against a stand-in: what is the same on every platform."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from . import gh
from .containers import DOCKER
from .failures import Failures
from .images import image


@dataclass
class Script:
    """A project with the verbs of its platform, and the settings with which those find the stand-in."""

    platform: ClassVar[str]
    patience: ClassVar[int] = 300  # seconds for a verb
    project: Path
    settings: dict[str, str]

    @property
    def command(self) -> list[str]:
        """The command line, in the template's environment, with the project's own copy of the library."""
        return [str(Path(sys.executable).parent / "cd4ml"), "cloud"]

    @property
    def environment(self) -> dict[str, str]:
        """What the command is given besides `settings`."""
        return {}

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        """Start a verb in a session of its own."""
        library = {"PYTHONPATH": str(self.project / "cd4ml/src")}  # a project refuses another one's copy of it
        return subprocess.Popen(
            [*self.command, *arguments],
            cwd=self.project, env=os.environ | library | self.environment | self.settings | settings,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str, fails: bool = False, **settings: str) -> str:
        """Run a verb, which must succeed, or fail when told so; return what it printed."""
        process = self.start(*arguments, **settings)
        said = self.ended(process)
        assert process.returncode == (1 if fails else 0), said
        return said

    def ended(self, process: subprocess.Popen[str]) -> str:
        """Wait for a verb that was started; return what it printed."""
        try:
            return process.communicate(timeout=self.patience)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


@dataclass
class Releasing(Script):
    """With tiny images to release, which can be killed half-way. A platform's shop adds its cloud and its clients."""

    repository: str
    failures: Failures

    @property
    def command(self) -> list[str]:
        """What `cd4ml cloud` calls, but for another smoke test, which `environment` gives it."""
        program = (
            "import os, sys; from cd4ml.deploy import clouds; from cd4ml.settings.project import read_project; "
            "clouds.run(read_project(), sys.argv[1:], os.environ['SMOKE_PYTHON'])"
        )
        return [sys.executable, "-c", program]

    @property
    def environment(self) -> dict[str, str]:
        """The tiny smoke test is the first `python` on the PATH."""
        return {"SMOKE_PYTHON": str(shutil.which("python", path=self.settings["PATH"]))}

    def images(self, release: str) -> str:
        """The image of a release, by its digest."""
        return f"{self.repository}@{image(release)}"

    def killed_at(self, write: int, *arguments: str, **settings: str) -> None:
        """Run a verb and kill it, the cloud's tool included, as soon as its n-th write has taken effect."""
        running: list[subprocess.Popen[str]] = []
        self.failures.after_write(write, lambda: os.killpg(running[0].pid, signal.SIGKILL))
        running.append(self.start(*arguments, **settings))
        said = self.ended(running[0])
        self.failures.none()
        assert running[0].returncode == -signal.SIGKILL, said

    @property
    def outputs(self) -> dict[str, str]:
        """What the verbs have told a workflow's later steps, the newest of each name."""
        lines = Path(self.settings["GITHUB_OUTPUT"]).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


@dataclass
class SettingUp(Script):
    """With a repository on GitHub, as the owner sets them up. A platform's site adds its cloud."""

    patience = 900

    @property
    def github(self) -> dict[str, Any]:
        """What GitHub was told."""
        return dict(json.loads(Path(self.settings["GH_STATE"]).read_text()))

    def log_to(self, where: str) -> None:
        """Let the project's services write their predictions somewhere: off, stdout or bucket."""
        path = self.project / "pyproject.toml"
        before = path.read_text(encoding="utf-8")
        assert 'prediction_log = "off"' in before
        path.write_text(before.replace('prediction_log = "off"', f'prediction_log = "{where}"'), encoding="utf-8")


def owner(folder: Path, path: str) -> dict[str, str]:
    """The settings of somebody who has `gh` on a PATH, and a home in this folder."""
    (folder / "bin").mkdir()
    shutil.copy(gh.__file__, folder / "bin/gh")
    (folder / "bin/gh").chmod(0o755)
    return {
        "PATH": f"{folder / 'bin'}:{path}",
        "GH_STATE": str(folder / "github.json"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "INSIST_PAUSE": "0",
    }


def engine_answers() -> bool:
    """Return whether there is a container engine."""
    return subprocess.run([DOCKER, "info"], capture_output=True, check=False).returncode == 0
