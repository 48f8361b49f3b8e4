"""Read the limits that the challenger's are compared with: the sections of params.yaml at the champion's revision."""

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from cd4ml.files.git import file_at
from cd4ml.files.yaml_file import Section
from cd4ml.gate.branches import branches
from cd4ml.gate.champion import bundle_digest_at
from cd4ml.settings import paths
from cd4ml.settings.params import EvaluateParams, GateParams, MetricsParams, SplitParams

S = TypeVar("S", bound=Section)
_SECTIONS: dict[str, type[Section]] = {
    "gate": GateParams, "evaluate": EvaluateParams, "split": SplitParams, "metrics": MetricsParams,
}  # fmt: skip


@dataclass(frozen=True)
class ChampionLimits:
    """The sections of params.yaml that hold limits, as the champion's revision has them."""

    branch: str
    revision: str
    gate: GateParams
    evaluate: EvaluateParams
    split: SplitParams
    metrics: MetricsParams
    unknown: tuple[str, ...] = ()
    """Keys that this version of the library does not know, so that they cannot be compared."""

    @property
    def place(self) -> str:
        """Where they were read."""
        return f"{self.branch} at {self.revision[:7]}"


class UnreadableLimitsError(Exception):
    """The champion's limits cannot be read; the message says why."""


def read_champion_limits() -> ChampionLimits | UnreadableLimitsError | None:
    """Return the limits on `production`, or before the first release on the default branch.

    None if neither has a model; an error, not raised, if they cannot be read.

    Raises:
        GitError: git has a remote, and it does not answer.
    """
    for branch, revision in branches():
        if bundle_digest_at(revision) is not None:
            try:
                return limits_at(branch, revision)
            except UnreadableLimitsError as reason:
                return reason
    return None


def limits_at(branch: str, revision: str) -> ChampionLimits:
    """Return the limits in params.yaml at a commit.

    A key that is not there has the library's default, as it has in params.yaml. Unknown keys are kept by name: the
    champion may be of another version of the library.

    Raises:
        UnreadableLimitsError: there is no params.yaml, or it is not valid.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    place = f"{paths.PARAMS} on {branch} at {revision[:7]}"
    text = file_at(revision, paths.PARAMS.as_posix())
    try:
        content = YAML(typ="safe", pure=True).load(text or "")
    except (YAMLError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise UnreadableLimitsError(f"{place} is not valid YAML" if text else f"there is no {place}")
    return ChampionLimits(
        branch,
        revision,
        gate=_section(content, "gate", GateParams, place),
        evaluate=_section(content, "evaluate", EvaluateParams, place),
        split=_section(content, "split", SplitParams, place),
        metrics=_section(content, "metrics", MetricsParams, place),
        unknown=tuple(
            f"{name}.{key}"
            for name, type_ in _SECTIONS.items()
            for key in content.get(name) or ()
            if key not in _keys(type_)
        ),
    )


def _keys(section: type[Section]) -> set[str]:
    return set(section.model_fields)


def _section(content: dict[str, Any], name: str, type_: type[S], place: str) -> S:
    values = content.get(name) or {}
    if not isinstance(values, dict):
        raise UnreadableLimitsError(f"{name} in {place} is not a section")
    known = {key: value for key, value in values.items() if key in _keys(type_) and key != "accept"}
    try:
        return type_.model_validate(known)
    except ValidationError as invalid:
        key = ".".join(map(str, (name, *invalid.errors()[0]["loc"])))
        raise UnreadableLimitsError(f"{key} in {place} is not valid") from None
