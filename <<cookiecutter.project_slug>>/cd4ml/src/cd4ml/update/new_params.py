"""Keys of params.yaml that are new in the template, or that it has dropped.

The team's file is never changed: new keys are proposed, each with its comment.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

from cd4ml.update.record import UpdateError


@dataclass(frozen=True)
class Proposal:
    """What a team may do to its params.yaml."""

    lines: str
    """New keys below their sections, as YAML with comments; empty if there are none."""
    unknown: tuple[str, ...]
    """Keys of the team's that the template has dropped."""
    needed: tuple[str, ...] = ()
    """Keys that a stage of dvc.yaml names and the team's file lacks: DVC runs no stage without them."""


def propose(old: str, new: str, ours: str, named: Iterable[str] = ()) -> Proposal:
    """Return what is new in the template's params.yaml, and not in the team's.

    Args:
        old: the template's params.yaml, of which the project was made.
        new: the template's, of the version that the project is brought to.
        ours: the team's.
        named: the parameters that the stages of dvc.yaml depend on, such as `gate.accept`.

    Raises:
        UpdateError: the team's is not YAML.
    """
    before, after = _keys(old), _keys(new)
    try:
        present = _keys(ours)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, problem = f":{mark.line + 1}" if mark else "", getattr(error, "problem", None) or "a control character"
        raise UpdateError(
            f"params.yaml{line}: not valid YAML: {problem}; correct it and commit, then run this again"
        ) from None
    added = [path for path in after if path not in before and path not in present]
    dropped = [path for path in before if path not in after and path in present]
    lines: list[str] = []
    for section in dict.fromkeys(path[0] for path in added):
        inner = [after[path] for path in added if path[0] == section]
        if (section,) in added or [] in inner:  # new as a whole, or in braces, in one line with what was there
            lines += [*after[(section,)], ""]
        else:
            lines += [f"{section}:", *(line for key in inner for line in key), ""]
    unknown = tuple(".".join(path) for path in dropped if path[:-1] not in dropped)
    needed = tuple(name for name in dict.fromkeys(named) if tuple(name.split(".")) not in present)
    return Proposal("\n".join(lines).strip("\n"), unknown, needed)


def _keys(text: str) -> dict[tuple[str, ...], list[str]]:
    """Return the lines of each section, and of each key in a section; none for a key in braces."""
    root = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return {}
    lines = text.splitlines()
    found: dict[tuple[str, ...], list[str]] = {}
    for section, value, start, end in _spans(root, lines, len(lines)):
        found[(section,)] = _trimmed(lines[start:end])
        if isinstance(value, yaml.MappingNode) and value.flow_style:
            found |= {(section, str(key.value)): [] for key, _ in value.value}
        elif isinstance(value, yaml.MappingNode):
            found |= {(section, key): _trimmed(lines[first:last]) for key, _, first, last in _spans(value, lines, end)}
    return found


def _spans(mapping: yaml.MappingNode, lines: list[str], end: int) -> list[tuple[str, yaml.Node, int, int]]:
    """Return each key of a mapping with its value, its first line or that of the comment above it, and its end."""
    starts = []
    for key, _ in mapping.value:
        start, margin = key.start_mark.line, " " * key.start_mark.column
        while start and lines[start - 1].startswith(f"{margin}#"):
            start -= 1
        starts.append(start)
    ends = [*starts[1:], end]
    return [(str(key.value), value, *span) for (key, value), *span in zip(mapping.value, starts, ends, strict=True)]


def _trimmed(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines
