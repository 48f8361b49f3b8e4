"""A project with a small table of houses: its files, and the stages of its pipeline run in this process."""

import contextlib
import copy
import json
import shutil
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TARGETS = {
    "binary": "{name: sold_fast, type: boolean}",
    "multiclass": "{name: kind, type: category}",
    "regression": "{name: price, type: number, unit: thousand}",
}

CONTRACT = """\
name: houses
description: Houses that were sold
id: house_id
time: sold_on
target: TARGET
columns:
  size: {type: number, min: 0, max: 500, unit: m², example: 120.5}
  rooms: {type: integer, min: 1, max: 30}
  heated: {type: boolean, nullable: true}
  district: {type: category, values: [north, south, east]}
  street: {type: category, nullable: true}
  built: {type: timestamp, nullable: true}
"""

PARAMS = """\
data:
  source: houses.csv
  until: "2024-06-30"
split:
  holdout_days: 60
model:
  iterations: 10
"""

PYPROJECT = """\
[project]
name = "houses"
urls = { Repository = "https://github.com/octo-org/houses" }

[tool.cd4ml]
package = "houses"
platform = "cloud-run"
credentials = "service-account"
registry = "cloud"
"""

TEAM = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>/src/<<cookiecutter.__package>>"
MODEL = (TEAM / "model.py").read_text(encoding="utf-8")  # the example's model, which fits any table

FEATURES = '''\
"""The columns of a house, with its age in years instead of its date."""

import numpy as np


def derive(columns):
    features = dict(columns)
    features["age"] = (np.datetime64("2024-07-01") - features.pop("built")) / np.timedelta64(365, "D")
    return features
'''

LINEAR_FEATURES = '''\
"""The columns that are always numbers."""


def derive(columns):
    return {name: columns[name] for name in ("size", "rooms")}
'''

LINEAR_MODEL = '''\
"""A linear model: a product of matrices, which rounds a row otherwise alone than among others."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build_model(task, numbers, categories, *, iterations):
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=iterations))
'''


def houses(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    """Return a table of houses that keeps the contract, with some nulls if the contract allows them."""
    rng = np.random.default_rng(seed)
    streets = pd.Series(rng.choice(["High Street", "Mill Lane", "Elm Road"], rows))
    size, rooms = rng.uniform(20, 300, rows).round(1), rng.integers(1, 12, rows)
    heated = rng.choice(["true", "false", None], rows, p=[0.6, 0.3, 0.1])
    built = pd.Series(pd.Timestamp("1900-01-01") + pd.to_timedelta(rng.integers(0, 43_000, rows), "D"))
    score = size / 100 + (heated == "true") + rng.normal(0, 0.5, rows)
    return pd.DataFrame(
        {
            "house_id": [f"house-{number}" for number in range(rows)],
            "sold_on": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows) % 182, "D"),
            "size": size,
            "rooms": rooms,
            "heated": heated,
            "district": rng.choice(["north", "south", "east"], rows),
            "street": streets.mask(rng.random(rows) < 0.1),
            "built": built.mask(rng.random(rows) < 0.1),
            "sold_fast": score > 2,
            "kind": pd.cut(score, [-9, 1.5, 2.5, 9], labels=["flat", "terrace", "villa"]).astype(object),
            "price": score * 100 + 300,
        }
    )


class Project:
    """A project in a folder: its files, and the stages of its pipeline."""

    def __init__(self, folder: Path, task: str = "binary") -> None:
        self.folder = folder
        self.write("contract.yaml", CONTRACT.replace("TARGET", TARGETS[task]))
        self.write("params.yaml", PARAMS)
        self.write("pyproject.toml", PYPROJECT)
        for name, text in (("__init__.py", '"""Houses."""\n'), ("features.py", FEATURES), ("model.py", MODEL)):
            self.write(f"src/houses/{name}", text)
        self.write("uv.lock", "version = 1\n")
        self.table = houses()

    @property
    def table(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "houses.csv")

    @table.setter
    def table(self, table: pd.DataFrame) -> None:
        table.to_csv(self.folder / "houses.csv", index=False)

    @property
    def bundle(self) -> Path:
        return self.folder / "models/bundle"

    def copy_to(self, folder: Path, *, without: tuple[str, ...] = ()) -> "Project":
        """Copy the project to a folder that does not exist yet, without files of some names; return the copy."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns(*without))
        copied = copy.copy(self)
        copied.folder = folder
        return copied

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def read_json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def run(self, *stages: str) -> None:
        """Run stages of the pipeline in this process."""
        with self.inside():
            for stage in stages:
                import_module(f"cd4ml.pipeline.{stage}").run()

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Work in the project's folder, and unload its package afterwards: every project has one of this name."""
        before = [*sys.path]
        try:
            with contextlib.chdir(self.folder):
                yield
        finally:
            sys.path[:] = before
            for name in [name for name in sys.modules if name.partition(".")[0] == "houses"]:
                del sys.modules[name]
