"""Features and scores that depend on the rows beside a row stop the pipeline, whatever runs the model."""

import time

import numpy as np
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.bundle.row_independence import check_features
from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract
from cd4ml.errors import FeatureError, ModelError
from cd4ml.training import build
from house_project import FEATURES, Project
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

MEAN = "size = features['size']\n    features['size'] = size - size.mean()"
OF_THE_BATCH = {
    "scaled by the mean": (MEAN, "feature size depends on the rows beside it: "),
    "scaled by the largest": ("features['size'] = features['size'] / features['size'].max()", "feature size depends"),
    "ranked": ("features['rank'] = features['size'].argsort().argsort()", "feature rank depends on the rows beside"),
    "cumulated": ("features['sum'] = np.cumsum(features['size'])", "feature sum depends on the rows beside it: "),
    "shifted": ("features['last'] = np.roll(features['size'], 1)", "feature last depends on the rows beside it: "),
    "the row's number": ("features['i'] = np.arange(len(features['size']))", "feature i depends on the rows beside"),
    "the number of rows": ("features['n'] = np.full(len(features['size']), len(features['size']))", "feature n dep"),
    "nulls filled with the median": (
        "heated = features['heated']\n    features['heated'] = np.where(np.isnan(heated), np.nanmean(heated), heated)",
        "feature heated depends on the rows beside it: ",
    ),
    "frequency of a category": (
        "names, place, counts = np.unique(features['street'], return_inverse=True, return_counts=True)\n"
        "    features['often'] = counts[place] / len(place)",
        "feature often depends on the rows beside it: ",
    ),
    "a category named by its rank": (
        "names, place = np.unique(features['street'], return_inverse=True)\n"
        "    features['code'] = np.array([f'c{one}' for one in place], dtype=object)",
        "feature code depends on the rows beside it: ",
    ),
    "random": ("features['noise'] = np.random.rand(len(features['size']))", "feature noise changes from call to call"),
    "a feature for each value": (
        "for name in set(features['street']):\n        features['is ' + name] = features['street'] == name",
        "which features there are depends on the other rows: is ",
    ),
    "a state of the code": (
        "features['size'] = features['size'] - KEPT.setdefault('mean', features['size'].mean())",
        "feature size depends on the rows beside it: ",
    ),
    "a counter": ("KEPT['n'] = KEPT.get('n', 0) + 1\n    features['n'] = features['size'] * KEPT['n']", "feature n "),
    "its columns changed": ("columns['size'] -= 1", "derive changes a column that it was given; change a copy of it"),
}


def features(lines: str) -> str:
    """Return features.py with more lines at its end."""
    return FEATURES.replace("def derive", "KEPT = {}\n\n\ndef derive").replace(
        "    return features\n", f"    {lines}\n    return features\n"
    )


@pytest.mark.parametrize(("lines", "message"), OF_THE_BATCH.values(), ids=OF_THE_BATCH)
def test_a_feature_of_the_batch_is_an_error_that_names_it(project: Project, lines: str, message: str) -> None:
    project.write("src/houses/features.py", features(lines))
    project.run("ingest", "validate", "split")

    with pytest.raises(FeatureError) as error:
        project.run("train")

    assert message in str(error.value)
    assert "features.py" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("runtime", ["auto", "onnx", "sklearn"])
def test_the_message_has_both_values_a_row_and_the_remedy_for_each_runtime(project: Project, runtime: str) -> None:
    project.run("ingest", "validate", "split", "train")
    project.write("src/houses/features.py", features(MEAN))
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + f"package:\n  runtime: {runtime}\n")

    with pytest.raises(
        FeatureError, match=r"size depends .*: \S+ with all rows together, \S+ .*, where size "
    ) as error:
        project.run("package")

    assert "compute it from the row alone" in str(error.value)
    assert "StandardScaler" in str(error.value)
    assert not project.bundle.exists()


class CentredByBatch(TransformerMixin, BaseEstimator):
    """Subtracts the mean of whatever rows it is given."""

    def fit(self, rows, target=None):
        self.fitted_ = True
        return self

    def transform(self, rows):
        return rows - rows.mean(axis=0)


def build_model_of_the_batch(task, numbers, categories, iterations):
    chosen = ColumnTransformer([("numbers", SimpleImputer(), [*numbers])])
    return make_pipeline(chosen, CentredByBatch(), LogisticRegression())


@pytest.mark.parametrize("runtime", ["auto", "sklearn"])
def test_a_model_that_looks_at_the_batch_is_an_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, runtime: str
) -> None:
    monkeypatch.setattr(build, "load_build_model", lambda: build_model_of_the_batch)
    trusted = f"{__name__}.CentredByBatch"
    package = f"package:\n  runtime: {runtime}\n  trusted_types: [{trusted}]\n"
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + package)

    with pytest.raises(ModelError, match=r"model\.py: a row's score depends on the rows beside it: scores differ by"):
        project.run("ingest", "validate", "split", "train", "package")

    assert not project.bundle.exists()


def test_rounding_is_no_difference_and_constants_are_none(project: Project) -> None:
    lines = "features['a'] = np.exp(np.sin(features['size'] / 7)) / 3\n    features['b'] = np.zeros(len(features['a']))"
    project.write("src/houses/features.py", features(lines))

    project.run("ingest", "validate", "split", "train", "package")

    assert {"a", "b"} <= {*Bundle.load(project.bundle).manifest.numbers}


def test_a_wide_table_is_checked_in_seconds() -> None:
    number = Column(type="number", min=-5, max=5, nullable=True)
    rules = {f"n{i}": number for i in range(1500)}
    contract = Contract(name="wide", target={"name": "y", "type": "boolean"}, columns=rules)
    columns = {name: np.random.default_rng(0).uniform(-3, 3, 2000).astype(np.float32) for name in rules}
    code = FeatureCode("def derive(columns):\n    return dict(columns)\n")

    started = time.monotonic()
    check_features(code, columns, contract)

    assert time.monotonic() - started < 20  # about two on a laptop


def check(lines: str) -> None:
    """Check a `derive` of one nullable column `size`, which has no null in these rows."""
    contract = Contract(
        name="sizes",
        target={"name": "y", "type": "boolean"},
        columns={"size": Column(type="number", min=0, max=9, nullable=True)},
    )
    columns = {"size": np.random.default_rng(0).uniform(1, 9, 500).astype(np.float32)}
    check_features(FeatureCode(f"import numpy as np\n\ndef derive(columns):\n    {lines}\n"), columns, contract)


def test_what_replaces_a_null_is_checked_though_no_row_has_one() -> None:
    with pytest.raises(FeatureError, match=r"feature size depends on the rows beside it: .*, where size None"):
        check("size = columns['size']; return {'size': np.where(np.isnan(size), np.nanmean(size), size)}")


def test_a_difference_of_the_last_bits_is_rounding_and_a_larger_one_is_not() -> None:
    check("size = columns['size']; return {'size': size * np.float64(1 + 2e-7 * (len(size) == 1))}")
    with pytest.raises(FeatureError, match="feature size depends on the rows beside it"):
        check("size = columns['size']; return {'size': size * np.float64(1 + 2e-5 * (len(size) == 1))}")
