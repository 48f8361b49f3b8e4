"""The example's features. Replace these tests when you replace features.py."""

import numpy as np

from << cookiecutter.__package >>.features import derive

TIMES = np.array(["2013-07-19T17:45", "2013-01-06T00:00", "2013-12-31T23:59:45", "NaT"], dtype="datetime64[us]")


def test_the_departure_becomes_hour_weekday_and_month():
    features = derive({"scheduled_departure": TIMES, "distance": np.ones(4, dtype=np.float32)})

    np.testing.assert_allclose(features["hour"], [17.75, 0, 23 + 59 / 60, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(features["weekday"], [4, 6, 1, np.nan])
    np.testing.assert_array_equal(features["month"], [7, 1, 12, np.nan])
    assert set(features) == {"distance", "hour", "weekday", "month"}


def test_a_departure_before_1970_has_a_weekday_and_a_month():
    features = derive({"scheduled_departure": np.array(["1969-07-20T20:17"], dtype="datetime64[us]")})

    assert [features[name][0] for name in ("weekday", "month")] == [6, 7]
