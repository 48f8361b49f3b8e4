"""Categories of a column with more of them than the training profile names: renamed ones are found all the same."""

import numpy as np
import pytest
from cd4ml.contract.column import Column
from cd4ml.monitoring.findings import check_columns
from cd4ml.monitoring.served import ColumnCounter, ColumnCounts, Served
from cd4ml.settings.monitor_params import MonitorParams

AIRPORTS = np.array([f"airport-{number}" for number in range(60)], dtype=object)
LISTED = {str(name): 0.019 for name in AIRPORTS[:50]}
PROFILE = {"nulls": 0.0, "values": 60, "shares": LISTED, "rest": 0.05}


def judged(values: np.ndarray) -> list[tuple[str, str]]:
    counts = ColumnCounts()
    ColumnCounter(Column(type="category"), PROFILE).add(counts, values)
    served = Served(rows=len(values), columns={"airport": counts})
    return [(each.level, each.sentence) for each in check_columns(served, {"airport": PROFILE}, MonitorParams())]


def flights(rare: float) -> np.ndarray:
    generator = np.random.default_rng(0)
    is_rare = generator.random(2_000) < rare
    return np.where(
        is_rare, AIRPORTS[50:][generator.integers(0, 10, 2_000)], AIRPORTS[generator.integers(0, 50, 2_000)]
    )


def test_rare_categories_that_are_not_on_record_are_no_reason_to_alarm():
    assert judged(flights(0.06)) == [("fine", "Nulls, categories and ranges are as in the training set.")]


@pytest.mark.parametrize("share", [0.15, 1.0])
def test_renamed_ones_are_found_although_not_all_names_are_on_record(share):
    values = flights(0.05)
    renamed = np.random.default_rng(1).random(len(values)) < share
    values[renamed] = [f"{name} airport" for name in values[renamed]]

    ((level, sentence),) = judged(values)

    assert level == "page"
    assert sentence.endswith("none of the training set's most frequent ones, where 5.0 % had.")
