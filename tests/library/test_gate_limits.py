"""The gate if its own limits are changed: those of the champion count, and looser ones need a waiver."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from candidate_models import REVISION, CandidateModels, rejections
from cd4ml.bundle.bundle import Bundle
from cd4ml.gate.champion_limits import ChampionLimits, UnreadableLimitsError, limits_at
from cd4ml.gate.limits import STRICTER, looser_limits
from cd4ml.gate.verdict import as_json, as_markdown, as_text
from cd4ml.settings.params import EvaluateParams, GateParams, Params, Waiver
from trained_repository import commit, run


def params(**values: Any) -> Params:
    """Parameters with some keys changed: `gate__too_good=None` is `gate: {too_good: null}`."""
    content: dict[str, dict[str, Any]] = {"data": {"source": "houses.csv"}}
    for key, value in values.items():
        section, _, name = key.partition("__")
        content.setdefault(section, {})[name] = value
    return Params.model_validate(content)


def limits(**values: Any) -> ChampionLimits:
    """The champion's limits, with some keys changed."""
    of = params(**values)
    return ChampionLimits("production", REVISION, of.gate, of.evaluate, of.split, of.metrics)


THE_SAME = limits(evaluate__bootstrap_rounds=200)  # as the candidates have


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("key", "before", "here"),
    [
        ("gate__floor", {"roc_auc": 0.6}, {"roc_auc": 0.5}),
        ("gate__floor", {"roc_auc": 0.6, "log_loss": 0.5}, {"roc_auc": 0.6}),
        ("gate__floor", {"log_loss": 0.5}, {"log_loss": 0.6}),
        ("gate__floor", {"profit": 100.0}, {}),
        ("gate__too_good", 0.99, 0.999),
        ("gate__too_good", 0.99, None),
        ("gate__max_regression", 0.005, 0.5),
        ("gate__max_slice_regression", 0.05, 0.06),
        ("gate__max_calibration_error", 0.1, 0.2),
        ("gate__compare_releases", 5, 1),
        ("evaluate__bootstrap_rounds", 1000, 400),
        ("evaluate__slice_minimum_rows", 50, 500),
        ("evaluate__slice_maximum_values", 20, 2),
        ("split__holdout_days", 30, 7),
        ("split__holdout_share", 0.2, 0.05),
        ("split__minimum_rows", 200, 20),
        ("metrics__main", "roc_auc", "recall"),
        ("metrics__main", "auto", "recall"),
    ],
)
def test_a_looser_limit_is_named_and_a_stricter_one_is_not(key: str, before: Any, here: Any) -> None:
    changes, used = looser_limits(params(**{key: here}), "binary", limits(**{key: before}))

    (change,) = changes
    assert change.key.startswith(key.replace("__", "."))
    section, _, name = key.partition("__")
    if section != "split" and before != {"profit": 100.0} and key != "metrics__main":
        assert getattr(getattr(used, section), name) == before
    if key == "metrics__main":
        assert used.metrics.main == "roc_auc"
        return
    stricter, used = looser_limits(params(**{key: before}), "binary", limits(**{key: here}))
    assert stricter == []
    if section != "split":
        assert getattr(getattr(used, section), name) == before


@pytest.mark.usefixtures("project")
def test_a_little_fewer_resamples_and_the_same_metric_by_its_name_are_no_looser_limits() -> None:
    here = params(evaluate__bootstrap_rounds=600, split__holdout_days=20, metrics__main="roc_auc")

    assert looser_limits(here, "binary", limits(evaluate__bootstrap_rounds=1000, split__holdout_days=30))[0] == []


@pytest.mark.usefixtures("project")
def test_with_another_main_metric_the_champions_metric_and_losses_count() -> None:
    here = params(metrics__main="recall", gate__max_regression=0.2, gate__max_slice_regression=0.01)

    changes, used = looser_limits(here, "binary", limits(gate__max_regression=0.004, gate__max_slice_regression=0.05))

    assert [(change.key, change.champion, change.challenger) for change in changes] == [
        ("metrics.main", "roc_auc", "recall")
    ]
    assert (used.metrics.main, used.gate.max_regression, used.gate.max_slice_regression) == ("roc_auc", 0.004, 0.05)


@pytest.mark.usefixtures("project")
def test_a_main_metric_that_was_removed_is_a_looser_limit_of_its_own() -> None:
    changes, used = looser_limits(params(gate__max_regression=0.2), "binary", limits(metrics__main="profit"))

    assert [change.challenger for change in changes] == ["roc_auc, and profit is no metric any more"]
    assert (used.metrics.main, used.gate.max_regression) == ("auto", 0.2)


def test_every_limit_of_the_gate_is_compared() -> None:
    """A new key under `gate:` needs a direction: without one, a pull request could loosen it without a word."""
    assert set(GateParams.model_fields) - {"accept", "floor"} == {
        key.partition(".")[2] for key in STRICTER if key.startswith("gate.")
    }


@pytest.fixture
def worse(candidates: CandidateModels) -> Bundle:
    """A challenger that lost far more than the champion's limits allow."""
    return candidates.bundle(candidates.worse_model())


LOOSE = {"max_regression": 0.9, "max_slice_regression": 0.9, "max_calibration_error": 0.9, "floor": {}}


