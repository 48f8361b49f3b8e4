"""Read a YAML file into a typed model; say file, line and key of each mistake."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cd4ml.errors import UserError

M = TypeVar("M", bound=BaseModel)


class Section(BaseModel):
    """A part of a settings file: unknown keys and values of another type are refused, and nothing changes later."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def read_yaml(path: Path, model: type[M], error: type[UserError]) -> M:
    """Return the file as `model`.

    Raises:
        error: the file is absent, is no YAML, or does not fit; one line a mistake, each with its line number.
    """
    values = _load(path, error, "safe")
    try:
        return model.model_validate(values)
    except ValidationError as invalid:
        raise error(describe_errors(path, invalid, error)) from None


def describe_errors(path: Path, invalid: ValidationError, error: type[UserError], under: tuple[str, ...] = ()) -> str:
    """Return one line for each mistake that pydantic found in the part of the file below the keys `under`."""
    tree = _load(path, error, "rt")  # the round-trip form remembers the line of every key
    return "\n".join(_describe(path, tree, mistake, under) for mistake in invalid.errors())


def _load(path: Path, error: type[UserError], form: str) -> Any:
    from ruamel.yaml import YAML  # not there in the image, which reads a bundle's JSON
    from ruamel.yaml.error import MarkedYAMLError

    if not path.exists():
        raise error(f"{path} is not here; run this from the project's folder")
    try:
        tree = YAML(typ=form, pure=True).load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        where = f":{mark.line + 1}" if mark else ""
        raise error(f"{path}{where}: not valid YAML: {(broken.problem or broken.context).splitlines()[0]}") from None
    if not isinstance(tree, dict):
        raise error(f"{path} holds no `key: value` lines; write them, or take the file back from git")
    return tree


def _describe(path: Path, tree: Any, mistake: Any, under: tuple[str, ...]) -> str:
    keys = (*under, *mistake["loc"])
    line, known = _line_of(tree, keys)
    name = ".".join(str(key) for key in known)
    where = f"{path}:{line}:"
    kind, context = mistake["type"], mistake.get("ctx", {})
    if kind == "missing":
        parent = ".".join(str(key) for key in keys[:-1])
        return f"{where} {keys[-1]} is missing{f' under {parent}' if parent else ''}; add it"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where} {name} is not a key known here; check its spelling, or remove it"
    if kind == "value_error":
        return f"{where} {name + ': ' if name else ''}{context.get('error', mistake['msg'])}"
    if kind == "literal_error":
        return f"{where} {name} is {_shown(mistake['input'])}; write {context['expected']}"
    wanted = mistake["msg"].removeprefix("Input should be ")
    return f"{where} {name} is {_shown(mistake['input'])}; write {wanted}"


def _line_of(tree: Any, keys: tuple[Any, ...]) -> tuple[int, tuple[Any, ...]]:
    """Return the line, from 1, of the deepest key that is really in the file, and the path to it."""
    line = 1
    known: tuple[Any, ...] = ()
    for key in keys:
        try:
            position = tree.lc.data[key]
            tree = tree[key]
        except (AttributeError, KeyError, TypeError, IndexError):
            break
        line, known = position[0] + 1, (*known, key)
    return line, known or keys


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f'"{value}"'
    return "empty" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
