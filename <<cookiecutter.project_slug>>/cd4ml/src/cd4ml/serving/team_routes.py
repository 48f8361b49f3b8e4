"""The team's own routes: service.py of its package, if there is one, is imported when the service starts.

In the image there is no pyproject.toml that names the package: there, the file is the only service.py below src/.
"""

import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts

from cd4ml.errors import ServiceError, nearest_names
from cd4ml.files.text import read_text
from cd4ml.serving.served_model import ServedModel
from cd4ml.settings.project import PYPROJECT, read_project
from cd4ml.settings.team_module import explain, import_module

PUBLIC = "PUBLIC_PATHS"
_FUNCTION = "add_routes"


def service_code() -> Path | None:
    """Return the team's service.py; None if there is none, or if this is the folder of something else.

    Raises:
        UserError: pyproject.toml has a [tool.cd4ml] that is not valid.
    """
    if PYPROJECT.exists():
        if "[tool.cd4ml]" not in read_text(PYPROJECT, ServiceError):
            return None
        path = read_project().service
        return path if path.exists() else None
    return next(iter(sorted(Path("src").glob("*/service.py"))), None)


def add_team_routes(app: FastAPI, model: ServedModel, path: Path) -> frozenset[str]:
    """Add the routes of the team's service.py; return those paths that can be read without a key.

    Raises:
        ServiceError: the file fails, has no `add_routes(app, model)`, or has a path that the service has already.
    """
    module = import_module(path, ServiceError)
    add = _function(module, path)
    own = {each.path_format for each in iter_route_contexts(app.routes)}
    before = len(app.routes)
    try:
        add(app, model)
    except Exception as failure:
        raise ServiceError(explain(failure, path)) from failure
    routes = [*iter_route_contexts(app.routes[before:])]
    for route in routes:
        if route.path_format in own:
            raise ServiceError(f"{_place(route, path)}: {route.path} is the service's own path; choose another")
    return _public(getattr(module, PUBLIC, ()), [route.path for route in routes if route.path], path)


def _function(module: ModuleType, path: Path) -> Callable[[FastAPI, ServedModel], object]:
    """Return the function that adds routes.

    Raises:
        ServiceError: there is none, or it cannot be called with an application and a model.
    """
    function: Any = getattr(module, _FUNCTION, None)
    if not callable(function):
        raise ServiceError(f"{path} has no function {_FUNCTION}(app, model); write one that adds routes to app")
    place = f"{path}:{function.__code__.co_firstlineno}" if inspect.isfunction(function) else str(path)
    if inspect.iscoroutinefunction(function):
        raise ServiceError(f"{place}: {_FUNCTION} is async; write def, and make its routes async if you like")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        raise ServiceError(f"{place}: {_FUNCTION} does not take (app, model)") from None
    return cast(Callable[[FastAPI, ServedModel], object], function)


def _place(route: RouteContext, path: Path) -> str:
    endpoint: Callable[..., Any] | None = getattr(route, "endpoint", None)
    code = getattr(inspect.unwrap(endpoint), "__code__", None) if endpoint is not None else None
    return f"{path}:{code.co_firstlineno}" if code and Path(code.co_filename).name == path.name else str(path)


def _public(names: Any, paths: list[str], path: Path) -> frozenset[str]:
    """Return the public paths that the file names.

    Raises:
        ServiceError: they are not a list of paths that it adds, or one has a parameter.
    """
    if not isinstance(names, Collection) or isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ServiceError(f"{path}: {PUBLIC} is not a list of paths")
    for name in names:
        if name not in paths or "{" in name:
            known = [one for one in paths if "{" not in one]
            advice = f"write {' or '.join(nearest_names(name, known))}" if known else "remove it"
            raise ServiceError(f'{path}: {PUBLIC} has "{name}", which is no path without parameters here; {advice}')
    return frozenset(names)
