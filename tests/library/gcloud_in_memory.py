"""One service on Cloud Run, without a process: gcloud's commands are read by what they mean, and may be killed."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from cd4ml.deploy.commands import Command, UnreadError
from killable_run import KillableRun

ENVIRONMENT = {"GCP_PROJECT": "acme", "GCP_REGION": "europe-west1"}


class Gcloud(KillableRun):
    """Gives the answers of gcloud; `kill` ends the run before or after a write, by its number (the first is 1)."""

    def __init__(self, environment: Mapping[str, str] = ENVIRONMENT) -> None:
        super().__init__("cloud-run", environment=environment)
        self.revisions: dict[str, str] = {}
        self.traffic: dict[str, int] = {}
        self.tags: dict[str, str] = {}
        self.exists = False
        self.broken: set[str] = set()
        self.outputs: dict[str, str] = {}
        self.after_write: Callable[[], None] = lambda: None

    def again(self, **environment: str) -> "Gcloud":
        """Return the same cloud for the next run, which nothing kills."""
        other = Gcloud(dict(self.environment) | environment)
        for name in ("revisions", "traffic", "tags", "broken"):
            setattr(other, name, getattr(self, name))
        other.exists = self.exists
        return other

    def output(self, name: str, value: str) -> None:
        self.outputs[name] = value

    def read(self, command: Command) -> Any:
        match command.argv:
            case ("gcloud", "run", "services", "describe", *_) if self.exists:
                lines = self._lines()
                up = [
                    line
                    for line in lines
                    if "tag" not in line or self.revisions[line["revisionName"]] not in self.broken
                ]
                return {"status": {"url": "https://demo", "traffic": up}, "spec": {"traffic": lines}}
            case ("gcloud", "run", "services", "describe", *_):
                raise UnreadError("whatever gcloud says")
            case ("gcloud", "run", "services", "list", *_):
                return [{}] if self.exists else []
            case ("gcloud", "run", "revisions", "list", *_):
                return [self._revision(name) for name in reversed(self.revisions)]
        raise AssertionError(command.argv)

    def change(self, command: Command) -> bool:
        if self.dry_run:
            return super().change(command)
        self.changed = True
        self.begin_write(" ".join(command.argv[1:4]))
        done = self._write(command.argv)
        self.after_write()
        self.end_write()
        return done

    def _write(self, argv: tuple[str, ...]) -> bool:
        given = dict(pairwise(argv))
        match argv[1:3]:
            case ("run", "deploy"):
                name = f"demo-{given['--revision-suffix']}"
                self.exists = True
                self.revisions[name] = given["--image"]
                self.tags["candidate"] = name
                if "--no-traffic" not in argv:
                    self.traffic = {name: 100}
                return given["--image"] not in self.broken
            case ("run", "services") if argv[3] == "delete":
                self.exists, self.revisions, self.traffic, self.tags = False, {}, {}, {}
            case ("run", "services"):
                shares = [share.partition("=") for share in given["--to-revisions"].split(",")]
                self.traffic = {name: int(percent) for name, _, percent in shares}
                if "--remove-tags" in argv:
                    self.tags = {}
                elif "--update-tags" in argv:
                    tag, _, revision = given["--update-tags"].partition("=")
                    self.tags[tag] = revision
        return True

    def _lines(self) -> list[dict[str, Any]]:
        shares = [{"revisionName": name, "percent": percent} for name, percent in self.traffic.items()]
        tags = [{"revisionName": name, "tag": tag, "url": f"https://{tag}---demo"} for tag, name in self.tags.items()]
        return shares + tags

    def _revision(self, name: str) -> dict[str, Any]:
        ready = "False" if self.revisions[name] in self.broken else "True"
        return {
            "metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00.1Z"},
            "spec": {"containers": [{"image": self.revisions[name]}]},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }
