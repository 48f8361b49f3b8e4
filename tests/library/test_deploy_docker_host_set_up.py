"""A host is set up without a process: what bootstrap makes, and what it leaves alone; keys, and the way out."""

import shutil
import stat
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from cd4ml.deploy import caddy
from cd4ml.deploy.docker_host.site import Site, write_site
from github_in_memory import Json
from host_in_memory import CADDY, Host
from setting_up import killed_at, run

FILE = Path("config/demo-keys/service/SERVICE_API_KEYS")
GIVEN = "a-key-that-is-long-enough"
KINDS = ["network", "volume", "volume", "container", "API keys"]
MADE = ["network", "volume", "volume", "create", "cp -", "start"]
SITE = Site("model.example.com", shares={"demo-one": 100})


def rows(said: str) -> list[tuple[str, str]]:
    """The states and kinds of a table's rows."""
    lines = [line for line in said.splitlines() if line.startswith("  ")]
    return [(line[2:11].strip(), line[11:29].strip()) for line in lines]


def settled(state: Json) -> Json:
    """What is kept, without the keys that differ from run to run."""
    kept = deepcopy(state)
    kept["github"] = {place: sorted(secrets) for place, secrets in kept["github"].items()}
    return kept


def serve(host: Host, site: Site = SITE, runs: str = "demo-one") -> None:
    """Let a service be on the host."""
    host.files |= write_site("demo", site)
    host.containers["demo-one"] = {
        "name": "demo-one", "image": "one@sha256:1", "service": "demo", "created": "",
        "state": "running" if runs == "demo-one" else "exited",
    }  # fmt: skip


def test_bootstrap_makes_what_is_missing_once_and_prints_what_github_needs() -> None:
    said = run(host := Host(), "bootstrap")

    assert host.writes == MADE
    assert rows(said) == [("made", kind) for kind in KINDS]
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o600
    assert FILE.read_text().strip() not in said
    for line in (
        "gh variable set DOCKER_HOST_SSH --body ssh://deploy@model.example.com",
        "gh variable set SERVICE_ADDRESS --body model.example.com",
        f"cat {FILE} | gh secret set SERVICE_API_KEYS --env staging",
        f"cat {FILE} | gh secret set SERVICE_API_KEYS --env production",
        "or set all of it on GitHub: uv run cd4ml cloud bootstrap --set-secrets",
        f"the key to ask the service with: cat {FILE}",
    ):
        assert f"\n{line}\n" in said, line
    assert "next: the key with which workflows sign in, and the names in the DNS" in said
    assert "CADDY_NAME" not in said

    again = Host(host.state, CADDY_NAME="cd4ml-caddy")
    said = run(again, "bootstrap")
    assert "everything was there; nothing was changed" in said
    assert "\ngh variable set CADDY_NAME --body cd4ml-caddy\n" in said
    looked = run(again, "doctor")
    assert rows(looked) == [("there", kind) for kind in KINDS] + [("not yet", "service")] * 2
    assert again.writes == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_bootstrap_goes_on_where_it_was_killed(moment: str) -> None:
    run(whole := Host(), "bootstrap", "--set-secrets")
    assert len(whole.writes) > len(MADE)

    for number in range(1, len(whole.writes) + 1):
        shutil.rmtree("config")
        stopped = Host()
        assert killed_at(stopped, (number, moment), "bootstrap", "--set-secrets")
        if number < len(MADE):
            assert "missing or wrong; what is missing: uv run cd4ml cloud bootstrap\n" in run(
                Host(stopped.state), "doctor"
            )

        said = run(Host(stopped.state), "bootstrap", "--set-secrets")

        assert "failed" not in said, (number, said)
        assert settled(stopped.state) == settled(whole.state), whole.writes[number - 1]
        last = Host(stopped.state)
        assert "everything was there; nothing was changed" in run(last, "bootstrap", "--set-secrets")
        assert not last.writes


