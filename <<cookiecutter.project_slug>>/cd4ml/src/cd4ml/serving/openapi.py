"""Describe POST /predict in OpenAPI: the request by the contract, with limits, units and examples; the responses."""

from collections.abc import Collection
from http import HTTPStatus
from typing import Any

from cd4ml.bundle.explanation import most_explained_rows
from cd4ml.bundle.manifest import Manifest
from cd4ml.contract.column import Column
from cd4ml.contract.contract import Contract
from cd4ml.serving.problem import MEDIA_TYPE
from cd4ml.serving.service_settings import ServiceSettings
from cd4ml.serving.time_pattern import time_pattern

Schema = dict[str, Any]

_JSON_TYPES = {"number": "number", "integer": "integer", "boolean": "boolean"}
_PROBLEMS = {
    400: "The body is not valid JSON.",
    401: "The key is missing, or is not one of the service's.",
    408: "The request was not complete in time.",
    413: "The body is larger than the service accepts.",
    415: "The body's media type is not JSON.",
    422: "The rows break the contract; `errors` names row, column, rule and value.",
    500: "The service failed; its log has the reason, under the request id.",
    503: "Too many requests wait for an answer; try again after the seconds in `Retry-After`.",
}

_EXPLAIN: Schema = {
    "type": "boolean",
    "default": False,
    "description": "Whether the response says what moves each prediction: `explanations`. It costs as much as one row "
    "more for each column, so fewer rows are accepted.",
}
_KEY = {"type": "http", "scheme": "bearer", "description": "One of the service's keys."}


def predict_operation(contract: Contract, manifest: Manifest, settings: ServiceSettings) -> Schema:
    """Return `paths./predict.post` of the OpenAPI document."""
    rows = {"type": "array", "items": row_schema(contract), "minItems": 1, "maxItems": settings.max_rows}
    explained = {
        "if": {"properties": {"explain": {"const": True}}, "required": ["explain"]},
        "then": {"properties": {"rows": {"maxItems": most_explained_rows(contract, settings.max_rows)}}},
    }
    problems = {
        str(status): {"description": meaning, "content": {MEDIA_TYPE: {"schema": _problem_schema(status)}}}
        for status, meaning in _PROBLEMS.items()
        if status != HTTPStatus.UNAUTHORIZED or settings.api_keys
    }
    return {
        "summary": f"Predict {contract.target.name}",
        "description": contract.target.description or f"One prediction of {contract.target.name} for each row.",
        "operationId": "predict",
        "security": [{"key": []}] if settings.api_keys else [],
        "parameters": [
            {
                "name": "X-Request-ID",
                "in": "header",
                "description": "Returned with the response, and written to the log; generated if it is missing.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": _object({"rows": rows, "explain": _EXPLAIN}, ["rows"]) | explained,
                    "example": {"rows": [contract.sample_row()]},
                }
            },
        },
        "responses": {
            "200": {
                "description": "One prediction for each row, in the order of the rows.",
                "headers": {"X-Model-Version": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": response_schema(contract, manifest)}},
            },
            **problems,
        },
    }


def complete(document: Schema, settings: ServiceSettings, public_paths: Collection[str]) -> Schema:
    """Return an OpenAPI document with the address of the service, and with which operations require a key.

    Without a prefix in the settings, the address is relative to that of the document, and so right behind any proxy.
    """
    document["servers"] = [{"url": settings.root_path or "."}]
    document.setdefault("components", {})["securitySchemes"] = {"key": _KEY}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            required = settings.api_keys and path not in public_paths
            operation.setdefault("security", [{"key": []}] if required else [])
    return document


def row_schema(contract: Contract) -> Schema:
    """Return the JSON schema of a row."""
    columns = {name: column_schema(column) for name, column in contract.columns.items()}
    if contract.id is not None:
        columns[contract.id] = {"type": ["string", "integer"], "description": "Names the row; the model ignores it."}
    return _object(columns, [name for name, column in contract.columns.items() if not column.nullable])


