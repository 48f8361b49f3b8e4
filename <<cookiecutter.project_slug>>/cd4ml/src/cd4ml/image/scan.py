"""The verb `scan-image`: reject build/image.tar if it has a critical vulnerability that a newer version fixes.

ACCEPT_FINDINGS="CVE-2026-1234 ..." lets these pass, NO_DATABASE=accepted an image that nobody scanned. What the
platform runs before the service is scanned with it.
"""

import os
import subprocess  # trivy, with arguments that the library chooses
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cd4ml.delivery.actions_io import add_to_summary
from cd4ml.delivery.pinned_tools import TRIVY, find_tool
from cd4ml.deploy.clouds import sidecar
from cd4ml.errors import UserError
from cd4ml.files.atomic import scratch_folder
from cd4ml.files.temporary import signals_unwind
from cd4ml.image.archive_file import ARCHIVE, archive_sha256
from cd4ml.image.findings import Findings, Report, judge_report, kinds_of_packages
from cd4ml.settings.project import read_project
from cd4ml.terminal.arguments import Arguments

_REPORT, _SIDECAR_REPORT = Path("build/scan.json"), Path("build/scan-sidecar.json")
_FOUND = 3  # the exit code that trivy is asked to end with if it found something
_QUIET = {"TRIVY_SKIP_VERSION_CHECK": "true", "TRIVY_DISABLE_TELEMETRY": "true"}


@dataclass(frozen=True)
class _Trivy:
    """The scanner, and a folder of this process for what it writes."""

    program: str
    folder: Path

    def run(self, *arguments: str) -> int:
        """Run it, which prints for itself; return its exit code."""
        sys.stdout.flush()
        return subprocess.run([self.program, *arguments], check=False, env=os.environ | _QUIET).returncode

    def examine(self, report: Path, packages: str, what: str, *image: str) -> Findings:
        """Look into one image, in which there are packages of a kind that trivy has to see.

        Args:
            report: where its report goes.
            packages: the kind, in trivy's words.
            what: how messages name the image.
            image: trivy's arguments that name it.

        Raises:
            UserError: trivy failed, or saw no package of that kind: nothing was scanned.
        """
        new, ignored = self.folder / "scan.json", self.folder / "ignored"
        ignored.touch()  # nothing: what is let pass is said in ACCEPT_FINDINGS
        options = ["--skip-db-update", "--scanners", "vuln", "--severity", "CRITICAL", "--ignore-unfixed"]
        options += ["--ignorefile", str(ignored), "--list-all-pkgs", "--exit-code", str(_FOUND)]
        code = self.run("image", "--no-progress", *image, *options, "--format", "json", "--output", str(new))
        if code not in (0, _FOUND):
            raise UserError(f"trivy failed (exit code {code}), so {what} counts as not scanned")
        try:
            content = msgspec.json.decode(new.read_bytes(), type=Report)
        except (OSError, msgspec.DecodeError):
            raise UserError(f"trivy wrote no report that can be read, so {what} counts as not scanned") from None
        if packages not in kinds_of_packages(content):
            raise UserError(f"trivy saw nothing of the type {packages} in {what}, so it looked at something else")
        new.replace(report)
        findings = judge_report(content, os.environ.get("ACCEPT_FINDINGS", "").split())
        if code == _FOUND:
            self.run("convert", "--quiet", "--format", "table", str(report))
            if not findings.rejected and not findings.accepted:
                raise UserError(f"trivy says that it found something, and {report} does not name it")
        return findings


def main(argv: list[str]) -> None:
    """Scan the archive, and what the platform runs before the service; print and summarise what was found.

    Raises:
        UserError: something critical was found that nobody accepts; or there is no archive, it is another than the one
            that was built, or it could not be scanned.
    """
    Arguments("scan-image").parse_args(argv)
    project, sha256 = read_project(), archive_sha256()
    program = find_tool(TRIVY)
    with signals_unwind(), scratch_folder(ARCHIVE) as folder:
        trivy = _Trivy(program, folder)
        if trivy.run("image", "--no-progress", "--download-db-only"):
            _check_accepted_without_database()
            return
        layout, what = folder / "layout", f"{ARCHIVE}, sha256 {sha256}"
        _unpack(layout)
        rejected = _report(trivy.examine(_REPORT, "python-pkg", what, "--input", str(layout)), what)
        if beside := sidecar(project.platform):
            remote = ("--image-src", "remote", beside)
            rejected += _report(trivy.examine(_SIDECAR_REPORT, "gobinary", beside, *remote), beside)
    if rejected:
        names = " ".join(dict.fromkeys(rejected))
        raise UserError(
            "take newer versions (uv lock --upgrade, the base image, or a newer cd4ml/), or let it pass: "
            f'ACCEPT_FINDINGS="{names}"'
        )


def _check_accepted_without_database() -> None:
    if os.environ.get("NO_DATABASE") != "accepted":
        raise UserError(
            "there is no database of vulnerabilities to look in; run it again, or let it pass: NO_DATABASE=accepted"
        )
    _tell("**not scanned**: there was no database of vulnerabilities, which NO_DATABASE=accepted lets pass")


def _report(findings: Findings, what: str) -> list[str]:
    """Print and summarise what was found in an image; return what nobody accepts."""
    if findings.accepted:
        _tell(f"**accepted by name**: {' '.join(findings.accepted)}")
    if findings.rejected:
        _tell(f"**rejected**: critical, and fixed by a newer version, in {what}: {' '.join(findings.rejected)}")
    else:
        _tell(f"nothing critical that can be fixed in {what}")
    return findings.rejected


def _tell(text: str) -> None:
    print(f"scan-image: {text}")
    add_to_summary(f"scan-image: {text}")


def _unpack(layout: Path) -> None:
    """Unpack the archive into a folder: trivy reads an image's layout in a folder alone.

    Raises:
        UserError: it is no archive.
    """
    try:
        with tarfile.open(ARCHIVE) as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # since Python 3.11.4
            tar.extractall(layout)  # noqa: S202 - its checksum is that of the image which was built
    except tarfile.TarError:
        raise UserError(f"{ARCHIVE} is no archive of an image; run uv run cd4ml archive-image") from None
