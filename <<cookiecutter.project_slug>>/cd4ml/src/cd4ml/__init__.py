"""Continuous delivery for machine learning: from a table to a model that is validated, judged, served and released.

A project's team writes `features.py` and `model.py`, a contract and parameters; this package does the rest, and reaches
the team's code through `features.derive` and `model.build_model` alone. Its packages, in the order in which data flows:

| package    | what it does                                                                                     |
|------------|--------------------------------------------------------------------------------------------------|
| errors     | errors that the user can fix                                                                     |
| files      | atomic writes, YAML with line numbers, dvc.lock, git                                             |
| terminal   | the verbs, their arguments, lines of progress, tables                                            |
| settings   | [tool.cd4ml] of pyproject.toml, params.yaml, where everything lies                               |
| contract   | contract.yaml; rows and tables to columns; inference, validation, compatibility                  |
| source     | where rows come from: files, the web, buckets, databases; what is new                            |
| training   | build and fit the team's model, choose its threshold, save it                                    |
| bundle     | the unit of delivery: manifest, feature code, engines; export to ONNX and the proof              |
| evaluation | metrics, intervals, slices, curves, the model card                                               |
| storage    | where data and models are kept: a DVC remote, or a container registry                            |
| gate       | the challenger against the baseline and the champion                                             |
| tracking   | MLflow, from the files that a training leaves                                                    |
| pipeline   | one module for each stage of dvc.yaml, and the verb that runs them all                           |
| tuning     | the search for better parameters                                                                 |
| adoption   | replace the example by a table of the team's own                                                 |
| batch      | answers for tables of any size                                                                   |
| serving    | the HTTP service                                                                                 |
| delivery   | what workflows do in git and on GitHub                                                           |
| deploy     | the image, and the scripts of each cloud                                                         |

Each package imports only those above it (import-linter holds the order); `cli.py` is the command line.
"""

import os

# ONNX Runtime reports its use to its makers unless it is asked not to. Read when it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# OpenMP's threads spin while they wait, which slows fitting tenfold on a machine that does something else as well.
# Read when scikit-learn is first imported, so it has to be set here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
