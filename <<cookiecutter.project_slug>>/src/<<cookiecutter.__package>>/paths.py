"""Where everything lies, from the project's root: the way of the data, in order."""

from pathlib import Path

PARAMS = Path("params.yaml")
CONTRACT = Path("contract.yaml")
LOCK = Path("uv.lock")
FEATURES = Path(__file__).with_name("features.py")
MODEL = Path(__file__).with_name("model.py")

DOWNLOAD = Path("data/download")
RAW = Path("data/raw.parquet")
VALIDATED = Path("data/validated.json")
TRAIN = Path("data/train.parquet")
HOLDOUT = Path("data/holdout.parquet")

PIPELINE = Path("models/pipeline.skops")
THRESHOLD = Path("models/threshold.json")
BUNDLE = Path("models/bundle")

REPORTS = Path("reports")
METRICS = REPORTS / "metrics.json"
SLICES = REPORTS / "slices.json"
CURVES = REPORTS / "curves"
PICTURES = REPORTS / "pictures"
CARD = REPORTS / "model-card.md"

TUNING = Path(".tuning")
GATE = REPORTS / "gate.json"
GATE_TABLE = REPORTS / "gate.md"
