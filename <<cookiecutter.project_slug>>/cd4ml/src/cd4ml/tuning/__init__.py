"""Search for better values of `model:` by successive halving, on the training set only.

In: `tune:` of params.yaml and the training set. Out: the winner's values in params.yaml, if they are better.
Read first: `tune`.

- `tune`: the verb. `space`: the candidates, drawn at random. `folds`: the rows to fit them on and to score them on.
- `study`: fits and scores one candidate. `search`: successive halving. `fit_cache`: results of fits on disk, so that a
  search that was stopped continues.
- `progress`, `summary`: what is printed. `search_result`, `mlflow_search`: the search as a file, and as runs in MLflow.
"""
