"""Is the data what the contract says, and is the model judged on rows that it did not learn from?"""

import math

import numpy as np
import pandas as pd
import pytest
from cd4ml.bundle.training_profile import training_profile
from cd4ml.contract.table import columns_of_table, target_of_table, times_of_table
from cd4ml.pipeline.validate import violations

MOST_NULLS = 0.99  # of a column: what is hardly ever there teaches nothing
MOST_DRIFT = 0.30  # in a column's share of nulls, between the rows to learn from and those held out


def test_the_raw_table_keeps_the_contract(raw, contract):
    assert violations(raw, contract).to_dict("records") == []


def test_an_id_names_one_row(raw, contract):
    if contract.id is None:
        pytest.skip("the contract names no id")
    assert raw[contract.id].duplicated().sum() == 0


def test_no_row_that_was_learnt_from_is_held_out(train, holdout, contract):
    if contract.id is not None:
        assert not set(train[contract.id]) & set(holdout[contract.id])
    elif contract.time is None:  # the same row twice must not be on both sides
        columns = list(contract.table_columns())
        assert train[columns].drop_duplicates().merge(holdout[columns].drop_duplicates(), on=columns).empty


def test_every_row_is_either_learnt_from_or_held_out(raw, train, holdout, contract):
    together = pd.concat([train, holdout])

    assert len(together) == len(raw)
    if contract.id is not None:
        assert set(together[contract.id]) == set(raw[contract.id])


def test_the_holdout_is_newer_than_what_was_learnt_from(train, holdout, contract):
    if contract.time is not None:
        assert train[contract.time].max() < holdout[contract.time].min()


def test_the_target_varies_in_both(train, holdout, contract):
    assert train[contract.target.name].nunique() > 1
    assert holdout[contract.target.name].nunique() > 1


def test_the_rows_are_of_the_days_that_params_yaml_asks_for(raw, contract, params):
    if contract.time is None:
        pytest.skip("the contract names no time")
    days = times_of_table(raw, contract).astype("datetime64[D]")
    if params.data.until is not None:
        assert days.max() <= np.datetime64(params.data.until)
    if params.data.window_days is not None:
        last = np.datetime64(params.data.until) if params.data.until else days.max()
        assert days.min() > last - np.timedelta64(params.data.window_days, "D")


def test_as_much_is_held_out_as_params_yaml_asks_for(train, holdout, contract, params):
    if contract.time is not None:
        learnt, held = (times_of_table(table, contract).astype("datetime64[D]") for table in (train, holdout))
        first = held.max() - np.timedelta64(params.split.holdout_days - 1, "D")
        assert learnt.max() < first <= held.min()
    else:
        rows, share = len(train) + len(holdout), params.split.holdout_share
        chance = math.sqrt(share * (1 - share) / rows)  # the standard deviation of a share that a hash picks
        assert len(holdout) / rows == pytest.approx(share, abs=5 * chance)


def test_nulls_are_as_common_among_the_rows_held_out(train, holdout, contract):
    def share_of_nulls(table):
        return table[list(contract.columns)].replace("", None).isna().mean()

    learnt, held = share_of_nulls(train), share_of_nulls(holdout)

    assert learnt[learnt > MOST_NULLS].to_dict() == {}
    assert (held - learnt)[(held - learnt).abs() > MOST_DRIFT].to_dict() == {}


def test_the_bundle_knows_the_rows_that_it_learnt_from(train, bundle):
    contract = bundle.contract
    columns, target = columns_of_table(train, contract), target_of_table(train, contract)

    assert bundle.reference() == training_profile(columns, target, times_of_table(train, contract), contract)
