"""The service behind a proxy with a prefix, and called from web pages of other sites."""

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import UserError
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from fastapi import FastAPI
from starlette.testclient import TestClient

KEY = "first-key-of-the-service"
SHOP = "https://shop.example.org"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture(scope="module")
def body(tiny_bundle):
    return {"rows": [Bundle.load(tiny_bundle).contract.sample_row()]}


def client_of(bundle, **settings):
    return TestClient(create_app(bundle, ServiceSettings(**settings)), follow_redirects=False)


def test_without_a_prefix_the_address_is_relative_to_the_openapi_document(tiny_bundle):
    client = client_of(tiny_bundle)

    assert client.get("/openapi.json").json()["servers"] == [{"url": "."}]
    assert 'href="docs"' in client.get("/").text
    assert 'data-path="predict"' in client.get("/").text


@pytest.mark.parametrize("sent", ["", "/models/houses"], ids=["the proxy removes it", "the proxy does not"])
def test_behind_a_prefix_every_path_and_link_is_right(tiny_bundle, body, sent):
    client = client_of(tiny_bundle, root_path="/models/houses", api_keys=(KEY,))
    mounted = FastAPI()
    mounted.get("/streets")(lambda: ["High Street"])
    client.app.mount("/more", mounted)
    client.headers["Authorization"] = f"Bearer {KEY}"

    assert client.get(f"{sent}/openapi.json").json()["servers"] == [{"url": "/models/houses"}]
    assert client.post(f"{sent}/predict", json=body).status_code == 200
    assert client.get(f"{sent}/docs/files/swagger-ui.css").status_code == 200
    assert client.get(f"{sent}/more/streets").json() == ["High Street"]
    assert 'href="/models/houses/docs"' in client.get(f"{sent}/").text
    assert 'data-path="/models/houses/predict"' in client.get(f"{sent}/").text
    detail = client.get(f"{sent}/nowhere").json()["detail"]
    assert detail == "unknown path /models/houses/nowhere; /models/houses/docs lists all paths"
    assert "/models/houses/predict does not support" in client.get(f"{sent}/predict").json()["detail"]
    del client.headers["Authorization"]
    assert client.get(f"{sent}/health/ready").status_code == 200
    assert client.get(f"{sent}/more/streets").status_code == 401


def test_a_prefix_that_only_begins_the_same_is_another_path(tiny_bundle):
    client = client_of(tiny_bundle, root_path="/models/houses")

    client.app.get("/models/houses-2")(lambda: "another")

    assert client.get("/models/houses-2").json() == "another"
    assert 'href="/models/houses/docs"' in client.get("/models/houses").text


@pytest.mark.parametrize("prefix", ["models", "/", "/models/", "//models", "/a/../b", "/a b", "https://x/models", "/ä"])
def test_a_prefix_that_is_no_path_is_rejected_at_the_start(prefix):
    with pytest.raises(UserError, match=r'^ROOT_PATH is ".*"; write the prefix of a path, such as /models/houses'):
        ServiceSettings.read([], {"ROOT_PATH": prefix})


def test_without_the_setting_no_other_site_is_answered(tiny_bundle, body):
    client = client_of(tiny_bundle)

    reply = client.post("/predict", json=body, headers={"Origin": SHOP})
    assert reply.status_code == 200
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert "access-control-allow-origin" not in client.options("/predict", headers={"Origin": SHOP} | PREFLIGHT).headers


def test_a_browser_may_ask_before_it_sends_a_key_and_reads_every_answer(tiny_bundle, body):
    client = client_of(tiny_bundle, cors_origins=(SHOP, "http://localhost:3000"), api_keys=(KEY,))

    for origin in (SHOP, "http://localhost:3000"):
        asked = client.options("/predict", headers={"Origin": origin} | PREFLIGHT)
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)
        assert "POST" in asked.headers["access-control-allow-methods"]
        assert "Authorization" in asked.headers["access-control-allow-headers"]

    for headers, status in (({}, 401), ({"Authorization": f"Bearer {KEY}"}, 200)):
        reply = client.post("/predict", json=body, headers={"Origin": SHOP} | headers)
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (status, SHOP)
        assert "x-request-id" in reply.headers["access-control-expose-headers"].lower()
        assert "access-control-allow-credentials" not in reply.headers
        assert "Origin" in reply.headers["vary"]


def test_after_an_exception_a_page_reads_the_500_too(tiny_bundle, body, monkeypatch):
    client = client_of(tiny_bundle, cors_origins=(SHOP,))
    monkeypatch.setattr(Bundle, "scores", lambda bundle, columns: 1 / 0)

    reply = client.post("/predict", json=body, headers={"Origin": SHOP})

    assert (reply.status_code, reply.json()["status"]) == (500, 500)
    assert reply.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize("origin", ["https://evil.example.org", f"{SHOP}.evil.org", "http://shop.example.org", "null"])
def test_another_origin_is_refused(tiny_bundle, origin):
    client = client_of(tiny_bundle, cors_origins=(SHOP,))

    refused = client.options("/predict", headers={"Origin": origin} | PREFLIGHT)
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert "access-control-allow-origin" not in refused.headers
    assert "access-control-allow-origin" not in client.get("/version", headers={"Origin": origin}).headers


def test_a_star_is_every_origin_without_credentials(tiny_bundle, body):
    client = client_of(tiny_bundle, cors_origins=("*",))

    for reply in (
        client.options("/predict", headers={"Origin": SHOP} | PREFLIGHT),
        client.post("/predict", json=body, headers={"Origin": SHOP, "Cookie": "a=b"}),
    ):
        assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (200, "*")
        assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize(
    ("origins", "read"),
    [
        ("", ()),
        ("*", ("*",)),
        (f"{SHOP}, http://localhost:3000,", (SHOP, "http://localhost:3000")),
        ("http://[::1]:3000", ("http://[::1]:3000",)),
    ],
)
def test_origins_are_separated_by_commas(origins, read):
    assert ServiceSettings.read([], {"CORS_ORIGINS": origins}).cors_origins == read


@pytest.mark.parametrize(
    ("origins", "message"),
    [
        (",", "is set and has no origin"),
        (f"*,{SHOP}", "has * beside other origins"),
        (f"{SHOP}/", f"write {SHOP}$"),
        ("https://Shop.example.org:443/page?x", f"write {SHOP}$"),
        ("https://bücher.example", "write https://xn--bcher-kva.example$"),
        ("http://localhost:80", "write http://localhost$"),
        ("shop.example.org", "write one such as https://shop.example.org, or"),
        ("https://*.example.org", "write one such as https://shop.example.org, or"),
        ("https://user@shop.example.org", "write one such as"),
        ("https://shop.example.org:many", "write one such as"),
        ("null", "write one such as"),
        ("ftp://shop.example.org", "write one such as"),
        ("https://a b", "write one such as"),
    ],
)
def test_an_origin_that_no_browser_sends_is_rejected_at_the_start(origins, message):
    with pytest.raises(UserError, match=f"^CORS_ORIGINS {'.*'}{message.replace('*', '.')}") as rejected:
        ServiceSettings.read([], {"CORS_ORIGINS": origins})

    assert "\n" not in str(rejected.value)
