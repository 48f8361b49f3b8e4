"""Requests that arrive together are scored together, and each gets the answer that it would get alone."""

import asyncio
import json
import threading

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.table import columns_of_table
from cd4ml.errors import ModelError
from cd4ml.serving.app import create_app
from cd4ml.serving.batching import MOST_ROWS, scores_are_independent
from cd4ml.serving.service_settings import ServiceSettings


@pytest.fixture(scope="module")
def sklearn_bundle(tiny_projects, tmp_path_factory):
    project = tiny_projects["binary"].copy_to(tmp_path_factory.mktemp("sklearn") / "copy")
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "package:\n  runtime: sklearn\n")
    project.run("package")
    return project.bundle


@pytest.fixture(params=["onnx", "sklearn"])
def bundle(request, tiny_bundle, sklearn_bundle):
    folder = {"onnx": tiny_bundle, "sklearn": sklearn_bundle}[request.param]
    bundle = Bundle.load(folder)
    assert bundle.manifest.runtime == request.param
    return bundle


@pytest.fixture
def calls(monkeypatch):
    """Each call of a bundle's model: how many rows it got, and in which thread."""
    calls, scores = [], Bundle.scores

    def spy(bundle, columns):
        calls.append((len(next(iter(columns.values()))), threading.get_ident()))
        return scores(bundle, columns)

    monkeypatch.setattr(Bundle, "scores", spy)
    return calls


async def post(app, rows):
    """Send a request past the network; return its status and its body."""
    body, sent = json.dumps({"rows": rows}).encode(), []
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope = {"type": "http", "method": "POST", "path": "/predict", "root_path": "", "headers": headers}

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


def post_all(app, requests, rounds=3):
    """Send requests at once, a few times, since the first ones do not know of the others; return the last answers."""

    async def send_all():
        for _ in range(rounds):
            answers = await asyncio.wait_for(asyncio.gather(*(post(app, rows) for rows in requests)), 60)
        return answers

    return asyncio.run(send_all())


def test_requests_at_once_are_scored_together_and_answered_as_if_alone(bundle, calls):
    rows = bundle.examples()["rows"]
    requests = [[rows[number % len(rows)]] * (1 + number % 3) for number in range(50)]
    expected = [bundle.decision.probabilities(bundle.scores_of_rows(request)) for request in requests]
    app = create_app(bundle.folder, ServiceSettings())
    calls.clear()

    answers = post_all(app, requests)

    assert [status for status, _ in answers] == [200] * 50
    assert [body["probabilities"] for _, body in answers] == expected  # to the last bit
    assert sum(size for size, _ in calls) == 3 * sum(map(len, requests))
    assert len(calls) < 3 * len(requests) / 2
    assert max(size for size, _ in calls) <= MOST_ROWS


def test_requests_one_after_the_other_are_scored_one_by_one(bundle, calls):
    rows = bundle.examples()["rows"]
    app = create_app(bundle.folder, ServiceSettings())
    calls.clear()

    async def send_all():
        return [await post(app, [row]) for row in rows]

    assert [status for status, _ in asyncio.run(send_all())] == [200] * len(rows)
    assert [size for size, _ in calls] == [1] * len(rows)


def test_scikit_learn_never_blocks_the_event_loop(sklearn_bundle, calls):
    rows = Bundle.load(sklearn_bundle).examples()["rows"]
    app = create_app(sklearn_bundle, ServiceSettings())
    calls.clear()

    post_all(app, [rows[:1], rows, rows * 25])

    assert len(calls) >= 3
    assert threading.get_ident() not in {thread for _, thread in calls}


def test_a_request_that_fails_does_not_fail_those_beside_it(bundle, monkeypatch):
    rows = bundle.examples()["rows"]
    app = create_app(bundle.folder, ServiceSettings())
    scores, column = Bundle.scores, next(name for name, one in bundle.contract.columns.items() if one.is_numeric)
    poison = bundle.contract.columns[column].lowest

    def fails(bundle, columns):
        if (columns[column] == np.float32(poison)).any():
            raise ModelError("a value that the model does not take")
        return scores(bundle, columns)

    monkeypatch.setattr(Bundle, "scores", fails)

    answers = post_all(app, [[row] for row in rows] + [[rows[0] | {column: poison}]] + [[row] for row in rows])

    assert [status for status, _ in answers] == [200] * len(rows) + [500] + [200] * len(rows)


def test_scores_that_change_with_their_company_are_never_computed_together(bundle, monkeypatch):
    scores, sizes = Bundle.scores, []

    def rounds_otherwise_in_company(bundle, columns):
        sizes.append(len(next(iter(columns.values()))))
        return scores(bundle, columns) * (1 if sizes[-1] == 1 else 1 + 1e-15)

    assert scores_are_independent(bundle)
    monkeypatch.setattr(Bundle, "scores", rounds_otherwise_in_company)
    assert not scores_are_independent(bundle)
    app = create_app(bundle.folder, ServiceSettings())
    sizes.clear()

    answers = post_all(app, [[row] for row in bundle.examples()["rows"]])

    assert {status for status, _ in answers} == {200}
    assert set(sizes) == {1}


def test_a_linear_model_is_judged_as_its_training_rows_show_even_if_it_has_one_example(linear_project, tmp_path):
    """Whether its scores depend on their company depends on the processor; on most, few do."""
    project = linear_project.copy_to(tmp_path / "copy")
    project.write("params.yaml", (project.folder / "params.yaml").read_text() + "package:\n  examples: 1\n")
    project.run("package")
    bundle = Bundle.load(linear_project.bundle)
    columns = columns_of_table(pd.read_parquet(linear_project.folder / "data/train.parquet"), bundle.contract)
    rows = range(len(columns["rooms"]))
    alone = np.concatenate(
        [bundle.scores({name: array[row : row + 1] for name, array in columns.items()}) for row in rows]
    )

    independent = np.array_equal(bundle.scores(columns), alone)

    assert scores_are_independent(bundle) == independent
    assert scores_are_independent(Bundle.load(project.bundle)) == independent
