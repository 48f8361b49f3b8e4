"""Read the content of a run in MLflow from the files of a training: parameters, metrics, tags, data set, files."""

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

from cd4ml.bundle.bundle import Bundle
from cd4ml.evaluation.card_quality import summary_sentence
from cd4ml.evaluation.metric_set import read_metric_set
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.tracking.address import TrackingError
from cd4ml.tracking.run_files import content_digest

_SECTIONS = {"data", "split", "model", "decision", "package", "metrics", "evaluate"}  # that affect the run
_LONGEST = 1000  # characters of a parameter's value
_DIGITS = 12  # of a digest that is only shown


@dataclass(frozen=True)
class RunContent:
    """What a run in MLflow contains, except for its lineage."""

    bundle: Bundle
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    dataset: dict[str, str]
    """The training set: name, digest, source and number of rows."""
    files: dict[str, bytes]
    """The artifacts, by their names in the run."""
    digest: str
    """The digest of the bundle and the files; if it is the same, nothing is new."""


def read_run_content(files: dict[str, bytes]) -> RunContent:
    """Return the content of the run of models/bundle, with these files as artifacts.

    Raises:
        UserError: the bundle is incomplete or altered, params.yaml is not valid, or the reports lack the main metric.
    """
    bundle = Bundle.load(paths.BUNDLE)
    manifest, metrics = bundle.manifest, json.loads(paths.METRICS.read_bytes())
    all_params = Params.load()
    settings = all_params.model_dump(mode="json", include=_SECTIONS)
    params = flatten(settings) | {"threshold": _as_text(manifest.threshold), "runtime": manifest.runtime}
    tags = {"bundle.version": manifest.version, "bundle.digest": manifest.digest, "runtime.reason": manifest.reason}
    tags |= {f"sha256.{name}": digest[:_DIGITS] for name, digest in manifest.made_of.items()}
    main = read_metric_set(manifest.task, all_params).main
    if main.name not in metrics:
        raise TrackingError(f"{paths.METRICS} lacks {main.name}, now metrics.main: `make train` evaluates again")
    result = summary_sentence(metrics, main)
    hint = "The model card shows all of it: under Artifacts, `reports/model-card.md`."
    tags["mlflow.note.content"] = "\n\n".join([bundle.contract.description or bundle.contract.name, result, hint])
    return RunContent(
        bundle=bundle,
        params=params,
        metrics=flatten_metrics(metrics),
        tags=tags,
        dataset={
            "name": bundle.contract.name,
            "digest": manifest.made_of["data"][:_DIGITS],
            "source_type": "dvc",
            "source": json.dumps({"uri": settings["data"]["source"], "until": manifest.until}),
            "profile": json.dumps({"num_rows": bundle.training_profile()["rows"]}),
        },
        files=files,
        digest=content_digest(manifest.digest, files),
    )


def flatten(section: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as `section.key: value`, each value as YAML writes it."""
    flat: dict[str, str] = {}
    for key, value in section.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": _as_text(value)}
    return flat


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def flatten_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return reports/metrics.json as MLflow takes it: `name`, `name_low` and `name_high`, `baseline_name`.

    Metrics that could not be computed are left out.
    """
    return {name: float(value) for name, value in _metric_values(metrics) if value is not None}


def _metric_values(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in metrics.items():
        if name == "intervals":
            for metric, bounds in value.items():
                yield from ((f"{metric}_{side}", bound) for side, bound in (bounds or {}).items())
        elif name == "baseline":
            yield from ((f"baseline_{metric}", number) for metric, number in value.items())
        else:
            yield name, value


def software_environment() -> dict[str, Any]:
    """Return the version of Python, the platform, and the version of every installed library."""
    libraries = {distribution.name.lower(): distribution.version for distribution in distributions()}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "libraries": dict(sorted(libraries.items())),
    }
