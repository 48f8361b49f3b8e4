"""Which files of a project are whose: the team's, the library's, or the template's.

Everything here is about paths, relative to the project's folder.
"""

from enum import Enum
from fnmatch import fnmatchcase

from cd4ml.files.checksums import SUMS
from cd4ml.update.record import RECORD


class Owner(Enum):
    """Whose a generated file is."""

    TEAM = "team"
    """Never changed by an update, not even if it is as it was generated."""
    TEAM_ONCE_EDITED = "team once edited"
    """The template's as long as it is as it was generated; from the team's first edit on it is the team's."""
    LIBRARY = "library"
    TEMPLATE = "template"
    """Changes of template and team are merged."""
    RECORD = "record"
    """Replaced by an update, whatever is in it."""


# `*` matches `/`, too.
_PATTERNS = (
    (Owner.RECORD, (RECORD, SUMS, "uv.lock")),
    (Owner.LIBRARY, ("cd4ml/*",)),
    (Owner.TEAM, ("contract.yaml", "params.yaml", "data/*", "src/*/features.py", "src/*/model.py")),
    (Owner.TEAM_ONCE_EDITED, ("*.md", "LICENSE", "docs/*", "notebooks/*", "src/*", "tests/*")),
)
_EXAMPLE = ("contract.yaml", "src/*/features.py", "src/*/model.py")
_OF_THE_EXAMPLE = ("notebooks/*", "tests/test_features.py", "tests/model/test_example_*")


def owner_of(path: str) -> Owner:
    """Return whose a generated file is."""
    return next((owner for owner, patterns in _PATTERNS if _matches(path, patterns)), Owner.TEMPLATE)


def is_what_the_example_is(path: str) -> bool:
    """Return whether a file of the template says what the example's table, features or model are."""
    return _matches(path, _EXAMPLE)


def is_of_the_example(path: str) -> bool:
    """Return whether a file of the template is about the example's features or model, and fits no others."""
    return _matches(path, _OF_THE_EXAMPLE)


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
