"""The verb `stack`: what it makes once, what it asks the engine for, and what it says when something is missing."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from cd4ml.cli import main
from cd4ml.deploy.stack import METRICS_KEY, PRIVATE, RECEIVERS, SETTINGS
from cd4ml.serving.key_digests import written
from monitoring_stack import OPS

ENGINE = """\
#!/bin/sh
echo "$@" >>calls
[ "$2" != version ] || exit ${NO_COMPOSE:-0}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project's folder with the library's `ops`, and an engine that notes how it is called."""
    shutil.copytree(OPS, tmp_path / "cd4ml/ops")
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / "engine").write_text(ENGINE)
    (tmp_path / "engine").chmod(0o755)
    monkeypatch.setenv("DOCKER", str(tmp_path / "engine"))
    return tmp_path


def settings():
    return dict(line.split("=", 1) for line in SETTINGS.read_text().splitlines())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_up_makes_passwords_once_and_starts_what_is_healthy(folder, capsys):
    assert main(["stack", "up"]) == 0

    first, key = settings(), METRICS_KEY.read_text().strip()
    assert first["SERVICE_API_KEYS"] == f"{written(first['SERVICE_API_KEY'])},{written(key)}"
    assert len({*first.values(), key}) == 5
    assert all(len(value) >= 32 for value in first.values())
    assert [mode(path) for path in (PRIVATE, SETTINGS, METRICS_KEY, RECEIVERS)] == [0o700, 0o600, 0o644, 0o644]
    assert RECEIVERS.read_text() == (OPS / "alertmanager/alertmanager.yml").read_text()
    printed = capsys.readouterr().out
    assert "http://127.0.0.1:3000" in printed
    assert not [value for value in first.values() if value in printed]

    RECEIVERS.write_text("route: {receiver: ours}\n")
    assert main(["stack", "up"]) == 0
    assert (settings(), METRICS_KEY.read_text().strip(), RECEIVERS.read_text()) == (
        first,
        key,
        "route: {receiver: ours}\n",
    )

    assert main(["stack", "down"]) == 0
    started = "compose --env-file stack.local/settings up --detach --wait"
    stopped = "compose --env-file stack.local/settings down"
    version = "compose version"
    assert Path("calls").read_text().splitlines() == [version, started, version, started, version, stopped]
    assert SETTINGS.exists()


def test_umask_opens_no_password_and_closes_no_file_that_containers_read(folder):
    before = os.umask(0o077)
    try:
        assert main(["stack", "up"]) == 0
    finally:
        os.umask(before)

    assert [mode(path) for path in (SETTINGS, METRICS_KEY, RECEIVERS)] == [0o600, 0o644, 0o644]


@pytest.mark.parametrize(
    ("action", "change", "message"),
    [
        ("up", lambda: Path("compose.yaml").unlink(), "there is no compose.yaml in this folder"),
        ("up", lambda: shutil.rmtree("cd4ml"), "there is no cd4ml/ops/alertmanager/alertmanager.yml"),
        ("down", lambda: None, "there is no stack.local/settings: the stack was never started here"),
        ("up", lambda: os.environ.update(NO_COMPOSE="1"), "engine has no Compose: install Docker Compose 2.24"),
        ("up", lambda: os.environ.update(DOCKER="no-engine"), "no-engine is not here, which runs the stack"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_in_one_line(folder, capsys, monkeypatch, action, change, message):
    monkeypatch.setenv("NO_COMPOSE", "0")
    change()

    assert main(["stack", action]) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not PRIVATE.exists()
