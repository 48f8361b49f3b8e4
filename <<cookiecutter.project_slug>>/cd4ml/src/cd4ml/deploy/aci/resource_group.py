"""The container groups of a resource group: read, made, waited for and removed. In a release az is run here alone."""

import sys
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from cd4ml.deploy.aci import steps
from cd4ml.deploy.aci.asking import wait_until_ready
from cd4ml.deploy.aci.description import Runtime, describe, show, write
from cd4ml.deploy.aci.groups import UNKNOWN, Condition, Service, read_condition, read_service, reason_to_make_anew
from cd4ml.deploy.aci.runtime import check_api_keys, log_address, read_runtime
from cd4ml.deploy.aci.settings import Place, place_in, read_patience, read_settings, read_size
from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.names import SCRIPT
from cd4ml.settings.project import Project

_OTHER_CLOUDS = ("AzureUSGovernment", "AzureChinaCloud", "AzureGermanCloud")  # a service has another address there
_PAUSE = 2.0  # seconds between two looks at a group that is changing
_RESTARTS = 2  # from then on a service is not waited for any more
_LINES = 5  # shown of what a container printed last


class ResourceGroup:
    """The project's groups; a method that changes something returns whether it succeeded."""

    def __init__(self, project: Project, effects: Effects) -> None:
        self.project, self.effects = project, effects
        self.settings = read_settings(project.name, effects.environment)
        self.size, self.patience = read_size(effects.environment), read_patience(effects.environment)
        self._runtimes: dict[str, Runtime] = {}

    @cached_property
    def place(self) -> Place:
        """Where everything is; Azure is asked once.

        Raises:
            CloudError: nobody is signed in, there is no such subscription, or it is in a cloud that is not supported.
        """
        return place_in(self.settings, str(self._account["id"]))

    @property
    def tenant(self) -> str:
        """The number of the directory that the subscription trusts.

        Raises:
            CloudError: as `place`.
        """
        return str(self._account["tenantId"])

    @cached_property
    def _account(self) -> Mapping[str, Any]:
        try:
            account: Mapping[str, Any] = self.effects.read(steps.show_account(self.settings.subscription))
        except UnreadError as failure:
            raise CloudError(
                f"no subscription of Azure's can be read{self.effects.so_far}: {failure}; "
                "az login, or correct AZURE_SUBSCRIPTION_ID"
            ) from None
        if (cloud := account.get("environmentName")) in _OTHER_CLOUDS:
            raise CloudError(f"this subscription is in {cloud}, which is not supported: az cloud set --name AzureCloud")
        return account

    def runtime(self, environment: str) -> Runtime:
        """Return what a service is run with; it is read once, best before anything is changed.

        Raises:
            CloudError: the service has no keys, or something cannot be read.
        """
        if environment not in self._runtimes:
            keys = check_api_keys(self.project.name, self.effects.environment)
            log = log_address(self.project.prediction_log, environment)
            self._runtimes[environment] = read_runtime(self.place, self.effects, self.size, keys, log)
        return self._runtimes[environment]

    def look(self, environment: str) -> Service:
        """Read what serves, and the candidate beside it.

        Raises:
            CloudError: that fails for another reason than that there is no resource group yet.
        """
        name, beside = self.place.service(environment), self.place.candidate(environment)
        try:
            listed = self.effects.read(steps.list_groups(self.place))
        except UnreadError as failure:
            if steps.error_code(str(failure)) != "ResourceGroupNotFound":
                raise CloudError(f"{name} cannot be read; az login, or try again: {str(failure)[:300]}") from None
            listed = []
        return read_service(environment, name, beside, listed)

    def condition(self, group: str) -> Condition:
        """Return how a group is; nothing is known where az fails."""
        try:
            return read_condition(self.effects.read(steps.show_group(self.place, group)))
        except UnreadError:
            return UNKNOWN

    def settled(self, group: str) -> Condition:
        """Return how a group is, once nothing is being done to it, as after a run that was killed."""
        until = time.monotonic() + self.patience.start
        condition = self.condition(group)
        while condition.is_changing and time.monotonic() < until:
            time.sleep(_PAUSE)
            condition = self.condition(group)
        return condition

    def tag(self, group: str, **tags: str) -> bool:
        """Write tags of a group, whose containers go on."""
        return self.effects.change(steps.tag(self.place, group, tags))

    def remove(self, group: str) -> bool:
        """Remove a group."""
        return self.effects.change(steps.remove(self.place, group))

    def create(self, environment: str, group: str, image: str, tags: Mapping[str, str]) -> bool:
        """Make a group, or make it again in its place, with these tags."""
        runtime = self.runtime(environment)
        if self.effects.dry_run:
            shown = show(describe(self.place, group, image, tags, runtime))
            print(f"# {group}.yaml, with keys left out:")
            print("\n".join(f"#   {line}" for line in shown.splitlines()))
            return self.effects.change(steps.create(self.place, group, "", file=f"{group}.yaml"))
        description = write(describe(self.place, group, image, tags, runtime))
        return self.effects.change(steps.create(self.place, group, description))

    def make_service(self, service: Service, image: str, tags: Mapping[str, str]) -> bool:
        """Make the service's group: in its place, or anew where there is none or Azure cannot do that."""
        live = service.live
        if live and (reason := reason_to_make_anew(live, self.settled(live.name), self.size)):
            self.effects.say(
                f"{live.name} {reason}, and so has to be made anew; "
                f"should this be stopped meanwhile: {SCRIPT} deploy {image} {service.environment}"
            )
            if not self.remove(live.name):
                return False
        return self.create(service.environment, service.name, image, tags)

    def comes_up(self, group: str) -> bool:
        """Wait until a group's address says that it is ready; not when its service starts again and again."""
        if self.effects.dry_run:
            return True
        until, first = time.monotonic() + self.patience.start, -1
        while True:
            try:
                wait_until_ready(self.place.address(group), self.patience.round)
            except TimeoutError as failure:
                condition = self.condition(group)
                first = condition.restarts if first < 0 else first
                if condition.restarts - first < _RESTARTS and time.monotonic() < until:
                    continue
                self._show_end(group, condition, str(failure))
                return False
            return True

    def _show_end(self, group: str, condition: Condition, answer: str) -> None:
        """Say how a group's service is, what its containers printed last, and what its address answered."""
        self.effects.say(
            f"{group} is not ready; its service is {condition.service}, restarted {condition.restarts} times"
        )
        for container in ("service", "https"):
            self.effects.say(f"{container} said last:")
            for line in self._last_lines(group, container):
                print(line, file=sys.stderr)
        self.effects.say(answer)

    def _last_lines(self, group: str, container: str) -> list[str]:
        try:
            printed = self.effects.read_text(steps.read_logs(self.place, group, container))
        except UnreadError:
            return []
        return [line for line in printed.splitlines() if line][-_LINES:]
