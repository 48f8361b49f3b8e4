"""Real tables with classes are adopted without a question, and their models are as good as plain scikit-learn's."""

from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.project.public_table_checks import check, each_third_in_the_tier
from tests.public_tables import CLASSES, PublicTable


@pytest.mark.parametrize("table", each_third_in_the_tier(CLASSES))
def test_a_table_with_classes_is_adopted_as_good_as_plain_scikit_learn(
    table: PublicTable, bake: Bake, tmp_path: Path
) -> None:
    check(table, bake(into=tmp_path))
