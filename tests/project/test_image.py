"""The image is built by a real engine, runs with next to no rights, and answers as the bundle does."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.another_model import blocks, edited_model, edited_params
from tests.engine import docker
from tests.project.baked import Project
from tests.project.linked_environment import unlink


def look(name: str) -> tuple[int, list[str], list[str]]:
    """Return an image's user, which libraries it has of those that it must not have, and its files in /app."""
    program = (
        "import importlib.util as u, json, os, pathlib\n"
        "forbidden = ('pandas', 'sklearn', 'skl2onnx', 'dvc', 'mlflow', 'pytest', 'uv')\n"
        "files = sorted(str(p) for p in pathlib.Path('.').rglob('*') if '.venv' not in p.parts and p.is_file())\n"
        "print(json.dumps([os.getuid(), [m for m in forbidden if u.find_spec(m)], files]))"
    )
    printed = docker("run", "--rm", "--read-only", "--cap-drop", "ALL", name, "python", "-c", program).stdout
    user, packages, files = json.loads(printed)
    return user, packages, files


def test_the_container_answers_as_the_pipeline_did(image: tuple[Project, str]) -> None:
    project, name = image

    printed = project.make("smoke", f"IMAGE={name}").stdout

    print(printed)
    assert "all 10 are equal to the pipeline's" in printed
    assert "by itself, with exit code 0" in printed


def test_the_image_holds_what_serves_and_nothing_else(image: tuple[Project, str]) -> None:
    project, name = image

    user, packages, files = look(name)

    assert user != 0
    assert packages == []
    folders = {path.rpartition("/")[0].removesuffix("/__pycache__") for path in files}
    library = {f"library/cd4ml/{part}" for part in SERVES}
    assert folders == {"library/cd4ml", *library, "models/bundle", "reports"}
    bundle = {f"models/bundle/{path.name}" for path in (project.folder / "models/bundle").iterdir()}
    assert {path for path in files if not path.startswith("library/")} == {
        *bundle,
        "reports/metrics.json",
        "reports/model-card.md",
    }
    sources = {path for path in files if path.endswith(".py") and path.startswith("library/")}
    assert len([path for path in files if path.endswith(".pyc")]) == len(sources)  # compiled when it was built


SERVES = (
    "bundle", "contract", "files", "prediction_log", "serving", "serving/page", "settings", "terminal", "training",
)  # fmt: skip


def test_the_image_says_what_it_holds(image: tuple[Project, str]) -> None:
    project, name = image

    labels = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", name).stdout)

    assert labels["org.opencontainers.image.title"] == project.folder.name
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert labels["org.opencontainers.image.base.name"] == "python:3.12-slim"
    assert labels["org.opencontainers.image.version"] == f"2013-02-28.{project.digest[:7]}"
    assert labels["org.opencontainers.image.revision"] == project.run("git", "rev-parse", "HEAD").stdout.strip()
    assert labels["org.opencontainers.image.source"].startswith("https://")
    assert labels["bundle"] == project.digest
    assert "org.opencontainers.image.created" not in labels


def test_the_image_is_without_what_its_packages_need_no_more(image: tuple[Project, str]) -> None:
    size = int(docker("image", "inspect", "--format", "{{.Size}}", image[1]).stdout)

    assert size < 400_000_000, f"{size / 1e6:.0f} MB"


def test_an_altered_bundle_does_not_start(image: tuple[Project, str]) -> None:
    _, name = image
    alter = "echo >> models/bundle/features.py; exec python -m cd4ml serve"

    started = docker("run", "--rm", "--user", "0", name, "sh", "-c", alter, check=False)

    assert started.returncode == 1
    assert started.stderr.splitlines() == [
        "serve: models/bundle: features.py was altered or cut short: fetch the bundle again, or run `make train`"
    ]


def test_a_bundle_on_scikit_learn_ships_too_and_smoke_tells_it_from_another(
    image: tuple[Project, str], small: Project
) -> None:
    _, onnx = image
    small.replace("params.yaml", "runtime: auto", "runtime: sklearn")
    small.make("train")
    small.accept()
    name = f"{small.folder.name}:sklearn-{os.getpid()}"

    small.make("image", f"IMAGE={name}")
    try:
        assert "all 10 are equal to the pipeline's" in small.make("smoke", f"IMAGE={name}").stdout
        user, packages, _ = look(name)
    finally:
        docker("image", "rm", "--force", name, check=False)
    assert user != 0
    assert packages == ["pandas", "sklearn"]

    other = small.make("smoke", f"IMAGE={onnx}", check=False)
    assert other.returncode != 0
    assert small.digest[:7] in other.stdout


def test_lightgbm_ships_by_the_lines_of_the_page(engine: None, quick: Project, tmp_path: Path) -> None:
    project = quick.copy(tmp_path)
    project.run("uv", "add", "--no-sync", "lightgbm")
    unlink(project.folder)
    for path, edited in ((project.source / "model.py", edited_model), (project.folder / "params.yaml", edited_params)):
        path.write_text(edited(path.read_text(encoding="utf-8"), "LightGBM"), encoding="utf-8")
    project.make("format", "lint", "train")
    project.accept()
    assert "MissingShapeCalculator" in project.read_json("models/bundle/bundle.json")["reason"]
    name = f"{project.folder.name}:lightgbm-{os.getpid()}"
    try:
        project.make("image", f"IMAGE={name}")
        assert "libgomp.so.1" in project.make("smoke", f"IMAGE={name}", check=False).stdout

        (line,) = blocks("LightGBM", "dockerfile")
        project.replace("Dockerfile", 'ARG DEBIAN_PACKAGES=""\n', line)
        project.make("image", f"IMAGE={name}")
        assert "all 10 are equal to the pipeline's" in project.make("smoke", f"IMAGE={name}").stdout
    finally:
        docker("image", "rm", "--force", name, check=False)
