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
from tests.delivery.aws.policies import Call, Principal, characters, decide

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

    arn = iam.create_policy(PolicyName="demo", PolicyDocument=json.dumps(ECR))["Policy"]["Arn"]
    for _ in range(2):
        with pytest.raises(ClientError, match="NoSuchEntity"):
            iam.attach_user_policy(UserName="demo-reader", PolicyArn=arn)
    iam.attach_user_policy(UserName="demo-reader", PolicyArn=arn)


def reading(*buckets: str, spaces: int = 0) -> str:
    """A policy that lets somebody read these buckets, with white space in it."""
    told = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": [f"arn:aws:s3:::{name}/*" for name in buckets]}
    return json.dumps({"Version": "2012-10-17", "Statement": [told]}, indent=spaces)


def test_quotas_of_policies_are_iams_own(moto_server: Moto) -> None:
    moto_server.reset()
    iam = moto_server.client("iam")
    iam.create_user(UserName="demo")
    trusts = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
    iam.create_role(RoleName="demo", AssumeRolePolicyDocument=json.dumps(trusts))
    thousand, six = ("b" * (number - characters(reading(""))) for number in (1000, 6144))

    iam.put_user_policy(UserName="demo", PolicyName="one", PolicyDocument=reading(thousand, spaces=400))
    iam.put_user_policy(UserName="demo", PolicyName="one", PolicyDocument=reading(thousand))  # instead, not beside
    iam.put_user_policy(UserName="demo", PolicyName="two", PolicyDocument=reading(thousand))
    with pytest.raises(ClientError, match="Maximum policy size of 2048 bytes exceeded for user demo") as refused:
        iam.put_user_policy(UserName="demo", PolicyName="three", PolicyDocument=reading("a"))
    assert refused.value.response["Error"]["Code"] == "LimitExceeded"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    for name in ("one", "two"):
        iam.put_role_policy(RoleName="demo", PolicyName=name, PolicyDocument=reading(*[thousand] * 5))
    with pytest.raises(ClientError, match="Maximum policy size of 10240 bytes exceeded for role demo"):
        iam.put_role_policy(RoleName="demo", PolicyName="three", PolicyDocument=reading(thousand))
    with pytest.raises(ClientError, match=r"LimitExceeded.*ACLSizePerRole: 2048"):
        iam.update_assume_role_policy(RoleName="demo", PolicyDocument=reading(thousand, thousand, thousand))

    arns = [iam.create_policy(PolicyName=f"p{n}", PolicyDocument=reading(six))["Policy"]["Arn"] for n in range(11)]
    with pytest.raises(ClientError, match=r"LimitExceeded.*PolicySize: 6144"):
        iam.create_policy(PolicyName="larger", PolicyDocument=reading(f"{six}b"))
    with pytest.raises(ClientError, match=r"LimitExceeded.*PolicySize: 6144"):
        iam.create_policy_version(PolicyArn=arns[0], PolicyDocument=reading(f"{six}b"))
    for kind, attach in (("User", iam.attach_user_policy), ("Role", iam.attach_role_policy)):
        for arn in arns[:10]:
            attach(**{f"{kind}Name": "demo"}, PolicyArn=arn)
        attach(**{f"{kind}Name": "demo"}, PolicyArn=arns[0])  # it has that one
        with pytest.raises(ClientError, match=rf"LimitExceeded.*PoliciesPer{kind}: 10"):
            attach(**{f"{kind}Name": "demo"}, PolicyArn=arns[10])


def test_a_policy_is_removed_only_once_nobody_has_it_and_it_has_one_version(moto_server: Moto) -> None:
    moto_server.reset()
    moto_server.user("demo", "reader")
    iam, arn = moto_server.client("iam"), f"arn:aws:iam::{ACCOUNT}:policy/demo-reader"
    moto_server.change_rights("demo-reader", ECR)
    with pytest.raises(ClientError, match=r"DeleteConflict.*attached to entities"):
        iam.delete_policy(PolicyArn=arn)
    iam.detach_user_policy(UserName="demo-reader", PolicyArn=arn)
    with pytest.raises(ClientError, match=r"DeleteConflict.*more than one version"):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)


def test_what_is_attached_to_a_user_holds_and_a_new_version_of_it_at_once(moto_server: Moto) -> None:
    moto_server.reset()
    ecr = client(moto_server, "ecr", moto_server.user("demo", "reader"))
    with pytest.raises(ClientError, match="AccessDenied"):
        ecr.get_authorization_token()
    moto_server.change_rights("demo-reader", ECR)
    ecr.get_authorization_token()
    arn = f"arn:aws:iam::{ACCOUNT}:policy/demo-reader"
    moto_server.client("iam").detach_user_policy(UserName="demo-reader", PolicyArn=arn)
    with pytest.raises(ClientError, match="AccessDenied"):
        ecr.get_authorization_token()
