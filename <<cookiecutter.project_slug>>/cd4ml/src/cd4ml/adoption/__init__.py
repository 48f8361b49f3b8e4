"""Adopt a table of the team's own in place of the example: the verb `adopt`.

In: a source, the column to predict, and perhaps its id and its time. Out: contract.yaml, params.yaml, features.py,
model.py and a test that fit this table; the example's files are removed. Read first: `adopt`, then `decisions`.

- `decisions`: what each column is used for, and why.
- `leakage`: columns that give the target away.
- `model_choice`: compare a few models on the training rows. `starters`: the files that the team gets.
- `project_files`: the text of every file that is written.
- `adopt`: the verb, which calls the others and prints what was decided.
"""
