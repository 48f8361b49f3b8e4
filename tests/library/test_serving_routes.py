"""Keys and the form of errors hold for every route of the service, whoever adds it and however."""

import logging

import pytest
from cd4ml.serving.app import PUBLIC_PATHS, create_app
from cd4ml.serving.service_settings import ServiceSettings
from fastapi import APIRouter, FastAPI
from fastapi import HTTPException as FastAPIError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

KEY = "first-key-of-the-service"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


async def fails(kind: str, count: int = 0):
    """Fail in the way that the path says."""
    match kind:
        case "missing":
            raise FastAPIError(404, "no such street", {"X-Reason": "renamed"})
        case "listed":
            raise FastAPIError(409, {"free": 3})
        case "crash":
            raise RuntimeError("secret")
        case "text":
            return PlainTextResponse("come back later", 503, {"Retry-After": "5"})
        case "json":
            return JSONResponse({"detail": "too many streets", "code": 7}, 429)
        case "moved":
            raise HTTPException(307, headers={"Location": "/version"})
    return {"kind": kind, "count": count}


async def fails_in_starlette(request):
    answer = await fails(request.path_params["kind"], int(request.query_params.get("count", 0)))
    return JSONResponse(answer) if isinstance(answer, dict) else answer


@pytest.fixture(scope="module")
def app(tiny_bundle):
    """The service with keys, and a route of each kind that fails in many ways."""
    app = create_app(tiny_bundle, ServiceSettings(api_keys=(KEY,)))
    app.get("/plain/{kind}")(fails)
    router = APIRouter(prefix="/router")
    router.get("/{kind}")(fails)
    app.include_router(router)
    mounted = FastAPI()
    mounted.get("/{kind}")(fails)
    app.mount("/mounted", mounted)
    app.router.routes.append(Route("/starlette/{kind}", fails_in_starlette))
    app.mount("/other", Starlette(routes=[Route("/{kind}", fails_in_starlette)]))
    return app


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        yield client


ROUTES = ("plain", "router", "mounted", "starlette", "other")


def problem_of(reply, status):
    document = reply.json()
    assert (reply.headers["content-type"], reply.status_code) == ("application/problem+json", status)
    assert document["status"] == status
    assert document["request_id"] == reply.headers["x-request-id"]
    assert isinstance(document["detail"], str)
    assert reply.headers["content-length"] == str(len(reply.content))
    return document


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_that_is_added_requires_a_key(client, route):
    problem_of(client.get(f"/{route}/ok"), 401)
    problem_of(client.get(f"/{route}/ok", headers={"Authorization": "Bearer another-key-of-nobody"}), 401)

    assert client.get(f"/{route}/ok", headers=AUTHORIZED).json() == {"kind": "ok", "count": 0}


@pytest.mark.parametrize("path", sorted(PUBLIC_PATHS))
def test_public_paths_are_read_without_a_key_and_nothing_else_is_done_there(client, path):
    assert client.get(path).status_code in (200, 307)
    assert 401 not in (client.head(path).status_code, client.options(path).status_code)
    problem_of(client.post(path), 401)
    problem_of(client.get(f"{path.rstrip('/')}/x"), 401)


def test_a_websocket_requires_a_key_too(tiny_bundle):
    async def greet(socket):
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    app = create_app(tiny_bundle, ServiceSettings(api_keys=(KEY,)))
    app.router.routes.append(WebSocketRoute("/talk", greet))
    client = TestClient(app)

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/talk"):
        pass
    with client.websocket_connect("/talk", headers=AUTHORIZED) as socket:
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize("route", ROUTES)
def test_an_error_of_any_route_is_a_problem_document(client, route):
    def get(path, status):
        reply = client.get(f"/{route}/{path}", headers=AUTHORIZED)
        return problem_of(reply, status), reply.headers

    document, headers = get("missing", 404)
    assert (document["detail"], headers["x-reason"]) == ("no such street", "renamed")
    document, headers = get("text", 503)
    assert (document["detail"], headers["retry-after"]) == ("come back later", "5")
    assert get("json", 429)[0]["detail"] == "too many streets"
    if route not in ("starlette", "other"):  # whose errors have a text only
        assert get("listed", 409)[0]["errors"] == {"free": 3}
    get("ok/and/more", 404)


@pytest.mark.parametrize("route", ["plain", "router", "mounted"])
def test_a_request_that_fastapi_rejects_names_the_parameter(client, route):
    document = problem_of(client.get(f"/{route}/ok?count=many-secrets", headers=AUTHORIZED), 422)

    assert [error["location"] for error in document["errors"]] == ["query.count"]
    assert "integer" in document["errors"][0]["rule"]
    assert "many-secrets" not in str(document)


@pytest.mark.parametrize("route", ROUTES)
def test_a_wrong_method_is_a_problem_document_with_the_allowed_ones(client, route):
    reply = client.put(f"/{route}/ok", headers=AUTHORIZED)

    problem_of(reply, 405)
    assert "GET" in reply.headers["allow"]


@pytest.mark.parametrize("route", ROUTES)
def test_an_exception_of_any_route_is_a_500_and_its_reason_is_only_in_the_log(client, route, caplog):
    with caplog.at_level(logging.ERROR):
        reply = client.get(f"/{route}/crash", headers=AUTHORIZED | {"X-Request-ID": "r-1"})

    assert "its log has the reason" in problem_of(reply, 500)["detail"]
    assert "secret" not in reply.text
    assert "r-1" in caplog.text
    assert "RuntimeError: secret" in caplog.text


@pytest.mark.parametrize("media_type", ["text/html", "text/plain"])
def test_the_traceback_that_a_mounted_application_sends_in_debug_mode_is_not_passed_on(client, media_type):
    client.app.mount("/debug", Starlette(debug=True, routes=[Route("/{kind}", fails_in_starlette)]))

    reply = client.get("/debug/crash", headers=AUTHORIZED | {"Accept": media_type})

    problem_of(reply, 500)
    assert "secret" not in reply.text


def test_a_redirect_is_no_error(client):
    reply = client.get("/plain/moved", headers=AUTHORIZED)

    assert (reply.status_code, reply.headers["location"], reply.content) == (307, "/version", b"")


def test_the_openapi_document_says_which_routes_require_a_key(app, client):
    app.openapi_schema = None
    paths = client.get("/openapi.json").json()["paths"]

    assert {path: paths[path]["get"]["security"] for path in ("/version", "/plain/{kind}", "/router/{kind}")} == {
        "/version": [], "/plain/{kind}": [{"key": []}], "/router/{kind}": [{"key": []}]
    }  # fmt: skip
    responses = paths["/plain/{kind}"]["get"]["responses"]
    assert responses.keys() == {"200", "default"}
    assert list(responses["default"]["content"]) == ["application/problem+json"]
