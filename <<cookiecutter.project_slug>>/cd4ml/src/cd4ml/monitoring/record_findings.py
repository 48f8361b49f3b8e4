"""Judge the newest period's records themselves: which could not be counted, why, and by which versions they are."""

from collections.abc import Collection, Iterator
from datetime import date

from cd4ml.bundle.bundle import Bundle
from cd4ml.monitoring.findings import Finding, Level, is_beyond
from cd4ml.monitoring.served import Served
from cd4ml.monitoring.usable_records import NO_SCORE, OTHER_TASK
from cd4ml.monitoring.verdict import one_line

_WHOSE_LOG = "Is --log, or PREDICTION_LOG, the log of this model? Let each model write to a place of its own."
_OTHER_WRITER = "The service writes no such records: look what else writes there, or changed its files."
_MOST_NAMES = 3


def check_records(served: Served, bundle: Bundle, releases: Collection[str]) -> Iterator[Finding]:
    """Yield what is wrong with the records of a period, and that nothing is if nothing is.

    Args:
        served: the newest period.
        bundle: the one that is watched.
        releases: the versions that were live; empty if that is not known.
    """
    found = [*_left_out(served, bundle), *_versions(served, bundle, releases)]
    if not served.rows and not found:
        yield Finding("not judged", "records", "There are no records of this model.")
    elif not any(finding.level in ("page", "warn") for finding in found):
        yield Finding("fine", "records", "Every record is whole, and of this model.")
    yield from found


def _left_out(served: Served, bundle: Bundle) -> Iterator[Finding]:
    task, records = bundle.manifest.task, served.rows + served.tests
    level: Level
    for reason, count in served.left_out.items():
        total = records if reason in (OTHER_TASK, NO_SCORE) else records + count
        of_all, numbers = f"{count:,} of {total:,} records", {"records": count, "of": total}
        match reason:
            case "another model":
                names = _names(served.other_models)
                sentence = f"{of_all} are of another model ({names}), and are left out."
                level = "warn" if served.rows else "page"
                yield Finding(level, "records", sentence, _WHOSE_LOG, numbers=numbers)
            case "another task":
                sentence = f"The answers of {of_all} are not those of a {task} model, and are left out."
                level = "warn" if count < served.rows else "page"
                yield Finding(level, "records", sentence, _WHOSE_LOG, numbers=numbers)
            case "no score":
                what = "finite number" if task == "regression" else "probability from 0 to 1"
                sentence = f"{of_all} have no {what} as their answer, and are left out of what is judged by outcomes."
                level = "page" if is_beyond(count, total, 0) else "warn"
                yield Finding(level, "records", sentence, _OTHER_WRITER, numbers=numbers)
            case "another day":
                sentence = f"{of_all} are of another day than the folder that has them, and are left out."
                advice = "Was a file copied or moved? Remove the copy, or put it into the folder of its day."
                yield Finding("warn", "records", sentence, advice, numbers=numbers)
            case _:
                sentence = f"{of_all} lack a time, a kind, a model or a version, and are left out."
                yield Finding("warn", "records", sentence, _OTHER_WRITER, numbers=numbers)


def _versions(served: Served, bundle: Bundle, releases: Collection[str]) -> Iterator[Finding]:
    """Yield whether versions answered that were never released, or all but the one that is watched."""
    unknown = {name: rows for name, rows in served.by_version.items() if name not in {bundle.version, *releases}}
    numbers = {"by_version": dict(served.by_version)}
    if releases and unknown:
        sentence = f"{sum(unknown.values()):,} predictions are of a version that was never released: {_names(unknown)}."
        advice = "Was it a canary that was taken back? If not, look what else writes to this log."
        level: Level = "warn" if 2 * sum(unknown.values()) > served.rows else "not judged"
        yield Finding(level, "records", sentence, advice, numbers=numbers)
    elif served.rows and bundle.version not in served.by_version:
        sentence = (
            f"None of the predictions is of {bundle.version}, the version that is watched; they are of "
            f"{_names(served.by_version)}."
        )
        advice = "It was not live then, or models/bundle has another bundle than the service: make pull fetches it."
        yield Finding("not judged", "records", sentence, advice, numbers=numbers)


def _names(names: Collection[str]) -> str:
    shown = [one_line(name)[:40] for name in sorted(names)[:_MOST_NAMES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def uncounted_columns(served: Served) -> Iterator[Finding]:
    """Yield which columns are not in all of the records, as the contract of their time named them otherwise."""
    if served.uncounted:
        parts = [f"{name} ({rows:,})" for name, rows in sorted(served.uncounted.items())]
        sentence = (
            f"Of {served.rows:,} predictions, some have a column not, or of another type, and are not counted there: "
            f"{', '.join(parts[:_MOST_NAMES])}{f' and {len(parts) - _MOST_NAMES} more' * (len(parts) > _MOST_NAMES)}."
        )
        advice = "The contract was another one when they were made, or something else wrote them."
        yield Finding("not judged", "columns", sentence, advice, numbers={"rows": dict(served.uncounted)})


def check_dates(in_log: date | None, in_source: date | None) -> Iterator[Finding]:
    """Warn of records and of outcomes whose day has not come yet; None: there are none."""
    advice = "Is a clock wrong, or a date? Until then they count for nothing here."
    for what, day in (("The prediction log has records", in_log), ("The source has outcomes", in_source)):
        if day is not None:
            yield Finding("warn", "dates", f"{what} of {day}, which has not come yet.", advice)
