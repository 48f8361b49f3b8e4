"""What ingest, split, train and package make of a table, and what they reject."""

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import DataError, FeatureError, ModelError, ParamsError
from cd4ml.training.threshold import best_threshold


def test_rows_after_until_are_left_out(project):
    project.replace("params.yaml", "2024-06-30", "2024-03-31")

    project.run("ingest")

    times = pd.read_parquet(project.folder / "data/raw.parquet")["sold_on"]
    assert times.max() == "2024-03-31"
    assert times.is_monotonic_increasing


def test_a_window_keeps_the_newest_days(project):
    project.replace("params.yaml", '"2024-06-30"', "null\n  window_days: 10")

    project.run("ingest")

    times = pd.to_datetime(pd.read_parquet(project.folder / "data/raw.parquet")["sold_on"])
    assert (times.min(), times.max()) == (pd.Timestamp("2024-06-21"), pd.Timestamp("2024-06-30"))


def test_a_window_longer_than_the_calendar_keeps_all_days(project):
    project.replace("params.yaml", '"2024-06-30"', '"2024-06-30"\n  window_days: 99999999')

    project.run("ingest")

    assert len(pd.read_parquet(project.folder / "data/raw.parquet")) == 400


def test_many_files_are_read_in_the_order_of_their_names(project):
    project.replace("params.yaml", "houses.csv", "months/*.parquet")
    project.replace("contract.yaml", "time: sold_on\n", "")
    project.replace("params.yaml", '  until: "2024-06-30"\n', "")
    (project.folder / "months").mkdir()
    for month in range(4):
        project.table.iloc[month * 100 : month * 100 + 100].to_parquet(project.folder / f"months/{month}.parquet")

    project.run("ingest")

    pd.testing.assert_series_equal(
        pd.read_parquet(project.folder / "data/raw.parquet")["house_id"], project.table["house_id"]
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("params.yaml", "houses.csv", "horses.csv", 'data.source "horses.csv" matches no file'),
        ("params.yaml", "2024-06-30", "2019-01-01", "the source has the days 2024-01-01 to 2024-06-30"),
        ("contract.yaml", "time: sold_on", "", "data.until and data.window_days need a time column"),
        ("params.yaml", "holdout_days: 60", "holdout_days: 500", "the training set has only 0 of 400 rows"),
        (
            "params.yaml",
            "holdout_days: 60",
            "holdout_days: 1\n  minimum_rows: 300",
            "of 400 rows, fewer than split.minimum_rows (300); change split.holdout_days",
        ),
    ],
)
def test_data_that_cannot_be_used_is_rejected_with_what_to_change(project, name, old, new, message):
    project.replace(name, old, new)

    with pytest.raises(DataError) as error:
        project.run("ingest", "validate", "split")

    assert message in str(error.value)


def test_an_unreadable_file_is_named(project):
    project.replace("params.yaml", "houses.csv", "broken.parquet")
    project.write("broken.parquet", "not a table")

    with pytest.raises(DataError, match=r"broken\.parquet cannot be read"):
        project.run("ingest")


def test_the_newest_days_are_the_test_set(project):
    project.run("ingest", "validate", "split")

    train = pd.to_datetime(pd.read_parquet(project.folder / "data/train.parquet")["sold_on"])
    test = pd.to_datetime(pd.read_parquet(project.folder / "data/holdout.parquet")["sold_on"])
    assert train.max() < test.min() == pd.Timestamp("2024-05-02")
    assert len(train) + len(test) == 400


@pytest.mark.parametrize("key", ["id: house_id\n", ""])
def test_without_a_time_a_row_of_the_test_set_stays_in_it_as_the_table_grows(project, key):
    project.replace("contract.yaml", "id: house_id\ntime: sold_on\n", key)
    project.replace("params.yaml", '  until: "2024-06-30"\n', "")
    whole = project.table.dropna(subset="built").drop_duplicates("built")
    test_sets = []
    for rows in (whole.head(300), whole.sample(frac=1, random_state=0)):
        project.table = rows
        project.run("ingest", "validate", "split")
        test_sets.append(set(pd.read_parquet(project.folder / "data/holdout.parquet")["built"].astype(str)))

    assert len(test_sets[0]) > 30
    assert test_sets[1] & set(whole.head(300)["built"].astype(str)) == test_sets[0]


