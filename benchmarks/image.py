"""How large the image is, beside the one that `mlflow models build-docker` makes for the same model.

    uv run python -m benchmarks.image

Generates the default project, trains it and builds its image with `make image`. MLflow writes the Dockerfile of the
same pipeline (`mlflow models generate-dockerfile`, which is what `build-docker` builds), and the engine builds it on
the project's base image, from the same package index. Both sizes are the engine's: of the unpacked image, and of its
layers, compressed as a registry keeps them. The base image counts on both sides. The last lines give the ratio and the
goal. On a machine without an engine it prints why nothing was measured.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.laptop import ENVIRONMENT, ROOT, seconds

GOAL = 0.35
DOCKER = os.environ.get("DOCKER", "docker")
OURS, THEIRS = f"benchmark-cd4ml:{os.getpid()}", f"benchmark-mlflow:{os.getpid()}"
SAVE = """
import sys
from pathlib import Path
import mlflow
from cd4ml.training import skops_file
trusted = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
mlflow.sklearn.save_model(skops_file.load(Path(sys.argv[1])), "model", skops_trusted_types=trusted)
"""


def engine(*command: str) -> str:
    """Return what the engine's command line prints.

    Raises:
        SystemExit: it failed.
    """
    done = subprocess.run([DOCKER, *command], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stderr}\nbenchmark: `docker {' '.join(command)}` failed")
    return done.stdout


def why_not() -> str:
    """Return what this machine lacks; empty if it can measure."""
    try:
        subprocess.run([DOCKER, "info"], env=ENVIRONMENT, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return "no container engine answers (docker info)"
    return ""


def build_ours(scratch: Path) -> Path:
    """Generate a project, train it, and build its image; return its folder."""
    cookiecutter = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--default-config"]
    seconds([*cookiecutter, "-o", str(scratch)], scratch)
    project = scratch / "flight-delays"
    who = ["git", "-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org"]
    for command in (["make", "setup"], ["git", "add", "-A"], [*who, "commit", "-qm", "as generated"]):
        seconds(command, project)
    for command in (["make", "train"], ["make", "gate"], ["make", "image", f"IMAGE={OURS}", f"DOCKER={DOCKER}"]):
        seconds(command, project)
    return project


def build_theirs(project: Path) -> None:
    """Build the image for the project's pipeline as MLflow writes it, on the base image of ours."""
    programs, folder = project / ".venv/bin", project.parent / "mlflow"
    folder.mkdir()  # not in the project: there MLflow would take the whole of uv.lock for what the model needs
    seconds([str(programs / "python"), "-c", SAVE, str(project / "models/pipeline.skops")], folder)
    seconds([str(programs / "mlflow"), "models", "generate-dockerfile", "-m", "model", "-d", "image"], folder)
    (base,) = re.findall(r"^FROM (\S+) AS base$", (project / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    dockerfile = folder / "image/Dockerfile"
    text, found = re.subn(
        r"^FROM python:\S+$", f"FROM {base}", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    if found != 1:
        sys.exit(f"{text}\nbenchmark: MLflow's Dockerfile does not begin with a Python image")
    dockerfile.write_text(text, encoding="utf-8")
    seconds(["env", "DOCKER_BUILDKIT=1", DOCKER, "build", "--tag", THEIRS, "image"], folder)


def unpacked(name: str) -> float:
    """Return the size of an image in MB, as the engine lists it."""
    return int(engine("image", "inspect", "--format", "{{.Size}}", name)) / 1e6


def compressed(name: str, scratch: Path) -> float:
    """Return the size of an image's layers in MB, each compressed as gzip does by default."""
    archive, total = scratch / "saved.tar", 0
    engine("save", "--output", str(archive), name)
    with tarfile.open(archive) as saved:
        for member in saved:
            layer = saved.extractfile(member) if member.isfile() else None
            if layer is None or member.name.endswith(".json") or member.size < 4096:
                continue
            packer = zlib.compressobj(wbits=31)
            while block := layer.read(1 << 20):
                total += len(packer.compress(block))
            total += len(packer.flush())
    archive.unlink()
    return total / 1e6


@contextmanager
def both_images(scratch: Path) -> Iterator[None]:
    """Build both images, and remove them in the end."""
    try:
        build_theirs(build_ours(scratch))
        yield
    finally:
        subprocess.run(
            [DOCKER, "image", "rm", "--force", OURS, THEIRS], env=ENVIRONMENT, capture_output=True, check=False
        )


def main() -> None:
    """Measure, and say how the sizes compare."""
    if reason := why_not():
        print(f"benchmark: nothing was measured: {reason}")
        return
    with tempfile.TemporaryDirectory() as name, both_images(Path(name)):
        scratch = Path(name)
        sizes = {
            "unpacked": (unpacked(OURS), unpacked(THEIRS)),
            "compressed": (compressed(OURS, scratch), compressed(THEIRS, scratch)),
        }
    print()
    for what, (ours, theirs) in sizes.items():
        ratio = ours / theirs
        print(f"image, {what:<11} {ratio:5.2f} {GOAL:5.2f} {'ok' if ratio <= GOAL else 'short'}  ", end="")
        print(f"{ours:,.0f} MB, mlflow {theirs:,.0f} MB")


if __name__ == "__main__":
    main()
