"""What a call of an API needs to be allowed: actions and the ARNs that they are about.

Names of actions, and the types of resources that each has, are from AWS's Service Authorization Reference; what an
Express service does in its caller's name is from the README of aws-actions/amazon-ecs-deploy-express-service, and the
name of its task definition (cluster, a hyphen, service) from services that people have published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .policies import Call

Json = dict[str, Any]
SecretArn = Callable[[str], str]

OF_OBJECTS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
OF_BUCKETS = {
    ("GET", "location"): "GetBucketLocation", ("GET", "policy"): "GetBucketPolicy",
    ("PUT", "policy"): "PutBucketPolicy", ("DELETE", "policy"): "DeleteBucketPolicy",
    ("GET", "publicAccessBlock"): "GetBucketPublicAccessBlock",
    ("PUT", "publicAccessBlock"): "PutBucketPublicAccessBlock", ("GET", "lifecycle"): "GetLifecycleConfiguration",
    ("DELETE", "publicAccessBlock"): "PutBucketPublicAccessBlock", ("PUT", "lifecycle"): "PutLifecycleConfiguration",
    ("GET", "versioning"): "GetBucketVersioning", ("PUT", "versioning"): "PutBucketVersioning",
    ("GET", "versions"): "ListBucketVersions", ("GET", "uploads"): "ListBucketMultipartUploads",
    ("PUT", ""): "CreateBucket", ("DELETE", ""): "DeleteBucket", ("GET", ""): "ListBucket", ("HEAD", ""): "ListBucket",
}  # fmt: skip
OF_PARTS = {
    ("POST", "uploads"): "PutObject", ("POST", "uploadId"): "PutObject", ("PUT", "uploadId"): "PutObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload", ("GET", "uploadId"): "ListMultipartUploadParts",
}  # fmt: skip
PARAMETERS = set(
    "list-type prefix delimiter encoding-type continuation-token start-after max-keys fetch-owner key-marker marker "
    "versionId partNumber x-id response-content-type".split()
)


def of_s3(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Iterator[Call]:
    """Yield what a request to S3 needs; nothing for one that is not known here. Buckets are in the path."""
    bucket, _, key = path.lstrip("/").partition("/")
    arn, part = f"arn:aws:s3:::{bucket}", next((name for name in query if name not in PARAMETERS), "")
    if not bucket:
        yield Call("s3:ListAllMyBuckets", "*")
    elif not key and (method, part) == ("POST", "delete"):
        for name in re.findall(r"<Key>(.*?)</Key>", body.decode()):
            yield Call("s3:DeleteObject", f"{arn}/{name}")
    elif not key and (method, part) in OF_BUCKETS:
        yield Call(f"s3:{OF_BUCKETS[method, part]}", arn)
    elif key and part in ("uploads", "uploadId") and (method, part) in OF_PARTS:
        yield Call(f"s3:{OF_PARTS[method, part]}", f"{arn}/{key}")
    elif key and not part and method in OF_OBJECTS:
        of_version = "Version" if "versionId" in query else ""
        yield Call(f"s3:{OF_OBJECTS[method]}{of_version}", f"{arn}/{key}")
        if source := headers.get("x-amz-copy-source"):
            yield Call("s3:GetObject", f"arn:aws:s3:::{source.lstrip('/')}")


def of_iam(account: str, asked: Mapping[str, str]) -> Iterator[Call]:
    """Yield what a request to IAM needs."""
    resource = "*"
    if name := asked.get("UserName"):
        resource = f"arn:aws:iam::{account}:user/{name}"
    elif name := asked.get("RoleName"):
        resource = f"arn:aws:iam::{account}:role/{name}"
    elif arn := asked.get("OpenIDConnectProviderArn") or asked.get("PolicyArn"):
        resource = arn
    elif name := asked.get("PolicyName"):
        resource = f"arn:aws:iam::{account}:policy/{name}"
    yield Call(f"iam:{asked['Action']}", resource, {"iam:AWSServiceName": asked.get("AWSServiceName", "")})


def of_ecr(where: str, action: str, asked: Json) -> Iterator[Call]:
    """Yield what a request to ECR needs; `where` is region and account."""
    names = [asked["repositoryName"]] if "repositoryName" in asked else asked.get("repositoryNames", [])
    for name in names or [None]:
        yield Call(f"ecr:{action}", f"arn:aws:ecr:{where}:repository/{name}" if name else "*")


def of_secrets(action: str, asked: Json, arn_of: SecretArn) -> Iterator[Call]:
    """Yield what a request to Secrets Manager needs."""
    name = asked.get("SecretId") or asked.get("Name")
    yield Call(f"secretsmanager:{action}", arn_of(name) if name else "*")
    if asked.get("Tags") and action == "CreateSecret":
        yield Call("secretsmanager:TagResource", arn_of(str(name)))


def of_ecs(action: str, asked: Json, service: str, has_tags: bool) -> Iterator[Call]:
    """Yield what a request to ECS needs; `service` is the ARN of the service that it is about.

    A new service with tags, and a new revision of one that has some, tag a task definition too. Whether IAM is asked
    with or without a revision is written nowhere: tagging must be allowed for both. Whether it is asked about a task
    definition at all when one is registered, AWS's reference and those who tried it do not agree: both must be allowed.
    """
    root = service.rpartition(":service/")[0]
    named = {"Deployment": "serviceDeploymentArn", "Deployments": "serviceDeploymentArns",
             "Revisions": "serviceRevisionArns"}  # fmt: skip
    if action in ("CreateExpressGatewayService", "UpdateExpressGatewayService"):
        family = f"{root}:task-definition/{service.rpartition(':service/')[2].replace('/', '-')}"
        yield Call(f"ecs:{action}", service)
        yield Call("ecs:RegisterTaskDefinition", "*")
        yield Call("ecs:RegisterTaskDefinition", f"{family}:1")
        for role, passed_to in PASSED.items():
            if role in asked:
                yield Call("iam:PassRole", asked[role], {"iam:PassedToService": f"{passed_to}.amazonaws.com"})
        if asked.get("tags"):
            yield Call("ecs:TagResource", service)
        if asked.get("tags") or has_tags:
            yield Call("ecs:TagResource", family)
            yield Call("ecs:TagResource", f"{family}:1")
    elif action.endswith(("Cluster", "Clusters")):
        for name in asked.get("clusters") or [asked.get("clusterName") or asked["cluster"]]:
            yield Call(f"ecs:{action}", f"{root}:cluster/{name}")
    else:
        yield Call(f"ecs:{action}", service)
        kind = next((kind for kind in named if action.endswith(f"Service{kind}") and named[kind] in asked), None)
        given = asked[named[kind]] if kind else []
        for arn in [given] if isinstance(given, str) else given:
            yield Call(f"ecs:{action}", arn)


PASSED = {"executionRoleArn": "ecs-tasks", "taskRoleArn": "ecs-tasks", "infrastructureRoleArn": "ecs"}
