"""A project takes the library from a package index in place of the folder, as the library's README says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.project.baked import Project, environment, free_port, stop

HEADING = "## From a package index of your own"


def documented(project: Project) -> tuple[str, str]:
    """Return what the README says: the command that builds the library, and what names the index in pyproject.toml."""
    section = (project.folder / "cd4ml/README.md").read_text(encoding="utf-8").split(HEADING)[1]
    (build,) = re.findall(r"^ *(uv build .*)$", section, re.MULTILINE)
    (index,) = re.findall(r"^ *```toml\n(.*?)```", section, re.MULTILINE | re.DOTALL)
    return build, re.sub(r"^ +", "", index, flags=re.MULTILINE)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder's files; yield the address."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(folder), str(port)]
    server = subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop(server)


def test_the_library_comes_from_an_index_once_its_folder_is_deleted(small: Project, tmp_path: Path) -> None:
    build, index = documented(small)
    small.run(*build.split())
    (wheel,) = (small.folder / "build/cd4ml").glob("*.whl")
    packages = tmp_path / "index/simple/cd4ml"
    packages.mkdir(parents=True)
    shutil.copy(wheel, packages)
    (packages / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    pyproject = (small.folder / "pyproject.toml").read_text(encoding="utf-8")
    workspace, sources = (re.escape(f"[tool.uv.{name}]\n") + r".*?\n(?=\n)" for name in ("workspace", "sources"))
    with served(tmp_path / "index") as address:
        index = index.replace("https://packages.example.org", address)
        pyproject = re.sub(sources, lambda _: index, re.sub(workspace, "", pyproject, flags=re.DOTALL), flags=re.DOTALL)
        (small.folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
        shutil.rmtree(small.folder / "cd4ml")
        lines = (small.folder / "dvc.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.lstrip().startswith("- cd4ml/")]
        (small.folder / "dvc.yaml").write_text("".join(kept), encoding="utf-8")

        small.run("uv", "lock")
        small.make("setup")

    place = small.run(small.python, "-c", "import cd4ml; print(cd4ml.__file__)").stdout
    assert Path(place.strip()).is_relative_to(small.folder / ".venv/lib")
    trained = small.make("train").stdout
    assert "Stage 'validate' didn't change" in trained
    assert "Running stage 'train'" in trained  # since it depends on uv.lock
    assert "Data and pipelines are up to date" in small.make("train").stdout
