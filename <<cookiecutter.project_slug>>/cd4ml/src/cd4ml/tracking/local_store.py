"""The database in the project's folder, and the artifacts beside it; both can be moved or copied with the folder."""

import sqlite3
from contextlib import closing
from pathlib import Path

ARTIFACTS = "mlartifacts"  # not mlruns: if that folder holds a file, MLflow takes it for its store

_ADDRESS_COLUMNS = {
    "experiments": "artifact_location",
    "runs": "artifact_uri",
    "logged_models": "artifact_location",
    "model_versions": "storage_location",
}


def artifacts_uri(database: Path) -> str:
    """Return the address of the folder that holds the artifacts of a database's runs."""
    return (database.absolute().parent / ARTIFACTS).as_uri()


def update_artifact_addresses(database: Path) -> None:
    """If a database was moved or copied with its folder, make it point to the artifacts in the new folder.

    MLflow stores absolute addresses: without this, a copy would write into the folder that it was copied from.
    """
    new = artifacts_uri(database)
    if not database.exists() or not (database.absolute().parent / ARTIFACTS).is_dir():
        return
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        try:
            stored = connection.execute("SELECT DISTINCT artifact_location FROM experiments").fetchall()
        except sqlite3.OperationalError:
            return  # not a database of MLflow: MLflow itself reports that
        for (old,) in stored:
            if old and old != new and old.startswith("file:") and old.endswith(f"/{ARTIFACTS}"):
                for table, column in _ADDRESS_COLUMNS.items():
                    connection.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - our own names only
                        f"WHERE {column} = ? OR {column} LIKE ? || '/%'",
                        (new, len(old) + 1, old, old),
                    )
