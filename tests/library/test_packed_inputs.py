"""An exported model has two inputs, all numbers and all categories, whatever its features are called."""

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from cd4ml.bundle import onnx_export
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.onnx_export import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

ROWS = 50


def table(numbers, categories):
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=ROWS).astype(np.float32) for name in numbers}
    return pd.DataFrame(columns | {name: rng.choice(["a", "b", "c"], ROWS).astype(object) for name in categories})


def trees(numbers, categories):
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype="float32")
    encoded = ColumnTransformer([("categories", encoder, categories), ("numbers", "passthrough", numbers)])
    return make_pipeline(encoded, HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5))


def scaled(numbers, categories):
    return make_pipeline(StandardScaler(), LogisticRegression())


def bare(numbers, categories):
    return LogisticRegression()


def bare_trees(numbers, categories):
    return HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5)


def switched_off(numbers, categories):
    return Pipeline([("scaled", "passthrough"), ("model", LogisticRegression())])


def encoded(numbers, categories):
    return make_pipeline(OneHotEncoder(handle_unknown="ignore", sparse_output=False), LogisticRegression())


def linear_on_every_second_number(numbers, categories):
    scaled = ColumnTransformer([("scaled", StandardScaler(), numbers[::2]), ("rest", "passthrough", numbers[1::2])])
    return make_pipeline(scaled, LogisticRegression())


@pytest.mark.parametrize(
    ("build", "numbers", "categories", "operators"),
    [
        (trees, ["x", "y", "z"], ["kind", "place"], {"Split"}),  # the numbers are read as they are
        (trees, ["numbers", "numbers_"], ["categories"], {"Identity"}),
        (trees, ["2nd floor?"], ["a b", "a_b"], {"Split", "Identity"}),
        (linear_on_every_second_number, ["x", "y", "z", "w"], [], {"Split"}),
        (scaled, ["x", "y"], [], set()),  # whole models read their input as it is
        (bare, ["x"], [], set()),
        (bare, ["x", "y"], [], set()),
        (bare_trees, ["x", "y"], [], set()),
        (switched_off, ["numbers", "y"], [], set()),
        (encoded, [], ["kind", "place"], set()),
    ],
)
def test_the_packed_model_gives_the_pipelines_scores(build, numbers, categories, operators):
    frame = table(numbers, categories)
    model = build(numbers, categories).fit(frame, frame[numbers[0]] > 0 if numbers else frame[categories[0]] == "a")

    exported = onnx.load_from_string(to_onnx(model, numbers, categories, "binary"))

    packing = [node for node in exported.graph.node if node.name.startswith("parts of ")]
    assert {node.op_type for node in packing} == operators
    session = onnxruntime.InferenceSession(exported.SerializeToString(), providers=["CPUExecutionProvider"])
    groups = [group for group in (numbers, categories) if group]
    assert [entry.shape[1] for entry in session.get_inputs()] == [len(group) for group in groups]
    feed = {entry.name: frame[group].to_numpy() for entry, group in zip(session.get_inputs(), groups, strict=True)}
    _, probabilities = session.run(None, feed)
    np.testing.assert_allclose(probabilities, model.predict_proba(frame), atol=1e-5)


def test_a_bundle_with_an_input_for_each_feature_predicts_the_same(project, monkeypatch):
    project.run("ingest", "validate", "split", "train", "package")
    packed = Bundle.load(project.bundle)
    rows = packed.examples()["rows"]
    scores = packed.scores_of_rows(rows)
    monkeypatch.setattr(onnx_export, "pack_inputs", lambda model, numbers: None)
    project.run("package")

    older = Bundle.load(project.bundle)

    assert older.manifest.runtime == "onnx"
    assert older.version != packed.version
    np.testing.assert_array_equal(older.scores_of_rows(rows), scores)
