"""Tell people what happened: by the team's notify.py, or where that has no function for it, by the webhooks.

A verb of its own runs the team's code: it may neither fail nor hold up what it tells of, and it gets no token of
GitHub's.
"""

import json
import os
import signal
import subprocess  # this library's own verb `notify`
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cd4ml.delivery.actions_io import run_url
from cd4ml.delivery.event import Event, Kind
from cd4ml.delivery.webhooks import SLACK, TEAMS, WebhookError, send
from cd4ml.errors import UserError
from cd4ml.settings.project import read_project
from cd4ml.settings.team_module import explain, import_module
from cd4ml.terminal.arguments import Arguments

FUNCTIONS: dict[Kind, str] = {
    "rejected": "on_rejected",
    "released": "on_released",
    "rolled back": "on_released",
    "alert": "on_alert",
    "over": "on_alert",
}
"""By the kind of an event: the function in notify.py that is called with it."""
_VERB = [sys.executable, "-m", "cd4ml", "notify", "--event", "-"]
_SECONDS = 60.0  # that a message may take
_NOT_FOR_THE_TEAM = {"GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"}
_SECRET = ("TOKEN", "SECRET", "PASSWORD", "WEBHOOK", "_KEY", "CREDENTIALS")


class NotifyError(UserError):
    """notify.py failed, or a message could not be sent."""


def main(argv: list[str]) -> None:
    """Tell people of the event that `--event` has as JSON (`-`: standard input), by default of an example.

    Raises:
        UserError: notify.py fails, a message cannot be sent, or there is nothing that sends any.
    """
    arguments = Arguments("notify")
    arguments.add_argument("--event", help="a file with the event as JSON; - for standard input; an example by default")
    name = arguments.parse_args(argv).event
    if name is None:
        project = read_project()
        if not _is_set_up():
            raise UserError(f"nothing sends messages: there is no {project.notify}, and neither {SLACK} nor {TEAMS}")
        text = "This is a test of cd4ml notify; nothing happened."
        print(deliver(Event("alert", project.name, "A test message", (text,), link=run_url())))
        return
    content = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    try:
        event = Event.from_json(json.loads(content))
    except (ValueError, AttributeError):
        raise UserError(f"{name} is not an event as JSON, with kind, model and title") from None
    print(deliver(event))


def tell(event: Event) -> None:
    """Tell people of an event; a failure is one line in the log, and no error. It takes a minute at most."""
    if not _is_set_up():
        return
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_THE_TEAM}
    sys.stdout.flush()
    process = subprocess.Popen(_VERB, stdin=subprocess.PIPE, env=environment, start_new_session=True)
    try:
        process.communicate(json.dumps(event.as_json()).encode(), timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"notify: nobody was told: it took more than {_SECONDS:.0f} seconds, and was ended")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def deliver(event: Event) -> str:
    """Call the team's function for an event, or without one send it by the webhooks; return what was done.

    Raises:
        NotifyError: either fails; the message has no secret of the environment.
    """
    function, place = _team_function(FUNCTIONS[event.kind])
    try:
        if function is None:
            sent = send(event)
            return f"told {' and '.join(sent)}: {event.title}" if sent else f"nobody was told: {SLACK}, {TEAMS} not set"
        function(event)
    except WebhookError as failure:
        raise NotifyError(str(failure)) from None
    except (Exception, SystemExit) as failure:
        raise NotifyError(without_secrets(explain(failure, place))) from None
    return f"{place} was called: {event.title}"


def without_secrets(text: str) -> str:
    """Return a text in which no value of a variable of the environment is left whose name says that it is secret."""
    for name, value in os.environ.items():
        if len(value) > 5 and any(word in name for word in _SECRET):
            text = text.replace(value, "***")
    return text


def _is_set_up() -> bool:
    return read_project().notify.exists() or any(os.environ.get(name, "").strip() for name in (SLACK, TEAMS))


def _team_function(name: str) -> tuple[Callable[[Event], Any] | None, Path]:
    """Return a function of the team's notify.py, None if it has none of that name; and the file's path.

    Raises:
        NotifyError: the file fails when it is imported, or has something else of that name.
    """
    path = read_project().notify
    if not path.exists():
        return None, path
    try:
        function = getattr(import_module(path, NotifyError), name, None)
    except NotifyError as failure:
        raise NotifyError(without_secrets(str(failure))) from None
    if function is not None and not callable(function):
        raise NotifyError(f"{path}: {name} is no function; let it take an event, or remove it")
    return function, path
