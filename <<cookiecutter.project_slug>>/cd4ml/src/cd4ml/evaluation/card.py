"""The model card: what the model is for, how good it is and where not, what it was made of; for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cd4ml.bundle.decision import Decision
from cd4ml.bundle.manifest import Manifest
from cd4ml.contract.contract import Contract, Target, Task
from cd4ml.evaluation import card_contract
from cd4ml.evaluation.formatting import NOTHING, percent, shown, shown_interval
from cd4ml.evaluation.markdown import code, plain, table
from cd4ml.evaluation.metric_descriptions import METRIC_DESCRIPTIONS
from cd4ml.evaluation.metrics import METRICS, Metric, main_metric
from cd4ml.settings.params import Waiver

_MOST_SLICES = 15


@dataclass(frozen=True)
class Window:
    """The rows held out, and their first and last time where the contract names one."""

    rows: int
    target: dict[str, Any]
    """How their target is distributed, as `reference.json` has it of the training rows."""
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True)
class Told:
    """All that a card tells."""

    manifest: Manifest
    contract: Contract
    reference: dict[str, Any]
    results: dict[str, Any]
    slices: dict[str, Any]
    pictures: dict[str, str]
    """Where a picture lies, from the card, and what it shows."""
    holdout: Window
    accepted: Sequence[Waiver] = ()
    """The broken rules of the gate that its owner accepted for this very bundle."""


def card(told: Told) -> str:
    """Return the card, in Markdown; nothing in it depends on when it is written."""
    sections = [
        _head(told),
        _purpose(told),
        _data(told),
        _quality(told),
        "\n".join(f"![{words}]({path})" for path, words in told.pictures.items()),
        _by_slice(told),
        card_contract.section(told.contract, told.reference),
        _limits(told),
        _lineage(told.manifest, told.accepted),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(told: Told) -> str:
    described = told.contract.description
    title = f"# {plain(told.contract.name)}"
    return f"{title}\n\n{plain(described)}" if described else title


def _purpose(told: Told) -> str:
    target = told.contract.target
    meaning = f": {plain(target.description)}" if target.description else ""
    meaning += "" if meaning.endswith((".", "?", "!")) else "."
    return (
        f"## What it answers\n\n{code(target.name)}{meaning}\n\n"
        f"{_kind_of_answer(target, told.manifest.decision)} It answers from the {len(told.contract.columns)} columns "
        "listed below, one row at a time."
    )


def _kind_of_answer(target: Target, decision: Decision) -> str:
    if decision.task == "binary":
        return f"The answer is a probability, and yes where it is {decision.threshold:.3g} or more."
    if decision.task == "regression":
        return f"The answer is a number{f', in {plain(target.unit)}' if target.unit else ''}."
    classes = ", ".join(code(label) for label in decision.classes)
    return f"The answer is a probability for each of {classes}, and the likeliest of them."


def _data(told: Told) -> str:
    time = told.contract.time
    train = told.reference["time"] or {}
    how = "picked by a hash, so that a row held out stays so as the table grows"
    if time is not None:
        how = f"all of them later, by {code(time)}, than the rows learnt from"
    header = ("rows", "how many", "from", "to", f"{code(told.contract.target.name)}")
    learnt, judged = (
        _described(told.contract.target, rows) for rows in (told.reference["target"], told.holdout.target)
    )
    lines = [
        ("learnt from", f"{told.reference['rows']:,}", _day(train.get("first")), _day(train.get("last")), learnt),
        ("judged on", f"{told.holdout.rows:,}", _day(told.holdout.first), _day(told.holdout.last), judged),
    ]
    columns = [0, 1, *([2, 3] if time is not None else []), 4]
    rows = [[line[column] for column in columns] for line in lines]
    shown_table = table([header[column] for column in columns], rows, right=(1,))
    return f"## The data\n\n{shown_table}\n\nThe rows it is judged on were {how}."


def _described(target: Target, distribution: dict[str, Any]) -> str:
    if target.type == "number":
        return f"mean {shown(distribution['mean'])}, median {shown(distribution['median'])}"
    if target.type == "boolean":
        return f"{percent(distribution['shares'].get('1', 0.0))} yes"
    return ", ".join(f"{code(label)} {percent(share)}" for label, share in distribution["shares"].items())


def _day(time: str | None) -> str:
    return time[:10] if time else NOTHING


def _quality(told: Told) -> str:
    results, task = told.results, told.contract.task
    unit = f" ({plain(told.contract.target.unit)})" if told.contract.target.unit else ""
    rows = [
        (
            metric.label + (unit if metric.of_target else ""), f"**{shown(results[metric.name])}**",
            shown_interval(results["intervals"][metric.name]), shown(results["baseline"][metric.name]), metric.better,
        )
        for metric in METRICS[task]
    ]  # fmt: skip
    header = ("metric", "this model", "95 % interval", "baseline", "better")
    reading = "\n".join(f"- **{metric.label}** {METRIC_DESCRIPTIONS[metric.name]}." for metric in METRICS[task])
    return (
        f"## How good it is\n\n{verdict(results, main_metric(task))}\n\n{table(header, rows, right=(1, 2, 3))}\n\n"
        f"The baseline is the trivial model: {_trivial(task)}. The interval is where the metric would lie in 95 of "
        "100 samples of as many rows like these; it does not tell of rows that are unlike.\n\n"
        f"<details><summary>How to read each metric</summary>\n\n{reading}\n\n</details>"
    )


def verdict(results: dict[str, Any], metric: Metric) -> str:
    """Return one sentence: whether the model beats the trivial one by its main metric, and by more than chance."""
    value, baseline, bounds = (results[key] for key in (metric.name, "baseline", "intervals"))
    trivial, interval = baseline[metric.name], bounds[metric.name]
    if value is None or trivial is None or interval is None:
        return f"**{metric.label} cannot be told from these rows**: they hold too few of one outcome."
    sign = 1 if metric.better == "higher" else -1
    nearest = interval["low"] if sign == 1 else interval["high"]
    said = f"{metric.label} is {shown(value)}, where the trivial model has {shown(trivial)}"
    if sign * (value - trivial) <= 0:
        return f"**Not better than trivial.** {said}."
    if sign * (nearest - trivial) <= 0:
        return f"**Not surely better than trivial.** {said}, which lies within the interval."
    return f"**Better than trivial, by more than chance.** {said}."


def _trivial(task: Task) -> str:
    if task == "regression":
        return "always the training rows' median, or their mean for the metrics of squared errors, R² and bias"
    return "always the classes' shares in the training rows, and so always the commonest class"


def _by_slice(told: Told) -> str:
    found, metric = told.slices["slices"], main_metric(told.contract.task)
    if not found:
        return "## Where it is worse\n\nNo column has few enough values, or values with enough rows, to tell."
    sign = 1 if metric.better == "higher" else -1
    known = [one for one in found if one[metric.name] is not None]
    worst_first = sorted(known, key=lambda one: sign * one[metric.name])
    header = ("column", "value", "rows", metric.label, "95 % interval", *_MEANS[told.contract.task], "")
    lines = [_slice_line(one, metric, told.slices["overall"], told.contract.task) for one in worst_first[:_MOST_SLICES]]
    left = len(found) - len(lines)
    more = f" The other {left} are in [slices.json](slices.json)." if left else ""
    return (
        f"## Where it is worse\n\n{metric.label} over all rows is {shown(told.slices['overall'])}. By value, worst "
        "first; a mark shows where the interval leaves that out, as it does for one value in twenty by chance "
        f"alone.{more}\n\n{table(header, lines, right=range(2, len(header) - 1))}"
    )


_MEANS = {
    "binary": ("mean probability", "came true"),
    "multiclass": ("mean probability of the answer",),
    "regression": ("mean answer", "mean outcome"),
}


def _slice_line(one: dict[str, Any], metric: Metric, overall: float, task: Task) -> Sequence[str]:
    mark, bounds = "", one["interval"]
    if bounds and not bounds["low"] <= overall <= bounds["high"]:
        above = bounds["low"] > overall
        mark = "▲\N{NO-BREAK SPACE}better" if above == (metric.better == "higher") else "▼\N{NO-BREAK SPACE}worse"
    value = "null" if one["value"] is None else code({True: "true", False: "false"}.get(one["value"], one["value"]))
    means = [shown(one["predicted"]), shown(one["actual"])][: len(_MEANS[task])]
    measured = (shown(one[metric.name]), shown_interval(bounds), *means)
    return (code(one["column"]), value, f"{one['rows']:,}", *measured, mark)


def _limits(told: Told) -> str:
    lines = [
        _limit_of_time(told),
        "Numbers: it was not judged range by range; beyond the values it learnt from, it only guesses.",
        *_limits_of_values(told),
        "Cause: it tells what goes together in these rows, not what would happen if a value were changed.",
    ]
    if told.manifest.runtime == "sklearn":
        lines.append(f"Runtime: {plain(told.manifest.reason)}; the service is slower and larger for it.")
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _limit_of_time(told: Told) -> str:
    if told.contract.time is None:
        return "Time: the contract names none, so whether it holds as the world changes was not judged."
    return (
        f"Time: nothing later than {_day(told.holdout.last)} was there to judge it by, nor any season it did not meet."
    )


def _limits_of_values(told: Told) -> Iterator[str]:
    columns, seen = told.contract.columns, told.reference["columns"]
    left_out = [f"{count} of {code(name)}" for name, count in told.slices["left_out"].items()]
    if left_out:
        yield f"Values not judged by themselves, for too few rows or too many values: {', '.join(left_out)}."
    open_ended = [name for name, rule in columns.items() if rule.type == "category" and not rule.rejects_unknown]
    if open_ended:
        yield f"Values it never saw are answered too, without a warning: any of {_listed(open_ended)}."
    never = [name for name, rule in columns.items() if rule.nullable and seen[name]["nulls"] == 0]
    if never:
        yield f"Nulls are allowed, but none was there to learn from: {_listed(never)}."
    unseen = sorted(set(told.slices.get("confusion", ())) - set(told.manifest.decision.classes))
    if unseen:
        yield f"Classes it never saw, and so never answers, are among the rows it was judged on: {_listed(unseen)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(code(name) for name in names)


def _lineage(manifest: Manifest, accepted: Sequence[Waiver]) -> str:
    rows = [("version", code(manifest.version)), ("digest", code(manifest.digest))]
    rows += [("newest day of the data", manifest.until)] if manifest.until else []
    rows += [("runs on", plain(manifest.reason))]
    rows += [("threshold", f"{manifest.threshold:.6g}")] if manifest.threshold is not None else []
    rows += [(f"accepted: {one.rule}", f"{plain(one.reason)} (by {plain(one.by)})") for one in accepted]
    rows += [(f"SHA-256 of the {name}", code(digest[:12])) for name, digest in manifest.made_of.items()]
    return "## Lineage\n\n" + table(("", ""), rows)
