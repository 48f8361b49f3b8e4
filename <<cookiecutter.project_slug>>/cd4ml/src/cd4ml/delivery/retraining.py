"""Decide from what monitoring found whether a new model may mend it, and why: the reason that ct is started with."""

from collections.abc import Mapping
from typing import Any

from cd4ml.delivery.alarm import PREFIX
from cd4ml.monitoring.findings import RETRAIN
from cd4ml.monitoring.newest import newest_judged

_LONGEST = 200  # characters that `reason_given` keeps of a reason


def reason_to_retrain(document: Mapping[str, Any]) -> str:
    """Return why the model should be trained again, in one line that begins with the checks; empty if it should not.

    Only a loss on labels and staleness are reasons. A loss of answers that mostly an earlier model gave is none: the
    model that is live has not been judged yet.

    Args:
        document: the content of monitoring.json.
    """
    found = [each for each in document["findings"] if each["level"] == "page" and each["check"] in RETRAIN]
    if not mostly_of_live_version(document):
        found = [each for each in found if each["check"] != "loss"]
    if not found:
        return ""
    checks = ", ".join(sorted({each["check"] for each in found}))
    sentences = " ".join(each["sentence"] for each in found)
    return " ".join(f"{PREFIX}{checks}; {sentences}".split())[:_LONGEST]


def mostly_of_live_version(document: Mapping[str, Any]) -> bool:
    """Return whether the live version gave at least half of the answers by which a loss is judged."""
    judged = newest_judged(document)
    if judged is None or not judged["performance"]["rows"]:
        return True
    performance = judged["performance"]
    return bool(performance["versions"].get(document["model"]["version"], 0) * 2 >= performance["rows"])
