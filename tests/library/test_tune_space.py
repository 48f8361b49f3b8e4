"""Candidates are drawn from tune.space; an error in it is reported with its line before anything is fitted."""

import json

import numpy as np
import optuna
import pytest
from cd4ml.settings.params import Params, SearchDimension
from cd4ml.tuning.space import suggest
from tunable_project import TUNE, evaluated, run_tune


def draw(space: dict[str, SearchDimension], count: int) -> list[dict]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [suggest(study.ask(), space) for _ in range(count)]


def test_values_lie_in_the_space_and_are_short(tunable_project):
    tunable_project.replace("params.yaml", "[0.02, 0.05]", "{low: 0.05, high: 0.4, log: true}")
    with tunable_project.inside():
        space = Params.load().tune.space

        drawn = draw(space, 200)
    shares = np.array([values["share"] for values in drawn])
    assert {values["depth"] for values in drawn} == set(range(2, 10))
    assert 0.05 <= shares.min() < shares.max() <= 0.4
    assert 0.12 < np.median(shares) < 0.17  # on a logarithmic scale the middle is 0.14, on a linear one 0.225
    assert max(len(str(share)) for share in shares) <= 6


def test_a_list_may_hold_values_of_any_type(tunable_project):
    space = {"depth": SearchDimension.model_validate([True, 1, "1", [1, 2], None])}
    with tunable_project.inside():
        drawn = [values["depth"] for values in draw(space, 100)]

    assert {json.dumps(value) for value in drawn} == {"true", "1", '"1"', "[1, 2]", "null"}


def test_a_small_space_gives_no_more_candidates_than_it_has(tunable_project):
    tunable_project.replace("params.yaml", "    depth: {low: 2, high: 9}\n", "")

    assert run_tune(tunable_project) == 0

    assert [candidate["values"] for candidate in evaluated(tunable_project)] == [{"share": 0.05}, {"share": 0.02}]


def test_more_candidates_continue_the_study(tunable_project, capsys):
    run_tune(tunable_project)
    first = evaluated(tunable_project)
    tunable_project.replace("params.yaml", "candidates: 6", "candidates: 9")
    capsys.readouterr()

    assert run_tune(tunable_project) == 0

    assert ": 6 candidates are evaluated" in capsys.readouterr().out
    assert evaluated(tunable_project)[:6] == first
    assert len(evaluated(tunable_project)) == 9


@pytest.mark.parametrize(
    ("old", "new", "message"),
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
def test_an_error_in_params_is_reported_before_anything_is_fitted(tunable_project, old, new, message, capsys):
    tunable_project.replace("params.yaml", old, new)

    assert run_tune(tunable_project) == 1

    assert message in capsys.readouterr().err
    assert not (tunable_project.folder / ".tuning").exists()


def test_without_a_space_there_are_no_values_to_try(tunable_project, capsys):
    tunable_project.replace("params.yaml", TUNE, "")

    assert run_tune(tunable_project) == 1

    assert "params.yaml has no tune.space, so there are no values to try" in capsys.readouterr().err
