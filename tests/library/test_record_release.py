"""write-release-metadata, check-releasable, check-superseded, record-release: from a judged bundle to a release."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.release_metadata import bundle_headers, read_release
from github_server import GitHubServer
from released_repository import FIRST, IMAGE, OTHER_IMAGE, Step, at, head, live, release, train_second, write_metadata
from trained_repository import bundle_in_lock, commit, run, train, write_verdict


def test_release_json_describes_the_bundle_that_passed(repository: Path, tiny_bundle: Path, step: Step) -> None:
    shutil.rmtree("models/bundle")
    shutil.copytree(tiny_bundle, "models/bundle")
    bundle = Bundle.load(Path("models/bundle"))
    waiver = {"rule": "slices", "bundle": bundle.version, "reason": "known", "by": "Ada"}
    digest = bundle.manifest.digest
    write_verdict({"bundle": bundle.version, "digest": digest, "passed": True, "accepted": [waiver]})
    with Path("dvc.lock").open("a", encoding="utf-8") as lock:
        lock.write("# as commit-model commits it\n")
    run("git", "commit", "--quiet", "--all", "--message", "model\n\nMLflow-Run: 1234")
    commit("a merge")

    step("write-release-metadata", GITHUB_REPOSITORY="ada/houses", GITHUB_RUN_ID="42")

    assert read_release(bundle) == {
        "bundle": bundle.version,
        "digest": digest,
        "dvc_lock": bundle_in_lock(),
        "commit": head(),
        "repository": "ada/houses",
        "run": "https://github.com/ada/houses/actions/runs/42",
        "mlflow_run": "1234",
        "accepted": [waiver],
    }
    assert bundle_headers(bundle) == {"x-model-version": bundle.version, "x-release-commit": head()}
    Path("models/release.json").write_text('{"digest": "another"}', encoding="utf-8")
    assert read_release(bundle) is None
    assert bundle_headers(bundle) == {"x-model-version": bundle.version}


def test_release_json_is_not_written_for_a_bundle_that_did_not_pass(
    repository: Path, tiny_bundle: Path, step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("models/bundle")
    shutil.copytree(tiny_bundle, "models/bundle")

    step("write-release-metadata", fails=True)

    assert "reports/gate.json does not record that" in capsys.readouterr().err
    assert not Path("models/release.json").exists()


def test_only_a_bundle_that_passed_and_changes_something_is_releasable(
    repository: Path, step: Step, capsys: pytest.CaptureFixture[str]
) -> None:
    assert step("check-releasable", GITHUB_EVENT_NAME="push") == {"release": "yes"}
    assert step("check-releasable", CAN_PUBLISH="false") == {"release": "no"}
    run("git", "push", "--quiet", "origin", "HEAD:refs/heads/production")
    assert step("check-releasable", GITHUB_EVENT_NAME="push") == {"release": "no"}
    assert "nothing that is shipped has changed since" in capsys.readouterr().out
    assert step("check-releasable", GITHUB_EVENT_NAME="workflow_dispatch") == {"release": "yes"}
    Path("reports/gate.md").write_text("judged again, on another day\n", encoding="utf-8")
    run("git", "commit", "--quiet", "--all", "--message", "another verdict")
    assert step("check-releasable", GITHUB_EVENT_NAME="push") == {"release": "no"}

    train(FIRST, passed=False)
    assert step("check-releasable", fails=True) == {}
    assert step("check-releasable", CAN_PUBLISH="false") == {"release": "no"}  # nothing is set up: not an error
    Path("model.py").write_text("two\n", encoding="utf-8")
    assert step("check-releasable") == {"release": "no"}


def test_a_change_of_the_library_is_released(repository: Path, step: Step) -> None:
    run("git", "push", "--quiet", "origin", "HEAD:refs/heads/production")
    Path("cd4ml").mkdir()
    Path("cd4ml/pyproject.toml").write_text('[project]\nname = "cd4ml"\n', encoding="utf-8")
    commit("the library")

    assert step("check-releasable", GITHUB_EVENT_NAME="push") == {"release": "yes"}


def test_a_promotion_is_recorded_and_recording_it_is_idempotent(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    Path("build").mkdir()
    Path("build/sbom.json").write_text("{}", encoding="utf-8")

    assert release(step) == {"moved": "yes", "release": f"model-{FIRST}"}

    assert live() == head()
    (deployment,) = github_server.lists["deployments"]
    assert (deployment["environment"], deployment["ref"]) == ("production", head())
    assert github_server.lists["deployments/1/statuses"][0]["state"] == "success"
    (recorded,) = github_server.lists["releases"]
    assert {asset["name"] for asset in recorded["assets"]} == {"release.json", "sbom.json"}
    assert attached(github_server, recorded)["image"] == IMAGE
    assert recorded["target_commitish"] == at("production")

    before = len(github_server.paths("POST"))
    assert release(step) == {"moved": "yes", "release": f"model-{FIRST}"}
    assert len(github_server.paths("POST")) == before


def test_a_second_run_completes_what_a_killed_run_left_out(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    github_server.rejections["POST releases/1/assets"] = [(403, "no")]
    assert release(step, fails=True) == {"moved": "yes"}
    assert step("check-superseded", GITHUB_RUN_NUMBER="1") == {"superseded": "no"}

    assert release(step)["release"] == f"model-{FIRST}"

    (recorded,) = github_server.lists["releases"]
    assert [asset["name"] for asset in recorded["assets"]] == ["release.json"]
    assert not recorded["draft"]


def test_a_release_that_nobody_may_change_is_published_whole_and_another_image_gets_its_own(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    github_server.immutable_releases = True

    assert release(step)["release"] == f"model-{FIRST}"
    assert release(step, OTHER_IMAGE)["release"] == f"model-{FIRST}-{head()[:7]}"
    third = IMAGE.replace("1", "3")
    assert release(step, third)["release"] == f"model-{FIRST}-{head()[:7]}-3333333"
    assert release(step, third)["release"] == f"model-{FIRST}-{head()[:7]}-3333333"

    recorded = github_server.lists["releases"]
    assert [attached(github_server, each)["image"] for each in recorded] == [IMAGE, OTHER_IMAGE, third]
    assert not any(each["draft"] for each in recorded)


def test_a_bundle_that_was_rolled_back_while_its_release_waited_is_not_released(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as one that a colleague approves afterwards, or whose failed jobs are run again."""
    run("git", "push", "--quiet", "origin", f"HEAD:refs/heads/quarantine/{FIRST.partition('.')[2]}")

    for environment in ("staging", "production"):
        assert step("check-superseded", environment) == {"superseded": "yes"}
        assert step("check-superseded", environment, FORCE="1") == {"superseded": "no"}

    assert f"{FIRST} was rolled back and is quarantined" in capsys.readouterr().out


