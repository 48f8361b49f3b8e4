"""The data and the model that the last `make train` wrote. Tests that need them are skipped until there are some."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.columns import Columns, evenly_spaced_rows, rows_of_columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table
from cd4ml.settings import paths
from cd4ml.settings.params import Params

ROOT = Path(__file__).parents[1]


def trained(path: Path) -> Path:
    """Return a path in the project; skip the test if `make train` has not written it yet."""
    if not (ROOT / path).exists():
        pytest.skip(f"{path} does not exist; run make train")
    return ROOT / path


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract.load(ROOT / paths.CONTRACT)


@pytest.fixture(scope="session")
def params() -> Params:
    return Params.load(ROOT / paths.PARAMS)


@pytest.fixture(scope="session")
def raw() -> pd.DataFrame:
    """All rows that the source returned."""
    return pd.read_parquet(trained(paths.RAW))


@pytest.fixture(scope="session")
def train() -> pd.DataFrame:
    """The training set."""
    return pd.read_parquet(trained(paths.TRAIN))


@pytest.fixture(scope="session")
def holdout() -> pd.DataFrame:
    """The test set."""
    return pd.read_parquet(trained(paths.HOLDOUT))


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The model as it is released, with its features and its contract."""
    return Bundle.load(trained(paths.BUNDLE))


@pytest.fixture(scope="session")
def columns(holdout: pd.DataFrame, bundle: Bundle) -> Columns:
    """The test set as the model gets it: one NumPy array for each column of the contract."""
    return columns_of_table(holdout, bundle.contract)


@pytest.fixture(scope="session")
def rows(columns: Columns, bundle: Bundle) -> list[dict[str, Any]]:
    """A hundred rows of the test set, as a request contains them."""
    return rows_of_columns(evenly_spaced_rows(columns, 100), bundle.contract)
