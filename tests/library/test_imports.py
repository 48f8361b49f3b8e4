"""What serves an ONNX bundle needs nothing that trains: the image does without it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HEAVY = ["pandas", "sklearn", "scipy", "onnx", "skl2onnx", "skops", "pandera", "matplotlib", "mlflow", "dvc", "ruamel"]

LIGHT = ["answer", "bundle", "column", "columns", "contract", "errors", "feature_code", "features", "serving.app",
         "serving.run", "serving.sample", "serving.smoke", "__main__"]  # fmt: skip

ANSWER = """
import os
from pathlib import Path
from starlette.testclient import TestClient
from cd4ml.serving.app import create_app
from cd4ml.serving.settings import Settings

client = TestClient(create_app(Path(os.environ["MODEL_BUNDLE"]), Settings()))
example = client.get("/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
assert client.post("/predict", json=example["example"]).status_code == 200
assert client.post("/predict", json={"rows": [{}]}).status_code == 422
"""


def heavy_modules_after(*steps, **environment):
    """Return what each step of a program was the first to import, by step."""
    told = f"import sys\nHEAVY = {HEAVY}\n"
    for step in steps:
        told += f"{step}\nprint(*(name for name in HEAVY if name in sys.modules))\n"
    command = [sys.executable, "-c", told]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=True)
    return dict(zip(steps, done.stdout.splitlines(), strict=True))


def test_what_serves_imports_nothing_that_trains():
    steps = [f"import cd4ml.{module}" for module in LIGHT]

    assert heavy_modules_after(*steps) == dict.fromkeys(steps, "")


def test_answering_imports_nothing_that_trains(tiny_bundle):
    assert heavy_modules_after(ANSWER, MODEL_BUNDLE=str(tiny_bundle)) == {ANSWER: ""}


def test_the_image_holds_every_module_that_serves(tiny_bundle, tmp_path):
    root = Path(__file__).parents[2]
    allowed = (root / ".dockerignore").read_text().splitlines()
    for name in [line[1:] for line in allowed if line.startswith("!src/")]:
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(root / name, tmp_path / name)
    modules = ["__main__", "serving.run", "serving.sample", "serving.smoke", "estimator", "skops_file"]
    program = "\n".join([ANSWER, *(f"import cd4ml.{module}" for module in modules)])
    where = f"print(cd4ml.__file__.startswith({str(tmp_path)!r}))"

    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{where}"],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src"), "MODEL_BUNDLE": str(tiny_bundle)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == ("True", 0), done.stderr


def test_this_test_would_see_it():
    step = "import cd4ml.table"

    assert "pandas" in heavy_modules_after(step)[step].split()
