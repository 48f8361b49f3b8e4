"""Fargate as a platform of releases: ECS moves traffic by itself, and takes it back where its alarms go off."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.fargate import images, steps
from cd4ml.deploy.fargate.aws import Aws
from cd4ml.deploy.fargate.canary import Alarms
from cd4ml.deploy.fargate.revisions import Revisions
from cd4ml.deploy.fargate.service import Service, last
from cd4ml.deploy.fargate.set_up import CODES, FargateSetUp
from cd4ml.deploy.fargate.waiting import Wait
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.platform import Asking, Earlier, Platform
from cd4ml.deploy.release import check_candidate
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.verbs import verbs_of
from cd4ml.deploy.state import CandidateError, Plan, under_way
from cd4ml.settings.project import Project

_AMONG_OTHERS = ("--tries", "400")
"""How a candidate is asked, which has no address of its own: 400 requests at 5 % miss it once in 10^8. Nothing is sent
meanwhile that has to be refused, because a refusal is a 4xx, of which ECS's alarm takes more than 1 % for a failure."""


class Fargate(Platform[Service]):
    """A project's services in one region: a candidate is the newest revision, from its first share of traffic on."""

    tool, tool_from = "aws", "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
    tool_environment: ClassVar[Mapping[str, str]] = {
        "AWS_PAGER": "",  # version 2 would show what it prints page by page
        "AWS_CLI_ERROR_FORMAT": "legacy",  # a code in parentheses, and the reason on the last line
    }
    usage = Path(__file__).parent / "verbs.txt"

    def __init__(self, project: Project, effects: Effects) -> None:
        self.project, self.effects = project, effects
        self.aws = Aws(project.name, effects)
        self.wait = Wait(self.aws, effects)
        self.revisions = Revisions(self.aws, project.prediction_log)

    def verbs(self) -> dict[str, Callable[..., None]]:
        """Set it up."""

        def make(patience: Patience) -> FargateSetUp:
            return FargateSetUp(self.aws, patience, self.wait)

        return verbs_of(make, {self.tool: CODES}, self.project, self.effects)

    def look(self, environment: str) -> Service:
        """Read a service and its newest deployment."""
        return self.aws.look(environment)

    def prepare(self, environment: str) -> None:
        """Read how a revision is to run."""
        self.wait.patience.renew()
        self.revisions.prepare()

    def settle(self, state: Service) -> Service:
        """End what a run left that was stopped half-way; the tag `previous` stays what to go back to."""
        if state.status == "DRAINING":
            return self._gone(state)
        if state.previous:
            before = state.previous
            self.effects.say(f"{state.name}: an earlier release did not end; what served before it was {before}")
            return self.wait.until_led_to(state, before)
        if state.wanted and state.deployment.state != "SUCCESSFUL":
            self.effects.say(f"{state.name}: its first release did not come up; removing what is left of it")
            return self._removed(state)
        if not state.wanted and state.deployment.under_way:
            waits = f"wait until it has ended ({SCRIPT} status {state.environment})"
            raise CloudError(f"somebody else's deployment of {state.name} is under way{self.effects.so_far}: {waits}")
        return state

    def name(self, state: Service, image: str) -> str:
        """A candidate is known by its digest until ECS has named its revision."""
        return image.rpartition("@")[2]

    def notice(self, state: Service, before: str) -> str:
        """A first revision cannot be made without traffic."""
        return (
            "" if state.exists else "nothing serves yet, so the first revision takes all traffic; it wants an API key"
        )

    def intend(self, state: Service, plan: Plan) -> bool:
        """Tag the service with the digests; one that is not there yet is made with its tag."""
        return not state.exists or self._tag(state, plan.before, plan.digest)

    def _tag(self, state: Service, previous: str, candidate: str) -> bool:
        return self.effects.change(steps.intend(self.aws.place, state.arn, previous, candidate))

    def create(self, state: Service, plan: Plan) -> None:
        """Make the service, or a revision of it."""
        make = self.revisions.update if state.exists else self.revisions.create
        try:
            make(state, plan.image)
        except UnreadError:
            raise CandidateError("the new revision did not come up: not accepted") from None

    def follow(self, state: Service, plan: Plan) -> Service:
        """Wait until the deployment after the one in `state` has a share; the first one of all needs all traffic."""
        is_first, earlier = not state.exists, state.deployment.arn
        return self._tagged(
            self.wait.until_shared(replace(state, status="ACTIVE"), plan.digest, earlier, is_first), plan
        )

    def resume(self, state: Service, plan: Plan) -> Service:
        """Wait for the deployment in `state` instead, if it has not ended."""
        if self.effects.dry_run:
            return state
        self.effects.output("revision", last(state.deployment.target))
        if not state.deployment.under_way:
            return state
        self.wait.patience.renew()
        return self._tagged(self.wait.until_shared(state, plan.digest, earlier="", is_first=False), plan)

    def _tagged(self, state: Service, plan: Plan) -> Service:
        """Of two deploys at once the later one to update has won, and the earlier one may have been the last to tag."""
        made = replace(self.aws.look_at_service(state.environment), deployment=state.deployment, images=state.images)
        if made.wanted == plan.digest:
            return made
        if not self._tag(made, plan.before, plan.digest):
            raise CloudError(f"{made.name} could not be tagged: {SCRIPT} restore {made.environment}")
        return replace(made, previous=plan.before, wanted=plan.digest)

    def rows(self, state: Service) -> Mapping[str, str]:
        """A candidate answers at the service's address, to its share of the requests."""
        return {"address": state.url, "share": f"{state.deployment.share} %"}

    def ended(self, state: Service, revision: str) -> str:
        """A release ends with its tags."""
        newest = state.deployment
        if state.wanted or last(newest.target) != revision or newest.state != "SUCCESSFUL":
            return ""
        return f"{revision} already takes all traffic of {state.name}"

    def unshared(self, state: Service, percent: int) -> str:
        """ECS decides on shares."""
        takes = f"{state.candidate} takes {state.deployment.share} %"
        return f"{takes}: ECS gives a new revision 5 % at first, and the rest when its alarms are quiet; nothing to do"

    def promote(self, state: Service, percent: int) -> list[str]:
        """Wait until the candidate has all traffic and ECS is content; then end the release."""
        self.wait.patience.renew()
        candidate = state.candidate
        if not self.effects.dry_run:
            ended = self.wait.until_ended(state)
            state = replace(
                self.aws.look_at_service(state.environment), deployment=ended.deployment, images=ended.images
            )
            check_candidate(state, candidate)  # has ended well, so that it is what runs
        images.keep(self.aws, state, state.wanted, state.previous)
        self._forget(state, f"{candidate} takes all traffic")
        return [f"{'100 %':<10} to {candidate}"]

    def _forget(self, state: Service, serves: str) -> None:
        if (state.previous or state.wanted) and not self.effects.change(steps.forget(self.aws.place, state.arn)):
            raise CloudError(f"{serves}, and the release could not be ended: run this again")

    def back_to(self, state: Service, before: str) -> None:
        """Let ECS end what leads there, roll back what does not, and move traffic back itself where it has ended."""
        self.wait.patience.renew()
        state = self.wait.until_led_to(state, before)
        if state.running != before and not (self.effects.dry_run and state.deployment.under_way):
            state = self._moved_back(state, before)
        now = self.aws.look_at_service(state.environment)  # as another deploy may have begun meanwhile
        if now.wanted not in ("", state.wanted):
            self.effects.say(f"{now.name}: another deploy has taken over, with {now.wanted}")
            return
        images.keep(self.aws, state, before, "")
        self._forget(now, f"{before} serves")

    def _moved_back(self, state: Service, digest: str) -> Service:
        self.revisions.prepare()
        again = f"try again, {SCRIPT} restore {state.environment} {digest}"
        if not state.wanted:  # as a release does, so that nobody takes this for somebody else's deployment
            leaves = state.running or state.target.digest
            if not self._tag(state, digest, leaves):
                raise CloudError(f"{state.name} could not be tagged, and serves what it served: {again}")
            state = replace(state, previous=digest, wanted=leaves)
        try:
            self.revisions.update(state, f"{state.target.repository or self.aws.place.repository}@{digest}")
        except UnreadError:
            raise CloudError(f"{state.name} may not serve {digest}: {again}") from None
        if self.effects.dry_run:
            return state
        self.effects.say(f"{state.name}: ECS moves traffic back in steps, which takes minutes")
        state = self.wait.until_ended(self.wait.until_after(state))
        if state.deployment.state != "SUCCESSFUL" or state.running != digest:
            raise CloudError(f"{state.name} could not go back to {digest} ({state.deployment.why}): {again}")
        return state

    def remove(self, state: Service) -> None:
        """Remove the service, and wait until it is gone."""
        self.wait.patience.renew()
        self._removed(state)

    def _removed(self, state: Service) -> Service:
        try:
            self.aws.tell(steps.remove(self.aws.place, state.arn))
        except UnreadError:
            raise CloudError(f"{state.name} could not be removed: try again") from None
        return self._gone(state)

    def _gone(self, state: Service) -> Service:
        if self.effects.dry_run:
            return Service(state.environment, state.name, state.arn)
        return self.wait.until_gone(self.aws.look_at_service(state.environment))

    def earlier(self, state: Service, digest: str) -> Earlier:
        """An image is deployed again, if ECR has it, where it does not serve, and is not on its way there or back."""
        image = f"{self.aws.place.repository}@{digest}"
        if not state.wanted and state.running == digest:
            return Earlier(revision=last(state.deployment.running), serves=f"{digest} serves already")
        if state.wanted and state.previous == digest:
            return Earlier(revision=digest)
        if state.wanted == state.target.digest == digest and state.deployment.goes_well:
            return Earlier(image, under_way=True)
        images.check_is_there(self.aws, image)
        return Earlier(image)

    def check_revision(self, revision: str, environment: str) -> str:
        """Revisions are known by their image's digest."""
        if not re.fullmatch(r"(sha256:[0-9a-f]{64})?", revision):
            raise CloudError(f"DIGEST is sha256: and 64 digits: {SCRIPT} status {environment}")
        return revision

    def asking(self, state: Service) -> Asking:
        """The service is public, and the API key is all that it wants; while it shares, it is asked more than once."""
        return Asking(_AMONG_OTHERS if state.deployment.under_way else ())

    def judge(self, state: Service, seconds: int) -> Alarms:
        """Judge by ECS's alarms."""
        return Alarms(state, seconds, self.look, self.wait.progress)

    def table(self, state: Service, rows: int) -> list[tuple[str, ...]]:
        """The newest deployments."""
        return self.revisions.table(state, rows)

    def remarks(self, state: Service) -> list[str]:
        """Why the newest deployment failed, and whether a release is under way."""
        newest = state.deployment
        failed = [f"{last(newest.target)}: {newest.why}"] if newest.arn and not newest.goes_well else []
        return failed + ([under_way(state.environment)] if state.previous or state.wanted else [])
