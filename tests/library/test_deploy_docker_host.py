"""A release to a host without a process: what a run that is killed leaves, and what the next one makes of it."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cd4ml.deploy import caddy
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.counted_requests import CountedRequests
from cd4ml.deploy.docker_host import connection, engine, steps
from cd4ml.deploy.docker_host.canary import count, counted
from cd4ml.deploy.docker_host.platform import DockerHost
from cd4ml.deploy.docker_host.service import Container, Service, litter
from cd4ml.deploy.docker_host.settings import read_host, read_runtime
from cd4ml.deploy.docker_host.site import Site, at_rest, pack, read_site, share_of_requests, unpack, write_site
from cd4ml.deploy.release import Release
from cd4ml.deploy.verbs import Verbs
from cd4ml.errors import UserError
from cd4ml.serving.key_digests import written
from cd4ml.settings.project import Project, read_project
from docker_in_memory import ENVIRONMENT, VARIABLES, Docker
from killable_run import KilledError

ONE, TWO, THREE = (f"ghcr.io/acme/demo@sha256:{digit * 64}" for digit in "123")


@pytest.fixture
def project() -> Project:
    """A project in the working directory."""
    section = 'package = "demo"\nplatform = "docker-host"\ncredentials = "service-account"\nregistry = "ghcr"\n'
    Path("pyproject.toml").write_text(f'[project]\nname = "demo"\n[tool.cd4ml]\n{section}', encoding="utf-8")
    return read_project()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Docker:
    """A host with Caddy, whose candidates are ready when their container runs."""
    docker = Docker()

    def ready(url: str, seconds: float) -> str:
        site = read_site("demo", docker.loaded["demo.site"])
        assert site is not None
        assert url == "https://model.example.com/.candidate"
        if site.beside not in docker.running:
            raise UserError("no answer")
        return "ready"

    monkeypatch.setattr(engine, "wait_until_ready", ready)
    return docker


@pytest.fixture
def live(host: Docker) -> Docker:
    """A service that serves ONE as demo-one."""
    return serving(host, "demo-one", ONE)


def serving(docker: Docker, name: str, image: str) -> Docker:
    docker.containers[name] = {
        "name": name, "image": image, "service": "demo", "state": "running", "created": "2025", "variables": VARIABLES,
    }  # fmt: skip
    docker.files |= write_site("demo", Site("model.example.com", shares={name: 100}))
    docker.loaded = dict(docker.files)
    return docker


def release(project: Project, docker: Docker, expected: str = "") -> Release[Service]:
    return Release(DockerHost(project, docker), docker, expected)


def site(docker: Docker) -> Site:
    """What Caddy does, which is what the file says."""
    assert docker.files == docker.loaded
    assert docker.live is not None
    return docker.live


def at_rest_with(docker: Docker, revision: str) -> None:
    """A revision serves alone, and nothing else runs."""
    now = site(docker)
    assert (now.shares, now.candidate, now.previous, now.beside) == ({revision: 100}, "", "", "")
    assert docker.running == {revision}
    assert set(docker.containers) <= {revision, *now.kept}


def test_a_release_writes_its_intent_first_and_ends_with_one_container(project: Project, live: Docker) -> None:
    release(project, live).deploy(TWO, "production")
    assert live.writes == ["cp -", "exec", "pull", "run"]
    candidate = live.outputs["revision"]
    assert site(live).shares == {"demo-one": 100}
    assert (site(live).candidate, site(live).previous) == (candidate, "demo-one")

    release(project, live, candidate).promote("production", 10)
    assert site(live).shares == {candidate: 10, "demo-one": 90}
    release(project, live, candidate).promote("production", 100)
    at_rest_with(live, candidate)
    assert live.containers["demo-one"]["state"] == "exited"
    assert site(live).kept == ("demo-one",)


@pytest.mark.parametrize("write", range(1, 5))
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("then", ["restore", "deploy"])
def test_the_next_run_undoes_a_deploy_that_was_killed(
    project: Project, live: Docker, write: int, moment: str, then: str
) -> None:
    live.kill = (write, moment)
    with pytest.raises(KilledError):
        release(project, live).deploy(TWO, "production")
    assert live.live is not None
    assert live.live.shares == {"demo-one": 100}

    live.kill = None
    live.writes.clear()
    if then == "deploy":
        release(project, live).deploy(THREE, "production")
        assert live.containers[live.outputs["revision"]]["image"] == THREE
        assert live.running == {"demo-one", live.outputs["revision"]}
    release(project, live).restore("production")
    at_rest_with(live, "demo-one")


@pytest.mark.parametrize("write", range(1, 6))
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("then", ["promote", "restore"])
def test_a_promotion_that_was_killed_is_ended_or_undone(
    project: Project, live: Docker, write: int, moment: str, then: str
) -> None:
    release(project, live).deploy(TWO, "production")
    candidate = live.outputs["revision"]
    live.writes.clear()
    live.kill = (write, moment)
    with pytest.raises(KilledError):
        release(project, live, candidate).promote("production", 100)
    assert live.live is not None
    assert set(live.live.shares) <= live.running

    live.kill = None
    if then == "promote":
        release(project, live, candidate).promote("production", 100)
        at_rest_with(live, candidate)
    release(project, live, candidate).restore("production", "demo-one")
    at_rest_with(live, "demo-one")


@pytest.mark.parametrize("write", range(1, 9))
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("then", ["the same", "whatever is under way"])
def test_a_way_back_that_was_killed_is_gone_to_the_end(
    project: Project, live: Docker, write: int, moment: str, then: str
) -> None:
    release(project, live).deploy(TWO, "production")
    release(project, live).promote("production", 100)
    bad = live.outputs["revision"]
    live.writes.clear()
    live.kill = (write, moment)
    with pytest.raises(KilledError):
        release(project, live).restore("production", "demo-one")
    assert live.live is not None
    assert set(live.live.shares) <= live.running

    live.kill = None
    if then == "the same":
        release(project, live).restore("production", "demo-one")
        at_rest_with(live, "demo-one")
        assert site(live).kept == (bad,)
        return
    release(project, live).restore("production")
    told = read_site("demo", live.files["demo.site"])
    assert live.live is not None
    assert told is not None
    assert told.shares == live.live.shares, "what is written down is not what Caddy does"


@pytest.mark.parametrize("write", range(1, 10))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_first_release_that_was_killed_is_removed_or_ended(
    project: Project, host: Docker, write: int, moment: str
) -> None:
    host.kill = (write, moment)
    with pytest.raises(KilledError):  # noqa: PT012 - either of both
        release(project, host).deploy(ONE, "production")
        release(project, host).promote("production", 100)
        raise KilledError  # there are eight writes

    host.kill = None
    release(project, host).deploy(TWO, "production")
    release(project, host).promote("production", 100)
    at_rest_with(host, host.outputs["revision"])
    assert host.containers[host.outputs["revision"]]["image"] == TWO


def test_a_first_release_that_serves_already_is_not_taken_away_by_the_next(project: Project, host: Docker) -> None:
    release(project, host).deploy(ONE, "production")
    first = host.outputs["revision"]
    host.writes.clear()
    host.kill = (2, "after")
    with pytest.raises(KilledError):
        release(project, host).promote("production", 100)
    host.kill = None
    release(project, host).deploy(TWO, "production")
    assert site(host).shares == {first: 100}
    assert site(host).previous == first
    assert host.running == {first, host.outputs["revision"]}


def test_a_candidate_that_does_not_come_up_is_taken_back(
    project: Project, live: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    live.broken.add(TWO)
    with pytest.raises(CloudError, match=f"not deployed: {TWO}"):
        release(project, live).deploy(TWO, "production")
    at_rest_with(live, "demo-one")
    assert list(live.containers) == ["demo-one"]
    assert "did not come up, and is restarting" in capsys.readouterr().err


@pytest.mark.parametrize("fails", ["pull", "run"])
def test_an_image_that_cannot_be_had_changes_nothing(project: Project, live: Docker, fails: str) -> None:
    live.fails.add(fails)
    with pytest.raises(CloudError, match="not deployed"):
        release(project, live).deploy(TWO, "production")
    at_rest_with(live, "demo-one")


def test_what_a_first_release_left_that_failed_is_removed(project: Project, host: Docker) -> None:
    host.broken.add(ONE)
    with pytest.raises(CloudError, match="not deployed"):
        release(project, host).deploy(ONE, "production")
    assert (host.live, host.containers) == (None, {})


def test_a_step_of_a_release_that_was_overtaken_does_nothing(
    project: Project, live: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    release(project, live).deploy(TWO, "production")
    live.writes.clear()
    with pytest.raises(CloudError, match="another deploy has taken over: the candidate is"):
        release(project, live, "demo-mine").promote("production", 100)
    release(project, live, "demo-mine").restore("production", "demo-one")
    assert "another deploy has taken over, with" in capsys.readouterr().out
    assert not live.writes


def test_a_run_that_read_a_service_before_another_changed_it_writes_nothing(project: Project, live: Docker) -> None:
    ours = DockerHost(project, live)
    read = ours.look("production")
    release(project, live).deploy(TWO, "production")
    live.writes.clear()
    with pytest.raises(CloudError, match="another deploy has changed demo meanwhile"):
        ours.back_to(read, "demo-one")
    assert not live.writes


def test_a_rollback_starts_the_container_that_was_kept_or_deploys_the_image_again(
    project: Project, live: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(project, live).deploy(TWO, "production")
    release(project, live).promote("production", 100)
    verbs = Verbs(DockerHost(project, live), live, "python")
    verbs.run("rollback", ["production", ONE.partition("@")[2]])
    at_rest_with(live, "demo-one")

    monkeypatch.setattr(verbs, "_answers", lambda environment: True)
    verbs.run("rollback", ["production", THREE.partition("@")[2]])
    at_rest_with(live, live.outputs["revision"])
    assert live.containers[live.outputs["revision"]]["image"] == THREE


@pytest.mark.parametrize(
    ("keys", "log"),
    [("a-key-that-nobody-else-has", "off"), (ENVIRONMENT["SERVICE_API_KEYS"], "stdout")],
    ids=["other keys", "another log"],
)
def test_a_rollback_starts_no_container_with_the_keys_or_the_log_of_another_time(
    project: Project, live: Docker, monkeypatch: pytest.MonkeyPatch, keys: str, log: str
) -> None:
    project = replace(project, prediction_log=log)
    live.environment = ENVIRONMENT | {"SERVICE_API_KEYS": keys}
    release(project, live).deploy(TWO, "production")
    release(project, live).promote("production", 100)
    two = live.outputs["revision"]
    live.writes.clear()

    verbs = Verbs(DockerHost(project, live), live, "python")
    monkeypatch.setattr(verbs, "_answers", lambda environment: True)
    verbs.run("rollback", ["production", ONE.partition("@")[2]])

    assert "start" not in live.writes
    at_rest_with(live, live.outputs["revision"])
    made = live.containers[live.outputs["revision"]]
    assert made["image"] == ONE
    assert f"SERVICE_API_KEYS={written(keys)}" in made["variables"].split()
    assert ("PREDICTION_LOG=stdout" in made["variables"]) == (log == "stdout")
    live.writes.clear()
    verbs.run("rollback", ["production", TWO.partition("@")[2]])
    at_rest_with(live, two)
    assert "run" not in live.writes


def test_a_release_with_new_keys_is_undone_at_once(project: Project, live: Docker) -> None:
    live.environment = ENVIRONMENT | {"SERVICE_API_KEYS": "a-key-that-nobody-else-has"}
    for end in ("restore", "rollback"):
        release(project, live).deploy(TWO, "production")
        live.writes.clear()
        words = [ONE.partition("@")[2]] if end == "rollback" else []
        Verbs(DockerHost(project, live), live, "python").run(end, ["production", *words])
        at_rest_with(live, "demo-one")
        assert not {"run", "start", "pull"} & set(live.writes)

    release(project, live).deploy(TWO, "production")
    release(project, live).promote("production", 100)
    live.writes.clear()
    release(project, live, live.outputs["revision"]).restore("production", "demo-one")  # as cd does
    at_rest_with(live, "demo-one")
    assert "run" not in live.writes


def test_a_rollback_to_what_served_before_a_promotion_that_was_killed_deploys_nothing(
    project: Project, live: Docker
) -> None:
    release(project, live).deploy(TWO, "production")
    live.writes.clear()
    live.kill = (1, "after")
    with pytest.raises(KilledError):
        release(project, live).promote("production", 100)
    live.kill = None
    live.writes.clear()
    Verbs(DockerHost(project, live), live, "python").run("rollback", ["production", ONE.partition("@")[2]])
    at_rest_with(live, "demo-one")
    assert not {"run", "start", "pull"} & set(live.writes)


def test_a_rollback_to_a_container_that_was_kept_wants_to_know_the_keys(project: Project, live: Docker) -> None:
    release(project, live).deploy(TWO, "production")
    release(project, live).promote("production", 100)
    live.environment = ENVIRONMENT | {"SERVICE_API_KEYS": "", "HOME": "nowhere"}
    live.writes.clear()
    with pytest.raises(CloudError, match="SERVICE_API_KEYS is not set"):
        Verbs(DockerHost(project, live), live, "python").run("rollback", ["production", ONE.partition("@")[2]])
    assert not live.writes


METRICS = """# TYPE http_requests_total counter
http_requests_total{path="/predict",status="200"} 950.0
http_requests_total{path="/predict",status="500"} %d.0
http_requests_total{path="/health/ready",status="503"} 1e+03
http_requests_created{path="/predict",status="500"} 1.7e+09
"""


def test_a_canary_is_judged_by_what_the_candidate_counted() -> None:
    assert count(METRICS % 50) == (1000, 50)
    service = Service("production", "demo", Site("model.example.com", candidate="demo-two"))
    with pytest.raises(CloudError, match="demo-two answered 50 of 1000 requests with 5xx, more than 1 %"):
        CountedRequests(service, {}, lambda: counted(lambda: METRICS % 50)).look()
    for text, words in ((METRICS % 9, "9 of 959 requests answered with 5xx"), ("", "probes only")):
        judge = CountedRequests(service, {}, lambda text=text: counted(lambda: text))  # type: ignore[misc]
        assert judge.look() == ""
        assert words in judge.verdict(1, 5)


def test_no_more_than_three_containers_are_kept(project: Project, live: Docker) -> None:
    for digit in "23456789":
        release(project, live).deploy(f"ghcr.io/acme/demo@sha256:{digit * 64}", "production")
        release(project, live).promote("production", 100)
    assert len(live.containers) == 4
    assert "demo-one" not in live.containers


def test_a_host_that_was_not_set_up_says_so(project: Project, host: Docker) -> None:
    host.has_caddy = False
    with pytest.raises(CloudError, match="the host has no cd4ml-caddy yet: uv run cd4ml cloud bootstrap"):
        release(project, host).deploy(ONE, "production")


def test_two_services_cannot_answer_for_one_name() -> None:
    project = Project("demo", "", "demo", "docker-host", "service-account", "ghcr")
    taken = Service("production", "demo", addresses={"model.example.com": "other"})
    with pytest.raises(CloudError, match="is what other answers for on this host"):
        DockerHost(project, Docker()).settle(taken)


def test_a_site_is_read_as_it_was_written() -> None:
    shared = Site("model.example.com", "internal", {"a": 10, "b": 90}, "a", "b", "a", ("c",))
    files = write_site("demo", shared)
    assert read_site("demo", files["demo.site"]) == shared
    assert read_site("demo", write_site("demo", None)["demo.site"]) is None
    assert "tls internal" in files["demo.site"]
    assert unpack(pack(files)) == files
    with pytest.raises(CloudError, match=r"demo\.site in Caddy's volume was changed by hand"):
        read_site("demo", "model.example.com {\n}\n")


def test_traffic_is_moved_by_files_and_the_configuration_stays() -> None:
    """A reload of Caddy would close connections that it has accepted and not read from."""
    site = Site("model.example.com", shares={"one": 100})
    begun = replace(site, candidate="two", previous="one", beside="two")
    shared = replace(begun, shares={"two": 25, "one": 75})
    course = [site, begun, shared, replace(begun, shares={"two": 100}), at_rest(shared, "two"), at_rest(shared, "one")]
    answering = [write_site("demo", one) for one in course]
    configurations = {files.pop("demo.site").partition("\n")[2] for files in answering}
    assert len(configurations) == 1
    assert [tuple(files.values()) for files in answering] == [
        ("one", "one", "none"),
        ("one", "two", "none"),
        ("one", "two", "^([0123].)"),
        ("two", "two", "none"),
        ("two", "two", "none"),
        ("one", "one", "none"),
    ]


@pytest.mark.parametrize("percent", [0, 1, 10, 50, 99, 100])
def test_a_share_is_that_of_the_ids_of_requests(percent: int) -> None:
    pattern = re.compile(share_of_requests(percent))
    matched = sum(bool(pattern.search(f"{number:02x}52a4b0-1f0e-4a52-9b7e-2f6d3c1a0b9c")) for number in range(256))
    assert matched == round(256 * percent / 100)


def test_what_served_is_kept_and_a_candidate_that_never_did_is_not() -> None:
    under_way = Site("m", "public", {"two": 10, "one": 90}, "two", "one", "two", ("zero",))
    assert at_rest(under_way, "one") == Site("m", "public", {"one": 100}, kept=("zero",))
    assert at_rest(replace(under_way, shares={"two": 100}), "two").kept == ("one", "zero")
    assert at_rest(Site("m", shares={"two": 100}, kept=("one", "zero")), "one").kept == ("two", "zero")

    known = tuple(Container(name, "", state, "") for name, state in
                  {"two": "running", "one": "running", "zero": "running", "failed": "exited"}.items())  # fmt: skip
    assert litter(Service("production", "demo", at_rest(under_way, "one"), known)) == (["zero"], ["two", "failed"])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DOCKER_HOST_SSH", "tcp://model.example.com:2375", "DOCKER_HOST_SSH names the host"),
        ("DOCKER_HOST_SSH", "ssh://-oProxyCommand=x", "DOCKER_HOST_SSH names the host"),
        ("SERVICE_ADDRESS", "model.example.com {", "SERVICE_ADDRESS is the name"),
        ("SERVICE_MEMORY", "512Mi", "SERVICE_MEMORY is a size, such as 512m"),
        ("SERVICE_CERTIFICATE", "none", "SERVICE_CERTIFICATE is public"),
    ],
)
def test_a_setting_that_is_not_plain_is_refused(name: str, value: str, words: str) -> None:
    with pytest.raises(CloudError, match=words):
        read_host("demo", ENVIRONMENT | {name: value})


def test_the_service_gets_digests_of_its_keys_and_none_is_no_service() -> None:
    host, runtime = read_host("demo", ENVIRONMENT), read_runtime({}, "a-key-that-is-long-enough", "stdout")
    command = steps.run(host, "demo", "demo-1", ONE, runtime)
    assert "a-key-that-is-long-enough" not in " ".join(command.argv)
    assert "sha256" not in command.pasted().partition("SERVICE_API_KEYS")[2].partition("--env")[0]
    assert '--env SERVICE_API_KEYS="${SERVICE_API_KEY_DIGESTS:?}" --env PREDICTION_LOG=stdout' in command.pasted()
    with pytest.raises(CloudError, match="would be open to anybody"):
        read_runtime({}, " , ", "")
    assert host.name_of("staging") == "model-staging.example.com"
    assert "@sha256:" in caddy.IMAGE


def test_what_a_dry_run_prints_of_files_makes_them_in_any_shell() -> None:
    host = read_host("demo", ENVIRONMENT)
    for shown in (Site("model.example.com", shares={"demo-1": 90, "demo-2": 10}, candidate="demo-2"), None):
        command = steps.put(host, "demo", shown)
        packed, bar, docker = command.pasted().rpartition(" | ")
        assert bar
        assert docker == "docker --host ssh://deploy@model.example.com cp - cd4ml-caddy:/sites"
        done = subprocess.run(["sh", "-c", packed], capture_output=True, text=True, check=True)
        assert unpack(done.stdout) == unpack(command.stdin or "") == write_site("demo", shown)
    assert steps.put_main(host).pasted().startswith("(umask 022; ")


def test_ssh_trusts_the_hosts_that_are_known_and_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = connection.files("/run/x y", "/usr/bin/ssh", " KEY\n", "host ssh-ed25519 AAAA")
    assert files["ssh"].splitlines()[1] == "exec /usr/bin/ssh -F '/run/x y/config' \"$@\""
    for line in ("StrictHostKeyChecking yes", "BatchMode yes", 'UserKnownHostsFile "/run/x y/known_hosts"'):
        assert line in files["config"].splitlines()

    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(CloudError, match="an unknown host is not trusted"):
        connection.sign_in({"DOCKER_HOST_KEY": "KEY"})
    folder = connection.sign_in(
        {"DOCKER_HOST_KEY": "KEY", "DOCKER_HOST_KNOWN_HOSTS": "x", "RUNNER_TEMP": str(tmp_path)}
    )
    assert folder is not None
    assert {path.name: path.stat().st_mode & 0o777 for path in Path(folder.name).iterdir()} == {
        "ssh": 0o700, "key": 0o600, "known_hosts": 0o600, "config": 0o600,
    }  # fmt: skip
    folder.cleanup()
    assert list(tmp_path.iterdir()) == []
