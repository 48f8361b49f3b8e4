"""Save a fitted pipeline without pickle, with the same bytes each time; load one that holds trusted types only."""

import io
import itertools
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cd4ml.errors import ModelError
from cd4ml.files.atomic import replacing

# The libraries and types that a file may hold, besides those that skops itself trusts; `package.trusted_types` in
# params.yaml adds to them.
TRUSTED = ("sklearn", "numpy", "scipy", "functools.partial")

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # of every file in the archive, so that equal models give equal bytes


def save(model: Any, path: Path) -> None:
    """Write a fitted estimator, whole or not at all; equal models give equal bytes.

    Raises:
        ModelError: skops cannot save it.
    """
    from skops.io import dumps

    try:
        content = _normalized(dumps(model))
    except (AttributeError, TypeError, NotImplementedError) as failure:
        raise ModelError(f"model.py: the fitted model cannot be saved without pickle: {failure}") from None
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def load(path: Path, trusted: Sequence[str] = ()) -> Any:
    """Return the estimator in a file.

    Args:
        path: the file.
        trusted: libraries, modules and types to trust besides `TRUSTED`, such as "lightgbm".

    Raises:
        ModelError: it holds other types.
    """
    from skops.io import loads

    content = path.read_bytes()
    return loads(content, trusted=_check_types(content, (*TRUSTED, *trusted)))


def _check_types(content: bytes, trusted: Sequence[str]) -> list[str]:
    """Return the types that skops does not trust by itself, if all of them, or their libraries, are trusted."""
    from skops.io import get_untrusted_types

    types: list[str] = get_untrusted_types(data=content)
    untrusted = [name for name in types if not any(f"{name}.".startswith(f"{entry}.") for entry in trusted)]
    if untrusted:
        raise ModelError(
            f"the model holds types that are not trusted: {', '.join(untrusted)}; "
            "if you trust them, add them or their library to package.trusted_types in params.yaml"
        )
    return types


def _normalized(content: bytes) -> bytes:
    """Return a skops archive without what differs between equal models: object ids, times, thread counts."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(files.pop("schema.json"))
    new_names: dict[str, str] = {}
    _renumber(schema, {}, new_names, itertools.count(1))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("schema.json", _FIXED_TIME), json.dumps(schema), zipfile.ZIP_DEFLATED)
        for old, new in new_names.items():
            archive.writestr(zipfile.ZipInfo(new, _FIXED_TIME), files[old], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _renumber(node: Any, numbers: dict[int, int], new_names: dict[str, str], counter: "itertools.count[int]") -> None:
    """Number the schema's objects in the order in which they appear, and rename the files that they name.

    Two places that share an object share its number. Plain values get a number for each place, because it varies which
    of them Python shares.

    Args:
        node: a part of the schema; it is changed in place.
        numbers: the new number of each object seen so far, by its id.
        new_names: the new name of each file seen so far, by its old name.
        counter: gives the next number.
    """
    if isinstance(node, list):
        for child in node:
            _renumber(child, numbers, new_names, counter)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("__id__"), int):
        shared = node.get("__loader__") != "JsonNode"
        number = numbers.setdefault(node["__id__"], next(counter)) if shared else next(counter)
        node["__id__"] = number
        if isinstance(node.get("file"), str):
            name = node["file"]
            node["file"] = new_names.setdefault(name, f"{number}{Path(name).suffix}")
    for key, child in node.items():
        if key == "n_threads" and isinstance(child, dict) and child.get("__loader__") == "JsonNode":
            child["content"] = "1"  # gradient-boosted trees store how many cores fitted them
        _renumber(child, numbers, new_names, counter)
