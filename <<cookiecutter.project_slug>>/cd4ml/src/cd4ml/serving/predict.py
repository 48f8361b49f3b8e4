"""The verb `predict`: send a running service a sample row, and show how to do the same by hand."""

import json
import os
import shlex
from typing import Any

from cd4ml.bundle.manifest import load_manifest
from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.serving.client import NoServiceError, ask, passes
from cd4ml.serving.service_settings import bundle_folder
from cd4ml.terminal.arguments import Arguments


def main(argv: list[str]) -> None:
    """Send one row made from the bundle's contract; print the command that does so, and the answer.

    Raises:
        UserError: nothing answers there, or it refuses the row.
    """
    arguments = Arguments("predict")
    arguments.add_argument("--url", default="http://127.0.0.1:8000")
    url = arguments.parse_args(argv).url.rstrip("/")
    body = {"rows": [_sample_row()]}
    try:
        reply = ask(url, "/predict", body)
    except NoServiceError as absent:
        raise UserError(f"{absent}; start it with `make serve`") from None
    print(_command(url, body))
    print(json.dumps(reply.body, indent=2, ensure_ascii=False))
    if reply.status != 200:
        raise UserError(f"{url} answered with {reply.status}; does it serve another model than models/bundle?")


def _sample_row() -> dict[str, Any]:
    folder = bundle_folder(os.environ)
    load_manifest(folder)
    return Contract.from_json((folder / "contract.json").read_bytes()).sample_row()


def _command(url: str, body: Any) -> str:
    sent = shlex.quote(json.dumps(body, ensure_ascii=False))
    key = ' -H "Authorization: Bearer $SERVICE_API_KEY"' if passes(url, os.environ) else ""
    return f"curl {shlex.quote(f'{url}/predict')} -H 'Content-Type: application/json'{key} -d {sent}"
