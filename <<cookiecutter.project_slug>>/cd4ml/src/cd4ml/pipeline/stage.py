"""The verb `stage`: run one stage of dvc.yaml, as DVC does."""

import importlib

from cd4ml.pipeline.orphan_watchdog import stop_with_parent
from cd4ml.terminal.arguments import Arguments

STAGES = {
    "ingest": "write the source's rows to data/raw.parquet",
    "validate": "validate them against contract.yaml",
    "split": "split them into a training set and a test set",
    "train": "fit the model",
    "package": "make the bundle, and prove its export to ONNX exact",
    "evaluate": "evaluate the bundle on the test set",
}


def main(argv: list[str]) -> None:
    """Run a stage; end it if the process that started it ends.

    Raises:
        UserError: what the stage reads is missing or wrong.
    """
    arguments = Arguments("stage")
    purposes = "; ".join(f"{name}: {purpose}" for name, purpose in STAGES.items())
    arguments.add_argument("name", choices=STAGES, metavar="NAME", help=purposes)
    name = arguments.parse_args(argv).name
    stop_with_parent()
    importlib.import_module(f"cd4ml.pipeline.{name}").run()
