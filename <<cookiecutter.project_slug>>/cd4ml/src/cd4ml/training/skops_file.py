"""Save a fitted pipeline without pickle, the same bytes each time; load one, trusting only known libraries' types."""

import io
import itertools
import json
import zipfile
from pathlib import Path
from typing import Any

from cd4ml.errors import ModelError
from cd4ml.files.atomic import replacing

# Whose types a file may hold, besides what skops itself trusts. Add "lightgbm." or "xgboost." to ship those.
TRUSTED = ("sklearn.", "numpy.", "scipy.", "functools.partial")

_NO_CLOCK = (1980, 1, 1, 0, 0, 0)


def save(model: Any, path: Path) -> None:
    """Write a fitted estimator, whole or not at all; equal models give equal bytes.

    Raises:
        ModelError: it holds types that `TRUSTED` does not name, or that skops cannot save.
    """
    from skops.io import dumps

    try:
        content = _normalised(dumps(model))
    except (AttributeError, TypeError, NotImplementedError) as refused:
        raise ModelError(f"model.py: the fitted model cannot be saved without pickle: {refused}") from None
    _check_types(content)
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load(path: Path) -> Any:
    """Return the estimator in a file.

    Raises:
        ModelError: it holds types that `TRUSTED` does not name.
    """
    from skops.io import loads

    content = path.read_bytes()
    return loads(content, trusted=_check_types(content))


def _check_types(content: bytes) -> list[str]:
    from skops.io import get_untrusted_types

    types: list[str] = get_untrusted_types(data=content)
    refused = [name for name in types if not name.startswith(TRUSTED)]
    if refused:
        raise ModelError(
            f"the model holds types that are not trusted: {', '.join(refused)}; "
            "if you trust their library, add it to TRUSTED in skops_file.py"
        )
    return types


def _normalised(content: bytes) -> bytes:
    """Return a skops archive without what differs between equal models: object ids, times, thread counts."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files.pop("schema.json"))
    renamed: dict[str, str] = {}
    _renumber(schema, {}, renamed, itertools.count(1))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json", _NO_CLOCK), json.dumps(schema), zipfile.ZIP_DEFLATED)
        for old, new in renamed.items():
            archive.writestr(zipfile.ZipInfo(new, _NO_CLOCK), files[old], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _renumber(node: Any, numbers: dict[int, int], renamed: dict[str, str], fresh: "itertools.count[int]") -> None:
    """Number objects in the order they appear. Plain values get a number each: which of them Python shares varies."""
    if isinstance(node, list):
        for child in node:
            _renumber(child, numbers, renamed, fresh)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("__id__"), int):
        shared = node.get("__loader__") != "JsonNode"
        number = numbers.setdefault(node["__id__"], next(fresh)) if shared else next(fresh)
        node["__id__"] = number
        if isinstance(node.get("file"), str):
            name = node["file"]
            node["file"] = renamed.setdefault(name, f"{number}{Path(name).suffix}")
    for key, child in node.items():
        if key == "n_threads" and isinstance(child, dict) and child.get("__loader__") == "JsonNode":
            child["content"] = "1"  # gradient-boosted trees remember how many cores fitted them
        _renumber(child, numbers, renamed, fresh)
