"""Calls of the GitHub API: the token goes only to https, transient failures are repeated, and errors are explained."""

import pytest
from cd4ml.delivery.github import GitHub, GitHubError
from cd4ml.http import client as http
from github_server import REPOSITORY, GitHubServer


@pytest.fixture
def client(github_server: GitHubServer, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """A client of the stand-in that does not wait long between attempts."""
    monkeypatch.setattr(http, "PAUSE", 0.001)
    return GitHub.from_environment()


def test_the_token_is_sent_and_never_shown(github_server: GitHubServer, client: GitHub) -> None:
    github_server.lists["issues"] = [{"id": 1}]

    assert list(client.pages("issues", state=None)) == []
    assert client.get("issues") == [{"id": 1}]
    assert github_server.tokens == {"Bearer geheim"}
    assert "geheim" not in repr(client)


def test_a_request_is_repeated_after_a_transient_failure(github_server: GitHubServer, client: GitHub) -> None:
    github_server.rejections["GET issues"] = [(502, ""), (503, "")]

    assert client.get("issues") == []
    assert len(github_server.calls) == 3


def test_the_last_of_several_failures_is_reported(github_server: GitHubServer, client: GitHub) -> None:
    github_server.rejections["PATCH issues/1"] = [(500, "Server Error")] * http.ATTEMPTS

    with pytest.raises(GitHubError, match=r"PATCH issues/1 with 500: it failed 4 times \(Server Error\); try again"):
        client.patch("issues/1", {})


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_github_may_have_created_in_spite_of_a_failure_is_not_created_twice(
    github_server: GitHubServer, client: GitHub, status: int
) -> None:
    github_server.rejections["POST issues"] = [(status, "Bad Gateway")]

    with pytest.raises(GitHubError, match=rf"POST issues with {status}: it failed \(Bad Gateway\), and may have"):
        client.post("issues", {})

    assert len(github_server.calls) == 1


def test_a_request_that_github_did_not_accept_yet_is_repeated(github_server: GitHubServer, client: GitHub) -> None:
    github_server.rejections["POST issues"] = [(429, "slow down")]

    assert client.post("issues", {"title": "t"})["title"] == "t"


def test_a_missing_permission_is_named(github_server: GitHubServer, client: GitHub) -> None:
    github_server.rejections["POST pulls"] = [(403, "Resource not accessible by integration")]

    with pytest.raises(GitHubError, match=r"lacks the permission `pull-requests: write` \(Resource not accessible"):
        client.post("pulls", {})


@pytest.mark.parametrize("status", [403, 429])
def test_requests_that_are_used_up_are_no_missing_permission(
    github_server: GitHubServer, client: GitHub, status: int
) -> None:
    """GitHub's answer to an installation or a user whose hour is used up: no `Retry-After`, a time to come again."""
    github_server.headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795993800"}
    github_server.rejections["POST pulls"] = [(status, "API rate limit exceeded for installation ID 7.")] * 4

    with pytest.raises(GitHubError, match="the token's requests are used up until 23:10 UTC; run this again then"):
        client.post("pulls", {})


def test_an_expired_token_is_reported(github_server: GitHubServer, client: GitHub) -> None:
    github_server.rejections["GET issues"] = [(401, "Bad credentials")]

    with pytest.raises(GitHubError, match="GITHUB_TOKEN is not valid, or has expired"):
        client.get("issues")


def test_find_returns_none_for_what_does_not_exist(github_server: GitHubServer, client: GitHub) -> None:
    assert client.find("releases/tags/model-1") is None
    with pytest.raises(GitHubError, match="404: Not Found"):
        client.get("releases/tags/model-1")


def test_a_change_whose_answer_was_lost_is_not_repeated(client: GitHub) -> None:
    closed_port = GitHub(REPOSITORY, "t", "http://127.0.0.1:9")

    with pytest.raises(GitHubError, match=r"no answer from 127\.0\.0\.1:9: .*; try again later"):
        closed_port.post("issues", {})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("GITHUB_REPOSITORY", "../x", "GITHUB_REPOSITORY is not set; export it as owner/name"),
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"),
        ("GITHUB_API_URL", "http://api.example.org", "is not https, so the token is not sent there"),
    ],
)
def test_a_wrong_setting_is_named(
    name: str, value: str, message: str, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(GitHubError, match=message):
        GitHub.from_environment()
