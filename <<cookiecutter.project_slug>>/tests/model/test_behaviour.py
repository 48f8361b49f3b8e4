"""Does the model behave, whatever the table? What is particular to yours goes into a file beside this one."""

import numpy as np

from << cookiecutter.__package >>.columns import rows_of_columns


def first(columns, rows):
    return {name: array[:rows] for name, array in columns.items()}


def test_every_held_out_row_gets_a_finite_answer(bundle, holdout):
    scores = bundle.scores(holdout)

    assert np.isfinite(scores).all()
    if bundle.decision.problem != "regression":
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
