"""The model predicts every row, and its predictions depend on the values of that row only. True of any table.

What people expect of your model in particular goes into a file beside this one, such as test_example_*.py.
"""

import numpy as np
from cd4ml.contract.columns import evenly_spaced_rows


def test_every_row_of_the_test_set_gets_finite_scores(bundle, columns):
    scores = bundle.scores(columns)

    assert np.isfinite(scores).all()
    if bundle.decision.task != "regression":
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_predictions_differ(bundle, columns):
    assert len(np.unique(bundle.scores(columns), axis=0)) > 10


def test_a_row_with_every_null_that_is_allowed_gets_finite_scores(bundle):
    row = bundle.contract.sample_row()
    nulls = {name: None if bundle.contract.columns[name].nullable else value for name, value in row.items()}

    assert np.isfinite(bundle.scores_of_rows([nulls])).all()


def test_a_row_gets_the_same_scores_alone_and_among_others(bundle, columns, rows):
    together = bundle.scores(evenly_spaced_rows(columns, 100))

    alone = [bundle.scores_of_rows([row])[0] for row in rows]

    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-6)


def test_the_order_of_rows_does_not_matter(bundle, columns):
    backwards = {name: array[::-1] for name, array in columns.items()}

    np.testing.assert_array_equal(bundle.scores(backwards)[::-1], bundle.scores(columns))


def test_the_order_of_keys_does_not_matter(bundle, rows):
    backwards = [dict(reversed(row.items())) for row in rows]

    np.testing.assert_array_equal(bundle.scores_of_rows(backwards), bundle.scores_of_rows(rows))


def test_other_keys_do_not_matter(bundle, rows):
    more = [{"a note": "any", bundle.contract.id or "id": f"other-{number}", **row} for number, row in enumerate(rows)]

    np.testing.assert_array_equal(bundle.scores_of_rows(more), bundle.scores_of_rows(rows))


def test_a_null_and_an_absent_key_are_the_same(bundle, rows):
    without_nulls = [{name: value for name, value in row.items() if value is not None} for row in rows]

    np.testing.assert_array_equal(bundle.scores_of_rows(without_nulls), bundle.scores_of_rows(rows))


def test_the_same_row_gets_the_same_scores_every_time(bundle, rows):
    first, *_, last = bundle.scores_of_rows([rows[0], *rows, rows[0]])

    np.testing.assert_array_equal(first, last)
    np.testing.assert_array_equal(bundle.scores_of_rows(rows), bundle.scores_of_rows(rows))
