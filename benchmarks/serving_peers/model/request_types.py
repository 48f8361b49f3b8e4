"""The request as pydantic checks it, made from the contract: types, limits, categories, nulls, no unknown column."""

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime, create_model

MAXIMUM_ROWS = 1000


def _type(column: dict[str, Any]) -> Any:
    match column["type"]:
        case "number":
            return Annotated[float, Field(ge=column.get("min"), le=column.get("max"))]
        case "category" if "values" in column:
            return Literal[tuple(column["values"])]
        case "category":
            return Annotated[str, Field(min_length=1)]
        case "timestamp":
            return NaiveDatetime
    raise ValueError(f"no type for {column}")


def _field(column: dict[str, Any]) -> Any:
    return (_type(column) | None, None) if column.get("nullable") else (_type(column), ...)


CONTRACT = json.loads(Path(os.environ["CONTRACT"]).read_text(encoding="utf-8"))
FIELDS: dict[str, Any] = {name: _field(column) for name, column in CONTRACT["columns"].items()}
Row = create_model("Row", __config__=ConfigDict(extra="forbid"), **{CONTRACT["id"]: (str | int, ""), **FIELDS})


class Request(BaseModel):
    """`{"rows": [{column: value, ...}, ...]}`."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[list[Row], Field(min_length=1, max_length=MAXIMUM_ROWS)]  # type: ignore[valid-type]
