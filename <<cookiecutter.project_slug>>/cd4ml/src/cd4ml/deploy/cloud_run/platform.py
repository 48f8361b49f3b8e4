"""Cloud Run as a platform of releases: gcloud is asked and told here."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.canary import counted
from cd4ml.deploy.cloud_run.service import Revision, Service, goes_as_told, read_revision, read_service, share
from cd4ml.deploy.cloud_run.set_up import CODES, CloudRunSetUp
from cd4ml.deploy.cloud_run.settings import read_place, service_flags
from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.counted_requests import CountedRequests
from cd4ml.deploy.names import SCRIPT, short_digest
from cd4ml.deploy.platform import Asking, Earlier, Platform
from cd4ml.deploy.release import new_revision
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.verbs import verbs_of
from cd4ml.deploy.state import CandidateError, Plan
from cd4ml.settings.project import Project

_LOOKS, _SECONDS_BETWEEN = 30, 2.0


class CloudRun(Platform[Service]):
    """A project's services in one region: a candidate is a revision with a tag, and traffic is shared by revision."""

    tool, tool_from = "gcloud", "https://cloud.google.com/sdk/docs/install"
    usage = Path(__file__).parent / "verbs.txt"

    def __init__(self, project: Project, effects: Effects) -> None:
        self.project, self.effects = project, effects
        self.place = read_place(project.name, effects.environment)
        self.settings: tuple[str, ...] = ()  # the flags of what `create` makes

    def verbs(self) -> dict[str, Callable[..., None]]:
        """Set it up."""

        def make(patience: Patience) -> CloudRunSetUp:
            return CloudRunSetUp(self.place, patience, self.project_number, self.look)

        return verbs_of(make, {self.tool: CODES}, self.project, self.effects)

    def look(self, environment: str) -> Service:
        """Read a service.

        Raises:
            CloudError: gcloud cannot, for another reason than that there is none.
        """
        name = self.place.service(environment)
        try:
            told = self._described(name)
        except UnreadError as failure:
            raise CloudError(f"{name} cannot be read{self.effects.so_far}: {failure}") from None
        return Service(environment, name) if told is None else read_service(environment, name, told)

    def _described(self, name: str) -> Any:
        """Return a service as gcloud prints it; None where there is none, for which gcloud has no code."""
        command = steps.describe(self.place, name)
        try:
            return self.effects.read(replace(command, tries=1))
        except UnreadError:
            return None if self._is_absent(name) else self.effects.read(command)

    def _is_absent(self, name: str) -> bool:
        try:
            return bool(self.effects.read(steps.list_named(self.place, name)) == [])
        except UnreadError:
            return False

    def _revisions(self, service: str) -> list[Revision]:
        try:
            return [read_revision(told) for told in self.effects.read(steps.list_revisions(self.place, service))]
        except UnreadError:
            raise CloudError(f"the revisions of {service} cannot be listed{self.effects.so_far}") from None

    def prepare(self, environment: str) -> None:
        """Look at the settings of what `create` will make."""
        log = "stdout" if self.project.prediction_log == "stdout" else ""
        if self.project.prediction_log == "bucket":
            log = f"{self.place.bucket('predictions', self.project_number())}/{environment}"
        self.settings = service_flags(self.place, self.effects.environment, log)

    def project_number(self) -> str:
        """Return the project's number, in which its buckets are named.

        Raises:
            CloudError: it cannot be read.
        """
        try:
            return str(self.effects.read(steps.describe_project(self.place))["projectNumber"])
        except UnreadError:
            raise CloudError(
                f"project {self.place.project} cannot be read: gcloud auth login, or correct GCP_PROJECT"
            ) from None

    def settle(self, state: Service) -> Service:
        """Give all traffic to what served before a release that was stopped half-way."""
        if not state.previous:
            return state
        self.effects.say(f"{state.name}: an earlier release did not end; back to {state.previous} first")
        if not self._share(state, {state.previous: 100}, *steps.ENDS):
            raise CloudError("the earlier release could not be undone; try again")
        return state.served_by(state.previous) if self.effects.dry_run else self.look(state.environment)

    def name(self, state: Service, image: str) -> str:
        """Name a revision: the service's name, the time, and how the image's digest begins."""
        return new_revision(state.name, image, datetime.now(UTC))

    def notice(self, state: Service, before: str) -> str:
        """A first revision cannot be made without traffic."""
        if before:
            return ""
        return "nothing serves yet, so the first revision takes the traffic at once; the service is private"

    def intend(self, state: Service, plan: Plan) -> bool:
        """Tag what serves as `previous`."""
        return not plan.before or self._share(state, {plan.before: 100}, "--update-tags", f"previous={plan.before}")

    def create(self, state: Service, plan: Plan) -> None:
        """Deploy a revision with the tag `candidate`; gcloud waits until it is up."""
        exists, beside = state.exists, bool(plan.before)  # a first release that was stopped leaves a service
        made = steps.deploy(self.place, state.name, plan.image, plan.candidate, self.settings, exists, beside)
        if not self.effects.change(made):
            raise CandidateError(f"{plan.candidate} did not come up (above is why)")

    def follow(self, state: Service, plan: Plan) -> Service:
        """Look whether it is the candidate still."""
        made = self.look(state.environment)
        if not made.is_candidate(plan.candidate):
            raise CloudError(
                f"another deploy has taken over: {plan.candidate} is not the candidate any more; run this again"
            )
        return made

    def ended(self, state: Service, revision: str) -> str:
        """A release ends with its tags."""
        if state.candidate or share(state.actual, revision) != 100:
            return ""
        return f"{revision} already takes all traffic of {state.name}"

    def unshared(self, state: Service, percent: int) -> str:
        """A first release has nobody to share with."""
        return "" if state.previous else f"{state.candidate} is the first release of {state.name}, with all traffic"

    def promote(self, state: Service, percent: int) -> list[str]:
        """Write shares of traffic; with all of it, that no release is under way any more."""
        shares = {state.candidate: percent} | ({state.previous: 100 - percent} if percent < 100 else {})
        if not self._share(state, shares, *(steps.ENDS if percent == 100 else ())):
            raise CloudError(f"restore: {SCRIPT} restore {state.environment}")
        return [f"{f'{part} %':<10} to {revision}" for revision, part in shares.items()]

    def back_to(self, state: Service, before: str) -> None:
        """Give all traffic to a revision, and write that no release is under way any more."""
        if not self._share(state, {before: 100}, *steps.ENDS):
            again = f"{SCRIPT} restore {state.environment} {before}"
            raise CloudError(f"{state.name} may not serve {before}: try again, {again}")

    def remove(self, state: Service) -> None:
        """Remove the service."""
        if not self.effects.change(steps.remove(self.place, state.name)):
            raise CloudError(f"{state.name} could not be removed: try again")

    def earlier(self, state: Service, digest: str) -> Earlier:
        """Find what served before a release under way, else the newest revision; else deploy the image again."""
        for known in sorted(self._revisions(state.name), key=lambda known: known.name != state.previous):
            if known.image.endswith(f"@{digest}") and known.ready:
                return Earlier(revision=known.name)
        self.effects.say(f"{state.name}: no revision of {digest} is left; deploying that image again")
        return Earlier(image=f"{self.place.image}@{digest}")

    def asking(self, state: Service) -> Asking:
        """Ask with an identity token whose audience is the service, unless one was given."""
        return Asking(environment={"SERVICE_IDENTITY_TOKEN": self._identity(state)})

    def _identity(self, state: Service) -> str:
        if given := self.effects.environment.get("SERVICE_IDENTITY_TOKEN"):
            return given
        for flags in ((f"--audiences={state.url}",), ()):
            try:
                return self.effects.read_text(steps.token(*flags))
            except UnreadError:
                continue
        raise CloudError("no identity token: set SERVICE_IDENTITY_TOKEN, or gcloud auth login")

    def judge(self, state: Service, seconds: int) -> CountedRequests:
        """Judge by the requests that Cloud Monitoring counted."""
        effects, project = self.effects, self.place.project
        return CountedRequests(state, effects.environment, lambda: counted(effects, project, state, seconds + 60))

    def table(self, state: Service, rows: int) -> list[tuple[str, ...]]:
        """The newest revisions."""
        table: list[tuple[str, ...]] = [("traffic", "tag", "image", "made", "revision")]
        for known in self._revisions(state.name)[:rows]:
            traffic = f"{share(state.actual, known.name)} %" if known.ready else "failed"
            image, made = short_digest(known.image), known.created.partition(".")[0]
            table.append((traffic, " ".join(state.tags(known.name)), image, made, known.name))
        return table

    def _share(self, state: Service, shares: Mapping[str, int], *flags: str) -> bool:
        if self.effects.change(steps.route(self.place, state.name, shares, *flags)):
            return True
        # After a revision that failed, gcloud reports that failure for every change: the service is asked what is so.
        for _ in range(_LOOKS):
            service = self.look(state.environment)
            if not goes_as_told(service.wanted, shares):
                break
            if goes_as_told(service.actual, shares):
                return True
            time.sleep(_SECONDS_BETWEEN)
        self.effects.say(
            f"{self.effects.label}: {state.name} could not be told to send traffic to {steps.told(shares)}"
        )
        return False
