"""Does the model behave, whatever the table? What is particular to yours goes into a file beside this one."""

import numpy as np
from cd4ml.contract.columns import rows_of_columns


def first(columns, rows):
    return {name: array[:rows] for name, array in columns.items()}


def test_every_held_out_row_gets_a_finite_answer(bundle, holdout):
    scores = bundle.scores(holdout)

    assert np.isfinite(scores).all()
    if bundle.decision.task != "regression":
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_a_row_is_answered_the_same_alone_and_among_others(bundle, holdout):
    some = first(holdout, 50)
    together = bundle.scores(some)

    alone = [bundle.scores_of_rows([row])[0] for row in rows_of_columns(some, bundle.contract)]

    np.testing.assert_allclose(alone, together, rtol=1e-6)


def test_the_order_of_rows_does_not_matter(bundle, holdout):
    backwards = {name: array[::-1] for name, array in holdout.items()}

    np.testing.assert_array_equal(bundle.scores(backwards)[::-1], bundle.scores(holdout))


def test_a_row_of_nulls_where_they_are_allowed_is_answered(bundle):
    row = bundle.contract.sample_row()
    nulls = {name: None if bundle.contract.columns[name].nullable else value for name, value in row.items()}

    assert np.isfinite(bundle.scores_of_rows([nulls])).all()


def test_answers_are_not_all_the_same(bundle, holdout):
    assert len(np.unique(bundle.scores(holdout), axis=0)) > 10


# What is irrelevant, whatever the table: an answer that moved with it would be a fault of the code, not of the data.


def test_the_order_of_a_rows_keys_does_not_matter(bundle, some_rows):
    backwards = [dict(reversed(row.items())) for row in some_rows]

    np.testing.assert_array_equal(bundle.scores_of_rows(backwards), bundle.scores_of_rows(some_rows))


def test_what_the_contract_does_not_name_does_not_matter(bundle, some_rows):
    named = [{"a note": "any", bundle.contract.id or "id": f"other-{n}", **row} for n, row in enumerate(some_rows)]

    np.testing.assert_array_equal(bundle.scores_of_rows(named), bundle.scores_of_rows(some_rows))


def test_a_null_and_an_absent_key_are_the_same(bundle, some_rows):
    short = [{name: value for name, value in row.items() if value is not None} for row in some_rows]

    np.testing.assert_array_equal(bundle.scores_of_rows(short), bundle.scores_of_rows(some_rows))


def test_the_same_row_gets_the_same_answer_each_time(bundle, some_rows):
    twice = bundle.scores_of_rows([some_rows[0], *some_rows, some_rows[0]])

    np.testing.assert_array_equal(twice[0], twice[-1])
    np.testing.assert_array_equal(twice[:-1], bundle.scores_of_rows([some_rows[0], *some_rows]))
