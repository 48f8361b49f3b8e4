"""A row for which the model predicts NaN or infinity: `score` sets it aside as one that breaks the contract."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cd4ml.batch import score_partition
from cd4ml.batch.arrow_columns import TextFormat
from cd4ml.batch.scorer import Scorer
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.errors import DataError
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from house_project import LINEAR_FEATURES, Project, houses
from pyarrow import Table
from starlette.testclient import TestClient

MODEL = '''\
"""A linear model of numbers without a limit: it overflows."""

from sklearn.linear_model import LinearRegression


def build_model(task, numbers, categories, *, iterations):
    return LinearRegression()
'''


@pytest.fixture(scope="module")
def overflowing(tmp_path_factory):
    """A project whose contract allows a size for which the model predicts infinity."""
    project = Project(tmp_path_factory.mktemp("overflowing"), "regression")
    project.write("src/houses/features.py", LINEAR_FEATURES)
    project.write("src/houses/model.py", MODEL)
    project.replace("contract.yaml", "min: 0, max: 500", "min: 0")
    project.table = project.table.assign(price=project.table["size"] * 5)
    project.run("ingest", "validate", "split", "train", "package")
    return project


@pytest.fixture
def table(overflowing, monkeypatch):
    """Ten rows in `rows.parquet`: the fourth overflows, the seventh breaks the contract."""
    monkeypatch.chdir(overflowing.copy_to(Path("copy").absolute()).folder)
    table = houses(10)
    table["size"] = table["size"].mask(table.index == 3, 3e38)
    table["rooms"] = table["rooms"].mask(table.index == 6, 99)
    table.to_parquet("rows.parquet")
    return table


def test_the_service_answers_500(overflowing):
    row = Bundle.load(overflowing.bundle).contract.sample_row()
    client = TestClient(create_app(overflowing.bundle, ServiceSettings()), raise_server_exceptions=False)

    assert client.post("/predict", json={"rows": [row]}).status_code == 200
    assert client.post("/predict", json={"rows": [row | {"size": 3e38}]}).status_code == 500


def test_it_stops_the_run_and_is_named(table, capsys):
    assert main(["score", "rows.parquet", "answers.parquet", "--workers", "1"]) == 1

    assert capsys.readouterr().err.splitlines() == [
        "score: rows.parquet: 2 rules violated in 10 rows; nothing was written",
        "  column      rule                      rows  first row  examples",
        "  rooms       at most 30                   1          6        99",
        "  prediction  neither NaN nor infinite     1          3",
        "  next: fix the rows, or set these aside with --rejects FILE (make score: REJECTS=FILE)",
    ]
    assert not Path("answers.parquet").exists()


def test_it_is_set_aside_with_its_reason(table):
    assert main(["score", "rows.parquet", "answers.csv", "--rejects", "bad.csv", "--workers", "1"]) == 0

    answers, bad = pd.read_csv("answers.csv"), pd.read_csv("bad.csv")
    assert answers["house_id"].tolist() == table["house_id"].drop([3, 6]).tolist()
    assert np.isfinite(answers["prediction"]).all()
    assert bad["house_id"].tolist() == table["house_id"][[3, 6]].tolist()
    assert bad["rejected_row"].tolist() == [3, 6]
    assert bad["rejected_because"].tolist() == ["prediction: neither NaN nor infinite", "rooms: at most 30"]


def test_a_part_of_a_table_with_one_is_an_error(overflowing, table):
    with pytest.raises(DataError, match=r"prediction +neither NaN nor infinite +1 +3"):
        score_partition(table.drop(index=6), overflowing.bundle)


def test_one_probability_of_several_is_enough(tiny_bundles):
    bundle = Bundle.load(tiny_bundles["multiclass"])
    scores = bundle.scores

    def some_nan(columns):
        found = scores(columns)
        found[columns["rooms"] == 2, 1] = np.nan
        return found

    bundle.scores = some_nan
    table = houses(50)

    scored = Scorer(bundle, (), TextFormat()).score(Table.from_pandas(table))

    nan = np.flatnonzero(table["rooms"] == 2)
    assert scored.rejected["rejected_row"].to_pylist() == nan.tolist()
    assert scored.answers.num_rows == 50 - len(nan)
    assert [(each.column, each.rows, each.first) for each in scored.violations] == [("prediction", len(nan), nan[0])]