def test_a_live_commit_that_is_on_no_branch_any_more_is_in_nobodys_way(
    repository: Path, origin: Path, step: Step, github_server: GitHubServer
) -> None:
    lost = train_second()
    release(step)
    run("git", "reset", "--quiet", "--hard", "HEAD~1")  # as after a secret was removed from the history
    run("git", "push", "--quiet", "--force", "origin", "HEAD:main")
    for place in (repository, origin):
        run("git", "-C", str(place), "reflog", "expire", "--expire=now", "--all")
        run("git", "-C", str(place), "gc", "--quiet", "--prune=now")
    assert live() == lost

    assert step("check-superseded") == {"superseded": "no"}
    assert release(step)["moved"] == "yes"

    assert live() == head()


@pytest.mark.parametrize(("event", "superseded"), [("push", "yes"), ("workflow_dispatch", "no")])
def test_who_starts_cd_by_hand_releases_what_is_live_again(
    event: str, superseded: str, repository: Path, step: Step, github_server: GitHubServer
) -> None:
    """It takes other keys, and other settings of the service, which the running instances do not read again."""
    release(step)

    for environment in ("staging", "production"):
        assert step("check-superseded", environment, GITHUB_EVENT_NAME=event) == {"superseded": superseded}


def test_an_image_of_a_repository_with_capitals_is_recorded_in_small_letters(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    """GitHub gives its name as it is written, `ghcr.io/Acme/Flights`; no registry takes that."""
    release(step, IMAGE.replace("houses", "Acme/Houses"))

    (recorded,) = github_server.lists["releases"]
    assert attached(github_server, recorded)["image"] == IMAGE.replace("houses", "acme/houses")


def test_the_same_commit_released_again_in_another_image_is_gone_back_to_in_that_one(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    release(step)
    name = release(step, OTHER_IMAGE)["release"]

    (recorded,) = github_server.lists["releases"]
    assert recorded["tag_name"] == name
    assert attached(github_server, recorded)["image"] == OTHER_IMAGE
    assert OTHER_IMAGE in recorded["body"]


def attached(github: GitHubServer, release: dict[str, Any]) -> dict[str, Any]:
    """The release.json that is attached to a release."""
    (number,) = (asset["id"] for asset in release["assets"] if asset["name"] == "release.json")
    content: dict[str, Any] = github.lists["assets"][number - 1]["content"]
    return content


def test_the_same_bundle_in_another_image_is_another_release(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    release(step)
    later = commit("another image")

    assert release(step, OTHER_IMAGE)["release"] == f"model-{FIRST}-{later[:7]}"


def test_an_older_commit_does_not_move_production_back(
    repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    later = train_second()
    release(step)
    run("git", "checkout", "--quiet", "HEAD~1")

    assert step("check-superseded") == {"superseded": "yes"}
    write_metadata(FIRST)
    assert step("record-release", IMAGE=IMAGE, fails=True) == {}

    assert live() == later
    assert f"{later[:7]} is live already, which comes after" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("conclusion", "superseded"),
    [("success", "yes"), ("failure", "no"), (None, "no")],
    ids=["approved", "rejected", "waits"],
)
def test_a_release_is_superseded_by_a_later_one_that_is_approved(
    conclusion: str | None, superseded: str, repository: Path, step: Step, github_server: GitHubServer
) -> None:
    later = {"id": 11, "run_number": 6, "head_sha": "b" * 40}
    this = {"id": 10, "run_number": 5, "head_sha": head()}
    github_server.fixed["actions/workflows/cd.yml/runs"] = {"workflow_runs": [later, this]}
    github_server.fixed["actions/runs/11/jobs"] = {"jobs": [{"name": "approval", "conclusion": conclusion}]}

    assert step("check-superseded", GITHUB_RUN_NUMBER="5") == {"superseded": superseded}


@pytest.mark.parametrize(("conclusion", "superseded"), [("success", "yes"), ("failure", "no"), (None, "no")])
def test_a_release_does_not_replace_a_later_one_on_staging_approved_or_not(
    conclusion: str | None, superseded: str, repository: Path, step: Step, github_server: GitHubServer
) -> None:
    later = {"id": 11, "run_number": 6, "head_sha": "b" * 40}
    github_server.fixed["actions/workflows/cd.yml/runs"] = {"workflow_runs": [later]}
    jobs = [{"name": "staging", "conclusion": conclusion}, {"name": "approval", "conclusion": None}]
    github_server.fixed["actions/runs/11/jobs"] = {"jobs": jobs}

    assert step("check-superseded", "staging", GITHUB_RUN_NUMBER="5") == {"superseded": superseded}
    assert step("check-superseded", "staging", GITHUB_RUN_NUMBER="5", FORCE="1") == {"superseded": "no"}
    assert step("check-superseded", "production", GITHUB_RUN_NUMBER="5") == {"superseded": "no"}


@pytest.mark.parametrize(
    "image", ["", "houses:latest", f"houses@sha256:{'1' * 63}", f"houses@sha256:{'1' * 64}; rm -rf"]
)
def test_an_image_without_its_digest_is_rejected(
    image: str, repository: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert step("record-release", IMAGE=image, fails=True) == {}
    assert "IMAGE is not the name of an image with its digest" in capsys.readouterr().err


def test_a_remote_that_rejects_the_push_is_quoted_with_what_to_do(
    repository: Path, origin: Path, step: Step, github_server: GitHubServer, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = origin / "hooks/pre-receive"
    for words, message in (
        (
            "refusing to allow a GitHub App to create or update workflow",
            "a person may: run git push --force",
        ),
        ("Protected branch update failed", "cannot push production to origin: Protected branch update failed"),
    ):
        hook.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
        release(step, fails=True)
        assert message in capsys.readouterr().err


def test_a_release_lifts_the_quarantine_of_its_bundle(
    repository: Path, step: Step, github_server: GitHubServer
) -> None:
    run("git", "push", "--quiet", "origin", "HEAD:refs/heads/quarantine/aaaaaaa")

    release(step)

    assert at("quarantine/aaaaaaa") == ""
