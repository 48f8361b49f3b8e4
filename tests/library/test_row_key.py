"""Without a time, a row stays on its side of the split: whatever other rows, types, and columns of the contract do."""

from collections.abc import Callable

import pandas as pd
import pytest
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
