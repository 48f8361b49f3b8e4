"""Replay the project's past: what would have been live, month by month, if it had been operated then.

In: the source's rows. Out: build/replay, with a decision for each month and how good each model was in it. Everything
happens in a scratch copy with a git remote, a DVC cache and a prediction log of its own, by the library's own parts.

Read first: `live_year`, which knows each day only what was known then. Then `scratch` (the copy), `arrivals` (rows and
outcomes come in), `traffic` (requests over HTTP, logged), `retraining` (the stages and the gate), `releases` (what is
live). Afterwards, with all rows: `hindsight` (how good each model was), `summary` and `picture`. `replay` is the verb.
"""
