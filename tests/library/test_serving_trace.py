"""A request's trace goes on in the response and in the log, if its headers are those of W3C Trace Context."""

import re

import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from starlette.testclient import TestClient

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
STATE = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"


@pytest.fixture(scope="module")
def client(tiny_bundle):
    with TestClient(create_app(tiny_bundle, ServiceSettings(cors_origins="https://shop.example.org"))) as client:
        yield client


def sent_back(client, *headers):
    """Return the response's traceparent as its parts, and its tracestate."""
    reply = client.get("/version", headers=list(headers))
    parts = re.fullmatch("(00)-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])", reply.headers["traceparent"]).groups()
    return parts, reply.headers.get("tracestate")


@pytest.mark.parametrize(
    ("parent", "flags"),
    [
        (PARENT, "01"),
        (f"00-{TRACE}-{SPAN}-00", "00"),
        (f"00-{TRACE}-{SPAN}-fe", "00"),
        (f"cc-{TRACE}-{SPAN}-01-x", "01"),
    ],
)
def test_a_trace_goes_on_with_a_new_span(client, parent, flags):
    (_, trace, span, sampled), state = sent_back(client, ("traceparent", parent), ("tracestate", STATE))

    assert (trace, sampled, state) == (TRACE, flags, STATE)
    assert span not in (SPAN, "0" * 16)


@pytest.mark.parametrize(
    "parents",
    [
        [],
        [""],
        ["none"],
        [PARENT.upper()],
        [PARENT[:-1]],
        [f"{PARENT}-x"],  # more than version 00 has
        [f" 00-{TRACE}-{SPAN}-0g"],
        [f"ff-{TRACE}-{SPAN}-01"],
        [f"00-{'0' * 32}-{SPAN}-01"],
        [f"00-{TRACE}-{'0' * 16}-01"],
        [f"00-{TRACE[1:]}-{SPAN}-01"],
        [f"cc-{TRACE}-{SPAN}-01x"],
        [PARENT, PARENT],
    ],
)
def test_another_traceparent_is_ignored_and_a_new_trace_begins(client, parents):
    headers = [("traceparent", parent) for parent in parents]

    first, state = sent_back(client, *headers, ("tracestate", STATE))
    second, _ = sent_back(client, *headers)

    assert TRACE not in (first[1], second[1])
    assert first[1] != second[1]
    assert first[3] == second[3] == "00"  # who begins a trace does not decide that others keep it
    assert state is None  # it belongs to the trace that is ignored


@pytest.mark.parametrize(
    ("states", "sent"),
    [
        (["a=1", "tenant@system=2"], "a=1,tenant@system=2"),
        ([" a=1 ,, b=2 "], "a=1,b=2"),
        (["a=1,a=2"], None),
        (["A=1"], None),
        (["a"], None),
        (["a="], None),
        (["a=1=2"], None),
        ([",".join(f"k{number}=v" for number in range(33))], None),
        ([f"a={'x' * 256}"], f"a={'x' * 256}"),
        ([f"a={'x' * 257}"], None),
        ([f"a={'x' * 253},b={'y' * 254}"], f"a={'x' * 253},b={'y' * 254}"),  # 512 bytes
        ([f"a={'x' * 253},b={'y' * 255}"], None),
        ([""], None),
    ],
)
def test_tracestate_is_passed_on_only_if_it_is_valid(client, states, sent):
    assert sent_back(client, ("traceparent", PARENT), *(("tracestate", state) for state in states))[1] == sent


def test_the_id_of_a_request_without_one_is_its_trace(client, tiny_bundle):
    row = Bundle.load(tiny_bundle).contract.sample_row()

    reply = client.post("/predict", json={"rows": [row]}, headers={"traceparent": PARENT})

    assert reply.json()["request_id"] == reply.headers["x-request-id"] == TRACE


def test_a_page_of_another_site_may_send_and_read_the_trace(client):
    origin = {"Origin": "https://shop.example.org"}
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "traceparent,tracestate"}

    assert client.options("/predict", headers=origin | asked).status_code == 200
    assert "traceparent" in client.get("/version", headers=origin).headers["access-control-expose-headers"]
