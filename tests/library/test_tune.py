"""Tuning tries candidates on the training rows, remembers what it tried, and changes what is better alone."""

import functools
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from cd4ml import cli
from cd4ml.errors import DataError
from cd4ml.settings.params import Params
from cd4ml.tracking.address import TrackingAddress
from cd4ml.training import build as building
from cd4ml.training.fit import fit
from cd4ml.tuning import search
from cd4ml.tuning import tune as tune_verb
from cd4ml.tuning.folds import make_folds
from cd4ml.tuning.space import draw
from cd4ml.tuning.tune import read_study
from sklearn.compose import ColumnTransformer
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

MODEL = """\
model: # ours
  depth: 1 # far too small
  share: 0.05
"""
TUNE = """\
tune:
  candidates: 6
  folds: 2
  factor: 2
  space:
    depth: {low: 2, high: 9}
    share: [0.02, 0.05]
"""


LOAD = building.load_build_model


def small_tree(task, numbers, categories, *, depth: int = 3, share: float = 0.01, seed: int = 0):
    """Any estimator will do: one that is fitted in a few milliseconds."""
    kind = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
    numbers_alone = ColumnTransformer([("numbers", "passthrough", [*numbers])])
    tree = kind(max_depth=depth, min_samples_leaf=share, random_state=seed)
    return Pipeline([("numbers", numbers_alone), ("tree", tree)])


