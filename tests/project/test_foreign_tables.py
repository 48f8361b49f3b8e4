"""Tables that the example knows nothing about go through the same files, with contract, params and features changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.project.baked import Project

PASS_ON = '''\
"""Every column as it is."""


def derive(columns):
    """Return the columns, unchanged."""
    return dict(columns)
'''

WINE = """\
import sys
from sklearn.datasets import load_wine
wine = load_wine(as_frame=True)
table = wine.frame.assign(cultivar=wine.target_names[wine.target]).drop(columns="target")
table.rename(columns=lambda name: name.replace("/", "_per_")).to_csv("data/source/wine.csv", index=False)
"""

WINE_COLUMNS = [
    "alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids",
    "nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280_per_od315_of_diluted_wines", "proline",
]  # fmt: skip

WINE_CONTRACT = "name: wine\ntarget: {name: cultivar, type: category}\ncolumns:\n" + "".join(
    f"  {name}: {{type: number, min: 0, max: 5000}}\n" for name in WINE_COLUMNS
)

SUBSCRIPTIONS = """\
import numpy as np, pandas as pd
rng = np.random.default_rng(5)
rows = 4000
tenure, fee = rng.integers(0, 120, rows), rng.gamma(4, 8, rows).round(2)
plan, paperless = rng.choice(["basic", "plus", "pro"], rows), rng.choice([True, False, None], rows, p=[0.5, 0.4, 0.1])
score = fee / 20 - tenure / 30 + (plan == "basic") + rng.normal(0, 1, rows)
signed_up = pd.Timestamp("2024-01-01", tz="UTC") - pd.to_timedelta(tenure * 30, "D")
table = pd.DataFrame({
    "customer": [f"c{n:05d}" for n in range(rows)],
    "observed": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 300, rows)), "D"),
    "signed_up": pd.Series(signed_up).map(lambda time: time.isoformat()),
    "tenure months": tenure,
    "monthly fee (€)": pd.Series(fee).mask(rng.random(rows) < 0.2),
    "paperless": paperless,
    "plan": plan,
    "referrer": pd.Series(rng.choice(["ad", "friend", "search"], rows)).mask(rng.random(rows) < 0.4),
    "left": np.where(score > 1, "yes", "no"),
})
table["left"] = table["left"] == "yes"
table.head(2500).to_csv("data/source/part-1.csv", index=False)
table.tail(1500).to_csv("data/source/part-2.csv", index=False)
"""

SUBSCRIPTIONS_CONTRACT = """\
name: subscriptions
description: Who leaves, and who | stays
id: customer
time: observed
target: {name: left, type: boolean}
columns:
  signed_up: {type: timestamp, timezone: UTC, example: "2020-05-17T00:00:00Z"}
  tenure months: {type: integer, min: 0, max: 600}
  monthly fee (€): {type: number, min: 0, max: 1000, nullable: true, unit: €}
  paperless: {type: boolean, nullable: true}
  plan: {type: category, values: [basic, plus, pro]}
  referrer: {type: category, nullable: true}
"""

SUBSCRIPTIONS_FEATURES = '''\
"""How long ago a customer signed up, in years, beside the columns."""

import numpy as np


def derive(columns):
    """Return the columns, with years since signing up in place of the time."""
    features = dict(columns)
    features["years"] = (np.datetime64("2025-01-01") - features.pop("signed_up")) / np.timedelta64(365, "D")
    return features
'''


def prepare(project: Project, table: str, contract: str, features: str, minimum_rows: int) -> None:
    """Do what docs/connect-your-data.md says."""
    project.make("setup")
    for path in (project.folder / "data/source").iterdir():
        path.unlink()
    project.run(project.python, "-c", table)
    (project.folder / "contract.yaml").write_text(contract, encoding="utf-8")
    (project.source / "features.py").write_text(features, encoding="utf-8")
    project.replace("params.yaml", "data/source/*.parquet", "data/source/*.csv")
    project.replace("params.yaml", '"2013-07-31"', "null")
    in_each = " # in the training set and in the test set"
    project.replace("params.yaml", f"minimum_rows: 200{in_each}", f"minimum_rows: {minimum_rows}{in_each}")
    for example in ("tests/test_features.py", "tests/model/test_example_flights.py"):
        (project.folder / example).unlink()
    project.make("train")


@pytest.fixture(scope="module")
def wine(bake: Bake, tmp_path_factory: pytest.TempPathFactory, uv: str) -> Project:
    """scikit-learn's wine: three classes, all numbers, no time, no id."""
    project = Project(bake(into=tmp_path_factory.mktemp("wine"), project_slug="wine", problem="regression"))
    prepare(project, WINE, WINE_CONTRACT, PASS_ON, minimum_rows=20)
    return project


