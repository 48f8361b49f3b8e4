"""The verb `tune` writes the winner into params.yaml if it is better, and changes nothing else."""

import os
import re
import shutil

import pandas as pd
import pytest
from cd4ml.settings.params import Params
from cd4ml.tracking.address import TrackingAddress
from cd4ml.training.build import build_configured_model, load_build_model
from cd4ml.training.fit import fit
from cd4ml.tuning.tune import read_search
from house_project import Project
from own_metrics import PROFIT
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score
from tunable_project import before_each_build, evaluated, make_tunable, read_params, run_tune, study_of


def test_the_winner_is_written_and_nothing_else_changes(tunable_project, capsys):
    before = read_params(tunable_project)

    assert run_tune(tunable_project) == 0

    output, after = capsys.readouterr().out, read_params(tunable_project)
    depth, share = re.search(r"depth: (\d) # far too small\n  share: (\S+)\n", after).groups()
    assert after == before.replace("depth: 1 ", f"depth: {depth} ").replace("share: 0.05\n", f"share: {share}\n")
    assert 2 <= int(depth) <= 9
    assert re.search(rf"depth +1 +{depth}\n", output)
    counts = r"candidates on rows: 6 on 50, [2-5] on 100, [2-4] on 200; the work of \d+ fits on all rows"
    assert re.search(counts, output)
    assert re.search(r"1 of 6  roc_auc 0\.\d+ ± 0\.\d+ on 200 rows  0:00:\d\d so far, about 0:0\d:\d\d left", output)
    assert re.search(r"[2-6] of 6  roc_auc 0\.\d+ ± 0\.\d+ on 50 rows  0:00:\d\d so far, about", output)
    assert re.search(r"the winner is better by 0\.\d+ on average, in [12] of 2 folds", output)
    assert "next: `make train`, `git diff params.yaml`" in output
    assert not list(tunable_project.folder.glob(".params.yaml*"))


def test_without_a_server_the_winner_is_written_and_the_search_is_published_later(tunable_project, capsys):
    assert run_tune(tunable_project) == 0

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tune: not published: no server answers at http://127.0.0.1:9: ")
    assert line.endswith("the study is saved; run `make tune` again to publish it")
    assert len(evaluated(tunable_project)) == 6
    assert "depth: 1 " not in read_params(tunable_project)

    study_of(tunable_project).set_user_attr(f"published 6 to {TrackingAddress.read(os.environ).key}", "a run's id")
    assert run_tune(tunable_project) == 0
    printed = capsys.readouterr()
    assert "the search is in MLflow already" in printed.out
    assert printed.err == ""


def test_if_no_candidate_is_better_nothing_changes(tunable_project, capsys):
    tunable_project.replace("params.yaml", "depth: 1 ", "depth: 4 ")
    tunable_project.replace("params.yaml", "{low: 2, high: 9}", "[1]")
    before = read_params(tunable_project)

    assert run_tune(tunable_project) == 0

    assert "no candidate is better than the present values" in capsys.readouterr().out
    assert read_params(tunable_project) == before


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_scores_equal_those_of_scikit_learn(project, task, small_tree, monkeypatch):
    monkeypatch.setattr("cd4ml.training.build.load_build_model", load_build_model)
    space = "tune:\n  candidates: 2\n  folds: 2\n  space: {iterations: [5]}\n"
    project = make_tunable(Project(project.folder, task), "model:\n  iterations: 10\n", space)
    with project.inside():
        search = read_search()

        for fold in search.folds:
            train, validation = (
                {name: array[rows] for name, array in search.features.items()} for rows in (fold.train, fold.validation)
            )
            model = fit(build_configured_model(Params.load(), task, train), train, search.target[fold.train])
            truth, frame = search.target[fold.validation], pd.DataFrame(validation)
            if task == "binary":
                expected = roc_auc_score(truth, model.predict_proba(frame)[:, 1])
            else:
                metric = accuracy_score if task == "multiclass" else mean_absolute_error
                expected = metric(truth, model.predict(frame))
            assert search.score({}, fold) == pytest.approx(expected, rel=1e-9)
    assert run_tune(project) == 0


def test_a_candidate_is_fitted_on_more_and_more_rows(tunable_project):
    with tunable_project.inside():
        search = read_search()
    run_tune(tunable_project)

    assert search.shares == [0.25, 0.5, 1]
    assert {len(trial["scores"]) for trial in evaluated(tunable_project)} > {1}
    for trial in evaluated(tunable_project):
        for share, scores in zip(search.shares, trial["scores"], strict=False):
            with tunable_project.inside():
                assert [search.score(trial["values"], fold, share) for fold in search.folds] == scores