@pytest.fixture(autouse=True)
def _a_small_tree_few_rows_and_no_server(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # where nobody answers
    monkeypatch.setattr(building, "load_build_model", lambda: small_tree)
    monkeypatch.setattr(search, "LEAST_ROWS", 20)
    monkeypatch.setattr(tune_verb, "reproduce", lambda *_: None)  # the stages before were run by `prepared`


def git_init(project):
    subprocess.run(["git", "init", "--quiet"], cwd=project.folder, check=True)


@pytest.fixture
def prepared(project):
    """A project whose tree is far too small, split and ready to be tuned."""
    project.replace("params.yaml", "model:\n  iterations: 10\n", MODEL + TUNE)
    project.run("ingest", "validate", "split")
    git_init(project)
    return project


def tune(project):
    with project.inside():
        return cli.main(["tune"])


def params_of(project):
    return (project.folder / "params.yaml").read_text(encoding="utf-8")


def each_time(do, monkeypatch):
    """Let something happen whenever a model is about to be built."""

    @functools.wraps(small_tree)
    def build(*known, **settings):
        do(settings)
        return small_tree(*known, **settings)

    monkeypatch.setattr(building, "load_build_model", lambda: build)


def test_the_winner_is_written_and_nothing_else_changes(prepared, capsys):
    before = params_of(prepared)

    assert tune(prepared) == 0

    said, after = capsys.readouterr().out, params_of(prepared)
    depth, share = re.search(r"depth: (\d) # far too small\n  share: (\S+)\n", after).groups()
    assert after == before.replace("depth: 1 ", f"depth: {depth} ").replace("share: 0.05\n", f"share: {share}\n")
    assert 2 <= int(depth) <= 9
    assert re.search(rf"depth +1 +{depth}\n", said)
    assert re.search(r"rung +rows +candidates +best roc_auc\n +1 +\d+ +6 .*\n +2 +\d+ +3 ", said)
    assert re.search(r"the winner is better by 0\.\d+ on average, in [12] of 2 folds", said)
    assert "next: `make train`, `git diff params.yaml`" in said
    assert not list(prepared.folder.glob(".params.yaml*"))


def test_a_server_that_is_away_harms_nothing(prepared, capsys):
    assert tune(prepared) == 0

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tune: not published: no server answers at http://127.0.0.1:9: ")
    assert line.endswith("the results are kept, and `make tune` publishes them when it is run again")
    (record,) = prepared.folder.glob(".tuning/searches/*.json")
    assert len(json.loads(record.read_text())["candidates"]) == 6
    assert "depth: 1 " not in params_of(prepared)

    record.with_name(f"{record.stem}.{TrackingAddress.read(os.environ).key}.run").write_text("a run's id")
    assert tune(prepared) == 0
    told = capsys.readouterr()
    assert "the search is in MLflow already" in told.out
    assert told.err == ""


def test_where_nothing_is_better_nothing_changes(prepared, capsys):
    prepared.replace("params.yaml", "depth: 1 ", "depth: 4 ")
    prepared.replace("params.yaml", "{low: 2, high: 9}", "[1]")
    before = params_of(prepared)

    assert tune(prepared) == 0

    assert "nothing that was tried is better than the present values" in capsys.readouterr().out
    assert params_of(prepared) == before


@pytest.mark.parametrize("problem", ["binary", "multiclass", "regression"])
def test_a_score_is_the_one_that_scikit_learn_gives(project, problem, monkeypatch):
    monkeypatch.setattr(building, "load_build_model", LOAD)
    project = type(project)(project.folder, problem)
    git_init(project)
    space = "tune:\n  candidates: 2\n  folds: 2\n  space: {iterations: [5]}\n"
    project.replace("params.yaml", "iterations: 10\n", f"iterations: 10\n{space}")
    project.run("ingest", "validate", "split")
    with project.inside():
        study = read_study()
        told, _ = study.judgements(0, 1.0)

        for fold, judgement in zip(study.folds, told, strict=True):
            learn, judge = ({name: a[rows] for name, a in study.features.items()} for rows in (fold.learn, fold.judge))
            model = fit(building.build_configured_model(Params.load(), problem, learn), learn, study.target[fold.learn])
            truth, asked = study.target[fold.judge], pd.DataFrame(judge)
            if problem == "binary":
                expected = roc_auc_score(truth, model.predict_proba(asked)[:, 1])
            else:
                score = accuracy_score if problem == "multiclass" else mean_absolute_error
                expected = score(truth, model.predict(asked))
            assert judgement.score == pytest.approx(expected, rel=1e-9)
    assert tune(project) == 0


def test_for_a_number_the_smallest_error_wins(project):
    project = type(project)(project.folder, "regression")
    git_init(project)
    project.replace("params.yaml", "model:\n  iterations: 10\n", MODEL + TUNE)
    project.run("ingest", "validate", "split")

    assert tune(project) == 0

    assert int(re.search(r"depth: (\d) # far", params_of(project))[1]) > 1


def test_an_interrupted_search_goes_on_and_ends_as_if_it_had_not_been(prepared, monkeypatch, capsys):
    before = params_of(prepared)
    tune(prepared)
    whole, said = params_of(prepared), capsys.readouterr().out
    fits = int(re.search(r"(\d+) fits were made, 0 were remembered", said)[1])
    table = said[said.index("rung  rows") :]
    shutil.rmtree(prepared.folder / ".tuning")
    prepared.write("params.yaml", before)

    def ctrl_c(settings):
        if len(list(prepared.folder.glob(".tuning/*/fit-*"))) == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        each_time(ctrl_c, patch)
        with pytest.raises(SystemExit) as stopped:
            tune(prepared)

    assert stopped.value.code == 130
    assert "tune: stopped; 5 fits are remembered, and `make tune` goes on from there" in capsys.readouterr().err
    assert params_of(prepared) == before

    assert tune(prepared) == 0
    said = capsys.readouterr().out
    assert f"{fits - 5} fits were made, 5 were remembered" in said
    assert said[said.index("rung  rows") :] == table
    assert params_of(prepared) == whole


@pytest.mark.parametrize("what", ["rows", "features", "lock"])
def test_what_was_remembered_of_something_else_is_not_used(prepared, what, capsys):
    tune(prepared)
    if what == "rows":
        prepared.table = prepared.table.assign(rooms=3)
        prepared.run("ingest", "validate", "split")
    elif what == "features":
        prepared.replace("src/houses/features.py", "365,", "366,")
    else:
        prepared.write("uv.lock", "version = 2\n")
    capsys.readouterr()

    assert tune(prepared) == 0

    assert " 0 were remembered" in capsys.readouterr().out


def test_a_remembered_fit_that_was_cut_short_is_made_again(prepared, capsys):
    before = params_of(prepared)
    tune(prepared)
    whole = params_of(prepared)
    prepared.write("params.yaml", before)
    first, *_ = sorted(prepared.folder.glob(".tuning/*/fit-*.json"))
    first.write_text(first.read_text()[:10])
    capsys.readouterr()

    tune(prepared)

    assert "1 fits were made" in capsys.readouterr().out
    assert params_of(prepared) == whole


def test_a_candidate_that_fails_is_told_and_left_out(prepared, capsys):
    prepared.replace("params.yaml", "[0.02, 0.05]", "[0.02, 1.5]")  # scikit-learn refuses more than all

    assert tune(prepared) == 0

    said = capsys.readouterr().out
    assert "failed: src/houses/model.py: the model cannot be fitted: The 'min_samples_leaf' parameter" in said
    assert re.search(r"\d of 6 candidates failed and were left out", said)
    assert "share: 0.02\n" in params_of(prepared)


def test_where_every_candidate_fails_the_error_says_why(prepared, capsys):
    prepared.replace("params.yaml", "share: 0.05", "share: 2.5")
    prepared.replace("params.yaml", "[0.02, 0.05]", "[1.5]")
    before = params_of(prepared)

    assert tune(prepared) == 1

    said = capsys.readouterr().err
    assert said.startswith("tune: every candidate failed, so nothing was changed; the first said: src/houses/model.py")
    assert params_of(prepared) == before


def test_an_estimator_may_fail_in_any_way(prepared, monkeypatch, capsys):
    def crash(settings):
        if settings["share"] == 0.02:
            raise ZeroDivisionError("in the middle of it")

    each_time(crash, monkeypatch)

    assert tune(prepared) == 0

    assert "in the middle of it" in capsys.readouterr().out
    assert "share: 0.05\n" in params_of(prepared)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("candidates: 6", "candidates: 1", ":10: tune.candidates is 1; expected a whole number between 2 and 1000"),
        ("candidates: 6", "candidate: 6", ":10: tune.candidate is not a known key"),
        ("[0.02, 0.05]", "[]", ":15: tune.space.share: the list is empty; expected the values to try"),
        (
            "[0.02, 0.05]",
            "8",
            ":15: tune.space.share: expected a list of values to try, or limits: {low: .., high: ..}",
        ),
        ("[0.02, 0.05]", "[0.02, half]", ':15: tune.space.share is "half"; expected a number'),
        ("[0.02, 0.05]", "{low: 0.1, high: half}", ':15: tune.space.share.high is "half"; expected'),
        (
            "[0.02, 0.05]",
            "{low: 0.1, high: .inf}",
            ":15: tune.space.share: low is 0.1, high is inf; expected two finite numbers",
        ),
        (
            "[0.02, 0.05]",
            "{low: 0, high: 1, log: true}",
            ":15: tune.space.share: low is 0; with log: true, expected a number above 0",
        ),
        ("{low: 2, high: 9}", "{low: 2, high: 8.5}", ":14: tune.space.depth is 8.5; expected a whole number"),
        (
            "{low: 2, high: 9}",
            "{low: 9, high: 2}",
            ":14: tune.space.depth: low is 9, high is 2; expected two finite numbers",
        ),
        ("{low: 2, high: 9}", "{low: 2, high: 9, step: 1}", ":14: tune.space.depth.step is not a known key"),
        ("    share: [", "    shares: [", ":15: tune.space.shares is not a known key; check its spelling"),
        ("    share: [0.02, 0.05]", "    seed: [1, 2]", "tune.space.seed has no present value; write one under model:"),
        ("depth: 1 ", "depth: deep ", ':7: model.depth is "deep"; expected a whole number'),
        ("share: 0.05\n", "share:\n    0.05\n  seed:\n", ":10: model.seed is empty; expected a whole number"),
    ],
)
def test_a_mistake_is_said_before_anything_is_fitted(prepared, old, new, said, capsys):
    prepared.replace("params.yaml", old, new)

    assert tune(prepared) == 1

    assert said in capsys.readouterr().err
    assert not (prepared.folder / ".tuning").exists()


