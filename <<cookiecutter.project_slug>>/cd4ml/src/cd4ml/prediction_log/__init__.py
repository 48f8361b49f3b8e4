"""The prediction log: one record per prediction, to standard output, a folder or a bucket.

In: the answers of the service. Out: JSON lines, or Parquet files partitioned by day; read again for monitoring.
Read first: `record`, then `writer`. docs/prediction-log.md of the library is for whoever operates it.

- `address`: the value of PREDICTION_LOG. `record`: what a record holds. `parquet`: records as Parquet; the
  only module here that imports pyarrow.
- `place`: standard output, a folder, a bucket. `writer`: the queue, and the thread that writes it.
- `read`: the records of some days as a table. `forget`: the verb that removes one id's records.
"""
