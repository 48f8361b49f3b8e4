"""The tables that the last run made; without one, these tests have nothing to look at."""

from pathlib import Path

import pandas as pd
import pytest
from cd4ml.bundle.bundle import Bundle
from cd4ml.contract.contract import Contract
from cd4ml.settings.params import Params
from cd4ml.settings.paths import BUNDLE, CONTRACT, HOLDOUT, PARAMS, RAW, TRAIN

ROOT = Path(__file__).parents[2]


def table(path: Path) -> pd.DataFrame:
    if not (ROOT / path).exists():
        pytest.skip(f"{path} is not here: run make train")
    return pd.read_parquet(ROOT / path)


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract.load(ROOT / CONTRACT)


@pytest.fixture(scope="session")
def raw() -> pd.DataFrame:
    return table(RAW)


@pytest.fixture(scope="session")
def train() -> pd.DataFrame:
    return table(TRAIN)


@pytest.fixture(scope="session")
def holdout() -> pd.DataFrame:
    return table(HOLDOUT)


@pytest.fixture(scope="session")
def params() -> Params:
    return Params.load(ROOT / PARAMS)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    if not (ROOT / BUNDLE).exists():
        pytest.skip(f"{BUNDLE} is not here: run make train")
    return Bundle.load(ROOT / BUNDLE)
