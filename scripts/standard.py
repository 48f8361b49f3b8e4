"""Let a fork of this template set its company's defaults in one file, standard.toml.

`make standard` writes that file, and a hook that calls `apply` in the copy of the template that cookiecutter makes
before it asks its questions. Standard library only: it runs in whatever Python cookiecutter runs in.
"""

import json
import re
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "standard.toml"
HOOK = "hooks/pre_prompt.py"
HOOK_TEXT = f'''"""Generate with the defaults of {FILE}: docs/team-standard.md."""

import runpy

runpy.run_path("scripts/standard.py")["apply"]()
'''
OF_EACH_PROJECT = ("project_name", "project_slug", "description")
"""Questions whose answers no two projects share."""

_IMAGE = r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*:\w[\w.-]{0,127}(@sha256:[0-9a-f]{64})?"
_INDEX = r"(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost))(:[0-9]+)?(/[\w.~+-]+)+/?"
_LABEL = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_REGIONS = {"cloud-run": r"[a-z]+-[a-z]+[0-9]+", "fargate": r"[a-z]{2}(-[a-z]+)+-[0-9]", "aci": "[a-z0-9]+"}


class StandardError(Exception):
    """standard.toml holds something that no project can be made with."""


@dataclass(frozen=True)
class Key:
    """A key of standard.toml."""

    name: str
    comment: str
    """What it is for, in a few words."""
    expected: str
    """What may be written, with an example."""
    accepts: Callable[[Any], bool]
    default: str
    """What is true if it is not set, or an example if nothing is; as TOML."""


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _is_runner(value: Any) -> bool:
    labels = value if isinstance(value, list) else [value]
    return labels != [] and all(_matches(_LABEL)(label) for label in labels)


def _is_region(value: Any) -> bool:
    return isinstance(value, dict) and all(
        platform in _REGIONS and _matches(_REGIONS[platform])(region) for platform, region in value.items()
    )


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and len(value.splitlines()) == 1


def _are_checks(value: Any) -> bool:
    return isinstance(value, list) and all(
        _is_line(each) and each.isprintable() and "${{" not in each for each in value
    )


PROJECT_KEYS = (
    Key("runner", "where jobs run: the label of a runner, or a list of labels; the variable RUNNER has priority",
        'a label, or a list of labels such as ["self-hosted", "linux"]', _is_runner, '"ubuntu-24.04"'),
    Key("python_image", "what images are made from: Debian with Python",
        'an image with its tag, such as "python:3.12-slim"', _matches(_IMAGE), ""),
    Key("uv_image", "where images take uv from", 'an image with its tag, such as "ghcr.io/astral-sh/uv:0.13.8"',
        _matches(_IMAGE), ""),
    Key("index", "the package index, in place of the public one; then: make relock UPGRADE=no",
        'a URL without a password, such as "https://packages.example.org/simple"', _matches(_INDEX),
        '"https://packages.example.org/simple"'),
    Key("index_login", "true if the index asks for a name and a password", "true or false",
        lambda value: isinstance(value, bool), "false"),
    Key("region", "which region the pages and `make doctor` suggest",
        'regions by platform, such as {cloud-run = "europe-west1", fargate = "eu-west-1", aci = "westeurope"}',
        _is_region, '{cloud-run = "europe-west1", fargate = "eu-west-1", aci = "westeurope"}'),
    Key("checks", "commands that ci runs after those of the template, each as a step of its job `code`",
        'a list of commands, each on one line and without "${{", such as ["uv run pip-licenses"]', _are_checks, "[]"),
)  # fmt: skip
"""What no question asks."""


def answer_keys(context: Mapping[str, Any]) -> tuple[Key, ...]:
    """Return the questions of a cookiecutter.json whose defaults a company may set."""
    keys = []
    for name, default in context.items():
        if name.startswith("_") or name in OF_EACH_PROJECT:
            continue
        prompt = context["__prompts__"][name]
        if isinstance(default, list):
            expected = f"one of {', '.join(default)}"
            question = prompt["__prompt__"].partition(" (")[0]
            keys.append(Key(name, f"{question} {expected}", expected, default.__contains__, _toml(default[0])))
        else:
            keys.append(Key(name, prompt, "text on one line", _is_line, _toml(default)))
    return tuple(keys)