def test_a_pull_request_that_loosens_the_limits_is_judged_by_the_champions(
    candidates: CandidateModels, champion: Bundle, worse: Bundle
) -> None:
    verdict = candidates.judge(worse, champion, limits=THE_SAME, **LOOSE)

    assert rejections(verdict)["limits"] == (
        "gate.max_regression is 0.9, the champion's 0.005; gate.max_slice_regression is 0.9, the champion's 0.05; "
        "gate.max_calibration_error is 0.9, the champion's 0.1"
    )
    assert rejections(verdict)["comparison"].endswith("0.005 is allowed")
    text = as_markdown(verdict)
    assert text.startswith(
        "## ❌ Limits of the gate are looser than on production at 3f2a1b0\n\n| limit | there | here |"
    )
    assert "| `gate.max_regression` | 0.005 | 0.9 |" in text
    assert text.index("`gate.max_regression`") < text.index("## ❌ Gate: ")
    assert "rejected: limits: gate.max_regression is 0.9" in as_text(verdict)


def test_a_waiver_by_name_lets_the_challengers_own_limits_count(
    candidates: CandidateModels, champion: Bundle, worse: Bundle
) -> None:
    waiver = Waiver(rule="limits", bundle=worse.version, reason="another use: | ranking", by="Ada")
    other = waiver.model_copy(update={"bundle": "2024-06-30.0000000"})

    verdict = candidates.judge(worse, champion, limits=THE_SAME, **LOOSE, accept=[waiver])

    assert set(rejections(verdict)) <= {"baseline"}
    assert {finding.rule: finding.result for finding in verdict.findings}["limits"] == "accepted"
    text = as_markdown(verdict)
    assert text.startswith("## ⚠️ Limits of the gate are looser than on production at 3f2a1b0\n")
    assert r"Accepted: another use: \| ranking (by Ada). The limits here count." in text
    assert as_json(verdict)["accepted"][0]["rule"] == "limits"
    assert "limits" in rejections(candidates.judge(worse, champion, limits=THE_SAME, **LOOSE, accept=[other]))


def test_a_stricter_limit_of_the_challenger_counts_as_well(candidates: CandidateModels, champion: Bundle) -> None:
    good = candidates.bundle(candidates.good_model())

    verdict = candidates.judge(good, champion, limits=THE_SAME, floor={"roc_auc": 0.999})

    assert set(rejections(verdict)) == {"floor"}
    assert as_markdown(verdict).startswith("## ❌ Gate: ")


def test_without_a_champion_the_challengers_limits_count_and_looser_ones_are_reported(
    candidates: CandidateModels,
) -> None:
    good = candidates.bundle(candidates.good_model())

    verdict = candidates.judge(good, limits=limits(gate__floor={"roc_auc": 0.999}, evaluate__bootstrap_rounds=200))

    assert verdict.passed
    text = as_markdown(verdict)
    assert text.startswith("## ⚠️ Limits of the gate are looser than on production")
    assert "Nothing is released yet, so the limits here count." in text


def test_limits_that_cannot_be_read_are_a_rejection_that_a_waiver_accepts(
    candidates: CandidateModels, champion: Bundle
) -> None:
    good, unreadable = (
        candidates.bundle(candidates.good_model()),
        UnreadableLimitsError("params.yaml is not valid YAML"),
    )
    waiver = Waiver(rule="limits", bundle=good.version, reason="an older version", by="Ada")

    assert rejections(candidates.judge(good, champion, limits=unreadable)) == {
        "limits": "params.yaml is not valid YAML"
    }
    assert candidates.judge(good, champion, limits=unreadable, accept=[waiver]).passed


@pytest.fixture
def at_commit(repository: Path) -> Callable[[str], str]:
    """`at_commit(text)`: a commit whose params.yaml has this text."""

    def make(text: str) -> str:
        Path("params.yaml").write_text(text, encoding="utf-8")
        return commit("other limits")

    return make


def test_keys_of_another_version_of_the_library_are_named_and_absent_ones_have_their_default(
    at_commit: Callable[[str], str],
) -> None:
    revision = at_commit("gate:\n  max_loss: 0.1\n  floor: {roc_auc: 0.7}\n  accept: [{rule: old}]\nserving: {a: 1}\n")

    found = limits_at("production", revision)

    assert found.unknown == ("gate.max_loss",)
    assert found.gate == GateParams(floor={"roc_auc": 0.7})
    assert found.evaluate == EvaluateParams()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("gate: [", "params.yaml on production at {} is not valid YAML"),
        ("- 1\n", "params.yaml on production at {} is not valid YAML"),
        ("gate: 3\n", "gate in params.yaml on production at {} is not a section"),
        ("gate: {max_regression: '5 %'}\n", "gate.max_regression in params.yaml on production at {} is not valid"),
        ("gate: {floor: {roc_auc: x}}\n", "gate.floor.roc_auc in params.yaml on production at {} is not valid"),
    ],
)
def test_limits_that_are_not_valid_are_an_error_in_one_line(
    text: str, reason: str, at_commit: Callable[[str], str]
) -> None:
    revision = at_commit(text)

    with pytest.raises(UnreadableLimitsError) as error:
        limits_at("production", revision)

    assert str(error.value) == reason.format(revision[:7])


def test_a_revision_without_params_is_an_error(repository: Path) -> None:
    run("git", "rm", "--quiet", "params.yaml")

    with pytest.raises(UnreadableLimitsError, match=r"there is no params\.yaml on main at "):
        limits_at("main", commit("none"))
