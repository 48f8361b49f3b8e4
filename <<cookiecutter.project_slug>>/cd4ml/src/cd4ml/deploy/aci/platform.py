"""Container Instances as a platform of releases: the candidate's group beside the live one, which is then made again.

A container group has no traffic to share out: to promote is to make the service's group again with the other image.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from cd4ml.deploy import caddy
from cd4ml.deploy.aci.asked import CODES
from cd4ml.deploy.aci.asking import is_ready
from cd4ml.deploy.aci.groups import Service, undone, way_back
from cd4ml.deploy.aci.resource_group import ResourceGroup
from cd4ml.deploy.aci.runtime import check_api_keys
from cd4ml.deploy.aci.set_up import ContainerInstancesSetUp
from cd4ml.deploy.aci.swap import swap
from cd4ml.deploy.aci.ways_back import back_to_previous, go_back, undo
from cd4ml.deploy.api_keys import asking_with_keys
from cd4ml.deploy.commands import CloudError, Effects
from cd4ml.deploy.names import SCRIPT, short_digest
from cd4ml.deploy.platform import Asking, Earlier, Platform
from cd4ml.deploy.release import new_revision
from cd4ml.deploy.set_up.patience import Patience
from cd4ml.deploy.set_up.verbs import verbs_of
from cd4ml.deploy.state import CandidateError, Plan, under_way
from cd4ml.settings.project import Project


class ContainerInstances(Platform[Service]):
    """A project's services in one resource group."""

    tool, tool_from = "az", "https://learn.microsoft.com/cli/azure/install-azure-cli"
    tool_environment: ClassVar[Mapping[str, str]] = {
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
        "AZURE_CORE_NO_COLOR": "true",
    }

    sidecar = caddy.IMAGE
    usage = Path(__file__).parent / "verbs.txt"

    def __init__(self, project: Project, effects: Effects) -> None:
        self.project, self.effects = project, effects
        self.groups = ResourceGroup(project, effects)

    def verbs(self) -> dict[str, Callable[..., None]]:
        """Set it up."""

        def make(patience: Patience) -> ContainerInstancesSetUp:
            return ContainerInstancesSetUp(self.groups, patience)

        return verbs_of(make, {self.tool: CODES}, self.project, self.effects)

    def look(self, environment: str) -> Service:
        """Read what serves, and the candidate beside it."""
        return self.groups.look(environment)

    def prepare(self, environment: str) -> None:
        """Look whether there are keys: without any a service would be open to anybody."""
        check_api_keys(self.project.name, self.effects.environment)

    def settle(self, state: Service) -> Service:
        """Go back from a release that was stopped half-way.

        Where what served before is there again and does not come up, the next release may be what mends it.
        """
        self.groups.runtime(state.environment)  # before anything is changed
        if not state.is_under_way:
            return state
        back = way_back(state).revision or "nothing"
        self.effects.say(f"{state.name}: an earlier release did not end; back to {back} first")
        if not go_back(self.groups, state):
            state = self.look(state.environment)
            if state.step != "restore":
                raise CloudError("the earlier release could not be undone (above is why); try again")
            self.effects.say(
                f"{state.name} does not serve {state.serves} (above is why); this release goes on beside it"
            )
            if state.beside and not self.groups.remove(state.beside.name):
                raise CloudError("the earlier candidate could not be removed; try again")
        return undone(state) if self.effects.dry_run else self.look(state.environment)

    def name(self, state: Service, image: str) -> str:
        """Name a revision: the service's name, the time, and how the image's digest begins."""
        return new_revision(state.name, image, datetime.now(UTC))

    def notice(self, state: Service, before: str) -> str:
        """A first candidate has a group and an address of its own, as every other."""
        return "" if state.live else "nothing serves yet, and nothing will before promote"

    def intend(self, state: Service, plan: Plan) -> bool:
        """Tag what serves with the candidate."""
        return not state.live or self.groups.tag(state.name, candidate=plan.candidate, step="deploy")

    def create(self, state: Service, plan: Plan) -> None:
        """Make the candidate's group."""
        before_image = state.live.image if state.live else ""
        intent = {"revision": plan.candidate, "previous": plan.before, "previous-image": before_image, "step": "deploy"}
        group = self.groups.place.candidate(plan.environment)
        if not self.groups.create(plan.environment, group, plan.image, intent):
            raise CandidateError(f"{plan.candidate} did not come up (above is why)")

    def follow(self, state: Service, plan: Plan) -> Service:
        """Wait until the candidate answers, and look whether it is the candidate still."""
        if not self.groups.comes_up(self.groups.place.candidate(plan.environment)):
            raise CandidateError(f"{plan.candidate} did not come up (above is why)")
        made = self.look(plan.environment)
        if not made.is_candidate(plan.candidate):
            raise CloudError(
                f"another deploy has taken over: {plan.candidate} is not the candidate any more; run this again"
            )
        return made

    def address(self, state: Service) -> str:
        """A group's name in the DNS is known before the group is there."""
        return self.groups.place.address(state.name)

    def ended(self, state: Service, revision: str) -> str:
        """A release has ended once the service was proved to serve; its candidate may be there still."""
        if not state.is_served(revision):
            return ""
        if state.beside and state.beside.revision == revision and not self.groups.remove(state.beside.name):
            raise CloudError("the candidate's group could not be removed; run this again")
        return f"{revision} already serves"

    def unshared(self, state: Service, percent: int) -> str:
        """Azure shares no traffic out."""
        alone = f"{state.serves} goes on serving alone, " if state.serves else ""
        return (
            f"Azure Container Instances share no traffic out: {alone}{state.candidate} answers at {state.candidate_url}"
        )

    def promote(self, state: Service, percent: int) -> list[str]:
        """Make the service again with the candidate's image."""
        if state.beside is None:
            raise CloudError(state.unfit(""))
        return swap(self.groups, state, state.beside)

    def back_to(self, state: Service, before: str) -> None:
        """End the release that is under way; then go back to the revision before what serves, if that is asked."""
        undone = way_back(state).revision if state.candidate else None
        if undone is not None:
            undo(self.groups, state)
            if self.effects.dry_run:
                return
            state = self.look(state.environment)
        if before not in (undone, state.serves):
            back_to_previous(self.groups, state, before)

    def remove(self, state: Service) -> None:
        """Take away what a first release left."""
        undo(self.groups, state)

    def earlier(self, state: Service, digest: str) -> Earlier:
        """Find an image in what serves and in what served before it; any other is deployed by its digest alone."""
        if state.live and state.is_served(state.serves) and state.live.image.endswith(f"@{digest}"):
            return Earlier(revision=state.serves, serves=f"{state.serves} serves that image already")
        if state.previous and way_back(state).image.endswith(f"@{digest}"):
            return Earlier(revision=state.previous)
        if state.live and state.live.previous_image.endswith(f"@{digest}"):
            return Earlier(image=state.live.previous_image, proved=True)
        return Earlier(image=f"{self.groups.place.image}@{digest}")

    def asking(self, state: Service) -> Asking:
        """Ask with a key of the service's; Azure asks nothing of its own."""
        return asking_with_keys(self.project.name, self.effects.environment)

    def table(self, state: Service, rows: int) -> list[tuple[str, ...]]:
        """Both groups, and what served before."""
        lines: list[tuple[str, ...]] = [("group", "state", "image", "revision")]
        for label, group in (("service", state.live), ("candidate", state.beside)):
            if group:
                answers = "ready" if group.url and is_ready(group.url) else "not ready"
                lines.append((label, answers, short_digest(group.image), group.revision))
        if state.live and state.live.previous:
            lines.append(("before", "-", short_digest(state.live.previous_image), state.live.previous))
        return lines

    def remarks(self, state: Service) -> list[str]:
        """Whether a release has not ended."""
        if state.step == "restore":
            return [f"on its way back: {SCRIPT} restore {state.environment}"]
        return [under_way(state.environment)] if state.is_under_way else []
