"""Read a YAML file into a typed model; an error names the file, the line, the key, and what was expected."""

import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from cd4ml.errors import UserError
from cd4ml.files.text import read_text

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {  # by type of pydantic's error
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping",
    "string_too_short": "a string that is not empty",
    "string_type": "a string",
}
_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]|\\U(?!000[0-9a-fA-F]|0010)|\\U0000[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LIMITS = {"ge": "of at least {}", "gt": "above {}", "le": "of at most {}", "lt": "below {}"}  # by pydantic's name


class Section(BaseModel):
    """A part of a settings file. It rejects unknown keys and values of another type, and cannot be changed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def read_yaml(path: Path, model: type[Model], error: type[UserError]) -> Model:
    """Return a YAML file's content as `model`.

    Raises:
        error: the file does not exist, is not YAML or does not fit; one line for each mistake, with its line number.
    """
    values = _load(path, error, "safe")
    try:
        return model.model_validate(values)
    except ValidationError as invalid:
        raise error(describe_errors(path, invalid, error, model=model)) from None


def describe_errors(
    path: Path,
    invalid: ValidationError,
    error: type[UserError],
    under: tuple[str, ...] = (),
    model: type[BaseModel] | None = None,
) -> str:
    """Return one line for each of pydantic's errors in a part of a YAML file.

    Args:
        path: the file.
        invalid: the errors.
        error: what to raise if the file cannot be read again.
        under: the keys that lead to the validated part; empty for the whole file.
        model: the type of the validated part; its limits are named if it is known.
    """
    tree = _load(path, error, "rt")  # the round-trip form has the line of every key
    lines: dict[str, list[str]] = {}
    for mistake in invalid.errors():
        problem, expected = _describe(path, tree, mistake, under, _field(model, mistake["loc"]))
        lines.setdefault(problem, []).extend([expected] if expected else [])
    return "\n".join(f"{problem}; expected {' or '.join(all_)}" if all_ else problem for problem, all_ in lines.items())


def _load(path: Path, error: type[UserError], form: str) -> Any:
    from ruamel.yaml import YAML  # imported late: the image, which reads a bundle's JSON, does not have it
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    if not path.exists():
        raise error(f"{path} does not exist; run this from the project's folder")
    text = read_text(path, error)
    if (impossible := _line_of_impossible_character(text)) is not None:
        raise error(f"{path}:{impossible}: an escape is half of a character, or none; write the character itself")
    try:
        tree = YAML(typ=form, pure=True).load(text)
    except ReaderError as invalid:
        number = text.count("\n", 0, invalid.position) + 1
        character = f"U+{invalid.character:04X}"
        raise error(f"{path}:{number}: contains the control character {character}; remove it") from None
    except MarkedYAMLError as invalid:
        mark = invalid.problem_mark or invalid.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise error(f"{path}{line}: not valid YAML: {(invalid.problem or invalid.context).splitlines()[0]}") from None
    except ValueError as invalid:  # a plain value that looks like a date, and is none
        number, value = _value_that_fails(text)
        raise error(f"{path}:{number}: {value} cannot be read: {invalid}; correct it, or put it in quotes") from None
    except RecursionError:
        raise error(f"{path}: nested too deeply; write `key: value` lines") from None
    if not isinstance(tree, dict):
        raise error(f"{path}: expected `key: value` lines; write them, or restore the file from git")
    return tree


def _line_of_impossible_character(text: str) -> int | None:
    """Return the line, counted from 1, of the first string with an escape of a surrogate, which is no character."""
    escape = _ESCAPE.search(text)  # of which a comment or single quotes may hold any
    if escape is None:
        return None
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if _SURROGATE.search(getattr(event, "value", None) or ""):
                return int(event.start_mark.line) + 1
    except (ValueError, OverflowError):  # beyond the last character of Unicode
        return text.count("\n", 0, escape.start()) + 1
    except (YAMLError, RecursionError):  # which is reported when the text is read
        pass
    return None


def _value_that_fails(text: str) -> tuple[int, str]:
    """Return the first value in a YAML text that fails when it is read alone, and its line, counted from 1."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    for event in YAML(typ="safe", pure=True).parse(text):
        try:
            YAML(typ="safe", pure=True).load(getattr(event, "value", None) or "")
        except ValueError:
            return event.start_mark.line + 1, event.value
        except YAMLError:  # in quotes, or in several lines
            continue
    return 1, "a value"


def _describe(
    path: Path, tree: Any, mistake: Any, under: tuple[str, ...], field: FieldInfo | None
) -> tuple[str, str | None]:
    """Return what is wrong, and what was expected if the first does not say it."""
    keys = (*under, *mistake["loc"])
    line, present = _line_of(tree, keys)
    name = ".".join(str(key) for key in present)
    place, kind, context = f"{path}:{line}:", mistake["type"], mistake.get("ctx", {})
    if kind == "missing":
        parent = ".".join(str(key) for key in keys[:-1])
        return f"{place} {keys[-1]} is missing{f' under {parent}' if parent else ''}; add it", None
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{place} {name} is not a known key; check its spelling, or remove it", None
    if kind == "value_error":
        return f"{place} {name + ': ' if name else ''}{context.get('error', mistake['msg'])}", None
    return f"{place} {name} is {_shown(mistake['input'])}", _expected(kind, context, mistake["msg"], field)


def _expected(kind: str, context: dict[str, Any], message: str, field: FieldInfo | None) -> str:
    if kind == "literal_error":
        return str(context["expected"])
    if kind == "too_short":
        return f"at least {context['min_length']} value{'s' if context['min_length'] > 1 else ''}"
    if numbers := _numbers(field):
        return numbers
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return f"a number {message.removeprefix('Input should be ')}"
    return _EXPECTED.get(kind) or message.removeprefix("Input should be ")


def _field(model: type[BaseModel] | None, keys: tuple[Any, ...]) -> FieldInfo | None:
    """Return the field of a model that keys lead to; None if they lead through something else than models."""
    field: FieldInfo | None = None
    part: Any = model
    for key in keys:
        field = getattr(part, "model_fields", {}).get(key)
        part = field.annotation if field else None
    return field


def _numbers(field: FieldInfo | None) -> str | None:
    """Return which numbers a field takes, such as "a number between 0 and 1"; None if it takes something else."""
    if field is None or field.annotation not in (int, float):
        return None
    kind = "a whole number" if field.annotation is int else "a number"
    limits = {name: getattr(part, name) for part in field.metadata for name in _LIMITS if hasattr(part, name)}
    if limits.keys() & {"ge", "gt"} and limits.keys() & {"le", "lt"}:
        low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
        excluded = " and ".join(str(limits[name]) for name in ("gt", "lt") if name in limits)
        return f"{kind} between {low} and {high}{f', {excluded} excluded' if excluded else ''}"
    return " ".join([kind, *(_LIMITS[name].format(value) for name, value in limits.items())])


def _line_of(tree: Any, keys: tuple[Any, ...]) -> tuple[int, tuple[Any, ...]]:
    """Return the line, counted from 1, of the deepest of these nested keys that the file has, and the path to it."""
    line = 1
    present: tuple[Any, ...] = ()
    for key in keys:
        try:
            position = tree.lc.data[key]
            tree = tree[key]
        except (AttributeError, KeyError, TypeError, IndexError):
            break
        line, present = position[0] + 1, (*present, key)
    return line, present or keys


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f'"{value}"'
    return "empty" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
