"""What a scanner's report says of an image: which vulnerabilities, and which of them nobody has accepted. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec


class Vulnerability(msgspec.Struct):
    """A vulnerability in trivy's report."""

    id: str = msgspec.field(name="VulnerabilityID")


class Packages(msgspec.Struct, rename="pascal"):
    """Packages of one kind in an image, and those of their vulnerabilities that trivy was asked for."""

    type: str = ""
    vulnerabilities: list[Vulnerability] | None = None


class Report(msgspec.Struct, rename="pascal"):
    """A report of trivy's, as far as it is read here."""

    results: list[Packages] | None = None


@dataclass(frozen=True)
class Findings:
    """The critical vulnerabilities in an image that a newer version fixes, by their ids."""

    rejected: list[str]
    accepted: list[str]
    """Those that ACCEPT_FINDINGS names."""


def judge_report(report: Report, accept: Collection[str]) -> Findings:
    """Return the findings in a report, those of `accept` apart."""
    found = {each.id for packages in report.results or [] for each in packages.vulnerabilities or []}
    return Findings(sorted(found - set(accept)), sorted(found & set(accept)))


def kinds_of_packages(report: Report) -> set[str]:
    """Return which kinds of packages trivy saw, such as python-pkg."""
    return {packages.type for packages in report.results or []}
