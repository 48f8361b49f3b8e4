"""Read a text file; an error names the line that is not UTF-8."""

from pathlib import Path

from cd4ml.errors import UserError


def read_text(path: Path, error: type[UserError]) -> str:
    """Return the text of a file that exists; each line ends with a single newline character.

    Raises:
        error: it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as invalid:
        line = invalid.object.count(b"\n", 0, invalid.start) + 1
        byte = invalid.object[invalid.start]
        raise error(f"{path}:{line}: the byte {byte:#04x} is not UTF-8; save the file as UTF-8") from None
