"""What a project needs in Google Cloud, besides roles and trust: from what gcloud shows to the next steps."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cd4ml.deploy.cloud_run import steps
from cd4ml.deploy.cloud_run.settings import Place
from cd4ml.deploy.commands import CloudError, Command
from cd4ml.deploy.names import SCRIPT
from cd4ml.deploy.set_up.identities import RUNTIME, Jobs, purpose
from cd4ml.deploy.set_up.retention import days_wanted, retention
from cd4ml.deploy.set_up.rule_sets import RulesError, merged
from cd4ml.deploy.set_up.steps import Document, Step, ensure, mend

Json = Mapping[str, Any]

APIS = (
    *("run", "artifactregistry", "iam", "iamcredentials", "secretmanager", "storage", "monitoring", "sts"),
    "cloudresourcemanager",  # a deploy asks for the project's number, in which the bucket for predictions is named
)
CLEAN_UP = [
    {"name": "keep-the-newest-20", "action": {"type": "Keep"}, "mostRecentVersions": {"keepCount": 20}},
    {"name": "delete-the-rest", "action": {"type": "Delete"}, "condition": {"tagState": "any", "olderThan": "1d"}},
]
_CLOSED = ("--uniform-bucket-level-access", "--public-access-prevention")
_SHOWN = "name,public_access_prevention,uniform_bucket_level_access"


def read(*argv: str) -> Command:
    """Read something as JSON."""
    return steps.read(*argv, *(() if "--format" in argv else ("--format", "json")))


# APIs


def list_apis(place: Place) -> Command:
    """Read which APIs are enabled."""
    return read("gcloud", "services", "list", "--enabled", "--project", place.project)


def apis(place: Place, enabled: Sequence[Json]) -> Step:
    """Enable what is missing."""
    known = {api["config"]["name"] for api in enabled}
    lacking = [name for name in (f"{api}.googleapis.com" for api in APIS) if name not in known]
    command = Command(("gcloud", "services", "enable", "--project", place.project, *lacking))
    return ensure("APIs", " ".join(APIS), not lacking, command)


# registry


def describe_registry(place: Place) -> Command:
    """Read the registry."""
    return read("gcloud", "artifacts", "repositories", "describe", place.slug, *_located(place))


def registry(place: Place, known: Json | None) -> Step:
    """Make it."""
    described = ("--repository-format", "docker", "--description", f"{place.slug}: images, made by {SCRIPT}")
    command = Command(("gcloud", "artifacts", "repositories", "create", place.slug, *_located(place), *described))
    return ensure("registry", place.slug, known is not None, command)


def clean_up(place: Place, known: Json | None) -> Step:
    """Let it keep the newest 20 images, and all that a team has said of others: gcloud takes all policies at once.

    Raises:
        CloudError: its policies are not what gcloud shows.
    """
    try:
        state, policies = merged("images", dict(known or {}), CLEAN_UP)
    except RulesError as failure:
        where = f"the clean-up policies of the registry {place.slug}"
        raise CloudError(f"{where} cannot be read, and were not changed: {failure}") from None
    document = Document("clean-up.json", json.dumps(policies))
    told = ("--no-dry-run", "--policy", document.name)
    command = Command(
        ("gcloud", "artifacts", "repositories", "set-cleanup-policies", place.slug, *_located(place), *told)
    )
    return ensure("clean-up", "all but the newest 20 images", state == "same", command, document=document)


def _located(place: Place) -> tuple[str, ...]:
    return ("--location", place.region, "--project", place.project)


# service accounts


def list_accounts(place: Place) -> Command:
    """Read the service accounts."""
    return read("gcloud", "iam", "service-accounts", "list", "--project", place.project)


def accounts(place: Place, jobs: Jobs, known: Collection[str]) -> list[Step]:
    """Make what is missing; `known` are addresses."""
    return [
        ensure(
            "identity",
            place.account_id(who),
            place.account(who) in known,
            Command(
                ("gcloud", "iam", "service-accounts", "create", place.account_id(who), "--project", place.project,
                 "--description", purpose(place.slug, who))
            ),
        )
        for who in (*jobs.signing_in, RUNTIME)
    ]  # fmt: skip


# buckets


def describe_bucket(bucket: str, *more: str) -> Command:
    """Read whether a bucket is closed to the public, and more fields of it."""
    return read("gcloud", "storage", "buckets", "describe", bucket, "--format", f"json({','.join((_SHOWN, *more))})")


def bucket_step(place: Place, bucket: str, known: Json | None) -> Step:
    """Make a bucket that is closed to the public, with access by roles alone; or close it."""
    if known is not None and not _is_closed(known):
        close = Command(("gcloud", "storage", "buckets", "update", bucket, *_CLOSED))
        return mend("bucket", f"{bucket} is not closed to the public", f"{bucket}, now closed to the public", close)
    where = ("--project", place.project, "--location", place.region)
    command = Command(("gcloud", "storage", "buckets", "create", bucket, *where, *_CLOSED))
    return ensure("bucket", bucket, known is not None, command)


def _is_closed(known: Json) -> bool:
    return known.get("public_access_prevention") == "enforced" and known.get("uniform_bucket_level_access") is True


def log_retention(bucket: str, known: Json | None, given: int | None) -> Step:
    """Let a rule of the bucket delete what is old; gcloud takes all rules at once.

    Raises:
        CloudError: its rules are not what gcloud shows.
    """
    try:
        days, rules = merged("storage", dict(known or {}), days_wanted(given))
    except RulesError as failure:
        raise CloudError(f"{unread_rules(bucket)}: {failure}") from None
    document = Document("predictions.json", json.dumps(rules))
    command = Command(("gcloud", "storage", "buckets", "update", bucket, "--lifecycle-file", document.name))
    return retention(bucket, days, given, command, document)


def unread_rules(bucket: str) -> str:
    """Return how a message begins that says why the rules are left as they are: a write would lose some."""
    return f"the lifecycle rules of {bucket} cannot be read, and were not changed"


# the secret of API keys


def describe_secret(place: Place) -> Command:
    """Read whether it is there."""
    return read("gcloud", "secrets", "describe", place.secret, "--project", place.project)


def secret(place: Place, known: Json | None, value: str) -> Step:
    """Make it, with a first value."""
    argv = ("gcloud", "secrets", "create", place.secret, "--project", place.project)
    command = Command((*argv, "--replication-policy", "automatic", "--data-file", "-"), stdin=value)
    fails = f"the secret {place.secret} could not be made (above is why)"
    return ensure("secret", place.secret, known is not None, command, fails=fails)
