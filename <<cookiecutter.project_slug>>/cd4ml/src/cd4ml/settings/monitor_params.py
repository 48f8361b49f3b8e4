"""The section `monitor` of params.yaml: what is watched, and from when on somebody is told."""

from typing import Annotated

from pydantic import ConfigDict, Field

from cd4ml.files.yaml_file import Section

Share = Annotated[float, Field(ge=0, le=1)]


class MonitorParams(Section):
    """The limits of monitoring; beyond one, `make monitor` alerts. None: no limit.

    The defaults are from an experiment: `benchmarks/monitoring_alarms.py` and docs/decisions/monitoring.md of the
    template.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    period_days: Annotated[int, Field(ge=1, le=92)] = 7
    """The days that are judged together."""
    periods: Annotated[int, Field(ge=2, le=60)] = 5
    """How many are shown: the newest one, and those before it, which it is compared with."""
    minimum_rows: Annotated[int, Field(ge=50)] = 200
    """With fewer predictions or outcomes, a period is not judged."""
    max_nulls: Share | None = 0.05
    """By how much the share of a column's nulls may be above that of any week in the training set."""
    max_unknown: Share | None = 0.02
    """The share of a column's categories that the training set has not; of one with more than fifty of them, how many
    more than half as many again are none of the most frequent fifty."""
    max_out_of_range: Share | None = 0.02
    """The share of a column's numbers that are smaller or larger than any in the training set: a warning, as each
    season has its own. If as many are farther out than the range is wide, it pages: the unit may be another one."""
    max_volume_change: Annotated[float, Field(gt=1)] | None = 3.0
    """How many times more or fewer predictions than in the median of the periods before."""
    max_log_age_days: Annotated[int, Field(ge=1)] | None = 2
    max_data_age_days: Annotated[int, Field(ge=1)] | None = None
    """Of the newest row with an outcome in the source."""
    max_model_age_days: Annotated[int, Field(ge=1)] | None = None
    """Of the newest row that the model was trained on."""
    max_loss: Annotated[float, Field(ge=0)] = 0.02
    """How much worse than on the test set the main metric may be, in the unit of gate.max_regression. More pages if it
    is beyond what chance explains, in the newest period or in all of them together."""
    minimum_labelled: Share = 0.8
    """The share of a period's predictions whose outcome must be known, of those that ever get one."""
    max_prediction_drift: Annotated[float, Field(gt=0)] | None = 0.2
    """The population stability index of the predictions, against the test set."""
