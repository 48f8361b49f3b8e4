"""Requests to the team's routes: every prediction is recorded, and every error has one form, whatever was sent."""

import json

import pytest
from logged_service import records
from route_client import client_of

SERVICE = '''\
"""Routes of a team."""

from fastapi import HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Offer(BaseModel):
    rooms: int
    note: str = ""


def add_routes(app, model):
    @app.get("/one")
    def one(size: float) -> bool:
        return model.predict([ROW | {"size": size}]).predictions[0]

    @app.post("/many")
    def many():
        return StreamingResponse(f"{model.predict([ROW | {'size': size}]).predictions}\\n" for size in (20, 30, 40))

    @app.post("/offers")
    def offers(offer: Offer) -> None:
        pass

    @app.post("/refused")
    def refused(offer: dict) -> None:
        raise HTTPException(409, f"no such note: {offer['note']}")

    @app.get("/fails/{name}")
    def fails(name: str) -> None:
        raise RuntimeError("it broke")

    @app.get("/breaks")
    def breaks():
        return StreamingResponse(broken(), status_code=400)


def broken():
    yield "a part"
    raise RuntimeError("it broke")
'''


@pytest.fixture
def project(tiny_projects, tmp_path):
    """A copy of a project with a bundle, and a service.py."""
    copy = tiny_projects["binary"].copy_to(tmp_path / "copy")
    row = json.loads((copy.bundle / "examples.json").read_bytes())["rows"][0]
    copy.write("src/houses/service.py", SERVICE + f"\n\nROW = {row!r}\n")
    return copy


@pytest.mark.parametrize("flush", ["interval", "request"])
def test_the_predictions_of_every_route_are_recorded_also_those_of_a_stream(project, tmp_path, flush):
    log = tmp_path / "log"
    with client_of(project, prediction_log=str(log), prediction_log_flush=flush) as client:
        assert client.get("/one?size=50", headers={"X-Request-ID": "one"}).status_code == 200
        assert client.post("/many", headers={"X-Request-ID": "many"}).text.count("\n") == 3
        if flush == "request":
            assert len(records(log)) == 4

    recorded = [(record["request_id"], record["number"], record["row"]["size"]) for record in records(log)]
    assert sorted(recorded) == [("many", 0, 20), ("many", 1, 30), ("many", 2, 40), ("one", 0, 50)]


@pytest.mark.parametrize(
    ("body", "location"),
    [
        (b'{"rooms": NaN}', "body.rooms"),
        (b'{"rooms": "\\ud800"}', "body.rooms"),
        (b'{"rooms": [Infinity]}', "body.rooms"),
    ],
)
def test_what_json_cannot_repeat_is_rejected_as_any_value_of_a_wrong_type(project, body, location):
    with client_of(project) as client:
        reply = client.post("/offers", content=body, headers={"Content-Type": "application/json"})

    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert [error["location"] for error in reply.json()["errors"]] == [location]


def test_an_error_may_repeat_half_a_character(project):
    with client_of(project) as client:
        reply = client.post("/refused", content=b'{"note": "\\ud800"}', headers={"Content-Type": "application/json"})

    assert reply.status_code == 409
    assert reply.json()["detail"] == "no such note: \ud800"


def test_an_error_whose_stream_breaks_is_a_problem_document(project):
    with client_of(project) as client:
        reply = client.get("/breaks")

    assert reply.status_code == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["request_id"] == reply.headers["x-request-id"]


def test_a_path_writes_no_line_of_its_own_into_the_log(project, caplog):
    with client_of(project) as client:
        assert client.get("/fails/a%0Ab").status_code == 500

    (message,) = [record.getMessage() for record in caplog.records if record.name == "cd4ml.serving.error_format"]
    assert message.endswith(r": GET /fails/a\nb failed")
