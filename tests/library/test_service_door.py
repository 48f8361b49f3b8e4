"""service.py of the team: its routes are beside the service's own, behind the same keys, limits and form of errors."""

import subprocess
import sys

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import ServiceError
from cd4ml.serving.app import create_app
from cd4ml.serving.client import call
from cd4ml.serving.in_thread import running
from cd4ml.serving.service_settings import ServiceSettings
from route_client import client_of

KEY = "first-key-of-the-service"
SERVICE = '''\
"""Routes of a team."""

from houses.service_names import NAMES
from fastapi import FastAPI, HTTPException

PUBLIC_PATHS = ["/names"]


def add_routes(app, model):
    @app.get("/names")
    async def names() -> list[str]:
        return [*NAMES, model.version, model.contract.name]

    @app.post("/twice")
    def twice(row: dict) -> list:
        first = model.predict([row])
        return [first.predictions[0], model.predict([row, row]).probabilities[1]]

    @app.get("/fails")
    def fails():
        raise RuntimeError("secret")

    @app.get("/teapots/{name}")
    def teapot(name: str):
        raise HTTPException(418, "short and stout")
'''


@pytest.fixture
def project(tiny_projects, tmp_path):
    """A copy of a project with a bundle, and a service.py."""
    copy = tiny_projects["binary"].copy_to(tmp_path / "copy")
    copy.write("src/houses/service.py", SERVICE)
    copy.write("src/houses/service_names.py", "NAMES = ['ours']\n")
    return copy


@pytest.fixture
def row(project):
    return Bundle.load(project.bundle).contract.sample_row()


def test_a_route_is_answered_and_documented(project, row):
    with client_of(project) as client:
        version = client.get("/version").json()["version"]
        assert client.get("/names").json() == ["ours", version, "houses"]
        reply = client.post("/twice", json=row)
        predicted = client.post("/predict", json={"rows": [row]}).json()
        document = client.get("/openapi.json").json()

    assert reply.json() == [predicted["predictions"][0], predicted["probabilities"][0]]
    assert reply.headers["x-model-version"] == version
    assert {"/predict", "/names", "/twice", "/teapots/{name}"} <= set(document["paths"])


def test_without_the_file_nothing_is_added(project):
    (project.folder / "src/houses/service.py").unlink()

    with client_of(project) as client:
        assert client.get("/names").status_code == 404


def test_in_the_image_the_file_is_found_without_pyproject(project):
    (project.folder / "pyproject.toml").unlink()

    with client_of(project) as client:
        assert client.get("/names").json()[0] == "ours"


def test_in_the_folder_of_something_else_no_file_is_called(project):
    project.write("pyproject.toml", '[project]\nname = "other"\n')

    with client_of(project) as client:
        assert client.get("/names").status_code == 404


def test_keys_hold_but_for_the_paths_that_the_file_makes_public(project, row):
    with client_of(project, api_keys=(KEY,)) as client:
        assert client.get("/names").status_code == 200
        assert client.post("/names").status_code == 401
        assert client.post("/twice", json=row).status_code == 401
        assert client.get("/teapots/a").status_code == 401
        assert client.post("/twice", json=row, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
        paths = client.get("/openapi.json").json()["paths"]
    assert paths["/names"]["get"]["security"] == []
    assert paths["/twice"]["post"]["security"] == [{"key": []}]


def test_errors_have_the_form_of_the_service(project, row):
    with client_of(project) as client:
        rejected = client.post("/twice", json=row | {"rooms": "many"})
        replies = {418: client.get("/teapots/a"), 500: client.get("/fails"), 422: rejected}

    for status, reply in replies.items():
        assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
        assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert "secret" not in replies[500].text
    assert [(each["row"], each["column"]) for each in rejected.json()["errors"]] == [(0, "rooms")]


@pytest.mark.parametrize(
    "value", [b'"\\ud800"', b"1e400", b"NaN", b"9" * 400, b"[" * 500 + b"]" * 500, b'{"a": 1}'], ids=range(6)
)
def test_values_that_the_contract_has_not_are_rejected_whatever_the_route_passes_on(project, row, value):
    body = str(row | {"street": 0}).replace("'street': 0", "'street': VALUE").replace("'", '"').replace("True", "true")
    content = body.encode().replace(b"VALUE", value)
    with client_of(project) as client:
        reply = client.post("/twice", content=content, headers={"Content-Type": "application/json"})

    # for Python's JSON, which reads the body of such a route, NaN and infinity are numbers; the column takes nulls
    assert reply.status_code == (200 if value in (b"NaN", b"1e400") else 422), reply.text


def test_the_limit_of_rows_holds(project, row):
    project.replace("src/houses/service.py", "[row, row]", "[row] * 11")

    with client_of(project, max_rows=10) as client:
        assert client.post("/twice", json=row).json()["errors"][0]["rule"] == "from 1 to 10 rows"


def test_predictions_of_a_route_are_counted(project, row):
    with client_of(project) as client:
        client.post("/twice", json=row)
        client.post("/predict", json={"rows": [row]})
        lines = client.get("/metrics").text.splitlines()

    assert "model_rows_total 4.0" in lines
    assert 'http_requests_total{path="/twice",status="200"} 1.0' in lines


def test_over_http_in_a_thread(project, row):
    with project.inside(), running(create_app(project.bundle, ServiceSettings())) as url:
        assert call(url, "/names").body[0] == "ours"
        assert call(url, "/twice", row).status == 200


WRONG = [
    ("import FastAPI,", "import FastAPY,", "service.py:4: ImportError: cannot import name 'FastAPY'"),
    ("from fastapi", "import no_such_package\nfrom fastapi", "service.py:4: ModuleNotFoundError: No module named"),
    ("def add_routes(app, model):", "def add_routes(app, model)", "service.py:9: SyntaxError: expected ':'"),
    ("def add_routes(app", "def routes(app", "service.py has no function add_routes(app, model)"),
    ("def add_routes(app, model)", "def add_routes(app)", "service.py:9: add_routes does not take (app, model)"),
    ("def add_routes", "async def add_routes", "service.py:9: add_routes is async; write def"),
    ('    @app.get("/fails")', '    1 / 0\n    @app.get("/fails")', "service.py:19: ZeroDivisionError"),
    ('"/fails"', '"/version"', "service.py:19: /version is the service's own path; choose another"),
    ('"/fails"', '"/predict"', "service.py:19: /predict is the service's own path; choose another"),
    ('["/names"]', '["/name"]', 'PUBLIC_PATHS has "/name", which is no path without parameters here; write /names'),
    ('["/names"]', '["/teapots/{name}"]', 'PUBLIC_PATHS has "/teapots/{name}", which is no path without parameters'),
    ('["/names"]', '"/names"', "PUBLIC_PATHS is not a list of paths"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_an_error_names_file_and_line(project, old, new, message):
    project.replace("src/houses/service.py", old, new)

    with pytest.raises(ServiceError) as error, project.inside():
        create_app(project.bundle, ServiceSettings())

    assert message in str(error.value)
    assert str(error.value).startswith("src/houses/service.py")
    assert "\n" not in str(error.value)


def test_the_error_is_one_line_at_the_start_of_the_service(project):
    project.replace("src/houses/service.py", '"/fails"', '"/health/live"')

    command = [sys.executable, "-m", "cd4ml", "serve", "--port", "0"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, timeout=60)

    line = "serve: src/houses/service.py:19: /health/live is the service's own path; choose another\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)
