"""The engine of a host and the Caddy on it, asked and told over ssh: services are read, written, and waited for."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.docker_host import steps
from cd4ml.deploy.docker_host.service import Container, Service, litter, read_container
from cd4ml.deploy.docker_host.settings import Host
from cd4ml.deploy.docker_host.site import BESIDE, ENDING, Site, read_site, unpack
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.state import CandidateError
from cd4ml.errors import UserError
from cd4ml.serving.smoke import wait_until_ready

_ROUND_SECONDS = 2.0


class Engine:
    """One host."""

    def __init__(self, host: Host, effects: Effects) -> None:
        self.host, self.effects = host, effects

    def look(self, environment: str) -> Service:
        """Read a service.

        Raises:
            CloudError: docker cannot, or the host was not set up.
        """
        name, sites = self.host.service(environment), self.sites()
        own = sites.pop(name, None)
        addresses = {site.address: other for other, site in sites.items() if site}
        return Service(environment, name, own, self.containers(name), addresses)

    def containers(self, service: str) -> tuple[Container, ...]:
        """Read the containers of a service, newest first.

        Raises:
            CloudError: docker cannot.
        """
        try:
            lines = self.effects.read_text(steps.containers(self.host, service)).splitlines()
        except UnreadError as failure:
            raise CloudError(f"the containers of {service} cannot be read{self.effects.so_far}: {failure}") from None
        return tuple(read_container(json.loads(line)) for line in lines)

    def has_variables(self, revision: str, expected: Mapping[str, str]) -> bool:
        """Return whether a container has these environment variables, whose values are empty where it has none.

        Raises:
            CloudError: docker cannot tell.
        """
        try:
            printed: list[str] = self.effects.read(steps.variables(self.host, revision)) or []
        except UnreadError as failure:
            raise CloudError(f"the settings of {revision} cannot be read{self.effects.so_far}: {failure}") from None
        known = {name: value for name, _, value in (variable.partition("=") for variable in printed)}
        return all(known.get(name, "") == value for name, value in expected.items())

    def sites(self) -> dict[str, Site | None]:
        """Read what Caddy answers for, by the names of services.

        Raises:
            CloudError: as `files`; or a file was changed by hand.
        """
        files = self.files()
        names = [name.removesuffix(ENDING) for name in files if name.endswith(ENDING)]
        return {name: read_site(name, files[f"{name}{ENDING}"]) for name in names}

    def files(self) -> dict[str, str]:
        """Read Caddy's files.

        Raises:
            CloudError: docker cannot, or the host was not set up.
        """
        try:
            return unpack(self.effects.read_text(steps.sites(self.host)))
        except UnreadError as failure:
            if self.there("container", self.host.caddy):
                raise CloudError(f"Caddy's files cannot be read{self.effects.so_far}: {failure}") from None
            raise CloudError(f"the host has no {self.host.caddy} yet: {SCRIPT} bootstrap") from None

    def there(self, kind: str, name: str) -> Mapping[str, Any]:
        """Read what has this name, of a kind such as `volume`; empty where nothing has.

        Raises:
            CloudError: docker cannot.
        """
        try:
            text = self.effects.read_text(steps.there(self.host, kind, name))
        except UnreadError as failure:
            raise CloudError(f"the host cannot be asked{self.effects.so_far}: {failure}") from None
        return dict(json.loads(text.splitlines()[0])) if text else {}

    def write(self, state: Service, site: Site | None) -> Service:
        """Replace the service's files, and let Caddy read its configuration where that has changed.

        Raises:
            CloudError: another run has written it since it was read; or Caddy did not take it.
        """
        if not self.effects.dry_run and self.sites().get(state.name) != state.site:
            raise CloudError(f"another deploy has changed {state.name} meanwhile; it was left as it is: run this again")
        if not self.effects.change(steps.put(self.host, state.name, site)):
            raise CloudError(f"{state.name}{ENDING} could not be written (above is why)")
        if not self.effects.change(steps.load(self.host)):
            raise CloudError(f"Caddy did not read {state.name}{ENDING} (above is why): {SCRIPT} doctor")
        return replace(state, site=site)

    def tidy(self, environment: str) -> None:
        """Stop the containers that do not serve any more, and remove those that nobody comes back to."""
        if self.effects.dry_run:
            return
        stop, remove = litter(self.look(environment))
        done = not stop or self.effects.change(steps.stop(self.host, *stop))
        if not (not remove or self.effects.change(steps.remove(self.host, *remove))) or not done:
            self.effects.say(f"{self.effects.label}: some containers are there still, which the next release removes")

    def wait_for(self, environment: str, revision: str, url: str) -> None:
        """Wait until the revision that answers beside what serves, at the service's address, is ready.

        Raises:
            CandidateError: it has ended, or is not ready in SERVICE_START_SECONDS.
        """
        if self.effects.dry_run:
            return
        until = time.monotonic() + int(self.effects.environment.get("SERVICE_START_SECONDS") or 120)
        while True:
            try:
                wait_until_ready(f"{url}{BESIDE}", _ROUND_SECONDS)
            except UserError as failure:
                known = self.look(environment).container(revision)
                if known is None or not known.runs or time.monotonic() > until:
                    self.effects.code(steps.logs(self.host, revision), stdout=2)
                    state = known.state if known else "gone"
                    raise CandidateError(f"{revision} did not come up, and is {state}: {failure}") from None
            else:
                return
