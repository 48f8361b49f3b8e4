"""A host that is set up, and its repository on GitHub, without a process: what docker and gh answer to a set-up."""

import json
from itertools import pairwise
from typing import Any

import github_in_memory
from cd4ml.deploy.commands import Command, Effects, Ended, UnreadError
from cloud_in_memory import AskedInMemory
from docker_in_memory import ENVIRONMENT, Docker
from github_in_memory import Json, RefusedError

OWN = {name: value for name, value in ENVIRONMENT.items() if name != "SERVICE_API_KEYS"}
SETTINGS = {"XDG_CONFIG_HOME": "config", "INSIST_PAUSE": "0", "INSIST_PATIENCE": "9"}
CADDY = ("container", "cd4ml-caddy")
READS = ("ls", "list")


class Host(AskedInMemory, Docker):
    """Answers docker and gh. `state` is all that is kept; another run on the same host takes it over."""

    def __init__(self, state: Json | None = None, dry_run: bool = False, **environment: str) -> None:
        super().__init__(OWN | SETTINGS | environment)
        self.dry_run = dry_run
        self.state: Json = state if state is not None else {
            "parts": {}, "files": {}, "containers": {}, "environments": {}, "variables": {}, "github": {},
        }  # fmt: skip
        self.files, self.containers = self.state["files"], self.state["containers"]
        self.parts: dict[tuple[str, str], dict[str, str]] = self.state["parts"]
        self.refused = ""
        """What docker says instead of any answer."""
        self.lost: dict[str, int] = {}
        """How many more of these commands do not reach the host."""
        self.calls: list[Command] = []

    def attempt(self, command: Command) -> Ended:
        self.calls.append(command)
        try:
            if command.argv[0] == "gh":
                return Ended(0, self._gh(command), "")
            return Ended(0, self._docker(command), "")
        except (RefusedError, UnreadError) as refusal:
            return Ended(1, "", f"ERROR: {refusal}")

    def _gh(self, command: Command) -> str:
        argv = command.argv
        is_write = "--method" in argv if argv[1] == "api" else argv[2] not in READS
        if is_write:
            self.begin_write(" ".join(argv[:4]))
        printed: Any = github_in_memory.answer(self.state, argv, dict(pairwise(argv)), command.stdin or "")
        if is_write:
            self.end_write()
        return printed if isinstance(printed, str) else json.dumps(printed)

    def _docker(self, command: Command) -> str:
        if self.refused:
            raise RefusedError(self.refused)
        words = command.argv[3:]
        if words[1] not in READS and self.lost.get(words[0]):
            self.lost[words[0]] -= 1
            raise RefusedError("error during connect: ssh: connect to host model.example.com port 22: timed out")
        if words[1] not in READS and words[-1] != "-":
            assert not self.dry_run, words
            return "" if super().change(command) else self._fail()
        self.has_caddy = CADDY in self.parts
        if "{{json .}}" not in words:
            return Docker.read_text(self, command)
        name = words[words.index("--filter") + 1].removeprefix("name=^").removeprefix("/?").removesuffix("$")
        known = self.parts.get((words[0], name))
        return "" if known is None else json.dumps(known)

    def _fail(self) -> str:
        raise RefusedError("whatever docker says")

    def change(self, command: Command) -> bool:
        assert self.dry_run
        return Effects.change(self, command)

    def _write(self, command: Command) -> None:
        words = command.argv[3:]
        match words[:2]:
            case ("network" | "volume") as kind, "create":
                self.parts[kind, words[-1]] = {"Name": words[-1]}
            case ("network" | "volume" | "container") as kind, "rm":
                del self.parts[kind, words[-1]]
            case "create", "--name":
                labels = ",".join(words[at + 1] for at, word in enumerate(words) if word == "--label")
                self.parts["container", words[2]] = {"Labels": labels, "State": "created"}
            case "start", name if ("container", name) in self.parts:
                self.parts["container", name]["State"] = "running"
            case _:
                super()._write(command)
