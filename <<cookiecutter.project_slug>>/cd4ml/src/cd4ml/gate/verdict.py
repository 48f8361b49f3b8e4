"""Findings and waivers to a verdict: for the terminal, for a pull request, and for the programs that release."""

from dataclasses import dataclass, replace
from typing import Any

from cd4ml.bundle.manifest import Manifest
from cd4ml.evaluation.formatting import shown
from cd4ml.evaluation.markdown import code, plain
from cd4ml.evaluation.markdown import table as markdown_table
from cd4ml.evaluation.results import significant
from cd4ml.gate.comparison import Difference
from cd4ml.gate.rules import Finding, gained
from cd4ml.settings.params import Waiver
from cd4ml.terminal.output import align

_MARKS = {"passed": "✅", "refused": "❌", "accepted": "⚠️", "not judged": "\N{EN DASH}"}


@dataclass(frozen=True)
class Opponent:
    """The champion as a verdict names it: where it was found and which bundle it is."""

    branch: str
    revision: str
    version: str
    digest: str


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one bundle."""

    challenger: Manifest
    rows: int
    champion: Opponent | None
    findings: list[Finding]
    metrics: list[Difference]
    """Every metric beside the champion's, or the baseline's where there is none that can be scored."""
    accepted: list[Waiver]
    """The waivers that were needed, and took effect."""
    unused: list[Waiver]
    """The waivers that name another bundle, or a rule that was not broken."""

    @property
    def refused(self) -> list[Finding]:
        """The rules that are broken and not waived."""
        return [finding for finding in self.findings if finding.result == "refused"]

    @property
    def passed(self) -> bool:
        """Whether this bundle may be released."""
        return not self.refused


def waived(findings: list[Finding], accepted: list[Waiver], version: str) -> tuple[list[Finding], list[Waiver]]:
    """Return the findings with waivers of exactly this bundle applied, and the waivers that took effect."""
    ours = {waiver.rule: waiver for waiver in accepted if waiver.bundle == version}
    used = [ours[finding.rule] for finding in findings if finding.result == "refused" and finding.rule in ours]
    rules = {waiver.rule for waiver in used}
    return [replace(one, result="accepted") if one.rule in rules else one for one in findings], used


def as_text(verdict: Verdict) -> str:
    """Return the verdict for a terminal."""
    header = ("rule", "result", "measured", "allowed")
    lines = [(one.rule, one.result, one.measured, one.allowed) for one in verdict.findings]
    told = [_sides(verdict), "", *(f"  {line}" for line in align([header, *lines]).splitlines())]
    told += [f"accepted: {_accepted(waiver)}" for waiver in verdict.accepted]
    told += [f"not used: gate.accept of {waiver.rule} for {waiver.bundle}" for waiver in verdict.unused]
    told += [f"refused: {one.rule}: {one.why}" for one in verdict.refused]
    if verdict.passed:
        told.append(f"passed: {verdict.challenger.version} may be released; next: git add -A && git commit")
    return "\n".join(told)


def _sides(verdict: Verdict) -> str:
    main = verdict.metrics[0] if verdict.metrics else None
    name = f"{main.metric.name} " if main else ""
    ours, theirs = (f"{name}{shown(value)}" for value in ((main.challenger, main.other) if main else (None, None)))
    champion = ("baseline", "trivial", "none on production or main yet", theirs)
    if verdict.champion is not None:
        where = f"{verdict.champion.branch} at {verdict.champion.revision[:7]}"
        champion = ("champion", verdict.champion.version, where, theirs)
    elif any(one.rule == "champion" and one.result != "passed" for one in verdict.findings):
        champion = ("baseline", "trivial", "the champion is not known", theirs)
    return align([champion, ("challenger", verdict.challenger.version, f"{verdict.rows:,} rows held out", ours)])


def as_markdown(verdict: Verdict) -> str:
    """Return the verdict for a pull request."""
    head = "passed" if verdict.passed else "refused"
    title = f"## {'✅' if verdict.passed else '❌'} Gate: {code(verdict.challenger.version)} {head}"
    against = "the trivial baseline; there is no champion to compare with"
    if verdict.champion is not None:
        against = (
            f"the champion {code(verdict.champion.version)}, "
            f"which {code(verdict.champion.branch)} names at {code(verdict.champion.revision[:7])}"
        )
    said = [f"- **refused: {one.rule}**: {plain(one.why)}" for one in verdict.refused]
    said += [f"- **accepted: {waiver.rule}**: {plain(_reason(waiver))}" for waiver in verdict.accepted]
    said += [f"- not used: the waiver of {waiver.rule} for {code(waiver.bundle)}" for waiver in verdict.unused]
    rows = [
        (f"{_MARKS[one.result]} {one.result}", one.rule, plain(one.measured), plain(one.allowed))
        for one in verdict.findings
    ]
    other = "champion" if verdict.champion is not None else "baseline"
    metrics = [
        (one.metric.label, f"**{shown(one.challenger)}**", shown(one.other), gained(one)) for one in verdict.metrics
    ]
    sections = [
        title,
        f"Judged on the same {verdict.rows:,} held-out rows as {against}.",
        "\n".join(said),
        markdown_table(("", "rule", "measured", "allowed"), rows),
        markdown_table(("metric", "challenger", other, "gain, 95 % interval"), metrics, right=(1, 2, 3)),
        "A gain below 0 is a loss. Its interval is the paired bootstrap's: both are asked the same resampled rows."
        if metrics
        else "",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict for a program; nothing in it depends on when it is written."""
    return {
        "bundle": verdict.challenger.version,
        "digest": verdict.challenger.digest,
        "passed": verdict.passed,
        "rows": verdict.rows,
        "champion": None if verdict.champion is None else vars(verdict.champion),
        "rules": [
            {"rule": one.rule, "result": one.result, "measured": one.measured, "allowed": one.allowed}
            | ({"why": one.why} if one.why else {})
            | ({"numbers": _rounded(one.numbers)} if one.numbers else {})
            for one in verdict.findings
        ],
        "accepted": [waiver.model_dump() for waiver in verdict.accepted],
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return significant(value) if isinstance(value, float) else value


def _accepted(waiver: Waiver) -> str:
    return f"{waiver.rule}: {_reason(waiver)}"


def _reason(waiver: Waiver) -> str:
    return f"{waiver.reason} (by {waiver.by}, for {waiver.bundle} alone)"