def applied(context: Mapping[str, Any], standard: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cookiecutter.json with the defaults of a standard.toml; both parsed.

    Raises:
        StandardError: a table or a key is not known, or a value is not what it has to be.
    """
    new = dict(context)
    for table in standard.keys() - {"answers", "project"}:
        raise StandardError(f"{table} is not known; expected the tables [answers] and [project]")
    for name, value in _checked(standard, "answers", answer_keys(context)):
        choices = new[name]
        chosen = [value, *(choice for choice in choices if choice != value)]
        new[name] = chosen if isinstance(choices, list) else f"<< {_toml(value)} >>"  # so that no text is an expression
    project = dict(_checked(standard, "project", PROJECT_KEYS))
    new["_standard"] = context["_standard"] | project
    if new["_standard"]["index_login"] and not new["_standard"]["index"]:
        raise StandardError("project.index_login is true, and project.index is not set; set it, or remove both")
    return new


def check_together(folder: Path, context: Mapping[str, Any], answers: Mapping[str, Any]) -> None:
    """Check what the template's own hook says of a project that takes all defaults.

    Raises:
        StandardError: it rejects one, such as a platform with a registry that it does not have.
    """
    check = runpy.run_path(str(folder / "hooks/pre_gen_project.py"))["check_answers"]
    defaults = {name: value[0] if isinstance(value, list) else value for name, value in context.items()}
    try:
        check({**defaults, **answers, "project_slug": "flight-delays"})
    except SystemExit as rejection:
        raise StandardError(f"answers.{rejection}") from None


def _checked(standard: Mapping[str, Any], table: str, keys: tuple[Key, ...]) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of a table.

    Raises:
        StandardError: as `applied`.
    """
    known = {key.name: key for key in keys}
    values = standard.get(table, {})
    if not isinstance(values, dict):
        raise StandardError(f"{table} is {_toml(values)}; expected a table, [{table}]")
    for name, value in values.items():
        if name not in known:
            raise StandardError(f"{table}.{name} is not a key; expected {', '.join(known)}")
        if not known[name].accepts(value):
            raise StandardError(f"{table}.{name} is {_toml(value)}; expected {known[name].expected}")
        yield name, value


def _toml(value: Any) -> str:
    """Return a value of TOML as it is written there; close enough for what is no text, in a message."""
    return json.dumps(value, ensure_ascii=False, default=str)


def first_text(context: Mapping[str, Any], dockerfile: str) -> str:
    """Return standard.toml as `make standard` writes it: every key with its default, none of them set."""
    images = {
        f"{name}_image": _toml(found[1])
        for name, stage in (("python", "base"), ("uv", "uv"))
        if (found := re.search(rf"^FROM (\S+) AS {stage}$", dockerfile, re.MULTILINE))
    }
    lines = [
        "# What the projects of this company have in common: the one file that a fork of the template edits.",
        "# docs/team-standard.md explains it. Remove `# ` before a key to set it; the others follow the template.",
        "", "[answers] # the defaults of the questions; whoever generates a project may answer otherwise",
    ]  # fmt: skip
    for table, keys in (("answers", answer_keys(context)), ("project", PROJECT_KEYS)):
        if table == "project":
            lines += ["", "[project] # what no question asks"]
        for key in keys:
            lines += ["", f"# {key.comment}", f"# {key.name} = {images.get(key.name, key.default)}"]
    return "\n".join(lines) + "\n"


def read(path: Path) -> dict[str, Any]:
    """Return what a standard.toml holds.

    Raises:
        StandardError: it does not exist or is not TOML, or this Python cannot read TOML.
    """
    try:
        import tomllib
    except ImportError:
        version = ".".join(map(str, sys.version_info[:2]))
        raise StandardError(f"cookiecutter runs on Python {version}; reading this file takes 3.11 or newer") from None
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise StandardError(f"there is no such file; make standard writes it, or remove {HOOK}") from None
    except (OSError, ValueError) as error:
        raise StandardError(f"not valid TOML: {error}") from None


def apply(folder: Path | None = None) -> None:
    """Write the defaults of standard.toml into the cookiecutter.json beside it, here unless a folder is named.

    Raises:
        SystemExit: standard.toml is wrong; says where in one line.
    """
    folder = folder or Path.cwd()
    path = folder / "cookiecutter.json"
    try:
        new = applied(json.loads(path.read_text(encoding="utf-8")), read(folder / FILE))
    except StandardError as error:
        sys.exit(f"{FILE}: {error}")
    path.write_text(json.dumps(new, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(folder: Path) -> None:
    """Write what is missing of standard.toml and its hook, and check what is there; nothing is overwritten.

    Raises:
        SystemExit: standard.toml is wrong; says where in one line.
    """
    context = json.loads((folder / "cookiecutter.json").read_text(encoding="utf-8"))
    dockerfile = (folder / "<<cookiecutter.project_slug>>/Dockerfile").read_text(encoding="utf-8")
    for name, text in ((FILE, first_text(context, dockerfile)), (HOOK, HOOK_TEXT)):
        if not (folder / name).exists():
            (folder / name).write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    try:
        standard = read(folder / FILE)
        check_together(folder, applied(context, standard), standard.get("answers", {}))
    except StandardError as error:
        sys.exit(f"{FILE}: {error}")
    names = [f"{table}.{name}" for table, values in standard.items() for name in values]
    print(f"{FILE} sets {', '.join(names)}" if names else f"{FILE} sets nothing yet: edit it")
    print(f"next: make test, and commit {FILE} and {HOOK}")


if __name__ == "__main__":
    main(Path(__file__).resolve().parent.parent)
