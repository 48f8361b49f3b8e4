"""`score_partition` gives the answers for a pandas table: what Dask, Ray and other programs call for each part."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from cd4ml.batch import score_partition
from cd4ml.batch.arrow_columns import TextFormat
from cd4ml.batch.scorer import Scorer
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.errors import BundleError, DataError
from house_project import TARGETS, houses


@pytest.mark.parametrize("task", TARGETS)
def test_parts_have_the_answers_of_the_whole(task, tiny_bundles, tmp_path):
    table = houses(500, seed=3).set_index(np.arange(500) * 10)
    table.to_parquet("rows.parquet")
    assert (
        main(["score", "rows.parquet", "answers.parquet", "--bundle", str(tiny_bundles[task]), "--workers", "1"]) == 0
    )

    parts = [score_partition(part, tiny_bundles[task]) for part in (table[:123], table[123:])]

    expected = pd.read_parquet("answers.parquet").set_index(table.index)
    pd.testing.assert_frame_equal(pd.concat(parts), expected)


def test_a_table_without_rows_has_the_types_of_the_answers(tiny_bundle):
    table = houses(10)

    answers, empty = score_partition(table, tiny_bundle, ["rooms"]), score_partition(table[:0], tiny_bundle, ["rooms"])

    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, answers.dtypes)
    assert list(empty) == ["house_id", "sold_on", "rooms", "prediction", "probability", "model_version"]


def test_rows_that_break_the_contract_are_an_error_with_their_table(tiny_bundle):
    with pytest.raises(DataError) as error:
        score_partition(houses(10).assign(size=-1.0), tiny_bundle)

    lines = str(error.value).splitlines()
    assert lines[0] == "the table: 1 rule violated in 10 rows; nothing was written"
    assert lines[2].split() == ["size", "at", "least", "0", "10", "0", "-1.0"]


def test_a_message_shows_no_value_of_a_sensitive_column(tiny_bundle):
    bundle = Bundle.load(tiny_bundle)
    columns = bundle.contract.columns
    hidden = columns | {"size": columns["size"].model_copy(update={"sensitive": True})}
    bundle.contract = bundle.contract.model_copy(update={"columns": hidden})
    table = pa.Table.from_pandas(houses(10).assign(size=-1.0, rooms=99)[[*columns]])

    violations = Scorer(bundle, (), TextFormat()).score(table).violations

    assert {each.column: each.examples for each in violations} == {"size": [], "rooms": ["99"]}


def test_what_cannot_be_scored_is_one_line(tiny_bundle, tmp_path):
    with pytest.raises(DataError, match=r"^the rows lack rooms, which the model's contract requires$"):
        score_partition(houses(10).drop(columns="rooms"), tiny_bundle)
    with pytest.raises(DataError, match=r"^the rows lack owner, which keep names$"):
        score_partition(houses(10), tiny_bundle, keep=["owner"])
    with pytest.raises(DataError, match=r"^values of more than one type in a column: .*column size"):
        score_partition(houses(10).assign(size=[1.0, "2", *[3.0] * 8]), tiny_bundle)
    with pytest.raises(BundleError, match=r"^no bundle in "):
        score_partition(houses(10), tmp_path / "nowhere")
