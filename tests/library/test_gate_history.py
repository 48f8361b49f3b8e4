"""Losses that are allowed one by one add up: the gate compares with the releases before the champion as well."""

from collections.abc import Callable
from pathlib import Path

import pytest
from candidate_models import CandidateModels, rejections
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.gate.history import Earlier, History, earlier_commits
from cd4ml.gate.recorded import recorded_verdict
from cd4ml.gate.verdict import as_text
from committed_project import commit, digest_here, rename_bundle
from house_project import Project
from trained_repository import run

LOCK = "stages:\n  package:\n    outs:\n    - {path: models/bundle, md5: %s}\n"


def a_little_worse(candidates: CandidateModels, step: int) -> Bundle:
    """Return the good model after `step` small losses: its coefficients for numbers move away from what was fitted."""
    model = candidates.good_model()
    model["logistic"].coef_[0, -1] += 0.7 * step
    return candidates.bundle(model)


def releases(*bundles: Bundle) -> History:
    return History([Earlier(f"{number}" * 40, bundle) for number, bundle in enumerate(bundles, 1)])


def test_many_small_losses_are_rejected_though_each_is_allowed(candidates: CandidateModels) -> None:
    first, second, third = (a_little_worse(candidates, step) for step in range(3))
    allowed = {"max_regression": 0.05, "max_slice_regression": 0.9, "max_calibration_error": 0.9}
    last = a_little_worse(candidates, 3)

    alone = candidates.judge(last, third, **allowed)
    verdict = candidates.judge(last, third, history=releases(second, first), **allowed)

    assert alone.passed, as_text(alone)
    assert set(rejections(verdict)) == {"history"}, as_text(verdict)
    assert (
        "losses of several releases add up to more than twice gate.max_regression: " in rejections(verdict)["history"]
    )
    assert first.version in rejections(verdict)["history"]
    assert candidates.judge(last, third, history=releases(second, first), **allowed, compare_releases=2).passed


def test_a_model_that_is_better_than_the_champion_is_not_rejected_for_an_older_one(candidates: CandidateModels) -> None:
    good, last = a_little_worse(candidates, 0), a_little_worse(candidates, 4)
    limits = {"max_regression": 0.001, "max_slice_regression": 0.9, "max_calibration_error": 0.9}

    verdict = candidates.judge(a_little_worse(candidates, 3), last, history=releases(good), **limits)

    assert rejections(verdict) == {}, as_text(verdict)
    assert f"1 earlier, the best {good.version} " in as_text(verdict)


def test_a_release_that_cannot_be_compared_is_reported_and_rejects_nothing(
    candidates: CandidateModels, champion: Bundle, tiny_projects: dict[str, Project]
) -> None:
    other_target = Bundle.load(tiny_projects["regression"].bundle)
    history = History(
        [Earlier("a" * 40, None, "it is gone"), Earlier("b" * 40, other_target)], "the history cannot be fetched: no"
    )

    verdict = candidates.judge(candidates.bundle(candidates.good_model()), champion, history=history)

    assert verdict.passed
    (finding,) = (finding for finding in verdict.findings if finding.rule == "history")
    assert finding.result == "not judged"
    assert "the history cannot be fetched: no; aaaaaaa is not compared: it is gone; bbbbbbb is not compared: " in (
        finding.measured
    )


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """`release("a")`: commit a dvc.lock with this bundle to a new repository; return the commit."""
    monkeypatch.chdir(tmp_path)
    run("git", "init", "--quiet", "--initial-branch", "production")

    def make(digest: str) -> str:
        Path("dvc.lock").write_text(LOCK % digest, encoding="utf-8")
        Path("release.json").write_text(str(len(list(Path(".git/objects").rglob("*")))), encoding="utf-8")
        run("git", "add", "--all")
        run("git", "commit", "--quiet", "--message", digest)
        return run("git", "rev-parse", "HEAD")

    return make


@pytest.mark.parametrize(
    ("released", "earlier"),
    [
        ("a", ""),
        ("abc", "ba"),
        ("abbbc", "ba"),
        ("abcdefgh", "gfed"),
        ("abca", ""),  # b and c were rolled back
        ("abcb", "a"),
        ("abcbd", "ba"),
        ("abcba", ""),
    ],
)
def test_the_newest_different_bundles_are_found_without_those_that_were_rolled_back(
    release: Callable[[str], str], released: str, earlier: str
) -> None:
    commits = [(digest, release(digest)) for digest in released]

    found = earlier_commits(commits[-1][1], 5)

    names = {commit: digest for digest, commit in commits}
    assert "".join(names[commit] for commit in found) == earlier


def test_a_commit_whose_dvc_lock_is_not_valid_is_skipped(release: Callable[[str], str]) -> None:
    first = release("a")
    release("[<<<<<<< HEAD")

    assert earlier_commits(release("b"), 5) == [first]


@pytest.mark.parametrize("shallow", [False, True])
def test_the_verb_fetches_earlier_releases_from_dvc_also_in_a_shallow_clone(
    houses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shallow: bool
) -> None:
    first = digest_here()
    for name in ("second", "third"):
        rename_bundle(name)
        commit(name)
    run("git", "branch", "production")
    rename_bundle("fourth")
    commit("fourth")
    run("git", "clone", "--quiet", "--bare", str(houses), str(tmp_path / "origin.git"))
    origin = (tmp_path / "origin.git").as_uri()
    if shallow:
        run("git", "remote", "add", "origin", origin)
        (houses / ".git").rename(tmp_path / "old.git")
        run("git", "clone", "--quiet", "--depth=1", "--no-checkout", origin, str(tmp_path / "fresh"))
        (tmp_path / "fresh/.git").rename(houses / ".git")
        assert run("git", "rev-parse", "--is-shallow-repository") == "true"
        run("git", "reset", "--quiet")

    assert main(["gate"]) == 0

    (rule,) = (rule for rule in recorded_verdict()["rules"] if rule["rule"] == "history")
    assert rule["result"] == "passed"
    assert rule["measured"].startswith("2 earlier, the best 2024-06-30.")
    assert f"2024-06-30.{first[:7]}" in rule["numbers"]
