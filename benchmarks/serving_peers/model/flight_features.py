"""The features of a flight, as a team writes them with pandas: the first step of the pipeline that the peers serve."""

import pandas as pd


def derive(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the features of rows as a request has them; the same as the project's features.py, by the same names."""
    departure = pd.to_datetime(rows["scheduled_departure"])
    categories = ["carrier", "origin", "destination"]
    features = rows.drop(columns=["scheduled_departure", *categories]).astype("float32")
    features[categories] = rows[categories].astype(object)
    features["hour"] = (departure.dt.hour + departure.dt.minute / 60).astype("float32")
    features["weekday"] = departure.dt.dayofweek.astype("float32")
    features["month"] = departure.dt.month.astype("float32")
    return features
