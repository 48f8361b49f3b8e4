"""A host is set up without a process: what bootstrap makes, and what it leaves alone; keys, and the way out."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from cd4ml.deploy import caddy
from cd4ml.deploy.commands import CloudError, Command, Effects
from cd4ml.deploy.docker_host.set_up import SetUp
from cd4ml.deploy.docker_host.settings import read_host
from cd4ml.deploy.docker_host.site import Site, pack, unpack, write_site
from cd4ml.settings.project import Project
from docker_in_memory import ENVIRONMENT
from killable_run import KilledError

PROJECT = Project("demo", "https://github.com/acme/demo", "demo", "docker-host", "service-account", "ghcr")
MADE = ["network create", "volume create", "volume create", "create --name", "cp -", "start cd4ml-caddy"]


class Parts(Effects):
    """The parts of a host; `kill` ends the run after a write, by its number (the first is 1)."""

    def __init__(self, folder: Path, **environment: str) -> None:
        own = {name: value for name, value in ENVIRONMENT.items() if name != "SERVICE_API_KEYS"}
        super().__init__("docker-host", environment=own | {"XDG_CONFIG_HOME": str(folder)} | environment)
        self.parts: dict[tuple[str, str], dict[str, str]] = {}
        self.files: dict[str, str] = {}
        self.containers: list[str] = []
        self.writes: list[str] = []
        self.kill = 0
        self.told: list[tuple[str, str | None]] = []
        """What GitHub was told, with what it read."""

    def read_text(self, command: Command) -> str:
        if command.argv[0] == "gh":
            return "production\nreader"
        words = command.argv[3:]
        if words[0] == "cp":
            return pack(self.files or {"nothing": ""})
        if "cd4ml.service=demo" in " ".join(words) and "--no-trunc" in words:
            names = [] if "staging" in " ".join(words) else self.containers
            return "\n".join(json.dumps({"name": name}) for name in names)
        name = words[words.index("--filter") + 1].removeprefix("name=^").removeprefix("/?").removesuffix("$")
        known = self.parts.get((words[0], name))
        return "" if known is None else json.dumps(known)

    def change(self, command: Command) -> bool:
        words = command.argv[3:] if command.argv[0] == "docker" else command.argv
        if command.argv[0] == "gh":
            self.told.append((" ".join(command.argv), command.stdin))
            return True
        self.writes.append(" ".join(words[:2]))
        match words[:2]:
            case ("network" | "volume") as kind, "create":
                self.parts[kind, words[-1]] = {"Name": words[-1]}
            case "create", "--name":
                labels = ",".join(words[at + 1] for at, word in enumerate(words) if word == "--label")
                self.parts["container", words[2]] = {"Labels": labels, "State": "created"}
            case "cp", "-":
                self.files |= unpack(command.stdin or "")
            case "start", name:
                self.parts["container", name]["State"] = "running"
            case ("container" | "network" | "volume") as kind, "rm":
                del self.parts[kind, words[-1]]
            case "rm", _:
                self.containers = [name for name in self.containers if name not in words]
        if len(self.writes) == self.kill:
            raise KilledError
        return True


@pytest.fixture
def host(tmp_path: Path) -> Parts:
    """A host on which nothing is."""
    return Parts(tmp_path)


def set_up(host: Parts, environment: Mapping[str, str] | None = None) -> SetUp:
    host.environment = {**host.environment, **(environment or {})}
    return SetUp(read_host("demo", host.environment), PROJECT, host)


def test_bootstrap_makes_what_is_missing_once_and_prints_what_github_needs(
    host: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(host).bootstrap()
    assert host.writes == MADE
    keys = tmp_path / "demo-keys/service/SERVICE_API_KEYS"
    assert keys.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr().out
    assert keys.read_text() not in said
    assert f"gh secret set SERVICE_API_KEYS --repo acme/demo --env production < {keys}" in said
    assert "gh variable set DOCKER_HOST_SSH --repo acme/demo --body ssh://deploy@model.example.com" in said

    host.writes.clear()
    set_up(host).bootstrap()
    set_up(host).doctor()
    assert host.writes == []


@pytest.mark.parametrize("write", range(1, len(MADE) + 1))
def test_bootstrap_goes_on_where_it_was_killed(host: Parts, write: int) -> None:
    host.kill, keys = write, {"SERVICE_API_KEYS": "a-key-that-is-long-enough"}
    with pytest.raises(KilledError):
        set_up(host, keys).bootstrap()
    if write < len(MADE):
        with pytest.raises(CloudError, match="not everything is there"):
            set_up(host).doctor()

    host.kill = 0
    set_up(host).bootstrap()
    set_up(host).doctor()


def test_github_is_told_on_request_and_an_environment_that_is_there_keeps_its_reviewers(
    host: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(host, {"SERVICE_API_KEYS": "a-key-that-is-long-enough"}).bootstrap("--set-secrets")

    made = [words for words, _ in host.told if words.startswith("gh api")]
    assert [words.split()[5] for words in made if "PUT" in words] == [
        f"repos/acme/demo/environments/{name}" for name in ("trainer", "staging", "approval")
    ]
    assert sum("deployment-branch-policies -f name=main" in words for words in made) == 2
    assert [words.split()[-1] for words, keys in host.told if keys == "a-key-that-is-long-enough"] == [
        "staging", "production",
    ]  # fmt: skip
    assert "a-key" not in capsys.readouterr().out + "".join(words for words, _ in host.told)


def test_another_caddy_is_replaced_on_request_only(host: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(host, {"CADDY_IMAGE": "caddy:2.10"}).bootstrap()
    host.writes.clear()
    renewed = set_up(host, {"CADDY_IMAGE": caddy.IMAGE})
    renewed.bootstrap()
    assert host.writes == []
    assert "old      container" in capsys.readouterr().out
    renewed.bootstrap("--renew")
    assert host.writes == ["pull --quiet", "container rm", *MADE[3:]]
    renewed.doctor()
    with pytest.raises(CloudError, match="bootstrap takes --renew and --set-secrets"):
        renewed.bootstrap("--force")


def test_a_new_key_stands_before_the_old_one_until_that_is_finished(
    host: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CloudError, match="bootstrap"):
        set_up(host).rotate("api-keys")
    set_up(host).bootstrap()
    file = tmp_path / "demo-keys/service/SERVICE_API_KEYS"
    old = file.read_text()
    set_up(host).rotate("api-keys")
    new, known = file.read_text().split(",")
    assert known == old
    set_up(host).rotate("api-keys", "--finish")
    assert file.read_text() == new
    assert new not in capsys.readouterr().out
    with pytest.raises(CloudError, match="one key alone"):
        set_up(host).rotate("api-keys", "--finish")


def test_destroy_asks_first_and_leaves_caddy_to_others(host: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(host).bootstrap()
    host.containers = ["demo-one"]
    host.writes.clear()
    with pytest.raises(CloudError, match="nothing was removed"):
        set_up(host).destroy("--yes", "another")
    assert host.writes == []

    host.files = write_site("other", Site("other.example.com", shares={"other-1": 100}))
    set_up(host).destroy("--yes", "demo")
    assert host.writes == ["cp -", "cp -", "exec cd4ml-caddy", "rm --force"]
    assert "stays: other" in capsys.readouterr().out

    host.files, host.containers = {}, ["demo-one"]
    set_up(host).destroy("--yes", "demo")
    assert (host.parts, host.containers) == ({}, [])
    set_up(host).destroy("--yes", "demo")
