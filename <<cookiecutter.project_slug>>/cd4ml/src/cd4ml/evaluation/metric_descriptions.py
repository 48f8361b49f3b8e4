"""A sentence about each metric, for the model card. The card writes the metric's name before it."""

METRIC_DESCRIPTIONS = {
    "roc_auc": (
        "is the probability that a row of a class gets a higher score for that class than a row of another class; "
        "0.5 is chance level"
    ),
    "average_precision": (
        "is precision averaged over all values of recall; at chance level it is the class's share of the rows"
    ),
    "log_loss": "is the mean negative logarithm of the probability of the actual class; confident errors cost most",
    "brier": "is the mean squared error of the probabilities",
    "calibration_error": (
        "is the mean distance between the probabilities and the observed shares; chance alone makes it larger than 0, "
        "and resampling adds to it, so that its interval is too high"
    ),
    "accuracy": (
        "is the share of correct predictions; if a class is rare, always predicting the other one gives a high "
        "accuracy, too"
    ),
    "balanced_accuracy": "is the share of correct predictions in each class, averaged over the classes",
    "precision": "is the share of the positive predictions that are correct",
    "recall": "is the share of the positive rows that are predicted as positive",
    "mae": "is the mean absolute difference between prediction and outcome",
    "rmse": "is the root of the mean squared difference between prediction and outcome; large errors weigh more",
    "r2": "is the share of the target's variance that is explained; always predicting the mean gives 0",
    "error_p50": "is the absolute error that half of the predictions do not exceed",
    "error_p90": "is the absolute error that 90 % of the predictions do not exceed",
    "error_p99": "is the absolute error that 99 % of the predictions do not exceed",
    "bias": "is the mean of prediction minus outcome; if it is above 0, predictions are too high on average",
}
