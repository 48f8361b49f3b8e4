"""A host with Docker and Caddy, without a process: docker's commands are read by what they mean, and may be killed."""

import json
from collections.abc import Mapping

from cd4ml.deploy.commands import Command, UnreadError
from cd4ml.deploy.docker_host.site import Site, pack, read_site, unpack
from cd4ml.serving.key_digests import written
from killable_run import KillableRun

ENVIRONMENT = {
    "DOCKER_HOST_SSH": "ssh://deploy@model.example.com",
    "SERVICE_ADDRESS": "model.example.com",
    "SERVICE_API_KEYS": "a-key-that-is-long-enough",
}


VARIABLES = f"PORT=8000 SERVICE_API_KEYS={written(ENVIRONMENT['SERVICE_API_KEYS'])}"
"""What such a run gives a container."""


class Docker(KillableRun):
    """Gives the answers of docker; `kill` ends the run before or after a write, by its number (the first is 1)."""

    def __init__(self, environment: Mapping[str, str] = ENVIRONMENT) -> None:
        super().__init__("docker-host", environment=environment)
        self.files: dict[str, str] = {}
        self.loaded: dict[str, str] = {}
        """What Caddy has read."""
        self.containers: dict[str, dict[str, str]] = {}
        self.broken: set[str] = set()
        """Images whose containers end at once."""
        self.fails: set[str] = set()
        """Commands that fail."""
        self.outputs: dict[str, str] = {}
        self.has_caddy = True

    def again(self) -> "Docker":
        """Return the same host for the next run, which nothing kills."""
        other = Docker(self.environment)
        for name in ("files", "loaded", "containers", "broken"):
            setattr(other, name, getattr(self, name))
        return other

    @property
    def live(self) -> Site | None:
        """What Caddy does for the service: files that move traffic hold at once, and others when they are loaded."""
        nothing = "# cd4ml null\n"
        loaded, put = (files.get("demo.site", nothing) for files in (self.loaded, self.files))
        return read_site("demo", put if _configuration(put) == _configuration(loaded) else loaded)

    @property
    def running(self) -> set[str]:
        return {name for name, known in self.containers.items() if known["state"] == "running"}

    def output(self, name: str, value: str) -> None:
        self.outputs[name] = value

    def read(self, command: Command) -> list[str]:
        assert command.argv[3:5] == ("container", "inspect")
        return ["PATH=/app/.venv/bin", *self.containers[command.argv[-1]]["variables"].split()]

    def read_text(self, command: Command) -> str:
        words = command.argv[3:]
        match words[:2]:
            case ("container", "ls") if "{{json .}}" in words:
                return "{}" if self.has_caddy else ""
            case ("container", "ls"):
                service = _service(words)
                own = [known for known in reversed(self.containers.values()) if known["service"] == service]
                return "\n".join(json.dumps(known) for known in own)
            case ("cp", "cd4ml-caddy:/sites"):
                if not self.has_caddy:
                    raise UnreadError("whatever docker says")
                return pack(self.files or {"Caddyfile": ""})
        raise AssertionError(words)

    def code(self, command: Command, stdout: int | None = None, environment: Mapping[str, str] | None = None) -> int:
        assert command.argv[3] == "logs"
        return 0

    def change(self, command: Command) -> bool:
        if self.dry_run:
            return super().change(command)
        self.changed = True
        self.begin_write(" ".join(command.argv[3:5] if command.argv[3] == "cp" else command.argv[3:4]))
        if command.argv[3] in self.fails:
            return False
        self._write(command)
        self.end_write()
        return True

    def _write(self, command: Command) -> None:
        words = command.argv[3:]
        match words[0]:
            case "cp":
                self.files |= unpack(command.stdin or "")
            case "exec":
                self.loaded = dict(self.files)
            case "run":
                name = words[words.index("--name") + 1]
                self.containers[name] = {
                    "name": name, "image": words[-1], "service": _service(words),
                    "state": "restarting" if words[-1] in self.broken else "running",
                    "created": f"2026-01-01 00:00:{len(self.containers):02}",
                    "variables": " ".join(words[at + 1] for at, word in enumerate(words) if word == "--env"),
                }  # fmt: skip
            case "start" | "stop":
                for name in words[3:] if words[0] == "stop" else words[1:]:
                    self.containers[name]["state"] = "running" if words[0] == "start" else "exited"
            case "rm":
                for name in words[3:]:
                    del self.containers[name]
            case other:
                assert other == "pull"


def _configuration(text: str) -> str:
    return text.partition("\n")[2]


def _service(words: tuple[str, ...]) -> str:
    """Return the service that a command names in a label."""
    return next(word for word in words if "cd4ml.service=" in word).rpartition("=")[2]
