"""Ask aws what a service does, and tell it what to change."""

import re
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from typing import Any

from cd4ml.deploy.commands import CloudError, Command, Effects, UnreadError
from cd4ml.deploy.fargate import steps
from cd4ml.deploy.fargate.deployment import Deployment, Image, read_deployment, read_images, read_listed
from cd4ml.deploy.fargate.service import Service, read_service
from cd4ml.deploy.fargate.settings import Place, read_region

_MOST_REVISIONS = 20  # that ECS describes at once


def code(failure: UnreadError) -> str:
    """Return the error's code, as aws prints it in parentheses; empty where it failed by itself."""
    found = re.search(r"\(([A-Za-z]+)\)", failure.said)
    return found[1] if found else ""


class Aws:
    """A project's services, as aws describes them."""

    def __init__(self, slug: str, effects: Effects) -> None:
        self.slug, self.effects = slug, effects
        self.region = read_region(effects.environment)
        self._images: dict[str, Image] = {}

    @cached_property
    def place(self) -> Place:
        """Where things are: in AWS_ACCOUNT_ID, else in the account whose credentials these are."""
        account = self.effects.environment.get("AWS_ACCOUNT_ID") or self._account()
        if not re.fullmatch(r"[0-9]{12}", account):
            raise CloudError("AWS_ACCOUNT_ID is not an account's number: 12 digits")
        return Place(self.slug, self.region, account, self.effects.environment.get("CLOUD_REGISTRY", ""))

    def check_account(self) -> None:
        """Ask whose credentials these are: AWS_ACCOUNT_ID may name another account than is meant.

        Raises:
            CloudError: it does, or AWS does not know them.
        """
        account, meant = self._account(), self.effects.environment.get("AWS_ACCOUNT_ID")
        if meant and meant != account:
            raise CloudError(f"these credentials are of account {account}, and AWS_ACCOUNT_ID is {meant[:20]}")

    def _account(self) -> str:
        try:
            return str(self.effects.read(steps.identity(self.region))["Account"])
        except UnreadError as failure:
            raise CloudError(f"AWS does not know these credentials{self.effects.so_far}: {failure}") from None

    def look(self, environment: str) -> Service:
        """Read a service and its newest deployment.

        Raises:
            CloudError: aws cannot, for another reason than that there is none.
        """
        return self.look_again(self.look_at_service(environment))

    def look_at_service(self, environment: str) -> Service:
        """Read a service, without its deployments.

        Raises:
            CloudError: as `look`.
        """
        name, arn = self.place.service(environment), self.place.service_arn(environment)
        try:
            printed = self.effects.read(steps.describe(self.place, arn))
        except UnreadError as failure:
            if code(failure) in steps.NONE_SUCH:
                return Service(environment, name, arn)
            if code(failure) != steps.MAYBE_NONE_SUCH:
                raise self._unread(name, failure) from None
            return self._listed(Service(environment, name, arn), failure)
        service = read_service(environment, name, arn, printed)
        self._images |= {revision: image for revision, image in service.images.items() if image.digest}
        return service

    def _listed(self, absent: Service, failure: UnreadError) -> Service:
        """Return a service that cannot be read as `absent`, or as one that is being removed, if the list says so."""
        try:
            states = self.effects.read(steps.list_states(self.place, absent.name))
        except UnreadError as unread:
            if code(unread) not in steps.NONE_SUCH:
                raise self._unread(absent.name, unread) from None
            states = []
        if not states:
            return absent
        if states == ["DRAINING"]:
            return replace(absent, status="DRAINING")
        raise self._unread(absent.name, failure)

    def look_again(self, service: Service, is_new: bool = False) -> Service:
        """Read the newest deployment of a service; one that is new may not be known yet where its deployments are.

        Raises:
            CloudError: as `look`.
        """
        if not service.exists:
            return replace(service, deployment=Deployment(), history=())
        history = self._history(service.name, is_new)
        deployment = Deployment()
        if history:
            newest = history[0].arn
            deployment = read_deployment(self._read(steps.describe_deployment(self.place, newest), newest))
        elif service.active:  # ECS keeps deployments for 90 days
            deployment = Deployment(state="SUCCESSFUL", target=service.active, share=100)
        images = self.images(service, {deployment.target, deployment.running})
        return replace(service, deployment=deployment, history=history, images=images)

    def _history(self, name: str, is_new: bool) -> tuple[Deployment, ...]:
        try:
            return read_listed(self.effects.read(steps.list_deployments(self.place, name)))
        except UnreadError as failure:
            if is_new and code(failure) in steps.NONE_SUCH:
                return ()
            raise self._unread(name, failure) from None

    def images(self, service: Service, revisions: Collection[str]) -> dict[str, Image]:
        """Return the images of revisions, with all that were read before.

        Raises:
            CloudError: as `look`.
        """
        unknown = sorted(revision for revision in revisions if revision and revision not in self._images)
        for first in range(0, len(unknown), _MOST_REVISIONS):
            some = steps.describe_revisions(self.place, unknown[first : first + _MOST_REVISIONS])
            self._images |= read_images(self._read(some, f"a revision of {service.name}"))
        return dict(self._images)

    def _read(self, command: Command, what: str) -> Any:
        try:
            return self.effects.read(command)
        except UnreadError as failure:
            raise self._unread(what, failure) from None

    def _unread(self, what: str, failure: UnreadError) -> CloudError:
        return CloudError(f"{what} cannot be read{self.effects.so_far}: {str(failure)[:300]}")

    def tell(self, command: Command) -> Any:
        """Run a command that changes something, and show why it fails; return the JSON that it prints, or None.

        Raises:
            UnreadError: it failed.
        """
        try:
            return self.effects.change_and_read(command)
        except UnreadError as failure:
            self.effects.say(failure.said.strip() or str(failure))
            raise
