"""What stands before moto: every request is checked against the policies of who calls, and may come too early.

The loopback stands for TLS.
"""

from __future__ import annotations

import base64
import html
import http.client
import json
import re
import urllib.parse
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.delivery.stand_ins.delays import Delays
from tests.delivery.stand_ins.listening import Listener, Reply, Request

from . import calls
from .asked import OF_SOMEBODY, Asked, first, read
from .buckets import BucketPolicies
from .identities import (
    OWNER,
    SECRET,
    ExpiredKeyError,
    Identities,
    Identity,
    NotTrustedError,
    Session,
    UnknownKeyError,
    WrongSecretError,
)  # fmt: skip
from .policies import Call, decide, refusal
from .quotas import check_quotas
from .refusals import EXPIRED_KEY, NOT_ALLOWED, UNKNOWN_KEY, WRONG_SECRET, RefusedError

Json = dict[str, Any]

NO_ROLES = b"<ListRolesResponse><ListRolesResult><Roles/></ListRolesResult></ListRolesResponse>"
GIVES_RIGHTS = ("PutUserPolicy", "PutRolePolicy", "AttachUserPolicy", "AttachRolePolicy")
NOT_FORWARDED = {"connection", "transfer-encoding", "date", "server"}


class Gate:
    """The way to moto, until `close`."""

    def __init__(self, moto: str, account: str) -> None:
        self._moto, self._account = urllib.parse.urlsplit(moto), account
        self.delays = Delays()
        self.identities = Identities(self.direct, account, self.delays)
        self.unknown: list[str] = []  # requests whose rights are not known here, and which were refused for it
        self.refused: list[str] = []  # what policies refused
        self._buckets = BucketPolicies(self.direct)
        self._listener = Listener(self._answer)
        self.url = f"http://127.0.0.1:{self._listener.port}"

    def direct(self, service: str, region: str = "eu-west-1") -> Any:
        """A client of moto's own, past all of this."""
        return boto3.client(
            service, region_name=region, endpoint_url=self._moto.geturl(),
            aws_access_key_id=OWNER, aws_secret_access_key=SECRET,
        )  # fmt: skip

    def close(self) -> None:
        self._listener.close()

    def reset(self) -> None:
        """Forget everything, and let moto forget."""
        self._forward(Request("POST", "/moto-api/reset", http.client.HTTPMessage(), b""))
        self.identities.reset()
        self.delays.reset()
        self._buckets.reset()
        for known in (self.unknown, self.refused):
            known.clear()

    def _answer(self, request: Request) -> Reply:
        asked = read(request)
        try:
            if asked.action == "AssumeRoleWithWebIdentity":
                return self._assume_by_token(asked)
            identity = self._identity(asked)
            if asked.action == "GetCallerIdentity":  # which needs no right
                return self._caller(identity)
            self._check(asked, identity)
            return self._allowed(asked, identity)
        except RefusedError as refused:
            return refused.reply(asked.protocol)

    # who calls, and what that is allowed

    def _identity(self, asked: Asked) -> Identity:
        try:
            return self.identities.who_signed(asked.request, asked.key)
        except UnknownKeyError:
            raise RefusedError(*UNKNOWN_KEY[asked.protocol]) from None
        except ExpiredKeyError:
            raise RefusedError(*EXPIRED_KEY[asked.protocol]) from None
        except WrongSecretError:
            raise RefusedError(*WRONG_SECRET[asked.protocol]) from None

    def _check(self, asked: Asked, identity: Identity) -> None:
        needed = list(self._needs(asked))
        if not needed and not identity.is_owner:
            what = f"{asked.service} {asked.action or asked.request.method + ' ' + asked.request.address}"
            self.unknown.append(what)
            raise RefusedError("NotImplemented", f"this stand-in does not know what {what} needs", 501)
        for call in needed:
            self._check_one(asked, identity, call)

    def _check_one(self, asked: Asked, identity: Identity, call: Call) -> None:
        decision = decide(identity.principal, identity.policies, self._buckets.about(call), call)
        if decision == "allowed":
            return
        shown = Call(call.action, f'"{call.resource}"') if asked.service == "s3" else call
        message = refusal(identity.principal, shown, decision)
        self.refused.append(message)
        name, status = NOT_ALLOWED[asked.protocol]
        raise RefusedError(name, message, status)

    def _needs(self, asked: Asked) -> list[Call]:
        where = f"{asked.region}:{self._account}"
        match asked.service:
            case "iam":
                return list(calls.of_iam(self._account, asked.body))
            case "ecr":
                return list(calls.of_ecr(where, asked.action, asked.body))
            case "secretsmanager":
                return list(
                    calls.of_secrets(asked.action, asked.body, lambda name: self._secret_arn(name, asked.region))
                )
            case "s3":
                headers = {name.lower(): value for name, value in asked.request.headers.items()}
                needed = calls.of_s3(asked.request.method, asked.path, asked.query, headers, asked.request.body)
                return [Call(one.action, one.resource, {"aws:SecureTransport": "true"}) for one in needed]
        return []

    def _secret_arn(self, name: str, region: str) -> str:
        try:
            return str(self.direct("secretsmanager", region).describe_secret(SecretId=name)["ARN"])
        except ClientError:
            return name if name.startswith("arn:") else f"arn:aws:secretsmanager:{region}:{self._account}:secret:{name}"

    # what is answered here, and what comes too early

    def _allowed(self, asked: Asked, identity: Identity) -> Reply:
        self._too_early(asked)
        if asked.service == "s3" and asked.query.keys() & {"policy"}:
            return self._buckets.answer(asked.request.method, asked.path.strip("/"), asked.request.body)
        if asked.action == "ListRoles" and self._is_too_new_to_be_listed(asked):
            return Reply(200, NO_ROLES, (("Content-Type", "text/xml"),))
        if asked.action == "CreateServiceLinkedRole":
            self._refuse_second_role(asked)
        writes = asked.service == "iam" and not asked.action.startswith(("Get", "List"))
        if writes:
            check_quotas(self.direct("iam"), asked)
        if writes and self.delays.calls and asked.action in GIVES_RIGHTS:
            self.identities.about_to_change(*asked.somebody())
        reply = self._forward(asked.request)
        if reply.status < 300:
            self._made(asked, reply.body.decode(errors="replace"))
        if writes:
            self.identities.changed()
        if asked.service == "s3":
            self._hide_what_may_not_be_listed(asked, identity, reply)
        return reply

    def _too_early(self, asked: Asked) -> None:
        """Refuse what names something that is not known yet."""
        if asked.service == "iam" and asked.action not in ("CreateUser", "CreateRole"):
            for parameter, kind in OF_SOMEBODY.items():
                name = asked.body.get(parameter)
                if name and self.delays.hide((kind, name)):
                    raise RefusedError("NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404)
        if asked.service == "secretsmanager" and "SecretId" in asked.body:
            name = re.sub(r"^arn:.*:secret:(.*)-[^-]{6}$", r"\1", asked.body["SecretId"])
            if self.delays.hide(("secret", name)):
                raise RefusedError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")

    def _made(self, asked: Asked, told: str) -> None:
        """Something was made: it is not known everywhere yet."""
        match asked.action:
            case "CreateUser" | "CreateRole":
                self.delays.made(asked.somebody())
                self.delays.made(("to ECS", asked.somebody()[1]))
            case "CreateServiceLinkedRole":
                self.delays.made(("role", first("RoleName", told)))
            case "CreateAccessKey":
                key = first("AccessKeyId", told)
                self.identities.got(key, html.unescape(first("SecretAccessKey", told)))
                self.delays.made(("key", key))
            case action if action in GIVES_RIGHTS:
                self.delays.made(("policies", "/".join(asked.somebody())))
            case "CreatePolicy":
                self.delays.made(("policy", first("Arn", told)))
            case "CreateOpenIDConnectProvider":
                self.delays.made(("provider", first("OpenIDConnectProviderArn", told)))
            case "CreateSecret":
                self.delays.made(("secret", asked.body["Name"]))

    def _is_too_new_to_be_listed(self, asked: Asked) -> bool:
        """Whether a role is not known yet of those that a service of AWS's works as."""
        path = asked.body.get("PathPrefix", "")
        listed = self.direct("iam").list_roles(PathPrefix=path)["Roles"] if path else []
        return any(self.delays.hide(("role", role["RoleName"])) for role in listed)

    def _refuse_second_role(self, asked: Asked) -> None:
        """An account has one such role of a service's."""
        path = f"/aws-service-role/{asked.body['AWSServiceName']}/"
        for role in self.direct("iam").list_roles(PathPrefix=path)["Roles"]:
            message = (
                f"Service role name {role['RoleName']} has been taken in this account, please try a different suffix."
            )
            raise RefusedError("InvalidInput", message)

    def _hide_what_may_not_be_listed(self, asked: Asked, identity: Identity, reply: Reply) -> None:
        """Whether an object is there is told only to who may list the bucket."""
        bucket, _, key = asked.path.lstrip("/").partition("/")
        if reply.status == 404 and key and asked.request.method in ("GET", "HEAD"):
            listing = Call("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"aws:SecureTransport": "true"})
            self._check_one(asked, identity, listing)

    def _caller(self, identity: Identity) -> Reply:
        told = f"<Arn>{identity.principal.arn}</Arn><UserId>AIDA</UserId><Account>{self._account}</Account>"
        result = f"<GetCallerIdentityResult>{told}</GetCallerIdentityResult>"
        whole = f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>"
        return Reply(200, whole.encode(), (("Content-Type", "text/xml"),))

    def _assume_by_token(self, asked: Asked) -> Reply:
        part = asked.body["WebIdentityToken"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        try:
            self.identities.check_web_identity(asked.body["RoleArn"], claims)
        except NotTrustedError as refused:
            raise RefusedError(refused.code, str(refused), 403 if refused.code == "AccessDenied" else 400) from None
        reply = self._forward(asked.request)
        told = reply.body.decode()
        key, token, secret = (first(name, told) for name in ("AccessKeyId", "SessionToken", "SecretAccessKey"))
        session = Session(asked.body["RoleArn"].rpartition("/")[2], first("Arn", told), token, secret)
        self.identities.took(key, session)
        return reply

    def _forward(self, request: Request) -> Reply:
        connection = http.client.HTTPConnection(str(self._moto.hostname), self._moto.port, timeout=120)
        try:
            connection.putrequest(request.method, request.address, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "expect", "connection"):
                    connection.putheader(name, value)
            if "Host" not in request.headers:
                connection.putheader("Host", self._moto.netloc)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            answer = connection.getresponse()
            headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in NOT_FORWARDED]
            return Reply(answer.status, answer.read(), tuple(headers))
        finally:
            connection.close()
