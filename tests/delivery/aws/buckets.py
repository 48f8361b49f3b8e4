"""The policies of buckets, kept beside moto: it would refuse everybody, as it does not look at conditions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.delivery.stand_ins.listening import Reply

from .policies import Call
from .refusals import RefusedError

Json = dict[str, Any]


class BucketPolicies:
    """Who may do what in which bucket, as the buckets themselves say."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._kept: dict[str, Json] = {}

    def reset(self) -> None:
        self._kept.clear()

    def about(self, call: Call) -> list[Json]:
        """Return the policy of the bucket that a call is about, where it has one."""
        found = re.match(r"arn:aws:s3:::([^/]+)", call.resource)
        document = self._kept.get(found[1]) if found else None
        return [document] if document else []

    def answer(self, method: str, bucket: str, body: bytes) -> Reply:
        """Answer a request for the policy of a bucket.

        Raises:
            RefusedError: there is no such bucket, or it has no policy.
        """
        try:
            self._client("s3").head_bucket(Bucket=bucket)
        except ClientError:
            raise RefusedError("NoSuchBucket", "The specified bucket does not exist", 404) from None
        match method:
            case "PUT":
                self._kept[bucket] = json.loads(body)
                return Reply(204, b"")
            case "DELETE":
                self._kept.pop(bucket, None)
                return Reply(204, b"")
        if bucket not in self._kept:
            raise RefusedError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
        return Reply.of(self._kept[bucket])
