"""Is the data what the contract says, and is the model judged on rows that it did not learn from?"""

import pandas as pd

from << cookiecutter.__package >>.pipeline.validate import violations


def test_the_raw_table_keeps_the_contract(raw, contract):
    assert violations(raw, contract).to_dict("records") == []


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
