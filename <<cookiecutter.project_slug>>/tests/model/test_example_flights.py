"""The model behaves as people who know flights expect. Replace this file with what people expect of your model.

It shows three kinds of tests: *invariance*, a change that means nothing does not change the prediction; *direction*, a
change for the worse does not improve the prediction; *known cases*, whose prediction nobody disputes. Each test states
its tolerance. A model trained on little data need not pass the last two kinds.
"""

import numpy as np
import pytest

LEAST_ROWS, LEAST_DAYS = 10_000, 120  # in the training set; one winter month has too few storms

#% if cookiecutter.problem == "classification"
TOLERANCE = 0.01  # of probability
CALM, STORMY = 0.30, 0.50  # a calm morning is below the first, a stormy evening above the second
#% else
TOLERANCE = 1.0  # minute
CALM, STORMY = 0.0, 20.0  # a calm morning is below the first, a stormy evening above the second
#% endif
#|
STORM = {  # each measure, made at least as bad as in a stormy hour
    "precipitation": lambda inches: np.fmax(inches, 0.3),
    "visibility": lambda miles: np.fmin(miles, 1.0),
    "wind_speed": lambda speed: np.fmax(speed, 30.0),
    "wind_gust": lambda speed: np.fmax(speed, 40.0),
    "pressure": lambda millibar: np.fmin(millibar, 1000.0),
    "humidity": lambda percent: np.fmax(percent, 95.0),
}

WINTER_MORNING = {
    "scheduled_departure": "2013-01-16T06:15:00", "temperature": 35.0, "dew_point": 20.0, "humidity": 55.0,
    "wind_direction": 310.0, "wind_speed": 4.0, "wind_gust": None, "precipitation": 0.0, "pressure": 1025.0,
    "visibility": 10.0,
}  # fmt: skip
JULY_EVENING = {
    "scheduled_departure": "2013-07-18T19:30:00", "temperature": 80.0, "dew_point": 74.0, "humidity": 95.0,
    "wind_direction": 220.0, "wind_speed": 25.0, "wind_gust": 38.0, "precipitation": 0.6, "pressure": 1000.0,
    "visibility": 2.0,
}  # fmt: skip
ROUTES = [
    {"carrier": "B6", "origin": "JFK", "destination": "SFO", "distance": 2586.0},
    {"carrier": "UA", "origin": "EWR", "destination": "ORD", "distance": 719.0},
    {"carrier": "DL", "origin": "LGA", "destination": "ATL", "distance": 762.0},
]


def delay(bundle, columns):
    """Return the predicted delay of each flight: the probability of being late, or minutes."""
    scores = bundle.scores(columns)
    return scores if bundle.decision.task == "regression" else scores[:, 1]


def difference(bundle, columns, **changes):
    """Return how the predicted delays differ if a function is applied to each of the columns named."""
    changed = {name: change(columns[name]).astype(columns[name].dtype) for name, change in changes.items()}
    return delay(bundle, columns | changed) - delay(bundle, columns)


@pytest.fixture(scope="module")
def well_trained(bundle):
    """The bundle, if its training set is large enough for the tests of direction and of known cases."""
    profile = bundle.training_profile()
    first, last = (np.datetime64(profile["time"][end]) for end in ("first", "last"))
    if profile["rows"] < LEAST_ROWS or last - first < np.timedelta64(LEAST_DAYS, "D"):
        pytest.skip(f"the training set has fewer than {LEAST_ROWS:,} rows or {LEAST_DAYS} days")
    return bundle


# Invariance: true of every model.


def test_seconds_do_not_matter(bundle, columns):
    differences = difference(bundle, columns, scheduled_departure=lambda time: time + np.timedelta64(20, "s"))

    np.testing.assert_allclose(differences, 0, atol=1e-6)


def test_the_year_does_not_matter(bundle, columns):
    six_years = np.timedelta64(365 * 6 + 1, "D")  # 2019 has the same weekdays as 2013

    differences = difference(bundle, columns, scheduled_departure=lambda time: time + six_years)

    np.testing.assert_allclose(differences, 0, atol=1e-6)


def test_two_unknown_destinations_get_the_same_prediction(bundle, columns):
    def all_to(destination):
        return columns | {"destination": np.full(len(columns["destination"]), destination, dtype=object)}

    np.testing.assert_array_equal(delay(bundle, all_to("XXA")), delay(bundle, all_to("XXB")))


# Direction: true on average, and for nearly every row.


@pytest.mark.parametrize("measure", STORM)
def test_worse_weather_does_not_make_a_delay_less_likely(well_trained, columns, measure):
    differences = difference(well_trained, columns, **{measure: STORM[measure]})

    assert differences.mean() > -TOLERANCE
    assert (differences < -3 * TOLERANCE).mean() < 0.05


def test_a_storm_makes_a_delay_more_likely(well_trained, columns):
    differences = difference(well_trained, columns, **STORM)

    assert differences.mean() > 5 * TOLERANCE
    assert (differences < -TOLERANCE).mean() < 0.05


def test_a_delay_is_more_likely_in_the_evening_than_in_the_morning(well_trained, columns):
    def all_at(hour):
        time = columns["scheduled_departure"]
        midnight = time.astype("datetime64[D]").astype(time.dtype)
        return columns | {"scheduled_departure": midnight + np.timedelta64(hour, "h")}

    differences = delay(well_trained, all_at(20)) - delay(well_trained, all_at(6))

    assert differences.mean() > 5 * TOLERANCE
    assert (differences < 0).mean() < 0.05


# Known cases: nobody disputes which of the two flights is late.


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route['origin']}-{route['destination']}")
def test_a_clear_winter_morning_and_a_stormy_july_evening(well_trained, route):
    scores = well_trained.scores_of_rows([WINTER_MORNING | route, JULY_EVENING | route])

    calm, stormy = scores if well_trained.decision.task == "regression" else scores[:, 1]

    assert calm < CALM
    assert stormy > STORMY
