"""Asking a service whether it is ready, whether it says what another says, and for how long it did not answer."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from cd4ml.deploy.aci.asking import Watch, wait_until_ready, wait_until_same


class Answers:
    """What a service answers from now on: a status, and what it says of itself."""

    def __init__(self, version: str = "one") -> None:
        self.status, self.version, self.asked, self.address = 200, version, 0, ""

    def wait_for(self, questions: int) -> None:
        """Wait until it was asked that often again."""
        until, wanted = time.monotonic() + 20, self.asked + questions
        while self.asked < wanted:
            assert time.monotonic() < until, "nobody asks"
            time.sleep(0.02)


@contextmanager
def answering(answers: Answers) -> Iterator[Answers]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answers.asked += 1
            body = f'{{"version": "{answers.version}"}}'.encode()
            self.send_response(answers.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answers.address = f"http://127.0.0.1:{server.server_port}"
        yield answers
        server.shutdown()


@pytest.fixture
def service() -> Iterator[Answers]:
    with answering(Answers()) as answers:
        yield answers


def test_a_service_that_is_not_ready_is_waited_for(service: Answers) -> None:
    service.status = 503
    with pytest.raises(TimeoutError, match=f"{service.address} is not ready: Service Unavailable"):
        wait_until_ready(service.address, 0.3)
    threading.Timer(0.3, lambda: setattr(service, "status", 200)).start()
    wait_until_ready(service.address, 20)


def test_another_bundle_is_not_the_same(service: Answers) -> None:
    with answering(Answers("two")) as other:
        with pytest.raises(TimeoutError, match=f"does not answer as {other.address} does: another bundle"):
            wait_until_same(service.address, other.address, 0.3)
        other.version = "one"
        wait_until_same(service.address, other.address, 5)


def test_a_watch_counts_from_the_last_answer_to_the_next(service: Answers) -> None:
    with Watch(service.address) as watch:
        service.wait_for(2)
        service.status = 503
        began = time.monotonic()
        service.wait_for(4)
        service.status = 200
        service.wait_for(2)
        away = time.monotonic() - began
    assert 0.4 < watch.away < away + 1


def test_a_watch_that_ends_while_nobody_answers_counts_until_then(service: Answers) -> None:
    with Watch(service.address) as watch:
        service.wait_for(2)
        service.status = 503
        service.wait_for(3)
    assert watch.away > 0.3


def test_a_service_that_always_answers_was_not_away(service: Answers) -> None:
    with Watch(service.address) as watch:
        service.wait_for(3)
    assert watch.away == 0


def test_a_watch_asks_no_more_once_it_was_left_even_by_an_error(service: Answers) -> None:
    with suppress(KeyboardInterrupt), Watch(service.address):
        service.wait_for(1)
        raise KeyboardInterrupt
    asked = service.asked
    time.sleep(0.6)
    assert service.asked <= asked + 1, "one question may have been under way"


def test_an_address_that_is_not_encrypted_is_never_asked() -> None:
    with pytest.raises(TimeoutError, match="does not begin with https"):
        wait_until_ready("http" + "://example.com", 0)
