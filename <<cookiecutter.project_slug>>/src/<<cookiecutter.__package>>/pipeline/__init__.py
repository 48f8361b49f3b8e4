"""The stages of dvc.yaml, in its order: ingest, validate, split, train, package, evaluate."""
