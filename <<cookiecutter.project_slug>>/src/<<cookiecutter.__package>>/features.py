"""The features: what the model gets for each row, computed from the columns in contract.yaml.

The same function runs in training, in batch and in the service, since this file travels inside the bundle. It may
therefore import NumPy and the standard library, and nothing else. Each column is an array of shape `(rows,)`:

| type in contract.yaml | array           | null |
|-----------------------|-----------------|------|
| number, integer       | float32         | NaN  |
| boolean               | float32, 0 or 1 | NaN  |
| category              | str objects     | ""   |
| timestamp             | datetime64[us]  | NaT  |
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def derive(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the features by name, each of shape `(rows,)`: numbers, booleans, or str objects for categories.

    The features of a row must depend on that row alone, since the service predicts one row as well as many.
    """
    features = dict(columns)
    departure = features.pop("scheduled_departure")
    features["hour"] = hour_of_day(departure)
    features["weekday"] = weekday(departure)
    features["month"] = month(departure)
    return features


def hour_of_day(time: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Return the hours since midnight, to the minute: 17:45 is 17.75. NaN for NaT."""
    hours: NDArray[np.float64] = (time.astype("datetime64[m]") - time.astype("datetime64[D]")) / np.timedelta64(1, "h")
    return hours.astype(np.float32)


def weekday(time: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Return the day of the week, from 0 for Monday to 6 for Sunday. NaN for NaT."""
    monday = np.datetime64("1970-01-05")
    days: NDArray[np.float64] = (time.astype("datetime64[D]") - monday) / np.timedelta64(1, "D")
    return (days % 7).astype(np.float32)


def month(time: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Return the month, from 1 for January to 12 for December. NaN for NaT."""
    months: NDArray[np.float64] = (time.astype("datetime64[M]") - time.astype("datetime64[Y]")) / np.timedelta64(1, "M")
    return (months + 1).astype(np.float32)
