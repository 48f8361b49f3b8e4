"""What `cd4ml door` writes works at once in a project; a file of the team's own makes exactly its stages stale."""

from __future__ import annotations

from tests.project.baked import Project


def stages_run(printed: str) -> list[str]:
    """Return the stages that a run of `make train` ran."""
    return [line.split("'")[1] for line in printed.splitlines() if line.startswith("Running stage '")]


def test_every_door_works_at_once(small: Project) -> None:
    small.replace("params.yaml", "main: auto", "main: mean_gain")
    for name in ("metrics", "split", "card"):
        printed = small.cd4ml("door", name).stdout
        assert "they work as they are" in printed

    trained = small.make("train").stdout
    gate = small.make("gate", check=False).stdout
    small.make("lint")
    tests = small.make("test").stdout

    assert stages_run(trained) == ["split", "evaluate"]  # the same rows, and so the same model
    assert "mean_gain" in trained.split("average_precision")[0]
    assert gate.splitlines()[-1].startswith("passed: ") or "rejected: baseline: " in gate
    assert "mean_gain" in gate
    assert " passed" in tests
    assert "failed" not in tests
    assert "## What it is for" in (small.folder / "reports/model-card.md").read_text(encoding="utf-8")

    (small.source / "metrics.py").unlink()
    small.replace("params.yaml", "main: mean_gain", "main: auto")
    assert stages_run(small.make("train").stdout) == ["split", "evaluate"]
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
