"""Package the fitted pipeline as a bundle, whose export to ONNX is proved to give the pipeline's scores."""

import numpy as np

from cd4ml.bundle.assemble import make_bundle, read_inputs
from cd4ml.bundle.row_independence import check_features, check_scores
from cd4ml.errors import ModelError
from cd4ml.files.atomic import replacing_folder
from cd4ml.settings import paths
from cd4ml.terminal.output import report


def run() -> None:
    """Write models/bundle.

    Raises:
        FeatureError: a row's features depend on the rows beside it.
        ModelError: its scores do, or are NaN or infinite for a row of the test set.
    """
    inputs = read_inputs()
    report("checking that a row's features and scores do not depend on the rows beside it")
    check_features(inputs.code, inputs.test, inputs.contract)
    check_scores(inputs.pipeline_scores, inputs.test, inputs.contract, inputs.decision, inputs.tolerance)
    if not np.isfinite(inputs.test_scores).all():
        raise ModelError("model.py: the model predicts NaN or infinity for rows of the test set; it cannot be shipped")
    with replacing_folder(paths.BUNDLE) as folder:
        manifest = make_bundle(folder, inputs)
    report(manifest.reason)
    report(f"bundle {manifest.version}")
