"""Change values in a YAML file, and leave every other byte, comments among them, as it is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cd4ml.errors import UserError
from cd4ml.files.atomic import replacing


def write_values(path: Path, section: str, values: Mapping[str, Any], error: type[UserError]) -> None:
    """Give keys of a section other values in a YAML file, whole or not at all.

    Raises:
        error: the section lacks a key, or holds it in a form that cannot be replaced; the file is as it was.
    """
    text = with_values(path.read_bytes().decode(), section, values, path, error)
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())
        temporary.chmod(path.stat().st_mode)


def check_values(path: Path, section: str, keys: Sequence[str], error: type[UserError]) -> None:
    """Make sure that `write_values` can change these keys, before hours are spent on what to write.

    Raises:
        error: the section lacks a key, or holds it in a form that cannot be replaced.
    """
    spans = _spans(path.read_bytes().decode(), section)
    for key in keys:
        if key not in spans:
            raise error(f"{path}: {section}.{key} is not there, or not a plain value on one line; write it so")


def with_values(text: str, section: str, values: Mapping[str, Any], path: Path, error: type[UserError]) -> str:
    """Return a YAML text in which keys of a section have other values, of the kinds that JSON knows.

    Args:
        text: the file's.
        section: a key of its first level, which holds a mapping.
        values: what is to stand at keys that are in that mapping.
        path: the file's name, for errors.
        error: what to raise.

    Raises:
        error: the section lacks a key, or holds it in a form that cannot be replaced.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    spans = _spans(text, section)
    for key, value in sorted(values.items(), key=lambda item: spans.get(item[0], (0, 0)), reverse=True):
        if key not in spans:
            raise error(f"{path}: {section}.{key} is not there, or not a plain value on one line; write it so")
        start, end = spans[key]
        text = text[:start] + _written(value) + text[end:]
    try:
        now = YAML(typ="safe", pure=True).load(text)[section]
    except YAMLError:  # such as an alias of what was replaced
        now = {}
    if any(key not in now or now[key] != value for key, value in values.items()):
        raise error(f"{path}: the values under {section} cannot be replaced as they are written; write them plainly")
    return text


def _spans(text: str, section: str) -> dict[str, tuple[int, int]]:
    """Return where each value of a section begins and ends; those left out are aliases, or run over lines."""
    from ruamel.yaml import YAML
    from ruamel.yaml.nodes import MappingNode

    tree = YAML(typ="safe", pure=True).compose(text)
    found: dict[str, tuple[int, int]] = {}
    for name, part in tree.value if isinstance(tree, MappingNode) else []:
        if name.value != section or not isinstance(part, MappingNode):
            continue
        for key, node in part.value:
            start, end = node.start_mark.index, node.end_mark.index
            if key.end_mark.index < start and "\n" not in text[start:end] and start < end:
                found[key.value] = (start, end)
    return found


def _written(value: Any) -> str:
    """Return a value as JSON has it, which YAML reads as well; 1.0e-05 where YAML 1.1 would take 1e-05 for a text."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text
