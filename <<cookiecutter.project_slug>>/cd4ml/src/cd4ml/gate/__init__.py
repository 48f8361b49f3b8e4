"""The gate: compare the challenger with the baseline and the champion, and decide whether it may be released.

In: models/bundle, the test set, the champion that git names. Out: a verdict: reports/gate.json, reports/gate.md, and
the exit code. Read first: `judge`, then `rules`. A new rule is a function in `rules` and a line in `judge`.

- `judge`: the verb `gate`. `champion`: find and fetch the champion. `live`: what is left to check of a live bundle.
- `limits`, `champion_limits`: are the limits in params.yaml looser than the champion's, and which count?
- `integrity`: is the challenger complete, and the one that dvc.lock names? `behaviour`: does it answer row by row?
- `history`: the releases before the champion.
- `comparison`: the scores of challenger, champion and baseline on the same rows. `rules`: what each rule measures,
  allows and rejects. `power`: the rules about the test set itself.
- `verdict`: findings and waivers as text, Markdown and JSON. `recorded`: read reports/gate.json.
"""