def test_without_a_space_there_is_nothing_to_try(prepared, capsys):
    prepared.replace("params.yaml", TUNE, "")

    assert tune(prepared) == 1

    assert "params.yaml holds no tune.space, so there is nothing to try" in capsys.readouterr().err


def test_before_the_first_split_it_says_what_to_run(prepared, capsys):
    (prepared.folder / "data/train.parquet").unlink()

    assert tune(prepared) == 1

    assert "data/train.parquet does not exist; run make train" in capsys.readouterr().err


def test_params_that_were_changed_meanwhile_are_left_alone(prepared, monkeypatch, capsys):
    def edit(settings):
        prepared.write("params.yaml", params_of(prepared).replace("share: 0.05\n", "share: 0.06\n"))

    each_time(edit, monkeypatch)

    assert tune(prepared) == 1

    assert "model: was changed while the search ran, so the winner was not written" in capsys.readouterr().err
    assert "depth: 1 " in params_of(prepared)


def test_draws_keep_to_the_space_and_to_the_seed(prepared):
    prepared.replace("params.yaml", "candidates: 6", "candidates: 200\n  seed: 3")
    prepared.replace("params.yaml", "[0.02, 0.05]", "{low: 0.05, high: 0.4, log: true}")
    with prepared.inside():
        params = Params.load()

        drawn = draw(params)

    shares = np.array([one["share"] for one in drawn[1:]])
    assert drawn[0] == {"depth": 1, "share": 0.05}
    assert len({json.dumps(one) for one in drawn}) == 200
    assert {one["depth"] for one in drawn[1:]} == set(range(2, 10))
    assert 0.05 <= shares.min() < shares.max() <= 0.4
    assert 0.12 < np.median(shares) < 0.17  # the middle of even steps of size is 0.14, of even steps 0.225
    assert drawn == draw(params)
    assert drawn != draw(params.model_copy(update={"tune": params.tune.model_copy(update={"seed": 4})}))


