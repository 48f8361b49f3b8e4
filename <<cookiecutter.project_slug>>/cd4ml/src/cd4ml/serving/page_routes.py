"""The pages for people, without scripts and styles from another host: / and /docs."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from cd4ml.serving.page.page import Page
from cd4ml.serving.security_headers import page_policy

_DOCS_FILES = Path(fastapi_offline.__file__).with_name("static")
_DOCS_NAMES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
PAGES = ("/", "/docs", *(f"/docs/files/{name}" for name in _DOCS_NAMES))


def add_pages(app: FastAPI, page: Page) -> None:
    """Add GET / with a page that was made from the bundle, and /docs with what it loads."""
    _add_page(app, page)
    _add_docs(app)


def _add_page(app: FastAPI, page: Page) -> None:
    async def index(request: Request) -> Response:
        return HTMLResponse(page.content, headers=page.headers)

    app.add_route("/", index, include_in_schema=False)


def _add_docs(app: FastAPI) -> None:
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title=app.title,
        swagger_js_url="docs/files/swagger-ui-bundle.js",
        swagger_css_url="docs/files/swagger-ui.css",
        swagger_favicon_url="docs/files/favicon.png",
    )
    page.headers["content-security-policy"] = page_policy(bytes(page.body).decode())

    async def docs(request: Request) -> Response:
        return page

    async def file(request: Request) -> Response:
        return FileResponse(_DOCS_FILES / Path(request.url.path).name, headers={"Cache-Control": "max-age=3600"})

    for name in _DOCS_NAMES:
        app.add_route(f"/docs/files/{name}", file, include_in_schema=False)
    app.add_route("/docs", docs, include_in_schema=False)
