"""Search for better values of `model:` by successive halving, on the training set alone.

In: `tune:` of params.yaml and the training set. Out: the winner's values in params.yaml, if it is better.
Read first: `tune`.

- `tune`: the verb. `space`: what is drawn. `folds`: what it is judged on. `study`, `search`: fits and rungs.
- `fit_cache`: fits on disk, so that a stopped search goes on. `progress`, `summary`: what is printed.
- `search_result`, `mlflow_search`: the search as a file, and as a run of MLflow.
"""
