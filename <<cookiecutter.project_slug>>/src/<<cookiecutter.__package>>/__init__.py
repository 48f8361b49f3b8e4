"""From a table to a model that is served: one package, one verb a stage."""

import os

# ONNX Runtime tells its makers about its use unless it is asked not to. Read when it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# OpenMP's threads spin while they wait, which slows fitting tenfold on a machine that does something else as well.
# Read when scikit-learn is first imported, so it has to be said here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
