"""Imports in the project's Python files of modules of its own package that an update removes."""

import ast
from collections.abc import Iterator, Set

from cd4ml.files.git import run_git
from cd4ml.update.layout import Layout
from cd4ml.update.trees import project_files


def lost_imports(tree: str, layout: Layout) -> list[str]:
    """Return a line for each file that would import a module which is not there any more, in the order of their paths.

    Args:
        tree: of the repository, after the update.
        layout: where the project is in it.
    """
    after, before = (set(project_files(commit, layout)) for commit in (tree, "HEAD"))
    gone = {module_of(path) for path in before} - {module_of(path) for path in after}
    if not gone:
        return []
    lines = []
    for path in sorted(path for path in after if path.endswith(".py") and path.startswith(("src/", "tests/"))):
        text = run_git("cat-file", "-p", f"{tree}:{layout.in_repository(path)}").stdout
        if lost := sorted(set(imported(text, module_of(path))) & gone):
            lines.append(f"{path} imports {', '.join(lost)}, now in cd4ml: cd4ml/CHANGELOG.md has old and new names")
    return lines


def module_of(path: str) -> str:
    """Return the name under which a file in src/ is imported; empty if it is not."""
    if not (path.startswith("src/") and path.endswith(".py")):
        return ""
    return path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(text: str, module: str) -> Set[str]:
    """Return the modules that a Python file imports, by their whole names; none if it is not Python.

    Args:
        text: the file's.
        module: the name under which the file itself is imported, for imports that begin with a dot.
    """
    try:
        return set(_imported(ast.parse(text), module))
    except SyntaxError:  # as a file in conflict
        return set()


def _imported(tree: ast.Module, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: -node.level] if node.level else []
            start = ".".join([*package, *([node.module] if node.module else [])])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)
