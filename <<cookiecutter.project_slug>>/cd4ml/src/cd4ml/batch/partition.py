"""Score a pandas table in one call: for Dask, Ray and other programs that divide a table by themselves."""

import functools
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from cd4ml.batch.arrow_columns import TextFormat
from cd4ml.batch.scorer import Scorer, joined_violations, violations_message
from cd4ml.bundle.bundle import Bundle
from cd4ml.errors import DataError


def score_partition(frame: pd.DataFrame, bundle_folder: str | Path, keep: Sequence[str] = ()) -> pd.DataFrame:
    """Return the answers for the rows of a table, one for each row, with the table's index.

    The bundle is loaded once in each process. A table without rows gives a table without rows, whose columns have the
    types of the answers: Dask takes it as `meta`.

    Args:
        frame: the rows, with the contract's columns; those that are nullable may be missing, others are ignored.
        bundle_folder: a folder that every process can read.
        keep: columns to keep besides the id and the time of the contract, as far as the table has these.

    Raises:
        BundleError: the folder holds no bundle.
        DataError: rows break the contract, the model predicts NaN or infinity for them, or a column is missing; the
            message counts rows from 0 in this table.
    """
    bundle = _bundle(str(bundle_folder))
    contract = bundle.contract
    kept = [name for name in dict.fromkeys((contract.id, contract.time, *keep)) if name is not None]
    kept = [name for name in kept if name in frame or name in keep]
    if missing := [name for name in kept if name not in frame]:
        raise DataError(f"the rows lack {', '.join(missing)}, which keep names")
    wanted = [name for name in frame if name in contract.columns]
    try:
        table = pa.Table.from_pandas(frame[wanted], preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as mixed:
        raise DataError(f"values of more than one type in a column: {'; '.join(map(str, mixed.args))}") from None
    scored = Scorer(bundle, (), TextFormat()).score(table)
    if scored.violations:
        violations = joined_violations(scored.violations)
        raise DataError(
            violations_message("the table", violations, len(frame), "next: fix the rows, or leave them out")
        )
    answers: pd.DataFrame = scored.answers.to_pandas().set_axis(frame.index)
    return pd.concat([frame[kept], answers], axis="columns")


@functools.lru_cache(maxsize=4)
def _bundle(folder: str) -> Bundle:
    return Bundle.load(Path(folder))
