"""A service with API keys predicts only for requests that have one; the client never sends a key unencrypted."""

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.errors import UserError
from cd4ml.serving import predict, smoke
from cd4ml.serving.app import create_app
from cd4ml.serving.client import call
from cd4ml.serving.service_settings import ServiceSettings
from starlette.testclient import TestClient

KEYS = ("first-key-of-the-service", "second-key-of-the-service")


@pytest.fixture(scope="module")
def client(tiny_bundle):
    with TestClient(create_app(tiny_bundle, ServiceSettings(api_keys=KEYS))) as client:
        yield client


@pytest.fixture(scope="module")
def body(tiny_bundle):
    return {"rows": [Bundle.load(tiny_bundle).contract.sample_row()]}


@pytest.mark.parametrize("key", KEYS)
def test_each_of_the_keys_authorizes(client, body, key):
    assert client.post("/predict", json=body, headers={"Authorization": f"Bearer {key}"}).status_code == 200


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_of_a_key_is_read_in_any_case_and_with_any_blanks_after_it(client, body, scheme):
    assert client.post("/predict", json=body, headers={"Authorization": f"{scheme}{KEYS[0]}"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "the key is missing"),
        ({"Authorization": "Bearer first-key-of-the-servic"}, "the key is not one of this service's"),
        ({"Authorization": KEYS[0]}, "the key is not one of this service's"),
        ({"Authorization": f"Basic {KEYS[0]}"}, "the key is not one of this service's"),
        ({"Authorization": f"Digest {KEYS[0]}"}, "the key is not one of this service's"),  # as long as Bearer
        ({"Authorization": "Bearer "}, "the key is not one of this service's"),
        ({"X-Serverless-Authorization": f"Bearer {KEYS[0]}"}, "the key is missing"),
    ],
)
def test_without_a_key_a_request_is_rejected_before_its_body_is_read(client, headers, detail):
    reply = client.post("/predict", content=b"not JSON", headers=headers)

    assert reply.status_code == 401
    assert detail in reply.json()["detail"]
    assert reply.headers["www-authenticate"] == "Bearer"
    assert not any(key in reply.text for key in KEYS)


def test_other_paths_require_no_key(client):
    for path in ("/health/ready", "/version", "/docs", "/openapi.json"):
        assert client.get(path).status_code == 200


def test_the_openapi_document_requires_a_key_if_the_service_does(client, tiny_bundle):
    operation = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert (operation["security"], "401" in operation["responses"]) == ([{"key": []}], True)

    with TestClient(create_app(tiny_bundle, ServiceSettings())) as without_keys:
        operation = without_keys.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert (operation["security"], "401" in operation["responses"]) == ([], False)


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        ("a-key-of-15-cha", 1),
        ("a-key-that-is-long-enough,short", 2),
        ("a key with spaces in it", 1),
        ("schlüssel-schlüssel", 1),
    ],
)
def test_a_key_that_is_too_short_or_not_ascii_is_rejected_and_not_shown(keys, number):
    message = f"^SERVICE_API_KEYS has a key, number {number}, that is not 16 or more"
    with pytest.raises(UserError, match=message) as rejected:
        ServiceSettings.read([], {"SERVICE_API_KEYS": keys})

    assert not any(key in str(rejected.value) for key in keys.split(","))


def test_a_key_of_16_characters_is_long_enough():
    assert ServiceSettings.read([], {"SERVICE_API_KEYS": "a-key-of-16-char"}) == ServiceSettings(
        api_keys=("a-key-of-16-char",)
    )


@pytest.mark.parametrize("keys", [" ", ",", " , "])
def test_blank_keys_are_an_error(keys):
    with pytest.raises(UserError, match="is set and has no key"):
        ServiceSettings.read([], {"SERVICE_API_KEYS": keys})


def test_keys_are_read_from_the_environment_and_never_shown():
    settings = ServiceSettings.read([], {"SERVICE_API_KEYS": f"{KEYS[0]}, {KEYS[1]},"})

    assert settings == ServiceSettings(api_keys=KEYS)
    assert not any(key in repr(vars(settings)) for key in KEYS)  # digests only


@pytest.fixture
def new_key(capsys):
    """The key and the hash that the verb `make-key` prints."""
    main(["make-key"])
    (_, key, *_), (_, hash_, *_) = (line.split() for line in capsys.readouterr().out.splitlines())
    return key, hash_


def test_a_new_key_is_long_and_another_each_time(new_key, capsys):
    main(["make-key"])

    assert len(new_key[0]) == 48
    assert new_key[0] not in capsys.readouterr().out


