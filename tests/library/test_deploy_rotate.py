"""`rotate` and `destroy` on Cloud Run, without a process: what was stopped is completed, and no key is seen."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from cd4ml.deploy.set_up.identities import Jobs
from google_in_memory import Google
from setting_up import killed_at, run


def test_no_key_is_printed_or_passed_as_an_argument() -> None:
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


def stopped_rotations(words: Sequence[str], before: Sequence[Sequence[str]]) -> list[Google]:
    """The clouds that a rotation leaves when it is stopped at each of its writes, before and after it."""
    stopped = []
    for moment in ("before", "after"):
        for number in range(1, 30):
            google = Google()
            for earlier in before:
                run(google, *earlier)
            done = len(google.writes)
            if not killed_at(google, (done + number, moment), *words):
                break
            stopped.append(Google(google.state))
    return stopped


def test_a_rotation_of_api_keys_that_was_stopped_is_finished_by_the_next() -> None:
    finish = ("rotate", "api-keys", "--finish")
    stopped = stopped_rotations(finish, [("bootstrap",), ("rotate", "api-keys")])
    assert len(stopped) >= 6

    for google in stopped:
        said = run(google, *finish)
        versions = google.state["secrets"]["demo-api-keys"]
        newest = max(versions, key=int)
        assert {number for number, value in versions.items() if value} == {newest}
        assert "," not in versions[newest]
        assert "failed" not in said or "nothing to finish" in said


def test_a_dry_run_of_a_rotation_names_every_version_that_would_go() -> None:
    run(google := Google(), "bootstrap")
    run(google, "rotate", "api-keys")

    said = run(Google(google.state, dry_run=True), "rotate", "api-keys", "--finish")

    commands = [line for line in said.splitlines() if line.startswith("gcloud secrets versions destroy")]
    assert [line.split()[4] for line in commands] == ["1", "2"]
    assert len(google.state["secrets"]["demo-api-keys"]) == 2


def test_a_rotation_of_credentials_that_was_stopped_is_finished_by_the_next(tmp_path: Path) -> None:
    for moment in ("before", "after"):
        for number in range(1, 8):
            shutil.rmtree(tmp_path / "config", ignore_errors=True)
            run(google := Google(), "bootstrap", "--set-secrets")
            words = ("rotate", "credentials", "--set-secrets")
            if killed_at(google, (len(google.writes) + number, moment), *words):
                google = Google(google.state)
                said = run(google, *words)
                assert "failed" not in said or "has two keys already" in said, (moment, number, said)
            assert "failed" not in run(google, "rotate", "credentials", "--finish"), (moment, number)
            keys = {email.partition("@")[0]: keys for email, keys in google.state["accounts"].items()}
            assert keys == {"demo-runtime": []} | {f"demo-{who}": ["key1"] for who in Jobs().signing_in}
            assert "key1 of demo-reader" in google.state["github"]["reader"]["GCP_CREDENTIALS"]


def test_destroy_removes_it_all_wherever_an_earlier_one_was_stopped() -> None:
    for number in range(1, 20):
        run(google := Google(), "bootstrap", "--credentials", "oidc")
        was_stopped = killed_at(google, (len(google.writes) + number, "after"), "destroy", "--yes", "demo")

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


def test_destroy_asks_first_and_says_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
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
