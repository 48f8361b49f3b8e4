"""Watch the model that is live: what it is asked, what it answers, and how good the answers were.

In the order in which data flows: `periods`, `served` (the prediction log, counted), `outcomes` (joined with it),
`drift`, `expected` and `performance` (what is computed of both), `findings` (what it means), and `watch`: the content
of monitoring.json. `outputs` makes everything else of that document: `page`, `summary`, `terminal_table`, `gauges`,
`pushgateway`, `mlflow_run`; `verdict` is the sentence that all of them begin with.
"""
