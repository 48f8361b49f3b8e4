"""The gate, as an owner meets it: a first model, a bad one, a waiver for it, and a champion that a remote names."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.project.baked import Project

SHUFFLE = (
    "import pandas as pd; import pathlib;"
    "paths = sorted(pathlib.Path('data/source').glob('*.parquet'))[:6];"
    "[t.assign(late=t['late'].sample(frac=1, random_state=7).to_numpy()).to_parquet(p)"
    " for p, t in ((p, pd.read_parquet(p)) for p in paths)]"
)


def verdict(project: Project) -> dict[str, str]:
    told = project.read_json("reports/gate.json")
    assert told["digest"] == project.digest
    return {rule["rule"]: rule["result"] for rule in told["rules"]}


def version(project: Project) -> str:
    return str(project.read_json("reports/gate.json")["bundle"])


def test_a_bad_model_is_refused_and_may_be_accepted_once(project: Project) -> None:
    first = project.make("gate").stdout
    assert "none on production or main yet" in first
    assert "may be released" in first

    project.run(project.python, "-c", SHUFFLE)
    project.replace("params.yaml", "iterations: 100", "iterations: 10")
    project.make("refresh", settings={"UNTIL": "2013-07-31"})
    project.make("train")
    refused = project.make("gate", check=False)
    assert refused.returncode != 0
    assert "champion    2013-07-31." in refused.stdout
    assert "refused: comparison: worse than the champion: roc_auc is " in refused.stdout
    assert "Traceback" not in refused.stdout
    broken = [rule for rule, result in verdict(project).items() if result == "refused"]

    waivers = "".join(
        f"\n    - {{rule: {rule}, bundle: {version(project)}, reason: a drill, by: Ada}}" for rule in broken
    )
    text = (project.folder / "params.yaml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("  accept: []"))
    project.replace("params.yaml", line, f"  accept:{waivers}")
    again = project.make("train").stdout
    assert "Running stage 'evaluate'" in again
    assert "Running stage 'package'" not in again
    accepted = project.make("gate").stdout
    assert "accepted: comparison: a drill (by Ada" in accepted
    assert verdict(project)["comparison"] == "accepted"
    assert "accepted: comparison" in (project.folder / "reports/model-card.md").read_text(encoding="utf-8")
    assert "⚠️ accepted" in (project.folder / "reports/gate.md").read_text(encoding="utf-8")

    project.replace("params.yaml", "iterations: 10\n", "iterations: 11\n")
    project.make("train")
    next_one = project.make("gate", check=False)
    assert next_one.returncode != 0
    assert "refused: comparison" in next_one.stdout
    assert "not used: gate.accept of comparison for 2013-07-31." in next_one.stdout


def test_the_champion_is_what_the_remote_says_is_live(project: Project, tmp_path: Path) -> None:
    project.run("git", "clone", "--quiet", "--bare", str(project.folder), str(tmp_path / "origin.git"))
    project.run("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    project.run("git", "push", "--quiet", "origin", "HEAD:refs/heads/production")
    live = project.digest
    project.replace("params.yaml", "iterations: 100", "iterations: 60")
    project.make("train")

    assert project.make("gate").returncode == 0
    told = project.read_json("reports/gate.json")
    assert (told["champion"]["branch"], told["champion"]["digest"]) == ("production", live)

    shutil.rmtree(tmp_path / "origin.git")
    refused = project.make("gate", check=False)
    assert refused.returncode != 0
    assert "refused: champion: origin did not say whether it has a branch production" in refused.stdout
