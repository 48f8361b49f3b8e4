"""The stages of dvc.yaml, one module each, in its order: read, call, write. And the verb `train`, which runs them.

ingest, validate, split, train, package, evaluate. Read first: dvc.yaml, then `ingest`. A new stage is a module here
with `run()`, a name in `stage`, and its entry in dvc.yaml.
"""
