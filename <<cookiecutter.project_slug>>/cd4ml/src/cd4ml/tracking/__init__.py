"""Publish a trained bundle to MLflow: one run for each bundle and server, a registered model, an alias.

In: models/ and reports/. Out: a run, a version of the registered model, an alias. MLflow only records: no decision
depends on it. Read first: `track`.

- `track`: the verb `track`. `address`: which server. `receipt`: what was published there before. `lineage`: the
  commit, the user, the workflow.
- `run_files`, `run_content`, `server`: what a run contains, and the calls that create it. `logged_model`,
  `mlflow_model`: the bundle as an MLflow model.
- `local_store`, `mlflow_page`: the database in the project's folder, and the verb `mlflow`, which serves its page.
"""
