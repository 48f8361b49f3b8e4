"""The verb `smoke`: is it this bundle that answers there, and does it answer as the pipeline did?"""

import os
import time
from collections.abc import Callable
from typing import Any

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import first_difference
from cd4ml.errors import UserError
from cd4ml.serving.client import NoServiceError, Reply, ask
from cd4ml.serving.release_metadata import served_by
from cd4ml.serving.service_settings import bundle_folder
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align

_PAUSE = 0.2  # seconds between two looks whether it is ready


class DifferenceError(UserError):
    """What the service answers is not what the bundle says."""


def main(argv: list[str]) -> None:
    """Compare a service with the local bundle; print what was looked at.

    Raises:
        UserError: the first difference.
    """
    arguments = Arguments("smoke")
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--wait", type=float, default=30, help="seconds to wait until it is ready")
    arguments.add_argument("--rounds", type=int, default=1, help="how often to ask for the examples' answers")
    arguments.add_argument("--tries", type=int, default=1, help="how often to ask until this bundle answers")
    given = arguments.parse_args(argv)
    url, bundle = given.url.rstrip("/"), Bundle.load(bundle_folder(os.environ))
    checks: dict[str, Callable[[], str]] = {
        "ready": lambda: wait_until_ready(url, given.wait),
        "the same bundle": lambda: same_bundle(url, bundle, given.tries),
        "its own examples": lambda: same_answers(url, bundle, given.rounds, given.tries),
    }
    if given.tries == 1:  # where others answer too, a refusal proves nothing, and clouds' alarms count it
        checks["a bad row"] = lambda: refuses(url, bundle)
    rows = [("check", "outcome")]
    try:
        for name, look in checks.items():
            rows.append((name, "FAILED"))
            rows[-1] = (name, look())
    finally:
        print(align(rows), flush=True)


def wait_until_ready(url: str, seconds: float) -> str:
    """Return how long it took until the service said that it is ready.

    Raises:
        UserError: it did not within `seconds`.
    """
    started = time.monotonic()
    last = "nothing was asked"
    while (waited := time.monotonic() - started) <= seconds:
        try:
            reply = ask(url, "/health/ready", timeout=2)
            if reply.status == 200:
                return f"after {time.monotonic() - started:.1f} s"
            last = f"/health/ready answers with {reply.status}"
        except NoServiceError as absent:
            last = str(absent)
        time.sleep(min(_PAUSE, max(0.0, seconds - waited)))
    raise UserError(f"not ready within {seconds:g} s: {last}")


def same_bundle(url: str, bundle: Bundle, tries: int = 1) -> str:
    """Return the bundle's version, which the service has too, or one of those that share its traffic.

    Raises:
        DifferenceError: it serves another.
    """
    told = _told("/version", lambda: ask(url, "/version"), bundle, tries)
    if told.get("digest") != bundle.manifest.digest:
        raise DifferenceError(f"{url} serves {told.get('version')}, models/bundle is {bundle.version}")
    return f"{bundle.version}, on {told['runtime']}"


def same_answers(url: str, bundle: Bundle, rounds: int = 1, tries: int = 1) -> str:
    """Return how many of the bundle's examples the service answers as the pipeline did, every time it is asked.

    Where another bundle answers, the question is asked again, `tries` times at most.

    Raises:
        DifferenceError: one of them it does not.
    """
    rows = bundle.examples()["rows"]
    what = "/predict, asked for the bundle's examples,"
    for _ in range(rounds):
        told = _told(what, lambda: ask(url, "/predict", {"rows": rows}), bundle, tries)
        difference = first_difference(bundle, told.get("predictions"), told.get("probabilities"))
        if difference:
            raise DifferenceError(f"{url} does not answer as the pipeline did: {difference}")
    often = f", {rounds} times" if rounds > 1 else ""
    return f"all {len(rows)} answered as the pipeline did{often}"


def refuses(url: str, bundle: Bundle) -> str:
    """Return how the service refuses a row in which one column holds a list, which none may.

    Raises:
        DifferenceError: it does not, or not naming the column.
    """
    name = next(iter(bundle.contract.columns))
    reply = ask(url, "/predict", {"rows": [bundle.contract.sample_row() | {name: []}]})
    errors = reply.body.get("errors") if isinstance(reply.body, dict) else None
    if reply.status != 422 or not errors or errors[0].get("column") != name:
        raise DifferenceError(f"{url} should refuse a list as {name} with 422, and answers with {reply.status}")
    return f"refused with 422, naming {name}"


def _told(what: str, question: Callable[[], Reply], bundle: Bundle, tries: int) -> dict[str, Any]:
    own = served_by(bundle).items()
    for _ in range(tries):
        reply = question()
        # whoever else answers may refuse the rows, or be what is to be replaced because it fails
        if tries == 1 or own <= reply.headers.items():
            return _answered(reply, what)
    raise DifferenceError(f"asked {tries} times, and {bundle.version} never answered")


def _answered(reply: Reply, what: str) -> dict[str, Any]:
    if reply.status != 200 or not isinstance(reply.body, dict):
        said = reply.body.get("detail") if isinstance(reply.body, dict) else str(reply.body)[:100]
        raise DifferenceError(f"{what} answers with {reply.status}: {said}")
    return reply.body
