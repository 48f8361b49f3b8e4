"""Measure how good a bundle is: metrics with intervals, slices, curves, pictures, and the model card.

In: the outcomes and the bundle's scores of the test set. Out: numbers, CSV, SVG and Markdown. Read first:
`predictions`, then `metrics`. A new metric is an entry in `metric_table`, and its computation in `metrics`.

- `predictions`: outcomes and scores of the same rows. `metric_table`: the library's metrics. `metrics`: computes them,
  with `ranking` and `calibration`. `team_metrics`: the functions in the team's metrics.py. `metric_set`: both, and
  which is the main one.
- `intervals`: 95 % intervals by the bootstrap. `baseline`: what to predict without the columns. `results`: the content
  of reports/metrics.json.
- `slices`: the main metric for each value of a column. `curves`: points for DVC's plots. `pictures`: the card's SVG.
- `card`: the model card's data, with `card_rows` and `card_quality`. `model_card.md.jinja`: how it is shown.
  `card_template`: fills it in, or the team's.
- `formatting`, `markdown`: numbers as text, text as Markdown.
"""
