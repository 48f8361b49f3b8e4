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

MONDAY = np.datetime64("1970-01-05")


def derive(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the features by name, each of shape `(rows,)`: numbers, booleans, or str objects for categories.

    Each column is a feature; a time becomes its parts. The features of a row must depend on that row alone, since the
    service predicts one row as well as many.
    """
    features: dict[str, NDArray[Any]] = {}
    for name, values in columns.items():
        if values.dtype.kind == "M":
            features |= parts_of_time(name, values)
        else:
            features[name] = values
    return features


def parts_of_time(name: str, time: NDArray[np.datetime64]) -> dict[str, NDArray[np.float32]]:
    """Return days since 1970, month (1 to 12), weekday (0 for Monday) and hour of times; NaN for NaT."""
    day, month, year = (time.astype(f"datetime64[{unit}]") for unit in "DMY")
    parts = {
        "days": (time - np.datetime64("1970-01-01")) / np.timedelta64(1, "D"),
        "month": (month - year) / np.timedelta64(1, "M") + 1,
        "weekday": (day - MONDAY) / np.timedelta64(1, "D") % 7,
        "hour": (time - day) / np.timedelta64(1, "h"),
    }
    return {f"{name} {part}": values.astype(np.float32) for part, values in parts.items()}
