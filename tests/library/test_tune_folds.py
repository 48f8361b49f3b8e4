"""Folds of the training set follow one another in time; without a time column they are random and stratified."""

import numpy as np
import pandas as pd
import pytest
from cd4ml.errors import DataError
from cd4ml.settings.params import Params
from cd4ml.tuning.folds import make_folds
from cd4ml.tuning.tune import read_search


def test_each_fold_validates_on_later_days_than_it_trains_on(tunable_project):
    (tunable_project.folder / "data/holdout.parquet").unlink()
    with tunable_project.inside():
        search = read_search()
    table = pd.read_parquet(tunable_project.folder / "data/train.parquet")
    days = pd.to_datetime(table["sold_on"]).to_numpy(dtype="datetime64[D]")

    windows = [(days[fold.validation].min(), days[fold.validation].max()) for fold in search.folds]
    for fold, (first, last) in zip(search.folds, windows, strict=True):
        assert days[fold.train].max() < first
        assert len(fold.validation) == ((days >= first) & (days <= last)).sum()
    assert windows[-1][1] == days.max()
    assert windows[0][1] < windows[1][0]


def test_a_window_is_as_long_as_the_test_set(tunable_project):
    tunable_project.replace("params.yaml", "holdout_days: 60", "holdout_days: 21")
    tunable_project.run("split")
    with tunable_project.inside():
        folds = read_search().folds

    assert [fold.name for fold in folds] == ["2024-04-29 to 2024-05-19", "2024-05-20 to 2024-06-09"]


@pytest.mark.parametrize(
    ("days", "target", "message"),
    [
        ([0, 0, 1, 1], [0, 1, 0, 1], "the training set covers 2 days, too few for 2 folds in time; lower tune.folds"),
        ([0, 1, 2, 3, 4, 5], [0, 1, 0, 0, 0, 1], "only one class in 2024-01-03 to 2024-01-04, or before it"),
        ([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 0, 1], "only one class in 2024-01-03 to 2024-01-04, or before it"),
        ([0, 0, 1, 20, 20, 20], [0, 1, 0, 1, 0, 1], "there are no rows in 2024-01-08 to 2024-01-14"),
    ],
)
def test_folds_that_could_not_rank_candidates_are_rejected(tunable_project, days, target, message):
    times = np.datetime64("2024-01-01", "us") + np.array(days) * np.timedelta64(1, "D")
    with tunable_project.inside(), pytest.raises(DataError, match=message):
        make_folds(np.array(target), times, "binary", Params.load())


def test_without_a_time_column_each_row_is_in_one_validation_set(tunable_project):
    target = np.repeat([0, 1], [90, 30])
    with tunable_project.inside():
        folds = make_folds(target, None, "binary", Params.load())

    assert sorted(np.concatenate([fold.validation for fold in folds])) == list(range(120))
    for fold in folds:
        assert not set(fold.train) & set(fold.validation)
        assert target[fold.validation].mean() == 0.25


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_fold_has_all_rows_of_a_group_or_none(tunable_project, task):
    target, groups = np.arange(120) % 2, np.repeat([f"patient {n}" for n in range(30)], 4).astype(object)
    with tunable_project.inside():
        folds = make_folds(target, None, task, Params.load(), groups)

    for fold in folds:
        assert not {*groups[fold.train]} & {*groups[fold.validation]}


def test_a_sample_of_a_fold_is_stratified(tunable_project):
    target = np.repeat(["a", "b", "c"], [80, 18, 2]).astype(object)
    with tunable_project.inside():
        fold, _ = make_folds(target, None, "multiclass", Params.load())

    for share in (0.2, 0.5, 1.0):
        labels = list(target[fold.sample(share)])
        assert labels.count("a") == pytest.approx(0.8 * len(labels), abs=1)
        assert "c" in labels
    assert set(fold.sample(0.2)) < set(fold.sample(0.5))
