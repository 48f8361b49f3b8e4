"""Who calls, and by which policies: moto's users and roles, the sessions of those who took a role, and the owner."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from cd4ml.deploy.fargate import policies
from cd4ml.deploy.fargate.settings import Place
from cd4ml.deploy.set_up.identities import Jobs
from cd4ml.deploy.set_up.repository import Repository
from cd4ml.deploy.set_up.subjects import subject as subject_of

from tests.delivery.stand_ins.delays import Delays
from tests.delivery.stand_ins.listening import Request

from .policies import Call, Principal, decide
from .signatures import is_signed_with

Json = dict[str, Any]
Client = Callable[[str], Any]  # of a service of moto's, for somebody who may do anything

OWNER, SECRET = "test", "s3cret-of-aws"  # the access key of the account's owner
ANYTHING: Json = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class UnknownKeyError(Exception):
    """Nobody has this access key, or this session token."""


class ExpiredKeyError(Exception):
    """The session of this access key is over."""


class WrongSecretError(Exception):
    """Somebody has this access key, and another secret made the signature."""


class NotTrustedError(Exception):
    """A role does not trust who wants to take it; the message is the API's, `code` its name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Identity:
    """Somebody who calls."""

    principal: Principal
    policies: list[Json]
    is_owner: bool = False


@dataclass(frozen=True)
class Session:
    """What somebody holds who took a role."""

    role: str
    arn: str
    token: str
    secret: str


