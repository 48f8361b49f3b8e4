"""MLflow, from the files that a training leaves: one run for each bundle and server.

In: models/ and reports/. Out: a run, a registered model, an alias. Nothing here decides anything. Read first: `track`.

- `track`: the verb `track`. `address`: which server. `receipt`: what was published there. `lineage`: commit and person.
- `run_files`, `run_content`, `server`: what a run holds, and how it gets there. `model_folder`, `mlflow_model`: the
  bundle in MLflow's form. `local_store`, `mlflow_page`: a database in this folder, and its page: the verb `mlflow`.
"""
