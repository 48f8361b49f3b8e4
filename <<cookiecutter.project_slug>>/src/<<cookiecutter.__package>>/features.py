"""From the contract's columns to what the model sees: yours to edit.

The same function runs in training, in batch and in the service, where it travels inside the bundle; so it may import
NumPy and the standard library, nothing else. Columns come in as the contract has them: numbers are float32 with
NaN for a null, categories are str objects with "" for a null, timestamps are datetime64[us] with NaT for a null.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def derive(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the features by name, each of shape `(rows,)`: numbers, booleans, or str objects for categories.

    Each row's features must depend on that row alone, since the service is asked for one row as well as for many.
    """
    features = dict(columns)
    departure = features.pop("scheduled_departure")
    features["hour"] = hours_since_midnight(departure)
    features["weekday"] = weekday(departure)
    features["month"] = month(departure)
    return features


def hours_since_midnight(when: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Return the time of day, in hours from 0 to 24, to the minute: seconds mean nothing here; NaN for NaT."""
    hours: NDArray[np.float64] = (when.astype("datetime64[m]") - when.astype("datetime64[D]")) / np.timedelta64(1, "h")
    return hours.astype(np.float32)


def weekday(when: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Return the day of the week, Monday 0 to Sunday 6; NaN for NaT. 5 January 1970 was a Monday."""
    days: NDArray[np.float64] = (when.astype("datetime64[D]") - np.datetime64("1970-01-05")) / np.timedelta64(1, "D")
    return (days % 7).astype(np.float32)


def month(when: NDArray[np.datetime64]) -> NDArray[np.float32]:
    """Return the month, January 1 to December 12; NaN for NaT."""
    months: NDArray[np.float64] = (when.astype("datetime64[M]") - when.astype("datetime64[Y]")) / np.timedelta64(1, "M")
    return (months + 1).astype(np.float32)
