"""The gate: the challenger against the trivial baseline and the champion, on the same fresh rows.

In: models/bundle, the test set, the champion that git names. Out: a verdict: reports/gate.json, reports/gate.md, and
an exit code. Read first: `judge`, then `rules`. A new rule is a function in `rules` and a line in `judge`.

- `judge`: the verb `gate`. `champion`: find and fetch it.
- `integrity`: is the challenger whole, and what dvc.lock names?
- `comparison`: the same rows answered by all three. `rules`: what each rule measures, allows and rejects.
- `verdict`: findings and waivers, for the terminal, a pull request, and programs. `recorded`: what gate.json says.
"""
