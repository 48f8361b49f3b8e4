"""The template's own Jinja filters: how what a user typed gets into files and folder names unharmed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import yaml
from cookiecutter.utils import simple_filter

TEMPLATE = Path(__file__).resolve().parent / "<<cookiecutter.project_slug>>"

# Characters JSON leaves as they are, but TOML, YAML or an editor would trip over.
_FRAGILE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

# Every character that can start Markdown or HTML inside a line; below, those that can only at its beginning.
_MARKUP = re.compile(r"([\\`*_\[\]<>&~|#$])")
_MARKUP_AT_START = re.compile(r"^(\d*)([-+=.)])")


def _in_quotes(text: str) -> str:
    return _FRAGILE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(str(text), ensure_ascii=False))


@simple_filter
def quoted(text: str) -> str:
    """`text` as a double-quoted string that TOML, YAML, JSON and Python all read back as `text`."""
    return _in_quotes(text)


@simple_filter
def markdown(text: str) -> str:
    """`text` on one line of Markdown, shown as typed: markup in it is escaped."""
    return _MARKUP_AT_START.sub(r"\1\\\2", _MARKUP.sub(r"\\\1", str(text).strip()))


@simple_filter
def package(slug: str) -> str:
    """The import name of a project: `flight-delays` -> `flight_delays`.

    Stops cookiecutter at a slug that is not the name of one folder. pre_gen rejects every other bad slug, but
    only when the folder has been made: of `../a/b` it would leave `../a`, and 300 characters never get there.
    """
    if not slug.strip(".") or "/" in slug or len(slug.encode()) > 100:
        sys.exit(f"project_slug: {slug[:60]!r} is not one folder's name; an answer that works: flight-delays")
    return slug.replace("-", "_")


@simple_filter
def locked(lock: str) -> str:
    """The names of all packages in the generated project's lock file, separated by spaces."""
    path = TEMPLATE / lock
    if not path.is_file():  # while `make relock` writes the first one
        return ""
    return " ".join(re.findall(r'^name = "([a-z0-9-]+)"$', path.read_text(encoding="utf-8"), re.MULTILINE))


@simple_filter
def folder_of_the_template(path: str) -> str:
    """The absolute path of something in the template; of an empty path, the template's folder itself."""
    return str(TEMPLATE.parent / path)


@simple_filter
def label(runner: str | list[str]) -> str:
    """A runner's label, or a list of them, as it is written in an expression of GitHub's."""
    return f"'{runner}'" if isinstance(runner, str) else f"fromJSON('{json.dumps(runner)}')"


@simple_filter
def plain(command: str) -> str:
    """A command as a value in YAML: as it is where YAML reads that back, else in quotes."""
    try:
        unharmed = yaml.safe_load(f"run: {command}") == {"run": command}
    except yaml.YAMLError:
        unharmed = False
    return command if unharmed else _in_quotes(command)
