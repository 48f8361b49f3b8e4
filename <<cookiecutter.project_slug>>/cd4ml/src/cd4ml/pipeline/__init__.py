"""The stages of dvc.yaml, one module each: read files, call the packages above, write files. And the verb `train`.

In the order of dvc.yaml: ingest, validate, split, train, package, evaluate. Read first: dvc.yaml, then `ingest`. A new
stage is a module here with a function `run()`, a name in `stage`, and an entry in dvc.yaml.

- `stage`: the verb that dvc.yaml calls. `reproduce`: the verb `train`, which runs all stages that are out of date.
- `orphan_watchdog`: end a stage if the process that started it has ended.
"""
