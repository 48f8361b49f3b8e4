"""What your model must do besides the gate's rules, which docs/gate.md lists. True of any table.

What people expect of your model in particular goes into a file beside this one, such as test_example_*.py.
"""

import numpy as np


def test_other_keys_do_not_matter(bundle, rows):
    more = [{"a note": "any", bundle.contract.id or "id": f"other-{number}", **row} for number, row in enumerate(rows)]

    np.testing.assert_array_equal(bundle.scores_of_rows(more), bundle.scores_of_rows(rows))


def test_a_null_and_an_absent_key_are_the_same(bundle, rows):
    without_nulls = [{name: value for name, value in row.items() if value is not None} for row in rows]

    np.testing.assert_array_equal(bundle.scores_of_rows(without_nulls), bundle.scores_of_rows(rows))
