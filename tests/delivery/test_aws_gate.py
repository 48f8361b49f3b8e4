"""What stands before moto in the stand-in for AWS: who calls, what that is allowed, and how AWS says no."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError

from tests.delivery.aws.cloud import ACCOUNT, REGION, Moto
from tests.delivery.aws.identities import ANYTHING, policy
from tests.delivery.aws.policies import Call, Principal, decide

ECR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ecr:*", "Resource": "*"}]}


Key = dict[str, str]


def client(moto: Moto, service: str, held: Key) -> Any:
    return boto3.client(
        service, region_name=REGION, endpoint_url=moto.gate.url, config=Config(retries={"max_attempts": 0}),
        aws_access_key_id=held["AccessKeyId"], aws_secret_access_key=held["SecretAccessKey"],
        aws_session_token=held.get("SessionToken"),
    )  # fmt: skip


CALLS = [("iam", "list_users"), ("ecr", "get_authorization_token"), ("secretsmanager", "list_secrets"),
         ("s3", "list_buckets"), ("sts", "get_caller_identity")]  # fmt: skip


@pytest.mark.parametrize(("service", "call"), CALLS)
def test_a_key_that_nobody_has_or_that_was_removed_is_refused(moto_server: Moto, service: str, call: str) -> None:
    moto_server.reset()
    key = moto_server.user("demo", "reader")
    assert client(moto_server, "sts", key).get_caller_identity()["Arn"].endswith(":user/demo-reader")
    moto_server.client("iam").delete_access_key(UserName="demo-reader", AccessKeyId=key["AccessKeyId"])

    for unknown in (key | {"AccessKeyId": "AKIANOBODYHASTHISKEY"}, key):
        with pytest.raises(ClientError) as refused:
            getattr(client(moto_server, service, unknown), call)()
        code = {"s3": "InvalidAccessKeyId", "iam": "InvalidClientTokenId", "sts": "InvalidClientTokenId"}
        assert refused.value.response["Error"]["Code"] == code.get(service, "UnrecognizedClientException")


@pytest.mark.parametrize(("service", "call"), CALLS)
def test_the_secret_of_another_key_is_refused(moto_server: Moto, service: str, call: str) -> None:
    moto_server.reset()
    reader, trainer = (moto_server.user("demo", who) for who in ("reader", "trainer"))
    mixed = reader | {"SecretAccessKey": trainer["SecretAccessKey"]}
    with pytest.raises(ClientError) as refused:
        getattr(client(moto_server, service, mixed), call)()
    code = {"ecr": "InvalidSignatureException", "secretsmanager": "InvalidSignatureException"}
    assert refused.value.response["Error"]["Code"] == code.get(service, "SignatureDoesNotMatch")


def test_a_refusal_reads_as_awss_own(moto_server: Moto) -> None:
    moto_server.reset()
    key = moto_server.user("demo", "reader")
    reader = f"User: arn:aws:iam::{ACCOUNT}:user/demo-reader is not authorized to perform:"
    with pytest.raises(ClientError) as refused:
        client(moto_server, "ecr", key).describe_images(repositoryName="demo")
    told, arn = refused.value.response["Error"], f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/demo"
    action = "ecr:DescribeImages"
    why = f"because no identity-based policy allows the {action} action"
    assert told == {"Code": "AccessDeniedException", "Message": f"{reader} {action} on resource: {arn} {why}"}

    with pytest.raises(ClientError, match=r"\(AccessDenied\).*iam:CreateAccessKey"):
        client(moto_server, "iam", key).create_access_key(UserName="demo-deployer")


def test_a_bucket_denies_what_comes_without_tls_and_hides_what_may_not_be_listed(moto_server: Moto) -> None:
    moto_server.reset()
    bucket, s3 = f"demo-dvc-{ACCOUNT}", moto_server.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    document = json.loads(policy("bucket", "demo", ACCOUNT, REGION).replace("s3:::", f"s3:::{bucket}"))
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    s3.put_object(Bucket=bucket, Key="a b/ü+?", Body=b"x")  # signed as it is sent
    assert s3.list_objects_v2(Bucket=bucket, Prefix="a b/")["KeyCount"] == 1
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")  # the owner, with TLS, as the loopback counts as that
    call = Call("s3:GetObject", f"arn:aws:s3:::{bucket}/a", {"aws:SecureTransport": "false"})
    assert decide(Principal("alice"), [ANYTHING], [document], call) == "denied by resource"

    reader = client(moto_server, "s3", moto_server.user("demo", "reader"))
    assert reader.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="NoSuchKey"):
        reader.get_object(Bucket=bucket, Key="b")
    nobody = client(moto_server, "s3", moto_server.user("demo", "deployer"))
    with pytest.raises(ClientError, match="AccessDenied"):
        nobody.get_object(Bucket=bucket, Key="b")
    assert not moto_server.gate.unknown


ISSUER = "https://token.actions.githubusercontent.com"


def token(environment: str, audience: str = "sts.amazonaws.com") -> str:
    subject = f"repo:acme@815/demo@4711:environment:{environment}"
    claims = {"iss": ISSUER, "aud": audience, "sub": subject, "exp": int(time.time()) + 600}
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims))
    return ".".join(parts) + "."


def test_a_role_is_taken_only_by_whom_its_trust_names_and_does_only_what_its_policy_says(moto_server: Moto) -> None:
    moto_server.reset()
    role = moto_server.role("demo", "trainer", "github", "repo:acme@815/demo@4711")
    sts = moto_server.client("sts")

    def take(environment: str, audience: str = "sts.amazonaws.com") -> dict[str, str]:
        held: dict[str, str] = sts.assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="job", WebIdentityToken=token(environment, audience)
        )["Credentials"]
        return held

    with pytest.raises(ClientError, match=r"InvalidIdentityToken.*No OpenIDConnect provider found"):
        take("trainer")
    moto_server.client("iam").create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
    with pytest.raises(ClientError, match=r"AccessDenied.*Not authorized to perform sts:AssumeRoleWithWebIdentity"):
        take("reader")
    with pytest.raises(ClientError, match="Incorrect token audience"):
        take("trainer", "another")

    held = take("trainer")
    arn = client(moto_server, "sts", held).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/demo-trainer/job"
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        client(moto_server, "sts", held | {"SessionToken": "another"}).get_caller_identity()
    with pytest.raises(ClientError, match="not authorized to perform: ecr:GetAuthorizationToken"):
        client(moto_server, "ecr", held).get_authorization_token()


def test_what_was_just_made_is_unknown_to_some_calls(moto_server: Moto) -> None:
    moto_server.reset()
    moto_server.gate.delays.calls = 2
    iam = moto_server.client("iam")
    iam.create_user(UserName="demo-reader")
    for _ in range(2):
        with pytest.raises(ClientError, match="NoSuchEntity"):
            iam.create_access_key(UserName="demo-reader")
    key = iam.create_access_key(UserName="demo-reader")["AccessKey"]
    reader = client(moto_server, "sts", key)
    for _ in range(2):
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            reader.get_caller_identity()
    assert reader.get_caller_identity()["Account"] == ACCOUNT

    iam.put_user_policy(UserName="demo-reader", PolicyName="all", PolicyDocument=json.dumps(ECR))
    ecr = client(moto_server, "ecr", key)
    for _ in range(2):
        with pytest.raises(ClientError, match="AccessDenied"):
            ecr.get_authorization_token()
    ecr.get_authorization_token()
