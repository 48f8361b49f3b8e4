"""The bundle that the last run made; without one, these tests have nothing to ask."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Columns, evenly_spaced_rows, rows_of_columns
from cd4ml.contract.table import columns_of_table
from cd4ml.settings.paths import BUNDLE, HOLDOUT

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    if not (ROOT / BUNDLE).exists():
        pytest.skip(f"{BUNDLE} is not here: run make train")
    return Bundle.load(ROOT / BUNDLE)


@pytest.fixture(scope="session")
def holdout(bundle: Bundle) -> Columns:
    """The held-out rows, as the bundle's contract has them."""
    if not (ROOT / HOLDOUT).exists():
        pytest.skip(f"{HOLDOUT} is not here: run make train")
    return columns_of_table(pd.read_parquet(ROOT / HOLDOUT), bundle.contract)


@pytest.fixture(scope="session")
def some_rows(bundle: Bundle, holdout: Columns) -> list[dict[str, Any]]:
    """A hundred held-out rows, from the first to the last, as a request has them."""
    return rows_of_columns(evenly_spaced_rows(holdout, 100), bundle.contract)
