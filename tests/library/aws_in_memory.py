"""One account of AWS's and one repository on GitHub, without a process: commands are read by what they mean.

A run may be killed before or after a write, by its number. What was just made may be unknown to some calls.
"""

import json
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import github_in_memory
import iam_in_memory
from cd4ml.deploy.commands import Ended
from cloud_in_memory import CloudInMemory
from github_in_memory import Json, RefusedError
from setting_up import run

ACCOUNT = "123456789012"
DATA, PREDICTIONS = f"demo-dvc-{ACCOUNT}", f"demo-predictions-{ACCOUNT}"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
ENVIRONMENT = {
    "AWS_REGION": "eu-west-1", "AWS_ACCOUNT_ID": ACCOUNT, "FARGATE_PAUSE": "0", "FARGATE_PATIENCE": "9",
    "INSIST_PAUSE": "0", "INSIST_PATIENCE": "9", "XDG_CONFIG_HOME": "config",
}  # fmt: skip
_NEW = {"create-user": "--user-name", "create-role": "--role-name"}
_READS = ("get-", "list-", "describe-")


class Amazon(CloudInMemory):
    """Answers aws and gh. `state` is all that is kept; another run of the same account takes it over."""

    def __init__(self, state: Json | None = None, dry_run: bool = False, **environment: str) -> None:
        super().__init__("fargate", dry_run, ENVIRONMENT | environment)
        self.state: Json = state if state is not None else iam_in_memory.empty() | {
            "clusters": [], "services": {}, "registry": {}, "buckets": {}, "secrets": {}, "labels": {}, "going": [],
            "environments": {}, "variables": {}, "github": {},
        }  # fmt: skip
        self.unknown = 0
        """How many calls that name something new do not know it."""
        self.absent = "ResourceNotFoundException"
        """The code with which a service that is not there is described and deleted."""
        self.drains = 1
        """How many looks at services, while they are removed, find them."""
        self._new: dict[str, int] = {}

    def _refusal(self, argv: tuple[str, ...], refusal: str) -> Ended:
        return Ended(254, "", _said(argv, refusal))

    def _is_write(self, argv: tuple[str, ...]) -> bool:
        if argv[0] == "gh":
            return "--method" in argv if argv[1] == "api" else argv[2] != "list"
        return not argv[2].startswith(_READS)

    def _answer(self, argv: tuple[str, ...], stdin: str) -> Any:
        given = dict(pairwise(argv))
        if argv[0] == "gh":
            return github_in_memory.answer(self.state, argv, given, stdin)
        if argv[1] == "iam":
            told = iam_in_memory.answer(self.state, argv[2], given, self._check)
            if made := _NEW.get(argv[2]):
                self.hide(given[made])
            if argv[2] == "create-service-linked-role":
                self.hide(iam_in_memory.service_role(given["--aws-service-name"]))
            return told
        return _SERVICES[argv[1]](self, argv[2], given, stdin)

    def hide(self, name: str) -> None:
        """Let it be unknown to the next `unknown` calls."""
        self._new[name] = self.unknown

    def _check(self, name: str, code: str = "NoSuchEntity") -> None:
        if self._new.get(name, 0):
            self._new[name] -= 1
            raise RefusedError(code)

    # what there is

    def _sts(self, *_: Any) -> Any:
        return {"Account": ACCOUNT}

    def _ecs(self, operation: str, given: Mapping[str, str], _stdin: str) -> Any:
        clusters, services = self.state["clusters"], self.state["services"]
        name = given.get("--service-arn", "").rpartition("/")[2]
        match operation:
            case "describe-clusters":
                return {"clusters": [{"status": "ACTIVE"} for one in clusters if one == given["--clusters"]]}
            case "create-cluster":
                self._check("AWSServiceRoleForECS", "InvalidParameterException")
                if "AWSServiceRoleForECS" not in self.state["service_roles"]:
                    raise RefusedError("InvalidParameterException")
                clusters.append(given["--cluster-name"])
            case "delete-cluster":
                if given["--cluster"] not in clusters:
                    raise RefusedError("ClusterNotFoundException")
                if services:
                    raise RefusedError("ClusterContainsServicesException")
                clusters.remove(given["--cluster"])
            case "describe-services":
                if given["--cluster"] not in clusters:
                    raise RefusedError("ClusterNotFoundException")
                asked = given["--services"]
                return [services[asked]["status"]["statusCode"]] if asked in services else []
            case _ if name not in services:
                raise RefusedError(self.absent)
            case "delete-express-gateway-service":
                services[name]["status"]["statusCode"] = "DRAINING"
            case "describe-express-gateway-service":
                told = {"service": dict(services[name])}
                if told["service"]["status"]["statusCode"] == "DRAINING":
                    self.drains -= 1
                    if self.drains < 0:
                        services.pop(name)
                return told
        return ""

    def _ecr(self, operation: str, given: Mapping[str, str], _stdin: str) -> Any:
        known, name = self.state["registry"], given.get("--repository-name") or given["--repository-names"]
        if operation == "create-repository":
            if name in known:
                raise RefusedError("RepositoryAlreadyExistsException")
            known[name] = ""
            return ""
        if name not in known:
            raise RefusedError("RepositoryNotFoundException")
        match operation:
            case "delete-repository":
                known.pop(name)
            case "put-lifecycle-policy":
                known[name] = given["--lifecycle-policy-text"]
            case "get-lifecycle-policy":
                if not known[name]:
                    raise RefusedError("LifecyclePolicyNotFoundException")
                return {"lifecyclePolicyText": known[name]}
        return {"repositories": [{"repositoryName": name}]}

    def _buckets(self, operation: str, given: Mapping[str, str], _stdin: str) -> Any:
        known, name = self.state["buckets"], given.get("--bucket") or given["--force"].removeprefix("s3://")
        if operation == "create-bucket":
            if name in known:
                raise RefusedError("BucketAlreadyOwnedByYou")
            known[name] = {"where": given.get("--create-bucket-configuration", "")}
            return ""
        if name not in known:
            raise RefusedError("NoSuchBucket")
        kept = known[name]
        match operation:
            case "put-public-access-block":
                told = given["--public-access-block-configuration"].split(",")
                kept["block"] = {key: value == "true" for key, _, value in (word.partition("=") for word in told)}
            case "put-bucket-policy":
                kept["policy"] = given["--policy"]
            case "put-bucket-lifecycle-configuration":
                kept["lifecycle"] = json.loads(given["--cli-input-json"])["LifecycleConfiguration"]
            case "rb":
                if kept.get("versioning"):
                    raise RefusedError("BucketNotEmpty")
                known.pop(name)
            case "get-public-access-block":
                return {"PublicAccessBlockConfiguration": _of(kept, "block", "NoSuchPublicAccessBlockConfiguration")}
            case "get-bucket-policy":
                return {"Policy": _of(kept, "policy", "NoSuchBucketPolicy")}
            case "get-bucket-lifecycle-configuration":
                return _of(kept, "lifecycle", "NoSuchLifecycleConfiguration")
        return {"LocationConstraint": "eu-west-1"}

    def _secrets(self, operation: str, given: Mapping[str, str], stdin: str) -> Any:
        known, name = self.state["secrets"], given.get("--name") or given["--secret-id"]
        if operation == "create-secret":
            if name in known:
                raise RefusedError("ResourceExistsException")
            assert given["--secret-string"] == "file:///dev/stdin"
            known[name], self.state["labels"][name] = {"v1": stdin}, {"AWSCURRENT": "v1"}
            self.hide(name)
            return ""
        self._check(name, "ResourceNotFoundException")
        if name not in known:
            raise RefusedError("ResourceNotFoundException")
        values, labels, going = known[name], self.state["labels"][name], self.state["going"]
        match operation:
            case "restore-secret":
                going.remove(name)
            case "put-secret-value":
                values[f"v{len(values) + 1}"] = stdin
                labels |= {"AWSPREVIOUS": labels["AWSCURRENT"], "AWSCURRENT": f"v{len(values)}"}
            case "update-secret-version-stage":
                assert labels[given["--version-stage"]] == given["--remove-from-version-id"]
                labels.pop(given["--version-stage"])
            case "get-secret-value":
                return {"SecretString": values[labels["AWSCURRENT"]]}
            case "list-secret-version-ids":
                return {"Versions": [{"VersionId": id_, "VersionStages": [label]} for label, id_ in labels.items()]}
            case "delete-secret":
                known.pop(name)
        return {"ARN": name} | ({"DeletedDate": 1.0} if name in going else {})


_SERVICES: dict[str, Callable[..., Any]] = {
    "sts": Amazon._sts, "ecs": Amazon._ecs, "ecr": Amazon._ecr, "s3api": Amazon._buckets, "s3": Amazon._buckets,
    "secretsmanager": Amazon._secrets,
}  # fmt: skip


def _of(kept: Json, key: str, code: str) -> Any:
    if key not in kept:
        raise RefusedError(code)
    return kept[key]


def _said(argv: tuple[str, ...], refusal: str) -> str:
    if argv[0] == "gh":
        return refusal
    operation = "".join(word.title() for word in argv[2].split("-"))
    return f"\nAn error occurred ({refusal}) when calling the {operation} operation: whatever"


def refused(operation: str, code: str = "AccessDenied") -> Callable[[tuple[str, ...]], str]:
    """Refuse an operation with a code."""
    return lambda argv: code if argv[2] == operation else ""


def made(*words: str, **environment: str) -> Amazon:
    """An account that is set up, before the next run."""
    amazon = Amazon()
    assert "failed" not in run(amazon, "bootstrap", *words)
    return Amazon(amazon.state, **environment)
