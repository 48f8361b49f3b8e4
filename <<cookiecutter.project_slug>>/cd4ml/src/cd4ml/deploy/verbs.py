"""The verbs of a release, the same on every platform: what their arguments may be, and what they print."""

import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import Generic

from cd4ml.deploy.commands import CloudError, Command, Effects
from cd4ml.deploy.names import ENVIRONMENTS, SCRIPT, check_digest, check_environment, check_image, check_percent
from cd4ml.deploy.platform import AnyState, Platform
from cd4ml.deploy.release import Release, check_candidate

RELEASE_VERBS = ("deploy", "smoke", "promote", "canary", "restore", "rollback", "status", "url")
_REACHABLE = ("https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:")


class Verbs(Generic[AnyState]):
    """One run of a verb. `python` is the interpreter whose `cd4ml smoke` compares answers."""

    def __init__(self, platform: Platform[AnyState], effects: Effects, python: str) -> None:
        self.platform, self.effects, self.python = platform, effects, python
        self.expected = effects.environment.get("CANDIDATE", "")
        self.release = Release(platform, effects, self.expected)

    def run(self, verb: str, arguments: list[str]) -> None:
        """Run one of RELEASE_VERBS.

        Raises:
            CloudError: it cannot go on.
        """
        verbs: dict[str, Callable[..., None]] = {name: getattr(self, name) for name in RELEASE_VERBS}
        verbs[verb](*arguments)

    def deploy(self, image: str = "", environment: str = "", *_: str) -> None:
        """Make a candidate, which takes little traffic or none."""
        self.release.deploy(check_image(image), check_environment(environment))

    def promote(self, environment: str = "", percent: str = "100", *_: str) -> None:
        """Give the candidate its share of traffic."""
        self.release.promote(check_environment(environment), check_percent(percent))

    def restore(self, environment: str = "", revision: str = "", *_: str) -> None:
        """Go back to what served before, or to a revision."""
        check_environment(environment)
        self.release.restore(environment, self.platform.check_revision(revision, environment))

    def smoke(self, environment: str = "", *_: str) -> None:
        """Ask the candidate, else the service, which must answer as the bundle does; exit as the smoke test does."""
        state = self.platform.look(check_environment(environment))
        if code := self._ask(state, state.candidate_url or state.url):
            sys.exit(code)

    def canary(self, environment: str = "", seconds: str = "300", *_: str) -> None:
        """Judge the candidate for that long: by requests of our own, and by what the platform sees."""
        check_environment(environment)
        settings = self.effects.environment
        rounds, pause = settings.get("CANARY_ROUNDS") or "5", settings.get("CANARY_PAUSE") or "20"
        if not all(re.fullmatch(r"[0-9]{1,5}", number) for number in (seconds, rounds, pause)):
            raise CloudError("SECONDS and the CANARY_ settings are whole numbers")
        state = self.platform.look(environment)
        candidate = check_candidate(state, self.expected)
        judge = self.platform.judge(state, int(seconds))
        if self.effects.dry_run:
            return
        until, probes, end = time.monotonic() + int(seconds), 0, ""
        while not end:
            if self._ask(state, state.candidate_url, "--rounds", rounds, "--kind", "canary"):
                check_candidate(self.platform.look(environment), self.expected)  # the platform may know why
                raise CloudError(f"{candidate} fails its probes: {SCRIPT} restore {environment}")
            probes += 1
            end = judge.look()
            if not end and time.monotonic() >= until:
                end = judge.verdict(probes, int(rounds))
            if not end:
                time.sleep(int(pause))
        print(f"{candidate}: {end}")

    def rollback(self, environment: str = "", digest: str = "", *_: str) -> None:
        """Go back to an image: what is left of it takes all traffic, else it is deployed again, asked and promoted."""
        digest = check_digest(digest, check_environment(environment))
        state = self.platform.look(environment)
        if not state.exists:
            raise CloudError(f"{state.name} is not there: {SCRIPT} deploy IMAGE {environment}")
        # If this fails, the workflow restores what a release has left that was cancelled for it.
        if state.candidate:
            self.effects.output("left", state.candidate)
        known = self.platform.earlier(state, digest)
        if known.revision:
            if not known.serves:
                self.platform.back_to(state, known.revision)
            if known.serves or not self.effects.dry_run:
                print(known.serves or f"{known.revision} serves, with all traffic")
            self.effects.output("revision", known.revision)
            return
        if known.under_way:
            self.effects.output("left", "")
            self.effects.say(f"{state.name}: {state.candidate} is on its way already, and this goes on with it")
            self.release.resume(state, known.image)
        else:
            self.release.deploy(known.image, environment)
        if self.effects.dry_run:
            return
        if known.proved:
            self.effects.say(f"{state.name}: that image served before this one did; that it is ready is enough")
        elif not self._answers(environment):
            self.release.restore(environment)
            raise CloudError("the earlier image does not answer as its bundle does; nothing was rolled back")
        self.release.promote(environment, 100)

    def status(self, environment: str = "", *_: str) -> None:
        """Print a table of what serves, and whether a release is under way."""
        for name in [check_environment(environment)] if environment else ENVIRONMENTS:
            state = self.platform.look(name)
            if not state.exists:
                print(f"{state.name}: not there yet")
                continue
            print(f"{state.name} {state.url or '(no address yet)'}")
            for line in aligned(self.platform.table(state, int(self.effects.environment.get("LINES_SHOWN") or 10))):
                print(f"  {line}")
            for line in self.platform.remarks(state):
                print(f"  {line}")

    def url(self, environment: str = "", *_: str) -> None:
        """Print the service's address."""
        state = self.platform.look(check_environment(environment))
        if not state.url:
            raise CloudError(f"{state.name} is not there yet: {SCRIPT} deploy IMAGE {environment}")
        self.effects.output("url", state.url)
        print(state.url)

    def _ask(self, state: AnyState, address: str, *arguments: str) -> int:
        """Run the project's smoke test; return its exit code."""
        if not address:
            raise CloudError(f"{state.name} is not there yet: {SCRIPT} deploy IMAGE {state.environment}")
        if not address.startswith(_REACHABLE):
            raise CloudError(f"{address[:80]} is neither https nor on this machine; keys are not sent there")
        asking = self.platform.asking(state)
        argv = (self.python, "-m", "cd4ml", "smoke", "--url", address, "--wait", "60", *arguments, *asking.arguments)
        return self.effects.code(Command(argv), environment=asking.environment)

    def _answers(self, environment: str) -> bool:
        state = self.platform.look(environment)  # outside: that it cannot be read is no answer
        try:
            return self._ask(state, state.candidate_url or state.url) == 0
        except CloudError as failure:
            self.effects.say(f"{self.effects.label}: {failure}")
            return False


def aligned(table: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table, whose columns are as wide as their longest cell, and two more."""
    widths = [max(map(len, column)) + 2 for column in zip(*table, strict=True)]
    return ["".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
