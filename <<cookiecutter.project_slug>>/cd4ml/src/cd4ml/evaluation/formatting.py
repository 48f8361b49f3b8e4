"""Numbers as a person reads them, in the card and on the terminal."""

from collections.abc import Mapping

NOTHING = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def shown(value: float | None) -> str:
    """Return a number with about three digits that matter; a dash for None."""
    return NOTHING if value is None else _written(value, abs(value))


def shown_interval(bounds: Mapping[str, float] | None) -> str:
    """Return an interval's two ends, both as exact as the larger; a dash for None."""
    if bounds is None:
        return NOTHING
    size = max(abs(end) for end in bounds.values())
    return f"{_written(bounds['low'], size)} to {_written(bounds['high'], size)}"


def _written(value: float, size: float) -> str:
    if 0 < size < 0.01:
        text = f"{value:.2g}"
    elif size < 10:
        text = f"{value:.3f}"
    else:
        text = f"{value:,.1f}" if size < 1000 else f"{value:,.0f}"
    return text.replace("-", _MINUS)


def percent(share: float) -> str:
    """Return a share as a percentage, never a small one as nought or a large one as all."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 or 0.99 < share < 1 else f"{100 * share:.0f} %"


def brief(value: float) -> str:
    """Return a value as it is typical of a column: three digits, or all before the point."""
    return (f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}").replace("-", _MINUS)


def exact(value: float) -> str:
    """Return a limit as the contract has it."""
    return f"{value:,.9g}".replace("-", _MINUS)
