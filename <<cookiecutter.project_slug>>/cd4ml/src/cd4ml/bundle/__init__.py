"""The bundle: a folder with everything that a prediction needs. It is the unit of delivery.

In: a fitted pipeline, the team's features.py, the contract, the training set. Out: models/bundle, with checksums; the
same inputs give the same bytes. The service, the gate, evaluation and the smoke tests all predict with it. Read first:
`bundle`, then `manifest`.

- `manifest`: bundle.json. `bundle`: check a bundle's files, load it, predict with it.
- `engines`: compute scores with ONNX Runtime or scikit-learn. `decision`: turn scores into labels.
- `feature_code`: compile and run features.py from its text.
- `row_independence`: check that a row's features and scores do not depend on the rows beside it.
- `training_profile`: the distribution of each column in the training set. `explanation`: what moves a prediction, by
  comparison with it.
- `examples`: compare predictions with those that the pipeline made for a few rows when the bundle was built.
- `onnx_export`, `exact_comparisons`: export to ONNX. `probes`, `proof`: prove that the export gives the pipeline's
  scores.
- `assemble`: make a bundle from all of these.
"""
