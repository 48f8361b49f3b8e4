"""The address of a tracking server reaches MLflow with its credentials, and messages without them."""

import pytest
from cd4ml.tracking.address import TrackingAddress, TrackingError

ADDRESSES = {
    "http://ada:s3cret@mlflow.example.org:5000/": "http://mlflow.example.org:5000",
    "https://ada:p%40ss%2Fword@mlflow.example.org/base": "https://mlflow.example.org/base",
    "postgresql+psycopg://ada:s3cret@db/runs?sslpassword=t0ken": "postgresql+psycopg://db/runs",
    "https://mlflow.example.org": "https://mlflow.example.org",
    "sqlite:///mlflow.db": "sqlite:///mlflow.db",
    "": "sqlite:///mlflow.db",
}


@pytest.mark.parametrize(("uri", "redacted"), ADDRESSES.items())
def test_an_address_is_shown_without_its_credentials(uri, redacted):
    address = TrackingAddress.read({"MLFLOW_TRACKING_URI": uri, "MLFLOW_TRACKING_TOKEN": "t0ps3cret"})
    message = address.redact(f"cannot reach {uri} as ada with p@ss/word or p%40ss%2Fword, s3cret, t0ken, t0ps3cret")

    assert address.redacted == redacted
    shown = message + repr(address) + address.key
    secrets = [secret for secret in ("s3cret", "p@ss/word", "p%40ss", "t0ken") if secret in uri] + ["t0ps3cret"]
    assert not [secret for secret in secrets if secret in shown]


def test_mlflow_gets_the_credentials_apart_from_the_address():
    variables = TrackingAddress.read({"MLFLOW_TRACKING_URI": "http://ada:p%40ss@127.0.0.1:5000"}).mlflow_environment()

    assert variables["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:5000"
    assert (variables["MLFLOW_TRACKING_USERNAME"], variables["MLFLOW_TRACKING_PASSWORD"]) == ("ada", "p@ss")
    assert variables["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.parametrize("uri", ["http://[::1", "http://host:port"])
def test_an_address_that_is_not_valid_is_rejected(uri):
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI is not an address"):
        TrackingAddress.read({"MLFLOW_TRACKING_URI": uri})
