"""The verb `predict`: send a sample row to a running service, and print the curl command that does the same."""

import json
import os
import shlex
from typing import Any

from cd4ml.bundle.manifest import load_manifest
from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.serving.client import NoServiceError, call, credential_headers
from cd4ml.serving.service_settings import bundle_folder
from cd4ml.terminal.arguments import Arguments

_ADVICE = {
    401: "set SERVICE_API_KEY to one of its keys",
    404: "does --url name something else than the service, or a path in it?",
    422: "does it serve another model than models/bundle?",
    503: "it is busy: try again",
}
"""By the response's status: why a service rejects a row of the bundle's contract, or what to do."""


def main(argv: list[str]) -> None:
    """Send one row made from the bundle's contract; print the curl command, and the response.

    Raises:
        UserError: no service answers, or it rejects the row.
    """
    arguments = Arguments("predict")
    arguments.add_argument("--url", default="http://127.0.0.1:8000")
    url = arguments.parse_args(argv).url.rstrip("/")
    body = {"rows": [_sample_row()]}
    try:
        reply = call(url, "/predict", body)
    except NoServiceError as failure:
        raise UserError(f"{failure}; start it with `make serve`") from None
    print(_curl_command(url, body))
    print(json.dumps(reply.body, indent=2, ensure_ascii=False))
    if reply.status != 200:
        advice = _ADVICE.get(reply.status, "the response above says why")
        raise UserError(f"{url} returned {reply.status}; {advice}")


def _sample_row() -> dict[str, Any]:
    folder = bundle_folder(os.environ)
    load_manifest(folder)
    return Contract.from_json((folder / "contract.json").read_bytes()).sample_row()


def _curl_command(url: str, body: Any) -> str:
    data = shlex.quote(json.dumps(body, ensure_ascii=False))
    one_key = os.environ.get("SERVICE_API_KEY", "").strip()
    variables = {  # the shell fills them in, so that no secret is printed
        "Authorization": "$SERVICE_API_KEY" if one_key else "${SERVICE_API_KEYS%%,*}",
        "X-Serverless-Authorization": "$SERVICE_IDENTITY_TOKEN",
    }
    headers = [f'-H "{name}: Bearer {variables[name]}"' for name in credential_headers(url, os.environ)]
    command = ["curl", shlex.quote(f"{url}/predict"), "-H 'Content-Type: application/json'", *headers, "-d", data]
    return " ".join(command)