def test_a_small_space_gives_as_many_candidates_as_it_holds(prepared):
    prepared.replace("params.yaml", "    depth: {low: 2, high: 9}\n", "")
    with prepared.inside():
        assert draw(Params.load()) == [{"share": 0.05}, {"share": 0.02}]


def test_with_a_time_each_fold_judges_on_days_after_those_it_learnt_from(prepared):
    (prepared.folder / "data/holdout.parquet").unlink()
    with prepared.inside():
        study = read_study()
    train = pd.read_parquet(prepared.folder / "data/train.parquet")
    days = pd.to_datetime(train["sold_on"]).to_numpy(dtype="datetime64[D]")

    spans = [(days[fold.judge].min(), days[fold.judge].max()) for fold in study.folds]
    for fold, (first, last) in zip(study.folds, spans, strict=True):
        assert days[fold.learn].max() < first
        assert len(fold.judge) == ((days >= first) & (days <= last)).sum()
    assert spans[-1][1] == days.max()
    assert spans[0][1] < spans[1][0]


def test_a_window_is_as_long_as_the_holdout(prepared):
    prepared.replace("params.yaml", "holdout_days: 60", "holdout_days: 21")
    prepared.run("split")
    with prepared.inside():
        folds = read_study().folds

    assert [fold.name for fold in folds] == ["2024-04-29 to 2024-05-19", "2024-05-20 to 2024-06-09"]


@pytest.mark.parametrize(
    ("days", "target", "said"),
    [
        ([0, 0, 1, 1], [0, 1, 0, 1], "the training rows are of 2 days, too few for 2 folds in time; lower tune.folds"),
        ([0, 1, 2, 3, 4, 5], [0, 1, 0, 0, 0, 1], "one class alone in 2024-01-03 to 2024-01-04, or before it"),
        ([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 0, 1], "one class alone in 2024-01-03 to 2024-01-04, or before it"),
        ([0, 0, 1, 20, 20, 20], [0, 1, 0, 1, 0, 1], "no row to judge on in 2024-01-08 to 2024-01-14"),
    ],
)
def test_folds_that_could_not_tell_good_from_bad_are_refused(prepared, days, target, said):
    times = np.datetime64("2024-01-01", "us") + np.array(days) * np.timedelta64(1, "D")
    with prepared.inside(), pytest.raises(DataError, match=said):
        make_folds(np.array(target), times, "binary", Params.load())


def test_without_a_time_every_row_is_judged_on_once(prepared):
    target = np.repeat([0, 1], [90, 30])
    with prepared.inside():
        folds = make_folds(target, None, "binary", Params.load())

    assert sorted(np.concatenate([fold.judge for fold in folds])) == list(range(120))
    for fold in folds:
        assert not set(fold.learn) & set(fold.judge)
        assert target[fold.judge].mean() == 0.25


def test_the_beginning_of_a_fold_is_a_fair_sample(prepared):
    target = np.repeat(["a", "b", "c"], [80, 18, 2]).astype(object)
    with prepared.inside():
        fold, _ = make_folds(target, None, "multiclass", Params.load())

    for share in (0.2, 0.5, 1.0):
        labels = list(target[fold.sample(share)])
        assert labels.count("a") == pytest.approx(0.8 * len(labels), abs=1)
        assert "c" in labels
    assert set(fold.sample(0.2)) < set(fold.sample(0.5))
