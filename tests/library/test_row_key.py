"""Without a time, a row stays on its side of the split: whatever other rows, types, and columns of the contract do."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from cd4ml.contract.row_key import row_keys
from cd4ml.settings import paths
from house_project import Project

Split = Callable[..., tuple[set[float], set[float]]]
ROWS = "size,rooms,price\n" + "".join(f"{n},{n % 5},{n * 3}\n" for n in range(1, 501))
WITH_ID = "key,size,price\n" + "".join(f"{n},{n},{n * 3}\n" for n in range(1, 501))
SIZE = "  size: {type: number}\n"


@pytest.fixture
def split(project: Project) -> Split:
    """`split(rows, columns, identity)`: the sizes in the training set, and in the test set."""

    def run(rows: str, columns: str = SIZE, identity: str = "") -> tuple[set[float], set[float]]:
        project.write("rows.csv", rows)
        project.write("params.yaml", "data:\n  source: rows.csv\n")
        project.write(
            paths.CONTRACT.name, f"name: x\n{identity}target: {{name: price, type: number}}\ncolumns:\n{columns}"
        )
        project.run("ingest", "validate", "split")
        train, test = (pd.read_parquet(project.folder / path) for path in (paths.TRAIN, paths.HOLDOUT))
        return set(train["size"]), set(test["size"])

    return run


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (ROWS + "3001,2,9\n", SIZE),
        (ROWS + "3001,,9\n", SIZE),
        (ROWS + "3001,2,4.5\n", SIZE),
        (ROWS, SIZE + "  rooms: {type: integer}\n"),
        (ROWS, SIZE + "  rooms: {type: category, nullable: true}\n"),
        (ROWS.replace(",0,", ",0.0,").replace(",1,", ",1.0,"), SIZE),
        ("\n".join(line + ",since" * (n == 0) + "," * (n > 0) for n, line in enumerate(ROWS.splitlines())), SIZE),
    ],
    ids=["a row", "a blank", "a fraction", "a column", "a nullable column", "floats", "a new column, null so far"],
)
def test_a_row_stays_on_its_side(split: Split, rows: str, columns: str) -> None:
    train, test = split(ROWS)

    later_train, later_test = split(rows, columns)

    assert 50 < len(test) < 150
    assert train <= later_train
    assert test <= later_test


def test_an_id_alone_decides(split: Split) -> None:
    train, test = split(WITH_ID, identity="id: key\n")

    changed = WITH_ID.replace(",3\n", ",4\n") + "A3001,3001,9\n"
    later_train, later_test = split(changed, identity="id: key\n")

    assert train <= later_train
    assert test <= later_test


NULL, SEVEN, A_TENTH, TRUE = "e4a6a0577479b2b4", "4f8027f411fc75a3", "392a9f0d1b0dd925", "18b6fd384d3cb4af"


@pytest.mark.parametrize(
    ("kind", "values", "keys"),
    [
        ("float64", [7.0, 0.1, None, -0.0, 1e22], [SEVEN, A_TENTH, NULL, "3846376b7553909c", "da75d2bf6ad588f0"]),
        ("float64", [1e-7, float("inf")], ["c3780308e21dedcd", "096a7aaf56bb8d19"]),
        ("float32", [7.0, 0.1, None], [SEVEN, "4c5077bd088db339", NULL]),
        ("Float64", [7.0, 0.1, None], [SEVEN, A_TENTH, NULL]),
        ("int64", [7, -5], [SEVEN, "1ed2077cd508a347"]),
        ("Int64", [7, 2**62, None], [SEVEN, "3f602b781ebd1485", NULL]),
        ("boolean", [True, False, None], [TRUE, "044de5f80d7d475e", NULL]),
        ("str", ["7", "7.0", "0.1", "true", "", None], [SEVEN, SEVEN, A_TENTH, TRUE, "317d660184340871", NULL]),
        ("str", ["+7.00", "007", "é"], ["80e21c2101a31b50", "585797d7c2ddf0de", "3454d5b7e5eabb4b"]),
        ("object", ["7.0", 7, 7.0, True, None], [SEVEN, SEVEN, SEVEN, TRUE, NULL]),
        ("object", [dt.date(2024, 1, 31)], ["c43fa1d60fc32504"]),
        ("datetime64[us]", [dt.datetime(2024, 1, 31), None], ["57f48e89609d1399", NULL]),
        ("datetime64[us, UTC]", [dt.datetime(2024, 1, 31, tzinfo=dt.UTC)], ["ab70c47154cda660"]),
    ],
)
def test_keys_are_the_same_in_every_version(kind: str, values: list[Any], keys: list[str]) -> None:
    rows = pd.DataFrame({"v": pd.Series(values, dtype=kind)})

    assert row_keys(rows, identity="v").tolist() == keys
    assert row_keys(rows, identity=None).tolist() == keys


def test_the_key_of_a_row_without_an_id_is_the_same_in_every_version() -> None:
    rows = pd.DataFrame({"size": [1.5, 2.0, None], "rooms": [3, None, 5], "street": ["High Street", "7.0", None]})

    assert row_keys(rows, identity=None).tolist() == ["8cfe4c363cba23e2", "1fcd80e6d4a1f8ce", "e8dc18b133313dd0"]
