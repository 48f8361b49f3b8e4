"""The times that the service accepts, as a regular expression for OpenAPI.

It matches only times that are accepted, and reads the same in Python, JavaScript and engines without lookahead. It
leaves out two things that are accepted, since the expression would be far longer: in the years 0001 and 9999, another
offset than Z, because UTC cannot represent all of them; and a seventh decimal, which may be rounded to the year 10000.
"""

_MONTH_AND_DAY = (
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP_DAY = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)-02-29"
_YEAR = "(000[2-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-8])"
_CLOCK = "[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET = "([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])"


def time_pattern(*, offset: bool) -> str:
    """Return the expression for times with an offset, such as Z or +01:00, or for those without."""
    any_offset, only_z = (_OFFSET, "[Zz]") if offset else ("", "")
    usual = rf"({_LEAP_DAY}|{_YEAR}-{_MONTH_AND_DAY}){_CLOCK}(\.[0-9]+)?{any_offset}"
    at_the_limits = rf"(0001|9999)-{_MONTH_AND_DAY}{_CLOCK}(\.[0-9]{{1,6}})?{only_z}"
    return f"^({usual}|{at_the_limits})$"
