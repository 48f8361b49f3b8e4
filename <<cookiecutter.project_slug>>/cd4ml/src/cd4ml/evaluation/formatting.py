"""Format numbers for people, in reports and on the terminal."""

from collections.abc import Mapping

NO_VALUE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


def format_number(value: float | None) -> str:
    """Return a number with about three significant digits; a dash for None."""
    return NO_VALUE if value is None else _format(value, abs(value))


def format_interval(bounds: Mapping[str, float] | None) -> str:
    """Return both ends of an interval, with the digits that the larger one needs; a dash for None."""
    if bounds is None:
        return NO_VALUE
    magnitude = max(abs(end) for end in bounds.values())
    return f"{_format(bounds['low'], magnitude)} to {_format(bounds['high'], magnitude)}"


def _format(value: float, magnitude: float) -> str:
    if 0 < magnitude < 0.01:
        text = f"{value:.2g}"
    elif magnitude < 10:
        text = f"{value:.3f}"
    else:
        text = f"{value:,.1f}" if magnitude < 1000 else f"{value:,.0f}"
    return text.replace("-", _MINUS)


def format_percent(share: float) -> str:
    """Return a share as a percentage; a small one is not rounded to 0 %, and a large one not to 100 %."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 or 0.99 < share < 1 else f"{100 * share:.0f} %"


def format_rounded(value: float) -> str:
    """Return a value with three significant digits; from 1,000 on with all digits before the decimal point."""
    return (f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}").replace("-", _MINUS)


def format_exact(value: float) -> str:
    """Return a limit of the contract with all its digits."""
    return f"{value:,.9g}".replace("-", _MINUS)