class Identities:
    """The users, roles and sessions of one account."""

    def __init__(self, client: Client, account: str, delays: Delays) -> None:
        self._iam, self._account, self._delays = client("iam"), account, delays
        self.expired: set[str] = set()
        self._sessions: dict[str, Session] = {}
        self._secrets: dict[str, str] = {}  # of users' access keys
        self._kept: dict[str, list[Json]] = {}  # by "user/NAME" or "role/NAME", until `changed`
        self._earlier: dict[str, list[Json]] = {}  # before what was just written

    def reset(self) -> None:
        """Forget everything."""
        for known in (self.expired, self._sessions, self._secrets, self._kept, self._earlier):
            known.clear()

    def who_signed(self, request: Request, key: str) -> Identity:
        """Return who has an access key, and has signed a request with it.

        Raises:
            UnknownKeyError: nobody has it, or its session has another token.
            ExpiredKeyError: its session is over.
            WrongSecretError: the signature is not its own.
        """
        identity = self._of(key, request.headers.get("X-Amz-Security-Token"))
        secret = self._sessions[key].secret if key in self._sessions else self._secrets.get(key, SECRET)
        if not is_signed_with(secret, request):
            raise WrongSecretError(key)
        return identity

    def _of(self, key: str, token: str | None) -> Identity:
        if key in self.expired:
            raise ExpiredKeyError(key)
        if key == OWNER:
            arn = f"arn:aws:iam::{self._account}:root"
            return Identity(Principal(arn, self._names()), [ANYTHING], is_owner=True)
        if key in self._sessions:
            session = self._sessions[key]
            if session.token != token:
                raise UnknownKeyError(key)
            role = ("AWS", f"arn:aws:iam::{self._account}:role/{session.role}")
            return Identity(Principal(session.arn, self._names() | {role}), self.policies("role", session.role))
        name = self._owner_of(key)
        arn = f"arn:aws:iam::{self._account}:user/{name}"
        return Identity(Principal(arn, self._names()), self.policies("user", name))

    def _names(self) -> frozenset[tuple[str, str]]:
        return frozenset({("AWS", self._account), ("AWS", f"arn:aws:iam::{self._account}:root")})

    def _owner_of(self, key: str) -> str:
        if self._delays.hide(("key", key)):
            raise UnknownKeyError(key)
        try:
            name = str(self._iam.get_access_key_last_used(AccessKeyId=key)["UserName"])
        except ClientError:
            raise UnknownKeyError(key) from None
        listed = self._iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
        if not any(one["AccessKeyId"] == key and one["Status"] == "Active" for one in listed):
            raise UnknownKeyError(key)
        return name

    def policies(self, kind: str, name: str) -> list[Json]:
        """Return the inline and attached policies of a `user` or a `role`."""
        whole = f"{kind}/{name}"
        if self._delays.hide(("policies", whole)):
            return self._earlier.get(whole, [])
        if whole not in self._kept:
            self._kept[whole] = self._read(kind, name)
        return self._kept[whole]

    def _read(self, kind: str, name: str) -> list[Json]:
        who = {f"{kind.title()}Name": name}
        try:
            inline = getattr(self._iam, f"list_{kind}_policies")(**who)["PolicyNames"]
        except ClientError:  # it was removed, and somebody still works as it
            return []
        get = getattr(self._iam, f"get_{kind}_policy")
        documents = [get(**who, PolicyName=policy)["PolicyDocument"] for policy in inline]
        for attached in getattr(self._iam, f"list_attached_{kind}_policies")(**who)["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            version = self._iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            told = self._iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
            documents.append(told)
        return documents

    def about_to_change(self, kind: str, name: str) -> None:
        """Remember the policies of somebody, which hold for as long as the new ones are not known."""
        self._earlier[f"{kind}/{name}"] = self._read(kind, name)

    def changed(self) -> None:
        """Read everything anew: IAM was written to."""
        self._kept.clear()

    def has_service_role(self, service: str) -> bool:
        """Whether the account has the role that a service of AWS's runs as, and that service knows it by now."""
        roles = self._iam.list_roles(PathPrefix=f"/aws-service-role/{service}/")["Roles"]
        return bool(roles) and not any(self._delays.hide(("role", role["RoleName"])) for role in roles)

    def is_new_to_ecs(self, role: str) -> bool:
        """Whether ECS does not know a role yet (by its ARN)."""
        return self._delays.hide(("to ECS", role.rpartition("/")[2]))

    def trusts(self, role: str, principal: Principal, call: str, context: dict[str, str]) -> bool:
        """Whether there is a role (by its ARN) that trusts somebody."""
        name = role.rpartition("/")[2]
        try:
            document = self._iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        except ClientError:
            return False
        return decide(principal, [], [document], Call(call, role, context)) == "allowed"

    def check_web_identity(self, role: str, token: Json) -> None:
        """Refuse who wants to take a role by a token of an identity provider's, as STS does.

        Raises:
            NotTrustedError: the provider, the audience or the role does not know it.
        """
        issuer = str(token["iss"]).removeprefix("https://")
        arn = f"arn:aws:iam::{self._account}:oidc-provider/{issuer}"
        try:
            audiences = self._iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
        except ClientError:
            audiences = None
        if audiences is None or self._delays.hide(("provider", arn)):
            raise NotTrustedError(
                "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {token['iss']}"
            )
        if token["aud"] not in audiences:
            raise NotTrustedError("InvalidIdentityToken", "Incorrect token audience")
        if token["exp"] < time.time():
            raise NotTrustedError("ExpiredTokenException", "Token expired")
        context = {f"{issuer}:aud": token["aud"], f"{issuer}:sub": token["sub"]}
        provider = Principal(arn, frozenset({("Federated", arn)}))
        if not self.trusts(role, provider, "sts:AssumeRoleWithWebIdentity", context):
            raise NotTrustedError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")

    def got(self, key: str, secret: str) -> None:
        """Somebody has got an access key, and its secret."""
        self._secrets[key] = secret

    def took(self, key: str, session: Session) -> None:
        """Somebody has taken a role."""
        self._sessions[key] = session


def policy(name: str, slug: str, account: str, region: str, who: str = "", subject: str = "") -> str:
    """Return a policy of a project's user or role, as `bootstrap` gives it.

    A `trust-github` policy is about what `who` signs in as, and GitHub's `subject`.
    """
    environments = Jobs().environments_of(who) if name == "trust-github" else ()
    repository = Repository("acme/flights", 2, 1, "main")
    subjects = [subject_of(subject, repository, environment) for environment in environments]
    told = policies.policy(Place(slug, region, account, ""), name, subjects=subjects)
    assert told["Statement"]
    return policies.as_text(told)
