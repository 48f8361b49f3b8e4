"""`bootstrap`, `doctor`, `rotate` and `destroy` on Cloud Run, without a process: what was stopped is completed."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cd4ml.deploy.cloud_run.platform import CloudRun
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.set_up.identities import SIGNING_IN
from cd4ml.settings.project import Project
from google_in_memory import Google, KilledError, settled

DEMO = Project("demo", "", "demo", "cloud-run", "service-account", "cloud")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`run(google, *words)`: run a verb; return what it printed, an error included."""
    monkeypatch.setattr(shutil, "which", lambda _tool: "/here")

    def run_it(google: Google, verb: str, *words: str) -> str:
        google.environment = dict(google.environment) | {"XDG_CONFIG_HOME": str(tmp_path / "config")}
        failed = ""
        try:
            CloudRun(DEMO, google).verbs()[verb](*words)
        except CloudError as failure:
            failed = f"failed: {failure}\n"
        finally:
            printed = capsys.readouterr()
        return printed.err + printed.out + failed

    return run_it


def killed_at(run: Callable[..., str], google: Google, kill: tuple[int, str], *words: str) -> bool:
    """Run a verb and kill it at a write; return whether there was such a write."""
    google.kill = kill
    try:
        run(google, *words)
    except KilledError:
        return True
    return False


@pytest.mark.parametrize(
    "words", [("--set-secrets",), ("--credentials", "oidc", "--set-secrets")], ids=["keys", "oidc"]
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_bootstrap_that_was_stopped_at_any_write_is_completed_by_the_next(
    run: Callable[..., str], words: Sequence[str], moment: str
) -> None:
    whole = Google()
    assert "failed" not in run(whole, "bootstrap", *words)

    for number in range(1, len(whole.writes) + 1):
        stopped = Google()
        assert killed_at(run, stopped, (number, moment), "bootstrap", *words)

        said = run(Google(stopped.state), "bootstrap", *words)

        assert "failed" not in said, (number, said)
        assert settled(stopped.state) == settled(whole.state), whole.writes[number - 1]
        last = Google(stopped.state)
        assert "everything was there; nothing was changed" in run(last, "bootstrap", *words)
        assert not last.writes


def test_doctor_and_a_dry_run_make_nothing_and_name_everything(run: Callable[..., str]) -> None:
    google, dry = Google(), Google(dry_run=True)

    looked, would = run(google, "doctor"), run(dry, "bootstrap", "--credentials", "oidc", "--set-secrets")

    assert not google.writes + dry.writes
    for row in ("APIs", "registry", "clean-up", "identity", "bucket", "retention", "secret", "role", "key"):
        assert f"  missing  {row:<18}" in looked, row
    assert "  not yet  service           demo: cd deploys it\n" in looked
    assert looked.endswith(" missing or wrong; what is missing: uv run cd4ml cloud bootstrap\n")
    for command in (
        "gcloud artifacts repositories create demo",
        "gcloud iam workload-identity-pools create demo-github",
        "gcloud storage buckets create gs://demo-dvc-7",
        "gh secret set SERVICE_API_KEYS",
    ):
        assert f"\n{command} " in would, command

    run(made := Google(), "bootstrap")
    looked = run(Google(made.state), "doctor")
    assert "failed" not in looked
    assert "missing" not in looked


def test_what_was_just_made_is_waited_for_and_no_longer_than_the_bound(run: Callable[..., str]) -> None:
    google = Google()
    google.unknown = 3
    said = run(google, "bootstrap")
    assert "failed" not in said
    assert said.count("waiting, as this passes") >= 3

    google = Google(INSIST_PATIENCE="0")
    google.unknown = 3
    said = run(google, "bootstrap")
    assert said.splitlines()[-1].endswith("that passes: run uv run cd4ml cloud bootstrap again in a few minutes")
    assert "failed" not in run(Google(google.state), "bootstrap")


def test_what_was_made_before_and_is_not_listed_yet_is_there(run: Callable[..., str]) -> None:
    run(google := Google(), "bootstrap")
    google = Google(google.state)
    google.lists_no_accounts = True

    said = run(google, "bootstrap")

    assert "  there    identity          demo-reader\n" in said
    assert "everything was there; nothing was changed" in said


def test_an_api_that_was_just_enabled_is_waited_for_and_never_taken_for_an_empty_registry(
    run: Callable[..., str],
) -> None:
    google = Google()
    google.state["registry"]["demo"] = {"cleanupPolicies": {"own": {"id": "own", "action": "KEEP", "condition": {}}}}
    refusals = ["PERMISSION_DENIED: reason: SERVICE_DISABLED"] * 2

    def not_yet(argv: tuple[str, ...]) -> str:
        return refusals.pop() if refusals and argv[1] == "artifacts" else ""

    google.refuses = not_yet
    assert "failed" not in run(google, "bootstrap")
    assert set(google.state["registry"]["demo"]["cleanupPolicies"]) == {"own", "keep-the-newest-20", "delete-the-rest"}


def test_an_error_that_does_not_pass_ends_the_run_and_is_not_repeated(run: Callable[..., str]) -> None:
    google = Google()
    google.refuses = lambda argv: (
        "PERMISSION_DENIED: not yours" if argv[1:4] == ("iam", "service-accounts", "create") else ""
    )

    said = run(google, "bootstrap")

    assert "PERMISSION_DENIED: not yours" in said
    failure = "identity demo-reader could not be made (above is why): fix that and run bootstrap again"
    assert said.endswith(f"failed: {failure}\n")
    assert len([argv for argv in google.calls if argv[1:4] == ("iam", "service-accounts", "create")]) == 1
    assert not google.state["buckets"]


def test_what_cannot_be_read_is_not_taken_for_absent(run: Callable[..., str]) -> None:
    google = Google()
    google.refuses = lambda argv: "HTTPError 403: no access" if argv[1:4] == ("storage", "buckets", "describe") else ""

    said = run(google, "bootstrap")

    assert "failed: gs://demo-dvc-7 cannot be read: ERROR" in said
    assert not google.state["buckets"]


def test_what_a_team_added_stays(run: Callable[..., str]) -> None:
    run(google := Google(), "bootstrap", "--credentials", "oidc", "--set-secrets")
    state = google.state
    lifecycle = state["buckets"]["gs://demo-predictions-7"]["lifecycle_config"]["rule"]
    cold = {"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"}, "condition": {"age": 30}}
    lifecycle.insert(0, cold)
    mapping = state["pools"]["github"]["attributeMapping"]
    mapping |= {"google.subject": "assertion.sub", "attribute.team": "assertion.sub.extract('{a},')"}
    state["environments"]["approval"] |= {
        "deployment_branch_policy": None,
        "protection_rules": [{"type": "wait_timer", "wait_timer": 5}],
    }

    again = Google(state, PREDICTION_LOG_DAYS="30")
    assert "failed" not in run(again, "bootstrap", "--credentials", "oidc", "--set-secrets")

    assert lifecycle != (kept := state["buckets"]["gs://demo-predictions-7"]["lifecycle_config"]["rule"])
    assert kept == [cold, {"action": {"type": "Delete"}, "condition": {"age": 30}}]
    ours = "assertion.repository_id + ':environment:' + assertion.environment"
    assert state["pools"]["github"]["attributeMapping"] == mapping | {"google.subject": ours}
    assert any("wait_timer=5" in argv for argv in again.writes)