def test_github_is_told_on_request_and_an_environment_that_is_there_keeps_its_reviewers() -> None:
    host = Host(SERVICE_API_KEYS=GIVEN, SERVICE_CERTIFICATE="internal")
    known = {"branches": ["main"], "deployment_branch_policy": {"protected_branches": False}}
    host.state["environments"] = {"reader": {"branches": []}, "production": known}

    said = run(host, "bootstrap", "--set-secrets")

    made = [write.rpartition(" ")[2] for write in host.writes if write.startswith("gh api")]
    assert len(made) == 3 + 2  # trainer, staging and approval; branches of the last two
    assert set(host.state["environments"]) == {"reader", "trainer", "staging", "approval", "production"}
    assert host.state["environments"]["production"] == known
    assert host.state["github"] == {place: {"SERVICE_API_KEYS": GIVEN} for place in ("staging", "production")}
    assert host.state["variables"] == {
        "repository": {
            "DOCKER_HOST_SSH": "ssh://deploy@model.example.com", "SERVICE_ADDRESS": "model.example.com",
            "SERVICE_CERTIFICATE": "internal",
        }
    }  # fmt: skip
    assert GIVEN not in said + "".join(" ".join(command.argv) for command in host.calls)
    assert "still yours to say: who approves, in https://github.com/acme/flights/settings/environments" in said
    assert not FILE.exists()


def test_a_private_repository_without_environments_holds_it_all_itself() -> None:
    host = Host()
    host.state["plan"] = "free"

    said = run(host, "bootstrap")
    assert "GitHub has no environments for this private repository (plan Free)" in said
    assert f"\ncat {FILE} | gh secret set SERVICE_API_KEYS\n" in said
    said = run(host, "bootstrap", "--set-secrets")

    assert "failed" not in said
    assert host.state["github"] == {"repository": {"SERVICE_API_KEYS": FILE.read_text().strip()}}
    assert set(host.state["variables"]) == {"repository"}
    assert host.state["environments"] == {}
    assert "nothing was changed" in run(Host(host.state), "bootstrap", "--set-secrets")
    said = run(Host(host.state), "rotate", "api-keys")
    assert f"set it on GitHub: cat {FILE} | gh secret set SERVICE_API_KEYS\n" in said


def test_another_caddy_is_replaced_on_request_only() -> None:
    run(old := Host(CADDY_IMAGE="caddy:2.10"), "bootstrap")
    host = Host(old.state, CADDY_IMAGE=caddy.IMAGE)

    old_row = "  old      container         cd4ml-caddy: bootstrap --renew replaces it\n"
    said = run(host, "bootstrap")
    assert old_row in said
    assert "left as they were: 1 (above is why)" in said
    assert "nothing was changed" not in said
    said = run(host, "doctor")
    assert old_row in said
    assert said.endswith("failed: 1 missing or wrong; what is missing: uv run cd4ml cloud bootstrap\n")
    assert host.writes == []

    would = run(Host(old.state, dry_run=True), "bootstrap", "--renew")
    docker = "docker --host ssh://deploy@model.example.com"
    assert [line.partition(docker)[2].split()[0] for line in would.splitlines() if docker in line] == [
        "pull", "container", "create", "cp", "start",
    ]  # fmt: skip

    host.fails = {"pull"}
    failed = "container cd4ml-caddy could not be replaced (above is why): bootstrap --renew tries it again"
    assert run(host, "bootstrap", "--renew").endswith(f"failed: {failed}\n")
    host.fails.clear()
    host.writes.clear()

    said = run(host, "bootstrap", "--renew")
    assert "  made     container         cd4ml-caddy\n" in said
    assert host.writes == ["pull", "container", *MADE[3:]]
    assert "failed" not in run(host, "doctor")


def test_a_lost_connection_does_not_leave_the_services_without_caddy() -> None:
    run(old := Host(CADDY_IMAGE="caddy:2.10"), "bootstrap")
    host = Host(old.state, CADDY_IMAGE=caddy.IMAGE)
    host.lost = {"pull": 2, "start": 2, "container": 9}

    said = run(host, "bootstrap", "--renew")

    assert said.endswith("could not be replaced (above is why): bootstrap --renew tries it again\n")
    assert host.lost == {"pull": 0, "start": 2, "container": 8}, "what may have been done is not done again"
    assert host.parts[CADDY]["State"] == "running"

    host.lost["container"] = 0
    assert "  made     container         cd4ml-caddy\n" in run(host, "bootstrap", "--renew")
    assert host.parts[CADDY]["State"] == "running"


