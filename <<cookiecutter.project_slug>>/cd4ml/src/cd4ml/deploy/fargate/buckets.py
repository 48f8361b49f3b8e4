"""A project's buckets in S3: closed to the public, and to requests without TLS; old predictions are deleted."""

import json
from collections.abc import Mapping
from typing import Any

from cd4ml.deploy.commands import CloudError, Command
from cd4ml.deploy.fargate.policies import policy
from cd4ml.deploy.fargate.resources import told_in, write
from cd4ml.deploy.fargate.settings import Place
from cd4ml.deploy.fargate.steps import read
from cd4ml.deploy.set_up.retention import days_wanted, retention
from cd4ml.deploy.set_up.rule_sets import RulesError, merged
from cd4ml.deploy.set_up.steps import Step, ensure, mend

Json = Mapping[str, Any]

UNCHANGED = "cannot be read, and were not changed"
"""Said of what S3 takes as a whole: a write would lose what is not known."""
_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_DEFAULT_REGION = "us-east-1"  # of buckets: S3 refuses to be told it


def get_location(place: Place, bucket: str) -> Command:
    """Read where a bucket is."""
    return read("s3api", "get-bucket-location", *place.flags, "--bucket", bucket)


def bucket_step(place: Place, bucket: str, known: Json | None) -> Step:
    """Make it."""
    where = ("--create-bucket-configuration", f"LocationConstraint={place.region}")
    located = () if place.region == _DEFAULT_REGION else where
    command = write("s3api", "create-bucket", *place.flags, "--bucket", bucket, *located, shows="Location")
    return ensure("bucket", f"s3://{bucket}", known is not None, command)


def get_block(place: Place, bucket: str) -> Command:
    """Read whether it is closed to the public."""
    return read("s3api", "get-public-access-block", *place.flags, "--bucket", bucket)


def closed(place: Place, bucket: str, known: Json | None) -> list[Step]:
    """Close it, unless it is."""
    blocks = (known or {}).get("PublicAccessBlockConfiguration", {})
    if all(blocks.get(name) is True for name in _BLOCKS):
        return []
    told = ("--public-access-block-configuration", ",".join(f"{name}=true" for name in _BLOCKS))
    command = write("s3api", "put-public-access-block", *place.flags, "--bucket", bucket, *told)
    defect = f"s3://{bucket} is not closed to the public"
    return [mend("bucket", defect, f"s3://{bucket}: closed to the public", command)]


def get_policy(place: Place, bucket: str) -> Command:
    """Read its policy."""
    return read("s3api", "get-bucket-policy", *place.flags, "--bucket", bucket)


def tls_alone(place: Place, bucket: str, known: Json | None) -> list[Step]:
    """Refuse requests without TLS, unless that is so; S3 takes all statements at once: ours, and what others added.

    Raises:
        CloudError: its policy is not what S3 shows.
    """
    try:
        state, statements = merged("policy", told_in(known, "Policy"), policy(place, "bucket", bucket=bucket))
    except RulesError as failure:
        raise CloudError(f"the policy of s3://{bucket} {UNCHANGED}: {failure}") from None
    if state == "same":
        return []
    told = ("--bucket", bucket, "--policy", json.dumps(statements))
    command = write("s3api", "put-bucket-policy", *place.flags, *told)
    return [mend("bucket", f"s3://{bucket} takes requests without TLS", f"s3://{bucket}: TLS alone", command)]


def get_lifecycle(place: Place, bucket: str) -> Command:
    """Read what is deleted when."""
    return read("s3api", "get-bucket-lifecycle-configuration", *place.flags, "--bucket", bucket)


def log_retention(place: Place, bucket: str, known: Json | None, given: int | None) -> Step:
    """Let a rule delete what is old; S3 takes all rules at once.

    Raises:
        CloudError: its rules are not what S3 shows.
    """
    try:
        days, rules = merged("s3", dict(known or {}), days_wanted(given))
    except RulesError as failure:
        raise CloudError(f"the lifecycle rules of s3://{bucket} {UNCHANGED}: {failure}") from None
    told = ("--bucket", bucket, "--cli-input-json", json.dumps(rules))
    command = write("s3api", "put-bucket-lifecycle-configuration", *place.flags, *told)
    return retention(f"s3://{bucket}", days, given, command)
