"""How a person reads each metric: one sentence, which its name begins."""

METRIC_DESCRIPTIONS = {
    "roc_auc": "is the chance that a row of a class scores above a row of another; 0.5 is guessing",
    "average_precision": "is precision averaged over all recalls; guessing gives a class's share of the rows",
    "log_loss": "punishes confident mistakes, in nats a row",
    "brier": "is the mean squared error of the probabilities",
    "calibration_error": (
        "is how far, on average, a probability is from the share that came true; chance alone keeps it above 0, "
        "and resampling adds to it, so that its interval lies high"
    ),
    "accuracy": "is the share of right answers; where one class is rare, never answering it scores well too",
    "balanced_accuracy": "is the share of right answers in each class, averaged over the classes",
    "precision": "is the share of its yeses that came true",
    "recall": "is the share of what came true that it answered with yes",
    "mae": "is how far off an answer is on average",
    "rmse": "is the same with large errors weighing more",
    "r2": "is the share of the target's variance that is explained; 0 is always answering the mean",
    "error_p50": "is what half of the answers are closer than",
    "error_p90": "is what nine in ten answers are closer than",
    "error_p99": "is what 99 in 100 answers are closer than",
    "bias": "is the mean of answer minus outcome; above 0, it answers too much",
}
