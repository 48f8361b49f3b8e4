"""How good a bundle is: metrics with intervals, slices, curves, pictures, and the model card.

In: targets and a bundle's scores of the test set. Out: numbers, CSV, SVG and Markdown.
Read first: `predictions`, `metrics`.

- `predictions`: targets and scores of the same rows. `metrics`: every metric of each task; `ranking` and `calibration`
  are what they are made of.
- `intervals`: 95 % intervals by the bootstrap. `baseline`: the trivial model. `results`: reports/metrics.json.
- `slices`: the same by value of a column. `curves`, `pictures`: for DVC's plots and for people.
- `card`, `card_contract`: the model card. `metric_descriptions`, `formatting`, `markdown`: its words and numbers.
"""
