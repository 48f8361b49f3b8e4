"""The paths of the pipeline's files, relative to the project's root, in the order in which data flows."""

from pathlib import Path

PARAMS = Path("params.yaml")
CONTRACT = Path("contract.yaml")
LOCK = Path("uv.lock")

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

WRITTEN_BY = {
    RAW: "ingest",
    VALIDATED: "validate",
    TRAIN: "split",
    HOLDOUT: "split",
    PIPELINE: "train",
    THRESHOLD: "train",
    BUNDLE: "package",
    METRICS: "evaluate",
}
"""The stage that writes a file, for the message that it does not exist."""


def explain_missing(path: Path) -> str:
    """Return, as a message, that a file does not exist, and what writes it."""
    stage = WRITTEN_BY.get(path)
    return f"{path} does not exist; {f'the stage {stage} writes it: ' if stage else ''}run make train"
