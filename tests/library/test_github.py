"""What is asked of GitHub: with the token, only where it is safe, again where it may help, and why it was refused."""

import pytest
from cd4ml.delivery import github
from cd4ml.delivery.github import GitHub, GitHubError
from github_server import REPOSITORY, GitHubServer


@pytest.fixture
def asked(github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    monkeypatch.setattr(github, "PAUSE", 0.001)
    return GitHub.here()


def test_it_shows_the_token(github_server: GitHubServer, asked: GitHub) -> None:
    github_server.lists["issues"] = [{"id": 1}]

    assert list(asked.pages("issues", state=None)) == []
    assert asked.get("issues") == [{"id": 1}]
    assert github_server.tokens == {"Bearer geheim"}
    assert "geheim" not in repr(asked)


def test_what_fails_for_a_moment_is_asked_again(github_server: GitHubServer, asked: GitHub) -> None:
    github_server.refusals["GET issues"] = [(502, ""), (503, "")]

    assert asked.get("issues") == []
    assert len(github_server.calls) == 3


def test_what_fails_for_good_is_said(github_server: GitHubServer, asked: GitHub) -> None:
    github_server.refusals["POST issues"] = [(500, "Server Error")] * github.ATTEMPTS

    with pytest.raises(GitHubError, match=r"GitHub answers POST issues with 500: it failed 4 times \(Server Error\)"):
        asked.post("issues", {})


def test_a_permission_that_is_missing_is_named(github_server: GitHubServer, asked: GitHub) -> None:
    github_server.refusals["POST pulls"] = [(403, "Resource not accessible by integration")]

    with pytest.raises(GitHubError, match=r"lacks the permission `pull-requests: write` \(Resource not accessible"):
        asked.post("pulls", {})


def test_a_token_that_expired_is_said(github_server: GitHubServer, asked: GitHub) -> None:
    github_server.refusals["GET issues"] = [(401, "Bad credentials")]

    with pytest.raises(GitHubError, match="GITHUB_TOKEN is not valid, or has expired"):
        asked.get("issues")


def test_what_is_absent_is_none(github_server: GitHubServer, asked: GitHub) -> None:
    assert asked.find("releases/tags/model-1") is None
    with pytest.raises(GitHubError, match="404: Not Found"):
        asked.get("releases/tags/model-1")


def test_a_lost_answer_to_a_change_is_not_asked_for_again(asked: GitHub) -> None:
    gone = GitHub(REPOSITORY, "t", "http://127.0.0.1:9")

    with pytest.raises(GitHubError, match=r"no answer from 127\.0\.0\.1:9: .*; try again later"):
        gone.post("issues", {})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GITHUB_REPOSITORY", "../x", "GITHUB_REPOSITORY is not set; export it as owner/name"),
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"),
        ("GITHUB_API_URL", "http://api.example.org", "is not https, and no token is sent there"),
    ],
)
def test_settings_that_are_wrong_are_said(
    name: str, value: str, said: str, asked: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(GitHubError, match=said):
        GitHub.here()
