"""The data keeps the contract, and training set and test set are what params.yaml asks for. True of any table."""

import math

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.training_profile import training_profile
from cd4ml.contract.row_key import ROW_KEY
from cd4ml.contract.split_rule import read_split_rule
from cd4ml.contract.table import columns_of_table, target_of_table, times_of_table
from cd4ml.contract.validation import violations

MOST_NULLS = 0.99  # of a column in the training set; a model learns nothing from fewer values
MOST_DRIFT = 0.30  # in a column's share of nulls, from the training set to the test set


def test_the_raw_table_keeps_the_contract(raw, contract):
    assert violations(raw, contract).to_dict("records") == []


def test_ids_are_unique(raw, contract):
    if contract.id is None:
        pytest.skip("the contract names no id")

    assert raw[contract.id].duplicated().sum() == 0


def test_the_rows_are_of_the_days_in_params_yaml(raw, contract, params):
    if contract.time is None:
        pytest.skip("the contract names no time")
    days = times_of_table(raw, contract).astype("datetime64[D]")
    last = np.datetime64(params.data.until) if params.data.until else days.max()

    assert days.max() <= last
    if params.data.window_days is not None:
        assert days.min() > last - np.timedelta64(params.data.window_days, "D")


def test_every_row_is_in_the_training_set_or_in_the_test_set(raw, train, holdout, contract):
    both = pd.concat([train, holdout])

    assert len(both) == len(raw)
    if contract.id is not None:
        assert set(both[contract.id]) == set(raw[contract.id])


def test_no_row_is_in_the_training_set_and_in_the_test_set(train, holdout, contract):
    if contract.id is not None:
        assert not set(train[contract.id]) & set(holdout[contract.id])
    elif contract.time is None:  # split by a hash of a row's values in the source: equal rows are on the same side
        assert not set(train[ROW_KEY]) & set(holdout[ROW_KEY])


def test_the_test_set_holds_the_rows_that_the_rule_says(raw, holdout, contract, params):
    in_test = read_split_rule(contract, params.split).in_test_set(raw)

    pd.testing.assert_frame_equal(raw[in_test].reset_index(drop=True), holdout)


def test_the_test_set_has_the_size_in_params_yaml(train, holdout, contract, params):
    if read_split_rule(contract, params.split).is_of_team:
        pytest.skip("split.py says which rows are in the test set")
    if contract.time is not None:
        train_days, test_days = (times_of_table(table, contract).astype("datetime64[D]") for table in (train, holdout))
        first = test_days.max() - np.timedelta64(params.split.holdout_days - 1, "D")
        assert train_days.max() < first <= test_days.min()
    else:
        rows, share = len(train) + len(holdout), params.split.holdout_share
        deviation = math.sqrt(share * (1 - share) / rows)  # of a binomial share
        assert len(holdout) / rows == pytest.approx(share, abs=5 * deviation)


def test_the_target_varies_in_both_sets(train, holdout, contract):
    assert train[contract.target.name].nunique() > 1
    assert holdout[contract.target.name].nunique() > 1


def test_no_column_is_empty_or_drifts_in_its_nulls(train, holdout, contract):
    def share_of_nulls(table):
        return table[list(contract.columns)].replace("", None).isna().mean()

    in_training, in_test = share_of_nulls(train), share_of_nulls(holdout)
    drift = (in_test - in_training).abs()

    assert in_training[in_training > MOST_NULLS].to_dict() == {}
    assert drift[drift > MOST_DRIFT].to_dict() == {}


def test_the_bundle_describes_this_training_set(train, bundle):
    contract = bundle.contract
    columns, target = columns_of_table(train, contract), target_of_table(train, contract)

    profile = {key: value for key, value in bundle.training_profile().items() if key != "scores"}  # of the test set
    assert profile == training_profile(columns, target, times_of_table(train, contract), contract)
