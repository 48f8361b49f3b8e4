"""Somebody who does in a project what a section of docs/connect-your-data.md says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
import yaml

from tests.conftest import ROOT
from tests.project.baked import Project

PAGE = ROOT / "<<cookiecutter.project_slug>>/docs/connect-your-data.md"


def blocks(heading: str) -> list[tuple[str, str]]:
    """Return the language and the text of each block under a heading of the page."""
    section = next(part for part in PAGE.read_text(encoding="utf-8").split("\n### ") if part.startswith(heading))
    return re.findall(r"^```(\w+)\n(.*?)^```", section.split("\n## ")[0], flags=re.MULTILINE | re.DOTALL)


class Visitor:
    """Does in a project what the page says."""

    def __init__(self, project: Project, home: Path) -> None:
        self.project, self.home = project, home

    def follow(
        self, heading: str, replace: dict[str, str] | None = None, settings: dict[str, str] | None = None
    ) -> list[str]:
        """Do what the blocks under a heading say; return what each block of commands printed.

        Args:
            heading: of the section.
            replace: texts of the commands to replace: places that exist only on the page.
            settings: environment variables.
        """
        printed = []
        for language, text in blocks(heading):
            if language == "make":
                self.install(text.strip())
            elif language == "sh":
                printed.append(self.run(text, replace, settings=settings))
        return printed

    def install(self, line: str) -> None:
        """Write the page's line into the Makefile. Nothing is installed: the environment has all groups."""
        (before,) = re.findall(r"^ALSO :=.*", self.makefile.read_text(encoding="utf-8"), flags=re.MULTILINE)
        self.project.replace("Makefile", before, line)
        (self.project.folder / ".venv/ready").touch()

    @property
    def makefile(self) -> Path:
        return self.project.folder / "Makefile"

    @property
    def source(self) -> str:
        """The source that params.yaml names."""
        return str(yaml.safe_load(self.params)["data"]["source"])

    def run(
        self,
        commands: str,
        replace: dict[str, str] | None = None,
        check: bool = True,
        settings: dict[str, str] | None = None,
    ) -> str:
        for old, new in (replace or {}).items():
            commands = commands.replace(old, new)
        program = str(self.project.folder / ".venv/bin")
        commands = commands.replace("uv run cd4ml", "cd4ml")
        path = {"HOME": str(self.home), "PATH": f"{program}{os.pathsep}{os.environ['PATH']}", "TUNE": "5"}
        done = self.project.run("bash", "-euc", commands, check=check, settings=path | (settings or {}))
        print(done.stdout)
        return done.stdout

    @property
    def params(self) -> str:
        return (self.project.folder / "params.yaml").read_text(encoding="utf-8")

    def rows(self) -> pd.DataFrame:
        """Return the rows that the stage ingest reads now."""
        self.project.cd4ml("stage", "ingest")
        return pd.read_parquet(self.project.folder / "data/raw.parquet")
