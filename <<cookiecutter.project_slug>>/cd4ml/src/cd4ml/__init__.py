"""Continuous delivery for machine learning: from a table to a model that is validated, judged, served and released.

A project's team writes `features.py` and `model.py`, a contract and parameters; this package does the rest, and reaches
the team's code through `features.derive` and `model.build_model` alone. Each of its packages imports only those
before it in the order in which data flows, from `errors` to `image`: README.md of the library lists them, import-linter
holds the order. `cli.py` is the command line.
"""

import os

# ONNX Runtime reports its use to its makers unless it is asked not to. Read when it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# OpenMP's threads spin while they wait, which slows fitting tenfold on a machine that does something else as well.
# Read when scikit-learn is first imported, so it has to be set here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
