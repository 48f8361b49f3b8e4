"""The verbs of a release on Cloud Run: what their arguments may be, and what they print."""

import re
import sys
import time
from collections.abc import Callable

from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.platform import CloudRun
from cd4ml.deploy.cloud_run.requests_counted import requests_counted
from cd4ml.deploy.cloud_run.service import Service, share
from cd4ml.deploy.cloud_run.settings import read_place
from cd4ml.deploy.commands import CloudError, Command, Effects, UnreadError
from cd4ml.deploy.names import ENVIRONMENTS, SCRIPT, check_digest, check_environment, check_image, check_percent
from cd4ml.deploy.release import Release, check_candidate
from cd4ml.http.client import HttpError
from cd4ml.settings.project import Project

TOOL, TOOL_FROM = "gcloud", "https://cloud.google.com/sdk/docs/install"
_REACHABLE = ("https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:")


class Verbs:
    """One run of a verb. `python` is the interpreter whose `cd4ml smoke` compares answers."""

    def __init__(self, project: Project, effects: Effects, python: str) -> None:
        self.effects, self.python = effects, python
        self.platform = CloudRun(read_place(project.name, effects.environment), project, effects)
        self.expected = effects.environment.get("CANDIDATE", "")
        self.release = Release(self.platform, effects, self.expected)

    def table(self) -> dict[str, Callable[..., None]]:
        """The verbs by name."""
        return {
            "deploy": self.deploy, "smoke": self.smoke, "promote": self.promote, "canary": self.canary,
            "restore": self.restore, "rollback": self.rollback, "status": self.status, "url": self.url,
        }  # fmt: skip

    def deploy(self, image: str = "", environment: str = "", *_: str) -> None:
        """A new revision that takes no traffic."""
        check_image(image)
        self.platform.prepare(check_environment(environment))
        self.release.deploy(image, environment)

    def promote(self, environment: str = "", percent: str = "100", *_: str) -> None:
        """The candidate's share of traffic."""
        self.release.promote(check_environment(environment), check_percent(percent))

    def restore(self, environment: str = "", revision: str = "", *_: str) -> None:
        """Back to what served before, or to a revision."""
        check_environment(environment)
        if not re.fullmatch(r"[a-z0-9-]*", revision):
            raise CloudError(f"REVISION is a revision's name: {SCRIPT} status {environment}")
        self.release.restore(environment, revision)

    def smoke(self, environment: str = "", *_: str) -> None:
        """The candidate, else the service, must answer as the bundle does; exits as the smoke test does."""
        service = self.platform.look(check_environment(environment))
        if code := self._ask(service, service.candidate_url or service.url):
            sys.exit(code)

    def canary(self, environment: str = "", seconds: str = "300", *_: str) -> None:
        """Judge the candidate while it takes its share: by requests of our own, and by what Monitoring counted."""
        check_environment(environment)
        settings = self.effects.environment
        given = [seconds, *(settings.get(f"CANARY_{name}") or default for name, default in
                 (("MINIMUM", "50"), ("ERROR_PERCENT", "1"), ("ROUNDS", "5")))]  # fmt: skip
        if not all(re.fullmatch(r"[0-9]{1,5}", number) for number in given):
            raise CloudError("SECONDS and the CANARY_ settings are whole numbers")
        period, minimum, limit, rounds = map(int, given)
        service = self.platform.look(environment)
        candidate = check_candidate(service, environment, self.expected)
        if self.effects.dry_run:
            return
        until = time.monotonic() + period
        while True:
            if self._ask(service, service.candidate_url, "--rounds", str(rounds), "--kind", "canary"):
                raise CloudError(f"{candidate} fails its probes: {SCRIPT} restore {environment}")
            total, errors = self._counted(service.name, candidate, period + 60)
            if total >= minimum and errors * 100 > limit * total:
                many = f"{errors} of {total} requests with 5xx, more than {limit} %"
                raise CloudError(f"{candidate} answered {many}: {SCRIPT} restore {environment}")
            if time.monotonic() >= until:
                break
            time.sleep(float(settings.get("CANARY_PAUSE") or 20))
        if total < minimum:
            print(f"{candidate}: judged on probes only ({total} requests counted, {minimum} needed)")
        else:
            print(f"{candidate}: {errors} of {total} requests answered with 5xx, at most {limit} % allowed")

    def rollback(self, environment: str = "", digest: str = "", *_: str) -> None:
        """All traffic to the newest revision of an image; where none is left it is deployed again."""
        digest = check_digest(digest, check_environment(environment))
        service = self.platform.look(environment)
        if not service.exists:
            raise CloudError(f"{service.name} is not there: {SCRIPT} deploy IMAGE {environment}")
        revisions = self.platform.revisions(service.name)
        name = next((known.name for known in revisions if f"@{digest}" in known.image and known.ready), "")
        if name:
            if not self.platform.share(environment, {name: 100}, ends=True):
                raise CloudError(f"try again, or {SCRIPT} restore {environment}")
            if not self.effects.dry_run:
                print(f"{name} serves, with all traffic")
            self.effects.output("revision", name)
            return
        self.effects.say(f"{service.name}: no revision of {digest} is left; deploying that image again")
        self.deploy(f"{self.platform.place.image}@{digest}", environment)
        if self.effects.dry_run:
            return
        if not self._answers(environment):
            self.release.restore(environment)
            raise CloudError("the earlier image does not answer as its bundle does; nothing was rolled back")
        self.release.promote(environment, 100)

    def status(self, environment: str = "", *_: str) -> None:
        """A table of what serves, and whether a release is under way."""
        for name in [check_environment(environment)] if environment else ENVIRONMENTS:
            self._status_of(name)

    def url(self, environment: str = "", *_: str) -> None:
        """The service's address."""
        service = self.platform.look(check_environment(environment))
        if not service.url:
            raise CloudError(f"{service.name} is not there yet: {SCRIPT} deploy IMAGE {environment}")
        self.effects.output("url", service.url)
        print(service.url)

    def _status_of(self, environment: str) -> None:
        service = self.platform.look(environment)
        if not service.exists:
            print(f"{service.name}: not there yet")
            return
        print(f"{service.name} {service.url}")
        print(f"  {'traffic':<10}{'tag':<10}{'image':<14}{'made':<22}revision")
        for known in self.platform.revisions(service.name)[: int(self.effects.environment.get("LINES_SHOWN") or 10)]:
            state = f"{share(service.actual, known.name)} %" if known.ready else "failed"
            tags = "".join(f"{tag} " for tag in service.tags(known.name))
            image, made = known.image.rpartition("@sha256:")[2][:12], known.created.partition(".")[0]
            print(f"  {state:<10}{tags:<10}{image:<14}{made:<22}{known.name}")
        if service.previous or service.candidate:
            print(f"  under way: {SCRIPT} promote {environment}, or restore {environment}")

    def _ask(self, service: Service, address: str, *arguments: str) -> int:
        """Run the project's smoke test; return its exit code."""
        if not address:
            raise CloudError(f"{service.name} is not there yet: {SCRIPT} deploy IMAGE ENV")
        if not address.startswith(_REACHABLE):
            raise CloudError(f"{address[:80]} is neither https nor on this machine; keys are not sent there")
        argv = (self.python, "-m", "cd4ml", "smoke", "--url", address, "--wait", "60", *arguments)
        return self.effects.code(Command(argv), environment={"SERVICE_IDENTITY_TOKEN": self._identity(service)})

    def _answers(self, environment: str) -> bool:
        service = self.platform.look(environment)
        try:
            return self._ask(service, service.candidate_url or service.url) == 0
        except CloudError as failure:
            self.effects.say(f"{self.effects.label}: {failure}")
            return False

    def _identity(self, service: Service) -> str:
        """Return an identity token whose audience is the service, unless one was given."""
        if given := self.effects.environment.get("SERVICE_IDENTITY_TOKEN"):
            return given
        for flags in ((f"--audiences={service.url}",), ()):
            try:
                return self.effects.read_text(steps.token(*flags))
            except UnreadError:
                continue
        raise CloudError("no identity token: set SERVICE_IDENTITY_TOKEN, or gcloud auth login")

    def _counted(self, service: str, revision: str, seconds: int) -> tuple[int, int]:
        """Return how many requests the candidate answered, and how many of them with 5xx; 0, 0 when unknown."""
        try:
            token = self.effects.read_text(steps.token(kind="access"))
            return requests_counted(self.platform.place.project, service, revision, seconds, token)
        except (UnreadError, HttpError) as failure:
            self.effects.say(f"Monitoring does not tell how many requests were answered: {failure}")
            return 0, 0
