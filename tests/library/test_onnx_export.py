"""An export to ONNX is proved to give the pipeline's scores; else the bundle uses scikit-learn and says why."""

import re

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.decision import Decision
from cd4ml.bundle.probes import Limits, Probes, column_probes
from cd4ml.bundle.proof import describe_difference
from cd4ml.contract.column import Column
from cd4ml.contract.columns import rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table
from cd4ml.errors import ModelError
from cd4ml.training import build, skops_file
from cd4ml.training.estimator import predict_scores
from house_project import Project
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.feature_selection import SelectPercentile
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

BINARY = Decision("binary", [False, True], 0.5)


def build_forest(task, numbers, categories, iterations):
    """Return a random forest on numbers with nulls: its export to ONNX succeeds, and gives wrong scores."""
    encoded = ColumnTransformer(
        [("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), [*categories])],
        remainder="passthrough",
    )
    return Pipeline([("encoded", encoded), ("forest", RandomForestClassifier(iterations, random_state=0))])


def test_a_model_whose_export_is_wrong_is_shipped_on_scikit_learn_with_the_reason(project, monkeypatch):
    monkeypatch.setattr(build, "load_build_model", lambda: build_forest)

    project.run("ingest", "validate", "split", "train", "package")

    bundle = Bundle.load(project.bundle)
    examples = bundle.examples()
    assert bundle.manifest.runtime == "sklearn"
    assert "cannot be shipped as ONNX: its ONNX form is not exact: scores differ by up to" in bundle.manifest.reason
    assert bundle.decision.predictions(bundle.scores_of_rows(examples["rows"])) == examples["predictions"]


def build_model_that_onnx_runtime_rejects(task, numbers, categories, iterations):
    """Return a model on one feature that a test selects: its export succeeds, and ONNX Runtime rejects the graph."""
    selected = make_pipeline(SimpleImputer(), SelectPercentile(percentile=10))
    return make_pipeline(ColumnTransformer([("selected", selected, ["size", "rooms"])]), LogisticRegression())


def test_a_model_that_onnx_runtime_cannot_load_is_shipped_on_scikit_learn_with_the_reason(project, monkeypatch):
    monkeypatch.setattr(build, "load_build_model", lambda: build_model_that_onnx_runtime_rejects)

    project.run("ingest", "validate", "split", "train", "package")

    manifest = Bundle.load(project.bundle).manifest
    assert manifest.runtime == "sklearn"
    assert "ONNX: its ONNX form cannot be loaded: InvalidGraph: [ONNXRuntimeError] : 10 : " in manifest.reason
    assert "model.onnx" not in manifest.reason  # its folder has another name in each run


def test_a_wrong_export_is_rejected_if_params_yaml_demands_onnx(project, monkeypatch):
    monkeypatch.setattr(build, "load_build_model", lambda: build_forest)
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "package:\n  runtime: onnx\n")

    with pytest.raises(ModelError, match=r"its ONNX form is not exact: .*; change the model, or set package\.runtime"):
        project.run("ingest", "validate", "split", "train", "package")

    assert not project.bundle.exists()


TWO_NUMBERS = """\
def derive(columns):
    return {"size": columns["size"], "rooms": columns["rooms"]}
"""


@pytest.mark.parametrize(
    ("model", "task"),
    [
        (LogisticRegression(), "binary"),
        (Pipeline([("model", LogisticRegression())]), "multiclass"),
        (LinearRegression(), "regression"),
        (HistGradientBoostingRegressor(max_iter=5), "regression"),
    ],
)
def test_a_model_of_all_features_as_they_are_is_shipped_as_onnx(model, task, tmp_path, monkeypatch):
    project = Project(tmp_path, task)
    project.write("src/houses/features.py", TWO_NUMBERS)
    monkeypatch.setattr(build, "load_build_model", lambda: lambda task, numbers, categories, iterations: model)

    project.run("ingest", "validate", "split", "train", "package")

    bundle = Bundle.load(project.bundle)
    examples = bundle.examples()
    assert re.fullmatch(r"ONNX, proved equal to the pipeline on [\d,]+ rows", bundle.manifest.reason)
    predictions = bundle.decision.predictions(bundle.scores_of_rows(examples["rows"]))
    assert predictions == (pytest.approx(examples["predictions"]) if task == "regression" else examples["predictions"])


def parts_by_name(proof):
    """Return the columns of every part of a proof, by the part's name."""
    _, batches = proof.batches()
    return {
        name: {column: array[part] for column, array in batch.columns.items()}
        for batch in batches
        for name, part in batch.parts
    }


def test_the_proof_covers_what_exports_get_wrong(tiny_projects):
    project = tiny_projects["binary"]
    contract = Bundle.load(project.bundle).contract
    columns = columns_of_table(pd.read_parquet(project.folder / "data/holdout.parquet"), contract)

    by_name = parts_by_name(Probes(columns, columns, contract))

    assert np.isnan(by_name["heated null"]["heated"]).all()
    assert (by_name["size 500"]["size"] == 500).all()
    assert (by_name["district east"]["district"] == "east").all()
    assert [name for name in by_name if "not seen in training" in name] == ["street \N{SNOWMAN} not seen in training"]
    assert np.isnat(by_name["every nullable column null"]["built"]).all()
    assert (by_name["size whole numbers"]["size"] % 1 == 0).all()


def test_the_proof_uses_only_rows_that_the_contract_allows(tiny_projects):
    project = tiny_projects["binary"]
    contract = Bundle.load(project.bundle).contract
    rooms = contract.columns["rooms"].model_copy(update={"min": -5.5, "max": 30.5})
    contract = contract.model_copy(update={"columns": {**contract.columns, "rooms": rooms}})
    columns = columns_of_table(pd.read_parquet(project.folder / "data/holdout.parquet"), contract)

    for part, values in parts_by_name(Probes(columns, columns, contract)).items():
        assert (values["rooms"] % 1 == 0).all(), part
        for row in rows_of_columns({name: array[:20] for name, array in values.items()}, contract):
            broken = {name: contract.columns[name].broken_rule(value) for name, value in row.items()}
            assert not any(broken.values()), (part, broken)


def wide_table(width):
    """Return a contract and rows of a table with this many columns: half of them numbers, the others categories."""
    category = Column(type="category", values=["a", "b"], unknown="allow", nullable=True)
    number = Column(type="number", min=-5, max=5, nullable=True)
    rng = np.random.default_rng(0)
    rules, columns = {}, {}
    for i in range(width // 2):
        rules |= {f"n{i}": number, f"c{i}": category}
        columns |= {f"n{i}": rng.uniform(-3, 3, 300).astype(np.float32), f"c{i}": np.full(300, "a", dtype=object)}
    target = {"name": "y", "type": "boolean"}
    return Contract(name="wide", target=target, columns=rules), columns


@pytest.mark.parametrize("width", [20, 40, 400])
def test_the_proof_of_a_wide_table_scores_a_bounded_number_of_values_and_leaves_no_probe_out(width):
    contract, columns = wide_table(width)
    limits = Limits(total=200_000, most=200_000, batch=20_000)
    proof = Probes(columns, columns, contract, limits)

    total, batches = proof.batches()
    batches = list(batches)

    parts = [name for batch in batches for name, _ in batch.parts]
    names = {name for part in parts for name in part.split(", ")}
    probes = list(column_probes(columns, columns, contract))
    three_sets = 300 + 300 + 200
    assert {probe.name for probe in probes} <= names
    assert sum(batch.rows for batch in batches) == total
    assert (total - three_sets) * width <= limits.total
    assert all(batch.rows * width <= limits.batch for batch in batches)
    assert len(batches) <= 2 + (limits.total + three_sets * width) / limits.batch * 1.5


def test_probes_that_share_rows_keep_their_values():
    contract, columns = wide_table(40)
    _, batches = Probes(columns, columns, contract, Limits(total=2_000, most=2_000)).batches()

    checked = 0
    probes = {probe.name: probe for probe in column_probes(columns, columns, contract)}
    for batch in batches:
        for part, rows in batch.parts:
            for name in part.split(", "):
                if name.removeprefix("c").removeprefix("n").split(" ")[1:] in (["null"], ["5"], ["a"]):
                    special = probes[name].values[:1]
                    shared = batch.columns[probes[name].column][rows]
                    np.testing.assert_array_equal(shared, np.repeat(special, len(shared)))
                    checked += 1
    assert checked == 20 * 4  # a null, 5 and a null, a, for each pair of columns


def test_probes_have_rows_of_their_own_as_long_as_the_time_allows():
    contract, columns = wide_table(400)

    by_name = parts_by_name(Probes(columns, columns, contract, Limits(total=200_000, most=3_000_000)))

    assert not [name for name in by_name if ", " in name]
    assert {len(values["n0"]) for name, values in by_name.items() if name[0] in "nc"} == {2}


def test_an_ordinary_table_has_200_rows_for_each_probe():
    contract, columns = wide_table(100)

    _, batches = Probes(columns, columns, contract).batches()

    sizes = {part.stop - part.start for batch in batches for name, part in batch.parts if name[0] in "nc"}
    assert sizes == {200}


@pytest.mark.parametrize(
    ("scores", "expected", "message"),
    [
        ([[0.6, 0.4]], [[0.6, 0.4]], None),
        ([[0.6, 0.4]], [[0.6, 0.40002]], "scores differ by up to 2e-05 in 1 of 1 rows"),
        ([[0.6, np.nan]], [[0.6, 0.4]], "scores differ by up to inf in 1 of 1 rows"),
        ([[0.5000001, 0.4999999]], [[0.5, 0.5]], None),  # the labels differ, but rounding decides them
        ([0.4], [[0.6, 0.4]], "scores of shape (1,) instead of (1, 2)"),
    ],
)
def test_a_difference_is_measured(scores, expected, message):
    assert describe_difference(np.array(scores), np.array(expected), BINARY, 1e-5) == message


def test_a_number_exactly_on_a_threshold_takes_the_same_branch(project):
    table = project.table
    step = np.arange(len(table)) % 40  # a grid whose midpoints are values that rows may hold, too
    project.table = table.assign(size=(100 + step * 0.2).round(1), price=0, sold_fast=step % 2 == 0)
    project.replace("params.yaml", "iterations: 10", "iterations: 30\n  min_samples_leaf: 2")
    project.run("ingest", "validate", "split", "train", "package")

    bundle = Bundle.load(project.bundle)
    model = skops_file.load(project.folder / "models/pipeline.skops")
    midpoints = project.table.assign(size=(100.1 + step * 0.2).round(1))
    columns = columns_of_table(midpoints, bundle.contract)

    assert bundle.manifest.runtime == "onnx"
    expected = predict_scores(model, bundle.code.derive(columns), "binary")
    np.testing.assert_allclose(bundle.scores(columns), expected, atol=1e-5)
