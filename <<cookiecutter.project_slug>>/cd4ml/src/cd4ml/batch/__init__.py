"""Score tables of any size with a bundle: the same answers as the service gives, in constant memory, on all cores.

In: Parquet, CSV or a query, and a bundle. Out: Parquet or CSV with a prediction for each row. Read first: `score`, the
verb, then `scorer`, what is done with some rows.

- `score`: the verb `score`. `job`: reads the rows, has them scored part by part, and writes the answers.
- `rows`: the rows of files, buckets and databases, as Arrow tables. `query_rows`: a query's rows, as files.
- `arrow_columns`: Arrow tables to the contract's columns, and the rules that they break. `scorer`: a table to answers.
- `parts`: what is finished, so that a run that was killed goes on. `pool`: the processes that score.
- `table_writer`: the answers as one file, on a disk or in a bucket.
- `partition`: `score_partition`, for programs that divide a table by themselves, such as Dask and Ray.
"""

from cd4ml.batch.partition import score_partition

__all__ = ["score_partition"]
