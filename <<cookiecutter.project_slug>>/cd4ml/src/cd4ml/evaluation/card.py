"""Write the model card: what the model predicts, how good it is, its limits, and its lineage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cd4ml.bundle.decision import Decision
from cd4ml.bundle.manifest import Manifest
from cd4ml.contract.contract import Contract, Target
from cd4ml.contract.split_rule import SplitRule
from cd4ml.evaluation.card_quality import quality_section, slices_section
from cd4ml.evaluation.card_rows import RowSummary, columns_section, day_of, sets_section
from cd4ml.evaluation.markdown import code_span, escape, markdown_table
from cd4ml.evaluation.metric_set import MetricSet
from cd4ml.settings.params import Waiver


@dataclass(frozen=True)
class CardData:
    """Everything that the card is made from."""

    manifest: Manifest
    contract: Contract
    profile: dict[str, Any]
    """The bundle's training profile."""
    metrics: MetricSet
    results: dict[str, Any]
    """The content of reports/metrics.json."""
    slices: dict[str, Any]
    """The content of reports/slices.json."""
    pictures: dict[str, str]
    """Each picture's title, by its path relative to the card."""
    test: RowSummary
    rule: SplitRule
    """By which the test set was chosen."""
    accepted: Sequence[Waiver] = ()
    """The waivers in params.yaml for this bundle."""


def model_card(data: CardData) -> str:
    """Return the card, in Markdown; the same data gives the same text."""
    sections = [
        _title(data.contract),
        _purpose(data.contract, data.manifest.decision),
        sets_section(data.rule, RowSummary.from_profile(data.profile), data.test),
        quality_section(data.contract, data.results, data.metrics),
        "\n".join(f"![{title}]({path})" for path, title in data.pictures.items()),
        slices_section(data.slices, data.contract.task, data.metrics.main),
        columns_section(data.contract, data.profile),
        _limits(data),
        _lineage(data.manifest, data.accepted),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _title(contract: Contract) -> str:
    title = f"# {escape(contract.name)}"
    return f"{title}\n\n{escape(contract.description)}" if contract.description else title


def _purpose(contract: Contract, decision: Decision) -> str:
    target = contract.target
    meaning = f": {escape(target.description)}" if target.description else ""
    meaning += "" if meaning.endswith((".", "?", "!")) else "."
    return (
        f"## What it predicts\n\n{code_span(target.name)}{meaning}\n\n{_prediction(target, decision)} It uses the "
        f"{len(contract.columns)} columns listed below, and predicts each row on its own."
    )


def _prediction(target: Target, decision: Decision) -> str:
    if decision.task == "binary":
        return f"It predicts a probability, and true if the probability is at least {decision.threshold:.3g}."
    if decision.task == "regression":
        return f"It predicts a number{f', in {escape(target.unit)}' if target.unit else ''}."
    return f"It predicts a probability for each of {_listed(decision.classes)}, and the most probable class."


def _limits(data: CardData) -> str:
    lines = [
        _limit_of_time(data.contract, data.test),
        "Numbers: the quality was not measured separately for small and large values; outside the range of the "
        "training set, the model extrapolates.",
        *_limits_of_values(data),
        "Causes: the model uses correlations; it does not predict the effect of changing a value.",
    ]
    if data.manifest.runtime == "sklearn":
        lines.append(f"Runtime: {escape(data.manifest.reason)}; this makes the service slower and its image larger.")
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _limit_of_time(contract: Contract, test: RowSummary) -> str:
    if contract.time is None:
        return "Time: the contract names no time, so it was not tested whether the quality lasts."
    return f"Time: the test set ends on {day_of(test.last)}; later days, and seasons that it lacks, were not tested."


def _limits_of_values(data: CardData) -> Iterator[str]:
    columns, distributions = data.contract.columns, data.profile["columns"]
    left_out = [f"{count} of {code_span(name)}" for name, count in data.slices["left_out"].items()]
    if left_out:
        yield f"Values without a slice, because of too few rows or too many values: {', '.join(left_out)}."
    open_ended = [name for name, rule in columns.items() if rule.type == "category" and not rule.rejects_unknown]
    if open_ended:
        yield f"Unknown values are accepted without a warning: {_listed(open_ended)}."
    never_null = [name for name, rule in columns.items() if rule.nullable and distributions[name]["nulls"] == 0]
    if never_null:
        yield f"Nulls are allowed, but the training set has none: {_listed(never_null)}."
    unknown = sorted(set(data.slices.get("confusion", ())) - set(data.manifest.decision.classes))
    if unknown:
        yield f"Classes of the test set that the training set lacks, and that are never predicted: {_listed(unknown)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(code_span(name) for name in names)


def _lineage(manifest: Manifest, accepted: Sequence[Waiver]) -> str:
    rows = [("version", code_span(manifest.version)), ("digest", code_span(manifest.digest))]
    rows += [("newest day of the data", manifest.until)] if manifest.until else []
    rows += [("runtime", escape(manifest.reason))]
    rows += [("threshold", f"{manifest.threshold:.6g}")] if manifest.threshold is not None else []
    rows += [(f"accepted: {waiver.rule}", f"{escape(waiver.reason)} (by {escape(waiver.by)})") for waiver in accepted]
    rows += [(f"SHA-256 of the {name}", code_span(digest[:12])) for name, digest in manifest.made_of.items()]
    return "## Lineage\n\n" + markdown_table(("", ""), rows)
