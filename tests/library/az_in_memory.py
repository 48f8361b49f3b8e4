"""Container groups without a process: az's commands are read by what they mean, and may be killed."""

import json
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

from cd4ml.deploy.commands import Command, UnreadError
from killable_run import KillableRun

ENVIRONMENT = {
    "AZURE_LOCATION": "westeurope", "AZURE_REGISTRY": "demo.azurecr.io", "SERVICE_API_KEYS": "a-key",
    "SERVICE_START_SECONDS": "0", "SERVICE_ROUND_SECONDS": "0",
}  # fmt: skip
Json = dict[str, Any]


class Az(KillableRun):
    """Gives the answers of az; `kill` ends the run before or after a write, by its number (the first is 1).

    What a group answers is read with `answer`, which takes the place of the requests over HTTPS.
    """

    def __init__(self, groups: dict[str, Json] | None = None, broken: set[str] | None = None, **settings: str) -> None:
        super().__init__("aci", environment=ENVIRONMENT | settings)
        self.groups: dict[str, Json] = {} if groups is None else groups
        self.broken: set[str] = set() if broken is None else broken
        """The images of services that do not start."""
        self.refused: dict[str, str] = {}
        """What az says of a command that fails, by its first two words."""
        self.outputs: dict[str, str] = {}
        self.other_answers: set[str] = set()
        """The groups that say of themselves something else than others with their image."""
        self.after_write: Callable[[], object] = lambda: None
        self.asked: list[str] = []
        """The addresses that a smoke test was sent to, which succeeds."""

    def again(self, **settings: str) -> "Az":
        """Return the same cloud for the next run, which nothing kills."""
        return Az(self.groups, self.broken, **settings)

    def serve(self, revision: str, image: str, group: str = "demo", **tags: str) -> None:
        """Let a group run an image, as a release that ended well leaves it."""
        own = {"revision": revision, "candidate": revision, "step": "served", "previous": "", "previous-image": ""}
        self.groups[group] = {
            "tags": own | tags, "image": image, "size": (1.0, 1.5), "host": f"{group}.example.net", "state": "Running",
        }  # fmt: skip

    def tags(self, group: str = "demo") -> Mapping[str, str]:
        return dict(self.groups[group]["tags"])

    def output(self, name: str, value: str) -> None:
        self.outputs[name] = value

    def answer(self, url: str, path: str) -> str:
        """Return what a group says of itself, or raise OSError where it does not answer."""
        host = str(urllib.parse.urlsplit(url).hostname)
        name, group = next(((name, group) for name, group in self.groups.items() if group["host"] == host), ("", {}))
        if not group or group["image"] in self.broken or group["state"] != "Running":
            raise OSError(f"{host} does not answer")
        return "something else" if name in self.other_answers else str(group["image"])

    def read(self, command: Command) -> Any:
        words = " ".join(command.argv[1:3])
        if words in self.refused:
            raise UnreadError(self.refused[words])
        match command.argv[1:]:
            case ("account", "show", *_):
                return {"id": "1f0e"}
            case ("container", "list", *_):
                return [self._shown(name) for name in self.groups]
            case ("container", "show", *_):
                return self._shown(_after(command, "--name"))
            case ("storage", "account", "keys", "list", *_):
                return [{"value": "key-of-the-share"}]
            case ("identity", "show", *_):
                return {"clientId": "the-identity"}
        raise AssertionError(command.argv)

    def read_text(self, command: Command) -> str:
        assert command.argv[1:3] == ("container", "logs")
        return "\n".join(f"line {number} of {_after(command, '--container-name')}" for number in range(9))

    def code(self, command: Command, stdout: int | None = None, environment: Mapping[str, str] | None = None) -> int:
        assert command.argv[:4] == ("python", "-m", "cd4ml", "smoke")
        self.asked.append(command.argv[5])
        return 0

    def change(self, command: Command) -> bool:
        if self.dry_run:
            return super().change(command)
        self.changed = True
        self.begin_write(" ".join(command.argv[1:3]))
        if self.writes[-1] in self.refused:
            return False
        self._write(command)
        self.after_write()
        self.end_write()
        return True

    def _write(self, command: Command) -> None:
        match command.argv[1:3]:
            case ("container", "create"):
                body = json.loads(str(command.stdin))
                assert _after(command, "--name") == body["name"]
                service = body["properties"]["containers"][0]["properties"]
                requests, label = service["resources"]["requests"], body["properties"]["ipAddress"]["dnsNameLabel"]
                size = (requests["cpu"], requests["memoryInGB"])
                known = self.groups.get(body["name"])
                assert known is None or (known["size"] == size and known["state"] != "Stopped"), "Azure refuses that"
                self.groups[body["name"]] = {
                    "tags": body["tags"], "image": service["image"], "size": size, "state": "Running",
                    "host": f"{label}.westeurope.azurecontainer.io",
                }  # fmt: skip
            case ("container", "delete"):
                self.groups.pop(_after(command, "--name"), None)
            case ("tag", "update"):
                pairs = command.argv[command.argv.index("--tags") + 1 : command.argv.index("--output")]
                group = _after(command, "--resource-id").rpartition("/")[2]
                self.groups[group]["tags"] |= dict(pair.split("=", 1) for pair in pairs)
            case _:
                raise AssertionError(command.argv)

    def _shown(self, name: str) -> Json:
        group = self.groups[name]
        cpu, memory = group["size"]
        if group["image"] in self.broken:
            group["restarts"] = group.get("restarts", 0) + 1  # since it was looked at last
        restarts = group.get("restarts", 0)
        service = {
            "name": "service", "image": group["image"], "resources": {"requests": {"cpu": cpu, "memoryInGb": memory}},
            "instanceView": {"restartCount": restarts, "currentState": {"state": "Waiting" if restarts else "Running"}},
        }  # fmt: skip
        return {
            "name": name, "tags": group["tags"], "ipAddress": {"fqdn": group["host"]}, "containers": [service],
            "provisioningState": "Succeeded", "instanceView": {"state": group["state"]},
        }  # fmt: skip


def _after(command: Command, flag: str) -> str:
    return command.argv[command.argv.index(flag) + 1]
