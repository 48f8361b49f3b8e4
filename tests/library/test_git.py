"""Git in a GitHub workflow: how it gets the workflow's token."""

import subprocess
from pathlib import Path

import pytest
from cd4ml.files.github_token import github_credentials
from cd4ml.update.record import UpdateError
from cd4ml.update.template import clone
from served_repository import serve
from trained_repository import run

TOKEN = "ghs_for-the-template"


def test_the_token_is_added_to_gits_existing_settings() -> None:
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "t", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "x"}

    assert github_credentials(environment) == {
        "GIT_CONFIG_COUNT": "4",
        "GIT_CONFIG_KEY_1": "http.https://github.com/.extraheader",
        "GIT_CONFIG_VALUE_1": "AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46dA==",
        "GIT_CONFIG_KEY_2": "url.https://github.com/.insteadOf",
        "GIT_CONFIG_VALUE_2": "git@github.com:",
        "GIT_CONFIG_KEY_3": "url.https://github.com/.insteadOf",
        "GIT_CONFIG_VALUE_3": "ssh://git@github.com/",
    }


def test_outside_a_workflow_git_gets_no_token() -> None:
    assert github_credentials({"GITHUB_TOKEN": "t"}) == {}


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A folder to serve, with the repository OWNER/template.git in it."""
    source, bare = tmp_path / "source", tmp_path / "served/OWNER/template.git"
    run("git", "init", "--quiet", "--initial-branch=main", str(source))
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    run("git", "-C", str(source), *author, "commit", "--quiet", "--allow-empty", "--message", "a template")
    run("git", "clone", "--quiet", "--bare", str(source), str(bare))
    run("git", "-C", str(bare), "update-server-info")
    return tmp_path / "served"


@pytest.mark.parametrize("address", ["{server}/OWNER/template.git", "git@{host}:OWNER/template.git"])
def test_a_private_template_is_cloned_with_the_token_of_the_workflow(
    address: str, private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it was recorded by ssh, for which a runner has no key."""
    started = []
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GIT_SSH_COMMAND", "false")
    with serve(private, ("x-access-token", TOKEN)) as server:
        source = address.format(server=server, host="127.0.0.1")
        monkeypatch.setenv("GITHUB_SERVER_URL", server)
        monkeypatch.setenv("GITHUB_TOKEN", "another")
        with pytest.raises(UpdateError, match=r"^cannot read the template at ") as refused:
            clone(source, tmp_path / "refused")
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        real = subprocess.run
        monkeypatch.setattr(subprocess, "run", lambda words, **rest: (started.append(words), real(words, **rest))[1])

        template = clone(source, tmp_path / "clone")

    assert template.has(run("git", "-C", str(tmp_path / "source"), "rev-parse", "HEAD"))
    assert TOKEN not in str(refused.value)
    assert TOKEN not in str(started)
    assert TOKEN not in (tmp_path / "clone/.git/config").read_text(encoding="utf-8")
    assert source in (tmp_path / "clone/.git/config").read_text(encoding="utf-8"), "what a project records"
