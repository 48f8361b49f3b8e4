"""Let what served before a release serve again, whichever of its steps was the last one that ran."""

from cd4ml.deploy.aci.groups import Service, way_back
from cd4ml.deploy.aci.resource_group import ResourceGroup
from cd4ml.deploy.commands import CloudError
from cd4ml.deploy.names import SCRIPT


def go_back(groups: ResourceGroup, service: Service) -> bool:
    """Make what served before again, wherever that is not what there is, and take the candidate away.

    That it serves then is for `prove`. Return whether all of it succeeded.
    """
    way = way_back(service)
    match way.by:
        case "removing":
            done = groups.remove(service.name)
        case "waiting" if groups.settled(service.name).state == "Running":  # killed while it came up, or it did not
            done = groups.comes_up(service.name)
        case "making" | "waiting":
            done = serve_again(groups, service, way.revision, way.image)
        case _:
            done = True
    # Not before that: it tells what served where the service's group is gone.
    return done and (service.beside is None or groups.remove(service.beside.name))


def serve_again(groups: ResourceGroup, service: Service, revision: str, image: str) -> bool:
    """Make the service with an earlier image, and wait for it; that it serves is for `prove`."""
    tags = {"revision": revision, "previous": "", "previous-image": "", "candidate": revision, "step": "restore"}
    return groups.make_service(service, image, tags) and groups.comes_up(service.name)


def prove(groups: ResourceGroup, service: Service) -> bool:
    """End a release that was undone, last of all: whatever kills or fails it before is noticed by the next run."""
    return groups.comes_up(service.name) and groups.tag(service.name, step="served")


def undo(groups: ResourceGroup, service: Service) -> None:
    """End the release that is under way; where nothing served before it, nothing does then.

    Raises:
        CloudError: what served before may not serve.
    """
    way = way_back(service)
    if not way.revision:
        if not go_back(groups, service):
            again = f"{SCRIPT} restore {service.environment}"
            raise CloudError(f"the first release could not be undone (above is why): try again, {again}")
        return
    if way.by in ("making", "waiting"):
        groups.runtime(service.environment)  # before anything is changed: the service may have to be made again
    if not (go_back(groups, service) and prove(groups, service)):
        raise not_back(service, way.revision, way.image)


def back_to_previous(groups: ResourceGroup, service: Service, revision: str) -> None:
    """Let the revision before the one that serves serve again, where no release is under way.

    Raises:
        CloudError: it is another, or it may not serve.
    """
    live = service.live
    if live is None or revision != live.previous:
        raise CloudError(
            f"{revision} is not the revision before {service.serves or 'nothing'}: "
            f"{SCRIPT} rollback {service.environment} DIGEST"
        )
    groups.runtime(service.environment)
    if not (serve_again(groups, service, revision, live.previous_image) and prove(groups, service)):
        raise not_back(service, revision, live.previous_image)


def not_back(service: Service, revision: str, image: str) -> CloudError:
    """Return that a revision may not serve: where the group had to be removed, nothing but this tells the image."""
    return CloudError(
        f"{service.name} may not serve {revision} (above is why): try again, "
        f"{SCRIPT} restore {service.environment} {revision}; "
        f"where status shows no service, {SCRIPT} deploy {image} {service.environment}"
    )
