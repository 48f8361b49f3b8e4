"""The verdict: findings and waivers, as text for the terminal, Markdown for a pull request, and JSON for programs."""

from dataclasses import dataclass, replace
from typing import Any, Self

from cd4ml.bundle.manifest import Manifest
from cd4ml.evaluation.formatting import format_number
from cd4ml.evaluation.markdown import code_span, escape, markdown_table
from cd4ml.evaluation.results import round_significant
from cd4ml.gate.champion import Champion
from cd4ml.gate.comparison import Difference
from cd4ml.gate.limits import limits_section
from cd4ml.gate.rules import Finding, format_gain
from cd4ml.settings.params import Waiver
from cd4ml.terminal.output import align

_MARKS = {"passed": "✅", "rejected": "❌", "accepted": "⚠️", "not judged": "\N{EN DASH}"}


@dataclass(frozen=True)
class ChampionSummary:
    """The champion as a verdict names it: which bundle it is, and where it was found."""

    branch: str
    revision: str
    version: str
    digest: str

    @classmethod
    def of(cls, champion: Champion) -> Self:
        """Return the summary of a champion."""
        return cls(champion.branch, champion.revision, champion.bundle.version, champion.bundle.manifest.digest)


@dataclass(frozen=True)
class Verdict:
    """The gate's decision about one bundle, and what it is based on."""

    challenger: Manifest
    rows: int
    """Of the test set."""
    champion: ChampionSummary | None
    findings: list[Finding]
    metrics: list[Difference]
    """Every metric beside the champion's, or the baseline's if no champion can be scored; empty if not compared."""
    accepted: list[Waiver]
    """The waivers that accept a broken rule of this bundle."""
    unused: list[Waiver]
    """The waivers of another bundle, or of a rule that is not broken."""

    @property
    def rejected(self) -> list[Finding]:
        """The rules that are broken and not accepted."""
        return [finding for finding in self.findings if finding.result == "rejected"]

    @property
    def passed(self) -> bool:
        """Whether this bundle may be released."""
        return not self.rejected

    @property
    def power(self) -> Finding | None:
        """How large a loss the test set shows, if there is a champion to compare with."""
        return next((one for one in self.findings if one.rule == "power" and one.numbers), None)

    @property
    def is_compared(self) -> bool:
        """Whether it was compared with the champion or the baseline: it is not if its scores are not the pipeline's."""
        return any(finding.rule == "champion" for finding in self.findings)


def is_waived(rule: str, waivers: list[Waiver], version: str) -> bool:
    """Return whether a waiver accepts a rule for the bundle of a version."""
    return any(waiver.rule == rule and waiver.bundle == version for waiver in waivers)


def apply_waivers(
    findings: list[Finding], waivers: list[Waiver], version: str
) -> tuple[list[Finding], list[Waiver], list[Waiver]]:
    """Return the findings after the waivers of exactly this bundle, the waivers that were needed, and the others."""
    by_rule = {waiver.rule: waiver for waiver in waivers if waiver.bundle == version}
    used = [by_rule[finding.rule] for finding in findings if finding.result == "rejected" and finding.rule in by_rule]
    accepted = {waiver.rule for waiver in used}
    after = [replace(finding, result="accepted") if finding.rule in accepted else finding for finding in findings]
    return after, used, [waiver for waiver in waivers if waiver not in used]


def as_text(verdict: Verdict) -> str:
    """Return the verdict for a terminal."""
    header = ("rule", "result", "measured", "allowed")
    rows = [(finding.rule, finding.result, finding.measured, finding.allowed) for finding in verdict.findings]
    lines = [_both_models(verdict), "", *(f"  {line}" for line in align([header, *rows]).splitlines())]
    lines += [f"accepted: {waiver.rule}: {_reason(waiver)}" for waiver in verdict.accepted]
    lines += [f"unused waiver: {waiver.rule} for {waiver.bundle}" for waiver in verdict.unused]
    lines += [f"rejected: {finding.rule}: {finding.why}" for finding in verdict.rejected]
    if verdict.passed:
        lines.append(f"passed: {verdict.challenger.version} may be released; next: git add -A && git commit")
    return "\n".join(lines)


