"""The bundle: the unit of delivery. A folder that holds all that a prediction needs, and answers.

In: a fitted pipeline, the team's features.py, the contract, the training set. Out: models/bundle, checksummed, the same
bytes for the same inputs. API, batch, gate and smoke test all answer through it. Read first: `bundle`, `manifest`.

- `manifest`: bundle.json. `bundle`: the folder, checked and loaded. `engines`: ONNX Runtime, or scikit-learn.
- `feature_code`: features.py, run from its text. `decision`: from scores to labels.
- `training_profile`: how the training set is distributed. `examples`: the pipeline's own answers to a few rows.
- `onnx_export`, `exact_comparisons`, `proof`: export to ONNX, and prove that it answers as the pipeline does.
- `assemble`: make a bundle from all of these.
"""
