"""Candidates are drawn from tune.space; an error in it is reported with its line before anything is fitted."""

import json

import numpy as np
import pytest
from cd4ml.settings.params import Params
from cd4ml.tuning.space import draw_candidates
from tunable_project import TUNE, run_tune


def test_candidates_depend_on_the_space_and_the_seed_only(tunable_project):
    tunable_project.replace("params.yaml", "candidates: 6", "candidates: 200\n  seed: 3")
    tunable_project.replace("params.yaml", "[0.02, 0.05]", "{low: 0.05, high: 0.4, log: true}")
    with tunable_project.inside():
        params = Params.load()

        present, *drawn = draw_candidates(params)

    shares = np.array([candidate["share"] for candidate in drawn])
    assert present == {"depth": 1, "share": 0.05}
    assert len({json.dumps(candidate) for candidate in [present, *drawn]}) == 200
    assert {candidate["depth"] for candidate in drawn} == set(range(2, 10))
    assert 0.05 <= shares.min() < shares.max() <= 0.4
    assert 0.12 < np.median(shares) < 0.17  # on a logarithmic scale the middle is 0.14, on a linear one 0.225
    assert draw_candidates(params) == [present, *drawn]
    other_seed = params.model_copy(update={"tune": params.tune.model_copy(update={"seed": 4})})
    assert draw_candidates(other_seed) != [present, *drawn]


def test_a_small_space_gives_no_more_candidates_than_it_has(tunable_project):
    tunable_project.replace("params.yaml", "    depth: {low: 2, high: 9}\n", "")
    with tunable_project.inside():
        assert draw_candidates(Params.load()) == [{"share": 0.05}, {"share": 0.02}]


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
