"""With keys, only who sends one is answered; a key never goes where it could be read."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import UserError
from cd4ml.serving import predict as sample
from cd4ml.serving import smoke
from cd4ml.serving.app import create_app
from cd4ml.serving.client import ask
from cd4ml.serving.service_settings import Settings
from starlette.testclient import TestClient

KEYS = ("first-key-of-the-service", "second-key-of-the-service")


@pytest.fixture(scope="module")
def client(tiny_bundle):
    with TestClient(create_app(tiny_bundle, Settings(api_keys=KEYS))) as client:
        yield client


@pytest.fixture(scope="module")
def body(tiny_bundle):
    return {"rows": [Bundle.load(tiny_bundle).contract.sample_row()]}


@pytest.mark.parametrize("key", KEYS)
def test_any_of_the_keys_is_answered(client, body, key):
    assert client.post("/predict", json=body, headers={"Authorization": f"Bearer {key}"}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "the key is missing"),
        ({"Authorization": "Bearer first-key-of-the-servic"}, "the key is not one of this service's"),
        ({"Authorization": KEYS[0]}, "the key is not one of this service's"),
        ({"Authorization": f"Basic {KEYS[0]}"}, "the key is not one of this service's"),
        ({"Authorization": "Bearer "}, "the key is not one of this service's"),
        ({"X-Serverless-Authorization": f"Bearer {KEYS[0]}"}, "the key is missing"),
    ],
)
def test_anything_else_is_refused_before_its_body_is_looked_at(client, sent, said):
    reply = client.post("/predict", content=b"no JSON at all", headers=sent)

    assert reply.status_code == 401
    assert said in reply.json()["detail"]
    assert reply.headers["www-authenticate"] == "Bearer"
    assert not any(key in reply.text for key in KEYS)


def test_what_tells_of_the_service_needs_no_key(client):
    for path in ("/health/ready", "/version", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_the_documentation_says_that_a_key_is_needed(client, tiny_bundle):
    operation = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert (operation["security"], "401" in operation["responses"]) == ([{"key": []}], True)

    with TestClient(create_app(tiny_bundle, Settings())) as open_to_all:
        operation = open_to_all.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert (operation["security"], "401" in operation["responses"]) == ([], False)


@pytest.mark.parametrize(
    "keys", ["short", "a-key-that-is-long-enough,short", "a key with spaces in it", "schlüssel-schlüssel"]
)
def test_a_key_that_could_be_guessed_or_not_be_sent_is_refused_and_not_shown(keys):
    with pytest.raises(UserError, match="of SERVICE_API_KEYS is not 16 or more") as refused:
        Settings.read([], {"SERVICE_API_KEYS": keys})

    assert keys not in str(refused.value)


@pytest.mark.parametrize("keys", [" ", ",", " , "])
def test_keys_that_are_blank_open_no_door(keys):
    with pytest.raises(UserError, match="is set and holds no key"):
        Settings.read([], {"SERVICE_API_KEYS": keys})


def test_keys_are_read_and_never_shown():
    settings = Settings.read([], {"SERVICE_API_KEYS": f"{KEYS[0]}, {KEYS[1]},"})

    assert settings.api_keys == KEYS
    assert KEYS[0] not in repr(settings)


@pytest.fixture
def door(tiny_bundle, body):
    """A server that notes each request's headers, and answers /version alone; `door.moved` sends others elsewhere."""

    class Door(BaseHTTPRequestHandler):
        seen, moved = [], False

        def do_GET(self):
            Door.seen.append(dict(self.headers))
            self.send_response(307 if Door.moved else 200)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")
            self.end_headers()
            self.wfile.write(json.dumps({}).encode())

        do_POST = do_GET  # noqa: N815 - as the base class calls it

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Door.url = f"http://127.0.0.1:{server.server_port}"
    yield Door
    server.shutdown()
    thread.join()
    server.server_close()


def test_smoke_and_predict_send_what_lets_them_in(door, monkeypatch, tiny_bundle, capsys):
    monkeypatch.setenv("MODEL_BUNDLE", str(tiny_bundle))
    monkeypatch.setenv("SERVICE_API_KEYS", ",".join(KEYS))
    monkeypatch.setenv("SERVICE_IDENTITY_TOKEN", "an-identity")

    sample.main(["--url", door.url])

    assert door.seen[-1]["Authorization"] == f"Bearer {KEYS[0]}"
    assert door.seen[-1]["X-Serverless-Authorization"] == "Bearer an-identity"
    shown = capsys.readouterr().out
    assert '-H "Authorization: Bearer $SERVICE_API_KEY"' in shown
    assert KEYS[0] not in shown

    monkeypatch.setenv("SERVICE_API_KEY", KEYS[1])
    with pytest.raises(UserError):
        smoke.main(["--url", door.url, "--wait", "5"])
    assert door.seen[-1]["Authorization"] == f"Bearer {KEYS[1]}"


def test_a_key_is_not_sent_over_a_network_unencrypted(monkeypatch):
    monkeypatch.setenv("SERVICE_API_KEY", KEYS[0])

    with pytest.raises(UserError, match="would be sent there; use its https:// address"):
        ask("http://service.example.org", "/version")


def test_a_key_does_not_follow_a_redirection(door, monkeypatch):
    monkeypatch.setenv("SERVICE_API_KEY", KEYS[0])
    door.moved = True

    assert ask(door.url, "/version").status == 307
    assert len(door.seen) == 1