def test_in_a_regression_the_smallest_error_wins(project, small_tree):
    project = make_tunable(Project(project.folder, "regression"))

    assert run_tune(project) == 0

    assert int(re.search(r"depth: (\d) # far", read_params(project))[1]) > 1


def test_a_candidate_that_fails_is_reported_and_left_out(tunable_project, capsys):
    tunable_project.replace("params.yaml", "[0.02, 0.05]", "[0.02, 1.5]")  # scikit-learn rejects a share above 1

    assert run_tune(tunable_project) == 0

    output = capsys.readouterr().out
    assert "failed: src/houses/model.py: the model cannot be fitted: The 'min_samples_leaf' parameter" in output
    assert re.search(r"\d of 6 candidates failed and were left out", output)
    assert "share: 0.02\n" in read_params(tunable_project)


def test_if_every_candidate_fails_the_error_has_a_reason(tunable_project, capsys):
    tunable_project.replace("params.yaml", "share: 0.05", "share: 2.5")
    tunable_project.replace("params.yaml", "[0.02, 0.05]", "[1.5]")
    before = read_params(tunable_project)

    assert run_tune(tunable_project) == 1

    error = capsys.readouterr().err
    assert error.startswith("tune: every candidate failed, so nothing was changed; one error: src/houses/model.py")
    assert read_params(tunable_project) == before


def test_an_estimator_may_raise_any_exception(tunable_project, monkeypatch, capsys):
    def crash(settings):
        if settings["share"] == 0.02:
            raise ZeroDivisionError("in the middle of it")

    before_each_build(crash, monkeypatch)

    assert run_tune(tunable_project) == 0

    assert "in the middle of it" in capsys.readouterr().out
    assert "share: 0.05\n" in read_params(tunable_project)


def test_the_same_seed_gives_the_same_candidates_and_scores(tunable_project):
    before = read_params(tunable_project)

    def search():
        shutil.rmtree(tunable_project.folder / ".tuning", ignore_errors=True)
        tunable_project.write("params.yaml", before)
        run_tune(tunable_project)
        return [(trial["values"], trial.get("scores")) for trial in evaluated(tunable_project)]

    first = search()
    assert search() == first
    before = before.replace("  factor: 2\n", "  factor: 2\n  seed: 1\n")
    assert search() != first


def test_before_the_first_split_the_error_says_what_to_run(tunable_project, capsys):
    (tunable_project.folder / "data/train.parquet").unlink()

    assert run_tune(tunable_project) == 1

    assert "data/train.parquet does not exist; the stage split writes it: run make train" in capsys.readouterr().err


def test_if_params_were_edited_meanwhile_the_winner_is_not_written(tunable_project, monkeypatch, capsys):
    def edit(settings):
        text = read_params(tunable_project)
        tunable_project.write("params.yaml", text.replace("share: 0.05\n", "share: 0.06\n"))

    before_each_build(edit, monkeypatch)

    assert run_tune(tunable_project) == 1

    assert "model: was changed while the search ran, so the winner was not written" in capsys.readouterr().err
    assert "depth: 1 " in read_params(tunable_project)


def test_candidates_are_compared_by_the_main_metric(tunable_project, capsys):
    tunable_project.write("src/houses/metrics.py", PROFIT)
    text = read_params(tunable_project)
    tunable_project.write("params.yaml", f"{text}metrics: {{main: profit}}\n")

    assert run_tune(tunable_project) == 0

    by_profit = capsys.readouterr().out
    assert "profit" in by_profit
    assert "roc_auc" not in by_profit

    tunable_project.write("params.yaml", f"{text}metrics: {{main: cost}}\n")
    assert run_tune(tunable_project) == 0
    assert "cost 0." in capsys.readouterr().out  # not a score from the cache of the other metric
    assert "depth: 1 " not in read_params(tunable_project)


def test_a_metric_that_fails_is_reported(tunable_project, capsys):
    tunable_project.write("src/houses/metrics.py", PROFIT.replace("values, weights=weights", "values, weights=[1]"))
    tunable_project.write("params.yaml", read_params(tunable_project) + "metrics: {main: profit}\n")

    assert run_tune(tunable_project) == 1

    assert "src/houses/metrics.py:24: " in capsys.readouterr().err
