"""Which settings suit most tables: each model that `make adopt` compares, on each public table.

    uv run --group slow python -m benchmarks.starting_models [--quick]

Each is fitted on the training set of each table; its ROC AUC on the test set, or its mean absolute error, is given as
a share of that of the best of three plain scikit-learn models, found with hindsight. The last line is what `make adopt`
chose by cross-validation. `--quick` takes 6 tables.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from cd4ml.adoption.model_choice import candidates
from cd4ml.adoption.starters.features import derive
from cd4ml.bundle.bundle import Bundle
from cd4ml.training.estimator import numbers_and_categories, predict_scores, to_frame

from benchmarks.public_tables import QUICK, generate
from tests.adopted_table import Sides, adopt
from tests.plain_scikit_learn import WORST_AREA, compare
from tests.public_tables import CLASSES, NUMBERS, PublicTable


def shares(table: PublicTable, project: Path) -> dict[str, float]:
    """Return how good each model is, as a share of the best plain one: above 1 is better; for errors the inverse."""
    adopted = adopt(table, project)
    bundle = Bundle.load(project / "models/bundle")
    task, sides = bundle.contract.task, Sides.read(project, bundle)
    plain = sides.plain_scores(task)
    train, test = derive(sides.train), derive(sides.test)
    of_model = {"chosen by cross-validation": adopted.qualities[0].ratio}
    for candidate in candidates(sides.train_target, task):
        model = candidate.build(task, *numbers_and_categories(train)).fit(to_frame(train), sides.train_target)
        quality, *_ = compare(task, sides.test_target, predict_scores(model, test, task), plain)
        of_model.setdefault(_without_what_follows_from_the_table(str(candidate)), quality.ratio)
    return {name: 1 / ratio if task == "regression" else ratio for name, ratio in of_model.items()}


def _without_what_follows_from_the_table(candidate: str) -> str:
    starter, _, settings = candidate.removesuffix(")").partition(" (")
    kept = [one for one in settings.split(", ") if not one.startswith(("seed", "l2", "min_samples", "loss"))]
    loss = [one for one in settings.split(", ") if one.startswith("loss") and "squared" not in one]
    return f"{starter} ({', '.join([*kept, *loss])})"


def main() -> None:
    """Fit all models on all tables, and print the mean and the worst share of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{len(QUICK)} tables")
    quick = parser.parse_args().quick
    of_model: dict[str, list[float]] = {}
    for table in (*CLASSES, *NUMBERS):
        if quick and table.name not in QUICK:
            continue
        print(f"  {table.name}", flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            for name, share in shares(table, generate(Path(scratch))).items():
                of_model.setdefault(name, []).append(share)
    print(f"\n{'model':<66} tables  mean  worst  below {WORST_AREA}")
    for name, values in sorted(of_model.items(), key=lambda item: np.mean(item[1])):
        short = sum(value < WORST_AREA for value in values)
        print(f"{name:<66} {len(values):>6} {np.mean(values):.3f}  {min(values):.3f}  {short:>4}")


if __name__ == "__main__":
    main()
