"""Change values in a YAML file, and leave every other byte as it is, comments included."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.atomic import replacing


def write_values(path: Path, section: str, values: Mapping[str, Any], error: type[UserError]) -> None:
    """Replace values in a section of a YAML file, all of them or none.

    Args:
        path: the file.
        section: a key of its first level, which holds a mapping.
        values: keys of that mapping, and their new values, of the types that JSON has.
        error: the error to raise.

    Raises:
        error: the section lacks a key, or has a value in a form that cannot be replaced.
    """
    text = _replace_values(path.read_bytes().decode(), section, values, path, error)
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())
        temporary.chmod(path.stat().st_mode)


def check_values(path: Path, section: str, keys: Sequence[str], error: type[UserError]) -> None:
    """Check that `write_values` can replace these keys, before hours are spent on computing the new values.

    Raises:
        error: the section lacks a key, or has a value in a form that cannot be replaced.
    """
    spans = _spans(path.read_bytes().decode(), section)
    for key in keys:
        if key not in spans:
            raise error(_not_plain(path, section, key))


def _replace_values(text: str, section: str, values: Mapping[str, Any], path: Path, error: type[UserError]) -> str:
    """Return a YAML text with other values; arguments and errors as those of `write_values`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    spans = _spans(text, section)
    for key, value in sorted(values.items(), key=lambda item: spans.get(item[0], (0, 0)), reverse=True):
        if key not in spans:
            raise error(_not_plain(path, section, key))
        start, end = spans[key]
        text = text[:start] + _yaml(value) + text[end:]
    try:
        result = YAML(typ="safe", pure=True).load(text)[section]
    except YAMLError:  # such as an alias whose anchor was replaced
        result = {}
    if any(key not in result or result[key] != value for key, value in values.items()):
        raise error(f"{path}: the values under {section} cannot be replaced; write them without anchors and aliases")
    return text


def _spans(text: str, section: str) -> dict[str, tuple[int, int]]:
    """Return the start and end of each value of a section, without aliases and values of several lines."""
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import MappingNode

    tree = YAML(typ="safe", pure=True).compose(text)
    spans: dict[str, tuple[int, int]] = {}
    for name, part in tree.value if isinstance(tree, MappingNode) else []:
        if name.value != section or not isinstance(part, MappingNode):
            continue
        for key, node in part.value:
            start, end = node.start_mark.index, node.end_mark.index
            if key.end_mark.index < start and "\n" not in text[start:end] and start < end:
                spans[key.value] = (start, end)
    return spans


def _not_plain(path: Path, section: str, key: str) -> str:
    return f"{path}: {section}.{key} is missing, or is not a plain value on one line; write it as one"


def _yaml(value: Any) -> str:
    """Return a value as JSON, which is also YAML; but 1.0e-05 for 1e-05, which YAML 1.1 reads as a string."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text
