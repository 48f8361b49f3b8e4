"""`bootstrap` and `doctor` on Cloud Run, without a process: what was stopped is completed, what a team added stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import setting_up
from cd4ml.deploy.cloud_run.settings import read_place
from cd4ml.deploy.commands import CloudError
from google_in_memory import ENVIRONMENT, Google
from setting_up import DEMO, killed_at, run, settled


@pytest.mark.parametrize(
    "words", [("--set-secrets",), ("--credentials", "oidc", "--set-secrets")], ids=["keys", "oidc"]
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_bootstrap_that_was_stopped_at_any_write_is_completed_by_the_next(words: Sequence[str], moment: str) -> None:
    whole = Google()
    assert "failed" not in run(whole, "bootstrap", *words)

    for number in range(1, len(whole.writes) + 1):
        stopped = Google()
        assert killed_at(stopped, (number, moment), "bootstrap", *words)

        said = run(Google(stopped.state), "bootstrap", *words)

        assert "failed" not in said, (number, said)
        assert settled(stopped.state) == settled(whole.state), whole.writes[number - 1]
        last = Google(stopped.state)
        assert "everything was there; nothing was changed" in run(last, "bootstrap", *words)
        assert not last.writes


def test_doctor_and_a_dry_run_make_nothing_and_name_everything() -> None:
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


def test_what_was_just_made_is_waited_for_and_no_longer_than_the_bound() -> None:
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


def test_what_was_made_before_and_is_not_listed_yet_is_there() -> None:
    run(google := Google(), "bootstrap")
    google = Google(google.state)
    google.lists_no_accounts = True

    said = run(google, "bootstrap")

    assert "  there    identity          demo-reader\n" in said
    assert "everything was there; nothing was changed" in said


def test_a_conflict_of_another_kind_is_not_taken_for_what_is_there() -> None:
    google = Google()
    conflict = "Resource in projects [acme] is the subject of a conflict: There were concurrent policy changes."
    google.refuses = lambda argv: conflict if "add-iam-policy-binding" in argv else ""

    assert "could not be granted (above is why); run bootstrap again" in run(google, "bootstrap")


def test_an_api_that_was_just_enabled_is_waited_for_and_never_taken_for_an_empty_registry() -> None:
    google = Google()
    google.state["registry"]["demo"] = {"cleanupPolicies": {"own": {"id": "own", "action": "KEEP", "condition": {}}}}
    refusals = ["PERMISSION_DENIED: reason: SERVICE_DISABLED"] * 2

    def not_yet(argv: tuple[str, ...]) -> str:
        return refusals.pop() if refusals and argv[1] == "artifacts" else ""

    google.refuses = not_yet
    assert "failed" not in run(google, "bootstrap")
    assert set(google.state["registry"]["demo"]["cleanupPolicies"]) == {"own", "keep-the-newest-20", "delete-the-rest"}


def test_an_error_that_does_not_pass_ends_the_run_and_is_not_repeated() -> None:
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


def test_what_cannot_be_read_is_not_taken_for_absent() -> None:
    google = Google()
    google.refuses = lambda argv: "HTTPError 403: no access" if argv[1:4] == ("storage", "buckets", "describe") else ""

    said = run(google, "bootstrap")

    assert "failed: gs://demo-dvc-7 cannot be read: ERROR" in said
    assert not google.state["buckets"]


def test_doctor_goes_on_where_something_cannot_be_read() -> None:
    run(google := Google(), "bootstrap")
    google = Google(google.state)
    google.refuses = lambda argv: "HTTPError 403: no access" if argv[1:4] == ("storage", "buckets", "describe") else ""

    said = run(google, "doctor")

    assert "  wrong    bucket            gs://demo-dvc-7 cannot be read, and nothing was changed: ERROR" in said
    assert "  there    secret            demo-api-keys\n" in said
    assert said.endswith("failed: 2 missing or wrong; what is missing: uv run cd4ml cloud bootstrap\n")


def test_what_a_team_added_stays() -> None:
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


def test_a_provider_of_another_repository_is_left() -> None:
    run(google := Google(), "bootstrap", "--credentials", "oidc")
    google.state["pools"]["github"]["attributeCondition"] = "assertion.repository_id == '7'"

    said = run(again := Google(google.state), "bootstrap", "--credentials", "oidc")

    assert "  wrong    identity provider github trusts another repository: if that may go, gcloud iam" in said
    assert not again.writes


def test_a_private_repository_without_environments_has_one_identity_for_all_jobs() -> None:
    google = Google()
    google.state["plan"] = "free"

    said = run(google, "bootstrap", "--set-secrets")

    assert "GitHub has no environments for this private repository (plan Free)" in said
    assert "failed" not in said
    assert set(google.state["github"]) == {"repository"}
    assert google.state["environments"] == {}
    assert {email.partition("@")[0] for email in google.state["accounts"]} == {"demo-deployer", "demo-runtime"}
    roles = {line["role"] for line in google.state["policies"]["gs://demo-dvc-7"]}
    assert roles == {"roles/storage.objectViewer", "roles/storage.objectUser"}
    assert "nothing was changed" in run(Google(google.state), "bootstrap", "--set-secrets")


def test_without_environments_only_the_default_branch_is_trusted_and_with_them_again_each_environment() -> None:
    google = Google()
    google.state["plan"] = "free"
    oidc = ("bootstrap", "--credentials", "oidc", "--set-secrets")

    run(google, *oidc)

    assert google.state["pools"]["github"]["attributeMapping"] == {
        "google.subject": "assertion.repository_id + ':' + assertion.ref"
    }
    (member,) = google.state["policies"]["demo-deployer@acme.iam.gserviceaccount.com"][-1]["members"]
    assert member.endswith("/workloadIdentityPools/demo-github/subject/4711:refs/heads/main")

    google.state["plan"] = "team"
    assert "failed" not in run(google, *oidc)
    assert "environment" in google.state["pools"]["github"]["attributeMapping"]["google.subject"]
    assert set(google.state["environments"]) == {"reader", "trainer", "staging", "approval", "production"}


def test_a_public_repository_whose_environments_cannot_be_read_is_not_taken_for_one_without() -> None:
    google = Google()
    google.state |= {"plan": "free", "private": False}

    assert "GitHub has no environments" not in run(google, "doctor")


def test_a_role_that_holds_on_a_condition_only_is_granted() -> None:
    oidc = ("bootstrap", "--credentials", "oidc")
    run(google := Google(), *oidc)
    policies = google.state["policies"]
    assert len(policies) == 9
    for bindings in policies.values():
        for binding in bindings:
            binding["condition"] = {"expression": "false"}

    said = run(Google(google.state), *oidc)

    assert "  made     role              runtime on secret api-keys: secretmanager.secretAccessor\n" in said
    assert "  made     trust             environment reader is reader\n" in said
    for bindings in policies.values():
        granted, held = (
            [line for line in bindings if ("condition" in line) == on_condition] for on_condition in (0, 1)
        )
        assert [line["role"] for line in granted] == [line["role"] for line in held]


def test_a_project_of_a_domain_is_refused() -> None:
    with pytest.raises(
        CloudError, match=r"^GCP_PROJECT is example\.com:models: ids of projects that begin with a domain"
    ):
        read_place("demo", ENVIRONMENT | {"GCP_PROJECT": "example.com:models"})


@pytest.mark.parametrize(
    ("slug", "credentials", "rule"),
    [
        ("my-google", "service-account", 'Google Cloud has no bucket with "google" in its name, or "goog" first'),
        ("goog-model", "oidc", 'Google Cloud has no bucket with "google" in its name, or "goog" first'),
        ("gcp-demo", "oidc", "Google Cloud keeps names of identity pools for itself that begin with gcp-"),
        ("gcp-demo", "service-account", ""),
    ],
)
def test_a_name_that_google_keeps_for_itself_is_refused_before_anything_is_made(
    slug: str, credentials: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setting_up, "DEMO", replace(DEMO, name=slug))
    google = Google()

    said = run(google, "bootstrap", "--credentials", credentials)

    assert said == f"failed: a project called {slug} cannot be here: {rule}\n" or not rule
    assert bool(google.writes) == (not rule)
    assert "failed" not in run(google, "destroy", "--yes", slug)  # what an earlier version left half made


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("bootstrap", "--credentials"), "--credentials is service-account or oidc"),
        (("bootstrap", "--force"), "bootstrap takes --credentials service-account|oidc, --set-secrets and --dry-run"),
        (("bootstrap", "--renew"), "bootstrap takes --credentials service-account|oidc, --set-secrets and --dry-run"),
        (("rotate",), "rotate takes api-keys or credentials"),
        (("rotate", "api-keys", "--yes"), "rotate takes api-keys or credentials, --finish and --set-secrets"),
        (("destroy", "demo"), "destroy takes --yes demo"),
    ],
)
def test_wrong_arguments_are_named_in_one_line(words: Sequence[str], message: str) -> None:
    google = Google()

    assert run(google, *words) == f"failed: {message}\n"
    assert not google.calls


@pytest.mark.parametrize("setting", ["INSIST_PAUSE", "INSIST_PATIENCE", "PREDICTION_LOG_DAYS"])
def test_wrong_settings_are_named_in_one_line(setting: str) -> None:
    google = Google(**{setting: "a while"})

    said = run(google, "bootstrap")

    assert said.startswith(f"failed: {setting} is ")
    assert len(said.splitlines()) == 1
    assert not google.writes
