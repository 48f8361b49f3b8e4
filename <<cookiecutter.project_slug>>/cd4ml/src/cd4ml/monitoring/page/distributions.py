"""What the report says of distributions: of the predictions, and of the columns that moved most."""

from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup

from cd4ml.evaluation.formatting import format_percent, format_rounded
from cd4ml.monitoring.page.bin_shares import SIDES, BinShares, of_column, of_numbers
from cd4ml.monitoring.page.inline_svg import inline_svg
from cd4ml.monitoring.page.pictures import draw_distribution
from cd4ml.monitoring.page.quality import beyond_chance, slice_name

_MOST_COLUMNS = 8  # with pictures
_SMALL, _LARGE = 0.1, 0.25  # of the stability index, by convention
_SIDE_NAMES = {"training": "the training set", "before": "the period before", "season": "the same days a year ago"}
_PICTURE = 232  # pixels wide
_ROW = 20  # pixels high, of a category


def prediction_facts(document: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any] | None:
    """Return the predictions' distribution beside the test set's; None if there is none."""
    found = document["predictions"]
    bins = of_numbers(found["edges"], found["counts"], {"test_set": found["test_set"]}) if found["rows"] else None
    if bins is None:
        return None
    task, moved = document["model"]["task"], _moved(found["index"], found["by_chance"])
    rows, labels = found["rows"], found.get("labels_of_test_set", {})
    return {
        "what": {
            "binary": "the probability of true",
            "multiclass": "the probability of the most likely class",
            "regression": "the predicted number",
        }[task],
        "sentence": f"Beside the test set: {moved[:1].lower()}{moved[1:]}",
        "picture": _picture(bins, "test_set", "the test set", next(numbers), (328, 190)),
        "table": _table(bins, {"test_set": "the test set"}),
        "labels": [(name, found["labels"].get(name, 0) / rows, share) for name, share in labels.items()],
    }


def column_facts(document: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    """Return the columns that moved most, with pictures, and the others by name."""
    drawn: list[dict[str, Any]] = []
    others = []
    for column in document["columns"]:
        bins = of_column(column)
        moved = any(_beyond_chance(column, side) > 0 for side in SIDES)
        if bins is None or not moved or len(drawn) == _MOST_COLUMNS:
            only_nulls = column["nulls"] == 1
            others.append({"name": column["name"], "index": column.get("index_training"), "only_nulls": only_nulls})
            continue
        drawn.append(_column_facts(column, bins, document, numbers) | {"anchor": f"column-{len(drawn) + 1}"})
    return {"drawn": drawn, "others": others, "has_season": any(column.get("season") for column in document["columns"])}


def _column_facts(
    column: Mapping[str, Any], bins: BinShares, document: Mapping[str, Any], numbers: Iterator[int]
) -> dict[str, Any]:
    height = 132 if bins.is_ordered else 34 + _ROW * len(bins.now)
    unit = column["unit"] or ""
    return {
        "name": column["name"],
        "unit": unit,
        "type": column["type"],
        "nulls": column["nulls"],
        "nulls_in_training": column["nulls_in_training"],
        "unknown": column.get("unknown") or 0.0,
        "outside": column.get("outside") or 0.0,
        "sides": [
            {
                "name": _SIDE_NAMES[side],
                "picture": _picture(bins, side, _SIDE_NAMES[side], next(numbers), (_PICTURE, height)),
                "sentence": _moved(
                    column[f"index_{side}"],
                    column[f"chance_{side}"],
                    column.get(f"distance_{side}"),
                    unit,
                ),
            }
            for side in bins.others
        ],
        "table": _table(bins, {side: _SIDE_NAMES[side] for side in bins.others}),
        "slices": _slices_of(column["name"], document),
    }


def _beyond_chance(column: Mapping[str, Any], side: str) -> float:
    index = column.get(f"index_{side}")
    return 0.0 if index is None else index - (column.get(f"chance_{side}") or 0.0)


def _moved(index: float | None, chance: float | None, moved: float | None = None, unit: str = "") -> str:
    """Return how far values are from those that they are compared with, in words and as effect sizes."""
    beyond = (index or 0.0) - (chance or 0.0)
    words = "No more than chance explains"
    if beyond > 0:
        words = "A large change" if beyond >= _LARGE else "A moderate change" if beyond >= _SMALL else "A small change"
    distance = "" if moved is None else f"; values are {format_rounded(moved)}{' ' * bool(unit)}{unit} apart on average"
    return f"{words}{distance}. Stability index {index or 0.0:.2f} (chance {chance or 0.0:.2f})."


def _slices_of(name: str, document: Mapping[str, Any]) -> list[str]:
    """Return the slices that lost more than chance explains, and that are a column's own or in which it moved most."""
    metric = document["metric"]
    return [
        f"{slice_name(each)} ({each['rows']:,} outcomes)"
        for each in document["slices"]
        if beyond_chance(each, metric)
        and name in (each["column"], *(column["name"] for column in each.get("columns", [])))
    ]


def _picture(bins: BinShares, side: str, name: str, number: int, size: tuple[int, int]) -> Markup:
    label = f"Shares of the rows in this period, beside those of {name}; the table has the numbers."
    return inline_svg(lambda axes: draw_distribution(axes, bins, side), size, label, number)


def _table(bins: BinShares, names: Mapping[str, str]) -> dict[str, Any]:
    rows = [
        (label, format_percent(bins.now[number]), *(format_percent(bins.others[side][number]) for side in names))
        for number, label in enumerate(bins.labels)
    ]
    return {"header": ["value", "this period", *names.values()], "rows": rows}
