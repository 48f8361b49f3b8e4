"""Set a host up for a project, look what is there, change the API keys, and remove it all again."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cd4ml.deploy import caddy
from cd4ml.deploy.api_keys import key_file, read_keys
from cd4ml.deploy.commands import CloudError, Command, Effects, UnreadError
from cd4ml.deploy.docker_host import github, steps
from cd4ml.deploy.docker_host.settings import Host
from cd4ml.deploy.docker_host.site import ENDING, MAIN, MAIN_TEXT, read_site, unpack
from cd4ml.deploy.names import ENVIRONMENTS, SCRIPT
from cd4ml.serving.key_digests import new_key
from cd4ml.settings.project import Project


@dataclass(frozen=True)
class Part:
    """Something that bootstrap makes: how it is now, and the commands that make it so."""

    kind: str
    name: str
    state: str
    """`there`, `missing`, or `old`."""
    commands: tuple[Command, ...] = ()


class SetUp:
    """The verbs besides those of a release."""

    def __init__(self, host: Host, project: Project, effects: Effects) -> None:
        self.host, self.project, self.effects = host, project, effects
        self.image = effects.environment.get("CADDY_IMAGE") or caddy.IMAGE
        self.keys = key_file(host.slug, effects.environment)

    def verbs(self) -> dict[str, Callable[..., None]]:
        """The verbs by name."""
        return {"bootstrap": self.bootstrap, "doctor": self.doctor, "rotate": self.rotate, "destroy": self.destroy}

    def bootstrap(self, *options: str) -> None:
        """Make what is missing, and nothing else; with `--renew`, replace a Caddy of another version.

        Raises:
            CloudError: an option is unknown, or something could not be made.
        """
        if unknown := set(options) - {"--renew", "--set-secrets"}:
            raise CloudError(f"bootstrap takes --renew and --set-secrets, not {' '.join(sorted(unknown))[:60]}")
        for part in self._parts(renew="--renew" in options):
            for command in part.commands:
                if not self.effects.change(command):
                    raise CloudError(f"{part.kind} {part.name} could not be made (above is why); run bootstrap again")
            _row("made" if part.commands and not self.effects.dry_run else part.state, part.kind, part.name)
        self._make_keys()
        repository = github.repository_of(self.project)
        settings = github.settings(self.host, repository, self.effects.environment)
        if "--set-secrets" in options:
            for command in (*self._environments(repository), *settings):
                if not self.effects.change(command):
                    raise CloudError("GitHub did not take it (above is why); run bootstrap again")
        else:
            for command in settings:
                print(command.pasted() if command.stdin is None else f"{command.pasted()} < {self.keys}")
            print(f"or set all of it on GitHub: {SCRIPT} bootstrap --set-secrets")
        print("still yours to do: the key with which workflows sign in, and the names in the DNS: docs/docker-host.md")

    def _environments(self, repository: str) -> list[Command]:
        try:
            known = self.effects.read_text(github.list_environments(repository)).split()
        except UnreadError as failure:
            raise CloudError(f"GitHub cannot be asked; gh auth login: {failure}") from None
        return list(github.make_environments(repository, known, self.project.default_branch or "main"))

    def doctor(self, *_: str) -> None:
        """Look at the same, and change nothing.

        Raises:
            CloudError: something is missing or old.
        """
        parts = [*self._parts(renew=False)]
        if not read_keys(self.host.slug, self.effects.environment):
            parts.append(Part("API keys", str(self.keys), "missing"))
        for part in parts:
            _row(part.state, part.kind, part.name)
        if [part for part in parts if part.state != "there"]:
            raise CloudError(f"not everything is there: {SCRIPT} bootstrap (--renew for what is old)")

    def rotate(self, what: str = "", finish: str = "", *_: str) -> None:
        """Put a new API key before the others, or keep the first one alone.

        Raises:
            CloudError: there is nothing to do it with.
        """
        if (what, finish) not in (("api-keys", ""), ("api-keys", "--finish")):
            raise CloudError("rotate takes api-keys and --finish")
        known = self.keys.read_text().strip() if self.keys.is_file() else ""
        if not known:
            raise CloudError(f"{self.keys} is not there: {SCRIPT} bootstrap")
        if finish and "," not in known:
            raise CloudError("there is one key alone: nothing to finish")
        self._write_keys(known.partition(",")[0] if finish else f"{new_key()},{known}")
        for environment in ENVIRONMENTS:
            print(f"set it on GitHub: gh secret set SERVICE_API_KEYS --env {environment} < {self.keys}")
        print("next: deploy the release again, so that its container gets the keys (rerun cd with force)")
        after = "give clients the new key, the first one; then rotate api-keys --finish"
        print("the old keys stop working with that deploy" if finish else f"then: {after}")

    def destroy(self, yes: str = "", name: str = "", *_: str) -> None:
        """List what goes, ask for the project's name, and remove it.

        Raises:
            CloudError: the name is another, or something is there still.
        """
        if yes not in ("", "--yes"):
            raise CloudError(f"destroy takes --yes {self.host.slug}")
        services = [self.host.service(environment) for environment in ENVIRONMENTS]
        ours = {service: self._containers(service) for service in services}
        others = [other for other in self._sites() if other not in services]
        print("This removes from the host, and nothing here brings it back:")
        for service, containers in ours.items():
            print(f"  {service:<30}{' '.join(containers) or 'no container'}")
        print(f"  {self.host.caddy:<30}" + (f"stays: {' '.join(others)}" if others else "with its certificates"))
        if not yes and not self.effects.dry_run:
            print(f"Type {self.host.slug} to go on: ", end="", flush=True)
            name = next(iter(_typed()), "")
        if name != self.host.slug and not self.effects.dry_run:
            raise CloudError("nothing was removed")
        if not all(self.effects.change(command) for command in self._removal(ours, bool(others))):
            raise CloudError("some could not be removed (above is why): run this again")

    def _removal(self, ours: Mapping[str, list[str]], shared: bool) -> Iterator[Command]:
        containers = [one for known in ours.values() for one in known]
        if self._there("container", self.host.caddy) and shared:
            yield from (steps.put(self.host, service, None) for service in ours)
            yield steps.load(self.host)
        if containers:
            yield steps.remove(self.host, *containers)
        if not shared:
            yield from (steps.drop(self.host, kind, name) for kind, name in self._named() if self._there(kind, name))

    def _named(self) -> tuple[tuple[str, str], ...]:
        host = self.host
        return (
            ("container", host.caddy), ("network", host.network), ("volume", host.sites), ("volume", host.data),
        )  # fmt: skip

    def _parts(self, renew: bool) -> Iterator[Part]:
        """Look at one part after the other, as each is made before the next is looked at."""
        host = self.host
        for kind, name in self._named()[1:]:
            known = self._there(kind, name)
            yield Part(kind, name, "there" if known else "missing", () if known else (steps.make(host, kind, name),))
        known = self._there("container", host.caddy)
        bind = self.effects.environment.get("SERVICE_BIND", "")
        make = (steps.make_caddy(host, self.image, bind), steps.put_main(host), steps.start(host, host.caddy))
        if not known:
            yield Part("container", host.caddy, "missing", make)
        elif f"cd4ml.image={self.image}" not in str(known.get("Labels")).split(","):
            again = (steps.pull(host, self.image), steps.drop(host, "container", host.caddy), *make)
            yield Part("container", host.caddy, "old", again if renew else ())
        elif known.get("State") != "running" or self._files().get(MAIN) != MAIN_TEXT:
            yield Part("container", host.caddy, "missing", make[1:])  # it was made, and not started
        else:
            yield Part("container", host.caddy, "there")

    def _there(self, kind: str, name: str) -> dict[str, object]:
        try:
            text = self.effects.read_text(steps.there(self.host, kind, name))
        except UnreadError as failure:
            raise CloudError(f"the host cannot be asked{self.effects.so_far}: {failure}") from None
        return dict(json.loads(text.splitlines()[0])) if text else {}

    def _files(self) -> dict[str, str]:
        try:
            return unpack(self.effects.read_text(steps.sites(self.host)))
        except UnreadError as failure:
            raise CloudError(f"Caddy's files cannot be read{self.effects.so_far}: {failure}") from None

    def _sites(self) -> list[str]:
        files = self._files() if self._there("container", self.host.caddy) else {}
        names = [name.removesuffix(ENDING) for name in files if name.endswith(ENDING)]
        return [name for name in names if read_site(name, files[f"{name}{ENDING}"])]

    def _containers(self, service: str) -> list[str]:
        lines = self.effects.read_text(steps.containers(self.host, service)).splitlines()
        return [str(json.loads(line)["name"]) for line in lines]

    def _make_keys(self) -> None:
        if read_keys(self.host.slug, self.effects.environment):
            _row("there", "API keys", "SERVICE_API_KEYS" if not self.keys.is_file() else str(self.keys))
        elif not self.effects.dry_run:
            self._write_keys(new_key())
            _row("made", "API keys", str(self.keys))

    def _write_keys(self, keys: str) -> None:
        if self.effects.dry_run:
            return
        self.keys.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = Path(f"{self.keys}.{secrets.token_hex(4)}")
        new.touch(mode=0o600)
        new.write_text(keys)
        new.replace(self.keys)


def _row(state: str, kind: str, name: str) -> None:
    print(f"{state:<9}{kind:<11}{name}", flush=True)


def _typed() -> Iterator[str]:
    try:
        yield input().strip()
    except EOFError:
        return
