"""Who may ask: tokens for those who sign in, and the app registrations that GitHub's jobs sign in as."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from typing import Any
from urllib.parse import parse_qs

from tests.delivery.stand_ins.delays import Delays

Json = dict[str, Any]

WRONG_SECRET = "AADSTS7000215: Invalid client secret provided."
EXPIRED_SECRET = "AADSTS7000222: The provided client secret keys for app '{}' are expired."

NOT_TRUSTED = "AADSTS700213: No matching federated identity record found for presented assertion subject '{}'."


class RefusedError(Exception):
    """The API refuses a request: status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def _part(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class Entra:
    """One tenant: its app registrations by number, principals, and the tokens it gave."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.owner, self.owner_secret = str(uuid.uuid4()), "s3cret-of-the-owner"
        self.apps: dict[str, Json] = {}  # by the id of the object, as the addresses have it
        self.principals: dict[str, Json] = {}
        self.expired = False  # whether secrets, and tokens that were given, hold no longer
        self.forbids_keys = False
        self._secrets: dict[str, str] = {}  # by the number of the key: never shown again
        self._tokens: dict[str, str] = {}  # whose each is
        self._kept_names: set[str] = set()  # the alternate keys of apps that were deleted: for 30 days
        self.delays = Delays()

    # signing in

    def about(self, base: str) -> Json:
        """What a client has to know of the tenant, in OpenID's words."""
        return {
            "issuer": f"{base}/{self.tenant}/v2.0",
            "authorization_endpoint": f"{base}/{self.tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/{self.tenant}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/{self.tenant}/oauth2/v2.0/devicecode",
        }

    def sign_in(self, form: bytes) -> Json:
        """Give a token for a client's secret, or for what GitHub says of a job that the client trusts.

        Raises:
            RefusedError: it is not the client's, has expired, or is of another job.
        """
        told = {name: values[0] for name, values in parse_qs(form.decode()).items()}
        client = told.get("client_id", "")
        if "client_assertion" in told:
            self._check_job(client, told["client_assertion"])
        elif self.expired:
            raise RefusedError(401, "invalid_client", EXPIRED_SECRET.format(client))
        elif told.get("client_secret") not in self._secrets_of(client):
            raise RefusedError(401, "invalid_client", WRONG_SECRET)
        claims = {"tid": self.tenant, "appid": client, "oid": client, "sub": client, "exp": time.time() + 3600}
        token = f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims | {'jti': str(uuid.uuid4())})}.none"
        self._tokens[token] = client
        return {"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": token}

    def _check_job(self, client: str, token: str) -> None:
        middle = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        told = (claims["iss"], claims["sub"], claims["aud"])
        trusts = [trust for app in self.apps.values() if app["appId"] == client for trust in app["trusts"]]
        if told not in {(one["issuer"], one["subject"], audience) for one in trusts for audience in one["audiences"]}:
            raise RefusedError(401, "invalid_client", NOT_TRUSTED.format(claims["sub"]))

    def _secrets_of(self, client: str) -> set[str]:
        if client == self.owner:
            return {self.owner_secret}
        held = [app for app in self.apps.values() if app["appId"] == client]
        return {self._secrets[key["keyId"]] for app in held for key in app["passwordCredentials"]}

    def who(self, authorization: str | None) -> str:
        """Return who asks: the number of the app, or the owner's own.

        Raises:
            RefusedError: it has none.
        """
        token = (authorization or "").removeprefix("Bearer ")
        if token not in self._tokens:
            raise RefusedError(401, "AuthenticationFailed", "Authentication failed.")
        if self.expired:
            raise RefusedError(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is in the past.")
        return self._tokens[token]

    def principal_of(self, client: str) -> str:
        """The number of an app's principal, which roles are given to; the app's own where it has none."""
        return next((number for number, one in self.principals.items() if one["appId"] == client), client)

    # Microsoft Graph

    def graph(
        self, method: str, path: str, query: dict[str, list[str]], body: Any, prefer: str | None = None
    ) -> Json | None:
        """Answer what az asks of Graph, with nothing where it has nothing to say; None where it is not known here."""
        if path == "/policies/defaultAppManagementPolicy":
            forbidden = [{"restrictionType": "passwordAddition"}] if self.forbids_keys else []
            return {"isEnabled": self.forbids_keys, "applicationRestrictions": {"passwordCredentials": forbidden}}
        if found := re.fullmatch(r"/(applications|servicePrincipals)\((uniqueName|appId)='([^']+)'\)", path):
            kind, key, value = found.groups()
            return self._by_key(method, kind, key, value, body, creates=prefer == "create-if-missing")
        if not (found := re.fullmatch(r"/(applications|servicePrincipals)(?:/([^/]+))?(?:/(\w+))?", path)):
            return None
        kind, which, verb = found.groups()
        kept = self.apps if kind == "applications" else self.principals
        if which is None:
            if method == "POST":
                return self._make(kept, body)
            return {"value": [one for one in _chosen(kept, query) if not self.delays.hide(f"{one['id']} in lists")]}
        if which not in kept or self.delays.hide(which):
            raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{which}' does not exist.")
        if verb is not None:
            return self._of_app(method, kept[which], verb, body)
        if method == "DELETE":
            gone = kept.pop(which)
            self._kept_names.add(gone.get("uniqueName", ""))
            self.principals = {i: one for i, one in self.principals.items() if one["appId"] != gone["appId"]}
            return {}
        return kept[which]

    def _by_key(self, method: str, kind: str, key: str, value: str, body: Any, creates: bool) -> Json | None:
        """Read what has an alternate key; or change it, and make it where that is preferred.

        A read may not know yet what a write does.
        """
        kept = self.apps if kind == "applications" else self.principals
        known = next((one for one in kept.values() if one.get(key) == value), None)
        if method == "PATCH" and known:
            known |= body
            return {}
        if method == "PATCH" and creates and kind == "applications":
            if value in self._kept_names:
                message = "Another object with the same value for property uniqueName already exists."
                raise RefusedError(400, "Request_BadRequest", message)
            return self._make(kept, body | {key: value})
        if method not in ("GET", "PATCH"):
            return None
        if known is None or self.delays.hide(known["id"]):
            raise RefusedError(404, "Request_ResourceNotFound", f"Resource '{value}' does not exist.")
        return known

    def _make(self, kept: dict[str, Json], body: Json) -> Json:
        if kept is self.principals and body["appId"] not in {app["appId"] for app in self.apps.values()}:
            raise RefusedError(
                400, "Request_BadRequest", f"The appId '{body['appId']}' does not reference an application."
            )
        if kept is self.principals and body["appId"] in {one["appId"] for one in kept.values()}:
            message = f"The service principal name {body['appId']} is already in use."
            raise RefusedError(409, "Request_MultipleObjectsWithSameKeyValue", message)
        named = [app["id"] for app in self.apps.values() if app["appId"] == body.get("appId")]
        if kept is self.principals and self.delays.hide(named[0]):
            message = (
                f"The appId '{body['appId']}' of the service principal does not reference a valid application object."
            )
            raise RefusedError(400, "Request_BadRequest", message)
        number = str(uuid.uuid4())
        self.delays.made(number)
        self.delays.made(f"{number} in lists", 5)
        held: Json = {"passwordCredentials": [], "keyCredentials": [], "trusts": []}
        kept[number] = {"appId": str(uuid.uuid4())} | held | body | {"id": number}
        return kept[number]

    def _of_app(self, method: str, app: Json, verb: str, body: Any) -> Json | None:
        match method, verb:
            case "POST", "addPassword":
                number, secret = str(uuid.uuid4()), f"secret of {uuid.uuid4()}"
                self._secrets[number] = secret
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                key: Json = {"keyId": number, "startDateTime": now} | body["passwordCredential"]
                app["passwordCredentials"].append(key)
                return key | {"secretText": secret}
            case "POST", "removePassword":
                held = app["passwordCredentials"]
                app["passwordCredentials"] = [key for key in held if key["keyId"] != body["keyId"]]
                return {}
            case "GET", "federatedIdentityCredentials":
                return {"value": app["trusts"]}
            case "POST", "federatedIdentityCredentials":
                if body["name"] in {trust["name"] for trust in app["trusts"]}:
                    message = f"FederatedIdentityCredential with name {body['name']} already exists."
                    raise RefusedError(409, "Request_MultipleObjectsWithSameKeyValue", message)
                app["trusts"].append(body | {"id": str(uuid.uuid4())})
                return dict(app["trusts"][-1])
        return None

    def number_of(self, key: str) -> str:
        """Return the number of the key that has this secret."""
        return next(number for number, secret in self._secrets.items() if secret == key)


def _chosen(kept: dict[str, Json], query: dict[str, list[str]]) -> list[Json]:
    """Those that a filter names: by the beginning of a property's value, by all of it, or by one of several names."""
    asked = query.get("$filter", [""])[0]
    begins = re.fullmatch(r"startswith\((\w+),'([^']*)'\)", asked)
    equals = re.findall(r"(\w+) eq '([^']*)'", asked)
    has = re.findall(r"servicePrincipalNames/any\(c:c eq '([^']*)'\)", asked)
    return [
        one for one in kept.values()
        if (not begins or str(one.get(begins[1], "")).startswith(begins[2]))
        and (has or all(str(one.get(name)) == value for name, value in equals))
        and (not has or one["appId"] in has)
    ]  # fmt: skip
