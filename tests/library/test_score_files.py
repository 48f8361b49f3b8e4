"""`cd4ml score` on files as other programs write them, beside other files, and after a machine that stopped."""

from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cd4ml.batch import job
from test_score import error, folder, leftovers, rows, run, stop_after

__all__ = ["folder"]


def test_answers_and_rejected_rows_are_two_files_however_their_paths_are_written(folder, capsys):
    rows(10).to_parquet("rows.parquet")
    Path("other").mkdir()
    for rejects in ("./out.csv", "other/../out.csv", str(Path("out.csv").absolute())):
        message = error(capsys, "rows.parquet", "out.csv", "--rejects", rejects)
        assert message == "the answers and the rejected rows need two files; name another one with --rejects"
    assert not Path("out.csv").exists()


def test_a_column_of_categories_has_other_categories_in_each_group_of_rows(folder):
    table = rows(600)
    table["street"] = table["tag"] = [f"Street {number // 200}" for number in range(600)]
    table.loc[::50, "size"] = -1
    with pq.ParquetWriter("rows.parquet", pa.Table.from_pandas(categories(table[:200])).schema) as file:
        for start in range(0, 600, 200):
            file.write_table(pa.Table.from_pandas(categories(table[start : start + 200])))

    assert run("rows.parquet", "answers.parquet", "--keep", "tag", "--rejects", "bad.csv") == 0

    good = table[table["size"] >= 0]
    assert pd.read_parquet("answers.parquet")["tag"].tolist() == good["tag"].tolist()
    assert pd.read_csv("bad.csv")["street"].tolist() == table["street"][::50].tolist()


def categories(table):
    return table.assign(street=pd.Categorical(table["street"]), tag=pd.Categorical(table["tag"]))


def test_a_value_that_does_not_fit_into_the_type_of_all_files_is_one_line(folder, capsys):
    Path("in").mkdir()
    rows(10).assign(house_id=2**60 + np.arange(10)).to_parquet("in/a.parquet")
    rows(10).assign(house_id=np.arange(10.0)).to_parquet("in/b.parquet")

    message = error(capsys, "in", "answers.parquet")

    assert message.startswith("the column house_id does not fit into double, as which it is written: Integer value")
    assert message.endswith("give it the same type in all files, or do not keep it")


def test_bytes_that_are_no_text_cannot_be_kept_in_csv(folder, capsys):
    rows(10).assign(photo=b"\xff").to_parquet("rows.parquet")

    assert run("rows.parquet", "answers.parquet", "--keep", "photo") == 0
    assert error(capsys, "rows.parquet", "answers.csv", "--keep", "photo") == (
        "answers.csv cannot hold a value: Invalid UTF8 payload; write .parquet, or do not keep the columns of bytes"
    )


def test_text_as_polars_writes_it_is_text(folder):
    table = rows(100).assign(size=rows(100)["size"].astype(str), tag="ä")
    table.loc[3, "size"] = "-1"
    table.to_parquet("rows.parquet")
    table = pq.read_table("rows.parquet")
    for number, name in enumerate(table.column_names):
        if pa.types.is_large_string(table.schema.field(name).type):
            table = table.set_column(number, name, table[name].cast(pa.string_view()))
    pq.write_table(table, "views.parquet")
    assert pq.read_schema("views.parquet").field("street").type == pa.string_view()

    for name in ("rows", "views"):
        assert run(f"{name}.parquet", f"a-{name}.csv", "--keep", "tag,street", "--rejects", f"r-{name}.csv") == 0

    assert Path("a-views.csv").read_text() == Path("a-rows.csv").read_text()
    assert Path("r-views.csv").read_text() == Path("r-rows.csv").read_text()


def test_bytes_that_are_no_text_and_a_file_as_a_folder_are_one_line(folder, capsys):
    rows(10).assign(street=b"\xff").to_parquet("rows.parquet")

    assert error(capsys, "rows.parquet", "answers.parquet") == (
        "the column street cannot be read: Invalid UTF8 payload; write bytes as text in UTF-8"
    )
    for arguments in (["rows.parquet/a/b.csv"], ["a.csv", "--rejects", "rows.parquet/b.csv"]):
        assert "rows.parquet is a file and no folder; name another place" in error(capsys, "rows.parquet", *arguments)


def test_the_decimal_mark_is_that_of_the_first_file_with_rows(folder):
    Path("in").mkdir()
    table = rows(300)
    for name, part in (("a", table[:0]), ("b", table)):
        part.to_csv(f"in/{name}.csv", index=False, sep=";", decimal=",")
    table.to_parquet("rows.parquet")

    assert run("in", "from_csv.parquet") == 0
    assert run("rows.parquet", "answers.parquet") == 0

    assert pq.read_table("from_csv.parquet")["probability"].equals(pq.read_table("answers.parquet")["probability"])


@pytest.mark.parametrize("file", ["000000001.answers", "000000002.rejected", "run.json"])
def test_a_part_that_a_machine_has_not_written_whole_is_scored_again(folder, file, monkeypatch):
    monkeypatch.setattr(job, "PART_ROWS", 100)
    rows(500).to_parquet("rows.parquet")
    assert run("rows.parquet", "whole.parquet") == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 4)
        assert run("rows.parquet", "answers.parquet") == 130
    path = Path(".answers.parquet.parts", file)
    path.write_bytes(path.read_bytes()[:100])

    assert run("rows.parquet", "answers.parquet") == 0

    assert pq.read_table("answers.parquet").equals(pq.read_table("whole.parquet"))
    assert leftovers(folder) == []


@pytest.mark.slow
def test_objects_of_one_name_in_two_folders_of_a_bucket_are_two(folder, monkeypatch, capsys):
    from test_prediction_log_bucket import S3

    server = S3()
    server.start()
    try:
        for name, value in server.settings.items():
            monkeypatch.setenv(name, value)
        fsspec.filesystem("s3").clear_instance_cache()
        rows(10).assign(size=[-1.0, *range(1, 10)]).to_csv("rows.csv", index=False)
        targets = "s3://log/answers/today.csv", "s3://log/rejected/today.csv"

        assert run("rows.csv", targets[0], "--rejects", targets[1]) == 0

        assert [len(pd.read_csv(target)) for target in targets] == [9, 1]
        for glob in ("s3://log/answers/*.csv", targets[0]):
            assert "is one of the files that are read" in error(capsys, glob, targets[0])
    finally:
        server.stop()
