"""Check that dvc.lock matches this commit's code and parameters, and that the remote holds every file it names."""

from cd4ml.delivery.actions_io import add_to_summary
from cd4ml.delivery.staleness import stale_stages
from cd4ml.errors import UserError
from cd4ml.gate.champion import bundle_digest_here
from cd4ml.storage.dvc_remote import default_remote, missing_in_remote, unreachable_reason
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align

_OR_LABEL = "or put the label `train` on the pull request, and ct does it"
_RETRAIN = f"to fix it: make train && make gate && make push && git add -A && git commit; {_OR_LABEL}"
_PUSH = f"to fix it, on the machine that has the files: make push; {_OR_LABEL}"


class LockError(UserError):
    """dvc.lock is stale, or names a file that the remote lacks."""


def main(argv: list[str]) -> None:
    """Print that dvc.lock is current, or reject it.

    Raises:
        LockError: it is stale, or the remote lacks a file that it names.
        UserError: dvc.lock cannot be read, or the remote does not answer.
    """
    arguments = Arguments("check-lock")
    arguments.add_argument("--only", choices=["lock"], help="lock: do not check the remote")
    only = arguments.parse_args(argv).only
    if bundle_digest_here() is None:
        print("no model yet, so dvc.lock cannot be stale; next: make train")
        return
    if stages := stale_stages():
        rows = align([("stage", "changed since"), *stages])
        add_to_summary(f"## dvc.lock is stale\n\n```\n{rows}\n```\n\n{_RETRAIN}")
        raise LockError(f"dvc.lock is stale\n{rows}\n{_RETRAIN}")
    print(f"dvc.lock is current; {'the remote was not checked' if only else check_remote()}")


def check_remote() -> str:
    """Return that the DVC remote, or the registry in its place, holds every file that dvc.lock names.

    Raises:
        LockError: it lacks one.
        UserError: it does not answer.
    """
    if why_not := unreachable_reason():
        return f"the remote was not checked: {why_not}"
    if name := default_remote():
        missing, storage = missing_in_remote(), f"the DVC remote {name}"
    else:
        from cd4ml.storage.registry import Registry, image_tag

        registry = Registry.from_environment()
        missing, storage = ([] if registry.has(image_tag()) else ["what dvc.lock names"]), registry.name
    if missing:
        add_to_summary(f"## Files are missing\n\n{storage} lacks {', '.join(missing)}.\n\n{_PUSH}")
        raise LockError(f"{storage} lacks {', '.join(missing)}\n{_PUSH}")
    return f"{storage} holds every file that it names"
