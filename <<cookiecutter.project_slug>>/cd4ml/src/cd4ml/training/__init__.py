"""Build the team's model, fit it, choose its decision threshold, and save it without pickle.

In: features by name, a target, the keys of `model:` in params.yaml. Out: a fitted scikit-learn pipeline. Read first:
`build`, which calls the team's `build_model`.

- `build`: call the team's `build_model`. `fit`: fit the model that it returned.
- `threshold`: choose the decision threshold of a binary model.
- `random_folds`: divide the rows into folds. `repeated_folds`: predict a small training set in cross-validation.
- `estimator`: convert features to the table that scikit-learn takes, and predict scores.
- `skops_file`: save and load a pipeline; equal pipelines give equal bytes.
"""
