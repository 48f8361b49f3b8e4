"""A host with Docker as a platform of releases: docker is asked and told here, over ssh."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cd4ml.deploy import caddy
from cd4ml.deploy.api_keys import asking_with_keys, read_keys
from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.deploy.counted_requests import CountedRequests
from cd4ml.deploy.docker_host import steps
from cd4ml.deploy.docker_host.canary import counted
from cd4ml.deploy.docker_host.connection import sign_in
from cd4ml.deploy.docker_host.engine import Engine
from cd4ml.deploy.docker_host.service import Service
from cd4ml.deploy.docker_host.set_up import set_up_verbs
from cd4ml.deploy.docker_host.settings import Runtime, no_bucket, read_host, read_runtime
from cd4ml.deploy.docker_host.site import Site, at_rest
from cd4ml.deploy.names import SCRIPT, short_digest
from cd4ml.deploy.platform import Asking, Earlier, Platform
from cd4ml.deploy.release import new_revision
from cd4ml.deploy.state import CandidateError, Plan
from cd4ml.serving.client import call
from cd4ml.settings.project import Project


class DockerHost(Platform[Service]):
    """A project's services on one host: a revision is a container, and Caddy shares the traffic out."""

    tool, tool_from = "docker", "https://docs.docker.com/engine/install"
    sidecar = caddy.IMAGE
    usage = Path(__file__).with_name("verbs.txt")

    def __init__(self, project: Project, effects: Effects) -> None:
        self.project, self.effects = project, effects
        self.host = read_host(project.name, effects.environment)
        self.engine = Engine(self.host, effects)
        self.runtime = Runtime("", "", "")
        self._ssh = sign_in(effects.environment)  # the folder goes when nothing refers to it any more

    def look(self, environment: str) -> Service:
        """Read a service."""
        return self.engine.look(environment)

    # a deploy

    def prepare(self, environment: str) -> None:
        """Look at sizes, keys and the prediction log."""
        if self.project.prediction_log == "bucket":
            raise no_bucket()
        log = "stdout" if self.project.prediction_log == "stdout" else ""
        self.runtime = read_runtime(self.effects.environment, self._keys(), log)

    def _keys(self) -> str:
        return read_keys(self.host.slug, self.effects.environment)

    def settle(self, state: Service) -> Service:
        """Bring back what served before a release that was stopped half-way."""
        address = self.host.name_of(state.environment)
        if other := state.addresses.get(address):
            raise CloudError(f"{address} is what {other} answers for on this host; SERVICE_ADDRESS has to be another")
        settled: Site | None = None
        if state.previous:
            self.effects.say(f"{state.name}: an earlier release did not end; back to {state.previous} first")
            settled = at_rest(_of(state), state.previous)
            self.back_to(state, state.previous)
        elif state.candidate and state.shares:
            self.effects.say(f"{state.name}: an earlier first release serves, and did not end; it is ended first")
            settled = at_rest(_of(state), state.candidate)
            self._end(state, settled)
        elif state.candidate:
            self.effects.say(f"{state.name}: an earlier first release did not end; it is removed first")
            self.remove(state)
        else:
            return state
        return replace(state, site=settled) if self.effects.dry_run else self.look(state.environment)

    def name(self, state: Service, image: str) -> str:
        """Name a revision: the service's name, the time, and how the image's digest begins."""
        return new_revision(state.name, image, datetime.now(UTC))

    def notice(self, state: Service, before: str) -> str:
        """A first release waits for its promotion, as any other does."""
        return "" if before else "nothing serves yet, and nothing will before promote"

    def intend(self, state: Service, plan: Plan) -> bool:
        """Write the candidate down, and what to go back to; the candidate answers beside as soon as it is there."""
        kept = state.site.kept if state.site else ()
        shares = {plan.before: 100} if plan.before else {}
        certificate = self.effects.environment.get("SERVICE_CERTIFICATE") or "public"
        address = self.host.name_of(state.environment)
        site = Site(address, certificate, shares, plan.candidate, plan.before, plan.candidate, kept)
        try:
            self.engine.write(state, site)
        except CloudError as failure:
            self.effects.say(f"{self.effects.label}: {failure}")
            return False
        return True

    def create(self, state: Service, plan: Plan) -> None:
        """Pull the image, and start a container of it."""
        image = plan.image.lower()  # an owner on GitHub may have capitals, a registry knows none
        if not self.effects.change(steps.pull(self.host, image)):
            raise CandidateError(f"{plan.image} could not be pulled (above is why)")
        started = steps.run(self.host, state.name, plan.candidate, image, self.runtime)
        if not self.effects.change(started):
            raise CandidateError(f"{plan.candidate} was not started (above is why)")

    def follow(self, state: Service, plan: Plan) -> Service:
        """Wait until it is ready, and look whether it is the candidate still."""
        self.engine.wait_for(state.environment, plan.candidate, f"https://{self.host.name_of(state.environment)}")
        made = self.look(state.environment)
        if made.candidate != plan.candidate:
            raise CloudError(
                f"another deploy has taken over: {plan.candidate} is not the candidate any more; run this again"
            )
        return made

    # promote

    def ended(self, state: Service, revision: str) -> str:
        """A release has ended when nothing is the candidate any more."""
        if state.candidate or state.shares != {revision: 100}:
            return ""
        self.effects.change(steps.load(self.host))  # a run that was killed here has left the candidate's own address
        self.engine.tidy(state.environment)
        return f"{revision} already takes all traffic of {state.name}"

    def unshared(self, state: Service, percent: int) -> str:
        """A first release has nobody to share with."""
        return (
            "" if state.previous else f"{state.candidate} is the first release of {state.name}: nobody shares with it"
        )

    def promote(self, state: Service, percent: int) -> list[str]:
        """Write shares of traffic; once Caddy has them, and they are all of it, that the release has ended."""
        site = _of(state)
        shares = {state.candidate: percent} | ({state.previous: 100 - percent} if percent < 100 else {})
        shared = self.engine.write(state, replace(site, shares=shares))
        if percent == 100:
            self._end(shared, at_rest(_of(shared), state.candidate))
        return [f"{f'{part} %':<10} to {revision}" for revision, part in shares.items()]

    # the way back

    def back_to(self, state: Service, before: str) -> None:
        """Let a revision's container serve alone, started again where it was stopped, and end the release."""
        known, rest = state.container(before), at_rest(_of(state), before)
        if known is None:
            raise CloudError(f"{before} is not on the host any more: {SCRIPT} rollback {state.environment} DIGEST")
        if not known.runs:
            if not self.effects.change(steps.start(self.host, before)):
                raise CloudError(
                    f"{before} does not start (above is why): {SCRIPT} rollback {state.environment} DIGEST"
                )
            state = self.engine.write(state, replace(_of(state), beside=before))
            self.engine.wait_for(state.environment, before, state.url)
        # As long as `previous` is there, a run that is killed is not taken for one that has ended.
        goes_back = replace(_of(state), shares=rest.shares, previous=before, kept=rest.kept)
        self._end(self.engine.write(state, goes_back), rest)

    def remove(self, state: Service) -> None:
        """Forget a first release that did not end, and remove its container."""
        self.engine.write(state, None)
        self.engine.tidy(state.environment)

    def earlier(self, state: Service, digest: str) -> Earlier:
        """Find a container of the image that serves, or is kept and has today's keys; else the image is deployed again.

        A container keeps its environment variables: one from before a rotation would accept the old keys again.
        """
        of_image = [known for known in state.containers if known.image.endswith(f"@{digest}")]
        for known in of_image:
            if not state.candidate and state.shares == {known.name: 100}:
                return Earlier(revision=known.name, serves=f"{known.name} already takes all traffic of {state.name}")
        serving = {*state.shares, state.previous} - {state.candidate}
        for known in of_image:
            if known.name in serving:
                return Earlier(revision=known.name)
        kept = [known.name for known in of_image if known.name in _of(state).kept]
        if kept:
            self.prepare(state.environment)
        for name in kept:
            if self.engine.has_variables(name, self.runtime.variables):
                return Earlier(revision=name)
        if not state.containers:
            raise CloudError(f"{state.name} has no container that names its image: {SCRIPT} deploy IMAGE ENV")
        why = f"{kept[0]} has other API keys or another prediction log" if kept else f"no container of {digest} is left"
        self.effects.say(f"{state.name}: {why}; deploying that image again")
        return Earlier(image=f"{state.containers[0].image.partition('@')[0]}@{digest}")

    # asking, and telling

    def asking(self, state: Service) -> Asking:
        """Ask with the API keys."""
        return asking_with_keys(self.host.slug, self.effects.environment)

    def judge(self, state: Service, seconds: int) -> CountedRequests:
        """Judge by the requests that the candidate counted."""
        key = {"Authorization": f"Bearer {self._keys().partition(',')[0].strip()}"}

        def read() -> str:
            return str(call(state.candidate_url, "/metrics", timeout=10, headers=key).body)

        return CountedRequests(state, self.effects.environment, lambda: counted(read))

    def table(self, state: Service, rows: int) -> list[tuple[str, ...]]:
        """The newest containers."""
        table: list[tuple[str, ...]] = [("traffic", "tag", "state", "image", "made", "revision")]
        tags = {state.previous: "previous", state.candidate: "candidate"}
        for known in state.containers[:rows]:
            image = short_digest(known.image)
            share, made = f"{state.shares.get(known.name, 0)} %", known.created[:19]
            table.append((share, tags.get(known.name, ""), known.state, image, made, known.name))
        return table

    def verbs(self) -> Mapping[str, Callable[..., None]]:
        """The verbs that set the host up, and take it down."""
        return set_up_verbs(self.host, self.project, self.effects)

    def _end(self, state: Service, rest: Site) -> None:
        self.engine.write(state, rest)
        self.engine.tidy(state.environment)


def _of(state: Service) -> Site:
    if state.site is None:
        raise CloudError(f"{state.name} is not there: {SCRIPT} deploy IMAGE {state.environment}")
    return state.site
