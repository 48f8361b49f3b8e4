"""Measure how good a bundle is: metrics with intervals, slices, curves, pictures, and the model card.

In: the outcomes and the bundle's scores of the test set. Out: numbers, CSV, SVG and Markdown. Read first:
`predictions`, then `metrics`. A new metric is a line in `METRICS`, its computation beside it, and a sentence in
`metric_descriptions`.

- `predictions`: outcomes and scores of the same rows. `metrics`: every metric of each task, computed with `ranking` and
  `calibration`.
- `intervals`: 95 % intervals by the bootstrap. `baseline`: what to predict without the columns. `results`: the content
  of reports/metrics.json.
- `slices`: the main metric for each value of a column. `curves`: points for DVC's plots. `pictures`: the card's SVG.
- `card`: the model card; `card_rows` and `card_quality` hold its larger sections.
- `metric_descriptions`, `formatting`, `markdown`: the text about metrics, numbers as text, text as Markdown.
"""
