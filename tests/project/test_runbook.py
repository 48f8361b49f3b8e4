"""The runbook's commands for labels, alarms, the service and its keys do what the page says, in a real project."""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.table import columns_of_table
from cd4ml.prediction_log.parquet import as_files
from cd4ml.prediction_log.record import Entry, Layout
from cd4ml.serving.answer import Answer
from cd4ml.settings.params import DataParams
from cd4ml.source.contract_values import contract_values
from cd4ml.source.read import read_source

from tests.delivery.stand_ins.script import owner
from tests.delivery.world import keep_at
from tests.project.baked import Project, free_port
from tests.project.test_service import get
from tests.runbook import blocks, pages

MARCH = "data/source/2013-03.parquet"
WIDE = {  # limits for the model of two months and few trees: that the gate judges is shown elsewhere
    "floor: {roc_auc: 0.6}": "floor: {roc_auc: 0.5}",
    "max_regression: 0.005": "max_regression: 0.5",
    "smallest_loss: 0.03 ": "smallest_loss: null ",
    "max_slice_regression: 0.05": "max_slice_regression: 0.5",
    "max_calibration_error: 0.1 ": "max_calibration_error: 0.5 ",
}


@dataclass(frozen=True)
class Operator:
    """Somebody who pastes the page's commands into a shell, in the project's folder."""

    project: Project
    settings: dict[str, str]

    def block(self, section: str, number: int) -> str:
        return blocks(pages(self.project.folder)["cd4ml/docs/runbook.md"])[section][number]

    def paste(self, section: str, number: int, replace: dict[str, str] | None = None) -> str:
        """Run a block as a whole; return what it printed. Its service is asked at the port of `replace`."""
        return self.run(self.block(section, number), replace)

    def run(self, text: str, replace: dict[str, str] | None = None) -> str:
        return self.project.run("bash", "-euc", self.read(text, replace), settings=self.environment).stdout

    def read(self, text: str, replace: dict[str, str] | None) -> str:
        for old, new in (replace or {}).items():
            assert old in text
            text = text.replace(old, new)
        return text.replace("uv run cd4ml", "cd4ml")

    @property
    def environment(self) -> dict[str, str]:
        return self.settings | {"PATH": f"{self.project.folder}/.venv/bin{os.pathsep}{self.settings['PATH']}"}

    @contextmanager
    def started(self, line: str, replace: dict[str, str], log: Path) -> Iterator[str]:
        """Start a line that serves, at a free port, until the block ends; yield the port."""
        port = str(free_port())
        settings = " ".join(f"{name}={value!r}" for name, value in (self.environment | {"PORT": port}).items())
        process = self.project.start("bash", "-c", f"export {settings}\n{self.read(line, replace)}", log=log)
        until = time.monotonic() + 60
        try:
            while True:
                try:
                    get(f"http://127.0.0.1:{port}/health/ready")
                    break
                except OSError:
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < until, log.read_text()
                    time.sleep(0.1)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


@pytest.fixture
def operator(small: Project, tmp_path: Path) -> Operator:
    return Operator(small, owner(tmp_path, os.environ["PATH"]))


def new_key(operator: Operator, line: str) -> tuple[str, str]:
    """Return a key, and its hash as SERVICE_API_KEYS takes it, without `sha256:`."""
    printed = operator.run(line)
    found = re.fullmatch(r"key +(\S+) +.*\nhash +sha256:(\w+) +.*\n", printed)
    assert found, printed
    return found[1], found[2]


def test_a_key_is_replaced_while_callers_have_one_that_works(operator: Operator, tmp_path: Path) -> None:
    assert shutil.which("curl")
    make, both, alone = operator.block("A key leaked", 3).splitlines()
    (leaked, old), (key, new) = new_key(operator, make), new_key(operator, make)

    def status(given: str, port: str) -> str:
        return operator.paste("A key leaked", 4, {"Bearer OLD": f"Bearer {given}", ":8000": f":{port}"}).strip()

    with operator.started(both, {"NEW": new, "OLD": old}, tmp_path / "both") as port:
        assert (status(leaked, port), status(key, port), status("another", port)) == ("200", "200", "401")
    with operator.started(alone, {"NEW": new}, tmp_path / "alone") as port:
        assert (status(leaked, port), status(key, port)) == ("401", "200")
        operator.settings["SERVICE_API_KEY"] = key
        asked = operator.paste("The service answers 503", 0, {":8000": f":{port}"})
    assert asked.startswith("HTTP/1.1 200 OK")
    assert 'http_requests_total{path="/metrics",status="401"} 1' in asked


