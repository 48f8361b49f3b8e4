"""Does the model behave as people who know flights expect? Replace these with what people expect of your model.

Three kinds are worth copying: *invariance*, a change that means nothing does not move the answer; *direction*, a change
for the worse does not make the answer better; *known cases*, whose answer nobody disputes. Each states how much it
tolerates, and how much data it takes to hold a model to it.
"""

import numpy as np
import pytest

LEAST_ROWS, LEAST_DAYS = 10_000, 120  # one winter month tells too little of storms and evenings

#% if cookiecutter.problem == "classification"
UNIT = 0.01  # of probability: one point
CALM, STORMY = 0.30, 0.50  # calm is below, stormy is above
#% else
UNIT = 1.0  # minute
CALM, STORMY = 0.0, 20.0  # calm is below, stormy is above
#% endif
#|
WORSE = {  # what a stormy hour has of each, where it had less
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


def lateness(bundle, columns):
    """Return how late the model says each one is: the probability of being late, or minutes."""
    scores = bundle.scores(columns)
    return scores if bundle.decision.task == "regression" else scores[:, 1]


def change(bundle, columns, **changed):
    """Return by how much the answers move when columns are changed by functions of themselves."""
    other = columns | {name: worse(columns[name]).astype(columns[name].dtype) for name, worse in changed.items()}
    return lateness(bundle, other) - lateness(bundle, columns)


@pytest.fixture(scope="module")
def seasoned(bundle):
    """The bundle, if it has learnt from enough rows and days to be held to what follows."""
    reference = bundle.reference()
    first, last = (np.datetime64(reference["time"][end]) for end in ("first", "last"))
    if reference["rows"] < LEAST_ROWS or last - first < np.timedelta64(LEAST_DAYS, "D"):
        pytest.skip(f"the model learnt from fewer than {LEAST_ROWS:,} rows or {LEAST_DAYS} days")
    return bundle


# Invariance: holds however little was learnt.


def test_seconds_do_not_matter(bundle, holdout):
    moved = change(bundle, holdout, scheduled_departure=lambda time: time + np.timedelta64(20, "s"))

    np.testing.assert_allclose(moved, 0, atol=1e-6)


def test_the_year_does_not_matter(bundle, holdout):
    six_years = np.timedelta64(365 * 6 + 1, "D")  # 2019 has the weekdays of 2013

    moved = change(bundle, holdout, scheduled_departure=lambda time: time + six_years)

    np.testing.assert_allclose(moved, 0, atol=1e-6)


def test_two_places_that_were_never_seen_are_answered_alike(bundle, holdout):
    def everywhere(name):
        return lateness(bundle, holdout | {"destination": np.full(len(holdout["destination"]), name, dtype=object)})

    np.testing.assert_array_equal(everywhere("XXA"), everywhere("XXB"))


# Direction: on average, and for nearly every row.


@pytest.mark.parametrize("measure", WORSE)
def test_worse_weather_does_not_make_a_delay_less_likely(seasoned, holdout, measure):
    moved = change(seasoned, holdout, **{measure: WORSE[measure]})

    assert moved.mean() > -UNIT
    assert (moved < -3 * UNIT).mean() < 0.05


def test_a_storm_makes_a_delay_more_likely(seasoned, holdout):
    moved = change(seasoned, holdout, **WORSE)

    assert moved.mean() > 5 * UNIT
    assert (moved < -UNIT).mean() < 0.05


def test_an_evening_is_later_than_a_morning(seasoned, holdout):
    def at(hour):
        return lambda time: time.astype("datetime64[D]") + np.timedelta64(hour, "h")

    moved = change(seasoned, holdout | {"scheduled_departure": at(6)(holdout["scheduled_departure"])},
                   scheduled_departure=at(20))  # fmt: skip

    assert moved.mean() > 5 * UNIT
    assert (moved < 0).mean() < 0.05


# Known cases: nobody disputes which of the two is late.


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route['origin']}-{route['destination']}")
def test_a_clear_winter_morning_and_a_stormy_july_evening(seasoned, route):
    asked = [{**WINTER_MORNING, **route}, {**JULY_EVENING, **route}]
    scores = seasoned.scores_of_rows(asked)

    calm, stormy = scores if seasoned.decision.task == "regression" else scores[:, 1]

    assert calm < CALM
    assert stormy > STORMY
