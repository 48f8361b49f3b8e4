"""Ctrl-C during a search is held back but for the fits, and never lost."""

import os
import signal
import time

import pytest
from cd4ml.tuning.ctrl_c import hold_back_ctrl_c


def press():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)


def interrupted(search):
    with pytest.raises(KeyboardInterrupt):
        search()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def query_after_two(done):
    with hold_back_ctrl_c():
        press()
        press()
        done.append("query")


def test_it_is_held_back_until_the_next_fit():
    done = []

    def search():
        with hold_back_ctrl_c() as let_through:
            press()
            done.append("query")
            with let_through():
                done.append("fit")

    interrupted(search)

    assert done == ["query"]


def test_it_stops_a_fit_at_once():
    done = []

    def search():
        with hold_back_ctrl_c() as let_through, let_through():
            press()
            done.append("fit")

    interrupted(search)

    assert done == []


def test_without_a_fit_after_it_it_comes_at_the_end():
    done = []

    interrupted(lambda: query_after_two(done))

    assert done == ["query"]


def test_an_estimator_that_makes_another_error_of_it_does_not_hide_it():
    def search():
        with hold_back_ctrl_c() as let_through, let_through():
            try:
                press()
            except KeyboardInterrupt:
                raise RuntimeError("a worker was lost") from None

    interrupted(search)


def test_one_more_some_seconds_later_stops_whatever_is_done(monkeypatch):
    monkeypatch.setattr("cd4ml.tuning.ctrl_c._HURRY", 0.0)
    done = []

    interrupted(lambda: query_after_two(done))

    assert done == []
