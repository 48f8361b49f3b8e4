"""The service: one bundle behind HTTP.

POST /predict is the hot path, and a plain ASGI application for that: its types come from the contract, and a small
batch is answered in the event loop, because handing it to a thread takes longer than the model does.
"""

from pathlib import Path
from typing import Any

import fastapi_offline
import msgspec
import numpy as np
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import check_examples
from cd4ml.contract.columns import Columns
from cd4ml.errors import BundleError, ModelError
from cd4ml.serving.api_keys import ApiKeys
from cd4ml.serving.openapi import SECURITY_SCHEMES, predict_operation
from cd4ml.serving.payload import MalformedError, Payload, RefusedError
from cd4ml.serving.problem import http_error, refused
from cd4ml.serving.release_metadata import release_of, served_by
from cd4ml.serving.request import Requests, check_media_type, read_body
from cd4ml.serving.service_settings import Settings

_SMALL_BATCH = 200  # rows answered in the event loop: about a millisecond of ONNX Runtime
_DOCS_FILES = Path(fastapi_offline.__file__).with_name("static")


class Health(BaseModel):
    """Whether the service can be asked."""

    status: str
    version: str


class Version(BaseModel):
    """What answers, and what it was made of."""

    model: str
    version: str
    digest: str
    runtime: str
    reason: str
    task: str
    until: str | None
    made_of: dict[str, str]
    release: dict[str, Any] | None


class Predict:
    """POST /predict."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self._bundle, self._most_bytes = bundle, settings.max_bytes
        self._keys, self._payload = ApiKeys(settings.api_keys), Payload(bundle.contract, settings.max_rows)
        self._in_loop = _SMALL_BATCH if bundle.manifest.runtime == "onnx" else 0
        self._told = {"model": bundle.manifest.name, "version": bundle.version}
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        self._keys.check(scope)
        check_media_type(scope)
        body = await read_body(scope, receive, self._most_bytes)
        try:
            columns = self._payload.columns(body)
        except MalformedError as malformed:
            raise HTTPException(400, f"the body is no JSON: {malformed}") from None
        rows = len(next(iter(columns.values())))
        answer = self._answer(columns) if rows <= self._in_loop else await run_in_threadpool(self._answer, columns)
        content = self._encode({**answer, **self._told, "request_id": scope["request_id"]})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, columns: Columns) -> dict[str, Any]:
        scores = self._bundle.scores(columns)
        if not np.isfinite(scores).all():
            raise ModelError("the model answers with NaN or infinity")
        predictions = self._bundle.decision.predictions(scores)
        probabilities = self._bundle.decision.probabilities(scores)
        if probabilities is None:
            return {"predictions": predictions}
        return {"predictions": predictions, "probabilities": probabilities}


class Service(FastAPI):
    """The application, whose OpenAPI document holds the contract."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        contract = bundle.contract
        super().__init__(
            title=contract.name,
            description=contract.description or "",
            version=bundle.version,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            exception_handlers={HTTPException: http_error, RefusedError: refused},
        )
        self.add_middleware(Requests, served_by=served_by(bundle))
        self.router.routes.insert(0, Route("/predict", Predict(bundle, settings), methods=["POST"]))
        self._predict_operation = predict_operation(contract, bundle.manifest, settings)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document: the contract's part, and what FastAPI knows of the rest."""
        if not self.openapi_schema:
            document = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.routes
            )
            document["paths"] = {"/predict": {"post": self._predict_operation}, **document["paths"]}
            document.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
            self.openapi_schema = document
        return self.openapi_schema


def create_app(bundle_folder: Path, settings: Settings) -> FastAPI:
    """Return the service of a bundle that is whole and answers its own examples as the pipeline did.

    Raises:
        BundleError: it is not, or does not.
    """
    bundle = Bundle.load(bundle_folder)
    difference = check_examples(bundle)
    if difference:
        raise BundleError(f"{bundle_folder} does not answer as when it was made: {difference}; run `make train` again")
    app = Service(bundle, settings)
    _add_health(app, bundle)
    _add_docs(app)
    return app


def _add_health(app: FastAPI, bundle: Bundle) -> None:
    manifest = bundle.manifest
    healthy = Health(status="ok", version=bundle.version)
    made = Version(
        model=manifest.name,
        version=manifest.version,
        digest=manifest.digest,
        runtime=manifest.runtime,
        reason=manifest.reason,
        task=manifest.task,
        until=manifest.until,
        made_of=manifest.made_of,
        release=release_of(bundle),
    )

    async def live() -> Health:
        """Say that the process runs."""
        return healthy

    async def ready() -> Health:
        """Say that requests are answered: the bundle was checked, and asked its own examples, before this was open."""
        return healthy

    async def version() -> Version:
        """Say which model answers, on what it runs and why, what it was made of, and where it was released."""
        return made

    for path, answer in (("/health/live", live), ("/health/ready", ready), ("/version", version)):
        app.add_api_route(path, answer, methods=["GET"])
        app.add_api_route(path, answer, methods=["HEAD"], include_in_schema=False)


def _add_docs(app: FastAPI) -> None:
    """Add /docs, whose scripts and styles come from here and not from another host."""

    async def docs(request: Request) -> Response:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url="docs/files/swagger-ui-bundle.js",
            swagger_css_url="docs/files/swagger-ui.css",
            swagger_favicon_url="docs/files/favicon.png",
        )

    async def index(request: Request) -> Response:
        return RedirectResponse("docs", 307)

    async def file(request: Request) -> Response:
        return FileResponse(_DOCS_FILES / Path(request.url.path).name)

    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        app.add_route(f"/docs/files/{name}", file, include_in_schema=False)
    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route("/", index, include_in_schema=False)
