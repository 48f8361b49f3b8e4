"""The HTTP service: predicts with a bundle only. Imports nothing that trains (import-linter checks that).

In: models/bundle, and settings from the environment. Out: predictions, or problem documents that name row and column.
Read first: `app`, then `predict_endpoint`.

- `server`: the verb `serve`; `supervisor`, `worker`: in several processes.
- `app`: the routes, and what is in front of them.
- `predict_endpoint`: POST /predict. `payload`: request bodies to columns. `answer`: what was predicted, for records.
  `batching`: rows of requests that wait at the same time are scored together.
- In front of every route: `request_context`, what is the same for every request, with `trace_context`,
  `security_headers` and `request_log`; `error_format`, errors as documents of RFC 9457, which `problem` makes;
  `limits`, too many requests; `api_keys`, authorization, with `key_digests` and the verb in `make_key`.
- Connections: `http_protocol`, with `connection_limits`, `raw_response`; `refusals`, which are counted and logged. The
  log: `log_output`, `line_writer`.
- `metrics`: what is counted of requests, in `counts`, with `tallies` for columns; `route_paths`: by which routes.
  `metrics_route`, `exposition`: GET /metrics.
- `team_routes`: service.py of the team; `served_model`: the model, for its routes. `in_thread`: for its tests.
- `health_routes`: /health and /version. `page_routes`: /docs, and /, the page for people that `page` makes.
- `openapi`: the contract in /docs. `time_pattern`: which times it allows.
- `log_predictions`: answers to the prediction log.
- `service_settings`: the environment variables; `setting_types`: how their texts are read.
- `release_metadata`: models/release.json. `clock`: a warning if it must be wrong.
- `client`, `predict`, `smoke`: send requests to a service: the verbs `predict` and `smoke`.
"""
