"""Compile and run features.py from its text, in training as in the service, and check the features that it returns.

The code is compiled and executed in memory, so that Python writes no bytecode into the bundle's folder.
"""

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import FeatureError
from cd4ml.files.text import read_text


class FeatureCode:
    """The text of features.py, compiled.

    Args:
        source: the text.
        name: of the file, for messages.
        file: by which debuggers and coverage find the lines; the name by default.

    Raises:
        FeatureError: the text is not valid Python, imports anything but NumPy and the standard library, or has no
            function `derive`.
    """

    def __init__(self, source: str, name: str = "features.py", file: Path | None = None) -> None:
        self.source, self.name = source, name
        self._file = str(file or name)
        self._derive = _compile(source, name, self._file)

    @classmethod
    def read(cls, path: Path, original: Path | None = None) -> Self:
        """Return the code in a file.

        Args:
            path: the file.
            original: the file that this one may be a copy of; if it has the same text, it is the one that messages,
                debuggers and coverage name.

        Raises:
            FeatureError: the file does not exist, or its text is rejected as above.
        """
        try:
            source = read_text(path, FeatureError)
        except FileNotFoundError:
            raise FeatureError(f"{path} does not exist; pyproject.toml names the package under [tool.cd4ml]") from None
        is_copy = original is not None and original.is_file() and original.read_bytes() == path.read_bytes()
        shown = original if original is not None and is_copy else path
        return cls(source, str(shown), shown.absolute())

    def derive(self, columns: Columns) -> Columns:
        """Return the features of normalized columns: float32 for numbers, str objects for categories, `(rows,)` each.

        Raises:
            FeatureError: `derive` failed, or did not return one value per row for each feature.
        """
        return derive_features(self._derive, columns, self.name, self._file)

    def anew(self) -> Self:
        """Return the same code, executed again: its global variables have their first values."""
        return type(self)(self.source, self.name, Path(self._file))


def derive_features(derive: Callable[[Columns], Any], columns: Columns, place: str, file: str = "") -> Columns:
    """Return the features that a function derives from normalized columns, as `FeatureCode.derive` does.

    Args:
        derive: the function.
        columns: the columns.
        place: where it is, for messages.
        file: the name of its code's file, whose line a message names.

    Raises:
        FeatureError: the function failed, or did not return one value per row for each feature.
    """
    rows = len(next(iter(columns.values())))
    try:
        features = derive(_GivenColumns(columns))
    except Exception as failure:
        raise FeatureError(f"{place}{_line_of(failure, file)}: {_reason(failure)}") from failure
    if not isinstance(features, dict) or not features:
        raise FeatureError(f"{place}: derive returned {type(features).__name__}; return features by name")
    derived = {  # without the columns that are features as they are
        name: _normalized(name, values, rows, place)
        for name, values in features.items()
        if (column := columns.get(name)) is None or values is not column or column.dtype.kind == "M"
    }
    return {**features, **derived}


def _normalized(name: str, values: Any, rows: int, place: str) -> Array:
    array = np.asarray(values)
    if array.shape != (rows,):
        raise FeatureError(f"{place}: feature {name} has shape {array.shape}, not ({rows},); return one value per row")
    if array.dtype.kind in "fiub":
        return array.astype(np.float32, copy=False)
    if array.dtype.kind in "OUT" and all(isinstance(value, str) for value in array):
        return array.astype(object, copy=False)
    kind = f"{array.dtype}" if array.dtype.kind not in "OUT" else "not all strings"
    raise FeatureError(f"{place}: feature {name} is {kind}; return numbers, booleans or strings")


class _MissingColumnError(KeyError):
    """The columns that `derive` got have none of this name."""


class _GivenColumns(dict[str, Array]):
    """The columns that `derive` gets: an error tells a column that is missing from a key of another dictionary.

    None can be written to, as the caller uses its columns again.
    """

    def __init__(self, columns: Columns) -> None:
        super().__init__(columns)
        for name, array in columns.items():
            if array.flags.writeable:
                self[name] = view = array.view()
                view.setflags(write=False)

    def __missing__(self, name: str) -> Array:
        raise _MissingColumnError(name)

    def pop(self, name: str, *default: Any) -> Any:
        if name not in self and not default:
            raise _MissingColumnError(name)
        return super().pop(name, *default)


def _compile(source: str, name: str, file: str) -> Callable[[Columns], Any]:
    try:
        tree = ast.parse(source, name)
    except SyntaxError as invalid:
        raise FeatureError(f"{name}:{invalid.lineno or 1}: {invalid.msg}") from None
    for node in ast.walk(tree):
        for module in _imported_modules(node):
            if module != "numpy" and module not in sys.stdlib_module_names:
                line = getattr(node, "lineno", 1)
                raise FeatureError(
                    f"{name}:{line}: imports {module or 'from this package'}; "
                    "the bundle holds a copy of this file, so import only NumPy and the standard library"
                )
    scope: dict[str, Any] = {"__name__": "features"}
    exec(compile(tree, file, "exec"), scope)  # noqa: S102 - the bundle holds its checksum
    if not callable(scope.get("derive")):
        raise FeatureError(f"{name} has no function derive(columns); write one that returns features by name")
    return scope["derive"]  # type: ignore[no-any-return]


def _imported_modules(node: ast.AST) -> list[str]:
    """Return the top-level modules that an import statement names; "" for a relative import."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["" if node.level else (node.module or "").partition(".")[0]]
    return []


def _line_of(failure: Exception, file: str) -> str:
    """Return `:line` of the innermost line of features.py that an exception passed through; empty if it did not."""
    trace, line = failure.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f":{line}" if line else ""


def _reason(failure: Exception) -> str:
    if isinstance(failure, _MissingColumnError):
        return f"there is no column {failure}; the contract names the columns"
    if isinstance(failure, ValueError) and "read-only" in str(failure):
        return "derive changes a column that it was given; change a copy of it instead"
    return f"{type(failure).__name__}: {failure}"
