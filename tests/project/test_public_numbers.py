"""Real tables with a number to predict are adopted without a question; their models are as good as plain ones."""

from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.project.public_table_checks import check, each_third_in_the_tier
from tests.public_tables import NUMBERS, PublicTable


@pytest.mark.parametrize("table", each_third_in_the_tier(NUMBERS))
def test_a_table_with_numbers_is_adopted_as_good_as_plain_scikit_learn(
    table: PublicTable, bake: Bake, tmp_path: Path
) -> None:
    check(table, bake(into=tmp_path))
