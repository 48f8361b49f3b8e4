"""Cloud Run as a platform of releases: gcloud is asked and told here."""

import time
from collections.abc import Mapping

from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.service import Revision, Service, goes_as_told, read_revision, read_service, share
from cd4ml.deploy.cloud_run.settings import Place, service_flags
from cd4ml.deploy.commands import CloudError, Effects, UnreadError
from cd4ml.deploy.names import short
from cd4ml.deploy.release import State
from cd4ml.settings.project import Project

_LOOKS, _SECONDS_BETWEEN = 30, 2.0


class CloudRun:
    """A project's services in one region."""

    def __init__(self, place: Place, project: Project, effects: Effects) -> None:
        self.place, self.project, self.effects = place, project, effects
        self.settings: tuple[str, ...] = ()  # the flags of what `create` makes

    def look(self, environment: str) -> Service:
        """Read a service.

        Raises:
            CloudError: gcloud cannot, for another reason than that there is none.
        """
        name = self.place.service(environment)
        try:
            return read_service(name, self.effects.read(steps.describe(self.place, name)))
        except UnreadError as failure:
            if self._is_absent(name):
                return Service(name)
            raise CloudError(f"{name} cannot be read, and nothing was changed: {failure}") from None

    def _is_absent(self, name: str) -> bool:
        try:
            return bool(self.effects.read(steps.list_named(self.place, name)) == [])
        except UnreadError:
            return False

    def revisions(self, service: str) -> list[Revision]:
        """Read a service's revisions, newest first.

        Raises:
            CloudError: they cannot be listed.
        """
        try:
            return [read_revision(told) for told in self.effects.read(steps.list_revisions(self.place, service))]
        except UnreadError:
            raise CloudError(f"the revisions of {service} cannot be listed, and nothing was changed") from None

    def prepare(self, environment: str) -> None:
        """Look at the settings of what `create` will make, before anything is read or changed."""
        log = "stdout" if self.project.prediction_log == "stdout" else ""
        if self.project.prediction_log == "bucket":
            log = f"gs://{short(self.place.slug, 37)}-predictions-{self._project_number()}/{environment}"
        self.settings = service_flags(self.place, self.effects.environment, log)

    def _project_number(self) -> str:
        try:
            return str(self.effects.read(steps.describe_project(self.place))["projectNumber"])
        except UnreadError:
            raise CloudError(
                f"project {self.place.project} cannot be read: gcloud auth login, or correct GCP_PROJECT"
            ) from None

    def intend(self, environment: str, before: str) -> bool:
        """Tag what serves as `previous`."""
        return self._route(environment, {before: 100}, "--update-tags", f"previous={before}")

    def create(self, service: str, image: str, revision: str, beside: bool) -> bool:
        """Deploy a revision with the tag `candidate`."""
        return self.effects.change(steps.deploy(self.place, service, image, revision, self.settings, beside))

    def share(self, environment: str, shares: Mapping[str, int], ends: bool) -> bool:
        """Write shares of traffic, and with them that no release is under way any more."""
        return self._route(environment, shares, *(steps.ENDS if ends else ()))

    def share_of(self, state: State, revision: str) -> int:
        """The percentage of traffic that a revision takes."""
        return share(state.actual, revision) if isinstance(state, Service) else 0

    def remove(self, service: str) -> bool:
        """Remove a service."""
        return self.effects.change(steps.remove(self.place, service))

    def _route(self, environment: str, shares: Mapping[str, int], *flags: str) -> bool:
        name = self.place.service(environment)
        if self.effects.change(steps.route(self.place, name, shares, *flags)):
            return True
        # After a revision that failed, gcloud reports that failure for every change: the service is asked what is so.
        for _ in range(_LOOKS):
            service = self.look(environment)
            if not goes_as_told(service.wanted, shares):
                break
            if goes_as_told(service.actual, shares):
                return True
            time.sleep(_SECONDS_BETWEEN)
        self.effects.say(f"{self.effects.label}: {name} could not be told to send traffic to {steps.told(shares)}")
        return False