def test_a_caddy_that_does_not_know_where_the_services_are_is_told() -> None:
    run(host := Host(), "bootstrap")
    del host.files["Caddyfile"]

    host = Host(host.state)
    assert "  missing  container         cd4ml-caddy\n" in run(host, "doctor")
    assert "  made     container         cd4ml-caddy\n" in run(host, "bootstrap")
    assert host.writes == ["cp -", "start"]


@pytest.mark.parametrize("number", range(1, 6))
def test_a_renewal_that_was_killed_is_completed_by_bootstrap(number: int) -> None:
    run(host := Host(CADDY_IMAGE="caddy:2.10"), "bootstrap")
    host = Host(host.state)
    assert killed_at(host, (number, "after"), "bootstrap", "--renew")

    assert "failed" not in run(Host(host.state), "bootstrap", "--renew")
    assert f"cd4ml.image={caddy.IMAGE}" in host.parts[CADDY]["Labels"]
    assert host.parts[CADDY]["State"] == "running"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("bootstrap", "--force"), "bootstrap takes --renew, --set-secrets and --dry-run"),
        (("bootstrap", "--credentials", "oidc"), "there are no identities here, and so no --credentials; bootstrap "
         "takes --renew, --set-secrets and --dry-run"),
        (("rotate", "credentials"), "there are no identities here, and so no credentials: rotate takes api-keys"),
        (("rotate", "api-keys", "--set-secrets"), "rotate api-keys takes --finish: it prints what sets them on GitHub"),
        (("destroy", "demo"), "destroy takes --yes demo"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_here_is_refused_in_one_line(words: Sequence[str], message: str) -> None:
    host = Host()
    assert run(host, *words) == f"failed: {message}\n"
    assert not host.calls


def test_a_dry_run_makes_nothing_and_names_everything() -> None:
    host = Host(dry_run=True)

    would = run(host, "bootstrap", "--set-secrets")

    assert "failed" not in would
    assert not host.writes + list(host.parts)
    assert not FILE.exists()
    docker = "docker --host ssh://deploy@model.example.com"
    for command in (
        f"{docker} network create --label made-by=cd4ml cd4ml-caddy",
        f"{docker} volume create --label made-by=cd4ml cd4ml-caddy-data",
        f"{docker} create --name cd4ml-caddy ",
        f"{docker} start cd4ml-caddy",
        f"# a new {FILE}",
        "gh variable set DOCKER_HOST_SSH ",
        "gh secret set SERVICE_API_KEYS ",
    ):
        assert command in would, command


def test_what_cannot_be_read_is_not_taken_for_absent_and_doctor_goes_on() -> None:
    run(host := Host(), "bootstrap")
    host = Host(host.state)
    host.refused = "permission denied while trying to connect"

    said = run(host, "bootstrap")
    refusal = "the host cannot be asked, and nothing was changed: ERROR: permission denied while trying to connect"
    assert said == f"failed: {refusal}\n"
    looked = run(host, "doctor")
    assert rows(looked) == [
        *(("wrong", kind) for kind in KINDS[:-1]),
        ("there", "API keys"),
        *[("wrong", "service")] * 2,
    ]
    assert not host.writes


def test_what_docker_refuses_ends_the_run_and_the_next_goes_on() -> None:
    host = Host()
    host.fails = {"create"}

    said = run(host, "bootstrap")

    assert "whatever docker says" in said
    failure = "container cd4ml-caddy could not be made (above is why): fix that and run bootstrap again"
    assert said.endswith(f"failed: {failure}\n")
    assert not FILE.exists()
    assert rows(run(Host(host.state), "bootstrap")) == [
        *[("there", kind) for kind in KINDS[:3]], *[("made", kind) for kind in KINDS[3:]],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("site", "runs", "row"),
    [
        (SITE, "demo-one", "there    service           demo https://model.example.com"),
        (replace(SITE, candidate="demo-two", previous="demo-one"), "demo-one",
         "wrong    service           demo has a release that did not end: uv run cd4ml cloud restore production"),
        (Site("model.example.com", candidate="demo-one", beside="demo-one"), "demo-one",
         "wrong    service           demo has a release that did not end: uv run cd4ml cloud restore production"),
        (SITE, "", "wrong    service           demo has no running container demo-one: deploy it again"),
        (replace(SITE, address="old.example.com"), "demo-one",
         "wrong    service           demo answers for old.example.com, and not for model.example.com: deploy it again"),
    ],
)  # fmt: skip
def test_doctor_looks_at_services(site: Site, runs: str, row: str) -> None:
    run(host := Host(), "bootstrap")
    serve(host, site, runs)

    said = run(Host(host.state), "doctor")

    assert f"  {row}\n" in said
    assert ("failed: 1 missing or wrong" in said) == row.startswith("wrong")
    assert "  not yet  service           demo-staging: cd deploys it\n" in said


def test_no_new_api_key_locks_out_those_who_have_one() -> None:
    run(host := Host(), "bootstrap")
    serve(host)
    FILE.unlink()

    said = run(Host(host.state), "bootstrap")

    assert (
        f"  wrong    API keys          are not on this machine, though demo has some: bring {FILE}, or export" in said
    )
    assert not FILE.exists()
    assert f"  missing  API keys          {FILE}\n" in run(Host(host.state), "doctor")
    given = run(Host(host.state, SERVICE_API_KEYS=GIVEN), "bootstrap")
    assert "\nprintenv SERVICE_API_KEYS | gh secret set SERVICE_API_KEYS --env production\n" in given


def test_a_new_key_stands_before_the_old_one_until_that_is_finished() -> None:
    host = Host()
    assert run(host, "rotate", "api-keys") == "failed: the API keys cannot be read: uv run cd4ml cloud bootstrap\n"
    run(host, "bootstrap")
    old, said = FILE.read_text().strip(), ""

    said += run(host, "rotate", "api-keys")
    new, known = FILE.read_text().strip().split(",")
    assert known == old
    assert run(Host(host.state, dry_run=True), "rotate", "api-keys", "--finish").startswith(f"# a new {FILE}\n")
    said += run(host, "rotate", "api-keys", "--finish")

    assert FILE.read_text() == f"{new}\n"
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o600
    for environment in ("staging", "production"):
        assert f"set it on GitHub: cat {FILE} | gh secret set SERVICE_API_KEYS --env {environment}\n" in said
    assert not [key for key in (old, new) if key in said]
    assert run(host, "rotate", "api-keys", "--finish") == "failed: there is one key alone: nothing to finish\n"


def test_destroy_asks_first_and_leaves_caddy_to_others() -> None:
    run(host := Host(), "bootstrap")
    serve(host)
    host.writes.clear()
    assert run(host, "destroy", "--yes", "another").endswith("failed: nothing was removed\n")
    assert host.writes == []

    host.files |= write_site("other", Site("other.example.com", shares={"other-1": 100}))
    said = run(host, "destroy", "--yes", "demo")
    assert said.startswith("This removes from ssh://deploy@model.example.com, and nothing here brings it back:\n")
    assert "  service     demo-staging: no container\n  service     demo: demo-one\n" in said
    assert "  Caddy       cd4ml-caddy stays: other\n" in said
    assert host.writes == ["cp -", "cp -", "exec", "rm"]
    assert CADDY in host.parts

    host.files.clear()
    serve(host)
    would = run(Host(host.state, dry_run=True), "destroy")
    assert [line.split()[3] for line in would.splitlines() if line.startswith("docker")] == [
        "rm", "container", "network", "volume", "volume",
    ]  # fmt: skip
    assert "removed; GitHub keeps" in run(host, "destroy", "--yes", "demo")
    assert (host.parts, host.containers) == ({}, {})
    assert FILE.exists()
    assert "failed" not in run(Host(host.state), "destroy", "--yes", "demo")


def test_destroy_removes_it_all_wherever_an_earlier_one_was_stopped() -> None:
    for number in range(1, 6):
        run(host := Host(), "bootstrap")
        serve(host)
        host.writes.clear()
        assert killed_at(host, (number, "after"), "destroy", "--yes", "demo")

        host = Host(host.state)
        assert "failed" not in run(host, "destroy", "--yes", "demo")
        assert (host.parts, host.containers) == ({}, {})


def test_what_docker_does_not_remove_is_told() -> None:
    run(host := Host(), "bootstrap")
    host.fails = {"network"}

    said = run(host, "destroy", "--yes", "demo")

    assert "whatever docker says" in said
    assert said.endswith("failed: some could not be removed (above is why): run this again\n")
    assert list(host.parts) == [("network", "cd4ml-caddy")]
