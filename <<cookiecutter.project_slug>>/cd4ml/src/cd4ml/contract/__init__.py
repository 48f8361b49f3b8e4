"""The data contract: which columns a row has, and which values these may have. All rows are read through it.

In: contract.yaml, and rows or tables. Out: columns as NumPy arrays, with the same types and nulls in training, in batch
and in the service. Read first: `contract`, `column`, then `columns`.

- `contract`: contract.yaml as a typed object. `column`: one of its columns, its rules, and their names in messages.
- `columns`: rows to columns, without pandas; the service uses it.
- `table`: pandas tables to columns; read and write the tables of the stages.
- `split_rule`: which rows are in the test set. `row_key`: a hash of each row, which decides if the contract names no
  time and the team has no rule of its own.
- `validation`: find the rows of a table that violate the contract. `receipt`: which rows were validated.
- `inference`: draft a contract from a table. `text_columns`: look at whole columns of text at once.
- `compatibility`: what a new version of a contract changes for the clients of the service.
"""
