"""Make both lock files again: the generated project's, of the default project with the name's placeholder put back,
and the template's own, with the same versions of what the library asks for."""

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "<<cookiecutter.project_slug>>" / "uv.lock"
PLACEHOLDER = "<< cookiecutter.project_slug >>"


def main() -> None:
    """Lock the default project, replace the template's lock file in one rename, and bring the template's own along."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    with tempfile.TemporaryDirectory() as folder:
        project = Path(
            cookiecutter(str(ROOT), no_input=True, default_config=True, output_dir=folder, accept_hooks=False)
        )
        (project / "uv.lock").write_text(
            LOCK.read_text(encoding="utf-8").replace(PLACEHOLDER, project.name), encoding="utf-8"
        )
        lock(project, *upgrade)
        text = (project / "uv.lock").read_text(encoding="utf-8")
        text = text.replace(f'"{project.name}"', f'"{PLACEHOLDER}"')
    if LOCK.is_file() and LOCK.read_text(encoding="utf-8") == text:
        print("the project's uv.lock is current")
    else:
        new = LOCK.with_name(f"uv.lock.{os.getpid()}")
        new.write_text(text, encoding="utf-8")
        new.replace(LOCK)
        print(f"wrote {LOCK.relative_to(ROOT)}")
    lock(ROOT, *upgrade)
    versions = versions_of(LOCK)
    wanted = [f"{name}=={versions[name]}" for name in disagreeing(LOCK, ROOT / "uv.lock")]
    lock(ROOT, *(word for version in wanted for word in ("--upgrade-package", version)))
    if left := disagreeing(LOCK, ROOT / "uv.lock"):
        sys.exit(f"relock: the template's own uv.lock cannot have the project's versions of {', '.join(left)}")
    print("the template's own uv.lock has the same versions of what the library asks for")


def lock(folder: Path, *words: str) -> None:
    """Run `uv lock` in a folder."""
    if subprocess.run(["uv", "lock", "--quiet", *words], cwd=folder, check=False).returncode:
        sys.exit(f"relock: uv could not lock {folder}; the template's uv.lock is as it was")


def disagreeing(project: Path, template: Path) -> list[str]:
    """Return what the library asks for, and the two lock files have in different versions."""
    ours, theirs = versions_of(project), versions_of(template)
    asked = {
        entry["name"]
        for package in tomllib.loads(project.read_text(encoding="utf-8"))["package"]
        if package["name"] == "cd4ml"
        for entry in package["metadata"]["requires-dist"]
        if entry.get("marker") in (None, *(f"extra == '{extra}'" for extra in ("delivery", "sklearn", "train")))
    }
    return sorted(name for name in asked - {"cd4ml"} if ours[name] != theirs.get(name))


def versions_of(lock: Path) -> dict[str, str]:
    """Return the newest version of each package in a lock file."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return {package["name"]: package.get("version", "") for package in packages}


if __name__ == "__main__":
    main()
