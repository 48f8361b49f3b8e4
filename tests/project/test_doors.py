"""What `cd4ml door` writes works at once in a project; a file of the team's own makes exactly its stages stale."""

from __future__ import annotations

from tests.project.baked import Project


def stages_run(printed: str) -> list[str]:
    """Return the stages that a run of `make train` ran."""
    return [line.split("'")[1] for line in printed.splitlines() if line.startswith("Running stage '")]


def test_every_door_works_at_once(project: Project) -> None:
    for name in ("metrics", "split", "card"):
        printed = project.cd4ml("door", name).stdout
        assert "they work as they are" in printed

    trained = project.make("train").stdout
    gate = project.make("gate").stdout
    project.make("lint")
    tests = project.make("test").stdout

    assert stages_run(trained) == ["split", "evaluate"]  # the same rows, and so the same model
    assert "  mean_gain " in trained
    assert gate.splitlines()[-1].startswith("passed: ")
    assert "| Mean gain |" in (project.folder / "reports/gate.md").read_text(encoding="utf-8")
    assert " passed" in tests
    assert "failed" not in tests
    assert "## What it is for" in (project.folder / "reports/model-card.md").read_text(encoding="utf-8")


def test_the_main_metric_is_one_key_and_a_file_that_is_removed_is_forgotten(small: Project) -> None:
    small.cd4ml("door", "metrics")
    small.replace("params.yaml", "main: auto", "main: mean_gain")

    trained = small.make("train").stdout
    judged = small.make("gate", check=False).stdout

    assert "  mean_gain " in trained.split("roc_auc")[0]
    assert "challenger" in judged
    assert judged.split("mean_gain")[0].count("roc_auc") == 0
    (small.source / "metrics.py").unlink()
    unknown = small.make("train", check=False).stdout
    assert 'params.yaml: metrics.main is "mean_gain", by which binary models cannot be compared; write ' in unknown
    small.replace("params.yaml", "main: mean_gain", "main: auto")
    assert stages_run(small.make("train").stdout) == ["evaluate"]
    assert "mean_gain" not in (small.folder / "reports/metrics.json").read_text(encoding="utf-8")


def test_an_error_in_a_file_of_the_teams_is_one_line(small: Project) -> None:
    small.cd4ml("door", "metrics")
    small.replace(f"src/{small.package}/metrics.py", "np.average(gains, weights=weights)", "gains")

    failed = small.make("train", check=False)

    assert failed.returncode != 0
    place = f"stage evaluate: src/{small.package}/metrics.py:"
    (line,) = (line for line in failed.stdout.splitlines() if line.startswith(place))
    assert ": TypeError: only " in line
    assert "Traceback" not in failed.stdout
