"""Read the rows of the source: files, the web, buckets, databases.

In: `data.source` in params.yaml. Out: a pandas table of the source's rows, in the contract's types. Read first: `read`,
which calls the others, then `contract_values`.

- `address`: `data.source`, with the secrets from the environment filled in, and kept out of messages.
- `read`: the reader. `web`, `bucket`, `database`: its parts. `driver`: the packages that they need.
- `table_file`: the files of a source. `csv_file`: a CSV file as text. `arrow_table`: Parquet and databases, exactly.
- `contract_values`: categories as strings, numbers as numbers. `number_text`: numbers that are written as text.
- `window`: choose the rows of the days that params.yaml asks for, each row once.
- `refresh`: the verb `refresh`, which reads the source again. `draft_contract`: the verb `contract`.
"""
