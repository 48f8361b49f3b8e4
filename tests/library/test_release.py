"""From a judged bundle to a recorded release and back: what git, GitHub and the image are told, once and twice."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.release_metadata import release_of, served_by
from github_server import GitHubServer
from trained_repository import bundle_in_lock, commit, judged, run, train

Step = Callable[..., dict[str, str]]
FIRST, SECOND = "2024-01-31.aaaaaaa", "2024-02-29.bbbbbbb"
IMAGE = f"registry.example/houses@sha256:{'1' * 64}"
OTHER = f"registry.example/houses@sha256:{'2' * 64}"


def at(branch: str) -> str:
    """The commit that a branch of the origin is at; empty where there is none."""
    return run("git", "ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]


def head() -> str:
    return run("git", "rev-parse", "HEAD")


def release(step: Step, image: str = IMAGE, *, fails: bool = False) -> dict[str, str]:
    """Release what is checked out, as cd does once it is promoted."""
    told = json.loads(Path("reports/gate.json").read_text(encoding="utf-8"))
    lineage = {"bundle": told["bundle"], "digest": "d", "commit": head(), "run": None}
    Path("models/release.json").write_text(json.dumps(lineage), encoding="utf-8")
    return step("record-release", IMAGE=image, fails=fails)


def another(version: str = SECOND, text: str = "two\n") -> str:
    """Train, commit and push another model; return the commit."""
    Path("model.py").write_text(text, encoding="utf-8")
    train(version)
    made = commit(version)
    run("git", "push", "--quiet", "origin", "HEAD:main")
    return made


def test_the_bundle_that_passed_is_described(repository: Path, tiny_bundle: Path, step: Step) -> None:
    shutil.rmtree("models/bundle")
    shutil.copytree(tiny_bundle, "models/bundle")
    bundle = Bundle.load(Path("models/bundle"))
    waiver = {"rule": "slices", "bundle": bundle.version, "reason": "known", "by": "Ada"}
    digest = bundle.manifest.digest
    judged({"bundle": bundle.version, "digest": digest, "passed": True, "accepted": [waiver]})
    with Path("dvc.lock").open("a", encoding="utf-8") as lock:
        lock.write("# as record commits it\n")
    run("git", "commit", "--quiet", "--all", "--message", "model\n\nMLflow-Run: 1234")
    commit("a merge")

    step("write-release-metadata", GITHUB_REPOSITORY="ada/houses", GITHUB_RUN_ID="42")

    assert release_of(bundle) == {
        "bundle": bundle.version,
        "digest": digest,
        "dvc_lock": bundle_in_lock(),
        "commit": head(),
        "repository": "ada/houses",
        "run": "https://github.com/ada/houses/actions/runs/42",
        "mlflow_run": "1234",
        "accepted": [waiver],
    }
    assert served_by(bundle) == {"x-model-version": bundle.version, "x-release-commit": head()}
    Path("models/release.json").write_text('{"digest": "another"}', encoding="utf-8")
    assert release_of(bundle) is None
    assert served_by(bundle) == {"x-model-version": bundle.version}


def test_a_bundle_that_did_not_pass_is_not_described(
    repository: Path, tiny_bundle: Path, step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("models/bundle")
    shutil.copytree(tiny_bundle, "models/bundle")

    step("write-release-metadata", fails=True)

    assert "does not say that the gate let" in capsys.readouterr().err
    assert not Path("models/release.json").exists()


def test_a_promotion_is_recorded_and_twice_is_as_once(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    Path("build").mkdir()
    Path("build/sbom.json").write_text("{}", encoding="utf-8")

    assert release(step) == {"moved": "yes", "release": f"model-{FIRST}"}

    assert at("production") == head()
    (deployment,) = github_server.lists["deployments"]
    assert (deployment["environment"], deployment["ref"]) == ("production", head())
    assert github_server.lists["deployments/1/statuses"][0]["state"] == "success"
    (made,) = github_server.lists["releases"]
    assert [asset["name"] for asset in made["assets"]] == ["release.json", "sbom.json"]
    assert github_server.lists["assets"][0]["content"]["image"] == IMAGE
    assert made["target_commitish"] == head()

    before = len(github_server.asked("POST"))
    assert release(step) == {"moved": "yes", "release": f"model-{FIRST}"}
    assert len(github_server.asked("POST")) == before


def test_what_a_killed_run_left_out_is_made_up_for(repository: Path, step: Step, github_server: GitHubServer) -> None:
    github_server.refusals["POST releases/1/assets"] = [(403, "no")]
    shutil.copy("reports/gate.json", "models/release.json")
    Path("models/release.json").write_text(
        json.dumps({"bundle": FIRST, "digest": "d", "commit": head()}), encoding="utf-8"
    )
    assert step("record-release", IMAGE=IMAGE, fails=True) == {"moved": "yes"}
    assert step("check-superseded", GITHUB_RUN_NUMBER="1") == {"newest": "yes"}

    assert release(step)["release"] == f"model-{FIRST}"

    (made,) = github_server.lists["releases"]
    assert [asset["name"] for asset in made["assets"]] == ["release.json"]


def test_the_same_bundle_in_another_image_is_another_release(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    release(step)
    later = commit("serves otherwise")

    assert release(step, OTHER)["release"] == f"model-{FIRST}-{later[:7]}"


def test_an_older_commit_does_not_take_production_back(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    later = another()
    release(step)
    run("git", "checkout", "--quiet", "HEAD~1")

    assert step("check-superseded") == {"newest": "no"}
    lineage = {"bundle": FIRST, "digest": "d", "commit": head()}
    Path("models/release.json").write_text(json.dumps(lineage), encoding="utf-8")
    assert step("record-release", IMAGE=IMAGE, fails=True) == {}

    assert at("production") == later
    assert f"production is at {later[:7]} already, which comes after" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("conclusion", "newest"),
    [("success", "no"), ("failure", "yes"), (None, "yes")],
    ids=["approved", "rejected", "waits"],
)
def test_an_approved_later_release_goes_first(
    conclusion: str | None, newest: str, repository: Path, step: Step, github_server: GitHubServer
) -> None:
    later = {"id": 11, "run_number": 6, "head_sha": "b" * 40}
    ours = {"id": 10, "run_number": 5, "head_sha": head()}
    github_server.fixed["actions/workflows/cd.yml/runs"] = {"workflow_runs": [later, ours]}
    github_server.fixed["actions/runs/11/jobs"] = {"jobs": [{"name": "approval", "conclusion": conclusion}]}

    assert step("check-superseded", GITHUB_RUN_NUMBER="5") == {"newest": newest}


@pytest.mark.parametrize(
    "image", ["", "houses:latest", f"houses@sha256:{'1' * 63}", f"houses@sha256:{'1' * 64}; rm -rf"]
)
def test_an_image_without_its_digest_is_refused(
    image: str, repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert step("record-release", IMAGE=image, fails=True) == {}
    assert "IMAGE names no image by its digest" in capsys.readouterr().err


def test_back_to_a_release_and_the_bad_bundle_is_held(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    first = head()
    release(step)
    second = another()
    release(step, OTHER)

    told = step("resolve-release", RELEASE=f"model-{FIRST}")
    assert (told["digest"], told["commit"]) == (f"sha256:{'1' * 64}", first)
    step("record-rollback", RELEASE=f"model-{FIRST}", REASON="too `slow`")

    assert at("production") == first
    assert at("held/bbbbbbb") == second
    (pull,) = github_server.lists["pulls"]
    assert (pull["title"], pull["base"]) == (f"Revert to model-{FIRST}", "main")
    assert second[:7] in pull["body"]
    assert "`too slow`" in pull["body"]
    run("git", "fetch", "--quiet", "origin", pull["head"])
    assert run("git", "rev-parse", "FETCH_HEAD^") == at("main")
    assert run("git", "diff", first, "FETCH_HEAD") == ""
    # the next push does not bring it back, but for a person who says so
    Path("README.md").write_text("more", encoding="utf-8")
    commit("a push after the rollback")
    assert step("check-releasable", GITHUB_EVENT_NAME="push") == {"release": "no"}
    assert step("check-releasable", GITHUB_EVENT_NAME="workflow_dispatch", FORCE="1") == {"release": "yes"}

    # rolled back once more: the same bundle is let go, the other one held
    step("record-rollback", RELEASE=f"model-{SECOND}", REASON="it was not")
    assert at("production") == second
    assert (at("held/bbbbbbb"), at("held/aaaaaaa")) == ("", first)
    step("record-rollback", RELEASE=f"model-{SECOND}", REASON="again")
    assert at("production") == second


def test_a_workflow_is_not_taken_back(repository: Path, step: Step, github_server: GitHubServer) -> None:
    release(step)
    Path(".github").mkdir()
    Path(".github/ci.yml").write_text("new", encoding="utf-8")
    another()
    release(step, OTHER)

    step("record-rollback", RELEASE=f"model-{FIRST}")

    run("git", "fetch", "--quiet", "origin", github_server.lists["pulls"][0]["head"])
    assert run("git", "show", "FETCH_HEAD:.github/ci.yml") == "new"
    assert run("git", "show", "FETCH_HEAD:model.py") == "one"


def test_a_remote_that_refuses_is_repeated_with_what_helps(
    repository: Path, origin: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = origin / "hooks/pre-receive"
    for words, said in (
        (
            "refusing to allow a GitHub App to create or update workflow",
            "a person may, with git push --force",
        ),
        ("Protected branch update failed", "could not be pushed to origin: Protected branch update failed"),
    ):
        hook.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
        release(step, fails=True)
        assert said in capsys.readouterr().err


def test_a_forced_release_lets_its_bundle_go(repository: Path, step: Step, github_server: GitHubServer) -> None:
    run("git", "push", "--quiet", "origin", "HEAD:refs/heads/held/aaaaaaa")

    release(step)

    assert at("held/aaaaaaa") == ""


@pytest.mark.parametrize("tag", ["model-2023-01-01.fffffff", "$(touch no)", "../../issues", ""])
def test_a_release_that_is_none_is_refused(
    tag: str, repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    release(step)

    assert step("resolve-release", RELEASE=tag, fails=True) == step("record-rollback", RELEASE=tag, fails=True) == {}

    assert at("production") == head()
    assert f"model-{FIRST}" in capsys.readouterr().err or not tag.startswith("model-2023")


def test_only_what_passed_is_releasable(repository: Path, step: Step, capsys: pytest.CaptureFixture[str]) -> None:
    assert step("check-releasable", GITHUB_EVENT_NAME="push") == {"release": "yes"}
    assert step("check-releasable", PLACE="false") == {"release": "no"}
    run("git", "push", "--quiet", "origin", "HEAD:refs/heads/production")
    assert step("check-releasable", GITHUB_EVENT_NAME="push") == {"release": "no"}
    assert "nothing that is shipped has changed since" in capsys.readouterr().out
    assert step("check-releasable", GITHUB_EVENT_NAME="workflow_dispatch") == {"release": "yes"}

    train(FIRST, passed=False)
    assert step("check-releasable", fails=True) == {}
    Path("model.py").write_text("two\n", encoding="utf-8")
    assert step("check-releasable") == {"release": "no"}


def test_ct_is_started_once(repository: Path, step: Step, github_server: GitHubServer) -> None:
    runs = "actions/workflows/ct.yml/runs"
    github_server.fixed[runs] = {"workflow_runs": []}
    step("start-ct", REASON='no model; "$(x)"')
    assert github_server.calls[-1][2] == {"ref": "main", "inputs": {"reason": 'no model; "$(x)"'}}

    github_server.fixed[runs] = {"workflow_runs": [{"id": 1}]}
    step("start-ct")
    assert github_server.asked("POST") == ["actions/workflows/ct.yml/dispatches"]
