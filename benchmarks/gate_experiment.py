"""How often does the gate reject, if nothing was lost and if something was? Run it in a generated project's folder:

    python gate_experiment.py ROUNDS ROWS FITS

Each round draws two training sets of FITS rows and a test set of ROWS rows, fits the project's model on either, and
applies the gate's own rules. The champion's and the challenger's recipe are the same, so that every rejection of the
pair as it is is a false one. Then the challenger is made worse by known amounts. The last line is one JSON object.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import numpy as np
from cd4ml.bundle.feature_code import FeatureCode
from cd4ml.contract.columns import Array, Columns
from cd4ml.contract.contract import Contract
from cd4ml.contract.table import columns_of_table, read_table, target_of_table
from cd4ml.evaluation.metric_set import read_metric_set
from cd4ml.evaluation.predictions import Predictions
from cd4ml.gate import rules
from cd4ml.gate.comparison import Comparison, Difference, find_slices
from cd4ml.settings import paths
from cd4ml.settings.params import Params
from cd4ml.settings.project import read_project
from cd4ml.training.build import build_configured_model
from cd4ml.training.estimator import predict_scores
from cd4ml.training.fit import fit

NOISE = (0.15, 0.3, 0.45, 0.6, 0.9)  # of the scores' own spread, added to them: a real loss, of known size
SHARPER = (1.5, 2.0, 3.0)  # what log odds are multiplied with: the same order, over-confident


def main() -> None:
    """Draw, fit, compare; print each round."""
    rounds, rows, fits = map(int, sys.argv[1:4])
    params, contract, table = Params.load(), Contract.load(paths.CONTRACT), read_table(paths.RAW)
    columns, target = columns_of_table(table, contract), target_of_table(table, contract)
    features = FeatureCode.read(read_project().features).derive(columns)
    model = build_configured_model(params, contract.task, features)
    generator = np.random.default_rng(20_260_101)
    outcomes = []
    for number in range(rounds):
        order = generator.permutation(len(target))
        test, rest = order[:rows], order[rows:]
        pair = [
            predictions_of(model, features, target, generator.choice(rest, fits, replace=False), test, contract)
            for _ in range(2)
        ]
        outcomes.append(one_round(pair, columns, test, contract, params, generator))
        print(f"  {number + 1} of {rounds} pairs", end="\r", file=sys.stderr, flush=True)
    print(json.dumps(outcomes))


def predictions_of(
    model: Any, features: Columns, target: Array, train: Array, test: Array, contract: Contract
) -> Predictions:
    """Return the predictions for a test set of a model fitted on a training set."""
    fitted = fit(model, {name: array[train] for name, array in features.items()}, target[train])
    scores = predict_scores(fitted, {name: array[test] for name, array in features.items()}, contract.task)
    if contract.task == "binary":
        return Predictions("binary", [False, True], target[test], scores[:, 1], 0.5)
    return Predictions("regression", [], target[test], scores, None)


def one_round(
    pair: list[Predictions],
    columns: Columns,
    test: Array,
    contract: Contract,
    params: Params,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Return what the rules find of the pair, and of the challenger made worse."""
    champion, challenger = pair
    slices = find_slices({name: array[test] for name, array in columns.items()}, contract, params.evaluate)
    margin, metrics = params.gate.max_slice_regression, read_metric_set(contract.task, params)

    def compared(one: Predictions) -> Comparison:
        baselines = {metrics.main.name: one}  # no rule here compares with it
        return Comparison(one, metrics, baselines, champion, slices, params.evaluate.bootstrap_rounds)

    def gain_and_high(one: Predictions) -> list[float]:
        difference = compared(one).main_difference(champion)
        assert isinstance(difference, Difference)
        return [difference.gain, difference.high]

    def in_slices(one: Predictions) -> str:
        return rules.check_slices(compared(one), champion, "", margin).result

    def calibrated(one: Predictions) -> str:
        return rules.check_calibration(compared(one), params.gate.max_calibration_error).result

    large = max((part for part in slices if part.mask.sum() < 0.3 * len(test)), key=lambda part: part.mask.sum())
    smallest = min(slices, key=lambda part: part.mask.sum())
    broken = {
        f"{name} ({100 * part.mask.mean():.0f} % of the rows)": in_slices(blind(challenger, part.mask, generator))
        for name, part in (("a large slice", large), ("the smallest slice", smallest))
    }
    binary = challenger.task == "binary"
    return {
        "equal": gain_and_high(challenger),
        "slices": in_slices(challenger),
        "calibration": calibrated(challenger),
        "worse": {share: gain_and_high(noisier(challenger, share, generator)) for share in NOISE},
        "broken": broken,
        "sharper": {factor: calibrated(sharper(challenger, factor)) for factor in SHARPER} if binary else {},
    }


def noisier(predictions: Predictions, share: float, generator: np.random.Generator) -> Predictions:
    """Return the same rows with noise of a share of the scores' spread added to the scores."""
    scores = predictions.scores
    if predictions.task == "binary":
        odds = np.log(scores / (1 - scores))
        scores = 1 / (1 + np.exp(-(odds + generator.normal(0, share * odds.std(), len(odds)))))
    else:
        scores = scores + generator.normal(0, share * scores.std(), len(scores))
    return replace(predictions, scores=scores)


def sharper(predictions: Predictions, factor: float) -> Predictions:
    """Return the same rows with log odds multiplied by a factor."""
    odds = np.log(predictions.scores / (1 - predictions.scores)) * factor
    return replace(predictions, scores=1 / (1 + np.exp(-odds)))


def blind(predictions: Predictions, mask: Array, generator: np.random.Generator) -> Predictions:
    """Return the same rows with the scores of one slice shuffled among themselves."""
    scores = predictions.scores.copy()
    scores[mask] = generator.permutation(scores[mask])
    return replace(predictions, scores=scores)


if __name__ == "__main__":
    main()
