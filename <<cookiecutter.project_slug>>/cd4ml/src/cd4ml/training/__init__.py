"""Build the team's model, fit it, choose its threshold, save it without pickle.

In: features by name, a target, `model:` of params.yaml. Out: a fitted scikit-learn pipeline. Read first: `build`, the
door to the team's `build_model`.

- `build`: call the team's `build_model`. `fit`: fit what it returned. `threshold`: where a probability becomes yes.
- `estimator`: features as the table that scikit-learn takes, answers as arrays.
- `skops_file`: save and load a pipeline; equal pipelines give equal bytes.
"""
