"""The study's database: a file in the project's folder, or that of OPTUNA_STORAGE, which several machines share."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sql
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage

from cd4ml.errors import UserError
from cd4ml.settings import paths
from cd4ml.source.driver import require_package

_TIMEOUTS = {"sqlite": {"timeout": 60}, "postgresql": {"connect_timeout": 15}}  # seconds
_ATTEMPTS = 5  # to create the tables, which fails if another process creates them at the same time


def storage_url() -> sql.URL:
    """Return the address in OPTUNA_STORAGE, or that of a file in the project's folder if it is not set.

    Raises:
        UserError: it is not an address, or its driver is not installed.
    """
    try:
        url = sql.make_url(os.environ.get("OPTUNA_STORAGE", "").strip() or f"sqlite:///{paths.TUNING / 'studies.db'}")
    except (sql.exc.ArgumentError, ValueError):
        url = sql.URL.create("none")
    if url.get_backend_name() not in _TIMEOUTS:
        raise UserError("OPTUNA_STORAGE is not an address such as postgresql://user:password@host/database")
    if url.get_backend_name() == "postgresql":
        require_package("psycopg", "postgresql", "OPTUNA_STORAGE is in PostgreSQL")
        url = url.set(drivername="postgresql+psycopg")
    return url


@contextmanager
def open_storage(url: sql.URL) -> Iterator[RDBStorage]:
    """Yield the database, with its tables.

    Raises:
        UserError: the database does not answer, now or during the block.
    """
    try:
        storage = _with_tables(url)
        yield storage
        storage.engine.dispose()
    except (sql.exc.SQLAlchemyError, StorageInternalError) as failure:
        cause = failure.__cause__ or failure
        reason = str(getattr(cause, "orig", None) or cause).strip().splitlines()[0]
        reason = reason.replace(url.password or "\n", "***")
        raise UserError(f"the study's database {url!r}: {reason}; run `make tune` again to continue") from None


def _with_tables(url: sql.URL) -> RDBStorage:
    paths.TUNING.mkdir(exist_ok=True)
    options = {"connect_args": _TIMEOUTS[url.get_backend_name()], "pool_pre_ping": True}
    for attempt in range(_ATTEMPTS):
        try:
            return RDBStorage(url.render_as_string(hide_password=False), options)
        except (sql.exc.SQLAlchemyError, StorageInternalError) as failure:
            cause = str(failure.__cause__ or failure)
            if attempt == _ATTEMPTS - 1 or not re.search("already exists|unique", cause, re.IGNORECASE):
                raise
            time.sleep(0.5)
    raise AssertionError
