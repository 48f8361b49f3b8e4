"""The service imports no package that only training needs, so that the image can leave those out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>"
TRAINING_PACKAGES = [
    "pandas",
    "sklearn",
    "scipy",
    "onnx",
    "skl2onnx",
    "skops",
    "pandera",
    "matplotlib",
    "mlflow",
    "dvc",
    "ruamel",
]
SERVING_MODULES = [
    "bundle.bundle", "bundle.feature_code", "contract.columns", "serving.app", "serving.server", "serving.predict",
    "serving.smoke", "cli",
]  # fmt: skip

PREDICT = """
import os
from pathlib import Path
from starlette.testclient import TestClient
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings

client = TestClient(create_app(Path(os.environ["MODEL_BUNDLE"]), ServiceSettings()))
example = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
assert client.post("/predict", json=example["example"]).status_code == 200
assert client.post("/predict", json={"rows": [{}]}).status_code == 422
"""


def training_packages_after(*steps: str, **environment: str) -> dict[str, str]:
    """Return the training packages that are imported after each step of a program, by step."""
    program = f"import sys\nPACKAGES = {TRAINING_PACKAGES}\n"
    for step in steps:
        program += f"{step}\nprint(*(name for name in PACKAGES if name in sys.modules))\n"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=True)
    return dict(zip(steps, done.stdout.splitlines(), strict=True))


def test_the_modules_of_the_service_import_no_training_package() -> None:
    steps = [f"import cd4ml.{module}" for module in SERVING_MODULES]

    assert training_packages_after(*steps) == dict.fromkeys(steps, "")


def test_a_prediction_imports_no_training_package(tiny_bundle: Path) -> None:
    assert training_packages_after(PREDICT, MODEL_BUNDLE=str(tiny_bundle)) == {PREDICT: ""}


@pytest.mark.parametrize("package", ["pydantic", "httpx2", "stamina"])
def test_help_does_not_import(package: str) -> None:
    program = f"import sys\nfrom cd4ml.cli import main\nmain(['--help'])\nprint('{package}' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.splitlines()[-1] == "False"


def test_the_image_holds_every_module_that_the_service_imports(tiny_bundle: Path, tmp_path: Path) -> None:
    allowed = (TEMPLATE / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for pattern in [line[1:] for line in allowed if line.startswith("!cd4ml/src/")]:
        for part in TEMPLATE.glob(pattern):
            target = tmp_path / part.relative_to(TEMPLATE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(part, target) if part.is_dir() else shutil.copy(part, target)
    modules = ["__init__", *SERVING_MODULES, "training.estimator", "training.skops_file"]
    program = "\n".join([PREDICT, *(f"import cd4ml.{module}" for module in modules)])

    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nprint(cd4ml.__file__)"],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "cd4ml/src"), "MODEL_BUNDLE": str(tiny_bundle)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == (str(tmp_path / "cd4ml/src/cd4ml/__init__.py"), 0), done.stderr


@pytest.mark.parametrize("module", ["contract.table", "training.threshold"])
def test_a_training_package_would_be_detected(module: str) -> None:
    step = f"import cd4ml.{module}"

    assert training_packages_after(step)[step].split()
