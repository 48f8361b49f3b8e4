"""Choose the gate's limits for a table: its floor from cross-validation, its units from the kind of target."""

from cd4ml.adoption.model_choice import Choice
from cd4ml.adoption.setting import Setting
from cd4ml.contract.contract import Task

_LIMITS: dict[Task, tuple[float, float, str, str]] = {
    "binary": (0.005, 0.05, "in the metric's own unit", "a ROC AUC"),
    "multiclass": (0.005, 0.05, "in the metric's own unit", "a ROC AUC"),
    "regression": (0.01, 0.1, "as a share of the champion's", "an R²"),
}


def gate_settings(choice: Choice, task: Task) -> dict[str, Setting]:
    """Return the values of `gate:` in params.yaml that depend on the table."""
    overall, in_slice, unit, measure = _LIMITS[task]
    floor = float(f"{(choice.quality + choice.baseline) / 2:.3g}")
    quality, baseline = f"{choice.quality:.3g} in cross-validation", f"{choice.baseline:.3g}, the baseline's"
    too_good = f"{measure} above this is rejected: a column may give the target away; null: no limit"
    if choice.is_too_good:  # and no single column gives the target away, nor a sum: see leakage
        too_good = f"no limit, since {measure} near 1 is right for this table; set one if that is a surprise"
    return {
        "floor": Setting({choice.metric: floor}, f"the worst allowed; midway between {quality} and {baseline}"),
        "too_good": Setting(None if choice.is_too_good else 0.995, too_good),
        "max_regression": Setting(overall, f"how much worse than the champion's the main metric may be, {unit}"),
        "smallest_loss": Setting(
            None, "no limit yet: take the loss that make gate says the test set detects, once there is a champion"
        ),
        "max_slice_regression": Setting(in_slice, "the same in every slice"),
    }
