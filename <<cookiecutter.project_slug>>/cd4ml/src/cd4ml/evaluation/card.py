"""Write the model card: what the model predicts, how good it is, its limits, and its lineage.

This module makes the data; how it is shown is the business of the template, model_card.md.jinja.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from markupsafe import Markup

from cd4ml.bundle.manifest import Manifest
from cd4ml.contract.contract import Contract
from cd4ml.contract.split_rule import SplitRule
from cd4ml.errors import CardError
from cd4ml.evaluation.card_quality import metric_facts, slice_facts, summary_sentence
from cd4ml.evaluation.card_rows import RowSummary, column_facts, set_facts
from cd4ml.evaluation.card_template import fill_in
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
    cross_validation: dict[str, Any] | None = None
    """The metrics of a repeated cross-validation of the training set, if the test set is small."""
    accepted: Sequence[Waiver] = ()
    """The waivers in params.yaml for this bundle."""


def model_card(data: CardData, own_template: Path) -> str:
    """Return the card, in Markdown; the same data gives the same text.

    Args:
        data: what it is made from.
        own_template: the team's, which need not exist.

    Raises:
        CardError: the team's template fails, or leaves out the bundle's digest.
    """
    card = fill_in(card_facts(data), own_template)
    if data.manifest.digest not in card:
        raise CardError(
            f"{own_template} does not show {{{{ manifest.digest }}}}, which says what bundle the card is of; "
            "add it, or keep the block lineage"
        )
    return card


def card_facts(data: CardData) -> dict[str, Any]:
    """Return what a template of the card may name."""
    contract, train = data.contract, RowSummary.from_profile(data.profile)
    manifest, target = data.manifest, contract.target
    by = "team" if data.rule.is_of_team else "hash" if contract.time is None else "time"
    return {
        "contract": {
            "name": contract.name,
            "description": contract.description or "",
            "time": contract.time,
            "group": contract.group,
        },
        "target": {"name": target.name, "unit": target.unit or "", "description": target.description or ""},
        "decision": {
            "task": manifest.decision.task,
            "classes": [str(label) for label in manifest.decision.classes],
            "threshold": manifest.decision.threshold,
        },
        "sets": [set_facts("training set", train, target), set_facts("test set", data.test, target)],
        "split": {"by": by, "setting": data.rule.setting, "description": data.rule.description},
        "metrics": metric_facts(data.metrics, data.results),
        "summary": Markup(summary_sentence(data.results, data.metrics.main)),  # noqa: S704 - holds no free text
        "cross_validation": data.cross_validation,
        "pictures": [{"path": Markup(path), "title": title} for path, title in data.pictures.items()],  # noqa: S704
        "slices": slice_facts(data.slices, data.metrics.main),
        "columns": column_facts(contract, data.profile),
        "limits": _limit_facts(data),
        "manifest": {**msgspec.to_builtins(manifest), "version": manifest.version, "digest": manifest.digest},
        "accepted": [waiver.model_dump() for waiver in data.accepted],
    }


def _limit_facts(data: CardData) -> dict[str, Any]:
    columns, distributions = data.contract.columns, data.profile["columns"]
    categories = [name for name, rule in columns.items() if rule.type == "category"]
    return {
        "unknown_accepted": [name for name in categories if not columns[name].rejects_unknown],
        "never_null": [name for name, rule in columns.items() if rule.nullable and distributions[name]["nulls"] == 0],
        "unknown_classes": sorted(set(data.slices.get("confusion", ())) - set(data.manifest.decision.classes)),
    }
