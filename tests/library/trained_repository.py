"""Make a git repository with a tiny pipeline that DVC runs, and with reports of its model that the tests write."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from dvc.cli import main as dvc_main

PYPROJECT = """\
[project]
name = "houses"

[tool.cd4ml]
package = "houses"
platform = "cloud-run"
credentials = "service-account"
registry = "cloud"
"""

DVC_YAML = """\
stages:
  ingest:
    cmd: cp rows.csv data/raw.parquet
    deps: [rows.csv]
    outs:
      - data/raw.parquet: {persist: true}
  package:
    cmd: mkdir -p models/bundle && cat data/raw.parquet model.py params.yaml > models/bundle/bundle.json
    params: [model]
    deps: [data/raw.parquet, model.py]
    outs:
      - models/bundle: {persist: true}
  evaluate:
    cmd: mkdir -p reports && cp models/bundle/bundle.json reports/model-card.md
    deps: [models/bundle]
    outs:
      - reports/model-card.md: {persist: true, cache: false}
"""


def run(*command: str, fails: bool = False, **settings: str) -> str:
    """Run a command as the git user a@b.c, which must succeed, or with `fails` fail; return its output."""
    user = {f"GIT_{role}_{part}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=os.environ | user | settings)
    assert (done.returncode != 0) == fails, f"{' '.join(command)}: {done.stderr}"
    return done.stdout.strip()


def dvc(*arguments: str) -> None:
    """Run DVC in this process, which is faster than starting it."""
    assert dvc_main([*arguments, "--quiet"]) == 0


def commit(message: str) -> str:
    """Commit everything; return the commit."""
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "--allow-empty", "--message", message)
    return run("git", "rev-parse", "HEAD")


def train(version: str, *, passed: bool = True) -> None:
    """Run the pipeline, and write reports as if its bundle had this version, and passed the gate or was rejected."""
    dvc("repro")
    verdict = {"bundle": version, "digest": "d" * 64, "passed": passed, "champion": None, "accepted": []}
    write_verdict(verdict | {"dvc_lock": bundle_in_lock()})
    Path("reports/gate.md").write_text(f"## Gate: {version}\n", encoding="utf-8")
    Path("reports/metrics.json").write_text('{"rows": 9, "roc_auc": 0.75, "intervals": {}}', encoding="utf-8")


def write_verdict(verdict: dict[str, Any]) -> None:
    """Write reports/gate.json."""
    Path("reports/gate.json").write_text(json.dumps(verdict), encoding="utf-8")


def bundle_in_lock() -> str:
    """Return the digest of the bundle in dvc.lock."""
    lines = Path("dvc.lock").read_text(encoding="utf-8").split("outs:")
    (entry,) = (part for part in lines if part.lstrip().startswith("- path: models/bundle"))
    return entry.split("md5: ")[1].split()[0]


def make_repository(folder: Path) -> None:
    """Make the repository, with a trained model on `main`, in an empty folder that is the working directory."""
    for name, text in (
        ("dvc.yaml", DVC_YAML),
        ("rows.csv", "1\n2\n"),
        ("model.py", "one\n"),
        ("params.yaml", "model: {depth: 1}\ngate: {floor: 0}\n"),
        ("pyproject.toml", PYPROJECT),
        (".gitignore", "/data\n/models\n/build\n"),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "data").mkdir()
    run("git", "init", "--quiet", "--initial-branch", "main")
    dvc("init")
    commit("no model yet")
    train("2024-01-31.aaaaaaa")
    commit("first model")


def clone(origin: Path, folder: Path, *arguments: str) -> Path:
    """Clone a repository into a folder; return the folder."""
    run("git", "clone", "--quiet", *arguments, origin.as_uri(), str(folder))
    return folder