@pytest.fixture(scope="module")
def subscriptions(bake: Bake, tmp_path_factory: pytest.TempPathFactory, uv: str) -> Project:
    """A mixed table with nulls, names that are no identifiers, times in UTC, and a time that is not a column."""
    project = Project(bake(into=tmp_path_factory.mktemp("subscriptions"), project_slug="subscriptions"))
    prepare(project, SUBSCRIPTIONS, SUBSCRIPTIONS_CONTRACT, SUBSCRIPTIONS_FEATURES, minimum_rows=200)
    return project


def answer(project: Project, row: dict[str, object]) -> dict[str, object]:
    """Return what the bundle answers to one row, asked as the service asks it."""
    asked = (
        f"import json; from pathlib import Path; from cd4ml.bundle.bundle import Bundle\n"
        f"bundle = Bundle.load(Path('models/bundle')); scores = bundle.scores_of_rows([{row!r}])\n"
        "print(json.dumps([bundle.decision.predictions(scores), bundle.decision.probabilities(scores)]))"
    )

    predictions, probabilities = json.loads(project.run(project.python, "-c", asked).stdout)
    return {"predictions": predictions, "probabilities": probabilities}


def test_wine(wine: Project) -> None:
    metrics = wine.read_json("reports/metrics.json")
    manifest = wine.read_json("models/bundle/bundle.json")

    print(metrics, manifest["reason"])
    assert manifest["task"] == "multiclass"
    assert manifest["runtime"] == "onnx"
    assert metrics["accuracy"] > 0.85 > metrics["baseline"]["accuracy"]
    answered = answer(wine, wine.read_json("models/bundle/examples.json")["rows"][0])
    assert set(answered["probabilities"][0]) == {"class_0", "class_1", "class_2"}  # type: ignore[index]


def test_subscriptions(subscriptions: Project) -> None:
    metrics = subscriptions.read_json("reports/metrics.json")
    manifest = subscriptions.read_json("models/bundle/bundle.json")

    print(metrics, manifest["reason"])
    assert manifest["runtime"] == "onnx"
    assert metrics["roc_auc"] > 0.8
    card = (subscriptions.folder / "reports/model-card.md").read_text(encoding="utf-8")
    assert "monthly fee (€)" in card


@pytest.mark.parametrize("name", ["wine", "subscriptions"])
def test_their_own_checks_pass(name: str, request: pytest.FixtureRequest) -> None:
    project: Project = request.getfixturevalue(name)

    assert " passed" in project.run(project.python, "-m", "pytest", "-q", "tests/data", "tests/model").stdout
    project.make("lint")


@pytest.mark.parametrize("name", ["wine", "subscriptions"])
def test_no_word_of_the_example_is_left(name: str, request: pytest.FixtureRequest) -> None:
    project: Project = request.getfixturevalue(name)
    words = "flight|carrier|airline|departure|arrival|destination|wind_"

    found = project.run("grep", "-rniE", words, "reports", "src", "tests", "models/bundle", "dvc.yaml", check=False)

    assert [line for line in found.stdout.splitlines() if "Binary file" not in line] == []


@pytest.mark.parametrize("name", ["wine", "subscriptions"])
def test_nothing_runs_again(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    project: Project = request.getfixturevalue(name)

    assert "Running stage" not in project.make("train").stdout
