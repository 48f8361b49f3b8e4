"""Where the rows come from: files, the web, buckets, databases.

In: `data.source` in params.yaml. Out: a pandas table of the source's rows. Read first: `read`, the one reader.

- `address`: `data.source` with the environment's secrets filled in, and never printed.
- `read`, `web`, `bucket`, `database`: the readers. `progress_meter`: how far a long one is.
- `window`: the rows of the days that params.yaml asks for, each once.
- `refresh`: the verb `refresh`: take in what is new. `draft_contract`: the verb `contract`.
"""
