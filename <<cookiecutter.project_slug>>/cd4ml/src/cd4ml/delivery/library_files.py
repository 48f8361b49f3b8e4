"""Whether the library in cd4ml/ is as it was generated: `make update` replaces what is, and merges what was edited."""

from dataclasses import dataclass
from pathlib import Path

from cd4ml.files.checksums import SUMS, differing, parse_checksums

_LIBRARY = Path("cd4ml")


@dataclass(frozen=True)
class LibraryFiles:
    """The files of the library that are not as they were generated."""

    modified: list[str]
    missing: list[str]

    def __str__(self) -> str:
        """The state in a few words, with the names of the files."""
        states = {"modified": self.modified, "missing": self.missing}
        told = [f"{len(paths)} {state}: {', '.join(paths[:5])}" for state, paths in states.items() if paths]
        return "; ".join(told) or "clean"


def library_files(project: Path = Path()) -> LibraryFiles | None:
    """Return the state of a project's library; None if it is not in cd4ml/, or nothing says how it was generated."""
    if not (project / SUMS).is_file() or not (project / _LIBRARY / "pyproject.toml").is_file():
        return None
    sums = parse_checksums((project / SUMS).read_text(encoding="utf-8"))
    library = {path: checksum for path, checksum in sums.items() if path.startswith(f"{_LIBRARY}/")}
    other = differing(project, library)
    missing = [path for path in other if not (project / path).is_file()]
    return LibraryFiles([path for path in other if path not in missing], missing)
