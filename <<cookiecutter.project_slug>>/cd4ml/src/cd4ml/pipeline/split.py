"""Split the table into a training set and a test set."""

import json

import pandas as pd

from cd4ml.contract.contract import Contract
from cd4ml.contract.receipt import receipt_digests
from cd4ml.contract.split_rule import SplitRule, read_split_rule
from cd4ml.contract.table import read_table, write_table
from cd4ml.errors import DataError
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.terminal.output import report


def split(table: pd.DataFrame, rule: SplitRule) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `(train, test)`.

    If the team has no split.py and the contract names a time column, the test set is the newest `holdout_days` whole
    days. Else the hash of each row's id, or of its values in the source, decides: a row of the test set stays in it as
    the table grows, and whatever is added to the contract.

    Raises:
        SplitError: the team's split.py fails, or does not say which rows are in the test set.
        DataError: one of both would have fewer than `minimum_rows` rows.
    """
    in_test, fewest = rule.in_test_set(table), rule.params.minimum_rows
    train, test = table[~in_test].reset_index(drop=True), table[in_test].reset_index(drop=True)
    for name, rows in (("training", train), ("test", test)):
        if len(rows) < fewest:
            raise DataError(
                f"the {name} set has only {len(rows):,} of {len(table):,} rows, fewer than split.minimum_rows "
                f"({fewest:,}); change {rule.setting} or split.minimum_rows in params.yaml, or add data"
            )
    return train, test


def run() -> None:
    """Write data/train.parquet and data/holdout.parquet."""
    contract = Contract.load(paths.CONTRACT)
    raw = read_table(paths.RAW)
    _check_validated(contract)
    rule = read_split_rule(contract, Params.load().split)
    train, test = split(raw, rule)
    write_table(train, paths.TRAIN)
    write_table(test, paths.HOLDOUT)
    report(f"training set: {len(train):,} rows; test set: {len(test):,} rows, {_choice(test, rule)}")


def _check_validated(contract: Contract) -> None:
    """Check that the stage validate found that the rows keep the contract.

    Raises:
        DataError: it was not run, or with other rows or another contract.
    """
    receipt = json.loads(paths.VALIDATED.read_bytes())
    if any(receipt.get(key) != digest for key, digest in receipt_digests(contract).items()):
        raise DataError(
            f"{paths.VALIDATED} is of other rows than {paths.RAW}, or of another contract: run the stage validate first"
        )


def _choice(test: pd.DataFrame, rule: SplitRule) -> str:
    if rule.is_of_team:
        return f"chosen by {rule.setting}"
    if rule.contract.time is None:
        return "chosen by a hash"
    first, last = test[rule.contract.time].min(), test[rule.contract.time].max()
    return f"from {pd.Timestamp(first):%d %b %Y} to {pd.Timestamp(last):%d %b %Y}"
