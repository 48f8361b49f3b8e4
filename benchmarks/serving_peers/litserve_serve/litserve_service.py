"""The model behind LitServe, as its documentation writes an API."""

import os
import sys
from typing import Any

import joblib
import litserve
import pandas as pd


class FlightAPI(litserve.LitAPI):  # type: ignore[misc]
    """Predicts the rows of one request."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe passes it
        """Load the pipeline."""
        self.pipeline = joblib.load(os.environ["MODEL"])

    def decode_request(self, request: dict[str, Any]) -> pd.DataFrame:
        """Return the rows as a table."""
        return pd.DataFrame(request["rows"])

    def predict(self, rows: pd.DataFrame) -> Any:
        """Return the probability of each row."""
        return self.pipeline.predict_proba(rows)[:, 1]

    def encode_response(self, probabilities: Any) -> dict[str, Any]:
        """Return the answer."""
        return {"probabilities": probabilities.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(FlightAPI(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False)
