"""A Dask cluster of two processes gives the answers of `cd4ml score`, as docs/batch.md describes it."""

import os

import pandas as pd
import pytest
from cd4ml.batch import score_partition
from cd4ml.cli import main
from house_project import houses

pytestmark = pytest.mark.slow


def process_of(frame):
    return pd.Series([os.getpid()] * len(frame), dtype="int64")


def test_a_cluster_of_two_processes_gives_the_same_answers(tiny_bundle, monkeypatch):
    dataframe = pytest.importorskip("dask.dataframe")
    from dask.distributed import Client, LocalCluster

    for number in range(4):
        houses(300, seed=number).to_parquet(f"rows-{number}.parquet")
    assert main(["score", "rows-*.parquet", "answers.parquet", "--bundle", str(tiny_bundle), "--workers", "1"]) == 0
    loopback = {"host": "127.0.0.1", "dashboard_address": None}

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **loopback) as cluster, Client(cluster):
        table = dataframe.read_parquet("rows-*.parquet")
        answers = table.map_partitions(
            score_partition, str(tiny_bundle), meta=score_partition(table.head(0), tiny_bundle)
        )
        answers.to_parquet("answers")
        processes = {*table.map_partitions(process_of, meta=("process", "int64")).compute()}

    assert table.npartitions == 4
    assert os.getpid() not in processes
    written = dataframe.read_parquet("answers").compute().reset_index(drop=True)
    expected = pd.read_parquet("answers.parquet")
    assert written["house_id"].tolist() == expected["house_id"].tolist()
    for name in ("prediction", "probability"):
        assert written[name].tolist() == expected[name].tolist()
    assert set(written["model_version"]) == set(expected["model_version"])
