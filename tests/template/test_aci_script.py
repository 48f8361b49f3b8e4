"""Container Instances: https alone, no key among arguments, and names that Azure accepts."""

from __future__ import annotations

import http.server
import re
import threading
import time

import pytest
import yaml
from cd4ml.deploy.aci import asking
from cd4ml.deploy.aci.description import Runtime, describe, write
from cd4ml.deploy.aci.settings import Place, Size
from cd4ml.deploy.set_up.identities import IDENTITIES

from tests.template.conftest import DEPLOY

LONGEST = ("flight-delays-" * 3)[:40]


PLACE = Place(LONGEST, "westeurope", "g", "s", "")


def test_no_address_without_encryption_and_no_key_among_arguments() -> None:
    for path in (DEPLOY / "aci").glob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"http://[^ '\"|)]*", text), path.name
        assert not re.search(r"(SERVICE_API_KEYS|--account-key|--password)[=\", ]+\{?(keys?|value|share_key)\b", text)


def test_names_are_as_short_as_azure_requires_and_differ() -> None:
    for slug in (LONGEST, "demo"):
        place = Place(slug, "westeurope", "g", "s", "")
        groups = [
            name
            for environment in ("production", "staging")
            for name in (place.service(environment), place.candidate(environment))
        ]
        assert len(set(groups)) == 4
        assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) for name in groups)
        hosts = [place.host(name) for name in groups]
        assert len(set(hosts)) == 4
        for host in hosts:
            label, rest = host.split(".", 1)
            assert rest == "westeurope.azurecontainer.io"
            assert re.fullmatch(r"[a-z0-9][a-z0-9-]{3,61}[a-z0-9]", label), label
    assert re.fullmatch(r"[a-z0-9]{5,50}", PLACE.registry_name)
    storage = [PLACE.storage(kind) for kind in ("data", "cert")]
    assert len(set(storage)) == 2
    assert all(re.fullmatch(r"[a-z0-9]{3,24}", name) for name in storage)
    identities = [PLACE.account_id(who) for who in IDENTITIES]
    assert len(set(identities)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}", name) for name in identities)


def test_a_value_stays_what_it_is_in_the_description_of_a_group() -> None:
    place = Place("demo", "westeurope", "g", "s", "")
    for value in ("it's", "a: b", "#", "{x}", '"', "\\n", "yes", "0123", "- a", "${HOME}"):
        described = describe(place, "demo", value, {"revision": value}, Runtime(Size(1, 1.5), value, value))
        assert yaml.safe_load(write(described)) == described


def test_a_service_is_asked_over_https_alone() -> None:
    with pytest.raises(TimeoutError, match="does not begin with https://"):
        asking.wait_until_ready("http" + "://example.com", 0)


def test_a_request_is_repeated_after_half_an_answer() -> None:
    requests: list[str] = []

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "99" if requests.count(self.path) == 1 else "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http:{'//'}127.0.0.1:{server.server_port}"
        asking.wait_until_same(address, address, 9)

        requests.clear()
        with asking.Watch(address) as watch:
            until = time.monotonic() + 20
            while len(requests) < 3 and time.monotonic() < until:
                time.sleep(0.05)
        assert watch.away > 0
        server.shutdown()
