"""Every file of a generated project, by name; a file that is added to the template is added here.

The library's files are not listed: they are those in the template's `cd4ml/`, which is copied as it lies.
"""

from __future__ import annotations

from pathlib import Path

from tests.template.conftest import files_of

PROJECT = """
    .cd4ml.sums
    .cd4ml.toml
    .dockerignore
    .dvcignore
    .gitattributes
    .gitignore
    .pre-commit-config.yaml
    AGENTS.md
    Dockerfile
    LICENSE
    Makefile
    README.md
    compose.yaml
    contract.yaml
    dvc.yaml
    params.yaml
    pyproject.toml
    uv.lock
    .devcontainer/Dockerfile
    .devcontainer/devcontainer.json
    .dvc/.gitignore
    .dvc/config
    .github/CODEOWNERS
    .github/ISSUE_TEMPLATE/incident.yml
    .github/ISSUE_TEMPLATE/model-change.yml
    .github/actions/setup/action.yml
    .github/dependabot.yml
    .github/workflows/cd.yml
    .github/workflows/ci.yml
    .github/workflows/ct.yml
    .github/workflows/doctor.yml
    .github/workflows/monitor.yml
    .github/workflows/rollback.yml
    .github/workflows/score.yml
    .github/workflows/update.yml
    .github/zizmor.yml
    data/source/README.md
    docs/canvas.md
    docs/connect-your-data.md
    docs/delivery.md
    docs/gate.md
    docs/runbook.md
    notebooks/explore.ipynb
    tests/conftest.py
    tests/test_features.py
    tests/data/test_tables.py
    tests/model/test_behaviour.py
    tests/model/test_example_flights.py
""".split()

PACKAGE = ("__init__.py", "features.py", "model.py")

DATA = [f"data/source/2013-{month:02}.parquet" for month in range(1, 13)]


def expected_files(package: str, platform: str, registry: str, library: Path) -> set[str]:
    """What a project whose package has this name holds, git's own folder left out; `library` is the template's."""
    team = {*PROJECT, *DATA, f"docs/{platform}.md", *(f"src/{package}/{name}" for name in PACKAGE)}
    if platform != "docker-host":
        team.add(".github/actions/sign-in/action.yml")
    if registry != "cloud":
        team.add(".github/actions/registry-login/action.yml")
    return team | {f"cd4ml/{name}" for name in files_of(library)}
