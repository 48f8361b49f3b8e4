"""The data contract: what a row looks like. Everything that reads rows goes through here.

In: contract.yaml, and rows or tables. Out: columns as NumPy arrays, with nulls and types normalized once, for training,
batch and serving alike. Read first: `contract`, `column`, then `columns`.

- `contract`, `column`: contract.yaml, typed; the rules of one column, and how to state them.
- `columns`: rows to columns, without pandas: what serves uses this.
- `table`: pandas tables to columns; read and write Parquet and CSV.
- `validation`: the rules that a table violates.
- `inference`: a first contract from a table.
- `compatibility`: whether callers of one contract can go on under another.
"""
