"""Run features.py from its text, in training and in the service alike, and check what comes back.

The text is compiled and executed in memory: a bundle is never written to, and no bytecode file soils it.
"""

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np

from cd4ml.contract.columns import Array, Columns
from cd4ml.errors import FeatureError


class FeatureCode:
    """features.py as text, ready to be run.

    Raises:
        FeatureError: the text is no Python, imports more than NumPy and the standard library, or has no `derive`.
    """

    def __init__(self, source: str, name: str = "features.py") -> None:
        self.source = source
        self._name = name
        self._derive = _compile(source, name)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the code in a file.

        Raises:
            FeatureError: the file is absent, or its text is no such code.
        """
        try:
            return cls(path.read_text(encoding="utf-8"), str(path))
        except FileNotFoundError:
            raise FeatureError(f"{path} is not here; pyproject.toml names the package under [tool.cd4ml]") from None

    def derive(self, columns: Columns) -> Columns:
        """Return the features of normalized columns: float32 for numbers, str objects for categories, `(rows,)` each.

        Raises:
            FeatureError: `derive` failed, or returned something that is not one value a row for each feature.
        """
        rows = len(next(iter(columns.values())))
        try:
            features = self._derive(dict(columns))
        except Exception as failure:
            raise FeatureError(f"{self._name}{_line_of(failure, self._name)}: {_said(failure)}") from failure
        if not isinstance(features, dict) or not features:
            raise FeatureError(f"{self._name}: derive returned {type(features).__name__}; return features by name")
        return {name: self._normalized(name, values, rows) for name, values in features.items()}

    def _normalized(self, name: str, values: Any, rows: int) -> Array:
        array = np.asarray(values)
        if array.shape != (rows,):
            raise FeatureError(
                f"{self._name}: feature {name} has shape {array.shape}, not ({rows},); return one value a row"
            )
        if array.dtype.kind in "fiub":
            return array.astype(np.float32)
        if array.dtype.kind in "OUT" and all(isinstance(value, str) for value in array):
            return array.astype(object)
        wrong = f"{array.dtype}" if array.dtype.kind not in "OUT" else "objects that are not all text"
        raise FeatureError(f"{self._name}: feature {name} is {wrong}; return numbers, booleans or text")


def _compile(source: str, name: str) -> Callable[[Columns], Any]:
    try:
        tree = ast.parse(source, name)
    except SyntaxError as broken:
        raise FeatureError(f"{name}:{broken.lineno}: {broken.msg}") from None
    for node in ast.walk(tree):
        for module in _imported(node):
            if module != "numpy" and module not in sys.stdlib_module_names:
                line = getattr(node, "lineno", 1)
                raise FeatureError(
                    f"{name}:{line}: imports {module or 'from this package'}; "
                    "it travels inside the bundle, so only NumPy and the standard library are there"
                )
    scope: dict[str, Any] = {"__name__": "features"}
    exec(compile(tree, name, "exec"), scope)  # noqa: S102 - checksummed with the bundle it came in
    if not callable(scope.get("derive")):
        raise FeatureError(f"{name} has no function derive(columns); write one that returns features by name")
    return scope["derive"]  # type: ignore[no-any-return]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["" if node.level else (node.module or "").partition(".")[0]]
    return []


def _line_of(failure: Exception, name: str) -> str:
    trace, line = failure.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f":{line}" if line else ""


def _said(failure: Exception) -> str:
    if isinstance(failure, KeyError):
        return f"there is no column {failure}; the contract names the columns"
    return f"{type(failure).__name__}: {failure}"