def test_a_provider_of_another_repository_is_left(run: Callable[..., str]) -> None:
    run(google := Google(), "bootstrap", "--credentials", "oidc")
    google.state["pools"]["github"]["attributeCondition"] = "assertion.repository_id == '7'"

    said = run(again := Google(google.state), "bootstrap", "--credentials", "oidc")

    assert "  wrong    identity provider github trusts another repository: if that may go, gcloud iam" in said
    assert not again.writes


def test_a_role_that_holds_on_a_condition_only_is_granted(run: Callable[..., str]) -> None:
    run(google := Google(), "bootstrap")
    bindings = google.state["policies"]["demo-api-keys"]
    bindings[0]["condition"] = {"expression": "false"}

    said = run(Google(google.state), "bootstrap")

    assert "  made     role              runtime on secret api-keys: secretmanager.secretAccessor\n" in said


def test_no_key_is_printed_or_passed_as_an_argument(run: Callable[..., str]) -> None:
    google, everything = Google(), ""
    for words in (("bootstrap", "--set-secrets"), ("rotate", "api-keys"), ("rotate", "api-keys", "--finish"),
                  ("rotate", "credentials", "--set-secrets"), ("rotate", "credentials", "--finish")):  # fmt: skip
        keys = set(",".join(google.state["secrets"].get("demo-api-keys", {}).values()).split(",")) - {""}
        everything += run(google, *words)
        everything += json.dumps(google.calls)
        keys |= set(google.state["secrets"]["demo-api-keys"].values())
        assert not [key for key in keys if key and key in everything]
    assert "failed" not in everything
    assert '{"key"' not in everything
    assert (
        google.state["github"]["production"]["GCP_CREDENTIALS"]
        == '{"key": "key1 of demo-deployer@acme.iam.gserviceaccount.com"}'
    )


def stopped_rotations(run: Callable[..., str], words: Sequence[str], before: Sequence[Sequence[str]]) -> list[Google]:
    """The clouds that a rotation leaves when it is stopped at each of its writes, before and after it."""
    stopped = []
    for moment in ("before", "after"):
        for number in range(1, 30):
            google = Google()
            for earlier in before:
                run(google, *earlier)
            done = len(google.writes)
            if not killed_at(run, google, (done + number, moment), *words):
                break
            stopped.append(Google(google.state))
    return stopped