def test_the_oldest_days_of_a_log_in_a_folder_are_removed(operator: Operator) -> None:
    days = [operator.project.folder / f"predictions/date=2024-{day}" for day in ("01-30", "01-31", "02-01")]
    for day in days:
        day.mkdir(parents=True)
        (day / "120000-one.parquet").write_bytes(b"rows")

    operator.paste("The prediction log is not written", 3)

    assert [day.exists() for day in days] == [False, False, True]


@pytest.fixture
def live(operator: Operator, tmp_path: Path) -> Operator:
    """The same with a remote for git and one for DVC, and a log of March, answered during the last two weeks."""
    project = operator.project
    keep_at(project, str(tmp_path / "remote"))
    for limit, wide in WIDE.items():
        project.replace("params.yaml", limit, wide)
    (project.folder / "tests/model/test_example_flights.py").unlink()  # it is about a model with all of its trees
    project.commit("keep objects in a folder")
    project.make("push")
    project.run("git", "clone", "--quiet", "--bare", ".", str(tmp_path / "origin.git"))
    project.run("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    project.run("git", "fetch", "--quiet", "origin")
    project.run("git", "branch", "--set-upstream-to", "origin/main")
    write_log(project, tmp_path / "predictions")
    return operator


def write_log(project: Project, folder: Path) -> None:
    """Write what a service would have logged that was asked about the rows of March, some on each of the last days."""
    bundle = Bundle.load(project.folder / "models/bundle")
    data = DataParams(source=str(project.folder / MARCH))
    rows = contract_values(read_source(data), bundle.contract, data)
    layout, today = Layout.of(bundle), datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    for number, numbers in enumerate(np.array_split(np.arange(len(rows)), 14)):
        part = rows.iloc[numbers]
        columns = columns_of_table(part, bundle.contract)
        scores = bundle.scores(columns)
        ids: list[str | int | None] = [str(name) for name in part["flight_id"]]
        answer = Answer(columns, ids, bundle.decision.predictions(scores), bundle.decision.probabilities(scores))
        time = int((today - timedelta(days=number + 1)).timestamp()) * 1_000_000_000
        for name, content in as_files([Entry(time, f"request-{number}", "user", answer)], layout):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def test_an_alarm_is_looked_at_and_a_model_trained(live: Operator, tmp_path: Path) -> None:
    section, log = "Monitoring alarms", {"gs://my-bucket/production": str(tmp_path / "predictions")}
    shutil.rmtree(live.project.folder / "models")

    looked = live.paste(section, 0, log)
    assert "the same as what is live" in looked
    assert re.search(r"^ +(page|fine) +loss +roc_auc is ", looked, re.MULTILINE), looked

    live.paste(section, 1)
    assert "queued  ct" in live.run("gh run list --workflow ct")
    before = live.project.digest
    trained = live.paste(section, 2)
    assert " passed" in trained
    assert live.project.digest != before


def test_labels_that_broke_are_found_left_out_and_read_again(live: Operator, tmp_path: Path) -> None:
    section, log = "Labels are broken", {"gs://my-bucket/production": str(tmp_path / "predictions")}
    project = live.project
    rows = pd.read_parquet(project.folder / MARCH)
    unknown_ids = "has an id that is among those of the source's"
    assert unknown_ids not in " ".join(live.paste(section, 1, log).split())
    rows.assign(flight_id="renamed-" + rows["flight_id"].astype(str)).to_parquet(project.folder / MARCH)

    live.paste(section, 0)
    broken = live.paste(section, 1, log)
    assert unknown_ids in " ".join(broken.split())
    assert re.search(r"[\d,]+ new rows of the source keep the contract", broken)

    live.paste(section, 2, {"2024-01-31": "2013-02-20"})
    assert 'until: "2013-02-20"' in (project.folder / "params.yaml").read_text(encoding="utf-8")
    assert project.read_json("models/bundle/bundle.json")["until"] == "2013-02-20"

    rows.to_parquet(project.folder / MARCH)
    live.paste(section, 3)
    assert project.read_json("models/bundle/bundle.json")["until"] == "2013-12-31"
    assert '"name": "CT_EVERY", "value": "week"' in live.run("gh variable list")
