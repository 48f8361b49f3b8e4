"""Let the service run what the candidate runs: its group is made again, and nobody answers for a moment."""

from contextlib import nullcontext
from typing import NoReturn

from cd4ml.deploy.aci.asking import Watch, wait_until_same
from cd4ml.deploy.aci.groups import Group, Service, before_swap
from cd4ml.deploy.aci.resource_group import ResourceGroup
from cd4ml.deploy.aci.ways_back import undo
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import SCRIPT


def swap(groups: ResourceGroup, service: Service, candidate: Group) -> list[str]:
    """Make the service with the candidate's image, and end the release; return the lines that say so.

    The service must say of itself there what it said beside.

    Raises:
        CloudError: it does not serve, or another deploy has taken over.
    """
    groups.runtime(service.environment)  # before anything is changed
    before, before_image = before_swap(service)
    intent = {
        "revision": candidate.revision, "previous": before, "previous-image": before_image,
        "candidate": candidate.revision, "step": "swap",
    }  # fmt: skip
    if groups.effects.dry_run:
        groups.make_service(service, candidate.image, intent)
        groups.tag(service.name, step="served")
        groups.remove(candidate.name)
        return []
    with Watch(groups.place.address(service.name)) if service.live else nullcontext() as watch:
        made = groups.make_service(service, candidate.image, intent)
        well = made and groups.comes_up(service.name) and _says_the_same(groups, service, candidate)
    if not well:
        _not_swapped(groups, service, candidate, before)
    now = groups.look(service.environment)
    if now.serves != candidate.revision:
        raise CloudError(
            f"another deploy has taken over: {now.serves or 'nothing'} serves, not {candidate.revision}; run this again"
        )
    away = f"{watch.away:.1f} s" if watch else "nobody"
    # In this order: once the service says that it is served, a candidate beside it is litter, which any run removes.
    if not groups.tag(service.name, step="served"):
        again = f"{SCRIPT} promote {service.environment}"
        raise CloudError(f"{candidate.revision} serves, and its release could not be ended: {again}")
    if not groups.remove(candidate.name):
        groups.effects.say(
            f"{candidate.revision} serves; its candidate could not be removed, which the next deploy does"
        )
    rows = {"serves": candidate.revision, "before": before or "nothing", "interrupted": away}
    return [f"{name:<12} {value}" for name, value in rows.items()]


def _says_the_same(groups: ResourceGroup, service: Service, candidate: Group) -> bool:
    try:
        wait_until_same(groups.place.address(service.name), candidate.url, groups.patience.start)
    except TimeoutError as failure:
        groups.effects.say(str(failure))
        return False
    return True


def _not_swapped(groups: ResourceGroup, service: Service, candidate: Group, before: str) -> NoReturn:
    """Say what serves, and go back where something else was begun."""
    environment, effects = service.environment, groups.effects
    now = groups.look(environment)
    if now.live and now.serves == before:
        raise CloudError(
            f"{now.name} could not be made again (above is why), and {before} serves as before: "
            f"{SCRIPT} promote {environment}, or restore {environment}"
        )
    effects.say(f"{effects.label}: {now.name} does not serve {candidate.revision} (above is why)")
    if other := now.overtaken_by([candidate.revision]):
        effects.say(f"{now.name}: another deploy has taken over, with {other}; left as it is")
    else:
        try:
            undo(groups, now)
        except CloudError as failure:
            effects.say(f"{effects.label}: {failure}")
            raise CloudError(f"{now.name} may not serve: {SCRIPT} restore {environment}") from None
        effects.say(f"{before} serves again" if before else f"{now.name}: nothing serves, as before the first release")
    raise CloudError(f"not promoted: {candidate.revision}")
