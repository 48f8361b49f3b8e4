"""Every response has the headers that protect browsers; a route may have a policy of its own."""

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient


async def page_with_a_policy(request):
    return HTMLResponse("<p>", headers={"Content-Security-Policy": "default-src https:", "Cache-Control": "private"})


async def crash(request):
    raise RuntimeError


async def page_with_a_policy_in_capitals(scope, receive, send):
    headers = [(b"Content-Security-Policy", b"default-src https:"), (b"Cache-Control", b"private")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<p>"})


@pytest.fixture(scope="module")
def client(tiny_bundle):
    app = create_app(tiny_bundle, ServiceSettings())
    app.router.routes.append(Route("/ours", page_with_a_policy))
    app.router.routes.append(Mount("/capitals", page_with_a_policy_in_capitals))
    app.router.routes.append(Route("/plain", lambda request: PlainTextResponse("x")))
    app.router.routes.append(Route("/crash", crash))
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", None), ("/docs", 200), ("/version", 200), ("/openapi.json", 200), ("/predict", 405), ("/nowhere", 404),
     ("/docs/files/swagger-ui.css", 200), ("/plain", 200), ("/ours", 200), ("/capitals/", 200), ("/crash", 500)],
)  # fmt: skip
def test_every_response_is_protected_once(client, path, status):
    reply = client.get(path)

    assert status in (None, reply.status_code)
    names = [name for name, _ in reply.headers.multi_items()]
    for name in ("x-content-type-options", "referrer-policy", "content-security-policy", "cache-control"):
        assert names.count(name) == 1
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert "server" not in reply.headers


def test_a_prediction_is_not_kept_and_no_browser_runs_it(client, tiny_bundle):
    row = Bundle.load(tiny_bundle).contract.sample_row()
    for rows, status in (([row], 200), ([], 422)):
        reply = client.post("/predict", json={"rows": rows})

        assert reply.status_code == status
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize("path", ["/ours", "/capitals/"])
def test_the_policy_of_a_route_is_kept(client, path):
    headers = client.get(path).headers

    assert (headers["content-security-policy"], headers["cache-control"]) == ("default-src https:", "private")


@pytest.mark.parametrize("path", ["/docs", "/nowhere", "/plain"])
def test_no_other_site_may_show_a_page_in_a_frame(client, path):
    policy = dict(part.strip().split(" ", 1) for part in client.get(path).headers["content-security-policy"].split(";"))

    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert "script-src" in policy or policy["default-src"] == "'self'"
    assert "unsafe-inline" not in policy.get("script-src", "")
