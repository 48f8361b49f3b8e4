"""The verb `current`: dvc.lock names what this commit makes, and the remote has all that dvc.lock names."""

from cd4ml.delivery.actions_io import summarize
from cd4ml.delivery.staleness import stale
from cd4ml.errors import UserError
from cd4ml.gate.champion import bundle_digest_here
from cd4ml.storage.dvc_remote import dvc_remote, missing_in_remote, out_of_reach
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import table

_OR_ELSE = "or put the label `train` on the pull request, and ct does it"
_RETRAIN = f"mend it: make train && make gate && make push && git add -A && git commit; {_OR_ELSE}"
_PUSH = f"mend it, where the files are: make push; {_OR_ELSE}"


class NotCurrentError(UserError):
    """dvc.lock is not what it should be."""


def main(argv: list[str]) -> None:
    """Say that dvc.lock is current, or refuse.

    Raises:
        NotCurrentError: it is stale, or the remote lacks a file that it names.
        UserError: dvc.lock cannot be read, or the remote does not answer.
    """
    arguments = Arguments("check-lock")
    arguments.add_argument("--only", choices=["lock"], help="lock: do not ask the remote")
    only = arguments.parse_args(argv).only
    if bundle_digest_here() is None:
        print("no model yet, so nothing that could be stale; next: make train")
        return
    if why := stale():
        rows = table([("stage", "changed since"), *why])
        summarize(f"## dvc.lock is stale\n\n```\n{rows}\n```\n\n{_RETRAIN}")
        raise NotCurrentError(f"dvc.lock is stale\n{rows}\n{_RETRAIN}")
    print(f"dvc.lock is current; {'its objects were not looked for' if only else objects()}")


def objects() -> str:
    """Return that all that dvc.lock names is kept where others find it.

    Raises:
        NotCurrentError: something is not.
    """
    if left_out := out_of_reach():
        return f"its objects were not looked for: {left_out}"
    if name := dvc_remote():
        lacking, where = missing_in_remote(), f"the DVC remote {name}"
    else:
        from cd4ml.storage.registry import Registry, tag

        registry = Registry.here()
        lacking, where = ([] if registry.has(tag()) else ["what dvc.lock names"]), registry.name
    if lacking:
        summarize(f"## Objects are missing\n\n{where} lacks {', '.join(lacking)}.\n\n{_PUSH}")
        raise NotCurrentError(f"{where} lacks {', '.join(lacking)}\n{_PUSH}")
    return f"{where} has all that it names"
