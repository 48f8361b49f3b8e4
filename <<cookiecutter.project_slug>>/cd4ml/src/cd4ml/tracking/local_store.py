"""The database in the project's folder, and the files beside it, which move along with the folder."""

import sqlite3
from contextlib import closing
from pathlib import Path

ARTIFACTS = "mlartifacts"  # not mlruns: a file left in there makes MLflow take that folder for its store

_PLACES = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def artifacts_of(database: Path) -> str:
    """Return where the files of a database's runs lie, as an address."""
    return (database.absolute().parent / ARTIFACTS).as_uri()


def follow(database: Path) -> None:
    """Let a database that was moved or copied with its folder name the files that came along.

    MLflow keeps absolute paths: without this, a copy would go on writing into the folder that it was copied from.
    """
    here = artifacts_of(database)
    if not database.exists() or not (database.absolute().parent / ARTIFACTS).is_dir():
        return
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        try:
            known = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        except sqlite3.OperationalError:
            return  # not a database of MLflow's: it will say so itself
        for (there,) in known:
            if there and there != here and there.startswith("file:") and there.endswith(f"/{ARTIFACTS}"):
                for table, column in _PLACES.items():
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - names of ours alone
                        f"WHERE {column} = ? OR {column} LIKE ? || '/%'",
                        (here, len(there) + 1, there, there),
                    )
