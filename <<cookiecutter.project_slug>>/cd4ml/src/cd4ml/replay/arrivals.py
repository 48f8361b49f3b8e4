"""What has arrived: the source as it was on a day, with the rows of the days before it, and their outcomes."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.table import write_table
from cd4ml.files.atomic import replacing
from cd4ml.replay.months import times_of
from cd4ml.settings import paths

ARRIVED = Path("data/arrived.parquet")


def rows_between(table: pd.DataFrame, contract: Contract, first: date, end: date) -> pd.DataFrame:
    """Return the rows from `first` on and before `end`."""
    times = times_of(table, contract)
    return table[(times >= np.datetime64(first)) & (times < np.datetime64(end))]


def arrive(table: pd.DataFrame, contract: Contract, today: date) -> None:
    """Write the scratch copy's source: the rows of the days before `today`, and nothing that came later."""
    write_table(rows_between(table, contract, date.min, today), ARRIVED)


def use_rows_until(last: date) -> None:
    """Make params.yaml read what has arrived, up to a day; everything else in it stays."""
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    yaml = YAML()
    yaml.preserve_quotes = True
    content = yaml.load(paths.PARAMS.read_text(encoding="utf-8"))
    content["data"].update(source=ARRIVED.as_posix(), query=None, until=DoubleQuotedScalarString(last.isoformat()))
    with replacing(paths.PARAMS) as temporary, temporary.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
