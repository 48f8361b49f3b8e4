"""A prediction log as the service writes it, of rows that a bundle answered on given days."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Columns
from cd4ml.contract.table import as_strings, columns_of_table
from cd4ml.prediction_log.parquet import as_files
from cd4ml.prediction_log.record import Entry, Layout
from cd4ml.serving.answer import Answer
from house_project import houses

ROWS_A_DAY = 60
FIRST, LAST = "2024-07-01", "2024-08-04"  # five weeks
NOON = np.timedelta64(12, "h")

Damage = Callable[[Columns], None]


def new_houses(seed: int = 5) -> pd.DataFrame:
    """Return the houses of five weeks after those that the model was trained on."""
    days = np.arange(FIRST, np.datetime64(LAST) + 1, dtype="datetime64[D]")
    table = houses(rows=len(days) * ROWS_A_DAY, seed=seed)
    ids = [f"new-{number}" for number in range(len(table))]
    return table.assign(house_id=ids, sold_on=pd.Series(np.repeat(days, ROWS_A_DAY)).astype("datetime64[us]"))


def write_log(
    folder: Path,
    bundle: Bundle,
    table: pd.DataFrame,
    damage: Damage | None = None,
    kind: str = "user",
    hours: int = 12,
    model: str = "houses",
) -> None:
    """Answer each row on the day that it was sold, and write what the service would have logged.

    Args:
        folder: of the log.
        bundle: that answers.
        table: the rows.
        damage: changes the columns of the requests in place.
        kind: of the requests.
        hours: after midnight, when each is answered.
        model: the name that the records have.
    """
    layout = replace(Layout.of(bundle), model=model)
    for day, rows in table.groupby("sold_on"):
        columns = columns_of_table(rows, bundle.contract)
        if damage:
            damage(columns)
        scores = bundle.scores(columns)
        answer = Answer(
            columns,
            as_strings(rows["house_id"]).tolist(),
            bundle.decision.predictions(scores),
            bundle.decision.probabilities(scores),
        )
        time = np.datetime64(day, "ns") + np.timedelta64(hours, "h")
        for name, content in as_files([Entry(int(time.astype(np.int64)), f"request-{day}", kind, answer)], layout):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
