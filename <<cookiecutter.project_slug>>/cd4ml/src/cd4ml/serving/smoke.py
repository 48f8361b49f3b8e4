"""The verb `smoke`: check that a service serves this bundle, and returns the predictions in the bundle's examples."""

import os
import time
from collections.abc import Callable
from typing import Any

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import first_difference
from cd4ml.errors import UserError
from cd4ml.prediction_log.record import KIND_HEADER, KINDS
from cd4ml.serving.client import NoServiceError, Reply, call
from cd4ml.serving.release_metadata import bundle_headers
from cd4ml.serving.service_settings import bundle_folder
from cd4ml.terminal.arguments import Arguments
from cd4ml.terminal.output import align

_PAUSE = 0.2  # seconds between two requests to /health/ready


class DifferenceError(UserError):
    """A response of the service differs from what the bundle would return."""


def main(argv: list[str]) -> None:
    """Compare a service with the local bundle; print the result of each check.

    Raises:
        UserError: the first check that failed.
    """
    arguments = Arguments("smoke")
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--wait", type=float, default=30, help="seconds to wait until it is ready")
    arguments.add_argument("--rounds", type=int, default=1, help="how often to request the examples' predictions")
    arguments.add_argument(
        "--tries", type=int, default=1, help="how often to repeat a request until this bundle responds"
    )
    arguments.add_argument(
        "--kind", choices=KINDS[1:], default="smoke", help="how the service's logs mark the requests"
    )
    options = arguments.parse_args(argv)
    url, bundle = options.url.rstrip("/"), Bundle.load(bundle_folder(os.environ))
    checks: dict[str, Callable[[], str]] = {
        "ready": lambda: wait_until_ready(url, options.wait),
        "bundle": lambda: check_bundle(url, bundle, options.tries),
        "predictions": lambda: check_predictions(url, bundle, options.rounds, options.tries, options.kind),
    }
    if options.tries == 1:  # if other bundles respond too, a rejection proves nothing, and clouds' alarms count it
        checks["rejection"] = lambda: check_rejection(url, bundle, options.kind)
    rows = [("check", "result")]
    try:
        for name, check in checks.items():
            rows.append((name, "FAILED"))
            rows[-1] = (name, check())
    finally:
        print(align(rows), flush=True)


def wait_until_ready(url: str, seconds: float) -> str:
    """Wait until the service is ready; return how long that took.

    Raises:
        UserError: it was not ready within `seconds`.
    """
    started = time.monotonic()
    reason = "no request was sent"
    while (elapsed := time.monotonic() - started) <= seconds:
        try:
            reply = call(url, "/health/ready", timeout=2)
            if reply.status == 200:
                return f"after {time.monotonic() - started:.1f} s"
            reason = f"/health/ready returned {reply.status}"
        except NoServiceError as failure:
            reason = str(failure)
        time.sleep(min(_PAUSE, max(0.0, seconds - elapsed)))
    raise UserError(f"not ready within {seconds:g} s: {reason}")


def check_bundle(url: str, bundle: Bundle, tries: int = 1) -> str:
    """Check that the service, or one of those that share its traffic, serves this bundle; return its version.

    Raises:
        DifferenceError: it serves another one.
    """
    version = _request("/version", lambda: call(url, "/version"), bundle, tries)
    if version.get("digest") != bundle.manifest.digest:
        raise DifferenceError(f"{url} serves {version.get('version')}, models/bundle is {bundle.version}")
    return f"{bundle.version}, on {version['runtime']}"


def check_predictions(url: str, bundle: Bundle, rounds: int = 1, tries: int = 1, kind: str = "smoke") -> str:
    """Check that the service returns the predictions in the bundle's examples, each time; return how many.

    If another bundle responds, the request is repeated, `tries` times at most. `kind` is what the prediction log marks
    the requests with.

    Raises:
        DifferenceError: a prediction differs.
    """
    rows = bundle.examples()["rows"]
    what, headers = "/predict with the bundle's examples", {KIND_HEADER: kind}
    for _ in range(rounds):
        response = _request(what, lambda: call(url, "/predict", {"rows": rows}, headers=headers), bundle, tries)
        difference = first_difference(bundle, response.get("predictions"), response.get("probabilities"))
        if difference:
            raise DifferenceError(f"the predictions of {url} differ from the pipeline's: {difference}")
    repeated = f", {rounds} times" if rounds > 1 else ""
    return f"all {len(rows)} are equal to the pipeline's{repeated}"


def check_rejection(url: str, bundle: Bundle, kind: str = "smoke") -> str:
    """Check that the service rejects a row in which the value of one column is a list; return how.

    Raises:
        DifferenceError: it does not, or does not name the column.
    """
    name = next(iter(bundle.contract.columns))
    row = bundle.contract.sample_row() | {name: []}
    reply = call(url, "/predict", {"rows": [row]}, headers={KIND_HEADER: kind})
    errors = reply.body.get("errors") if isinstance(reply.body, dict) else None
    if reply.status != 422 or not errors or errors[0].get("column") != name:
        raise DifferenceError(f"{url} returned {reply.status} for a list as {name}, expected 422 with this column")
    return f"422 for a row with a list as {name}"


def _request(what: str, send: Callable[[], Reply], bundle: Bundle, tries: int) -> dict[str, Any]:
    """Send a request until this bundle responds, `tries` times at most; return the body of its response."""
    headers = bundle_headers(bundle).items()
    for _ in range(tries):
        reply = send()
        # another bundle may reject the rows, or fail: that may be why it is being replaced
        if tries == 1 or headers <= reply.headers.items():
            return _body_of(reply, what)
    raise DifferenceError(f"none of {tries} responses was from {bundle.version}")


def _body_of(reply: Reply, what: str) -> dict[str, Any]:
    if reply.status != 200 or not isinstance(reply.body, dict):
        reason = reply.body.get("detail") if isinstance(reply.body, dict) else str(reply.body)[:100]
        raise DifferenceError(f"{what} returned {reply.status}: {reason}")
    return reply.body
