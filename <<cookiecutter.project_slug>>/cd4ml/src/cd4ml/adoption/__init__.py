"""Adopt a table of the team's own in place of the example: the verb `adopt`.

In: a source, the column to predict, and perhaps its id and its time. Out: contract.yaml, params.yaml, features.py,
model.py and a test that fit this table; the example's files are removed. Read first: `adopt`, then `decisions`.

- `decisions`: what each column is used for, why, and how sure that is. `column_rules` decides by a column's own values,
  `roles` finds the id, the group and the time, `null_texts` what may mean null, `questions` asks a person.
- `leakage`: columns that give the target away.
- `split_choice`, `model_choice`, `metric_choice`, `gate_choice`: the test set, the model to start from, the main metric
  and the gate's limits. `starters`: the files that the team gets.
- `project_files`: the text of every file that is written. `source_files`: the rows themselves.
- `adopt`: the verb, which calls the others; `adopt_again`, if contract.yaml is the team's. `summary`: what they print.
"""
