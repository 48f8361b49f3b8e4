"""Fill in the template of the model card: the library's, or the team's own model_card.md.jinja.

Whatever a template prints is escaped for Markdown, unless it is Markdown already: the result of a filter, a block or a
macro. So text from the contract is shown as it is, and breaks no table.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from cd4ml.errors import CardError, describe, locate
from cd4ml.evaluation.formatting import NO_VALUE, format_interval, format_number, format_percent
from cd4ml.evaluation.markdown import code_span, escape
from cd4ml.files.text import read_text

TEMPLATE = "model_card.md.jinja"
_HERE = Path(__file__).parent


class _Text(str):
    """Text of unknown content, which Jinja's own functions escape for Markdown, too."""

    def __html__(self) -> str:
        return escape(self)


def fill_in(data: Mapping[str, Any], own: Path) -> str:
    """Return the card, in Markdown; the same data gives the same text.

    Args:
        data: what the template may name: texts, numbers, booleans, None, and lists and mappings of them.
        own: the team's template, which need not exist.

    Raises:
        CardError: the team's template is not valid, names something that does not exist, or fails; with its line.
    """
    environment = _environment(own.parent)
    if own.exists():
        read_text(own, CardError)
    try:
        name = TEMPLATE if own.exists() else f"cd4ml/{TEMPLATE}"
        return environment.get_template(name).render({key: _as_texts(value) for key, value in data.items()})
    except TemplateSyntaxError as invalid:
        if invalid.filename is None or not own.exists():
            raise
        raise CardError(f"{own.parent / Path(invalid.filename).name}:{invalid.lineno}: {invalid.message}") from invalid
    except Exception as failure:
        if not own.exists():
            raise
        raise CardError(f"{locate(failure, own.parent) or own}: {describe(failure)}") from failure


def _environment(folder: Path) -> Environment:
    """Return the environment of both templates; the library's is `cd4ml/model_card.md.jinja`."""
    environment = ImmutableSandboxedEnvironment(
        loader=ChoiceLoader([PrefixLoader({"cd4ml": FileSystemLoader(_HERE)}), FileSystemLoader(folder)]),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_as_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "code": lambda value: code_span(_as_json(value)),
        "codes": lambda values: ", ".join(map(code_span, values)),
        "count": lambda number: f"{number:,}",
        "day": day,
        "interval": format_interval,
        "number": format_number,
        "percent": format_percent,
    }
    for name, function in filters.items():
        environment.filters[name] = _marked(function)
    return environment


def day(time: str | None) -> str:
    """Return the day of a time in ISO format; a dash for None."""
    return time[:10] if time else NO_VALUE


def _marked(function: Callable[..., str]) -> Callable[..., Markup]:
    """Return a function whose result counts as Markdown."""
    return lambda *arguments: Markup(function(*arguments))  # noqa: S704 - the functions escape what they are given


def _as_json(value: object) -> object:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def _as_markdown(value: Any) -> Any:
    """Return what `{{ }}` prints: Markdown as it is, anything else escaped; a dash for None."""
    if hasattr(value, "__html__"):
        return value
    return NO_VALUE if value is None else Markup(escape(value))  # noqa: S704 - it was escaped


def _as_texts(value: Any) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Markup) else _Text(value)
    if isinstance(value, Mapping):
        return {_as_texts(key): _as_texts(part) for key, part in value.items()}
    return [_as_texts(part) for part in value] if isinstance(value, list | tuple) else value