@pytest.mark.parametrize("written", [str, lambda hash_: hash_.upper().replace("SHA256", "sha256")])
def test_a_hash_in_the_settings_authorizes_its_key_and_not_itself(tiny_bundle, body, new_key, written):
    key, hash_ = new_key
    settings = ServiceSettings.read([], {"SERVICE_API_KEYS": f"{KEYS[0]},{written(hash_)}"})

    with TestClient(create_app(tiny_bundle, settings)) as client:
        statuses = [
            client.post("/predict", json=body, headers={"Authorization": f"Bearer {sent}"}).status_code
            for sent in (key, KEYS[0], hash_, hash_.removeprefix("sha256:"), key[:-1])
        ]

    assert statuses == [200, 200, 401, 401, 401]


@pytest.mark.parametrize("hash_", ["sha256:", "sha256:" + "0" * 63, "sha256:" + "g" * 64, "sha256:" + "0" * 65])
def test_a_hash_that_is_none_is_rejected_and_not_shown(hash_):
    with pytest.raises(
        UserError, match=r"^SERVICE_API_KEYS has a hash, number 2, that is not sha256: and 64"
    ) as rejected:
        ServiceSettings.read([], {"SERVICE_API_KEYS": f"{KEYS[0]},{hash_}"})

    assert hash_ not in str(rejected.value) or hash_ == "sha256:"


def test_the_clients_never_send_a_hash(recorder, monkeypatch, new_key):
    key, hash_ = new_key
    monkeypatch.setenv("SERVICE_API_KEYS", f"{hash_},{KEYS[0]}")

    call(recorder.url, "/version")
    assert "Authorization" not in recorder.seen[-1]

    monkeypatch.setenv("SERVICE_API_KEY", key)
    call(recorder.url, "/version")
    assert recorder.seen[-1]["Authorization"] == f"Bearer {key}"


@pytest.fixture
def recorder():
    """A server that records the headers of each request in `seen`; if `redirects` is set, it returns 307."""

    class Recorder(BaseHTTPRequestHandler):
        seen, redirects = [], False

        def do_GET(self):
            Recorder.seen.append(dict(self.headers))
            self.send_response(307 if Recorder.redirects else 200)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")
            self.end_headers()
            self.wfile.write(json.dumps({}).encode())

        do_POST = do_GET  # noqa: N815 - as the base class calls it

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Recorder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Recorder.url = f"http://127.0.0.1:{server.server_port}"
    yield Recorder
    server.shutdown()
    thread.join()
    server.server_close()


def test_smoke_and_predict_send_the_credentials_in_the_environment(recorder, monkeypatch, tiny_bundle, capsys):
    monkeypatch.setenv("MODEL_BUNDLE", str(tiny_bundle))
    monkeypatch.setenv("SERVICE_API_KEYS", ",".join(KEYS))
    monkeypatch.setenv("SERVICE_IDENTITY_TOKEN", "an-identity")

    predict.main(["--url", recorder.url])

    assert recorder.seen[-1]["Authorization"] == f"Bearer {KEYS[0]}"
    assert recorder.seen[-1]["X-Serverless-Authorization"] == "Bearer an-identity"
    assert KEYS[0] not in capsys.readouterr().out

    monkeypatch.setenv("SERVICE_API_KEY", KEYS[1])
    with pytest.raises(UserError):
        smoke.main(["--url", recorder.url, "--wait", "5"])
    assert recorder.seen[-1]["Authorization"] == f"Bearer {KEYS[1]}"


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SERVICE_API_KEY": KEYS[1]},
        {"SERVICE_API_KEY": KEYS[1], "SERVICE_API_KEYS": ",".join(KEYS)},
        {"SERVICE_API_KEYS": ",".join(KEYS)},
        {"SERVICE_IDENTITY_TOKEN": "an-identity"},
        {"SERVICE_API_KEY": KEYS[1], "SERVICE_IDENTITY_TOKEN": "an-identity"},
    ],
    ids=lambda environment: "+".join(environment) or "none",
)
def test_the_printed_curl_command_sends_the_same_credentials(recorder, monkeypatch, tiny_bundle, capsys, environment):
    for name, value in {"MODEL_BUNDLE": str(tiny_bundle), **environment}.items():
        monkeypatch.setenv(name, value)

    predict.main(["--url", recorder.url])

    command = capsys.readouterr().out.splitlines()[0]
    script = f"curl() {{ printf '%s\\n' \"$@\"; }}; {command}"
    arguments = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    names = ("Authorization", "X-Serverless-Authorization")
    sent = {f"{name}: {recorder.seen[-1][name]}" for name in names if name in recorder.seen[-1]}
    assert {argument for argument in arguments if "Authorization" in argument} == sent


def test_a_key_is_not_sent_over_a_network_unencrypted(monkeypatch):
    monkeypatch.setenv("SERVICE_API_KEY", KEYS[0])

    with pytest.raises(UserError, match="would be sent there; use its https:// address"):
        call("http://service.example.org", "/version")


def test_a_redirect_is_not_followed(recorder, monkeypatch):
    monkeypatch.setenv("SERVICE_API_KEY", KEYS[0])
    recorder.redirects = True

    assert call(recorder.url, "/version").status == 307
    assert len(recorder.seen) == 1
