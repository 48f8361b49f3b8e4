"""Bring the table's files into the project, and take the example's out of it."""

import shutil
from pathlib import Path

from pydantic import ValidationError

from cd4ml.errors import DataError
from cd4ml.settings.params import DataParams
from cd4ml.source.address import Address
from cd4ml.source.table_file import matching_files
from cd4ml.terminal.output import report

SOURCE = Path("data/source")


def data_params(source: str, query: str | None) -> DataParams:
    """Return where the rows are, before a file from elsewhere is copied into the project.

    Raises:
        DataError: such a source is not supported, or lacks its query.
    """
    place = source if "://" in source else str(Path(source).expanduser())
    try:
        return DataParams.model_validate({"source": place, "query": query})
    except ValidationError as invalid:
        raise DataError(invalid.errors()[0]["msg"].removeprefix("Value error, ")) from None


def place_in_project(data: str) -> str:
    """Return what `data.source` is to be: a file from elsewhere is copied into data/source first."""
    path = Path(data).expanduser()
    if "://" in data or (not path.is_absolute() and ".." not in path.parts):
        return data
    if not path.exists() or path.resolve().is_relative_to(Path.cwd()):
        return str(path.resolve().relative_to(Path.cwd())) if path.exists() else data
    copy = SOURCE / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, copy, dirs_exist_ok=True)
    else:
        shutil.copy2(path, copy)
    report(f"copied {path} to {copy}")
    return str(copy)


def remove_example_rows(place: str) -> None:
    """Remove the example's rows, unless they are the source, and the page about them."""
    address = Address.resolve(place)
    used = {path.resolve() for path in matching_files(address)} if address.kind == "files" else set()
    rows = [path for path in SOURCE.glob("2013-??.parquet") if path.resolve() not in used]
    about = SOURCE / "README.md"
    if rows and about.exists() and about.read_text(encoding="utf-8").startswith("# The example's rows"):
        for path in (*rows, about):
            path.unlink()
