"""A client of the service of a project, with the routes of its service.py."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings
from house_project import Project
from starlette.testclient import TestClient


@contextmanager
def client_of(project: Project, **settings: Any) -> Iterator[TestClient]:
    """Yield a client, which gets the response of an error that the service does not expect, too."""
    with project.inside():
        app = create_app(project.bundle, ServiceSettings(**settings))
        with TestClient(app, raise_server_exceptions=False) as client:
            yield client
