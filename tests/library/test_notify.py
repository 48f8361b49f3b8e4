"""Telling people: the messages of Slack and Teams at a receiver, and the team's notify.py, whatever it does."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cd4ml.cli import main
from cd4ml.delivery import notify
from cd4ml.delivery.event import Event
from cd4ml.delivery.webhooks import as_slack, as_teams
from cd4ml.http.client import ATTEMPTS
from house_project import Project
from webhook_receiver import SECRET, Receiver

HOSTILE = "<!channel> <https://evil.example|click> *bold* [x](https://evil.example) @here & {{DATE(1)}}"
EVENT = Event(
    "alert", "houses", f"Look: {HOSTILE}", (HOSTILE, "  ", "second"), "2024-01-31.abc", "https://github.com/x"
)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver, to which no variable points yet."""
    server = Receiver()
    for name in ("SLACK_WEBHOOK_URL", "TEAMS_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.close()


@pytest.fixture
def both(receiver: Receiver, monkeypatch: pytest.MonkeyPatch, project: Project) -> Receiver:
    """A receiver to which both variables point, and a project without notify.py."""
    monkeypatch.setenv("SLACK_WEBHOOK_URL", receiver.slack)
    monkeypatch.setenv("TEAMS_WEBHOOK_URL", receiver.teams)
    return receiver


def texts(content: Any, of: str) -> list[str]:
    """All values of a key, wherever they are."""
    if isinstance(content, list):
        return [text for each in content for text in texts(each, of)]
    if not isinstance(content, dict):
        return []
    own = [content[of]] if isinstance(content.get(of), str) else []
    return own + [text for value in content.values() for text in texts(value, of)]


def test_both_are_told_of_an_event(both: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    notify.tell(EVENT)

    (_, slack), (_, teams) = both.bodies
    assert [name for name, _ in both.bodies] == ["slack", "teams"]
    assert slack == as_slack(EVENT)
    assert teams == as_teams(EVENT)
    printed = capfd.readouterr()
    assert printed.out.startswith("told Slack and Teams: Look: ")
    assert SECRET not in printed.out + printed.err


def test_no_text_of_an_event_is_markup_in_slack() -> None:
    message = as_slack(EVENT)

    assert message["text"] == f"houses: Look: {HOSTILE}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    header, *sections, context = message["blocks"]
    assert [block["text"]["type"] for block in (header, *sections)] == ["plain_text"] * 3
    assert [block["text"]["text"] for block in sections] == [HOSTILE, "second"]
    marked_up = [element["text"] for element in context["elements"] if element["type"] == "mrkdwn"]
    assert marked_up == ["<https://github.com/x|read on>"]


def test_no_text_of_an_event_is_markup_in_teams() -> None:
    message = as_teams(EVENT)

    (attachment,) = message["attachments"]
    card = attachment["content"]
    assert (message["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}  # which takes no Markdown, as TextBlock does
    assert HOSTILE in texts(card["body"], "text")
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Read on", "url": "https://github.com/x"}]


@pytest.mark.parametrize("link", ["", "javascript:alert(1)", "https://github.com/x y"])
def test_without_a_page_to_link_to_there_is_no_link(link: str) -> None:
    event = Event("released", "houses", "Live", link=link)

    assert "actions" not in as_teams(event)["attachments"][0]["content"]
    assert "mrkdwn" not in texts(as_slack(event)["blocks"], "type")


def test_a_message_is_never_longer_than_both_take() -> None:
    event = Event("alert", "m" * 500, "t" * 5000, ("ü" * 9000,) * 90, link="https://x/" + "y" * 100)

    slack, teams = as_slack(event), as_teams(event)

    assert len(slack["blocks"][0]["text"]["text"]) <= 150
    assert max(map(len, texts(slack, "text"))) <= 3000
    assert len(slack["blocks"]) <= 50
    assert len(json.dumps(teams, ensure_ascii=False).encode()) < 28_000
    assert "and 78 more" in texts(teams, "text")


def test_a_busy_server_is_asked_once_more(both: Receiver, capfd: pytest.CaptureFixture[str]) -> None:
    both.statuses = [503]

    notify.tell(EVENT)

    assert [name for name, _ in both.bodies] == ["slack", "slack", "teams"]
    assert "told Slack and Teams" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("statuses", "says"),
    [
        ([404], "SLACK_WEBHOOK_URL: the server answers with 404"),
        ([500] * ATTEMPTS, "SLACK_WEBHOOK_URL: the server answers with 500"),
        ([302], "SLACK_WEBHOOK_URL: the server answers with 302"),
    ],
)
def test_a_failure_is_one_line_and_the_other_is_told(
    both: Receiver, statuses: list[int], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    both.statuses = statuses

    notify.tell(EVENT)

    assert both.bodies[-1][0] == "teams"
    assert capfd.readouterr().err == f"notify: {says}\n"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (f"hooks.slack.com/{SECRET}", "is not an https URL; set the secret again"),
        (f"http://hooks.example/{SECRET}", "is not an https URL; set the secret again"),
        (f"https://[hooks/{SECRET}", "is not a URL; set the secret again"),
        (f"http://127.0.0.1:9/{SECRET}", ": no answer (Connection refused)"),
        (f"https://localhost:9/{SECRET} x", "is not a URL; set the secret again"),
    ],
)
def test_an_address_that_is_wrong_is_not_shown(
    project: Project, receiver: Receiver, address: str, says: str, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAMS_WEBHOOK_URL", address)

    notify.tell(EVENT)

    printed = capfd.readouterr()
    assert printed.err.startswith(f"notify: TEAMS_WEBHOOK_URL{says if says[0] == ':' else ' ' + says}")
    assert SECRET not in printed.err + printed.out
    assert len(printed.err.splitlines()) == 1


def test_where_nothing_is_set_up_nothing_is_run(
    project: Project, receiver: Receiver, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_VERB", ["false"])

    notify.tell(EVENT)

    assert capfd.readouterr() == ("", "")
    assert main(["notify"]) == 1
    assert "nothing sends messages: there is no src/houses/notify.py" in capfd.readouterr().err


def test_the_verb_sends_a_test_message(both: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notify"]) == 0

    assert "This is a test of cd4ml notify" in json.dumps(both.bodies[0][1])
    assert capsys.readouterr().out == "told Slack and Teams: A test message\n"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"kind": "party", "model": "m", "title": "t"}', '{"kind": 1, "x": 2}']
)
def test_what_is_no_event_is_an_error(both: Receiver, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("event.json").write_text(content, encoding="utf-8")

    assert main(["notify", "--event", "event.json"]) == 1

    assert "event.json is not an event as JSON" in capsys.readouterr().err
    assert both.bodies == []


OWN = '''\
"""Ours."""

import os
from pathlib import Path


def on_alert(event):
    tokens = [name for name in os.environ if "TOKEN" in name]
    Path("called").write_text(f"{event.kind} {event.title} {event.lines} {tokens}")


def on_released(event):
    print("released", event.version)
'''


def test_the_teams_function_takes_the_place_of_the_webhooks(
    both: Receiver, project: Project, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("src/houses/notify.py", OWN)
    monkeypatch.setenv("GITHUB_TOKEN", "geheim")

    notify.tell(Event("over", "houses", "It is over", ("fine",)))
    notify.tell(Event("rolled back", "houses", "Back", version="1"))
    assert both.bodies == []
    assert Path("called").read_text() == "over It is over ('fine',) []"
    assert "released 1\n" in capfd.readouterr().out

    notify.tell(Event("rejected", "houses", "Rejected"))  # for which the file has no function
    assert [name for name, _ in both.bodies] == ["slack", "teams"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('raise ValueError(os.environ["SLACK_WEBHOOK_URL"])', "src/houses/notify.py:5: ValueError: ***"),
        ("raise SystemExit(3)", "src/houses/notify.py:5: SystemExit: 3"),
        ("return 1 / 0", "src/houses/notify.py:5: ZeroDivisionError: division by zero"),
    ],
)
def test_a_function_that_fails_is_one_line(both: Receiver, project: Project, capfd, body: str, says: str) -> None:
    project.write("src/houses/notify.py", f"import os\n\n\ndef on_alert(event):\n    {body}\n")

    notify.tell(EVENT)

    printed = capfd.readouterr()
    assert printed.err == f"notify: {says}\n"
    assert SECRET not in printed.out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nothing_like_this\n", "src/houses/notify.py:1: ModuleNotFoundError: No module named"),
        ("def on_alert(:\n", "src/houses/notify.py:1: SyntaxError: invalid syntax"),
        ("on_alert = 3\n", "src/houses/notify.py: on_alert is no function; let it take an event, or remove it"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(both: Receiver, project: Project, capfd, text: str, says: str) -> None:
    project.write("src/houses/notify.py", text)

    notify.tell(EVENT)

    printed = capfd.readouterr().err
    assert printed.startswith(f"notify: {says}")
    assert len(printed.splitlines()) == 1


def test_what_never_ends_is_ended_with_all_that_it_started(
    both: Receiver, project: Project, capfd, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = "    import subprocess, time\n    process = subprocess.Popen(['sleep', '300'])\n"
    started += "    open('pid', 'w').write(str(process.pid))\n    time.sleep(300)\n"
    project.write("src/houses/notify.py", f"def on_alert(event):\n{started}")
    monkeypatch.setattr(notify, "_SECONDS", 8.0)

    begun = time.monotonic()
    notify.tell(EVENT)

    assert time.monotonic() - begun < 60
    assert "notify: nobody was told: it took more than 8 seconds, and was ended" in capfd.readouterr().out
    pid = int(Path("pid").read_text())
    end = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        assert time.monotonic() < end
        time.sleep(0.1)
    assert os.environ["SLACK_WEBHOOK_URL"] == both.slack
