"""The verb `forget-id`, and what monitoring reads of a prediction log."""

import os
import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.errors import DataError
from cd4ml.prediction_log.read import read
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from logged_service import NO_BYTECODE, records
from starlette.testclient import TestClient

TODAY = datetime.now(UTC).date()


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def predict(bundle, log, *ids):
    """Let a service predict a row for each id, in a request for each, and write a file for each."""
    row = Bundle.load(bundle).contract.sample_row()
    app = create_app(bundle, ServiceSettings(prediction_log=str(log), prediction_log_flush="request"))
    with TestClient(app) as client:
        for identity in ids:
            rows = [row | ({"house_id": identity} if identity else {}), row | {"house_id": "another"}]
            assert client.post("/predict", json={"rows": rows}).status_code == 200


def test_all_records_of_an_id_are_removed_and_no_other(tiny_bundle, log, capsys):
    predict(tiny_bundle, log, "h-1", "h-2", "h-1", None, 7)
    before = {path: path.read_bytes() for path in log.rglob("*.parquet")}
    assert len(before) == 5

    assert main(["forget-id", "h-1", "--log", str(log)]) == 0

    assert capsys.readouterr().out == "  removed records of this id: 2, from 2 files\n"
    left = sorted(str(record["id"]) for record in records(log))
    assert left == ["7", "None", *["another"] * 5, "h-2"]
    assert sum(path.read_bytes() == content for path, content in before.items()) == 3
    assert main(["forget-id", "7", "--log", str(log)]) == 0
    assert "7" not in {record["id"] for record in records(log)}


def test_what_a_killed_process_left_in_a_folder_is_removed_after_an_hour(tiny_bundle, log):
    predict(tiny_bundle, log, "h-1")
    day = log / f"date={TODAY}"
    for name, age in ((".a.parquet.new-1", 7200), (".b.parquet.new-1", 60)):
        (day / name).write_bytes(b"PAR1")
        os.utime(day / name, (time.time() - age, time.time() - age))

    predict(tiny_bundle, log, "h-2")

    assert [path.name for path in day.glob(".*")] == [".b.parquet.new-1"]
    assert len(list(day.glob("*.parquet"))) == 2


def test_a_file_in_which_nothing_is_left_is_removed_and_an_id_that_is_not_there_is_no_failure(
    tiny_bundle, log, capsys, monkeypatch
):
    monkeypatch.setenv("PREDICTION_LOG", str(log))
    predict(tiny_bundle, log, "another")

    assert main(["forget-id", "another"]) == 0
    assert not list(log.rglob("*.parquet"))
    assert main(["forget-id", "another"]) == 0
    assert "no record of this id" in capsys.readouterr().out


def test_a_file_that_cannot_be_rewritten_stays_as_it_is(tiny_bundle, log):
    predict(tiny_bundle, log, "h-1")
    (file,) = log.rglob("*.parquet")
    before = file.read_bytes()

    done = subprocess.run(
        [sys.executable, "-m", "cd4ml", "forget-id", "h-1", "--log", str(log)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | NO_BYTECODE,
    )

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot be rewritten: OSError: [Errno 27] File too large; 0 files were; run this again" in done.stderr
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("stdout", "the platform keeps it"),
        ("", "no prediction log is named; name a folder, or the URL of a bucket, with --log"),
        ("nowhere/log", "there is no prediction log in nowhere/log"),
        ("ftp://host/log", 'PREDICTION_LOG is "ftp://host/log"'),
        ("az://container/log", "adlfs is not installed"),
    ],
)
def test_a_log_that_cannot_be_changed_is_one_line(place, message, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "adlfs", None)

    assert main(["forget-id", "h-1", "--log", place]) == 1

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "cannot be read: ArrowInvalid"), (b"PAR1", "cannot be read"), (None, "holds no records of predictions")],
    ids=["empty", "short", "another table"],
)
def test_a_file_that_is_no_part_of_the_log_is_one_line(tiny_bundle, log, capsys, content, message):
    predict(tiny_bundle, log, "h-1")
    other = next(log.glob("date=*")) / "zz.parquet"
    other.write_bytes(content) if content is not None else pq.write_table(pa.table({"x": [1]}), other)
    (log / "date=unknown").mkdir()

    assert main(["forget-id", "h-2", "--log", str(log)]) == 1

    assert message in capsys.readouterr().err
    with pytest.raises(DataError, match=message):
        read(str(log), TODAY, TODAY)
    other.unlink()
    assert main(["forget-id", "h-1", "--log", str(log)]) == 0
    assert "removed records of this id: 1, from 1 file" in capsys.readouterr().out


def test_the_files_of_a_day_are_not_in_memory_at_once(log):
    folder = log / "date=2026-01-01"
    folder.mkdir(parents=True)
    table = pa.table({"id": ["h-1"] * 4, "row": [os.urandom(1_000_000) for _ in range(4)]})

    def peak(files):
        for number in range(files):
            pq.write_table(table, folder / f"{number}.parquet")
        program = (
            "from cd4ml.cli import main; main(['forget-id', 'h-2', '--log', 'log'])\n"
            "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
        )
        printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        return int(printed.split()[-1]) / 1000  # megabytes

    one = peak(1)
    assert peak(80) - one < 240  # of 320, and of twice that with what they become


def test_records_of_models_with_other_columns_are_read_as_one_table(tiny_projects, tiny_bundle, log, tmp_path):
    project = tiny_projects["binary"].copy_to(tmp_path / "copy")
    project.replace("contract.yaml", "street: {type: category,", "street: {type: category, sensitive: true,")
    project.run("validate", "split", "train", "package")
    predict(tiny_bundle, log, "h-1")
    predict(project.bundle, log, "h-2")
    yesterday = log / f"date={TODAY - timedelta(days=1)}"
    yesterday.mkdir()
    (yesterday / ".unfinished.parquet.new-1").write_bytes(b"PAR1")

    table = read(str(log), TODAY - timedelta(days=2), TODAY)

    assert table.num_rows == 4
    assert {"time", "kind", "row.size", "row.street", "row.built"} <= set(table.column_names)
    assert len(set(table["version"].to_pylist())) == 2
    assert read(str(log), date(2000, 1, 1), date(2000, 1, 31)).num_rows == 0


def test_models_of_different_tasks_are_one_line(tiny_bundles, log):
    predict(tiny_bundles["binary"], log, "h-1")
    predict(tiny_bundles["multiclass"], log, "h-1")

    with pytest.raises(DataError, match="records do not fit together"):
        read(str(log), TODAY, TODAY)


def test_the_files_have_the_types_of_the_contract(tiny_bundle, log):
    predict(tiny_bundle, log, None)

    (file,) = log.rglob("*.parquet")
    schema = {field.name: str(field.type) for field in pq.ParquetFile(file).schema_arrow}

    assert schema["time"] == "timestamp[us, tz=UTC]"
    assert schema["id"] == "string"
    assert schema["prediction"] == "bool"
    assert schema["row"].replace("not null", "").replace(" ", "") == (
        "struct<size:float,rooms:int32,heated:bool,district:string,street:string,built:timestamp[us]>"
    )
