"""All that asks a server outside does it alike, whatever the server does: times, repetition, secrets and errors."""

import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cd4ml.delivery.github import GitHub
from cd4ml.delivery.webhooks import post
from cd4ml.deploy.cloud_run.requests_counted import requests_counted
from cd4ml.errors import UserError
from cd4ml.http import client, exchange
from cd4ml.http.client import HttpError, request
from cd4ml.source.address import Address
from cd4ml.source.web import download_file
from misbehaving_server import Behaviour, Server, answer, half_an_answer, hang, trickle

SECRET = "geheim"
Serve = Callable[..., Server]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a server that behaves in the ways that are given; no pause between attempts, no patience."""
    monkeypatch.setattr(client, "PAUSE", 0.001)
    monkeypatch.setattr(exchange, "SILENCE", 0.3)
    servers: list[Server] = []

    def start(*behaviours: Behaviour, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(*behaviours, tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(params=["github", "webhook", "monitoring", "source"])
def door(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Server], None]:
    """One of those that ask, with a secret."""

    def ask(server: Server) -> None:
        if request.param == "github":
            GitHub("ada/houses", SECRET, server.address).get("issues")
        elif request.param == "webhook":
            post(f"{server.address}/{SECRET}?sig={SECRET}", {"text": "t"}, "SLACK_WEBHOOK_URL")
        elif request.param == "monitoring":
            monkeypatch.setenv("MONITORING_API", server.address)
            requests_counted("project", "service", "revision", 300, SECRET)
        else:
            monkeypatch.setenv("TOKEN", SECRET)
            url = server.address.replace("//", "//${TOKEN}@")
            download_file(Address.resolve(f"{url}/rows.csv?sig=${{TOKEN}}"), tmp_path)

    ask.__name__ = request.param
    return ask


def failure_of(door: Callable[[Server], None], server: Server) -> str:
    """Return the error of a request: one line, without the secret."""
    with pytest.raises(UserError) as error:
        door(server)
    text = str(error.value)
    assert "\n" not in text
    assert SECRET not in text
    return text


def good(door: Callable[[Server], None]) -> Behaviour:
    return answer("200 OK", b"{}" if door.__name__ == "monitoring" else b"[]")


def attempts(door: Callable[[Server], None]) -> int:
    return 6 if door.__name__ == "source" else client.ATTEMPTS


@pytest.mark.parametrize("status", ["429 Too Many", "502 Bad Gateway", "503 Unavailable", "504 Timeout", "500 Error"])
def test_a_server_that_is_busy_for_a_moment_is_asked_again(serve: Serve, door, status: str) -> None:
    server = serve(answer(status), good(door))

    door(server)

    assert len(server.requests) == 2
    assert all("user-agent: cd4ml\r\n" in request.lower() for request in server.requests)


def test_the_pause_that_a_server_asks_for_is_kept(serve: Serve, door) -> None:
    server = serve(answer("429 Too Many", b"", "Retry-After: 1"), good(door))

    door(server)

    first, second = server.times
    assert second - first >= 1


def test_githubs_403_that_names_a_time_to_wait_is_no_missing_permission(serve: Serve) -> None:
    limited = answer("403 Forbidden", b'{"message": "You have exceeded a secondary rate limit"}', "Retry-After: 0")
    server = serve(limited, answer("201 Created", b'{"number": 7}'))

    assert GitHub("ada/houses", SECRET, server.address).post("issues", {}) == {"number": 7}

    with pytest.raises(UserError, match=r"403: it failed 4 times \(You have exceeded .*\); try again later"):
        GitHub("ada/houses", SECRET, serve(limited).address).post("issues", {})


@pytest.mark.parametrize("pause", ["3600", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_nobody_waits_for_an_hour(serve: Serve, door, pause: str) -> None:
    server = serve(answer("429 Too Many", b"", f"Retry-After: {pause}"))

    assert "429" in failure_of(door, server)

    assert len(server.requests) == 1


def test_a_server_that_is_silent_is_given_up(serve: Serve, door) -> None:
    server = serve(hang)

    assert "no answer within 0.3 seconds" in failure_of(door, server)

    assert len(server.requests) == attempts(door)


def test_half_an_answer_is_none(serve: Serve, door) -> None:
    server = serve(half_an_answer)

    assert "the connection broke before the answer was complete" in failure_of(door, server)

    assert len(server.requests) == attempts(door)


def test_another_host_gets_no_credentials(serve: Serve, door) -> None:
    other = serve(good(door))
    server = serve(answer("302 Found", b"", f"Location: http://localhost:{other.port}/elsewhere"))

    if door.__name__ == "webhook":  # what is posted is for the address that was given
        assert "the server answers with 302" in failure_of(door, server)
        assert other.requests == []
    else:
        door(server)
        assert "uthorization" in server.requests[0]
        assert [request.splitlines()[0] for request in other.requests] == ["GET /elsewhere HTTP/1.1"]
        assert "uthorization" not in other.requests[0]
        assert SECRET not in other.requests[0]


@pytest.mark.parametrize("target", ["http://example.org/x", "file:///etc/passwd", "https://[x/"])
def test_a_redirect_to_what_is_not_encrypted_is_an_error(serve: Serve, door, target: str) -> None:
    server = serve(answer("302 Found", b"", f"Location: {target}"))

    assert ("302" if door.__name__ == "webhook" else "redirects to an address that is not https") in failure_of(
        door, server
    )
    assert len(server.requests) == 1


def test_a_circle_of_redirects_ends(serve: Serve, door) -> None:
    server = serve(answer("302 Found", b"", "Location: /again"))

    assert ("302" if door.__name__ == "webhook" else "more than 5 redirects in a row") in failure_of(door, server)


@pytest.mark.parametrize("content", [b"<html>", b"[1", b'{"timeSeries": [{"points": [{"value": {}}]}]}'])
def test_what_is_not_the_expected_json_is_an_error(serve: Serve, door, content: bytes) -> None:
    server = serve(answer("200 OK", content))

    if door.__name__ == "monitoring" or (door.__name__ == "github" and not content.startswith(b"{")):
        assert "answer" in failure_of(door, server)
        assert len(server.requests) == 1
    else:
        door(server)


def test_a_server_that_sends_a_byte_now_and_then_is_given_up_in_time(serve: Serve) -> None:
    server = serve(trickle)
    begun = time.monotonic()

    with pytest.raises(HttpError, match="no answer within 1 seconds"):
        request("GET", server.address, limit=1)

    assert 1 <= time.monotonic() - begun < 2


def test_the_limit_is_for_all_attempts_and_pauses(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.2)
    server, begun = serve(hang), time.monotonic()

    with pytest.raises(HttpError, match="no answer within"):
        request("GET", server.address, limit=1.5)

    assert time.monotonic() - begun < 2
    assert len(server.requests) < client.ATTEMPTS


@pytest.mark.parametrize("behaviour", [hang, half_an_answer, answer("502 Bad Gateway")])
@pytest.mark.parametrize(("method", "repeatable", "requests"), [("POST", None, 1), ("POST", True, 4), ("PUT", None, 4)])
def test_what_may_have_been_done_is_not_done_twice_unless_it_may_be(
    serve: Serve, behaviour: Behaviour, method: str, repeatable: bool | None, requests: int
) -> None:
    server = serve(behaviour)

    with suppress(HttpError):
        assert request(method, server.address, content=b"x", repeatable=repeatable).status == 502

    assert len(server.requests) == requests


def test_what_was_not_sent_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)

    with pytest.raises(HttpError, match="Connection refused") as error:
        request("POST", "http://127.0.0.1:9/")

    assert not error.value.sent
    assert len(pauses) == client.ATTEMPTS - 1


@pytest.mark.parametrize("secret", [f"{SECRET}\n", f"{SECRET}\r\nX: y", f"{SECRET}ü"])
def test_a_token_that_no_header_may_have_is_not_shown(serve: Serve, secret: str) -> None:
    server = serve(answer("200 OK"))

    with pytest.raises(HttpError, match="a header, such as one with a token, has a character") as error:
        request("GET", server.address, credentials={"Authorization": f"Bearer {secret}"})

    assert SECRET not in str(error.value)
    assert "".join(server.requests).strip() == ""


def test_the_proxy_of_the_environment_is_asked_but_not_for_this_machine(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = serve(answer("407 Proxy Authentication Required")), serve(answer("200 OK"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@127.0.0.1:{proxy.port}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert request("GET", server.address).status == 200
    assert proxy.requests == []
    with pytest.raises(HttpError, match="the proxy refuses: 407") as error:
        request("GET", "https://example.org/")

    assert proxy.requests[0].startswith("CONNECT example.org:443 ")
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("HTTPS_PROXY", f"nonsense://me:{SECRET}@x", "the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY"),
        ("ALL_PROXY", "socks5h://127.0.0.1:9", "Connection refused"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE or SSL_CERT_DIR has no certificates"),
    ],
)
def test_a_setting_of_the_environment_that_does_not_work_is_named(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)

    with pytest.raises(HttpError, match=says) as error:
        request("GET", "https://example.org/")

    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "address", ["", "example.org", "http://example.org", "ftp://127.0.0.1/x", "https://[x", "https://x/ y"]
)
def test_an_address_that_is_not_encrypted_is_not_asked(address: str) -> None:
    with pytest.raises(HttpError, match=r"not an? (https )?URL"):
        request("GET", address)


@pytest.mark.slow
def test_certificates_are_checked_by_what_the_environment_names(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trustme = pytest.importorskip("trustme", reason="trustme is not installed: uv sync --group slow")
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    away = answer("302 Found", b"", "Location: http://example.org/")
    server = serve(answer("200 OK"), away, trickle, tls=context)

    with pytest.raises(HttpError, match="its certificate is not trusted: ") as error:
        request("GET", server.address)
    assert not error.value.again

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert request("GET", server.address).json() == []
    with pytest.raises(HttpError, match="redirects to an address that is not https"):
        request("GET", server.address)
    begun = time.monotonic()
    with pytest.raises(HttpError, match="no answer within 1 seconds"):
        request("GET", server.address, limit=1)
    assert time.monotonic() - begun < 3


def test_a_repetition_is_not_logged(serve: Serve) -> None:
    server = serve(answer("503 Unavailable"), answer("200 OK"))
    program = f"from cd4ml.http import client; client.PAUSE = 0.001; client.request('GET', {server.address!r})"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert (done.stdout, done.stderr, len(server.requests)) == ("", "", 2)


def test_an_environment_without_the_client_is_an_error_with_the_command_that_adds_it() -> None:
    program = "import sys; sys.modules['stamina'] = None; from cd4ml.cli import main; sys.exit(main(['notify']))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert done.stderr == "notify: stamina not installed; run make setup, or uv sync --locked --group delivery\n"
