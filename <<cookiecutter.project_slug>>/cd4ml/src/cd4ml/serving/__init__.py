"""The HTTP service: predicts with a bundle only. Imports nothing that trains (import-linter checks that).

In: models/bundle, and settings from the environment. Out: predictions, or problem documents that name row and column.
Read first: `app`, then `payload`.

- `server`: the verb `serve`. `app`: the routes, and POST /predict. `payload`: request bodies to columns.
- `request`: what is the same for every request. `problem`: errors in the form of RFC 9457. `api_keys`: authorization.
  `openapi`: the contract in /docs.
- `service_settings`: the environment variables. `release_metadata`: models/release.json.
- `client`, `predict`, `smoke`: send requests to a service: the verbs `predict` and `smoke`.
"""
