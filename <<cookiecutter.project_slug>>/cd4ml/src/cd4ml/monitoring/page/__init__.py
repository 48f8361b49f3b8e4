"""Make report.html of monitoring.json: one page that needs nothing else, for a person to read from top to bottom.

In: the document. Out: the text of the page. Read first: `report`, which fills in report.html.jinja.

- `quality`, `distributions`, `by_day`: what the page says of each part.
- `pictures`, `inline_svg`, `bin_shares`: the pictures in it.
"""
