"""What a run says and holds, gathered from the files that a training leaves."""

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

from cd4ml.bundle.bundle import Bundle
from cd4ml.evaluation.card_quality import summary_sentence
from cd4ml.evaluation.metrics import main_metric
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.tracking.run_files import content_digest

_OF_THE_RUN = {"data", "split", "model", "decision", "package", "evaluate"}  # the sections that made it what it is
_LONGEST = 1000  # characters of a parameter's value
_DIGITS = 12  # of a digest that is read, not looked for


@dataclass(frozen=True)
class Content:
    """One run: what MLflow is told, and the files it is given under which names."""

    bundle: Bundle
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    dataset: dict[str, str]
    """The rows that it learnt from: name, digest, source and how many."""
    files: dict[str, bytes]
    digest: str
    """Of the bundle and the files: what it takes to know whether anything is new."""


def content(files: dict[str, bytes]) -> Content:
    """Return all of a run but where it comes from.

    Raises:
        UserError: the bundle is not whole, or params.yaml is mistaken.
    """
    bundle = Bundle.load(paths.BUNDLE)
    manifest, metrics = bundle.manifest, json.loads(paths.METRICS.read_bytes())
    said = Params.load().model_dump(mode="json", include=_OF_THE_RUN)
    params = flat(said) | {"threshold": _shown(manifest.threshold), "runtime": manifest.runtime}
    tags = {"bundle.version": manifest.version, "bundle.digest": manifest.digest, "runtime.reason": manifest.reason}
    tags |= {f"sha256.{name}": digest[:_DIGITS] for name, digest in manifest.made_of.items()}
    found = summary_sentence(metrics, main_metric(manifest.task))
    story = "The whole story: under Artifacts, `reports/model-card.md`."
    tags["mlflow.note.content"] = "\n\n".join([bundle.contract.description or bundle.contract.name, found, story])
    return Content(
        bundle=bundle,
        params=params,
        metrics=flat_metrics(metrics),
        tags=tags,
        dataset={
            "name": bundle.contract.name,
            "digest": manifest.made_of["data"][:_DIGITS],
            "source_type": "dvc",
            "source": json.dumps({"uri": said["data"]["source"], "until": manifest.until}),
            "profile": json.dumps({"num_rows": bundle.training_profile()["rows"]}),
        },
        files=files,
        digest=content_digest(manifest.digest, files),
    )


def flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as `section.key: value`, each value as YAML writes it."""
    found: dict[str, str] = {}
    for key, value in section.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": _shown(value)}
    return found


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def flat_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return reports/metrics.json as MLflow takes it: `name`, `name_low` and `name_high`, `baseline_name`.

    What could not be computed is left out.
    """
    return {name: float(value) for name, value in _named(metrics) if value is not None}


def _named(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in metrics.items():
        if name == "intervals":
            for metric, bounds in value.items():
                yield from ((f"{metric}_{side}", bound) for side, bound in (bounds or {}).items())
        elif name == "baseline":
            yield from ((f"baseline_{metric}", number) for metric, number in value.items())
        else:
            yield name, value


def environment() -> dict[str, Any]:
    """Return Python, the machine, and the version of every library that is installed."""
    libraries = {found.name.lower(): found.version for found in distributions()}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "libraries": dict(sorted(libraries.items())),
    }
