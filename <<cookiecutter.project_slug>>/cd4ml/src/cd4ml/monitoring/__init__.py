"""Watch the model that is live: what it is asked, what it answers, and how good the answers were.

In the order in which data flows: `periods`, `served` (the prediction log, counted), `labels` (the outcomes, joined),
`drift`, `expected` and `performance` (what is computed of both), `findings` (what it means), and the report.
"""