def column_schema(column: Column) -> Schema:
    """Return the JSON schema of one column's values."""
    schema: Schema = {"type": _JSON_TYPES.get(column.type, "string")}
    if column.type in ("number", "integer"):
        whole = column.type == "integer"
        schema |= {"minimum": int(column.lowest), "maximum": int(column.highest)} if whole else {}
        schema |= {} if whole else {"minimum": column.lowest, "maximum": column.highest}
    if column.type == "timestamp":
        schema["pattern"] = time_pattern(offset=column.timezone is not None)  # "date-time" has a second 60, no blank
    if column.rejects_unknown:
        schema["enum"] = [*column.accepted_values, *([None] if column.nullable else [])]
    elif column.type == "category" and not column.nullable:
        schema["minLength"] = 1
    if column.nullable:
        schema["type"] = [schema["type"], "null"]
    parts = [column.description, column.unit and f"in {column.unit}", column.type == "timestamp" and column.type_rule]
    if description := ", ".join(part for part in parts if part):
        schema["description"] = description
    return schema | {"examples": [column.sample()]}


def response_schema(contract: Contract, manifest: Manifest) -> Schema:
    """Return the JSON schema of the body of a response with predictions."""
    target = contract.target
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    description = ", ".join(part for part in (target.description, target.unit and f"in {target.unit}") if part)
    prediction: Schema = {"description": description or target.name}
    properties: Schema = {"predictions": {"type": "array", "items": prediction}}
    match manifest.task:
        case "binary":
            prediction["type"] = "boolean"
            of_true = probability | {"description": "The probability of true."}
            properties["probabilities"] = {"type": "array", "items": of_true}
        case "multiclass":
            prediction |= {"type": "string", "enum": manifest.classes}
            by_class = _object({str(name): probability for name in manifest.classes})
            properties["probabilities"] = {"type": "array", "items": by_class}
        case "regression":
            prediction["type"] = "number"
    required = [*properties, "model", "version", "request_id"]
    properties |= explanation_schemas(contract, manifest)
    examples = {"model": manifest.name, "version": manifest.version, "request_id": "0f8b0c6d2d1f4f0e8b3c2a1908f7e6d5"}
    texts = {name: {"type": "string", "examples": [text]} for name, text in examples.items()}
    return _object(properties | texts, required)


def explanation_schemas(contract: Contract, manifest: Manifest) -> Schema:
    """Return the JSON schemas of what a response has besides if the request has `"explain": true`."""
    score = {
        "binary": "the probability of true",
        "multiclass": "the probability of the predicted class",
        "regression": f"the predicted {contract.target.name}",
    }[manifest.task]
    difference = (
        f"For each row and column: {score}, minus what it would be with this one column at its value in `reference`. "
        "One column at a time: not SHAP values, they do not add up, and they do not tell causes."
    )
    value = (
        "The median of each column in the training set; of booleans and categories, the most frequent value. A column "
        "without a value there is left out, here and in `explanations`."
    )
    by_column = _object({name: {"type": "number"} for name in contract.columns}, [])
    return {
        "explanations": {"type": "array", "items": by_column, "description": difference},
        "reference": _object({name: {} for name in contract.columns}, []) | {"description": value},
    }


def _problem_schema(status: int | None) -> Schema:
    """Return the JSON schema of problem documents with a status of POST /predict; of any problem document if None."""
    problem: Schema = {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
    }
    if status is None:
        return _object(problem) | {"additionalProperties": True}
    problem["title"]["examples"] = [HTTPStatus(status).phrase]
    problem["status"] = {"const": status}
    if status == 422:
        violation = {
            "row": {"type": ["integer", "null"], "description": "Counted from 0; null: the request as a whole."},
            "column": {"type": ["string", "null"]},
            "rule": {"type": "string"},
            "value": {"description": "The value that was sent, shortened if it is long."},
        }
        problem["errors"] = {"type": "array", "items": _object(violation)}
    return _object(problem)


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    """Return the schema of an object with these keys and no others; all are required unless `required` is given."""
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


OTHER_RESPONSES: dict[int | str, Schema] = {
    "default": {"description": "An error.", "content": {MEDIA_TYPE: {"schema": _problem_schema(None)}}}
}
"""The errors of every route but POST /predict."""
