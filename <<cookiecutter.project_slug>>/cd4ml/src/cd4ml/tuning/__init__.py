"""Search for better values of `model:` with Optuna, on the training set only.

In: `tune:` of params.yaml and the training set. Out: the winner's values in params.yaml, if they are better.
Read first: `tune`, then `study`.

- `tune`: the verb. `space`: the values that may be tried. `folds`: the rows to fit on and to score on.
- `search`: fits and scores values on a share of the rows. `trial`: evaluates a candidate, until it is pruned.
- `study`: Optuna's study of all trials, which is stored, so that a search that was stopped continues, and several
  processes search together. `storage`: the database that holds it.
- `outcome`: the candidates and the winner. `summary`: what is printed. `mlflow_search`: the search as runs in MLflow.
"""
