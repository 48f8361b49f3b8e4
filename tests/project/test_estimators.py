"""The proof of an export, tried on every estimator that is known to fail it: see in_project/."""

from __future__ import annotations

from pathlib import Path

from tests.project.baked import Project

SOURCE = Path(__file__).parent / "in_project/test_every_estimator.py"


def test_every_estimator_ends_exact_or_on_scikit_learn(project: Project) -> None:
    tests = SOURCE.read_text(encoding="utf-8").replace("PACKAGE", project.package)
    (project.folder / "tests/code/test_every_estimator.py").write_text(tests, encoding="utf-8")

    said = project.run(
        project.python, "-m", "pytest", "-q", "-W", "ignore", "tests/code/test_every_estimator.py"
    ).stdout

    print("\n".join(line for line in said.splitlines() if line.startswith("    ")))
    assert " passed" in said
