"""The HTTP service: answers from a bundle alone. Imports nothing that trains (import-linter holds that).

In: models/bundle, settings from the environment. Out: answers, or problem documents that name row and column.
Read first: `app`, then `payload`.

- `server`: the verb `serve`. `app`: the routes, and POST /predict. `payload`: bodies to columns. `request`: what holds
  for every request. `problem`: errors by RFC 9457. `api_keys`: who may ask. `openapi`: the contract for /docs.
- `service_settings`: what the environment sets. `release_metadata`: models/release.json.
- `client`, `predict`, `smoke`: ask a service: the verbs `predict` and `smoke`.
"""
