"""How AWS's services say no: each protocol has its own form, and its own names of the same errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape

from tests.delivery.stand_ins.listening import Reply

Protocol = Literal["query", "json", "s3"]

UNKNOWN_KEY: dict[Protocol, tuple[str, str, int]] = {
    "query": ("InvalidClientTokenId", "The security token included in the request is invalid.", 403),
    "json": ("UnrecognizedClientException", "The security token included in the request is invalid.", 400),
    "s3": ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403),
}
EXPIRED_KEY: dict[Protocol, tuple[str, str, int]] = {
    "query": ("ExpiredToken", "The security token included in the request is expired", 403),
    "json": ("ExpiredTokenException", "The security token included in the request is expired", 400),
    "s3": ("ExpiredToken", "The provided token has expired.", 400),
}
_OTHER = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key."
)
WRONG_SECRET: dict[Protocol, tuple[str, str, int]] = {
    "query": ("SignatureDoesNotMatch", _OTHER, 403),
    "json": ("InvalidSignatureException", _OTHER, 400),
    "s3": ("SignatureDoesNotMatch", _OTHER, 403),
}
NOT_ALLOWED: dict[Protocol, tuple[str, int]] = {
    "query": ("AccessDenied", 403),
    "json": ("AccessDeniedException", 400),
    "s3": ("AccessDenied", 403),
}
# How Express Mode says that a service is not there: which of them when is written nowhere. HashiCorp's provider for
# Terraform takes all of them, and the last one with this message only.
NO_SERVICE = (
    ("ResourceNotFoundException", "The specified resource wasn't found: {arn}"),
    ("ServiceNotFoundException", "Service not found."),
    ("InvalidParameterException", "Resource not found"),
)


@dataclass
class RefusedError(Exception):
    """A request is refused: the error's name, a message and a status."""

    name: str
    message: str
    status: int = 400

    def reply(self, protocol: Protocol) -> Reply:
        """The answer, as a protocol has it."""
        told = f"<Code>{self.name}</Code><Message>{escape(self.message)}</Message>"
        kind = (("Content-Type", "text/xml"),)
        match protocol:
            case "query":
                whole = (
                    f"<ErrorResponse><Error><Type>Sender</Type>{told}</Error><RequestId>1</RequestId></ErrorResponse>"
                )
                return Reply(self.status, whole.encode(), kind)
            case "s3":
                return Reply(self.status, f"<Error>{told}<RequestId>1</RequestId></Error>".encode(), kind)
            case "json":
                body = json.dumps({"__type": self.name, "message": self.message}).encode()
                return Reply(self.status, body, (("Content-Type", "application/x-amz-json-1.1"),))
