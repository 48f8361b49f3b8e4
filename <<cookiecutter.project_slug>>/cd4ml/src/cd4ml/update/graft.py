"""What a project without `.cd4ml.toml` was generated from: its answers, and the version that it is most like."""

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from cd4ml.terminal.output import report
from cd4ml.update.generation import generate
from cd4ml.update.layout import layout_here
from cd4ml.update.project_toml import parse_toml
from cd4ml.update.record import Record, UpdateError
from cd4ml.update.template import Template
from cd4ml.update.trees import files_of, project_files

_PROBLEMS = ("classification", "regression")
_LICENSES = {"MIT License": "MIT", "Apache License": "Apache-2.0", "BSD 3-Clause": "BSD-3-Clause"}


@dataclass(frozen=True)
class Candidate:
    """A version and answers that a project may be made of."""

    record: Record
    alike: int
    """How many of its files the project has, as they were generated."""
    files: int


def deduce(template: Template, base: str, problem: str, scratch: Path) -> Record:
    """Return what the project in this folder was most probably generated from.

    Args:
        template: the template.
        base: the version that the user names; empty: the one whose files the project has most of.
        problem: the answer that the user names; empty: that of which the project has most files.
        scratch: an empty folder.

    Raises:
        UpdateError: this is no project of the template's.
    """
    answers = answers_of(Path())
    versions = {base: template.find(base)} if base else _without_a_record(template)
    found = [
        _compared(
            template, Record("", template.revision(commit).version, commit, answers | {"problem": example}), scratch
        )
        for (version, commit), example in product(versions.items(), [problem] if problem else _PROBLEMS)
    ]
    best = max(found, key=lambda candidate: candidate.alike / candidate.files, default=None)
    if best is None or not best.alike:
        raise UpdateError("this folder is like no version of the template; BASE=v0.1.0 names the one it was made of")
    what = f"{best.record.version}, {best.record.answers['problem']}"
    report(f"made from {what}: {best.alike} of {best.files} files are as generated; BASE=... and SET=... say otherwise")
    return best.record


def answers_of(project: Path) -> dict[str, str]:
    """Return the answers that a project's files show.

    Raises:
        UpdateError: it has no pyproject.toml of a project, or that is not TOML.
    """
    path = project / "pyproject.toml"
    if not path.is_file():
        raise UpdateError("there is no pyproject.toml here: name the folder of a project")
    content = parse_toml(path.read_text(encoding="utf-8"), "pyproject.toml")
    about = content.get("project", {})
    address = re.match(r"https://[^/]+/([^/]+)/", about.get("urls", {}).get("Repository", ""))
    settings = content.get("tool", {}).get("cd4ml", {})
    answers = {
        "project_slug": about.get("name"),
        "project_name": _title(project / "README.md"),
        "description": about.get("description"),
        "author": next((author.get("name") for author in about.get("authors", ())), None),
        "github_owner": address[1] if address else None,
        "license": _license(project / "LICENSE"),
        **{key: settings.get(key) for key in ("platform", "credentials", "registry")},
    }
    return {question: str(answer) for question, answer in answers.items() if answer}


def _without_a_record(template: Template) -> dict[str, str]:
    """Return the released versions that wrote no `.cd4ml.toml`."""
    return template.known.get("versions", {}) if template.known else template.released()


def _compared(template: Template, record: Record, scratch: Path) -> Candidate:
    """Generate from a record, and count the files that the project has as they were generated."""
    layout, name = layout_here(), f"{record.version}-{record.answers['problem']}"
    generation = generate(template, record.commit, record.answers, layout, scratch / name)
    generated, ours = files_of(generation.tree), project_files("HEAD", layout)
    alike = sum(ours.get(path) == entry for path, entry in generated.items())
    return Candidate(record, alike, len(generated))


def _title(readme: Path) -> str | None:
    """Return the first heading of a README, without the backslashes before its markup."""
    if not readme.is_file():
        return None
    found = re.search(r"^# (.+)$", readme.read_text(encoding="utf-8"), re.MULTILINE)
    return re.sub(r"\\(?=\W)", "", found[1]).strip() if found else None


def _license(path: Path) -> str | None:
    """Return which license a file has; None if it is missing."""
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    return next((name for words, name in _LICENSES.items() if words in text), "Proprietary")
