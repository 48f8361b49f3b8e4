"""Wait for what ECS does by itself, which takes minutes: a first share of traffic, all of it, the way back."""

import time
from dataclasses import replace

from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.fargate import steps
from cd4ml.deploy.fargate.aws import Aws
from cd4ml.deploy.fargate.service import Service
from cd4ml.deploy.fargate.settings import read_seconds
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.state import CandidateError


class Patience:
    """How long to wait for ECS, and how long between two looks; a step begins with all of it."""

    def __init__(self, effects: Effects) -> None:
        self.seconds = read_seconds(effects.environment, "FARGATE_PATIENCE", 1200)
        self.between = read_seconds(effects.environment, "FARGATE_PAUSE", 10)
        self.renew()

    def renew(self) -> None:
        """Begin again."""
        self._until = time.monotonic() + self.seconds

    @property
    def is_late(self) -> bool:
        """Whether it has ended."""
        return time.monotonic() >= self._until

    @property
    def ended(self) -> str:
        """That it has, in words."""
        return f"not there within {self.seconds} seconds; FARGATE_PATIENCE lets this wait longer"

    def pause(self, service: Service, then: str = f"{SCRIPT} status") -> None:
        """Wait between two looks; `then` is what to do where it has ended.

        Raises:
            CloudError: it has.
        """
        if self.is_late:
            state = service.deployment.state or service.status
            raise CloudError(
                f"{service.name} did not get there within {self.seconds} seconds ({state}): {then}; "
                "FARGATE_PATIENCE lets this wait longer"
            )
        time.sleep(self.between)


class Wait:
    """Looks again and again, and says where a deployment is when that has changed."""

    def __init__(self, aws: Aws, effects: Effects) -> None:
        self.aws, self.effects, self.patience = aws, effects, Patience(effects)
        self._last = ""

    def progress(self, service: Service) -> None:
        """Say where a deployment is, when that has changed."""
        if service.deployment.progress != self._last:
            self.effects.say(f"  {service.deployment.progress}")
        self._last = service.deployment.progress

    def until_ended(self, service: Service) -> Service:
        """Wait until no deployment is under way; return what is so then.

        Raises:
            CloudError: patience ends before that.
        """
        while service.deployment.under_way:
            self.progress(service)
            self.patience.pause(service)
            service = self.aws.look_again(service)
        self.progress(service)
        return service

    def until_gone(self, service: Service, then: str = f"{SCRIPT} status") -> Service:
        """Wait until a service that is removed is gone, as its name is taken until then, and its cluster stays.

        Raises:
            CloudError: patience ends before that.
        """
        if service.exists:
            bound = f"up to {self.patience.seconds} s"
            self.effects.say(f"{service.name} is being removed; waiting until it is gone, {bound}")
        while service.exists:
            self.patience.pause(service, then)
            service = self.aws.look_at_service(service.environment)
        return service

    def until_after(self, service: Service) -> Service:
        """Wait until there is a newer deployment than the one in `service`.

        Raises:
            CloudError: patience ends before that.
        """
        earlier = service.deployment.arn
        service = self.aws.look_again(service)
        while service.deployment.arn == earlier:
            self.patience.pause(service)
            service = self.aws.look_again(service)
        return service

    def until_led_to(self, service: Service, digest: str) -> Service:
        """Let a deployment end that leads to an image, and have any other rolled back first.

        Raises:
            CloudError: ECS refuses that, or patience ends before that.
        """
        asked = refused = False
        while service.deployment.under_way:
            leads_away = service.target.digest != digest or service.is_redeploy
            if not asked and leads_away and service.deployment.goes_well:
                asked = True
                try:
                    self.aws.tell(steps.roll_back(self.aws.place, service.deployment.arn))
                except UnreadError:
                    refused = True
            if self.effects.dry_run:  # what is printed was not done, so that there may be nothing to wait for
                return service
            self.progress(service)
            if not refused:
                self.patience.pause(service)
            service = self.aws.look_again(service)
            if refused and service.deployment.under_way:  # else it had ended by itself just before
                raise CloudError(f"{service.name} could not be told to roll back (above is why): try again")
        return service

    def until_shared(self, service: Service, digest: str, earlier: str, is_first: bool) -> Service:
        """Wait until the deployment after `earlier` has a share of traffic, or, where it is the first, has ended well.

        Raises:
            CandidateError: ECS gives it up, or patience ends before that.
            CloudError: it is another deploy's.
        """
        while True:
            service = self.aws.look_again(service, is_new=is_first)
            newest = service.deployment
            if newest.arn not in ("", earlier):
                if service.target.digest != digest:
                    other = f"{service.target.digest} is on its way, not {digest}"
                    raise CloudError(f"another deploy has taken over: {other}")
                self.progress(service)
                if newest.state == "SUCCESSFUL" or (newest.goes_well and newest.share > 0 and not is_first):
                    return service
                if not newest.goes_well:
                    raise CandidateError(f"the new revision did not come up: {newest.why}{self._more(service)}")
            if self.patience.is_late:
                why = replace(newest, reason=self.patience.ended).why
                raise CandidateError(f"the new revision did not come up: {why}{self._more(service)}")
            self.patience.pause(service)

    def _more(self, service: Service) -> str:
        """Return what the service says besides its deployment, such as that there is no load balancer."""
        try:
            reason = self.aws.look_at_service(service.environment).reason
        except CloudError:
            return ""
        return f" ({service.name}: {reason[:300]})" if reason else ""
