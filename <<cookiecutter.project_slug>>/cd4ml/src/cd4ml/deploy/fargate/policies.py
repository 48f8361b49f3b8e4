"""The policies of a project: those in policies/, with its names in the places that are marked there."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cd4ml.deploy.fargate.settings import Place

Json = dict[str, Any]

_FOLDER = Path(__file__).parent / "policies"
_MARK = re.compile(r"@([A-Z]+)@")
_SUBJECTS = ["@SUBJECTS@"]


def policy(place: Place, name: str, *, bucket: str = "", subjects: Sequence[str] = ()) -> Json:
    """Return policies/NAME.json for a project.

    `bucket` is the one that a bucket's policy is about; `subjects` are those of the tokens by which GitHub is trusted.
    """
    names = {
        "PARTITION": place.partition, "REGION": place.region, "ACCOUNT": place.account, "SLUG": place.slug,
        "PRODUCTION": place.service("production"), "STAGING": place.service("staging"),
        "DVC": place.bucket("dvc"), "PREDICTIONS": place.bucket("predictions"), "BUCKET": bucket,
        "SECRET": place.secret, "PROVIDER": place.provider,
    }  # fmt: skip
    text = (_FOLDER / f"{name}.json").read_text(encoding="utf-8")
    filled: Json = _filled(json.loads(text), names, [*subjects])
    return filled


def as_text(told: Json) -> str:
    """Return a policy on one line, as a command takes it."""
    return json.dumps(told, separators=(",", ":"))


def _filled(value: Any, names: Mapping[str, str], subjects: Sequence[str]) -> Any:
    if value == _SUBJECTS:
        return subjects
    if isinstance(value, dict):
        return {_marked(key, names): _filled(held, names, subjects) for key, held in value.items()}
    if isinstance(value, list):
        return [_filled(held, names, subjects) for held in value]
    return _marked(value, names) if isinstance(value, str) else value


def _marked(text: str, names: Mapping[str, str]) -> str:
    return _MARK.sub(lambda mark: names[mark[1]], text)
