"""Make the generated project's uv.lock again: lock the default project, put the name's placeholder back."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "<<cookiecutter.project_slug>>" / "uv.lock"
PLACEHOLDER = "<< cookiecutter.project_slug >>"


def main() -> None:
    """Lock, compare, and replace the template's lock file in one rename."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    upgrade = ["--upgrade"] if parser.parse_args().upgrade else []
    with tempfile.TemporaryDirectory() as folder:
        project = Path(
            cookiecutter(str(ROOT), no_input=True, default_config=True, output_dir=folder, accept_hooks=False)
        )
        result = subprocess.run(["uv", "lock", *upgrade], cwd=project, check=False)
        if result.returncode:
            sys.exit("relock: uv could not lock the default project; the template's uv.lock is as it was")
        text = (project / "uv.lock").read_text(encoding="utf-8")
        text = text.replace(f'"{project.name}"', f'"{PLACEHOLDER}"')
    if LOCK.is_file() and LOCK.read_text(encoding="utf-8") == text:
        print("uv.lock is current")
        return
    new = LOCK.with_name(f"uv.lock.{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(LOCK)
    print(f"wrote {LOCK.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
