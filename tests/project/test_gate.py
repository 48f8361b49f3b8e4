"""The gate, as an owner meets it: a first model, a bad one, and a waiver for it."""

from __future__ import annotations

from tests.project.baked import Project

GOOD = "HistGradientBoostingClassifier(**settings)"
BAD = "__import__('sklearn.dummy').dummy.DummyClassifier()"  # answers every row alike


def results(project: Project) -> dict[str, str]:
    """Return each rule's result in reports/gate.json, which has to name the present bundle."""
    decision = project.read_json("reports/gate.json")
    assert decision["digest"] == project.digest
    return {rule["rule"]: rule["result"] for rule in decision["rules"]}


def test_a_bad_model_is_rejected_and_may_be_accepted_by_name(small: Project) -> None:
    small.replace("params.yaml", "roc_auc: 0.6", "roc_auc: 0.5")  # on so few rows
    first = small.make("gate").stdout
    assert "none on production or the default branch yet" in first
    assert "may be released" in first

    small.replace(f"src/{small.package}/model.py", GOOD, BAD)
    small.make("train")
    rejected = small.make("gate", check=False)
    assert rejected.returncode != 0
    assert "champion    2013-02-28." in rejected.stdout
    assert "rejected: comparison: worse than the champion: roc_auc is " in rejected.stdout
    assert "rejected: limits: gate.floor.roc_auc is 0.5, the champion's 0.6" in rejected.stdout
    assert "rejected: constant: every row gets the same answer" in rejected.stdout
    assert "Traceback" not in rejected.stdout
    assert (
        (small.folder / "reports/gate.md").read_text(encoding="utf-8").startswith("## ❌ Limits of the gate are looser")
    )
    broken = [rule for rule, result in results(small).items() if result == "rejected"]

    bundle = small.read_json("reports/gate.json")["bundle"]
    waivers = "".join(f"\n    - {{rule: {rule}, bundle: {bundle}, reason: a drill, by: Ada}}" for rule in broken)
    text = (small.folder / "params.yaml").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("  accept: []"))
    small.replace("params.yaml", line, f"  accept:{waivers}")
    again = small.make("train").stdout
    assert "Running stage 'evaluate'" in again
    assert "Running stage 'package'" not in again
    accepted = small.make("gate").stdout
    assert "accepted: comparison: a drill (by Ada" in accepted
    assert results(small)["comparison"] == "accepted"
    assert "accepted: comparison" in (small.folder / "reports/model-card.md").read_text(encoding="utf-8")
    table = (small.folder / "reports/gate.md").read_text(encoding="utf-8")
    assert table.startswith("## ⚠️ Limits of the gate are looser than on main at ")
    assert "Accepted: a drill (by Ada)." in table
    assert "⚠️ accepted" in table
