"""Package the fitted pipeline as a bundle, and prove that the bundle answers as the pipeline does."""

import numpy as np

from cd4ml.bundle.assemble import make_bundle, read_ingredients
from cd4ml.errors import ModelError
from cd4ml.files.atomic import replacing_folder
from cd4ml.settings import paths
from cd4ml.terminal.output import report


def run() -> None:
    """Write models/bundle.

    Raises:
        ModelError: the pipeline answers with something that is no number.
    """
    made = read_ingredients()
    if not np.isfinite(made.scores(made.holdout)).all():
        raise ModelError("model.py: the model answers held-out rows with NaN or infinity; it cannot be shipped")
    with replacing_folder(paths.BUNDLE) as folder:
        manifest = make_bundle(folder, made)
    report(manifest.reason)
    report(f"bundle {manifest.version}")