def _both_models(verdict: Verdict) -> str:
    """Return a line about the champion or the baseline, one about the challenger, and the loss that would be seen.

    Only the line about the challenger if it was not compared.
    """
    main = verdict.metrics[0] if verdict.metrics else None
    challenger_value = f"{main.metric.name} {format_number(main.challenger)}" if main else ""
    other_value = f"{main.metric.name} {format_number(main.other)}" if main else ""
    if verdict.champion is not None:
        source = f"{verdict.champion.branch} at {verdict.champion.revision[:7]}"
        other = ("champion", verdict.champion.version, source, other_value, "")
    else:
        unknown = any(finding.rule == "champion" and finding.result != "passed" for finding in verdict.findings)
        reason = "the champion is not known" if unknown else "there is no champion yet"
        other = ("baseline", "", reason, other_value, "")
    rows = f"test set of {verdict.rows:,} rows"
    gain = format_gain(main) if main else ""
    challenger = ("challenger", verdict.challenger.version, rows, challenger_value, gain)
    both = align([other, challenger] if verdict.is_compared else [challenger])
    return f"{both}\nthe test set {verdict.power.measured} in four cases out of five" if verdict.power else both


def as_markdown(verdict: Verdict) -> str:
    """Return the verdict for a pull request."""
    result = "passed" if verdict.passed else "rejected"
    title = f"## {_MARKS[result]} Gate: {code_span(verdict.challenger.version)} {result}"
    notes = [f"- **rejected: {finding.rule}**: {escape(finding.why)}" for finding in verdict.rejected]
    notes += [f"- **accepted: {waiver.rule}**: {escape(_reason(waiver))}" for waiver in verdict.accepted]
    notes += [f"- unused waiver: {waiver.rule} for {code_span(waiver.bundle)}" for waiver in verdict.unused]
    rules = [
        (
            f"{_MARKS[finding.result]} {finding.result}",
            finding.rule,
            escape(finding.measured),
            escape(finding.allowed),
        )
        for finding in verdict.findings
    ]
    waiver = next((waiver for waiver in verdict.accepted if waiver.rule == "limits"), None)
    sections = [
        *(limits_section(finding, waiver) for finding in verdict.findings if finding.rule == "limits"),
        title,
        _comparison_sentence(verdict),
        "\n".join(notes),
        markdown_table(("", "rule", "measured", "allowed"), rules),
        _metrics_table(verdict),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _comparison_sentence(verdict: Verdict) -> str:
    if not verdict.is_compared:
        return "Not compared with another model, because the scores are not the pipeline's."
    other = "the baseline, because there is no champion to compare with"
    if verdict.champion is not None:
        other = (
            f"the champion {code_span(verdict.champion.version)}, "
            f"which {code_span(verdict.champion.branch)} names at {code_span(verdict.champion.revision[:7])}"
        )
    sentence = f"Compared on the {verdict.rows:,} rows of the test set with {other}."
    return f"{sentence} The test set {verdict.power.measured} in four cases out of five." if verdict.power else sentence


def _metrics_table(verdict: Verdict) -> str:
    if not verdict.metrics:
        return ""
    rows = [
        (
            difference.metric.label,
            f"**{format_number(difference.challenger)}**",
            format_number(difference.other),
            format_gain(difference),
        )
        for difference in verdict.metrics
    ]
    other = "champion" if verdict.champion is not None else "baseline"
    table = markdown_table(("metric", "challenger", other, "gain, 95 % interval"), rows, right=(1, 2, 3))
    return (
        f"{table}\n\nA gain below 0 is a loss. Its interval comes from the paired bootstrap: both models are evaluated "
        "on the same resampled rows."
    )


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return the content of reports/gate.json; it does not depend on when it is written."""
    return {
        "bundle": verdict.challenger.version,
        "digest": verdict.challenger.digest,
        "passed": verdict.passed,
        "rows": verdict.rows,
        "detectable_loss": _rounded(verdict.power.numbers["detectable_loss"]) if verdict.power else None,
        "champion": None if verdict.champion is None else vars(verdict.champion),
        "rules": [finding_as_json(finding) for finding in verdict.findings],
        "accepted": [waiver.model_dump() for waiver in verdict.accepted],
    }


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """Return a rule's entry in reports/gate.json."""
    return (
        {"rule": finding.rule, "result": finding.result, "measured": finding.measured, "allowed": finding.allowed}
        | ({"why": finding.why} if finding.why else {})
        | ({"numbers": _rounded(finding.numbers)} if finding.numbers else {})
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return round_significant(value) if isinstance(value, float) else value


def _reason(waiver: Waiver) -> str:
    return f"{waiver.reason} (by {waiver.by}, for {waiver.bundle} alone)"