def test_a_rotation_of_api_keys_that_was_stopped_is_finished_by_the_next(run: Callable[..., str]) -> None:
    finish = ("rotate", "api-keys", "--finish")
    stopped = stopped_rotations(run, finish, [("bootstrap",), ("rotate", "api-keys")])
    assert len(stopped) >= 6

    for google in stopped:
        said = run(google, *finish)
        versions = google.state["secrets"]["demo-api-keys"]
        newest = max(versions, key=int)
        assert {number for number, value in versions.items() if value} == {newest}
        assert "," not in versions[newest]
        assert "failed" not in said or "nothing to finish" in said


def test_a_dry_run_of_a_rotation_names_every_version_that_would_go(run: Callable[..., str]) -> None:
    run(google := Google(), "bootstrap")
    run(google, "rotate", "api-keys")

    said = run(Google(google.state, dry_run=True), "rotate", "api-keys", "--finish")

    commands = [line for line in said.splitlines() if line.startswith("gcloud secrets versions destroy")]
    assert [line.split()[4] for line in commands] == ["1", "2"]
    assert len(google.state["secrets"]["demo-api-keys"]) == 2


def test_a_rotation_of_credentials_that_was_stopped_is_finished_by_the_next(
    run: Callable[..., str], tmp_path: Path
) -> None:
    for moment in ("before", "after"):
        for number in range(1, 8):
            shutil.rmtree(tmp_path / "config", ignore_errors=True)
            run(google := Google(), "bootstrap", "--set-secrets")
            words = ("rotate", "credentials", "--set-secrets")
            if killed_at(run, google, (len(google.writes) + number, moment), *words):
                google = Google(google.state)
                said = run(google, *words)
                assert "failed" not in said or "has two keys already" in said, (moment, number, said)
            assert "failed" not in run(google, "rotate", "credentials", "--finish"), (moment, number)
            keys = {email.partition("@")[0]: keys for email, keys in google.state["accounts"].items()}
            assert keys == {"demo-runtime": []} | {f"demo-{who}": ["key1"] for who in SIGNING_IN}
            assert "key1 of demo-reader" in google.state["github"]["reader"]["GCP_CREDENTIALS"]


def test_destroy_removes_it_all_wherever_an_earlier_one_was_stopped(run: Callable[..., str]) -> None:
    for number in range(1, 20):
        run(google := Google(), "bootstrap", "--credentials", "oidc")
        was_stopped = killed_at(run, google, (len(google.writes) + number, "after"), "destroy", "--yes", "demo")

        said = run(google := Google(google.state), "destroy", "--yes", "demo")

        assert said.endswith(
            "removed; GitHub keeps its environments, variables and secrets: gh secret delete, gh variable delete\n"
        )
        kept = {kind: google.state[kind] for kind in ("accounts", "buckets", "registry", "secrets")}
        assert not any(kept.values()), kept
        assert google.state["policies"]["acme"] == []
        assert "demo-github" not in google.state["pools"]
        if not was_stopped:
            break
    assert number > 10


def test_destroy_asks_first_and_says_what_is_left(run: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    run(google := Google(), "bootstrap")
    monkeypatch.setattr("sys.stdin", io.StringIO("other\n"))
    done = len(google.writes)
    assert run(google, "destroy").endswith("Type demo to go on: failed: nothing was removed\n")
    assert len(google.writes) == done

    google.refuses = lambda argv: (
        "PERMISSION_DENIED: held" if argv[1:4] == ("secrets", "delete", "demo-api-keys") else ""
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("demo\n"))
    said = run(google, "destroy")
    assert "PERMISSION_DENIED: held" in said
    assert said.endswith("failed: some could not be removed (above is why): run this again\n")
    assert set(google.state["secrets"]) == {"demo-api-keys"}
    assert not google.state["buckets"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("bootstrap", "--credentials"), "--credentials is service-account or oidc"),
        (("bootstrap", "--force"), "bootstrap takes --credentials service-account|oidc, --set-secrets and --dry-run"),
        (("rotate",), "rotate takes api-keys or credentials"),
        (("rotate", "api-keys", "--yes"), "rotate takes api-keys or credentials, --finish and --set-secrets"),
        (("destroy", "demo"), "destroy takes --yes demo"),
    ],
)
def test_wrong_arguments_are_named_in_one_line(run: Callable[..., str], words: Sequence[str], message: str) -> None:
    google = Google()

    assert run(google, *words) == f"failed: {message}\n"
    assert not google.calls


@pytest.mark.parametrize("setting", ["INSIST_PAUSE", "INSIST_PATIENCE", "PREDICTION_LOG_DAYS"])
def test_wrong_settings_are_named_in_one_line(run: Callable[..., str], setting: str) -> None:
    google = Google(**{setting: "a while"})

    said = run(google, "bootstrap")

    assert said.startswith(f"failed: {setting} is ")
    assert len(said.splitlines()) == 1
    assert not google.writes
