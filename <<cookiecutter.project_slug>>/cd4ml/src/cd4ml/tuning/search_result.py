"""What a finished search found, as a file: what is published, now or when the server answers again."""

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
    """Return a name for a search: the same data, code, space and way to search, whatever the present values are."""
    fixed = {key: value for key, value in params.model.items() if key not in params.tune.space}
    said = [study_key, fixed, params.tune.model_dump(mode="json"), params.split.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=repr).encode()).hexdigest()[:16]


def keep(study: Study, outcome: Outcome) -> Path:
    """Write what a search found, unless that was done before; return the file."""
    path = FOLDER / f"{study.key}.json"
    if not path.exists():
        write_text(path, json.dumps(record(study, outcome), indent=1, ensure_ascii=False, default=repr))
    return path


def record(study: Study, outcome: Outcome) -> dict[str, Any]:
    """Return what a search found as plain values: how it searched, and every candidate with its scores by rung."""
    metric = main_metric(study.task)
    return {
        "search": study.key,
        "metric": metric.name,
        "better": metric.better,
        "rows": len(study.target),
        "tune": study.params.tune.model_dump(mode="json", exclude_none=True),
        "folds": [{"name": fold.name, "rows": len(fold.learn), "judged": len(fold.judge)} for fold in study.folds],
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
        "seconds": sum(said.seconds for trial in trials for said in trial.judgements),
        "failure": next((trial.failure for trial in trials if trial.failure), None),
    }


def waiting(now: Path) -> Iterator[Path]:
    """Yield the search that is finished now, and those before it that were never published anywhere."""
    for path in sorted(FOLDER.glob("*.json")):
        if path == now or not list(FOLDER.glob(f"{path.stem}.*.run")):
            yield path
