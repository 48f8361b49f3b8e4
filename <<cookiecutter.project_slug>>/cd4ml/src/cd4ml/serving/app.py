"""The web application: one bundle behind HTTP.

What is in front of every route is made of ASGI middlewares, around POST /predict and FastAPI with everything else.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import check_examples
from cd4ml.errors import BundleError
from cd4ml.serving.api_keys import RequireKey
from cd4ml.serving.clock import warn_if_behind
from cd4ml.serving.counts import Share
from cd4ml.serving.error_format import ErrorFormat
from cd4ml.serving.health_routes import HEALTH, add_health_routes
from cd4ml.serving.limits import ShedLoad
from cd4ml.serving.log_output import LogOutput
from cd4ml.serving.log_predictions import LogPredictions, open_log
from cd4ml.serving.metrics import CountRequests, Metrics
from cd4ml.serving.metrics_route import METRICS, add_metrics_route
from cd4ml.serving.openapi import OTHER_RESPONSES, complete, predict_operation
from cd4ml.serving.page.page import make_page
from cd4ml.serving.page_routes import PAGES, add_pages
from cd4ml.serving.payload import RejectedError
from cd4ml.serving.predict_endpoint import PredictEndpoint
from cd4ml.serving.problem import http_problem, invalid_problem, rejected_problem
from cd4ml.serving.release_metadata import bundle_headers, lineage
from cd4ml.serving.request import route_path
from cd4ml.serving.request_context import RequestContext
from cd4ml.serving.request_log import RequestLog
from cd4ml.serving.route_paths import path_number, route_paths
from cd4ml.serving.served_model import RememberRequest, ServedModel
from cd4ml.serving.service_settings import ServiceSettings
from cd4ml.serving.team_routes import add_team_routes, service_code

PUBLIC_PATHS = {*HEALTH, *PAGES, "/openapi.json"}
"""What can be read without a key; every other path requires one if the service has keys. METRICS_PUBLIC adds one."""


class Service(FastAPI):
    """The application, whose OpenAPI document contains the contract."""

    def __init__(
        self,
        bundle: Bundle,
        settings: ServiceSettings,
        output: LogOutput | None,
        share: Share | None,
        clock: Callable[[], int],
    ) -> None:
        contract = bundle.contract
        super().__init__(
            title=contract.name,
            description=contract.description or "",
            version=bundle.version,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            responses=OTHER_RESPONSES,
            exception_handlers={HTTPException: http_problem, RequestValidationError: invalid_problem},
        )
        self._settings, self._response_headers = settings, bundle_headers(bundle)
        self._request_log = RequestLog(output, lineage(bundle), settings.root_path) if output else None
        self._public_paths = PUBLIC_PATHS | ({METRICS} if settings.metrics_public == "yes" else set())
        self._bundle, self._share = bundle, share
        self._predict = PredictEndpoint(bundle, settings)
        self.prediction_log = open_log(bundle, settings, clock)
        self.router.routes.insert(0, Route("/predict", self._predict, methods=["POST"]))
        self._predict_operation = predict_operation(contract, bundle.manifest, settings)

    def add_routes_of(self, code: Path) -> None:
        """Add the routes in the team's service.py.

        Raises:
            ServiceError: the file fails, or adds no routes, or one that is there already.
        """
        self._public_paths |= add_team_routes(self, ServedModel(self._bundle, self._settings.max_rows), code)
        self.add_exception_handler(RejectedError, rejected_problem)
        self.add_middleware(RememberRequest)

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application that Starlette calls: what is in front of every route, the innermost first."""
        settings = self._settings
        app: ASGIApp = self._shortcut(super().build_middleware_stack())
        if self.prediction_log is not None:
            self.metrics.log = self.prediction_log
            app = LogPredictions(app, self.prediction_log, settings)
        if settings.api_keys:
            app = RequireKey(app, settings.api_keys, self._public_paths)
        app = ErrorFormat(ShedLoad(app, {f"{settings.root_path}{path}" for path in (*HEALTH, METRICS)}))
        if settings.cors_origins:  # outside the keys: a browser asks without one
            cors = CORSMiddleware(
                app,
                allow_origins=settings.cors_origins,
                allow_methods=["*"],
                allow_headers=["Authorization", "X-Request-ID", "traceparent", "tracestate"],
                expose_headers=["X-Request-ID", "traceparent", "Retry-After", *self._response_headers],
            )
            app = ErrorFormat(cors)  # for its own errors
        app = CountRequests(app, self.metrics, path_number(self.routes))
        return RequestContext(app, settings.root_path, self._response_headers, self._request_log)

    @cached_property
    def metrics(self) -> Metrics:
        """What the service counts; made when all routes have been added, since requests are counted by route."""
        return Metrics(self._bundle, route_paths(self.routes), self._share)

    def _shortcut(self, others: ASGIApp) -> ASGIApp:
        """Return an application that passes POST /predict on at once, and the rest through FastAPI's layers."""
        predict = self._predict

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            hot = scope["type"] == "http" and scope["method"] == "POST" and route_path(scope) == "/predict"
            await (predict if hot else others)(scope, receive, send)

        return app

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document: FastAPI's own for the other routes, with POST /predict added."""
        if not self.openapi_schema:
            document = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            document["paths"] = {"/predict": {"post": self._predict_operation}, **document["paths"]}
            self.openapi_schema = complete(document, self._settings, self._public_paths)
        return self.openapi_schema


def create_app(
    bundle_folder: Path,
    settings: ServiceSettings,
    output: LogOutput | None = None,
    share: Share | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> Service:
    """Return the service of a bundle, after checking the bundle's files and its predictions of its examples.

    It has a line in the log for each request if there is an `output`; several processes have a `share` of its counts.
    `clock` returns the time of the prediction log's records, in nanoseconds since 1970, UTC.

    Raises:
        BundleError: the bundle is missing, incomplete or altered, or its predictions differ from its examples.
        ServiceError: the team's service.py, if there is one, is not valid.
    """
    bundle = Bundle.load(bundle_folder)
    difference = check_examples(bundle)
    if difference:
        raise BundleError(f"{bundle_folder}: predictions differ from examples.json: {difference}; run `make train`")
    warn_if_behind(datetime.fromtimestamp(clock() / 1e9, UTC).date(), bundle.manifest.until)
    app = Service(bundle, settings, output, share, clock)
    add_health_routes(app, bundle)
    add_metrics_route(app, bundle, lambda: app.metrics, alone=share is None)
    add_pages(app, make_page(bundle, settings.root_path, needs_key=bool(settings.api_keys)))
    code = service_code()
    if code is not None:
        app.add_routes_of(code)
    return app