def test_the_threshold_separates_classes_that_can_be_separated():
    threshold = best_threshold(np.array([0.9, 0.3, 0.8, 0.1, 0.7]), np.array([1, 0, 1, 0, 1]))

    assert threshold == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("negative", "positive", "threshold"),
    [
        (0.3, 0.7, 0.5),
        (0.1234561, 0.1234563, 0.1234562),
        (2.9e-7, 3.1e-7, 3e-7),
        (0.0, 5e-324, 5e-324),
        (1 - 2e-16, 1.0, 1.0),
        (0.5, np.nextafter(0.5, 1), np.nextafter(0.5, 1)),
    ],
)
def test_rounding_the_threshold_moves_no_row_across_it(negative, positive, threshold):
    chosen = best_threshold(np.array([negative, positive]), np.array([0, 1]))

    assert negative < chosen <= positive
    assert chosen == pytest.approx(threshold, rel=1e-9)


def test_the_threshold_maximises_balanced_accuracy():
    from sklearn.metrics import balanced_accuracy_score

    rng = np.random.default_rng(1)
    target = rng.integers(0, 2, 300)
    probabilities = np.clip(target * 0.2 + rng.random(300), 0, 1).round(2)  # with ties

    def score(threshold: float) -> float:
        return balanced_accuracy_score(target, probabilities >= threshold)

    assert score(best_threshold(probabilities, target)) == max(
        score(threshold) for threshold in np.linspace(0, 1, 1001)
    )


def test_a_threshold_in_params_yaml_is_used(project):
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "decision:\n  threshold: 0.3\n")

    project.run("ingest", "validate", "split", "train", "package")

    assert Bundle.load(project.bundle).decision.threshold == 0.3


def test_features_that_are_not_utf8_are_rejected(project):
    (project.folder / "src/houses/features.py").write_bytes(b"# 70\xb0F\ndef derive(columns):\n    return columns")

    with pytest.raises(FeatureError, match=r"features\.py:1: the byte 0xb0 is not UTF-8; save the file as UTF-8"):
        project.run("ingest", "validate", "split", "train")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import pandas\ndef derive(columns):\n    return columns", "features.py:1: imports pandas; the bundle holds"),
        ("from .errors import UserError", "features.py:1: imports from this package"),
        ("x = 1\0", "features.py:1: source code string cannot contain null bytes"),
        ("def derive(columns:", "features.py:1: '(' was never closed"),
        ("x = 1", "features.py has no function derive(columns)"),
        ("def derive(columns):\n    return {'a': columns['sise']}", "features.py:2: there is no column 'sise'"),
        ("def derive(columns):\n    return {'a': columns['size'][:3]}", "feature a has shape (3,), not ("),
        ("def derive(columns):\n    return {'a': columns['built']}", "feature a is datetime64[us]; return numbers"),
        ("def derive(columns):\n    return None", "derive returned NoneType; return features by name"),
    ],
)
def test_features_that_cannot_run_in_the_service_are_rejected(project, code, message):
    project.write("src/houses/features.py", code)

    with pytest.raises(FeatureError) as error:
        project.run("ingest", "validate", "split", "train")

    assert message in str(error.value)


def test_a_constant_target_is_rejected(project):
    project.table = project.table.assign(sold_fast=True)

    with pytest.raises(DataError, match="sold_fast has too few rows of a class"):
        project.run("ingest", "validate", "split", "train")


def test_a_classifier_without_probabilities_is_rejected(project, monkeypatch):
    from cd4ml.training import build
    from sklearn.svm import LinearSVC

    monkeypatch.setattr(build, "load_build_model", lambda: lambda task, numbers, categories, iterations: LinearSVC())

    with pytest.raises(ModelError, match="returns no probabilities"):
        project.run("ingest", "validate", "split", "train")


def test_a_runtime_in_params_yaml_is_used(project):
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "package:\n  runtime: sklearn\n")

    project.run("ingest", "validate", "split", "train", "package")

    bundle = Bundle.load(project.bundle)
    assert bundle.manifest.runtime == "sklearn"
    assert bundle.manifest.reason == "scikit-learn, as set by package.runtime in params.yaml"


def test_an_unknown_runtime_is_rejected(project):
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "package:\n  runtime: fast\n")

    with pytest.raises(ParamsError, match=r"package\.runtime is \"fast\"; expected 'auto', 'onnx' or 'sklearn'"):
        project.run("package")
