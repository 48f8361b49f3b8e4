"""Run in a generated project: how often does the gate refuse, when nothing was lost and when something was?

    python gate_experiment.py ROUNDS ROWS FITS

Each round draws two sets of training rows and ROWS held-out rows, fits the project's model on either set, and asks the
gate's own rules. The champion's and the challenger's recipe are the same, so that every refusal of the pair as it is
is a false one. Then the challenger is made worse by known amounts. One JSON object goes to the last line.
"""

import json
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

PACKAGE = next(Path("src").glob("*/__init__.py")).parent.name


def of(module: str):
    return import_module(f"{PACKAGE}.{module}")


paths, rules = of("paths"), of("gate.rules")
Contest, Slice, slices = (getattr(of("gate.contest"), name) for name in ("Contest", "Slice", "slices"))
Judged, main_scorer = of("evaluation.judged").Judged, of("evaluation.metrics").main_scorer

NOISE = (0.15, 0.3, 0.45, 0.6, 0.9)  # of the scores' own spread, added to them: a real loss, of known size
SHARPER = (1.5, 2.0, 3.0)  # what log odds are multiplied with: the same order, over-confident


def main() -> None:
    """Draw, fit, ask; report each round."""
    rounds, rows, fits = map(int, sys.argv[1:4])
    params = of("params").Params.load()
    contract = of("contract").Contract.load(paths.CONTRACT)
    table = of("table").read(paths.RAW)
    columns = of("table").columns_of_table(table, contract)
    target = of("table").target_of_table(table, contract)
    code = of("feature_code").FeatureCode(paths.FEATURES.read_text(encoding="utf-8"))
    features = code.derive(columns)
    model = of("fitting").configured(params, contract.problem, features)
    generator = np.random.default_rng(20_260_101)
    told = []
    for number in range(rounds):
        order = generator.permutation(len(target))
        held, rest = order[:rows], order[rows:]
        judged = [
            answered(model, features, target, generator.choice(rest, fits, replace=False), held, contract)
            for _ in range(2)
        ]
        told.append(one_round(judged, columns, held, contract, params, generator))
        print(f"  {number + 1} of {rounds} pairs", end="\r", file=sys.stderr, flush=True)
    print(json.dumps(told))


def answered(model, features, target, learnt, held, contract):
    """Return held-out rows beside the answers of a model fitted on others."""
    some = {name: array[learnt] for name, array in features.items()}
    fitted = of("fitting").fitted(model, some, target[learnt])
    there = {name: array[held] for name, array in features.items()}
    scores = of("estimator").answers(fitted, there, contract.problem)
    if contract.problem == "binary":
        return Judged("binary", [False, True], target[held], scores[:, 1], 0.5)
    return Judged("regression", [], target[held], scores, None)


def one_round(judged, columns, held, contract, params, generator):
    """Return what the rules say of the pair, and of the challenger made worse."""
    champion, challenger = judged
    there = {name: array[held] for name, array in columns.items()}
    parts = slices(there, contract, params.evaluate)
    rounds = params.evaluate.bootstrap_rounds

    def contest(one):
        return Contest(one, one, champion, parts, rounds)

    found = contest(challenger).against(champion)
    told = {
        "equal": [found.gain, found.high],
        "slices": rules.holds_in_slices(contest(challenger), champion, "", params.gate.max_slice_regression).result,
        "calibration": rules.is_calibrated(contest(challenger), params.gate.max_calibration_error).result,
        "worse": {},
        "sharper": {},
    }
    for share in NOISE:
        worse = noisier(challenger, share, generator)
        found = contest(worse).against(champion)
        told["worse"][share] = [found.gain, found.high]
    part = max((one for one in parts if one.rows.sum() < 0.3 * len(held)), key=lambda one: one.rows.sum())
    smallest = min(parts, key=lambda one: one.rows.sum())
    told["broken"] = {
        f"{name} ({100 * one.rows.mean():.0f} % of the rows)": rules.holds_in_slices(
            contest(blind(challenger, one.rows, generator)), champion, "", params.gate.max_slice_regression
        ).result
        for name, one in (("a large slice", part), ("the smallest slice", smallest))
    }
    if challenger.problem == "binary":
        for factor in SHARPER:
            odds = np.log(challenger.scores / (1 - challenger.scores)) * factor
            sharp = replace(challenger, scores=1 / (1 + np.exp(-odds)))
            told["sharper"][factor] = rules.is_calibrated(contest(sharp), params.gate.max_calibration_error).result
    return told


def noisier(judged, share, generator):
    """Return the same rows beside scores with noise of a share of their spread."""
    scores = judged.scores
    if judged.problem == "binary":
        odds = np.log(scores / (1 - scores))
        scores = 1 / (1 + np.exp(-(odds + generator.normal(0, share * odds.std(), len(odds)))))
    else:
        scores = scores + generator.normal(0, share * scores.std(), len(scores))
    return replace(judged, scores=scores)


def blind(judged, rows, generator):
    """Return the same rows with the answers of one slice shuffled among themselves."""
    scores = judged.scores.copy()
    scores[rows] = generator.permutation(scores[rows])
    return replace(judged, scores=scores)


if __name__ == "__main__":
    main()
