"""Write the result of a finished search to a file, from which it is published now or later."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cd4ml.evaluation.metrics import main_metric
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.tuning.search import Outcome
from cd4ml.tuning.study import Study

FOLDER = paths.TUNING / "searches"


def search_key(study_key: str, params: Params) -> str:
    """Return a hash that names a search: of the data, the code, the space and `tune:`, not of the present values."""
    fixed = {key: value for key, value in params.model.items() if key not in params.tune.space}
    parts = [study_key, fixed, params.tune.model_dump(mode="json"), params.split.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=repr).encode()).hexdigest()[:16]


def write_search_result(study: Study, outcome: Outcome) -> Path:
    """Write the result of a search, unless its file exists; return the file."""
    path = FOLDER / f"{study.key}.json"
    if not path.exists():
        write_text(path, json.dumps(search_result(study, outcome), indent=1, ensure_ascii=False, default=repr))
    return path


def search_result(study: Study, outcome: Outcome) -> dict[str, Any]:
    """Return the result of a search as JSON values: its settings, and every candidate with its scores by rung."""
    metric = main_metric(study.task)
    return {
        "search": study.key,
        "metric": metric.name,
        "better": metric.better,
        "rows": len(study.target),
        "tune": study.params.tune.model_dump(mode="json", exclude_none=True),
        "folds": [{"name": fold.name, "rows": len(fold.train), "judged": len(fold.validation)} for fold in study.folds],
        "rungs": [{"rows": rung.rows, "candidates": rung.candidates} for rung in outcome.rungs],
        "present": outcome.present.number,
        "winner": outcome.winner.number if outcome.is_better else outcome.present.number,
        "gain": outcome.gain if outcome.is_better and not outcome.present.failure else 0.0,
        "candidates": [_candidate(study, outcome, number) for number in range(len(study.candidates))],
    }


def _candidate(study: Study, outcome: Outcome, number: int) -> dict[str, Any]:
    trials = sorted((trial for trial in outcome.trials if trial.number == number), key=lambda trial: trial.rung)
    scored = [trial for trial in trials if not trial.failure]
    return {
        "settings": study.candidates[number],
        "rungs": [
            {"rung": trial.rung + 1, "mean": trial.mean, "deviation": trial.deviation, "scores": trial.scores}
            for trial in scored
        ],
        "seconds": sum(result.seconds for trial in trials for result in trial.results),
        "failure": next((trial.failure for trial in trials if trial.failure), None),
    }


def unpublished_searches(result: Path) -> Iterator[Path]:
    """Yield the file of the search that has just finished, and those of earlier ones that no server has."""
    for path in sorted(FOLDER.glob("*.json")):
        if path == result or not list(FOLDER.glob(f"{path.stem}.*.run")):
            yield path
