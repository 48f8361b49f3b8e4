"""The templates of the service's paths, such as /streets/{name}, by which requests are counted."""

from collections.abc import Callable, Sequence

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import Scope

from cd4ml.serving.request import route_path


def route_paths(routes: Sequence[BaseRoute]) -> list[str]:
    """Return the templates of routes, each once; those of a mounted application are one, such as /maps/{path}."""
    return list(dict.fromkeys(each.path_format for each in iter_route_contexts(routes) if each.path_format is not None))


def path_number(routes: Sequence[BaseRoute]) -> Callable[[Scope], int]:
    """Return a function from a request to its number in `route_paths(routes)`; no route: one beyond."""
    paths = route_paths(routes)
    number_of = {path: number for number, path in enumerate(paths) if "{" not in path}
    patterns = [
        (each.path_regex, paths.index(each.path_format))
        for each in iter_route_contexts(routes)
        if each.path_format is not None and "{" in each.path_format
    ]

    def number(scope: Scope) -> int:
        path = route_path(scope)
        exact = number_of.get(path)
        if exact is not None:
            return exact
        return next((number for pattern, number in patterns if pattern.match(path)), len(paths))

    return number
